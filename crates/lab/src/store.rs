//! How do objects get into the folder that the agents read?

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use ingest::api::{self, Object};
use workload::ObservedPod;

use crate::cluster::{Cluster, name_of};
use crate::kubelet::Kubelet;

/// A file for each object, written only when it differs.
#[derive(Debug)]
pub(crate) struct Store {
    folder: PathBuf,
    written: BTreeMap<String, String>,
}

impl Store {
    /// The folder must be there, and empty.
    pub(crate) const fn new(folder: PathBuf) -> Self {
        Self { folder, written: BTreeMap::new() }
    }

    /// Makes the folder hold these texts and no others, by their files' names.
    pub(crate) fn write(&mut self, texts: BTreeMap<String, String>) -> io::Result<()> {
        for (name, text) in &texts {
            if self.written.get(name) == Some(text) {
                continue;
            }
            // A file that is being written is not there yet for readers.
            let draft = self.folder.join(format!(".{name}"));
            fs::write(&draft, text)?;
            fs::rename(draft, self.folder.join(name))?;
            self.written.insert(name.clone(), text.clone());
        }
        let gone: Vec<String> =
            self.written.keys().filter(|name| !texts.contains_key(*name)).cloned().collect();
        for name in gone {
            fs::remove_file(self.folder.join(&name))?;
            self.written.remove(&name);
        }
        Ok(())
    }
}

/// What the folder is to hold now.
pub(crate) fn texts(cluster: &Cluster, kubelet: &Kubelet) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    let pods = cluster.pods.iter().filter(|observed| !observed.addresses.is_empty());
    let pods = pods.map(|observed| {
        let run = kubelet.pods.get(&name_of(observed));
        Object::Pod(pod(observed, run.and_then(|run| run.why_unready())))
    });
    for object in cluster.objects().into_iter().chain(pods) {
        let name = file_name(&object);
        let text = serde_json::to_string_pretty(&object).expect("an object has text keys only");
        texts.insert(name, text);
    }
    texts
}

fn file_name(object: &Object) -> String {
    let key = object.key();
    let kind = key.kind.as_str().to_lowercase();
    if key.namespace.is_empty() {
        format!("{kind}.{}.json", key.name)
    } else {
        format!("{kind}.{}.{}.json", key.namespace, key.name)
    }
}

/// A pod as the API server would show it, as far as others need to know.
fn pod(observed: &ObservedPod, why: Option<String>) -> api::Pod {
    let metadata = &observed.pod.metadata;
    let mut ready = api::PodCondition {
        kind: "Ready".to_owned(),
        status: if observed.ready { "True" } else { "False" }.to_owned(),
        ..api::PodCondition::default()
    };
    if let (false, Some(why)) = (observed.ready, why) {
        ready.reason = "ContainersNotReady".to_owned();
        ready.message = why;
    }
    api::Pod {
        metadata: api::Metadata {
            name: metadata.name.clone(),
            namespace: metadata.namespace.clone(),
            uid: metadata.uid.clone(),
            labels: metadata.labels.clone(),
            ..api::Metadata::default()
        },
        spec: api::PodSpec {
            node_name: observed.node.as_ref().map(ToString::to_string),
            host_network: observed.pod.spec.host_network,
        },
        status: api::PodStatus {
            phase: observed.phase.as_str().to_owned(),
            pod_ip: observed.addresses.first().map(ToString::to_string),
            pod_ips: observed
                .addresses
                .iter()
                .map(|ip| api::PodIp { ip: ip.to_string() })
                .collect(),
            conditions: vec![ready],
        },
    }
}
