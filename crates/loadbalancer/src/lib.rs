#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod balancers;
mod event;
mod node_ip;
mod node_port;
mod seen;
mod step;
#[cfg(test)]
mod tests;
mod vip;
mod wanted;

pub use balancers::{Due, LoadBalancers, Settings};
pub use event::Event;
pub use seen::{FINALIZER, HELD, hold, let_go};
pub use step::Step;
pub use wanted::{Condition, RELEASED, Status};
