#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod addresses;
mod campaign;
mod conditions;
mod election;
mod events;
mod figures;
mod lease;
mod pace;
mod problem;
mod run;
mod site;
#[cfg(test)]
mod tests;
mod work;
mod writer;

pub use election::Timing;
pub use lease::LeaseName;
pub use run::{Addresses, Failure, Settings, run};
pub use writer::{ADDRESS_MANAGER, FIELD_MANAGER};
