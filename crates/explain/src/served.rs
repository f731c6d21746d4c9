//! What does a DNS that serves answer, from its zone and from what stands beside it?

use std::net::Ipv4Addr;
use std::sync::Arc;

use dns::received::Received;
use dns::respond::{AnsweredBy, Client, Responder, Response, Search, Summary};
use dns::wire::{HEADER_LEN, Name, ReplySize, flag};
use dns::zone::Zone;

use crate::cluster_dns::Beside;
use crate::reply::{By, PLAIN, Reply, WHOLE, question};

/// The reply to a question for which the zone alone would give `of_zone`.
pub(crate) fn ask(zone: &Zone, beside: &Beside, name: &Name, of_zone: Reply) -> Reply {
    let responder = Responder {
        zone: zone.clone(),
        blocks: Arc::clone(&beside.blocks),
        // Who walks a list for whom is told apart.
        search: Search::default(),
    };
    let message = message(name, &of_zone);
    let mut buffer = vec![0; WHOLE];
    let mut respond = |size| respond(&responder, beside, &message, size, &mut buffer);
    let Some((octets, summary)) = respond(ReplySize::Stream) else {
        // An upstream is asked: for this name, or for one that stands in its place.
        return Reply { is_elsewhere: true, ..of_zone };
    };
    let mut reply = Reply {
        rtype: of_zone.rtype,
        rcode: summary.rcode,
        ttl_s: None,
        aliases: Vec::new(),
        addresses: Vec::new(),
        records: Vec::new(),
        is_elsewhere: false,
        is_cut: false,
        failure: of_zone.failure,
        by: by(summary.by),
    };
    let len = octets.len();
    if let Ok(received) = Received::parse(&octets) {
        reply.read(&received);
    }
    reply.is_cut = of_zone.is_cut;
    if reply.by == By::Zone && reply != of_zone {
        reply.by = By::Rewrite;
    }
    let cut = if len > PLAIN { respond(ReplySize::Datagram(PLAIN)) } else { None };
    let cut = cut.as_ref().and_then(|(octets, _)| Received::parse(octets).ok());
    reply.is_cut = cut.is_some_and(|cut| cut.header().is_truncated());
    reply
}

const fn by(by: AnsweredBy) -> By {
    match by {
        AnsweredBy::Zone => By::Zone,
        AnsweredBy::Hosts => By::Hosts,
        AnsweredBy::Cache => By::Cache,
        AnsweredBy::Forwarder | AnsweredBy::Protocol => By::Nobody,
    }
}

fn message(name: &Name, reply: &Reply) -> Vec<u8> {
    let mut message = vec![0; HEADER_LEN];
    let words = [0, flag::RECURSION_DESIRED, 1];
    for (place, word) in message.chunks_exact_mut(2).zip(words) {
        place.copy_from_slice(&word.to_be_bytes());
    }
    message.extend(question(name, reply.rtype));
    message
}

/// `None` where an upstream must be asked first.
fn respond(
    responder: &Responder,
    beside: &Beside,
    message: &[u8],
    size: ReplySize,
    buffer: &mut [u8],
) -> Option<(Vec<u8>, Summary)> {
    let client = Client { address: Ipv4Addr::UNSPECIFIED.into(), size };
    let Beside { cache, now, .. } = beside;
    match responder.respond(message, client, cache, (*now, 0), buffer) {
        Response::Reply(len, summary) | Response::ReplyAndRefresh(len, summary, _) => {
            Some((buffer.get(..len)?.to_vec(), summary))
        }
        Response::Silent | Response::Ask(_) | Response::Transfer(..) => None,
    }
}
