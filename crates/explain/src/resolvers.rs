//! What do the resolver libraries make of an answer, where they differ?
//!
//! musl looks no further than a name that is there: the first answer without addresses, or a failure,
//! ends its search. glibc goes on to the next name. Both ask without EDNS.

use model::Family;

use crate::answers::{Answers, Kind};
use crate::search::SearchList;
use crate::warning::{Warning, WarningKind};

/// Of the names before the one that has an answer: one at which musl stops.
pub(crate) fn stop_early(
    list: &SearchList,
    tried: &[Answers],
    wanted: Option<Family>,
) -> Option<Warning> {
    let kind = |answers: &&Answers| answers.kind(wanted) != Kind::Denied;
    let says = if let Some(stop) = tried.iter().find(kind) {
        let what = if stop.kind(wanted) == Kind::NoData {
            "is there without an address"
        } else {
            "is not answered (SERVFAIL)"
        };
        format!(
            "{} {what}: musl stops at it and finds nothing, glibc goes on to the next name",
            stop.name
        )
    } else if list.at_as_typed == 0 && !tried.is_empty() {
        format!(
            "{} has dots enough to be asked for as it stands: glibc searches for it all the same \
             when it is denied, musl does not",
            list.typed
        )
    } else {
        return None;
    };
    Some(Warning::new(WarningKind::ResolversDiffer, says))
}

/// Of an answer that is longer than a datagram without EDNS.
pub(crate) fn cut(answers: &Answers, wanted: Option<Family>) -> Option<Warning> {
    let reply = answers.of_families(wanted).find(|reply| reply.is_cut)?;
    let says = format!(
        "the {} of {} do not fit into a datagram of 512 octets: glibc, and musl from 1.2.4 on, ask \
         again over TCP; older musl takes those that fit",
        crate::name::count(reply.addresses.len(), &format!("{} record", reply.rtype)),
        answers.name
    );
    Some(Warning::new(WarningKind::Truncated, says))
}
