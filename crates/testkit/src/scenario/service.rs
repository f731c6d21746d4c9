//! How are the lines read that describe a Service, its ports and its endpoints?

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU16;

use model::{NodeName, ServiceName, TrafficPolicy};

use super::error::Problem;
use super::grammar::{list, option, optional, protocol, word};
use super::row::addresses;
use crate::cluster::{
    AffinitySpec, ClusterIps, ConditionsSpec, EndpointSpec, PortSpec, ServiceSpec, Target,
};

const PORT: &str = "a port, 1 to 65535";

/// `service NS/NAME OPTIONS`, after the first word.
pub(super) fn service(words: &[&str]) -> Result<(ServiceName, ServiceSpec), Problem> {
    let [name, options @ ..] = words else { return Err(Problem::Missing("the Service's name")) };
    let mut spec = ServiceSpec::default();
    edit_service(&mut spec, options)?;
    Ok((word(name, "NAMESPACE/NAME")?, spec))
}

pub(super) fn edit_service(spec: &mut ServiceSpec, options: &[&str]) -> Result<(), Problem> {
    let text_or_none = |value: &str| (!value.is_empty()).then(|| value.to_owned());
    for text in options {
        let (key, value) = option(text)?;
        match key {
            "type" => spec.kind = text_or_none(value),
            "cluster" => spec.cluster_ips = cluster_ips(value)?,
            "lb" => spec.load_balancer_ips = list(value, "an address")?,
            "lbmode" => spec.load_balancer_mode = text_or_none(value),
            "lbhost" => spec.load_balancer_host = text_or_none(value),
            "external-ips" => spec.external_ips = list(value, "an address")?,
            "external-name" => spec.external_name = text_or_none(value),
            "internal" => spec.internal = policy(value)?,
            "external" => spec.external = policy(value)?,
            "affinity" => spec.affinity = affinity(value)?,
            "source-ranges" => spec.source_ranges = list(value, "a CIDR")?,
            "hc" => spec.health_check_node_port = optional(value, PORT)?,
            "created" => spec.created = text_or_none(value),
            "label" => {
                let (label, value) = option(value)?;
                match text_or_none(value) {
                    Some(value) => spec.labels.insert(label.to_owned(), value),
                    None => spec.labels.remove(label),
                };
            }
            _ => return Err(Problem::UnknownOption { of: "service", option: (*text).to_owned() }),
        }
    }
    Ok(())
}

fn cluster_ips(text: &str) -> Result<ClusterIps, Problem> {
    match text {
        "" => Ok(ClusterIps::Absent),
        "None" => Ok(ClusterIps::None),
        addresses => list(addresses, "an address").map(ClusterIps::Addresses),
    }
}

fn policy(text: &str) -> Result<Option<TrafficPolicy>, Problem> {
    match text {
        "" => Ok(None),
        "Cluster" => Ok(Some(TrafficPolicy::Cluster)),
        "Local" => Ok(Some(TrafficPolicy::Local)),
        _ => Err(Problem::expected("Cluster or Local", text)),
    }
}

fn affinity(text: &str) -> Result<Option<AffinitySpec>, Problem> {
    match text {
        "" => Ok(None),
        "default" => Ok(Some(AffinitySpec::Unconfigured)),
        seconds => Ok(Some(AffinitySpec::Seconds(word(seconds, "seconds, or default")?))),
    }
}

/// `port NAME PORT/PROTOCOL -> TARGET [node=NODEPORT]`, after the first word; `-` is no name.
pub(super) fn port(words: &[&str]) -> Result<PortSpec, Problem> {
    let [name, number, "->", target, options @ ..] = words else {
        return Err(Problem::expected("port NAME PORT/PROTOCOL -> TARGET", words.join(" ")));
    };
    let (number, transport) =
        number.split_once('/').ok_or_else(|| Problem::expected("PORT/PROTOCOL", *number))?;
    let mut spec = PortSpec {
        name: if *name == "-" { String::new() } else { (*name).to_owned() },
        port: word(number, PORT)?,
        protocol: protocol(transport)?,
        target: target.parse().map_or_else(|_| Target::Name((*target).to_owned()), Target::Number),
        node_port: None,
    };
    for text in options {
        match option(text)? {
            ("node", value) => spec.node_port = Some(word(value, PORT)?),
            _ => return Err(Problem::UnknownOption { of: "port", option: (*text).to_owned() }),
        }
    }
    Ok(spec)
}

/// `endpoint ADDRESSES on NODE|nowhere CONDITIONS… OPTIONS`, after the first word.
pub(super) fn endpoint(words: &[&str]) -> Result<EndpointSpec, Problem> {
    let [addresses, rest @ ..] = words else { return Err(Problem::Missing("the address")) };
    let mut spec =
        EndpointSpec { addresses: list(addresses, "an address")?, ..EndpointSpec::default() };
    edit_endpoint(&mut spec, rest)?;
    Ok(spec)
}

/// The same, where the addresses may be a range: then each is an endpoint of its own.
pub(super) fn endpoints(words: &[&str]) -> Result<Vec<EndpointSpec>, Problem> {
    let [first, rest @ ..] = words else { return Err(Problem::Missing("the address")) };
    let Some(addresses) = addresses(first)? else { return Ok(vec![endpoint(words)?]) };
    let one = |address: &IpAddr| {
        let mut spec = EndpointSpec { addresses: vec![*address], ..EndpointSpec::default() };
        edit_endpoint(&mut spec, rest)?;
        Ok(spec)
    };
    addresses.iter().map(one).collect()
}

/// Conditions that are named replace all conditions; the rest stays as it is.
pub(super) fn edit_endpoint(spec: &mut EndpointSpec, words: &[&str]) -> Result<(), Problem> {
    let mut conditions: Option<ConditionsSpec> = None;
    let mut words = words.iter();
    while let Some(text) = words.next() {
        let mut set = |change: &dyn Fn(&mut ConditionsSpec)| {
            let none = ConditionsSpec { ready: false, serving: false, terminating: false };
            change(conditions.get_or_insert(none));
        };
        match *text {
            "on" => {
                let node = words.next().ok_or(Problem::Missing("the node after on"))?;
                spec.node = (*node != "nowhere").then(|| NodeName::new(*node));
            }
            "ready" => set(&|it| (it.ready, it.serving) = (true, true)),
            "serving" => set(&|it| it.serving = true),
            "terminating" => set(&|it| it.terminating = true),
            "unready" => set(&|_| {}),
            text => endpoint_option(spec, text)?,
        }
    }
    spec.conditions = conditions.or(spec.conditions);
    Ok(())
}

fn endpoint_option(spec: &mut EndpointSpec, text: &str) -> Result<(), Problem> {
    match option(text)? {
        ("zones", value) => spec.zones = list(value, "a zone")?,
        ("nodes", value) => {
            spec.nodes = list::<String>(value, "a node")?.into_iter().map(NodeName::new).collect();
        }
        ("ports", "none") => spec.ports = Some(BTreeMap::new()),
        ("ports", value) => spec.ports = Some(endpoint_ports(value)?),
        ("slice", value) => spec.slice = value.to_owned(),
        ("hostname", value) => spec.hostname = optional(value, "a label")?,
        ("pod", value) => spec.pod = optional(value, "a Pod of the same namespace")?,
        ("zone", value) => spec.zone = optional(value, "a zone")?,
        ("cluster", value) => spec.cluster = optional(value, "the ID of a cluster")?,
        _ => return Err(Problem::UnknownOption { of: "endpoint", option: text.to_owned() }),
    }
    Ok(())
}

/// `NAME[:NUMBER],…`; `-` is the port without a name.
fn endpoint_ports(text: &str) -> Result<BTreeMap<String, Option<NonZeroU16>>, Problem> {
    let port = |item: &str| {
        let (name, number) = match item.split_once(':') {
            Some((name, number)) => (name, Some(word(number, PORT)?)),
            None => (item, None),
        };
        Ok((if name == "-" { String::new() } else { name.to_owned() }, number))
    };
    text.split(',').map(port).collect()
}
