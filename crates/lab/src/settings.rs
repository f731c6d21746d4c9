//! What is a lab to be like? A value that exists can be built.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use model::Family;

/// Nodes of a lab.
pub const NODES_MAX: u8 = 64;

/// Links have names of 15 letters at most, and files of 255.
const NAME_CHARS_MAX: usize = 32;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub name: LabName,
    /// Files and folders of manifests.
    pub files: Vec<PathBuf>,
    pub nodes: u8,
    /// One or two CIDRs, of different families; the first family is the cluster's first. Every one
    /// of the three has the same families in the same order.
    pub node_cidrs: Vec<IpNet>,
    pub pod_cidrs: Vec<IpNet>,
    pub service_cidrs: Vec<IpNet>,
    pub cluster_domain: String,
    /// Commands that stand for images.
    pub images: BTreeMap<String, String>,
    /// Without them, whatever leads Services runs as pods of the nodes.
    pub has_agents: bool,
    /// What each node's agent is told beyond what the lab itself decides.
    pub agent_flags: Vec<String>,
    /// Names of the world beyond the cluster besides the site's, written as in `/etc/hosts`.
    pub world_hosts: String,
    /// How long a node may be silent before its pods count as lost.
    pub node_grace: Duration,
    /// Whose API server holds the objects; without one the lab itself does.
    pub kubeconfig: Option<PathBuf>,
    /// One of this machine's own addresses, at which the API server reaches all nodes.
    pub kubelet_address: IpAddr,
    /// `pogu` itself: the agents and the built-in server are run from it.
    pub program: PathBuf,
}

/// By this an agent takes part in announcing addresses.
pub(crate) const LOAD_BALANCER_FLAG: &str = "--load-balancer";

/// The name of a lab: lower case letters, digits and `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LabName(String);

/// Which setting is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct SettingError {
    pub what: String,
    pub hint: String,
}

impl SettingError {
    fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: hint.into() }
    }
}

impl LabName {
    pub fn new(name: &str) -> Result<Self, SettingError> {
        let is_letter = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.bytes().all(is_letter) {
            let hint = "write up to 32 lower case letters, digits and `-`";
            return Err(SettingError::new(format!("not a name for a lab: {name:?}"), hint));
        }
        Ok(Self(name.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LabName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Settings {
    /// A lab of three nodes and both families, without manifests.
    #[must_use]
    pub fn new(name: LabName, program: PathBuf) -> Self {
        let cidrs = |texts: [&str; 2]| texts.map(|text| text.parse().expect("a CIDR")).to_vec();
        Self {
            name,
            files: Vec::new(),
            nodes: 3,
            node_cidrs: cidrs(["172.30.0.0/24", "fd00:30::/64"]),
            pod_cidrs: cidrs(["10.244.0.0/16", "fd00:10:244::/56"]),
            service_cidrs: cidrs(["10.96.0.0/16", "fd00:10:96::/112"]),
            cluster_domain: "cluster.local".to_owned(),
            images: BTreeMap::new(),
            has_agents: true,
            agent_flags: Vec::new(),
            world_hosts: String::new(),
            node_grace: Duration::from_secs(40),
            kubeconfig: None,
            kubelet_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            program,
        }
    }

    /// Whether agents answer for load balancer addresses on the fabric. At an API server that is for
    /// those to decide who installed the kinds of objects.
    #[must_use]
    pub fn announces(&self) -> bool {
        let is_asked = self.agent_flags.iter().any(|flag| flag == LOAD_BALANCER_FLAG);
        self.has_agents && (self.kubeconfig.is_none() || is_asked)
    }

    /// What the rest of the lab takes for granted.
    pub fn check(&self) -> Result<(), SettingError> {
        if !(1..=NODES_MAX).contains(&self.nodes) {
            let what = format!("not a number of nodes: {}", self.nodes);
            return Err(SettingError::new(what, format!("write one from 1 to {NODES_MAX}")));
        }
        let all = [
            ("--node-cidr", &self.node_cidrs),
            ("--pod-cidr", &self.pod_cidrs),
            ("--service-cidr", &self.service_cidrs),
        ];
        for (flag, cidrs) in all {
            one_of_each_family(flag, cidrs)?;
        }
        let families = families(&self.pod_cidrs);
        for (flag, cidrs) in all {
            if self::families(cidrs) != families {
                let hint = "--node-cidr, --pod-cidr and --service-cidr need the same families in \
                            the same order";
                let what = format!("{flag} has other families than --pod-cidr: {}", list(cidrs));
                return Err(SettingError::new(what, hint));
            }
            large_enough(flag, cidrs)?;
        }
        for (at, (flag, cidrs)) in all.iter().enumerate() {
            for (other_flag, others) in all.iter().skip(at + 1) {
                apart(flag, cidrs, other_flag, others)?;
            }
        }
        Ok(())
    }
}

fn families(cidrs: &[IpNet]) -> Vec<Family> {
    cidrs.iter().map(|cidr| Family::of(cidr.addr())).collect()
}

fn list(cidrs: &[IpNet]) -> String {
    cidrs.iter().map(IpNet::to_string).collect::<Vec<_>>().join(",")
}

fn one_of_each_family(flag: &str, cidrs: &[IpNet]) -> Result<(), SettingError> {
    match cidrs {
        [_] => Ok(()),
        [first, second] if Family::of(first.addr()) != Family::of(second.addr()) => Ok(()),
        _ => {
            let what = format!("{flag} needs one CIDR of each family at most: {}", list(cidrs));
            Err(SettingError::new(what, "write CIDR or CIDR,CIDR"))
        }
    }
}

/// 255 nodes fit in each, and some pods on each node.
fn large_enough(flag: &str, cidrs: &[IpNet]) -> Result<(), SettingError> {
    let needed = if flag == "--pod-cidr" { 12 } else { 8 };
    let small = cidrs.iter().find(|cidr| cidr.max_prefix_len() - cidr.prefix_len() < needed);
    small.map_or(Ok(()), |cidr| {
        let most = cidr.max_prefix_len() - needed;
        let hint = format!("a prefix of {most} bits at most leaves enough addresses");
        Err(SettingError::new(format!("{flag} is too small: {cidr}"), hint))
    })
}

fn apart(flag: &str, cidrs: &[IpNet], other: &str, others: &[IpNet]) -> Result<(), SettingError> {
    for cidr in cidrs {
        if let Some(same) = others.iter().find(|it| it.contains(cidr) || cidr.contains(*it)) {
            let what = format!("{flag} and {other} overlap: {cidr} and {same}");
            return Err(SettingError::new(what, "give them ranges that have nothing in common"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings::new(LabName::new("default").unwrap(), PathBuf::from("pogu"))
    }

    #[test]
    fn the_default_can_be_built() {
        settings().check().unwrap();
    }

    #[test]
    fn what_cannot_be_built_is_refused() {
        let refused = |change: &dyn Fn(&mut Settings)| {
            let mut settings = settings();
            change(&mut settings);
            settings.check().unwrap_err().to_string()
        };
        let cidrs = |texts: &[&str]| -> Vec<IpNet> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        let texts = [
            refused(&|it| it.nodes = 0),
            refused(&|it| it.nodes = 65),
            refused(&|it| it.pod_cidrs = Vec::new()),
            refused(&|it| it.pod_cidrs = cidrs(&["10.0.0.0/8", "10.0.0.0/16"])),
            refused(&|it| it.pod_cidrs = cidrs(&["10.244.0.0/16"])),
            refused(&|it| it.pod_cidrs = cidrs(&["10.244.0.0/24", "fd00::/56"])),
            refused(&|it| it.node_cidrs = cidrs(&["10.244.9.0/24", "fd00:30::/64"])),
        ];
        assert_eq!(
            texts,
            [
                "not a number of nodes: 0",
                "not a number of nodes: 65",
                "--pod-cidr needs one CIDR of each family at most: ",
                "--pod-cidr needs one CIDR of each family at most: 10.0.0.0/8,10.0.0.0/16",
                "--node-cidr has other families than --pod-cidr: 172.30.0.0/24,fd00:30::/64",
                "--pod-cidr is too small: 10.244.0.0/24",
                "--node-cidr and --pod-cidr overlap: 10.244.9.0/24 and 10.244.0.0/16",
            ]
        );
    }

    #[test]
    fn a_name_is_part_of_other_names() {
        let refused =
            ["", "A", "a.b", "a/b", &"a".repeat(33)].map(|name| LabName::new(name).is_err());
        assert_eq!(refused, [true; 5]);
    }
}
