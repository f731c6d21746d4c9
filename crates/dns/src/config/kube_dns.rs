//! What does the ConfigMap `kube-dns` say?

use serde_json::Value;

use super::notice::{Notice, Notices, Origin, Setting, quoted};
use super::stub_domain::StubDomain;
use super::upstream::{Target, UPSTREAMS_MAX, Upstream};
use super::zone_name::domain;

/// Stub domains that are kept.
pub const STUB_DOMAINS_MAX: usize = 1024;

/// Nameservers that kube-dns takes.
const NAMESERVERS_MAX: usize = 3;

/// What kube-dns is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KubeDns {
    /// Domains with name servers of their own.
    pub stub_domains: Vec<Setting<StubDomain>>,
    /// Who is asked for everything else, instead of the node's own name servers. Three at most.
    pub upstream_nameservers: Vec<Setting<Upstream>>,
}

impl KubeDns {
    /// Reads the ConfigMap's keys and their texts. What is wrong is ignored, the rest holds.
    #[must_use]
    pub fn read<'a>(data: impl IntoIterator<Item = (&'a str, &'a str)>) -> (Self, Vec<Notice>) {
        let mut read = Self::default();
        let mut notices = Notices::default();
        for (key, text) in data {
            let origin =
                Origin::new(&format!("ConfigMap kube-dns, {}", quoted(key).trim_matches('"')));
            match key {
                "stubDomains" => read.stub_domains(text, &origin, &mut notices),
                "upstreamNameservers" => read.upstream_nameservers(text, &origin, &mut notices),
                "federations" => {
                    notices.add(&origin, "federations are no longer a part of Kubernetes, ignored");
                }
                _ => notices.add(&origin, "the key is not understood, ignored"),
            }
        }
        (read, notices.finish("ConfigMap kube-dns"))
    }

    fn stub_domains(&mut self, text: &str, origin: &Origin, notices: &mut Notices) {
        let Some(value) = json(text, NOT_STUB_DOMAINS, origin, notices) else { return };
        let Value::Object(domains) = value else {
            notices.add(origin, NOT_STUB_DOMAINS);
            return;
        };
        for (name, servers) in domains {
            if self.stub_domains.len() == STUB_DOMAINS_MAX {
                notices.add(origin, format!("domains beyond {STUB_DOMAINS_MAX} are ignored"));
                return;
            }
            let Some(zone) = domain(&name) else {
                notices.add(origin, format!("domain {} is no name, ignored", quoted(&name)));
                continue;
            };
            let Value::Array(servers) = servers else {
                let message =
                    format!("domain {} has no list of name servers, ignored", quoted(&name));
                notices.add(origin, message);
                continue;
            };
            let targets = upstreams(&servers, UPSTREAMS_MAX, origin, notices);
            if targets.is_empty() {
                let message =
                    format!("domain {} has nobody to ask: its names get SERVFAIL", quoted(&name));
                notices.add(origin, message);
            }
            let targets = targets.into_iter().map(Target::Upstream).collect();
            let stub_domain = StubDomain { zones: vec![zone], targets };
            self.stub_domains.push(Setting::new(stub_domain, origin.clone()));
        }
    }

    fn upstream_nameservers(&mut self, text: &str, origin: &Origin, notices: &mut Notices) {
        let Some(value) = json(text, NOT_NAMESERVERS, origin, notices) else { return };
        let Value::Array(servers) = value else {
            notices.add(origin, NOT_NAMESERVERS);
            return;
        };
        self.upstream_nameservers = upstreams(&servers, NAMESERVERS_MAX, origin, notices)
            .into_iter()
            .map(|upstream| Setting::new(upstream, origin.clone()))
            .collect();
    }
}

const NOT_STUB_DOMAINS: &str =
    r#"ignored; hint: write a JSON object of lists, as in {"acme.local": ["1.2.3.4"]}"#;
const NOT_NAMESERVERS: &str = r#"ignored; hint: write a JSON list, as in ["8.8.8.8", "8.8.4.4"]"#;

fn json(text: &str, hint: &str, origin: &Origin, notices: &mut Notices) -> Option<Value> {
    match serde_json::from_str(text) {
        Ok(value) => Some(value),
        Err(error) => {
            notices.add(origin, format!("no JSON ({error}), {hint}"));
            None
        }
    }
}

/// kube-dns knows plain DNS servers only, by address.
fn upstreams(
    servers: &[Value],
    max: usize,
    origin: &Origin,
    notices: &mut Notices,
) -> Vec<Upstream> {
    let mut upstreams = Vec::new();
    for server in servers {
        let Some(text) = server.as_str() else {
            notices
                .add(origin, format!("{} is no name server, ignored", quoted(&server.to_string())));
            continue;
        };
        match Target::parse(text) {
            Ok(Target::Upstream(upstream)) if upstreams.len() < max => upstreams.push(upstream),
            Ok(Target::Upstream(_)) => {
                let message = format!("{} is beyond the first {max}, ignored", quoted(text));
                notices.add(origin, message);
            }
            Ok(Target::File(_)) => {
                notices.add(origin, format!("{} is a path, ignored", quoted(text)));
            }
            Err(error) => notices.add(origin, format!("ignored: {error}")),
        }
    }
    upstreams
}
