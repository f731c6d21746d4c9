//! Is what configures a cluster DNS understood, and told where it is not?
