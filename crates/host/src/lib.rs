#![doc = include_str!("../README.md")]

pub mod capability;
pub mod clock;
pub mod link;
pub mod netfilter;
pub mod netlink;
pub mod netns;
pub mod process;
mod rtnetlink;
pub mod skip;

pub use rtnetlink::RtnetlinkError;

#[cfg(test)]
mod tests;
