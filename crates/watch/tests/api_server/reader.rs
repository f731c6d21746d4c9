//! Somebody who hears all events of a source.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ingest::api::Object;
use model::NodeName;
use watch::{
    Access, ApiServer, ApiServerState, ApiServerStatus, ApiServerStopper, Event, PodScope, Wanted,
};

/// So long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Reader {
    batches: Receiver<Vec<Event>>,
    stopper: ApiServerStopper,
    status: ApiServerStatus,
    pub(crate) scope: PodScope,
    thread: Option<JoinHandle<()>>,
    /// What is in force, by kind and name.
    pub(crate) held: BTreeMap<String, Object>,
    /// Objects that were told since the test last asked.
    pub(crate) told: Vec<String>,
    pub(crate) is_synced: bool,
}

/// What an agent with the DNS wants.
pub(crate) fn wanted() -> Wanted {
    Wanted {
        dataplane: true,
        names: true,
        node: Some(NodeName::new("a")),
        all_pods: false,
        addresses: false,
    }
}

impl Reader {
    pub(crate) fn start(kubeconfig: PathBuf) -> Self {
        let access = Access::Kubeconfig { path: kubeconfig, context: None };
        let server = ApiServer::open(access, wanted()).unwrap();
        let (stopper, status, scope) = (server.stopper(), server.status(), server.pod_scope());
        let (sender, batches) = channel();
        let thread = thread::spawn(move || {
            let emit = |batch| match sender.send(batch) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            };
            server.run(emit).unwrap();
        });
        Self {
            batches,
            stopper,
            status,
            scope,
            thread: Some(thread),
            held: BTreeMap::new(),
            told: Vec::new(),
            is_synced: false,
        }
    }

    pub(crate) fn state(&self) -> ApiServerState {
        self.status.state()
    }

    pub(crate) fn revision(&self) -> u64 {
        self.status.revision()
    }

    /// Hears until the condition holds; fails with what is held when it does not in time.
    pub(crate) fn until(&mut self, what: &str, condition: impl Fn(&Self) -> bool) {
        let end = now() + PATIENCE;
        while !condition(self) {
            let left = end.saturating_duration_since(now());
            assert!(!left.is_zero(), "not in time: {what}\n{:#?}\n{:#?}", self.held, self.state());
            // The state may change without a batch.
            let wait = left.min(Duration::from_millis(50));
            if let Ok(batch) = self.batches.recv_timeout(wait) {
                self.hear(batch);
            }
        }
    }

    fn hear(&mut self, batch: Vec<Event>) {
        for event in batch {
            match event {
                Event::Applied(object) => {
                    let name = object.key().to_string();
                    self.told.push(format!("+{name}"));
                    self.held.insert(name, *object);
                }
                Event::Deleted(key) => {
                    self.told.push(format!("-{key}"));
                    assert!(self.held.remove(&key.to_string()).is_some(), "not there: {key}");
                }
                Event::Synced => {
                    assert!(!self.is_synced, "synced twice");
                    self.is_synced = true;
                }
                Event::FileRejected { .. } | Event::FileRepaired { .. } => {
                    unreachable!("the server's objects can be read: {event:?}");
                }
            }
        }
    }

    pub(crate) fn told(&mut self) -> Vec<String> {
        let mut told = std::mem::take(&mut self.told);
        told.sort();
        told
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.held.contains_key(name)
    }

    pub(crate) fn trouble(&self, collection: &str) -> Option<String> {
        let state = self.state();
        let one = state.collections.into_iter().find(|it| it.name == collection);
        one.and_then(|it| it.trouble).map(|trouble| trouble.reason)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.stopper.stop();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || thread::panicking(), "the source broke");
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a deadline for what must come")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
