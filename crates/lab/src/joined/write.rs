//! How does the API server come to know what became of Pods?

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::api::{Api, Failure, PatchKind};
use super::pause::Pause;
use super::report::scheduled;
use crate::who::PodName;

/// Requests at a time.
const AT_ONCE: usize = 16;

/// One life of a Pod.
pub(crate) type Life = (PodName, String);

/// All that the API server is to hold.
pub(crate) type Wishes = BTreeMap<Life, Wish>;

/// What the API server is to hold of one Pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wish {
    /// It runs on this node.
    Bind(String),
    /// It is so, and was told so often because somebody else had changed it.
    Status(Arc<Value>, u32),
    /// Nothing of it runs any longer: it is deleted after its last status is written.
    Over(Option<Arc<Value>>),
}

/// Writes what differs from what was written, until nobody has wishes. While the API server is away
/// only the last wish of each Pod waits.
pub(crate) async fn write(api: Api, mut wishes: watch::Receiver<Arc<Wishes>>) {
    let mut written = Wishes::new();
    let mut pause = Pause::default();
    loop {
        let wanted = Arc::clone(&wishes.borrow_and_update());
        written.retain(|life, _| wanted.contains_key(life));
        let differs = |(life, wish): &(&Life, &Wish)| written.get(*life) != Some(*wish);
        let due: Vec<(Life, Wish)> = wanted
            .iter()
            .filter(differs)
            .take(AT_ONCE)
            .map(|(life, wish)| (life.clone(), wish.clone()))
            .collect();
        if due.is_empty() {
            if wishes.changed().await.is_err() {
                return;
            }
            continue;
        }
        match write_all(&api, due, &mut written).await {
            None => pause.passed("the states of Pods"),
            Some(failure) => pause.failed("the states of Pods", &failure).await,
        }
    }
}

/// What failed and may succeed later.
async fn write_all(api: &Api, due: Vec<(Life, Wish)>, written: &mut Wishes) -> Option<Failure> {
    let mut tasks = JoinSet::new();
    for (life, wish) in due {
        let api = api.clone();
        tasks.spawn(async move {
            let outcome = grant(&api, &life, &wish).await;
            (life, wish, outcome)
        });
    }
    let mut last = None;
    while let Some(ended) = tasks.join_next().await {
        let Ok((life, wish, outcome)) = ended else { continue };
        match outcome {
            Err(failure) if failure.may_pass() => last = Some(failure),
            Err(failure) => {
                // It has gone, or is another one of the name: what comes says so.
                tracing::debug!(pod = %life.0, "not written: {failure}");
                written.insert(life, wish);
            }
            Ok(()) => drop(written.insert(life, wish)),
        }
    }
    last
}

async fn grant(api: &Api, life: &Life, wish: &Wish) -> Result<(), Failure> {
    let (name, uid) = life;
    let path = format!("/api/v1/namespaces/{}/pods/{}", name.namespace, name.name);
    match wish {
        Wish::Bind(node) => {
            let binding = json!({
                "apiVersion": "v1",
                "kind": "Binding",
                "metadata": {"name": name.name, "uid": uid},
                "target": {"apiVersion": "v1", "kind": "Node", "name": node},
            });
            drop(api.create(&format!("{path}/binding"), &binding).await?);
            // It is bound, whether or not people hear of it.
            drop(api.report(&scheduled(life, node)).await);
        }
        Wish::Status(status, _) => tell(api, &path, uid, status).await?,
        Wish::Over(status) => {
            if let Some(status) = status {
                match tell(api, &path, uid, status).await {
                    Err(failure) if failure.may_pass() => return Err(failure),
                    Ok(()) | Err(_) => {}
                }
            }
            drop(api.delete(&path, &at_once(uid)).await?);
        }
    }
    Ok(())
}

/// Only of this life: the API server refuses a patch with another identity.
async fn tell(api: &Api, path: &str, uid: &str, status: &Value) -> Result<(), Failure> {
    let patch = json!({"metadata": {"uid": uid}, "status": status});
    drop(api.patch(&format!("{path}/status"), PatchKind::Strategic, &patch).await?);
    Ok(())
}

/// Nothing of it runs that would need time.
pub(crate) fn at_once(uid: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "gracePeriodSeconds": 0,
        "preconditions": {"uid": uid},
    })
}
