//! Is what is told right, and readable?
