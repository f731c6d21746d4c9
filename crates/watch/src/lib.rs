#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod disk;
mod event;
mod files;
mod folder;
mod settle;
#[cfg(test)]
mod tests;
mod walk;

pub use event::Event;
pub use folder::{Folder, OpenError, Stopper};
