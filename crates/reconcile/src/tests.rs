//! Do the program and the kernel agree with the oracle?

mod affinity;
mod bounds;
mod cluster;
mod counts;
mod faults;
mod feature;
mod flows;
mod kernel;
mod local_dns;
mod program;
mod read_back;
mod scenarios;
mod simulated;
