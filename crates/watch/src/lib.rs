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
    Access, AccessError, ApiServer, ApiServerState, ApiServerStatus, ApiServerStopper, Caller,
    CollectionState, Counts, Followed, Method, PodScope, Report, RequestError, Requests, Trouble,
    Wanted, pause, random, report, with_causes,
};
pub use event::Event;
pub use folder::{Folder, OpenError, Stopper};
