#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod answer;
mod duration;
mod grpc_health;
mod http;
mod listen;
mod options;
mod report;
mod run;
mod switches;
mod tcp;
#[cfg(test)]
mod tests;
mod udp;

pub use listen::{Failure, Listening};
pub use options::{InvalidOption, Options};
pub use report::{Identity, Report, Request};
pub use run::run;
