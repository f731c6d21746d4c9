//! Do the program and the kernel agree with the oracle?

mod cluster;
mod counts;
mod faults;
mod kernel;
mod program;
mod scenarios;
