//! Does the announcement do what it must?

mod conflicts;
mod failover;
mod frames;
mod hello;
mod histories;
mod kernel;
mod links;
mod ranking;
mod sizes;
mod views;
mod world;
