#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod api_server;
mod disk;
mod event;
mod files;
mod folder;
mod settle;
#[cfg(test)]
mod tests;
mod walk;

pub use api_server::{
    Access, AccessError, ApiServer, ApiServerState, ApiServerStatus, ApiServerStopper,
    CollectionState, Counts, PodScope, Trouble, Wanted,
};
pub use event::Event;
pub use folder::{Folder, OpenError, Stopper};
