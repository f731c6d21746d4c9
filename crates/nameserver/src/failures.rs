//! Which of their questions failed for clients lately?
//!
//! Threads note failures in a list of their own and add it to the one log after each batch, if nobody
//! else has it just then. Room is taken once for each client, so that a flood of names that do not
//! exist allocates nothing.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::Instant;

use dns::respond::Summary;
use dns::wire::{HEADER_LEN, NAME_LEN_MAX, Rcode};

/// Clients that are remembered. For one more, the one whose last failure is oldest is forgotten.
pub const CLIENTS_MAX: usize = 256;

/// Failures of one client that are remembered; the oldest gives way.
pub const FAILURES_MAX: usize = 16;

/// Failures that one thread holds until the log is free; more are not remembered.
const NOTES_MAX: usize = 64;

/// A client's recent failures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientFailures {
    pub client: IpAddr,
    /// The newest first.
    pub failures: Vec<RecentFailure>,
}

/// Questions with one name, type, end and source, that did not get what they asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecentFailure {
    /// On the wire's form, as the client wrote it; empty when it could not be read.
    pub name: Box<[u8]>,
    pub summary: Summary,
    /// How often, since it is remembered.
    pub count: u64,
    /// When the last one was.
    pub last: Instant,
}

#[derive(Debug, Clone, Copy)]
struct Note {
    client: IpAddr,
    name: WireName,
    summary: Summary,
    count: u64,
    last: Instant,
}

/// A name without memory of its own elsewhere.
#[derive(Debug, Clone, Copy)]
struct WireName {
    octets: [u8; NAME_LEN_MAX],
    len: usize,
}

impl WireName {
    /// Of a message's question. No pointer can be there, and what is no name stays empty.
    fn of_question(message: &[u8]) -> Self {
        let mut name = Self { octets: [0; NAME_LEN_MAX], len: 0 };
        let mut len = 0;
        let rest = message.get(HEADER_LEN..).unwrap_or_default();
        loop {
            match rest.get(len) {
                Some(0) => break,
                Some(label @ 1..=63) => len += 1 + usize::from(*label),
                Some(_) | None => return name,
            }
        }
        if let (Some(from), Some(to)) = (rest.get(..=len), name.octets.get_mut(..=len)) {
            to.copy_from_slice(from);
            name.len = len + 1;
        }
        name
    }

    fn as_wire(&self) -> &[u8] {
        self.octets.get(..self.len).unwrap_or_default()
    }
}

impl Note {
    fn is_same(&self, other: &Self) -> bool {
        self.summary == other.summary && self.name.as_wire() == other.name.as_wire()
    }
}

/// What one thread saw and did not yet add to the log.
#[derive(Debug)]
pub(crate) struct Notes {
    notes: Vec<Note>,
}

impl Notes {
    pub(crate) fn new() -> Self {
        Self { notes: Vec::with_capacity(NOTES_MAX) }
    }

    /// Notes an answer that is a failure. Without room it is not noted: `false`.
    pub(crate) fn add(
        &mut self,
        client: IpAddr,
        message: &[u8],
        summary: Summary,
        now: Instant,
    ) -> bool {
        if summary.rcode == Rcode::NOERROR {
            return true;
        }
        if self.notes.len() == NOTES_MAX {
            return false;
        }
        let name = WireName::of_question(message);
        self.notes.push(Note { client, name, summary, count: 1, last: now });
        true
    }

    /// Hands all to the log, unless another thread has it.
    pub(crate) fn flush(&mut self, log: &FailureLog) {
        if self.notes.is_empty() {
            return;
        }
        let mut clients = match log.0.try_lock() {
            Ok(clients) => clients,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        for note in self.notes.drain(..) {
            clients.add(note);
        }
    }
}

/// The failures of all clients.
#[derive(Debug)]
pub(crate) struct FailureLog(Mutex<Clients>);

#[derive(Debug)]
struct Clients {
    /// Where each client stands among the lists.
    places: HashMap<IpAddr, usize>,
    lists: Vec<(IpAddr, Vec<Note>)>,
}

impl FailureLog {
    pub(crate) fn new() -> Self {
        // Twice the room, so that the map need not grow when clients come and go.
        let places = HashMap::with_capacity(2 * CLIENTS_MAX);
        Self(Mutex::new(Clients { places, lists: Vec::with_capacity(CLIENTS_MAX) }))
    }

    /// By client; each one's newest first.
    pub(crate) fn list(&self) -> Vec<ClientFailures> {
        let clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lists = clients.lists.iter();
        let mut all: Vec<_> = lists.map(|(client, notes)| tell(*client, notes)).collect();
        drop(clients);
        all.sort_by_key(|one| one.client);
        all
    }
}

fn tell(client: IpAddr, notes: &[Note]) -> ClientFailures {
    let mut failures: Vec<_> = notes
        .iter()
        .map(|note| RecentFailure {
            name: note.name.as_wire().into(),
            summary: note.summary,
            count: note.count,
            last: note.last,
        })
        .collect();
    failures.sort_by_key(|failure| std::cmp::Reverse(failure.last));
    ClientFailures { client, failures }
}

impl Clients {
    fn add(&mut self, note: Note) {
        let place = self.place(note.client);
        let Some((_, notes)) = self.lists.get_mut(place) else { return };
        if let Some(known) = notes.iter_mut().find(|known| known.is_same(&note)) {
            known.count += 1;
            known.last = known.last.max(note.last);
        } else if notes.len() < FAILURES_MAX {
            notes.push(note);
        } else if let Some(oldest) = notes.iter_mut().min_by_key(|known| known.last) {
            *oldest = note;
        }
    }

    /// Where a client's list is; its own, or an emptied one.
    fn place(&mut self, client: IpAddr) -> usize {
        if let Some(place) = self.places.get(&client) {
            return *place;
        }
        let place = if self.lists.len() < CLIENTS_MAX {
            self.lists.push((client, Vec::with_capacity(FAILURES_MAX)));
            self.lists.len() - 1
        } else {
            let last = |notes: &[Note]| notes.iter().map(|note| note.last).max();
            let lists = self.lists.iter_mut().enumerate();
            let oldest = lists.min_by_key(|(_, (_, notes))| last(notes));
            oldest.map_or(0, |(place, (former, notes))| {
                self.places.remove(former);
                *former = client;
                notes.clear();
                place
            })
        };
        self.places.insert(client, place);
        place
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use dns::respond::AnsweredBy;
    use dns::wire::RecordType;
    use dns::zone::ZoneOf;

    use super::*;

    const DENIED: Summary = Summary {
        rcode: Rcode::NXDOMAIN,
        rtype: RecordType::A,
        by: AnsweredBy::Zone,
        zone: ZoneOf::Cluster,
        is_walked: false,
    };

    fn question(name: &[u8]) -> Vec<u8> {
        [&[0; HEADER_LEN], name, &[0, 0, 1, 0, 1]].concat()
    }

    fn client(number: usize) -> IpAddr {
        Ipv4Addr::from(u32::try_from(number).unwrap()).into()
    }

    fn add(log: &FailureLog, client: IpAddr, name: &[u8], now: Instant) {
        let mut notes = Notes::new();
        notes.add(client, &question(name), DENIED, now);
        notes.flush(log);
    }

    #[test]
    fn equal_failures_are_counted_and_others_listed_newest_first() {
        let (log, now) = (FailureLog::new(), host::clock::monotonic());
        let later = now + Duration::from_secs(1);
        add(&log, client(1), b"\x01a", now);
        add(&log, client(1), b"\x01b", now);
        add(&log, client(1), b"\x01a", later);
        let failure = |name: &[u8], count, last| RecentFailure {
            name: name.into(),
            summary: DENIED,
            count,
            last,
        };
        let failures = vec![failure(b"\x01a\0", 2, later), failure(b"\x01b\0", 1, now)];
        assert_eq!(log.list(), [ClientFailures { client: client(1), failures }]);
    }

    #[test]
    fn answers_with_what_was_asked_for_are_not_failures() {
        let (log, mut notes) = (FailureLog::new(), Notes::new());
        let summary = Summary { rcode: Rcode::NOERROR, ..DENIED };
        notes.add(client(1), &question(b"\x01a"), summary, host::clock::monotonic());
        notes.flush(&log);
        assert_eq!(log.list(), []);
    }

    #[test]
    fn the_oldest_failure_and_the_oldest_client_give_way() {
        let (log, start) = (FailureLog::new(), host::clock::monotonic());
        let at = |number: usize| start + Duration::from_millis(u64::try_from(number).unwrap());
        for number in 0..=u8::try_from(FAILURES_MAX).unwrap() {
            add(&log, client(0), &[1, number], at(usize::from(number)));
        }
        let names: Vec<_> = log.list()[0].failures.iter().map(|it| it.name[1]).collect();
        assert_eq!(names, (1..=16).rev().collect::<Vec<_>>());
        for number in 1..=CLIENTS_MAX {
            add(&log, client(number), b"\x01a", at(100 + number));
        }
        let clients: Vec<_> = log.list().iter().map(|it| it.client).collect();
        assert_eq!(clients, (1..=CLIENTS_MAX).map(client).collect::<Vec<_>>());
    }

    #[test]
    fn a_thread_without_room_says_so() {
        let (mut notes, now) = (Notes::new(), host::clock::monotonic());
        let mut added = || notes.add(client(1), b"", DENIED, now);
        let all: Vec<_> = (0..=NOTES_MAX).map(|_| added()).collect();
        assert_eq!(all.iter().filter(|it| **it).count(), NOTES_MAX);
    }
}
