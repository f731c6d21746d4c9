//! Is what is told right, and readable?

mod asked;
mod json;
mod kernel;
mod never_wrong;
mod observed;
mod traces;
