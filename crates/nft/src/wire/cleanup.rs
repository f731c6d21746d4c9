//! How is a whole table removed, ours or another program's?

use super::attribute::Writer;
use super::kernel::{
    NFPROTO_INET, NFPROTO_UNSPEC, NLM_F_ACK, NLM_F_REQUEST, SUBSYSTEM, message, table,
};
use crate::name::TABLE;
use crate::value::{NFPROTO_IPV4, NFPROTO_IPV6};

/// A table of nftables: what `nft` calls its family, and its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableName {
    pub family: &'static str,
    pub name: &'static str,
    number: u8,
}

/// The one table that is ours.
pub const OWN_TABLE: TableName = TableName { family: "inet", name: TABLE, number: NFPROTO_INET };

/// The tables of kube-proxy's nftables mode.
pub const KUBE_PROXY_TABLES: [TableName; 2] = [
    TableName { family: "ip", name: "kube-proxy", number: NFPROTO_IPV4 },
    TableName { family: "ip6", name: "kube-proxy", number: NFPROTO_IPV6 },
];

/// A transaction that removes a table with everything in it. The kernel refuses it (ENOENT) when
/// there is none.
#[must_use]
pub fn delete_table(name: TableName) -> Vec<u8> {
    let mut w = Writer::default();
    let edge = (NFPROTO_UNSPEC, SUBSYSTEM);
    w.message((message::BATCH_BEGIN, NLM_F_REQUEST), 1, edge, |_| {});
    w.message((message::DELTABLE, NLM_F_REQUEST), 2, (name.number, 0), |w| {
        w.text(table::NAME, name.name);
    });
    w.message((message::BATCH_END, NLM_F_REQUEST | NLM_F_ACK), 3, edge, |_| {});
    w.into_bytes()
}
