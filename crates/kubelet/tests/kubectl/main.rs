//! Does kubectl work against a node, through a real API server?
//!
//! Each way that the words may take is tried: kubectl speaks SPDY or WebSockets, and an API server
//! translates WebSockets unless the node says that it understands them.
#![cfg(test)]

mod auth;
mod commands;
mod control_plane;
mod forwarding;
mod logs;
mod node;
