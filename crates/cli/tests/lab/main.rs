//! Does a lab do what a cluster does, and is nothing left of it?
#![cfg(test)]

mod alone;
mod changes;
mod conformance;
mod control_plane;
mod dns;
mod failover;
mod foretold;
mod host_ports;
mod joined;
mod joined_account;
mod joined_endpoints;
mod joined_events;
mod joined_input;
mod joined_logs;
mod joined_outside;
mod joined_variables;
mod joined_volumes;
mod pods;
mod pools;
mod rig;
mod sources;
mod traffic;
mod wrong;
