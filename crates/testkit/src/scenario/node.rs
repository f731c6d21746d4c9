//! How are the lines read that describe nodes and their agents?

use model::NodeName;

use super::error::Problem;
use super::grammar::{flag, list, option};
use crate::cluster::{AgentOptions, DetectLocalMode, NodeSpec};

/// `node NAME [zone=] [addr=] [local=] [pods=]`, after the first word.
pub(super) fn node(words: &[&str]) -> Result<(NodeName, NodeSpec), Problem> {
    let [name, options @ ..] = words else { return Err(Problem::Missing("the node's name")) };
    let mut spec = NodeSpec::default();
    edit_node(&mut spec, options)?;
    Ok((NodeName::new(*name), spec))
}

pub(super) fn edit_node(spec: &mut NodeSpec, options: &[&str]) -> Result<(), Problem> {
    for text in options {
        let (key, value) = option(text)?;
        match key {
            "zone" => spec.zone = (!value.is_empty()).then(|| value.to_owned()),
            "addr" => spec.addresses = list(value, "an address")?,
            "local" => spec.local = list(value, "an address")?,
            "pods" => spec.pod_cidrs = list(value, "a CIDR")?,
            _ => return Err(Problem::UnknownOption { of: "node", option: (*text).to_owned() }),
        }
    }
    Ok(())
}

pub(super) fn edit_agent(agent: &mut AgentOptions, options: &[&str]) -> Result<(), Problem> {
    for text in options {
        let (key, value) = option(text)?;
        match key {
            "detect-local" => agent.detect_local = detect_local(value)?,
            "cluster-cidr" if value == "pods" => agent.cluster_cidrs = None,
            "cluster-cidr" => agent.cluster_cidrs = Some(list(value, "a CIDR")?),
            "masquerade-all" => agent.masquerade_all = flag(value)?,
            "node-port-addresses" if value == "primary" => agent.node_port_addresses = None,
            "node-port-addresses" => agent.node_port_addresses = Some(list(value, "a CIDR")?),
            _ => return Err(Problem::UnknownOption { of: "agent", option: (*text).to_owned() }),
        }
    }
    Ok(())
}

fn detect_local(text: &str) -> Result<DetectLocalMode, Problem> {
    match text.split_once(':') {
        Some(("bridge", name)) => Ok(DetectLocalMode::Bridge(name.to_owned())),
        Some(("prefix", name)) => Ok(DetectLocalMode::Prefix(name.to_owned())),
        None if text == "cluster-cidr" => Ok(DetectLocalMode::ClusterCidr),
        None if text == "node-cidr" => Ok(DetectLocalMode::NodeCidr),
        None if text == "none" => Ok(DetectLocalMode::Never),
        Some(_) | None => Err(Problem::expected(
            "cluster-cidr, node-cidr, none, bridge:NAME or prefix:NAME",
            text,
        )),
    }
}
