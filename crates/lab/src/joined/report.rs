//! How do people hear of what became of pods?

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use watch::Report;

use super::api::{Api, Failure};
use super::pause::Pause;
use super::write::Life;
use crate::kubelet::Note;

/// The same is not told more often.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// Notes that are remembered.
const KEPT_MAX: usize = 4_096;

const KUBELET: &str = "kubelet";
const SCHEDULER: &str = "default-scheduler";

/// Writes notes of pods as Events, until there are no more.
pub(crate) async fn report(api: Api, mut notes: mpsc::Receiver<Note>) {
    let mut told: BTreeMap<(String, String, &'static str, String), Instant> = BTreeMap::new();
    let mut pause = Pause::default();
    while let Some(note) = notes.recv().await {
        let key = (note.pod.uid.clone(), note.field.clone(), note.reason, note.text.clone());
        let now = Instant::now();
        if told.get(&key).is_some_and(|at| *at + AGAIN_AFTER > now) {
            continue;
        }
        told.retain(|_, at| *at + AGAIN_AFTER > now);
        if told.len() < KEPT_MAX {
            told.insert(key, now);
        }
        let report = of_kubelet(note);
        loop {
            match api.report(&report).await {
                Err(failure @ Failure::Unreachable(_)) => pause.failed("Events", &failure).await,
                Err(failure) => {
                    // Its namespace ends, mostly.
                    tracing::debug!(pod = report.name, "not told: {failure}");
                    break;
                }
                Ok(()) => {
                    pause.passed("Events");
                    break;
                }
            }
        }
    }
}

fn of_kubelet(note: Note) -> Report {
    Report {
        field: note.field,
        is_warning: note.is_warning,
        reason: note.reason.to_owned(),
        note: note.text,
        action: note.reason.to_owned(),
        reporter: KUBELET,
        instance: note.node.to_string(),
        ..of_pod(&(note.pod.pod, note.pod.uid))
    }
}

/// That the lab gave a pod its node, which is a scheduler's to tell.
pub(super) fn scheduled(life: &Life, node: &str) -> Report {
    let name = &life.0;
    Report {
        reason: "Scheduled".to_owned(),
        note: format!("Successfully assigned {name} to {node}"),
        action: "Binding".to_owned(),
        reporter: SCHEDULER,
        instance: "pogu-lab".to_owned(),
        ..of_pod(life)
    }
}

fn of_pod((name, uid): &Life) -> Report {
    Report {
        api_version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        namespace: name.namespace.clone(),
        name: name.name.clone(),
        uid: uid.clone(),
        field: String::new(),
        is_warning: false,
        reason: String::new(),
        note: String::new(),
        action: String::new(),
        reporter: KUBELET,
        instance: String::new(),
    }
}
