#![doc = include_str!("../README.md")]

pub mod address;
pub mod adjacency;
pub mod bind;
pub mod capability;
pub mod clock;
pub mod conntrack;
pub mod datagram;
pub mod dummy;
pub mod groups;
pub mod handover;
pub mod link;
pub mod memory;
pub mod monitor;
pub mod netfilter;
pub mod netlink;
pub mod netns;
pub mod priority;
pub mod process;
pub mod program;
pub mod rfc3339;
mod rtnetlink;
pub mod sandbox;
pub mod segment;
pub mod skip;
pub mod sysctl;
pub mod terminal;
pub mod wake;

pub use rtnetlink::RtnetlinkError;

#[cfg(test)]
mod tests;
