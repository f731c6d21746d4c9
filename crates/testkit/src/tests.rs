//! Do the scenarios hold, does the rig see what a kernel does, and is a wrong answer of the DNS told?

mod dns_answers;
mod dns_messages;
mod dns_rows;
mod format;
mod generated;
mod rig;
mod scenarios;
