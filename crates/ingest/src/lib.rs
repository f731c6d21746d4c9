#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod address;
mod address_pool;
mod address_pools;
mod address_request;
pub mod api;
mod config_map;
mod dns_name;
mod intern;
mod l2_advertisement;
mod label_selector;
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
pub mod protobuf;
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

pub use address_request::{address_request, outside_addresses};
pub use config_map::{DNS_CONFIG_MAPS, DNS_NAMESPACE};
pub use objects::{Objects, Touched};
pub use service::ALLOCATED;
