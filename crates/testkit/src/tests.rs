//! Do the scenarios hold, and does the rig see what a kernel does?

mod rig;
mod scenarios;
