#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod answer;
mod connections;

pub use answer::Answer;
pub use connections::{Listener, Site, Stop, listen, listen_if_possible, serve, stopped};
