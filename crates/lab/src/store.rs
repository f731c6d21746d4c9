//! How do objects get into the folder that the agents read?

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use ingest::api::Object;
use serde_json::{Value, json};

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
    for object in cluster.objects() {
        let name = file_name(&object);
        let text = serde_json::to_string_pretty(&object).expect("an object has text keys only");
        texts.insert(name, text);
    }
    for observed in &cluster.pods {
        let name = name_of(observed);
        let why = kubelet.pods.get(&name).and_then(|run| run.why_unready());
        let text = pod(observed, why).to_string();
        texts.insert(format!("pod.{}.{}.json", name.namespace, name.name), text);
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
fn pod(observed: &workload::ObservedPod, why: Option<String>) -> Value {
    let metadata = &observed.pod.metadata;
    let ips: Vec<Value> = observed.addresses.iter().map(|ip| json!({"ip": ip})).collect();
    let mut condition = json!({
        "type": "Ready",
        "status": if observed.ready { "True" } else { "False" },
    });
    if let (false, Some(why)) = (observed.ready, why) {
        condition["reason"] = json!("ContainersNotReady");
        condition["message"] = json!(why);
    }
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": metadata.name,
            "namespace": metadata.namespace,
            "uid": metadata.uid,
            "labels": metadata.labels,
        },
        "spec": {
            "nodeName": observed.node.as_ref().map(ToString::to_string),
            "hostNetwork": observed.pod.spec.host_network,
        },
        "status": {
            "phase": observed.phase.as_str(),
            "podIP": observed.addresses.first(),
            "podIPs": ips,
            "conditions": [condition],
        },
    })
}
