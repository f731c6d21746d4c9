//! Does pogu do what it says on a real API server?
#![expect(clippy::unwrap_used, reason = "a rig that cannot be set up ends its test")]

mod controllers;
mod deploy;
mod process;
