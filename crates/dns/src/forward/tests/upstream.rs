//! How do the upstreams of a test behave?

use std::time::Duration;

use crate::received::Received;
use crate::received::written::Written;
use crate::wire::NAME_LEN_MAX;

/// One upstream, as it is at a time.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pub mood: Mood,
    /// From a question to its answer, and until a stream is open.
    pub delay: Duration,
    /// Of a hundred messages, how many get lost.
    pub loss_percent: u64,
    pub ttl: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    /// Answers A with an address, and all else with "no".
    Answers,
    /// Says this rcode.
    Says(u16),
    /// SERVFAIL, and why.
    Explains,
    /// As much as fits a datagram, which is nothing; all by stream.
    Truncates,
    /// The same, and refuses streams.
    TruncatesOnly,
    /// Does not understand EDNS.
    IsOld,
    /// Never says anything; streams are neither opened nor refused.
    Silent,
    /// The network knows that it is not there.
    Unreachable,
    WrongId,
    WrongQuestion,
    WrongPort,
    WrongCase,
    /// Not a message.
    Garbage,
    /// Asks us.
    AsksUs,
}

impl Server {
    pub(super) fn is(mood: Mood) -> Self {
        Self { mood, delay: Duration::from_millis(10), loss_percent: 0, ttl: 300 }
    }

    pub(super) fn after(self, milliseconds: u64) -> Self {
        Self { delay: Duration::from_millis(milliseconds), ..self }
    }

    /// What it says to a query.
    pub(super) fn response(&self, query: &[u8], by_stream: bool) -> Vec<u8> {
        let received = Received::parse(query).unwrap();
        let question = received.question().unwrap();
        let mut name = [0; NAME_LEN_MAX];
        let length = question.name.expand(&mut name).unwrap();
        let mut name = name[..length].to_vec();
        let (mut id, mut rtype) = (received.header().id, question.rtype);
        if self.mood == Mood::Garbage {
            return vec![7; 30];
        }
        id ^= u16::from(self.mood == Mood::WrongId);
        rtype += u16::from(self.mood == Mood::WrongQuestion);
        if self.mood == Mood::WrongCase {
            name.make_ascii_uppercase();
        }
        let mut answer = Written::answer_to(&name, rtype);
        if let Mood::Says(rcode) = self.mood {
            return answer.rcode(rcode).bytes(id);
        }
        if self.mood == Mood::Explains {
            let option = [&[0, 15, 0, 11, 0, 6][..], b"signature"].concat();
            return answer.rcode(2).opt_with(0, &option).bytes(id);
        }
        if self.mood == Mood::IsOld && received.opt().is_some() {
            return answer.rcode(1).bytes(id);
        }
        if !by_stream && matches!(self.mood, Mood::Truncates | Mood::TruncatesOnly) {
            answer.flags |= 0x0200;
            return answer.bytes(id);
        }
        let answer = if rtype == 1 {
            answer.record(0, &name, 1, self.ttl, &[192, 0, 2, 1])
        } else {
            answer.record(1, &[0], 6, self.ttl, &[0; 22])
        };
        answer.bytes(id)
    }
}
