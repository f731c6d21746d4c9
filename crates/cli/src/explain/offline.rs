//! How is a folder explained that no agent follows?

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::Arc;

use agent::OwnAddresses;
use agent::config::Config;
use agent::query::CLUSTER_DOMAIN;
use explain::{Addresses, ClusterDns, Question, Trace, View};
use model::{Node, NodeTable, Rejection, ServiceTable, Way};
use watch::Folder;

use super::refused;
use crate::agent_flags;
use crate::arguments::Offline;
use crate::failure::Failure;
use crate::usage;

/// What is left out is told of so often; the rest is counted.
const LEFT_OUT_MAX: usize = 10;

/// Reads the folder once. Of the node only what its Node object and the flags say is known.
pub(super) fn explain(
    folder: &Path,
    flags: &Offline,
    question: &Question,
) -> Result<Trace, Failure> {
    let config = config(flags)?;
    let mut cluster = read(folder, &config)?;
    if cluster.service_cidrs.is_empty() {
        cluster.service_cidrs = config.service_cidrs.as_slice().into();
    }
    let own = cluster.nodes.get(&config.node_name).cloned();
    let context = config.node_context(own.as_deref(), &addresses(&config, own.as_deref()));
    let here = NodeTable::new(Arc::new(context), &cluster);
    let mut rejections: Vec<Rejection> = cluster.rejections.to_vec();
    tell(&rejections);
    rejections.extend(here.rejections());
    let dns = ClusterDns::as_shipped(CLUSTER_DOMAIN, &cluster)
        .map_err(|error| Failure::new(error.to_string(), "the domain must be a name"))?;
    // Who reads pools from a folder wants to know what follows from them.
    let default_way = config.load_balancer.map_or(Some(Way::Vip), |it| it.default_way);
    let addresses = Addresses { default_way, ..Addresses::default() };
    let has_pools = !cluster.address_pools.is_empty();
    let view = View {
        here: &here,
        other_node: &|node: &Node| config.other_node_context(node),
        rejections: &rejections,
        dns: &dns,
        agent: None,
        addresses: has_pools.then_some(&addresses),
    };
    explain::explain(&view, question).map_err(refused)
}

fn config(flags: &Offline) -> Result<Config, Failure> {
    let flags = match agent_flags::parse(flags.agent_flags()) {
        Ok(flags) => flags,
        Err(error) => {
            usage::answer(&error)?;
            let hint = "--help tells all arguments, with examples";
            return Err(Failure::usage("the flags cannot be read", hint));
        }
    };
    Config::try_from(flags).map_err(|error| Failure::usage(error.to_string(), error.hint))
}

fn read(folder: &Path, config: &Config) -> Result<ServiceTable, Failure> {
    let folder =
        Folder::open(folder).map_err(|error| Failure::new(error.to_string(), error.hint()))?;
    Ok(folder.read_once(config.no_objects()).table())
}

fn addresses(config: &Config, node: Option<&Node>) -> OwnAddresses {
    let loopback: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    let named = node.iter().flat_map(|node| &node.addresses).chain(&config.node_ips);
    OwnAddresses { all: named.copied().chain(loopback).collect(), primary: config.node_ips.clone() }
}

/// Beside the trace, since a Service with a misspelt field is not the one that was meant.
fn tell(rejections: &[Rejection]) {
    let more = rejections.len().saturating_sub(LEFT_OUT_MAX);
    let told = rejections.iter().take(LEFT_OUT_MAX).map(ToString::to_string);
    let text: String = told
        .chain((more > 0).then(|| format!("{more} more")))
        .map(|what| format!("pogu: left out: {what}\n"))
        .collect();
    // Whoever reads our errors has closed them: that is theirs to know.
    drop(std::io::stderr().write_all(text.as_bytes()));
}
