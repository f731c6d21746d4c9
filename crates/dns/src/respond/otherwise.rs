//! How is a question answered in whose place another one is asked?
//!
//! The other question is answered as if a client had asked it, into a buffer of its own; then its
//! records are written anew behind the client's question, with the names that the client knows.

use crate::received::{self, Received, Record};
use crate::respond::Responder;
use crate::respond::relay::write_rdata;
use crate::respond::rewrite::Rewritten;
use crate::respond::run::{Forwarded, Step};
use crate::wire::{
    Class, Lowered, NAME_LEN_MAX, Name, NameAt, Query, Rcode, RecordType, Reply, ReplySize,
    Section, flag,
};

/// Room for the other answer, before it is cut to what the client takes.
const BUFFER_LEN: usize = 65_535;

impl Responder {
    /// The question in place of a client's, where a rule says so.
    pub(super) fn rewritten(
        &self,
        query: &Query<'_>,
        name: Option<&Lowered>,
    ) -> Option<Rewritten<'_>> {
        if !self.blocks.have_rewrites() {
            return None;
        }
        let name = name?;
        let block = self.blocks.find(name)?;
        let mut octets = [0; NAME_LEN_MAX];
        block.rewrites.apply(name.text(&mut octets)?, query.rtype, query.class)
    }

    pub(super) fn answer_otherwise<'k>(
        &self,
        from: &Forwarded<'_, 'k>,
        rewritten: &Rewritten<'_>,
        random: u64,
        reply: &mut Reply<'_>,
    ) -> Step<'k> {
        let Ok(name) = Name::from_text(&rewritten.name) else {
            reply.set_rcode(Rcode::SERVFAIL);
            return Ok(crate::respond::run::Ended::of_protocol());
        };
        if rewritten.class != Class::IN {
            reply.set_rcode(Rcode::REFUSED);
            return Ok(crate::respond::run::Ended::of_protocol());
        }
        let query =
            Query { name: name.as_wire(), rtype: rewritten.rtype, edns: None, ..*from.query };
        let mut question = name.as_wire().to_vec();
        question.extend_from_slice(&rewritten.rtype.0.to_be_bytes());
        question.extend_from_slice(&Class::IN.0.to_be_bytes());
        let mut buffer = vec![0; BUFFER_LEN];
        let mut other = Reply::to_query(&mut buffer, &query, &question, ReplySize::Stream);
        let inner = Forwarded { query: &query, client: from.client, known: from.known };
        let lowered = Lowered::new(query.name);
        let ended = self.answer(&inner, lowered.as_ref(), random, &mut other)?;
        let len = other.finish(None);
        let asked = Asked { name: &name, rewritten };
        match Received::parse(buffer.get(..len).unwrap_or_default()) {
            Ok(received) => asked.write(&received, reply),
            Err(_) => reply.set_rcode(Rcode::SERVFAIL),
        }
        Ok(ended)
    }
}

struct Asked<'r> {
    /// What was asked in place of the client's name.
    name: &'r Name,
    rewritten: &'r Rewritten<'r>,
}

impl Asked<'_> {
    fn write(&self, received: &Received<'_>, reply: &mut Reply<'_>) {
        reply.set_rcode(Rcode(received.rcode()));
        let kept = flag::AUTHORITATIVE | flag::TRUNCATED | flag::AUTHENTIC_DATA;
        let flags = received.header().flags & kept;
        for record in received.records() {
            let section = match record.section {
                received::Section::Answer => Section::Answer,
                received::Section::Authority => Section::Authority,
                received::Section::Additional => Section::Additional,
            };
            self.write_record(section, &record, reply);
        }
        reply.set_flags(flags);
    }

    fn write_record(&self, section: Section, record: &Record<'_>, reply: &mut Reply<'_>) {
        let ttl = self.rewritten.ttl(record.ttl);
        // Never the client's own type: the data would be another's.
        let rtype = RecordType(record.rtype);
        let value = self.value(record);
        let rdata = |it: &mut crate::wire::Rdata<'_>| match &value {
            Some(name) => it.bytes(name.as_wire()),
            None => write_rdata(record, it),
        };
        if record.owner.is(self.name.as_wire()) {
            reply.record(section, NameAt::QUESTION, rtype, ttl, rdata);
            return;
        }
        let mut owner = [0; NAME_LEN_MAX];
        let len = record.owner.expand(&mut owner).unwrap_or_default();
        let owner = owner.get(..len).unwrap_or_default();
        let changed = self.changed(owner, |text| self.rewritten.owner(text).into_owned());
        let owner = changed.as_ref().map_or(owner, Name::as_wire);
        reply.record_of(section, owner, rtype, ttl, rdata);
    }

    /// The name that a CNAME or PTR record holds, where a rule changes it.
    fn value(&self, record: &Record<'_>) -> Option<Name> {
        if !matches!(RecordType(record.rtype), RecordType::CNAME | RecordType::PTR | RecordType::NS)
        {
            return None;
        }
        let (name, _) = record.name_in_rdata(0)?;
        let mut octets = [0; NAME_LEN_MAX];
        let len = name.expand(&mut octets)?;
        self.changed(octets.get(..len)?, |text| self.rewritten.value(text).into_owned())
    }

    fn changed(&self, wire: &[u8], change: impl Fn(&str) -> String) -> Option<Name> {
        let mut octets = [0; NAME_LEN_MAX];
        let lowered = Lowered::new(wire)?;
        let text = lowered.text(&mut octets)?;
        let changed = change(text);
        if changed == text { None } else { Name::from_text(&changed).ok() }
    }
}
