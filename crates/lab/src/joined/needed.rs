//! How does the lab come to know what pods need of the API server beside themselves?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use workload::{Content, Missing, Reference, TOKEN_KEY};

use super::api::{Api, Failure};
use super::follow::follow;
use super::pause::Pause;
use super::seen::Heard;
use super::subject::Subject;
use crate::event::{Event, Events};

/// A token is renewed when so much of its time is over.
const RENEWED_AFTER: f64 = 0.8;

/// A ServiceAccount that is not there may come, and so may a right.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// Follows exactly what is needed, until nobody says any longer what that is.
pub(crate) async fn follow_needed(
    api: Api,
    mut needed: watch::Receiver<BTreeSet<Reference>>,
    events: Events,
) {
    let mut followed: BTreeMap<Reference, Follower> = BTreeMap::new();
    loop {
        let wanted = needed.borrow_and_update().clone();
        let gone: Vec<Reference> =
            followed.keys().filter(|it| !wanted.contains(*it)).cloned().collect();
        for reference in gone {
            if let Some(follower) = followed.remove(&reference) {
                follower.end().await;
            }
            // What it said last counts no longer: the next one begins anew.
            if events.send(Event::Heard(Heard::Found(reference, None))).await.is_err() {
                return;
            }
        }
        for reference in wanted {
            if !followed.contains_key(&reference) {
                let (api, events) = (api.clone(), events.clone());
                followed.insert(reference.clone(), Follower::begin(api, reference, events));
            }
        }
        if needed.changed().await.is_err() {
            return;
        }
    }
}

/// Ends when it is dropped.
struct Follower(JoinHandle<()>);

impl Follower {
    fn begin(api: Api, reference: Reference, events: Events) -> Self {
        Self(tokio::spawn(async move {
            match reference {
                Reference::ConfigMap { .. } | Reference::Secret { .. } => {
                    follow(api, Subject::Object(reference), events).await;
                }
                Reference::Token { .. } => keep_token(api, reference, events).await,
            }
        }))
    }

    /// It says nothing after that.
    async fn end(mut self) {
        self.0.abort();
        // An error is its having been aborted.
        drop((&mut self.0).await);
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Asks for a token, and for another one before it expires.
async fn keep_token(api: Api, reference: Reference, events: Events) {
    let Reference::Token { account, audience, seconds, pod, uid, .. } = &reference else { return };
    let path = Subject::Object(reference.clone()).path();
    let audiences: Vec<&str> =
        Some(audience.as_str()).filter(|it| !it.is_empty()).into_iter().collect();
    let request = json!({
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {
            "audiences": audiences,
            "expirationSeconds": seconds,
            "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": pod, "uid": uid},
        },
    });
    let mut pause = Pause::default();
    loop {
        let (found, again) = match api.create(&path, &request).await.and_then(|it| token(&it)) {
            Ok((token, seconds)) => {
                pause.passed("tokens");
                let content = Content::from([(TOKEN_KEY.to_owned(), token.into_bytes())]);
                (Ok(Arc::new(content)), Duration::from_secs(seconds).mul_f64(RENEWED_AFTER))
            }
            Err(failure) if failure.may_pass() && !failure.is_forbidden() => {
                pause.failed("tokens", &failure).await;
                continue;
            }
            Err(failure) => {
                let why = format!("failed to fetch a token of {account}: {failure}");
                (Err(Missing::Unreadable(why)), AGAIN_AFTER)
            }
        };
        let heard = Heard::Found(reference.clone(), Some(found));
        if events.send(Event::Heard(heard)).await.is_err() {
            return;
        }
        tokio::time::sleep(again).await;
    }
}

/// A token, and for how long the server wants it to be used.
fn token(answer: &Value) -> Result<(String, u64), Failure> {
    let token = answer.pointer("/status/token").and_then(Value::as_str);
    let seconds = answer.pointer("/spec/expirationSeconds").and_then(Value::as_u64);
    match (token, seconds) {
        (Some(token), Some(seconds)) => Ok((token.to_owned(), seconds)),
        _ => Err(Failure::Unreachable("the answer holds no token".to_owned())),
    }
}
