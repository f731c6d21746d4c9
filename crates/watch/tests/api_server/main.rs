//! Is what is told what a real API server holds, whatever happens to it?
#![expect(clippy::unwrap_used, reason = "a rig that cannot be set up ends its test")]

mod credentials;
mod forms;
mod objects;
mod outages;
mod reader;
mod ways;
