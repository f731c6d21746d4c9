//! Does the announcement do what it must?

mod failover;
mod frames;
mod hello;
mod histories;
mod kernel;
mod ranking;
mod world;
