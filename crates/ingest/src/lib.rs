#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod address;
pub mod api;
mod config_map;
mod dns_name;
mod intern;
mod labels;
pub mod manifest;
mod merge;
mod names;
mod namespace;
mod node;
mod number;
mod objects;
mod pair;
mod pod;
mod protocol;
mod rejected;
mod report;
mod service;
mod service_cidr;
mod service_import;
mod slice;
mod slices;
#[cfg(test)]
mod tests;
mod time;
mod yaml;

pub use config_map::{DNS_CONFIG_MAPS, DNS_NAMESPACE};
pub use objects::{Objects, Touched};
