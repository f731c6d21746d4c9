//! How do manifests in files become a cluster, and a folder that the agents read?

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::cluster::{Cluster, Key, dns_service};
use crate::kubelet::{Kubelet, Surroundings};
use crate::source::{Change, Notice, Source};
use crate::store::{self, Store};

/// What could not be written is tried again after this.
const WRITE_AGAIN_AFTER: Duration = Duration::from_millis(250);

/// The objects of a lab that has no API server.
#[derive(Debug)]
pub(crate) struct Files {
    around: Arc<Surroundings>,
    pub(crate) cluster: Cluster,
    source: Source,
    store: Store,
    /// Changes that were refused, by what they are about, so that each is told once.
    told: BTreeMap<String, String>,
    /// Why the folder could not be written, the last time.
    unwritten: Option<String>,
}

impl Files {
    pub(crate) fn new(around: Arc<Surroundings>, source: Source) -> Self {
        Self {
            cluster: Cluster::new(&around.plan, &around.settings.service_cidrs),
            source,
            store: Store::new(around.place.objects()),
            around,
            told: BTreeMap::new(),
            unwritten: None,
        }
    }

    /// Looks at the given files; whether something in them has changed.
    pub(crate) fn look(&mut self) -> bool {
        let read = self.source.read();
        tell(&read.notices);
        let is_new = !read.changes.is_empty();
        self.take_in(read.changes);
        is_new
    }

    /// Takes changes in; what is refused is told, and the rest goes on.
    pub(crate) fn take_in(&mut self, changes: Vec<Change>) -> Vec<String> {
        let now = host::clock::wall();
        let created = host::rfc3339::format(crate::joined::to_the_second(now));
        let mut refusals = Vec::new();
        for change in first_what_asks_for_addresses(changes) {
            match change {
                Change::Apply(object) => {
                    let key = Key::of(&object).to_string();
                    match self.cluster.apply(*object, &created) {
                        Ok(()) => drop(self.told.remove(&key)),
                        Err(rejections) => {
                            let all: Vec<String> =
                                rejections.iter().map(ToString::to_string).collect();
                            let text = all.join("; ");
                            if self.told.get(&key) != Some(&text) {
                                tracing::error!("refused: {text}");
                                self.told.insert(key, text.clone());
                            }
                            refusals.push(text);
                        }
                    }
                }
                Change::Delete(key) => drop(self.cluster.delete(&key)),
            }
        }
        refusals
    }

    /// The cluster DNS's Service, which pods are pointed at, stands for all clusters' own. A manifest
    /// may say something else.
    pub(crate) fn add_dns(&mut self) {
        let manifest = dns_service(&self.around.plan.dns);
        let parsed = crate::source::parse("", &manifest.to_string());
        let changes = parsed.objects.into_iter().map(|object| Change::Apply(Box::new(object)));
        self.take_in(changes.collect());
    }

    /// Writes the folder that the agents read; when to do it again, if it could not be done.
    pub(crate) fn publish(&mut self, kubelet: &Kubelet, now: Duration) -> Option<Duration> {
        let written = self.store.write(store::texts(&self.cluster, kubelet));
        let failure = written.err().map(|error| error.to_string());
        // What is written is kept, and the rest tried again.
        let again = failure.is_some().then_some(now + WRITE_AGAIN_AFTER);
        if let Some(error) = &failure
            && self.unwritten != failure
        {
            tracing::error!("cannot write the objects that the agents read: {error}");
        }
        self.unwritten = failure;
        again
    }
}

fn tell(notices: &[Notice]) {
    for notice in notices {
        let hint = notice.hint.as_deref().map(|hint| format!("; hint: {hint}"));
        let text = format!("{}{}", notice.text, hint.unwrap_or_default());
        if notice.is_error { tracing::error!("{text}") } else { tracing::info!("{text}") }
    }
}

/// Services that name their addresses and ports come before those that take what is left.
fn first_what_asks_for_addresses(mut changes: Vec<Change>) -> Vec<Change> {
    use workload::manifest::Object;
    changes.sort_by_key(|change| match change {
        Change::Delete(_) => 0,
        Change::Apply(object) => match &**object {
            Object::Service(service) => {
                let spec = &service.object.spec;
                let asks = spec.cluster_ip.is_some()
                    || !spec.cluster_ips.is_empty()
                    || spec.ports.iter().any(|port| port.node_port.is_some());
                if asks { 1 } else { 2 }
            }
            Object::Pod(_) | Object::Deployment(_) | Object::Other(_) => 3,
        },
    });
    changes
}
