//! Which other objects of the API does a Pod need, and what is known of them?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ingest::api::Service;

use crate::api::{Container, Keys, Pod};
use crate::volume::{Source, VolumeKind};

/// Something that a Pod's containers are given by the API server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reference {
    ConfigMap {
        namespace: String,
        name: String,
    },
    Secret {
        namespace: String,
        name: String,
    },
    /// Of a ServiceAccount, for one Pod, which it ends with.
    Token {
        namespace: String,
        account: String,
        pod: String,
        uid: String,
        audience: String,
        seconds: u64,
    },
}

/// The key by which a token is found in its content.
pub const TOKEN_KEY: &str = "token";

/// A kubelet asks for an hour, and nobody gives less than ten minutes.
const TOKEN_SECONDS: u64 = 3_600;
const TOKEN_SECONDS_MIN: u64 = 600;

/// Keys and values of an object.
pub type Content = BTreeMap<String, Vec<u8>>;

/// What the API server said last. A reference that is not there was not answered yet; an error is why
/// there is nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    pub contents: BTreeMap<Reference, Result<Arc<Content>, Missing>>,
    /// All of them; none as long as they were not read.
    pub services: Option<BTreeMap<(String, String), Arc<Service>>>,
}

/// Why a container or a volume cannot be made yet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// The answer is awaited.
    #[error("{0} has not been read yet")]
    Unread(&'static str),
    #[error("{0}")]
    Absent(String),
    /// It may be there, and cannot be had: something optional is awaited then.
    #[error("{0}")]
    Unreadable(String),
}

impl Reference {
    pub(crate) fn of_keys(is_secret: bool, namespace: &str, name: &str) -> Self {
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        if is_secret {
            Self::Secret { namespace, name }
        } else {
            Self::ConfigMap { namespace, name }
        }
    }

    pub(crate) fn token(pod: &Pod, uid: &str, audience: &str, seconds: Option<u64>) -> Self {
        Self::Token {
            namespace: pod.metadata.namespace.clone(),
            account: pod.spec.service_account().to_owned(),
            pod: pod.metadata.name.clone(),
            uid: uid.to_owned(),
            audience: audience.to_owned(),
            seconds: seconds.unwrap_or(TOKEN_SECONDS).max(TOKEN_SECONDS_MIN),
        }
    }

    const fn what(&self) -> &'static str {
        match self {
            Self::ConfigMap { .. } => "a ConfigMap",
            Self::Secret { .. } => "a Secret",
            Self::Token { .. } => "the token of a ServiceAccount",
        }
    }
}

impl Known {
    /// Of a cluster that has no such objects and never will.
    #[must_use]
    pub fn nothing() -> Self {
        Self { contents: BTreeMap::new(), services: Some(BTreeMap::new()) }
    }

    pub(crate) fn content(&self, reference: &Reference) -> Result<&Content, Missing> {
        match self.contents.get(reference) {
            None => Err(Missing::Unread(reference.what())),
            Some(Err(missing)) => Err(missing.clone()),
            Some(Ok(content)) => Ok(content),
        }
    }

    /// The same; nothing where something optional is absent.
    pub(crate) fn content_if(
        &self,
        reference: &Reference,
        is_optional: bool,
    ) -> Result<Option<&Content>, Missing> {
        match self.content(reference) {
            Err(Missing::Absent(_)) if is_optional => Ok(None),
            found => found.map(Some),
        }
    }
}

/// All that must be known before the Pod's containers can run.
#[must_use]
pub fn references(pod: &Pod) -> BTreeSet<Reference> {
    let mut all = BTreeSet::new();
    let namespace = &pod.metadata.namespace;
    for container in pod.spec.all_containers() {
        of_variables(container, namespace, &mut all);
    }
    let uid = pod.metadata.uid.clone().unwrap_or_default();
    for volume in &pod.spec.volumes {
        let VolumeKind::Files { sources, .. } = VolumeKind::of(volume) else { continue };
        for source in sources {
            match source {
                Source::Keys { is_secret, keys: Keys { name, .. } } => {
                    all.insert(Reference::of_keys(is_secret, namespace, &name));
                }
                Source::Token(file) => {
                    let seconds = file.expiration_seconds;
                    all.insert(Reference::token(pod, &uid, &file.audience, seconds));
                }
                Source::Downward(_) | Source::Other(_) => {}
            }
        }
    }
    all
}

fn of_variables(container: &Container, namespace: &str, all: &mut BTreeSet<Reference>) {
    let whole = container.env_from.iter().flat_map(|from| {
        let map = from.config_map_ref.as_ref().map(|it| (false, &it.name));
        map.into_iter().chain(from.secret_ref.as_ref().map(|it| (true, &it.name)))
    });
    let single = container.env.iter().filter_map(|it| it.value_from.as_ref()).flat_map(|from| {
        let map = from.config_map_key_ref.as_ref().map(|it| (false, &it.name));
        map.into_iter().chain(from.secret_key_ref.as_ref().map(|it| (true, &it.name)))
    });
    let named = whole.chain(single);
    all.extend(named.map(|(is_secret, name)| Reference::of_keys(is_secret, namespace, name)));
}
