//! How do steps become netlink messages, and what do the kernel's messages say about our table?
//!
//! Bytes in, bytes out: sockets are somebody else's. What the kernel sends is not trusted: what
//! cannot be read is foreign, and never a panic.

mod attribute;
mod batch;
mod element;
mod expr;
mod kernel;
mod set;
mod userdata;

pub use batch::{Batch, encode};

#[cfg(test)]
mod tests;
