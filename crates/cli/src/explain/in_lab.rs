//! How is a question asked in a lab: of which agent, and by whom?

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use explain::{Question, Trace};
use lab::{LabName, NodeStatus, PodStatus, Status, Who};

use crate::failure::Failure;

/// A lab that is asked, and who of it asks.
pub(super) struct InLab {
    pub(super) name: LabName,
    pub(super) status: Box<Status>,
    pub(super) who: Who,
}

impl InLab {
    /// Without a word, the client outside asks.
    pub(super) fn new(name: &str, from: Option<&str>) -> Result<Self, Failure> {
        let name = crate::lab::named(name)?;
        let status = crate::lab::status(&name)?;
        let who = crate::lab::who(from.unwrap_or("outside"))?;
        let who = lab::settled(&status, &who).map_err(|error| crate::lab::not_there(&error))?;
        Ok(Self { name, status, who })
    }

    /// Asks the agent of the node that sees the first packet, as far as one can tell beforehand.
    pub(super) fn ask(
        &self,
        question: &Question,
        ask: impl Fn(&PathBuf, &Question) -> Result<Trace, Failure>,
    ) -> Result<Trace, Failure> {
        let node = self.node(question).ok_or_else(|| {
            Failure::new("the lab has no node", "`pogu lab status` shows what it has")
        })?;
        let socket = PathBuf::from(&node.agent_socket);
        let from = match &self.who {
            Who::Outside => {
                let family = question.family.map(|family| family == model::Family::V4);
                let literal = target_address(&question.target).map(|ip| ip.is_ipv4());
                let wanted = literal.or(family);
                let fits = |ip: &&IpAddr| wanted.is_none_or(|is_v4| ip.is_ipv4() == is_v4);
                self.status.outside.iter().find(fits).map(IpAddr::to_string)
            }
            Who::Node(_) | Who::Pod(_) | Who::Deployment(_) => Some(self.who.to_string()),
        };
        let mut trace = ask(&socket, &Question { from, ..question.clone() })?;
        if self.who == Who::Outside {
            "outside".clone_into(&mut trace.from);
        }
        Ok(trace)
    }

    fn node(&self, question: &Question) -> Option<&NodeStatus> {
        let nodes = &self.status.nodes;
        let named = |name: &str| nodes.iter().find(|node| node.name == name);
        match &self.who {
            Who::Node(name) => named(&name.0),
            Who::Pod(_) | Who::Deployment(_) => named(self.pod()?.node.as_deref()?),
            Who::Outside => {
                let target = target_address(&question.target);
                let owns =
                    |node: &&NodeStatus| target.is_some_and(|ip| node.addresses.contains(&ip));
                nodes.iter().find(owns).or_else(|| nodes.first())
            }
        }
    }

    fn pod(&self) -> Option<&PodStatus> {
        let Who::Pod(name) = &self.who else { return None };
        self.status.pods.iter().find(|pod| pod.name == *name)
    }
}

/// The address in a target that has one.
pub(super) fn target_address(target: &str) -> Option<IpAddr> {
    let authority = Target::of(target).authority;
    let bare = authority.split('/').next().unwrap_or(&authority).to_owned();
    let address = bare.parse::<SocketAddr>().map(|it| it.ip()).or_else(|_| bare.parse());
    address.ok().or_else(|| bare.trim_matches(['[', ']']).parse().ok())
}

/// What a client types, in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// Host and port as they were typed.
    pub(super) authority: String,
    pub(super) host: String,
    pub(super) port: Option<u16>,
    pub(super) path: String,
    pub(super) is_udp: bool,
}

impl Target {
    pub(super) fn of(text: &str) -> Self {
        let (text, is_udp) = match text.strip_suffix("/udp") {
            Some(text) => (text, true),
            None => (text, false),
        };
        let rest = text.split_once("://").map(|(_, rest)| rest);
        let (authority, path) = match rest.and_then(|rest| rest.split_once('/')) {
            Some((authority, path)) => (authority, format!("/{path}")),
            None => (rest.unwrap_or(text), "/".to_owned()),
        };
        let has_port = |host: &str| !host.is_empty() && !host.ends_with(':') && !is_open_v6(host);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if has_port(host) => (host, port.parse().ok()),
            Some(_) | None => (authority, None),
        };
        Self { authority: authority.to_owned(), host: host.to_owned(), port, path, is_udp }
    }
}

/// A colon inside of brackets, or of a bare address, parts no port.
fn is_open_v6(host: &str) -> bool {
    host.contains(':') && !(host.starts_with('[') && host.ends_with(']'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_has_parts() {
        let parts = |text: &str| {
            let Target { authority, host, port, path, is_udp } = Target::of(text);
            (authority, host, port, path, is_udp)
        };
        let expected = |authority: &str, host: &str, port, path: &str, is_udp| {
            (authority.to_owned(), host.to_owned(), port, path.to_owned(), is_udp)
        };
        assert_eq!(parts("http://web"), expected("web", "web", None, "/", false));
        let long = "https://web.shop:8443/a/b?c=d:e";
        assert_eq!(
            parts(long),
            expected("web.shop:8443", "web.shop", Some(8443), "/a/b?c=d:e", false)
        );
        let v6 = "http://[fd00::1]:80/";
        assert_eq!(parts(v6), expected("[fd00::1]:80", "[fd00::1]", Some(80), "/", false));
        assert_eq!(parts("clock:123/udp"), expected("clock:123", "clock", Some(123), "/", true));
        assert_eq!(parts("[fd00::1]"), expected("[fd00::1]", "[fd00::1]", None, "/", false));
    }

    #[test]
    fn an_address_is_found_in_a_target() {
        let found = |text: &str| target_address(text).map(|ip| ip.to_string());
        assert_eq!(found("http://[fd00::1]:80/x"), Some("fd00::1".to_owned()));
        assert_eq!(found("172.30.0.11:30080/udp"), Some("172.30.0.11".to_owned()));
        assert_eq!(found("http://172.30.0.11"), Some("172.30.0.11".to_owned()));
        assert_eq!(found("http://web"), None);
        assert_eq!(found("svc/shop/web"), None);
    }
}
