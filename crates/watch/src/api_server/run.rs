//! How is a collection followed, and what do all of them share?

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use ingest::api::Kind;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep_until;

use super::access::AccessError;
use super::collection::{Collection, Wanted};
use super::connection::{Connection, all_bytes, next_bytes};
use super::failure::Failure;
use super::follower::{Follower, Request};
use super::form::{Form, Messages};
use super::pause::random;
use super::shared::Shared;
use crate::event::Event;

/// The server writes at least a bookmark each minute or so; silence for longer means that somebody
/// on the way has forgotten us.
const SILENCE_MAX: Duration = Duration::from_secs(100);

/// The same within a list, where the server always has something to say.
const LIST_SILENCE_MAX: Duration = Duration::from_secs(30);

/// One page of a list. If it is longer, the next try asks for fewer objects.
const PAGE_BYTES_MAX: usize = 64 << 20;

/// What a follower tells.
pub(super) struct Told {
    pub(super) index: usize,
    pub(super) events: Vec<Event>,
    pub(super) is_read: bool,
}

/// Follows one collection until nobody listens any more.
pub(super) async fn follow(
    shared: Arc<Shared>,
    collection: Collection,
    index: usize,
    out: mpsc::Sender<Told>,
) {
    let wanted = (collection.kind == Kind::Pod).then(|| shared.wanted.subscribe());
    let follower = Follower::new(collection);
    let mut one = One { shared, follower, index, out, refused: None, cluster: None, wanted };
    while one.ask_once().await {}
}

/// One follower at work.
struct One {
    shared: Arc<Shared>,
    follower: Follower,
    index: usize,
    out: mpsc::Sender<Told>,
    /// The client that the server did not accept.
    refused: Option<u64>,
    /// The cluster that was asked last.
    cluster: Option<u64>,
    /// Where what is wanted of the collection may change.
    wanted: Option<watch::Receiver<Wanted>>,
}

/// Nobody listens any more.
struct Deaf;

impl One {
    /// One request from its beginning to its end. False when nobody listens any more.
    async fn ask_once(&mut self) -> bool {
        if let Some(at) = self.follower.not_before() {
            sleep_until(at.into()).await;
        }
        self.shared.wait_until_reachable().await;
        self.select_anew();
        let connection = self.shared.clients.current(self.refused.take()).await;
        if let Ok(connection) = &connection
            && self.cluster.replace(connection.cluster).is_some_and(|it| it != connection.cluster)
        {
            self.follower.list_anew();
        }
        let request = self.follower.begin(now());
        self.count(&request);
        let ended = match self.ask(&request, connection).await {
            Ok(ended) => ended,
            Err(Deaf) => return false,
        };
        if self.select_anew() {
            return true;
        }
        self.note(&request, ended.as_ref());
        let events = self.follower.end(ended.as_ref(), now(), random());
        self.tell(events).await.is_ok()
    }

    /// Gives how it ended: by a failure, or as the server wished.
    async fn ask(
        &mut self,
        request: &Request,
        connection: Result<Connection, Arc<AccessError>>,
    ) -> Result<Option<Failure>, Deaf> {
        let connection = match connection {
            Ok(connection) => connection,
            Err(error) => {
                return Ok(Some(Failure::Unreachable(format!("{error}\nhint: {}", error.hint()))));
            }
        };
        let target = self.follower.target(request, random());
        let mut response = match connection.get(&target, self.follower.collection().accept()).await
        {
            Ok(response) => response,
            Err(failure) => {
                if failure.code() == Some(401) {
                    self.refused = Some(connection.number);
                }
                return Ok(Some(failure));
            }
        };
        let form = Form::of(response.headers());
        if matches!(request, Request::Page { .. }) {
            let answer = all_bytes(&mut response, LIST_SILENCE_MAX, PAGE_BYTES_MAX).await;
            let heard = answer.and_then(|bytes| {
                self.count_bytes(bytes.len());
                self.follower.hear_page(form, &bytes)
            });
            return match heard {
                Ok(events) => self.tell(events).await.map(|()| None),
                Err(failure) => Ok(Some(failure)),
            };
        }
        if matches!(request, Request::Watch { .. }) {
            // It may be long until something happens, and nothing is missed until then.
            self.note(request, None);
        }
        let mut messages = Messages::of(form);
        let mut given_up = self.shared.given_up.subscribe();
        loop {
            let silence = if self.follower.is_read() { SILENCE_MAX } else { LIST_SILENCE_MAX };
            let next = tokio::select! {
                next = next_bytes(&mut response, silence) => next,
                () = wanted_anew(&mut self.wanted) => return Ok(None),
                // The sender lives as long as we do.
                Ok(()) = given_up.changed() => {
                    return Ok(Some(Failure::Unreachable("it does not answer".to_owned())));
                }
            };
            let bytes = match next {
                Ok(Some(bytes)) => bytes,
                Ok(None) => return Ok(None),
                Err(failure) => return Ok(Some(failure)),
            };
            self.count_bytes(bytes.len());
            let mut events = Vec::new();
            let heard = messages.push(&bytes, |message| {
                events.append(&mut self.follower.hear(form, message)?);
                Ok(())
            });
            self.tell(events).await?;
            if let Err(failure) = heard {
                return Ok(Some(failure));
            }
            self.note(request, None);
        }
    }

    /// Lists anew where others are wanted than before. False where they are the same.
    fn select_anew(&mut self) -> bool {
        let Some(wanted) = &mut self.wanted else { return false };
        let pods = wanted.borrow_and_update().pods();
        let Some(pods) = pods.filter(|pods| pods != self.follower.collection()) else {
            return false;
        };
        self.follower.select(pods);
        true
    }

    async fn tell(&self, events: Vec<Event>) -> Result<(), Deaf> {
        let is_read = self.follower.is_read();
        self.shared.status.change_collection(self.index, |state| {
            state.is_absent = self.follower.is_absent();
            state.objects = self.follower.objects();
            state.revision = self.follower.revision().unwrap_or(state.revision);
            state.counts.changes += u64::try_from(events.len()).unwrap_or(u64::MAX);
            let is_news = is_read != state.is_read;
            state.is_read = is_read;
            is_news
        });
        if let Some(name) = self.follower.collection().own_node()
            && is_read
        {
            self.shared.status.note_node(name, self.follower.has("", name));
        }
        self.out.send(Told { index: self.index, events, is_read }).await.map_err(|_closed| Deaf)
    }

    fn count(&self, request: &Request) {
        self.shared.status.change_collection(self.index, |state| match request {
            Request::Stream | Request::Page { after: None, .. } => state.counts.lists += 1,
            Request::Page { after: Some(_), .. } => {}
            Request::Watch { .. } => state.counts.watches += 1,
        });
    }

    fn count_bytes(&self, bytes: usize) {
        self.shared.note_heard();
        self.shared.status.change_collection(self.index, |state| {
            state.counts.bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
        });
    }

    /// Shows how it is, and logs it when it is otherwise than before.
    fn note(&self, request: &Request, failure: Option<&Failure>) {
        let collection = self.follower.collection();
        let is_missed =
            failure.is_some_and(|it| it.code() == Some(404)) && collection.is_optional();
        // What is wrong with pages too is told of these.
        let is_form = |it: &Failure| *request == Request::Stream && it.is_of_form();
        let failure = failure.filter(|it| !it.is_expired() && !is_missed && !is_form(it));
        let reason = failure.map(|it| it.describe(collection, request));
        let is_news = self.shared.status.change_collection(self.index, |state| {
            if let Some(failure) = failure {
                *state.counts.failures.entry(failure.kind()).or_default() += 1;
            }
            state.set_trouble(reason.clone(), wall())
        });
        match (failure, reason) {
            (Some(Failure::Unreachable(_)), Some(reason)) => {
                tracing::debug!(collection = collection.name(), "{reason}");
                self.shared.reachable.send_replace(false);
            }
            (Some(_), Some(reason)) if is_news => tracing::warn!("{reason}"),
            (None, _) if is_news => {
                tracing::info!(collection = collection.name(), "followed again");
            }
            (Some(_) | None, _) => {}
        }
    }
}

/// Waits until something else is wanted, for ever where that cannot be.
async fn wanted_anew(wanted: &mut Option<watch::Receiver<Wanted>>) {
    if let Some(wanted) = wanted
        && wanted.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

#[expect(clippy::disallowed_methods, reason = "following a server is waiting in real time")]
pub(super) fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "people are told since when something is so")]
pub(super) fn wall() -> SystemTime {
    SystemTime::now()
}
