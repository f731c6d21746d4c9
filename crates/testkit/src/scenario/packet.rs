//! How are packet lines and their verdicts read?

use std::collections::BTreeSet;
use std::net::SocketAddr;

use model::{Affinity, Delivery, DropReason, NodeName, RejectReason, Verdict};

use super::error::Problem;
use super::grammar::{protocol, word};
use super::{PacketLine, Source};

const FORM: &str = "NODE SOURCE -> ADDRESS:PORT/PROTOCOL [via INTERFACE] VERDICT";

/// `NODE SOURCE -> ADDRESS:PORT/PROTOCOL [via INTERFACE] VERDICT`.
pub(super) fn packet(line: usize, words: &[&str]) -> Result<PacketLine, Problem> {
    let [node, source, "->", destination, rest @ ..] = words else {
        return Err(Problem::expected(FORM, words.join(" ")));
    };
    let (destination, transport) = destination
        .rsplit_once('/')
        .ok_or_else(|| Problem::expected("ADDRESS:PORT/PROTOCOL", *destination))?;
    let (interface, rest) = match rest {
        ["via", interface, rest @ ..] => (Some((*interface).into()), rest),
        rest => (None, rest),
    };
    let destination: SocketAddr = word(destination, "ADDRESS:PORT")?;
    if destination.port() == 0 {
        return Err(Problem::expected("a port, 1 to 65535", "0"));
    }
    Ok(PacketLine {
        line,
        node: NodeName::new(*node),
        source: match *source {
            "self" => Source::Node,
            address => Source::Address(word(address, "an address, or self")?),
        },
        destination,
        protocol: protocol(transport)?,
        interface,
        verdict: verdict(rest)?,
    })
}

/// As a verdict is shown; the order of the endpoints is free.
fn verdict(words: &[&str]) -> Result<Verdict, Problem> {
    match words {
        ["forward", deliveries @ ..] => forward(deliveries),
        ["drop", reason] => by_name(&DropReason::ALL, DropReason::as_str, reason)
            .map(Verdict::Drop)
            .ok_or_else(|| Problem::expected("a reason to drop", *reason)),
        ["reject", reason] => by_name(&RejectReason::ALL, RejectReason::as_str, reason)
            .map(Verdict::Reject)
            .ok_or_else(|| Problem::expected("a reason to reject", *reason)),
        ["not-service"] => Ok(Verdict::NotService),
        _ => Err(Problem::expected(
            "a verdict: forward, drop, reject or not-service",
            words.join(" "),
        )),
    }
}

fn by_name<T: Copy>(all: &[T], name: fn(T) -> &'static str, text: &str) -> Option<T> {
    all.iter().copied().find(|value| name(*value) == text)
}

fn forward(words: &[&str]) -> Result<Verdict, Problem> {
    let mut deliveries = BTreeSet::new();
    let mut affinity = None;
    for text in words {
        if let Some(seconds) = text.strip_prefix("affinity=") {
            let seconds = seconds.strip_suffix('s').unwrap_or(seconds);
            affinity = Some(Affinity { timeout_s: word(seconds, "seconds")? });
            continue;
        }
        let (endpoint, masquerade) = match text.strip_suffix("+masquerade") {
            Some(endpoint) => (endpoint, true),
            None => (*text, false),
        };
        let endpoint = word(endpoint, "ENDPOINT:PORT[+masquerade]")?;
        if !deliveries.insert(Delivery { endpoint, masquerade }) {
            return Err(Problem::Twice { kind: "endpoint", name: (*text).to_owned() });
        }
    }
    if deliveries.is_empty() {
        return Err(Problem::Missing("an endpoint to forward to"));
    }
    Ok(Verdict::Forward { deliveries, affinity })
}
