//! How is one message answered, with what is known?

use crate::respond::knowledge::{Knowledge, Known, Said, Wanted};
use crate::respond::{
    AnsweredBy, Ask, Client, Pending, Responder, Response, Summary, hosts, relay,
};
use crate::wire::{
    Class, ExtendedError, Lowered, NameAt, Query, Rcode, RecordType, Reply, ReplySize, Section,
    Unanswerable, flag, read,
};
use crate::zone::{Elsewhere, Found, Outcome, Place, Stands, ZoneOf, write_for_all};

/// Where one pass over a message leads.
pub(super) enum Run {
    Done(Response),
    Ask(Ask, ZoneOf),
}

/// What is told beside a reply.
pub(super) struct Ended<'e> {
    pub(super) by: AnsweredBy,
    pub(super) error: Option<ExtendedError<'e>>,
    pub(super) refresh: Option<Box<Ask>>,
    /// A search list was walked to it.
    pub(super) is_walked: bool,
}

impl<'e> Ended<'e> {
    pub(super) const fn of_protocol() -> Self {
        Self::by(AnsweredBy::Protocol, None)
    }

    const fn of_zone(error: Option<ExtendedError<'static>>) -> Self {
        Self::by(AnsweredBy::Zone, error)
    }

    const fn by(by: AnsweredBy, error: Option<ExtendedError<'e>>) -> Self {
        Self { by, error, refresh: None, is_walked: false }
    }
}

/// Either a whole answer, or what is needed for it.
pub(super) type Step<'e> = Result<Ended<'e>, Ask>;

const NOBODY_TO_ASK: ExtendedError<'static> =
    ExtendedError::new(ExtendedError::PROHIBITED, "no upstream is configured for this name");

const NO_RECURSION: ExtendedError<'static> = ExtendedError::new(
    ExtendedError::PROHIBITED,
    "the name is not ours, and recursion was not desired",
);

impl Responder {
    pub(super) fn run(
        &self,
        message: &[u8],
        client: Client,
        known: Knowledge<'_>,
        random: u64,
        buffer: &mut [u8],
    ) -> Run {
        let query = match read(message) {
            Ok(query) => query,
            Err(unanswerable) => return Run::Done(refuse(unanswerable, buffer)),
        };
        let name = Lowered::new(query.name);
        let zone = name.as_ref().map_or(ZoneOf::Root, |name| self.zone.zone_of(name));
        if matches!(query.rtype, RecordType::AXFR | RecordType::IXFR) {
            return Run::Done(self.transfer((&query, zone), message, client, buffer));
        }
        let mut reply = Reply::to_query(buffer, &query, query.question(message), client.size);
        if self.zone.settings().recurses {
            reply.set_flags(flag::RECURSION_AVAILABLE);
        }
        if name.as_ref().is_some_and(|name| self.blocks.is_minimal(name)) {
            reply.set_minimal();
        }
        let from = Forwarded { query: &query, client, known };
        let step = if let Some(rewritten) = self.rewritten(&query, name.as_ref()) {
            self.answer_otherwise(&from, &rewritten, random, &mut reply)
        } else if query.class == Class::IN {
            self.answer(&from, name.as_ref(), random, &mut reply)
        } else {
            reply.set_rcode(Rcode::REFUSED);
            Ok(Ended::of_protocol())
        };
        match step {
            Err(ask) => Run::Ask(ask, zone),
            Ok(Ended { by, error, refresh, is_walked }) => {
                let (rcode, rtype) = (reply.rcode(), query.rtype);
                let summary = Summary { rcode, rtype, by, zone, is_walked };
                let len = reply.finish(error);
                Run::Done(match refresh {
                    None => Response::Reply(len, summary),
                    Some(ask) => Response::ReplyAndRefresh(len, summary, ask),
                })
            }
        }
    }

    pub(super) fn answer<'k>(
        &self,
        from: &Forwarded<'_, 'k>,
        name: Option<&Lowered>,
        random: u64,
        reply: &mut Reply<'_>,
    ) -> Step<'k> {
        let first = usize::try_from(random & 0xffff).unwrap_or_default();
        let Some(name) = name else {
            reply.set_rcode(Rcode::FORMERR);
            return Ok(Ended::of_protocol());
        };
        if self.answer_from_hosts((name, NameAt::QUESTION), from.query.rtype, reply) {
            return Ok(Ended::by(AnsweredBy::Hosts, None));
        }
        let rtype = from.query.rtype;
        match self.zone.answer_name(name, NameAt::QUESTION, rtype, reply, first) {
            Outcome::Elsewhere(elsewhere) => self.forward(from, elsewhere, reply),
            Outcome::Answered(_) if reply.rcode() == Rcode::NXDOMAIN => {
                self.search(from, name, first, reply)
            }
            Outcome::Answered(error) => Ok(Ended::of_zone(error)),
        }
    }

    fn answer_from_hosts(
        &self,
        (name, at): (&Lowered, NameAt),
        rtype: RecordType,
        reply: &mut Reply<'_>,
    ) -> bool {
        let hosts = self.blocks.find(name).and_then(|block| block.hosts.as_ref());
        hosts.is_some_and(|entries| hosts::answer(entries, (name, at), rtype, reply))
    }

    /// Writes what upstreams say of a name that is not ours.
    fn forward<'k>(
        &self,
        from: &Forwarded<'_, 'k>,
        elsewhere: Elsewhere,
        reply: &mut Reply<'_>,
    ) -> Step<'k> {
        let name = reply.name(elsewhere.name).and_then(Lowered::new);
        let Some(name) = name else {
            reply.set_rcode(Rcode::FORMERR);
            return Ok(Ended::of_protocol());
        };
        let at = elsewhere.name;
        if !elsewhere.is_question && self.answer_from_hosts((&name, at), from.query.rtype, reply) {
            return Ok(Ended::by(AnsweredBy::Hosts, None));
        }
        if from.query.rtype == RecordType::ANY && !elsewhere.is_question {
            return Ok(Ended::of_zone(None));
        }
        if from.query.rtype == RecordType::ANY {
            write_for_all(at, reply);
            return Ok(Ended::of_zone(None));
        }
        let wanted = from.wanted(&name, from.query.rtype);
        let Some(known) = from.known.of(wanted) else {
            let error = match self.ask(from, wanted) {
                Ok(ask) => return Err(ask),
                Err(error) => error,
            };
            // An alias is true, whether anybody can be asked for what it leads to or not.
            if elsewhere.is_question {
                reply.set_rcode(Rcode::REFUSED);
            }
            return Ok(Ended::by(AnsweredBy::Forwarder, Some(error)));
        };
        if elsewhere.is_question
            && let Said::Reply(said, ttls) = known.said
            && relay::copy(reply, from.query, said, ttls)
        {
            reply.set_flags(flag::AUTHORITATIVE);
            return Ok(self.ended(from, known, wanted));
        }
        write(reply, known, (&name, elsewhere.name));
        Ok(self.ended(from, known, wanted))
    }

    /// The zone denied the name, and that stands in the reply. Where it is the first of a pod's search
    /// list, the rest of the list is walked for it.
    fn search<'k>(
        &self,
        from: &Forwarded<'_, 'k>,
        name: &Lowered,
        first: usize,
        reply: &mut Reply<'_>,
    ) -> Step<'k> {
        let rtype = from.query.rtype;
        if !matches!(rtype, RecordType::A | RecordType::AAAA) {
            return Ok(Ended::of_zone(None));
        }
        let domain = &self.zone.settings().domain;
        let walk = self.search.walk(from.client.address, name, domain);
        for candidate in walk.into_iter().flatten() {
            match self.zone.find(&candidate) {
                Place::Inside { found: Ok(found), .. } if is_meant(&found) => {}
                // An empty name between others is nothing that anybody means.
                Place::Inside { .. } => continue,
                Place::Outside => match self.judge(from, &candidate)? {
                    Judged::Exists => {}
                    Judged::Denied => continue,
                    Judged::Failed(known) => {
                        reply.clear();
                        write(reply, known, (&candidate, NameAt::QUESTION));
                        return Ok(self.ended(from, known, from.wanted(&candidate, rtype)));
                    }
                },
            }
            reply.clear();
            let ended = self.write_found(from, &candidate, first, reply)?;
            return Ok(Ended { is_walked: true, ..ended });
        }
        Ok(Ended::of_zone(None))
    }

    /// The client's name as an alias of the one that its search list leads to, and that one's answer.
    fn write_found<'k>(
        &self,
        from: &Forwarded<'_, 'k>,
        found: &Lowered,
        first: usize,
        reply: &mut Reply<'_>,
    ) -> Step<'k> {
        let ttl = self.zone.settings().ttl_s;
        let owner = NameAt::QUESTION;
        let target = found.as_wire();
        reply.set_flags(flag::AUTHORITATIVE);
        let at =
            reply.record(Section::Answer, owner, RecordType::CNAME, ttl, |it| it.bytes(target));
        let Some(at) = at.and_then(NameAt::new) else { return Ok(Ended::of_zone(None)) };
        match self.zone.answer_name(found, at, from.query.rtype, reply, first) {
            Outcome::Answered(error) => Ok(Ended::of_zone(error)),
            Outcome::Elsewhere(elsewhere) => self.forward(from, elsewhere, reply),
        }
    }

    /// Whether a name outside exists. Both families decide together: one that only has the other
    /// family's addresses exists, whatever a server says that is asked for this one's.
    fn judge<'k>(&self, from: &Forwarded<'_, 'k>, name: &Lowered) -> Result<Judged<'k>, Ask> {
        let other =
            if from.query.rtype == RecordType::A { RecordType::AAAA } else { RecordType::A };
        for rtype in [from.query.rtype, other] {
            let wanted = from.wanted(name, rtype);
            let Some(known) = from.known.of(wanted) else {
                match self.ask(from, wanted) {
                    Ok(ask) => return Err(ask),
                    Err(_) => return Ok(Judged::Denied),
                }
            };
            match known.rcode() {
                Rcode::NOERROR => return Ok(Judged::Exists),
                Rcode::NXDOMAIN => {}
                _ if rtype == from.query.rtype => return Ok(Judged::Failed(known)),
                _ => return Ok(Judged::Denied),
            }
        }
        Ok(Judged::Denied)
    }

    fn ask(
        &self,
        from: &Forwarded<'_, '_>,
        wanted: Wanted<'_>,
    ) -> Result<Ask, ExtendedError<'static>> {
        if !from.query.recursion_desired() {
            return Err(NO_RECURSION);
        }
        let block = self.blocks.find(wanted.name);
        let rule = block.and_then(|block| block.route(wanted.name)).ok_or(NOBODY_TO_ASK)?;
        let is_stream = from.client.size == ReplySize::Stream;
        Ok(Ask { rule, question: wanted.to_question(), is_stream })
    }

    fn ended<'k>(
        &self,
        from: &Forwarded<'_, 'k>,
        known: Known<'k>,
        wanted: Wanted<'_>,
    ) -> Ended<'k> {
        let error = match known.said {
            Said::Failure(failure) => Some(ExtendedError::new(failure.extended, &failure.text)),
            Said::Reply(..) if known.is_stale => {
                Some(ExtendedError::new(ExtendedError::STALE_ANSWER, ""))
            }
            Said::Reply(..) => None,
        };
        let refresh =
            if known.is_ending { self.ask(from, wanted).ok().map(Box::new) } else { None };
        Ended { refresh, ..Ended::by(known.by, error) }
    }

    fn transfer(
        &self,
        (query, zone): (&Query<'_>, ZoneOf),
        message: &[u8],
        client: Client,
        buffer: &mut [u8],
    ) -> Response {
        let told = |rcode| {
            let (rtype, by) = (query.rtype, AnsweredBy::Zone);
            Summary { rcode, rtype, by, zone, is_walked: false }
        };
        let is_allowed = self.zone.settings().transfer.is_allowed(client.address);
        if is_allowed
            && client.size == ReplySize::Stream
            && let Some(messages) = self.zone.transfer(query, message)
        {
            return Response::Transfer(messages, told(Rcode::NOERROR));
        }
        let mut reply = Reply::to_query(buffer, query, query.question(message), client.size);
        reply.set_rcode(Rcode::REFUSED);
        Response::Reply(reply.finish(None), told(Rcode::REFUSED))
    }
}

/// What forwarding needs of the message at hand.
pub(super) struct Forwarded<'q, 'k> {
    pub(super) query: &'q Query<'q>,
    pub(super) client: Client,
    pub(super) known: Knowledge<'k>,
}

impl Forwarded<'_, '_> {
    fn wanted<'n>(&self, name: &'n Lowered, rtype: RecordType) -> Wanted<'n> {
        Wanted {
            name,
            rtype,
            dnssec_ok: self.query.dnssec_ok(),
            checking_disabled: self.query.checking_disabled(),
        }
    }
}

enum Judged<'k> {
    Exists,
    Denied,
    Failed(Known<'k>),
}

/// Whether somebody who looks for an address means what stands there.
fn is_meant(found: &Found<'_>) -> bool {
    match found {
        Found::Service(service) => match &service.stands {
            Stands::Alias(target) => target.is_some(),
            Stands::Addresses { .. } | Stands::Endpoints { .. } => true,
        },
        Found::Host(..) | Found::Pod(_) | Found::NameServer | Found::Zonal(..) => true,
        Found::Apex | Found::Version | Found::Empty | Found::Port { .. } | Found::Pointers(_) => {
            false
        }
    }
}

fn write(reply: &mut Reply<'_>, known: Known<'_>, (name, at): (&Lowered, NameAt)) {
    reply.set_flags(flag::AUTHORITATIVE);
    match known.said {
        Said::Reply(said, ttls) => relay::append(reply, said, ttls, (name, at)),
        // An alias that leads to what cannot be found out is no answer.
        Said::Failure(failure) => {
            reply.clear();
            reply.set_rcode(Rcode(failure.rcode));
        }
    }
}

fn refuse(unanswerable: Unanswerable<'_>, buffer: &mut [u8]) -> Response {
    let Unanswerable::Refused { id, flags, rcode, question, edns } = unanswerable else {
        return Response::Silent;
    };
    let reply = Reply::refusal(buffer, (id, flags), question, edns, rcode);
    let (by, zone) = (AnsweredBy::Protocol, ZoneOf::Root);
    let summary = Summary { rcode, rtype: RecordType(0), by, zone, is_walked: false };
    Response::Reply(reply.finish(None), summary)
}

/// A message that leads from question to question without an end.
pub(super) fn give_up(pending: &Pending, buffer: &mut [u8]) -> Response {
    let Pending { message, client, zone, .. } = pending;
    let Ok(query) = read(message) else { return Response::Silent };
    let mut reply = Reply::to_query(buffer, &query, query.question(message), client.size);
    reply.set_rcode(Rcode::SERVFAIL);
    let (rcode, by) = (Rcode::SERVFAIL, AnsweredBy::Forwarder);
    let (rtype, zone) = (query.rtype, *zone);
    let summary = Summary { rcode, rtype, by, zone, is_walked: false };
    let error = ExtendedError::new(ExtendedError::OTHER, "too many questions for one name");
    Response::Reply(reply.finish(Some(error)), summary)
}
