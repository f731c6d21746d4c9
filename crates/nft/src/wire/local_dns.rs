//! How is the table for the DNS of this host said to the kernel, so that it ends with its owner?

use std::collections::BTreeSet;
use std::net::SocketAddr;

use model::Family;

use super::attribute::Writer;
use super::chain::write_chain;
use super::element::write_element;
use super::expr::write_exprs;
use super::kernel::{
    NFPROTO_INET, NFPROTO_UNSPEC, NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_REQUEST, SUBSYSTEM,
    element_list, message, rule, table, table_flag,
};
use super::set::write_set;
use crate::local_dns::{CHAINS, LOCAL_DNS_MAX, Untracked, elements, rules};
use crate::name::SetId;
use crate::set::SetSpec;

/// A transaction that makes the table of this name anew, so that it holds just these transport
/// addresses, at most [`LOCAL_DNS_MAX`] of them. The socket that sends it owns the table: nobody
/// else can change it, and the kernel removes it when the socket is closed. The kernel refuses it
/// (EPERM) while another socket owns the table.
#[must_use]
pub fn local_dns_table(
    name: &str,
    addresses: &BTreeSet<SocketAddr>,
    untracked: Untracked,
) -> Vec<u8> {
    let mut messages = Messages { w: Writer::default(), sequence: 0 };
    messages.edge((message::BATCH_BEGIN, NLM_F_REQUEST));
    // Made first, in case that there is none, so that it can be removed.
    messages.about((message::NEWTABLE, NLM_F_CREATE), |w| w.text(table::NAME, name));
    messages.about((message::DELTABLE, 0), |w| w.text(table::NAME, name));
    messages.about((message::NEWTABLE, NLM_F_CREATE), |w| {
        w.text(table::NAME, name);
        w.be32(table::FLAGS, table_flag::OWNER);
    });
    for (number, family) in (1..).zip(Family::ALL) {
        // Without elements that packets write: there is nothing to bound.
        let spec = SetSpec::of(SetId::LocalDns(family), 0);
        messages.about((message::NEWSET, NLM_F_CREATE), |w| write_set(w, name, &spec, number));
    }
    for (chain, attachment) in &CHAINS {
        messages.about((message::NEWCHAIN, NLM_F_CREATE), |w| {
            write_chain(w, (name, chain), Some(*attachment));
        });
        for exprs in rules(untracked) {
            messages.about((message::NEWRULE, NLM_F_CREATE | NLM_F_APPEND), |w| {
                w.text(rule::TABLE, name);
                w.text(rule::CHAIN, chain);
                w.nested(rule::EXPRESSIONS, |w| write_exprs(w, &exprs));
            });
        }
    }
    let all: Vec<_> = addresses.iter().take(LOCAL_DNS_MAX).copied().flat_map(elements).collect();
    for element in all {
        messages.about((message::NEWSETELEM, NLM_F_CREATE), |w| {
            w.text(element_list::TABLE, name);
            w.text(element_list::SET, element.set);
            w.nested(element_list::ELEMENTS, |w| write_element(w, &element));
        });
    }
    messages.edge((message::BATCH_END, NLM_F_REQUEST | NLM_F_ACK));
    messages.w.into_bytes()
}

/// Messages, numbered from 1 on.
struct Messages {
    w: Writer,
    sequence: u32,
}

impl Messages {
    fn edge(&mut self, kind: (u16, u16)) {
        self.sequence += 1;
        self.w.message(kind, self.sequence, (NFPROTO_UNSPEC, SUBSYSTEM), |_| {});
    }

    fn about(&mut self, (kind, flags): (u16, u16), fill: impl FnOnce(&mut Writer)) {
        self.sequence += 1;
        let kind = (kind, NLM_F_REQUEST | flags);
        self.w.message(kind, self.sequence, (NFPROTO_INET, 0), fill);
    }
}
