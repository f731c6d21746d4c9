#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod answer;
mod connections;

pub use answer::Answer;
pub use connections::{Listener, Site, Stop, is_family_missing, listen, serve, stopped};
