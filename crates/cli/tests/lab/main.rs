//! Does a lab do what a cluster does, and is nothing left of it?
#![cfg(test)]

mod alone;
mod changes;
mod dns;
mod foretold;
mod pods;
mod rig;
mod sources;
mod wrong;
