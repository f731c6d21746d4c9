//! Does received do what it promises?
