#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod cache;
pub mod config;
pub mod follow;
pub mod forward;
pub mod received;
pub mod respond;
pub mod setup;
pub mod wire;
pub mod zone;
