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

/// How often the API server may refuse a note for a while, before others have their turn.
const REFUSALS_MAX: u32 = 12;

/// What of a note makes it the same as another.
type Key = (String, String, &'static str, String);

/// Writes notes of pods as Events, until there are no more.
pub(crate) async fn report(api: Api, mut notes: mpsc::Receiver<Note>) {
    let mut told: BTreeMap<Key, Instant> = BTreeMap::new();
    let mut pause = Pause::default();
    while let Some(note) = notes.recv().await {
        let key = (note.pod.uid.clone(), note.field.clone(), note.reason, note.text.clone());
        told.retain(|_, at| at.elapsed() < AGAIN_AFTER);
        if told.contains_key(&key) {
            continue;
        }
        let report = of_kubelet(note);
        match tell(&api, &report, &mut pause).await {
            Ok(()) if told.len() < KEPT_MAX => drop(told.insert(key, Instant::now())),
            Ok(()) => {}
            // Its namespace ends, mostly.
            Err(failure) => tracing::debug!(pod = report.name, "not told: {failure}"),
        }
    }
}

/// An API server that is away is waited for, and asked again for a while when it has no time.
async fn tell(api: &Api, report: &Report, pause: &mut Pause) -> Result<(), Failure> {
    let mut refusals = 0;
    loop {
        let failure = match api.report(report).await {
            Ok(()) => {
                pause.passed("Events");
                return Ok(());
            }
            Err(failure) => failure,
        };
        if let Failure::Refused { .. } = failure {
            refusals += 1;
            if failure.is_forbidden() || !failure.may_pass() || refusals == REFUSALS_MAX {
                return Err(failure);
            }
        }
        pause.failed("Events", &failure).await;
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::thread;

    use model::NodeName;
    use serde_json::Value;

    use super::*;
    use crate::event::PodRunId;
    use crate::joined::api::Access;
    use crate::who::PodName;

    fn note(text: &str) -> Note {
        let pod = PodRunId { pod: PodName::new("shop", "web"), uid: "1".to_owned() };
        let (node, text) = (NodeName::new("node-1"), text.to_owned());
        Note { pod, node, field: String::new(), is_warning: true, reason: "Failed", text }
    }

    /// An API server that gives these answers, and what it was told each time.
    fn answer(listener: &TcpListener, statuses: &[&str]) -> Vec<String> {
        let one = |status: &&str| {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(&stream);
            let (mut length, mut line) = (0, String::new());
            while reader.read_line(&mut line).unwrap() > 2 {
                let value = line.to_lowercase();
                if let Some(value) = value.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let head = "Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close";
            write!(&stream, "HTTP/1.1 {status}\r\n{head}\r\n\r\n{{}}").unwrap();
            let event: Value = serde_json::from_slice(&body).unwrap();
            event["note"].as_str().unwrap().to_owned()
        };
        statuses.iter().map(one).collect()
    }

    #[test]
    fn a_note_is_told_once_and_not_taken_for_told_before_that() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let path = std::env::temp_dir().join(format!("pogu-report-{}", std::process::id()));
        let kubeconfig = format!(
            "{{apiVersion: v1, kind: Config, current-context: c,
              clusters: [{{name: c, cluster: {{server: 'http://{at}'}}}}],
              contexts: [{{name: c, context: {{cluster: c, user: u}}}}],
              users: [{{name: u, user: {{}}}}]}}"
        );
        fs::write(&path, kubeconfig).unwrap();
        let (notes, queue) = mpsc::channel(8);
        for text in ["a", "a", "b", "b", "c"] {
            notes.try_send(note(text)).unwrap();
        }
        drop(notes);
        let server = thread::spawn(move || {
            answer(&listener, &["500 a", "429 b", "201 c", "403 d", "201 e", "201 f"])
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let access = Access::load(&path).await.unwrap_or_else(|error| panic!("{error}"));
            report(access.api, queue).await;
        });
        // Ends a server that waits for more.
        drop(TcpStream::connect(at));
        // What was refused for good is not told, and may be tried again.
        assert_eq!(server.join().unwrap(), ["a", "a", "a", "b", "b", "c"]);
        fs::remove_file(&path).unwrap();
    }
}
