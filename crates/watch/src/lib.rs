#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod event;

pub use event::Event;
