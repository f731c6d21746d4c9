//! How are all objects of one kind followed while they change?

use std::ops::ControlFlow;
use std::time::Duration;

use hyper::StatusCode;
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use super::api::{Api, Failure, unreachable};
use super::pause::Pause;
use super::seen::Heard;
use super::subject::Subject;
use crate::event::{Event, Events};

/// The server ends a watch by itself after this.
const WATCH_SECONDS: u64 = 240;

/// It writes at least a bookmark each minute.
const SILENCE_MAX: Duration = Duration::from_secs(90);

/// A server that ends each watch at once is not asked more often.
const WATCH_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// No object is longer.
const LINE_BYTES_MAX: usize = 8 << 20;

const PAGE: usize = 500;

/// Why a watch is over.
enum End {
    /// The server ended it: it goes on where it was.
    Over,
    /// What was known is too old.
    Expired,
    /// Nobody listens any longer.
    Unheard,
}

/// Tells of everything, until nobody listens. An API server that is away is waited for.
pub(crate) async fn follow(api: Api, subject: Subject, events: Events) {
    let mut pause = Pause::default();
    let mut version = None;
    let mut is_known = false;
    loop {
        let outcome = match version.clone() {
            None => list(&api, &subject, &events).await.map(|found| {
                version = found;
                if version.is_some() { End::Over } else { End::Unheard }
            }),
            Some(_) => {
                let began = Instant::now();
                let outcome = watch(&api, &subject, &events, &mut version).await;
                sleep_until(began + WATCH_AGAIN_AFTER).await;
                outcome
            }
        };
        match outcome {
            Ok(End::Unheard) => return,
            Ok(End::Over) => {
                is_known = true;
                pause.passed(&subject.path());
            }
            Ok(End::Expired) => version = None,
            Err(failure) => {
                // What is known already stays, whoever takes the right away.
                if !is_known
                    && failure.is_forbidden()
                    && let Some(heard) = subject.refused(&failure)
                    && tell(&events, heard).await.is_break()
                {
                    return;
                }
                if !failure.may_pass() {
                    version = None;
                }
                pause.failed(&subject.path(), &failure).await;
            }
        }
    }
}

/// The version of the whole list; nothing when nobody listens.
async fn list(api: &Api, subject: &Subject, events: &Events) -> Result<Option<String>, Failure> {
    let (mut all, mut more) = (Vec::new(), String::new());
    loop {
        let path = format!("{}limit={PAGE}{more}", subject.query());
        let mut page = api.get(&path).await?;
        if let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) {
            all.extend(items);
        }
        let word = |field: &str| page.pointer(field).and_then(Value::as_str).unwrap_or_default();
        match word("/metadata/continue") {
            "" => {
                let version = word("/metadata/resourceVersion").to_owned();
                let told = tell(events, subject.listed(all)).await;
                return Ok(told.is_continue().then_some(version));
            }
            token => more = format!("&continue={token}"),
        }
    }
}

async fn watch(
    api: &Api,
    subject: &Subject,
    events: &Events,
    version: &mut Option<String>,
) -> Result<End, Failure> {
    let path = format!(
        "{}watch=1&allowWatchBookmarks=true&timeoutSeconds={WATCH_SECONDS}&resourceVersion={}",
        subject.query(),
        version.as_deref().unwrap_or_default(),
    );
    let mut changes = match api.watch(&path, SILENCE_MAX).await {
        Err(failure) if failure.is(StatusCode::GONE) => return Ok(End::Expired),
        begun => begun?,
    };
    while let Some(line) = changes.next_line().await? {
        if line.len() > LINE_BYTES_MAX {
            return Err(Failure::Unreachable("an object is too long".to_owned()));
        }
        let event = serde_json::from_slice(&line).map_err(|error| unreachable(&error))?;
        if let ControlFlow::Break(end) = hear(event, subject, events, version).await {
            return Ok(end);
        }
    }
    Ok(End::Over)
}

async fn hear(
    mut event: Value,
    subject: &Subject,
    events: &Events,
    version: &mut Option<String>,
) -> ControlFlow<End> {
    let object = event.get_mut("object").map(Value::take).unwrap_or_default();
    let now = object.pointer("/metadata/resourceVersion").and_then(Value::as_str);
    let now = now.map(str::to_owned);
    let heard = match event.get("type").and_then(Value::as_str).unwrap_or_default() {
        "ADDED" | "MODIFIED" => subject.applied(object),
        "DELETED" => subject.deleted(object),
        "BOOKMARK" => None,
        _ => return ControlFlow::Break(End::Expired),
    };
    if let Some(heard) = heard
        && tell(events, heard).await.is_break()
    {
        return ControlFlow::Break(End::Unheard);
    }
    if now.is_some() {
        *version = now;
    }
    ControlFlow::Continue(())
}

async fn tell(events: &Events, heard: Heard) -> ControlFlow<()> {
    match events.send(Event::Heard(heard)).await {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    }
}
