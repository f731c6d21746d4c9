//! What does the table say that keeps DNS traffic of this host from being tracked?
//!
//! What is not tracked meets no NAT. So a packet for an address that this host has itself is taken
//! in here, where the main table would give it an endpoint elsewhere; and it costs no entry in the
//! connection tracking, whose races and limits DNS is known to run into.

use std::net::SocketAddr;

use model::{Family, Protocol};

use crate::name::SetId;
use crate::program::{Attachment, Data, Element, Expr, Hook, HookKind};
use crate::set::transport_key;
use crate::step::notrack;

/// So many transport addresses at most are answered by this host itself: a few Services have a few
/// addresses each.
pub const LOCAL_DNS_MAX: usize = 256;

/// `raw`: before the connection tracking at -200.
const PRIORITY: i32 = -300;

/// What pods send comes in by the first chain, what the host sends goes out by the second; answers
/// go the other way. What the host sends to itself passes both.
pub(crate) const CHAINS: [(&str, Attachment); 2] =
    [("prerouting", attachment(Hook::Prerouting)), ("output", attachment(Hook::Output))];

const fn attachment(hook: Hook) -> Attachment {
    Attachment { hook, priority: PRIORITY, kind: HookKind::Filter }
}

/// What is not tracked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Untracked {
    QuestionsAndAnswers,
    /// Questions go the ordinary way, and those that came before are still answered. Were such an answer
    /// tracked, it would begin a flow of its own, of which the client's next question is the reply: no
    /// NAT would ever meet what that client's port sends.
    Answers,
}

/// Of each chain, for both families.
pub(crate) fn rules(untracked: Untracked) -> Vec<Vec<Expr>> {
    let is_source: &[bool] = match untracked {
        Untracked::QuestionsAndAnswers => &[false, true],
        Untracked::Answers => &[true],
    };
    let all =
        Family::ALL.into_iter().flat_map(|family| is_source.iter().map(move |it| (family, *it)));
    all.map(|(family, is_source)| notrack(SetId::LocalDns(family), family, is_source)).collect()
}

/// Both protocols of a transport address.
pub(crate) fn elements(address: SocketAddr) -> [Element; 2] {
    [Protocol::Udp, Protocol::Tcp].map(|protocol| Element {
        set: SetId::LocalDns(Family::of(address.ip())),
        key: transport_key(address, protocol),
        data: Data::None,
    })
}
