//! How do steps become netlink messages, and what do the kernel's messages say about our table?
//!
//! Bytes in, bytes out: sockets are somebody else's. What the kernel sends is not trusted: what
//! cannot be read is foreign, and never a panic.

mod attribute;
mod batch;
mod chain;
mod cleanup;
mod counter;
mod element;
mod expr;
mod kernel;
mod local_dns;
mod notification;
mod read;
mod read_expr;
mod request;
mod set;
mod userdata;

pub use batch::{Batch, encode};
pub use cleanup::{KUBE_PROXY_TABLES, OWN_TABLE, TableName, delete_table};
pub use counter::{Count, element_counts, rule_count};
pub use local_dns::local_dns_table;
pub use notification::{Touched, notification, touches_us};
pub use read::{RulesetReader, decode_any};
pub use request::{dump_chains, dump_rules, dump_set, dump_sets, dump_table, one_element};

#[cfg(test)]
mod tests;
