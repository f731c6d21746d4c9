//! Do the pieces of the agent, taken from outside, say what they should?

mod config;
