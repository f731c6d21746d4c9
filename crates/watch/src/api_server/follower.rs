//! What is asked next of one collection, and what do the answers say?
//!
//! A list, then a watch from its version on, and again from the last version that was heard; a new
//! list only when the server no longer knows that version. A new list tells what differs.

use std::time::{Duration, Instant};

use super::collection::{Collection, PAGE_OBJECTS};
use super::decode::{Decoded, Message, message, page};
use super::failure::Failure;
use super::form::Form;
use super::known::{Known, News};
use super::pause::{LONGEST, LONGEST_UNREACHABLE, pause};
use super::rejected;
use crate::event::Event;

/// How long a kind that the API lacks is taken to be absent before it is looked for again.
const ABSENT: Duration = Duration::from_secs(30);

/// A server that has just started may not know its own kinds yet: objects that were there are gone
/// when their kind is still absent after this.
const ABSENT_FIRST: Duration = Duration::from_secs(5);

/// After so many refusals in a row a watch may be of a version that the server never had, as when
/// its storage was restored from an older copy.
const REFUSALS_MAX: u32 = 5;

/// A watch that ends in less, without a word, is no watch that has run its time.
const AT_ONCE: Duration = Duration::from_secs(1);

/// What can be asked of a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    /// A list as a watch: all objects one by one, a mark, and then changes.
    Stream,
    /// A page of a list.
    Page {
        after: Option<String>,
        limit: u32,
    },
    Watch {
        resource_version: String,
    },
}

impl Request {
    /// The verb that a role must allow.
    pub(crate) const fn verb(&self) -> &'static str {
        match self {
            Self::Page { .. } => "list",
            Self::Stream | Self::Watch { .. } => "watch",
        }
    }
}

/// How the server gives lists.
#[derive(Debug, Clone, Copy)]
enum Lists {
    Streams,
    Pages { limit: u32 },
}

/// The state of one collection.
#[derive(Debug)]
pub(crate) struct Follower {
    collection: Collection,
    known: Known,
    next: Request,
    not_before: Option<Instant>,
    /// Failures since something was heard last.
    failures: u32,
    /// When the request began, and the answers since then.
    began: Option<Instant>,
    heard: u64,
    lists: Lists,
    /// The older version of a kind's API is asked.
    is_older: bool,
    /// The API lacked the kind when it was last asked.
    is_absent: bool,
    is_read: bool,
}

impl Follower {
    pub(crate) fn new(collection: Collection) -> Self {
        Self {
            collection,
            known: Known::default(),
            next: Request::Stream,
            not_before: None,
            failures: 0,
            began: None,
            heard: 0,
            lists: Lists::Streams,
            is_older: false,
            is_absent: false,
            is_read: false,
        }
    }

    pub(crate) const fn collection(&self) -> &Collection {
        &self.collection
    }

    /// Whether all objects have been told once.
    pub(crate) const fn is_read(&self) -> bool {
        self.is_read
    }

    /// Whether the API has no such kind, and need not.
    pub(crate) const fn is_absent(&self) -> bool {
        self.is_absent
    }

    /// Whether there is an object of this name.
    pub(crate) fn has(&self, namespace: &str, name: &str) -> bool {
        self.known.has(namespace, name)
    }

    pub(crate) fn objects(&self) -> usize {
        self.known.len()
    }

    /// Up to which version changes were told, where a watch goes on from there.
    pub(crate) fn revision(&self) -> Option<u64> {
        match &self.next {
            Request::Watch { resource_version } => resource_version.parse().ok(),
            Request::Stream | Request::Page { .. } => None,
        }
    }

    /// When the next request may begin; `None`: at once.
    pub(crate) const fn not_before(&self) -> Option<Instant> {
        self.not_before
    }

    /// The next request; it begins now.
    pub(crate) fn begin(&mut self, now: Instant) -> Request {
        match &self.next {
            Request::Stream | Request::Page { after: None, .. } => self.known.begin_list(),
            Request::Page { after: Some(_), .. } | Request::Watch { .. } => {}
        }
        self.heard = 0;
        self.began = Some(now);
        self.not_before = None;
        self.next.clone()
    }

    /// Reads other objects of the kind from now on; a new list tells the difference.
    pub(crate) fn select(&mut self, collection: Collection) {
        self.collection = collection;
        self.next = self.list();
        self.not_before = None;
    }

    /// Another cluster is asked from now on, where a version of the former one means nothing: a watch
    /// from a version that is not reached yet says nothing until it is, and an object of the same name
    /// and version is another one.
    pub(crate) fn list_anew(&mut self) {
        self.known.forget_versions();
        self.next = self.list();
    }

    /// Path and query of a request.
    pub(crate) fn target(&self, request: &Request, spread: f64) -> String {
        self.collection.target(request, self.is_older, spread)
    }

    /// A message of a watch.
    ///
    /// # Errors
    /// The server ends the watch by it, or it cannot be read.
    pub(crate) fn hear(&mut self, form: Form, bytes: &[u8]) -> Result<Vec<Event>, Failure> {
        let mut events = Vec::new();
        match message(form, self.collection.kind, bytes)? {
            Message::Applied(decoded) => {
                let metadata = self.apply(decoded, &mut events);
                self.note_version(metadata);
            }
            Message::Deleted(mut metadata) => {
                let version = metadata.resource_version.take();
                if let Some(was_rejected) = self.known.remove(&metadata) {
                    let key = rejected::key(self.collection.kind, &metadata);
                    events.extend(was_rejected.then(|| rejected::repaired(&key)));
                    events.push(Event::Deleted(key));
                }
                self.note_version(version);
            }
            Message::Bookmark { resource_version, is_end_of_list } => {
                if is_end_of_list && self.next == Request::Stream {
                    self.end_list(resource_version, &mut events);
                } else {
                    self.note_version(Some(resource_version));
                }
            }
            Message::Error(status) => return Err(Failure::Refused { status, retry_after: None }),
        }
        self.heard += 1;
        self.failures = 0;
        self.is_absent = false;
        Ok(events)
    }

    /// The answer to a request for a page.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) fn hear_page(&mut self, form: Form, bytes: &[u8]) -> Result<Vec<Event>, Failure> {
        let page = page(form, self.collection.kind, bytes)?;
        let mut events = Vec::new();
        for item in page.items {
            drop(self.apply(item.decode()?, &mut events));
        }
        self.heard += 1;
        self.failures = 0;
        self.is_absent = false;
        match page.metadata.next.filter(|next| !next.is_empty()) {
            Some(next) => self.next = self.page(Some(next)),
            None => self.end_list(page.metadata.resource_version, &mut events),
        }
        Ok(events)
    }

    /// The answer has ended, by a failure or, without one, as the server wished. Gives what is gone
    /// since the kind itself is.
    pub(crate) fn end(&mut self, why: Option<&Failure>, now: Instant, spread: f64) -> Vec<Event> {
        let at_once = Failure::EndedAtOnce;
        let failure = match (why, &self.next) {
            (Some(failure), _) => failure,
            (None, Request::Page { .. }) => return Vec::new(),
            (None, Request::Stream | Request::Watch { .. }) => {
                let lasted = self.began.map(|began| now.saturating_duration_since(began));
                if self.heard > 0 || lasted.is_some_and(|lasted| lasted >= AT_ONCE) {
                    self.give_up_streaming();
                    return Vec::new();
                }
                &at_once
            }
        };
        if failure.code() == Some(404) && self.collection.is_optional() {
            return self.miss(now);
        }
        self.failures = self.failures.saturating_add(1);
        if self.adapt(failure) && self.failures == 1 {
            return Vec::new();
        }
        let (longest, retry_after) = match failure {
            Failure::Unreachable(_) => (LONGEST_UNREACHABLE, None),
            Failure::Refused { retry_after, .. } => (LONGEST, *retry_after),
            Failure::Stalled(_)
            | Failure::EndedAtOnce
            | Failure::Malformed(_)
            | Failure::TooLong => (LONGEST, None),
        };
        self.not_before = Some(now + pause(self.failures, longest, retry_after, spread));
        Vec::new()
    }

    /// Asks otherwise where that helps. False where the same is to be asked again.
    fn adapt(&mut self, failure: &Failure) -> bool {
        match (&self.next, failure) {
            (Request::Stream, failure) if failure.is_of_form() => self.give_up_streaming(),
            (Request::Stream, Failure::Stalled(_) | Failure::EndedAtOnce) => {
                self.give_up_streaming();
            }
            (Request::Page { limit, .. }, Failure::TooLong) if *limit > 1 => {
                self.lists = Lists::Pages { limit: limit / 2 };
                self.next = self.list();
            }
            (_, failure) if failure.is_expired() => self.next = self.list(),
            (Request::Watch { .. }, Failure::Refused { .. } | Failure::Malformed(_))
                if self.failures > REFUSALS_MAX =>
            {
                self.next = self.list();
                return false;
            }
            (Request::Stream | Request::Page { .. } | Request::Watch { .. }, _) => return false,
        }
        true
    }

    /// A server that took the request for a list as a watch, and does not come to the end of it, does
    /// not know such requests.
    fn give_up_streaming(&mut self) {
        if self.next == Request::Stream {
            self.lists = Lists::Pages { limit: PAGE_OBJECTS };
            self.next = self.list();
        }
    }

    const fn list(&self) -> Request {
        match self.lists {
            Lists::Streams => Request::Stream,
            Lists::Pages { .. } => self.page(None),
        }
    }

    const fn page(&self, after: Option<String>) -> Request {
        match self.lists {
            Lists::Streams => Request::Page { after, limit: PAGE_OBJECTS },
            Lists::Pages { limit } => Request::Page { after, limit },
        }
    }

    /// The API lacks the kind, in the version that was asked.
    fn miss(&mut self, now: Instant) -> Vec<Event> {
        self.next = self.list();
        if self.collection.kind.older_api_version().is_some() {
            self.is_older = !self.is_older;
            if self.is_older {
                return Vec::new();
            }
        }
        let was_absent = std::mem::replace(&mut self.is_absent, true);
        self.failures = 0;
        let is_gone = was_absent || self.known.is_empty();
        self.not_before = Some(now + if is_gone { ABSENT } else { ABSENT_FIRST });
        let mut events = Vec::new();
        if is_gone {
            self.is_read = true;
            self.known.begin_list();
            self.sweep(&mut events);
        }
        events
    }

    fn apply(&mut self, decoded: Decoded, events: &mut Vec<Event>) -> Option<String> {
        let kind = self.collection.kind;
        match decoded {
            Decoded::Object(object) => {
                let metadata = object.metadata();
                let version = metadata.resource_version.clone();
                match self.known.see(metadata) {
                    News::Same => {}
                    News::Changed { was_rejected } => {
                        let repaired = was_rejected.then(|| rejected::repaired(&object.key()));
                        events.extend(repaired);
                        events.push(Event::Applied(Box::new(object)));
                    }
                }
                version
            }
            Decoded::Broken(metadata, reason) => {
                if self.known.reject(&metadata) {
                    events.push(rejected::rejected(&rejected::key(kind, &metadata), reason));
                }
                metadata.resource_version
            }
        }
    }

    /// From here on the next watch begins; within a list no version stands for all that was told.
    fn note_version(&mut self, version: Option<String>) {
        if let (Request::Watch { resource_version }, Some(version)) = (&mut self.next, version)
            && !version.is_empty()
        {
            *resource_version = version;
        }
    }

    fn end_list(&mut self, resource_version: String, events: &mut Vec<Event>) {
        self.sweep(events);
        self.is_read = true;
        self.next = Request::Watch { resource_version };
    }

    fn sweep(&mut self, events: &mut Vec<Event>) {
        for (key, was_rejected) in self.known.sweep(self.collection.kind) {
            events.extend(was_rejected.then(|| rejected::repaired(&key)));
            events.push(Event::Deleted(key));
        }
    }
}
