//! Do the scenarios hold, and does the rig see what a kernel does?

mod format;
mod generated;
mod rig;
mod scenarios;
