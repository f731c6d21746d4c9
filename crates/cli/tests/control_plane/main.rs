//! Does pogu do what it says on a real API server?
#![expect(clippy::print_stdout, reason = "figures are shown")]
#![expect(clippy::unwrap_used, reason = "a rig that cannot be set up ends its test")]

mod acts;
mod addresses;
mod audit;
mod clocks;
mod controllers;
mod deploy;
mod everything;
mod faults;
mod grants;
mod outage;
mod process;
mod rights;
mod roles;
mod selectors;
mod unreachable;
mod versions;
mod ways;
