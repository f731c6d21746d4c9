//! What of the API server is followed, and how is what comes understood?

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ingest::api::Service;
use serde::Deserialize;
use serde_json::Value;
use workload::{Content, Missing, Reference};

use super::api::Failure;
use super::seen::{Heard, SeenNode, SeenPod};
use crate::kubelet::Found;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    Pods,
    Nodes,
    Services,
    /// A ConfigMap or a Secret that pods need.
    Object(Reference),
}

impl Subject {
    pub(crate) fn path(&self) -> String {
        match self {
            Self::Pods => "/api/v1/pods".to_owned(),
            Self::Nodes => "/api/v1/nodes".to_owned(),
            Self::Services => "/api/v1/services".to_owned(),
            Self::Object(Reference::ConfigMap { namespace, .. }) => {
                format!("/api/v1/namespaces/{namespace}/configmaps")
            }
            Self::Object(Reference::Secret { namespace, .. }) => {
                format!("/api/v1/namespaces/{namespace}/secrets")
            }
            // It is asked for, not followed.
            Self::Object(Reference::Token { namespace, account, .. }) => {
                format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token")
            }
        }
    }

    /// The path and the beginning of its query, to which more is added.
    pub(super) fn query(&self) -> String {
        match self {
            Self::Object(Reference::ConfigMap { name, .. } | Reference::Secret { name, .. }) => {
                format!("{}?fieldSelector=metadata.name%3D{name}&", self.path())
            }
            Self::Pods | Self::Nodes | Self::Services | Self::Object(Reference::Token { .. }) => {
                format!("{}?", self.path())
            }
        }
    }

    /// All that there are.
    pub(super) fn listed(&self, all: Vec<Value>) -> Heard {
        match self {
            Self::Pods => Heard::Pods(all.into_iter().filter_map(SeenPod::read).collect()),
            Self::Nodes => Heard::Nodes(all.into_iter().filter_map(SeenNode::read).collect()),
            Self::Services => {
                let all = all.into_iter().filter_map(service);
                Heard::Services(all.map(|it| (name_of(&it), Arc::new(it))).collect())
            }
            Self::Object(reference) => {
                let found = all.into_iter().next().map_or_else(|| absent(reference), content);
                Heard::Found(reference.clone(), Some(found))
            }
        }
    }

    /// That the API server does not show it, which pods are told that wait for it.
    pub(super) fn refused(&self, failure: &Failure) -> Option<Heard> {
        let Self::Object(reference) = self else { return None };
        let why = format!("{} cannot be read: {failure}", in_words(reference));
        Some(Heard::Found(reference.clone(), Some(Err(Missing::Unreadable(why)))))
    }

    pub(super) fn applied(&self, object: Value) -> Option<Heard> {
        match self {
            Self::Pods => SeenPod::read(object).map(|pod| Heard::Pod(Box::new(pod))),
            Self::Nodes => SeenNode::read(object).map(|node| Heard::Node(Box::new(node))),
            Self::Services => service(object).map(|it| Heard::Service(Box::new(it))),
            Self::Object(reference) => Some(Heard::Found(reference.clone(), Some(content(object)))),
        }
    }

    pub(super) fn deleted(&self, object: Value) -> Option<Heard> {
        match self {
            Self::Pods => {
                let gone = SeenPod::read(object)?;
                Some(Heard::PodGone { name: gone.name(), uid: gone.uid().to_owned() })
            }
            Self::Nodes => SeenNode::read(object).map(|node| Heard::NodeGone(node.0.name)),
            Self::Services => service(object).map(|it| Heard::ServiceGone(Box::new(it))),
            Self::Object(reference) => {
                Some(Heard::Found(reference.clone(), Some(absent(reference))))
            }
        }
    }
}

pub(crate) fn name_of(service: &Service) -> (String, String) {
    (service.metadata.namespace.clone(), service.metadata.name.clone())
}

fn service(object: Value) -> Option<Service> {
    match Service::deserialize(object) {
        Ok(service) => Some(service),
        Err(error) => {
            tracing::warn!("a Service of the API server is not understood: {error}");
            None
        }
    }
}

fn absent(reference: &Reference) -> Found {
    Err(Missing::Absent(format!("{} not found", in_words(reference))))
}

/// A kubelet's.
fn in_words(reference: &Reference) -> String {
    match reference {
        Reference::ConfigMap { name, .. } => format!("configmap {name:?}"),
        Reference::Secret { name, .. } => format!("secret {name:?}"),
        Reference::Token { account, .. } => format!("serviceaccount {account:?}"),
    }
}

/// As much of a ConfigMap or a Secret as pods get.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Holder {
    kind: String,
    data: Option<BTreeMap<String, String>>,
    binary_data: Option<BTreeMap<String, String>>,
}

fn content(object: Value) -> Found {
    // Objects of a list do not say their kind; only a Secret has a type.
    let is_secret = object.get("type").is_some();
    let unreadable = |error: serde_json::Error| Missing::Unreadable(error.to_string());
    let holder = Holder::deserialize(object).map_err(unreadable)?;
    let (data, binary) = (holder.data.unwrap_or_default(), holder.binary_data.unwrap_or_default());
    let is_secret = is_secret || holder.kind == "Secret";
    let mut content = Content::new();
    for (key, text) in data {
        let bytes = if is_secret { decoded(&key, &text)? } else { text.into_bytes() };
        content.insert(key, bytes);
    }
    for (key, text) in binary {
        let bytes = decoded(&key, &text)?;
        content.insert(key, bytes);
    }
    Ok(Arc::new(content))
}

fn decoded(key: &str, text: &str) -> Result<Vec<u8>, Missing> {
    let wrong = || Missing::Unreadable(format!("the value of {key} is not base64"));
    STANDARD.decode(text).map_err(|_invalid| wrong())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_holds_its_keys_and_a_secret_hides_them() {
        let of = |object| content(object).map(|it| (*it).clone());
        let expected = Content::from([("a".to_owned(), b"one".to_vec())]);
        let map = json!({"kind": "ConfigMap", "data": {"a": "one"}});
        let binary = json!({"binaryData": {"a": "b25l"}});
        let secret = json!({"type": "Opaque", "data": {"a": "b25l"}});
        assert_eq!([of(map), of(binary), of(secret)], [(); 3].map(|()| Ok(expected.clone())));
        let wrong = json!({"type": "Opaque", "data": {"a": "one"}});
        let why = "the value of a is not base64".to_owned();
        assert_eq!(of(wrong), Err(Missing::Unreadable(why)));
    }

    #[test]
    fn bytes_of_secrets_are_read_as_others_write_them() {
        let read = |text: &str| decoded("a", text).ok().map(|it| String::from_utf8(it).unwrap());
        let cases = [
            ("", Some("")),
            ("YQ==", Some("a")),
            ("YWI=", Some("ab")),
            ("YWJj", Some("abc")),
            ("YWJjZD8+", Some("abcd?>")),
            ("YWJ", None),
            ("Y===", None),
            ("YW Jj", None),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text).as_deref(), expected, "{text}");
        }
        assert_eq!(decoded("a", "/+8=").unwrap(), [0xff, 0xef]);
    }
}
