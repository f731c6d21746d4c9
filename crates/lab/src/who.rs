//! Who is meant: the client outside, a node or a pod?

use std::fmt;
use std::str::FromStr;

use model::NodeName;

/// `outside`, `node/NAME`, `pod/NAMESPACE/NAME` or `deployment/NAMESPACE/NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    Outside,
    Node(NodeName),
    Pod(PodName),
    /// Any of a Deployment's pods, a ready one if there is one.
    Deployment(PodName),
}

/// A namespace and a name in it.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct PodName {
    pub namespace: String,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("nobody is called so: {0}")]
pub struct UnknownWho(pub String);

impl UnknownWho {
    pub const HINT: &str =
        "write outside, node/NAME, pod/NAMESPACE/NAME or deployment/NAMESPACE/NAME";
}

impl PodName {
    #[must_use]
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for PodName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outside => f.write_str("outside"),
            Self::Node(name) => write!(f, "node/{name}"),
            Self::Pod(name) => write!(f, "pod/{name}"),
            Self::Deployment(name) => write!(f, "deployment/{name}"),
        }
    }
}

impl FromStr for Who {
    type Err = UnknownWho;

    fn from_str(text: &str) -> Result<Self, UnknownWho> {
        let unknown = || UnknownWho(text.to_owned());
        // A name leads to files and namespaces, so it must be no path.
        let name = |name: &str| {
            let is_name = !name.is_empty() && name != "." && name != ".." && !name.contains('/');
            if is_name { Ok(name.to_owned()) } else { Err(unknown()) }
        };
        let named = |rest: &str| {
            let (namespace, of_it) = rest.split_once('/').unwrap_or(("default", rest));
            Ok(PodName { namespace: name(namespace)?, name: name(of_it)? })
        };
        match text.split_once('/') {
            None if text == "outside" => Ok(Self::Outside),
            Some(("node", rest)) => Ok(Self::Node(NodeName::new(name(rest)?))),
            Some(("pod", rest)) => named(rest).map(Self::Pod),
            Some(("deployment" | "deploy", rest)) => named(rest).map(Self::Deployment),
            Some(_) | None => Err(unknown()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_comes_back() {
        let texts = ["outside", "node/node-1", "pod/shop/web-0", "deployment/shop/web"];
        assert_eq!(texts.map(|text| text.parse::<Who>().unwrap().to_string()), texts);
        assert_eq!("pod/web".parse(), Ok(Who::Pod(PodName::new("default", "web"))));
    }

    #[test]
    fn a_name_is_no_path() {
        let texts = ["", "web", "inside", "node/", "node/..", "pod/a/b/c", "pod//b", "svc/a/b"];
        assert_eq!(texts.map(|text| text.parse::<Who>().is_err()), [true; 8]);
    }
}
