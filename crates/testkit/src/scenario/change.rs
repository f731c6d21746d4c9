//! What does the header of a `then` section change?
//!
//! Changes are applied while the file is read, so that a change of something that is not there is
//! an error of its line.

use std::net::IpAddr;

use ingest::api::{Kind, ObjectKey};
use ipnet::IpNet;
use model::{NodeName, ServiceName};

use super::dns::{edit_dns, edit_namespace, edit_pod, pod_name};
use super::error::Problem;
use super::grammar::{list, word};
use super::node::{edit_agent, edit_node};
use super::service::{edit_endpoint, edit_service, endpoint, port};
use crate::cluster::Cluster;

const FORM: &str = "a change of an endpoint, service, port, servicecidr, node, agent, dns, \
                    namespace, pod, import or object";

/// Applies the changes, which semicolons part.
pub(super) fn apply(cluster: &mut Cluster, text: &str) -> Result<(), Problem> {
    for change in text.split(';') {
        let words: Vec<&str> = change.split_whitespace().collect();
        match words.as_slice() {
            ["endpoint", addresses, "of", service, rest @ ..] => {
                endpoint_of(cluster, addresses, word(service, "NAMESPACE/NAME")?, rest)?;
            }
            ["endpoint", addresses, rest @ ..] => everywhere(cluster, addresses, rest)?,
            ["service", name, rest @ ..] => service(cluster, name, rest)?,
            ["port", name, "of", service, rest @ ..] => {
                port_of(cluster, name, word(service, "NAMESPACE/NAME")?, rest)?;
            }
            ["servicecidr", cidrs, rest @ ..] => {
                service_cidr(cluster, list(cidrs, "a CIDR")?, rest)?;
            }
            ["node", name, rest @ ..] => node(cluster, name, rest)?,
            ["agent", rest @ ..] => edit_agent(&mut cluster.agent, rest)?,
            ["dns", rest @ ..] => edit_dns(&mut cluster.dns, rest)?,
            ["namespace", name, rest @ ..] => namespace(cluster, name, rest)?,
            ["pod", name, rest @ ..] => pod(cluster, name, rest)?,
            ["import", name, "gone"] => import_gone(cluster, word(name, "NAMESPACE/NAME")?)?,
            ["object", kind, name, "gone"] => manifest_gone(cluster, kind, name)?,
            _ => return Err(Problem::expected(FORM, change.trim())),
        }
    }
    Ok(())
}

fn no_such(kind: &'static str, name: impl ToString) -> Problem {
    Problem::NoSuch { kind, name: name.to_string() }
}

/// One Service's endpoint with exactly these addresses.
fn endpoint_of(
    cluster: &mut Cluster,
    addresses: &str,
    name: ServiceName,
    words: &[&str],
) -> Result<(), Problem> {
    let spec = cluster.services.get_mut(&name).ok_or_else(|| no_such("service", name))?;
    let wanted: Vec<IpAddr> = list(addresses, "an address")?;
    let at = spec.endpoints.iter().position(|endpoint| endpoint.addresses == wanted);
    match (words, at) {
        (["added", rest @ ..], _) => {
            let words: Vec<&str> = std::iter::once(addresses).chain(rest.iter().copied()).collect();
            spec.endpoints.push(endpoint(&words)?);
        }
        (_, None) => return Err(no_such("endpoint", addresses)),
        (["gone"], Some(at)) => {
            spec.endpoints.remove(at);
        }
        (words, Some(at)) => edit_endpoint(&mut spec.endpoints[at], words)?,
    }
    Ok(())
}

/// The same in each Service that has such an endpoint.
fn everywhere(cluster: &mut Cluster, addresses: &str, words: &[&str]) -> Result<(), Problem> {
    let wanted: Vec<IpAddr> = list(addresses, "an address")?;
    let having: Vec<ServiceName> = cluster
        .services
        .iter()
        .filter(|(_, spec)| spec.endpoints.iter().any(|it| it.addresses == wanted))
        .map(|(name, _)| name.clone())
        .collect();
    if having.is_empty() || words.first() == Some(&"added") {
        return Err(no_such("endpoint (say of which Service)", addresses));
    }
    having.into_iter().try_for_each(|name| endpoint_of(cluster, addresses, name, words))
}

fn service(cluster: &mut Cluster, name: &str, words: &[&str]) -> Result<(), Problem> {
    let name: ServiceName = word(name, "NAMESPACE/NAME")?;
    if let ["gone"] = words {
        return match cluster.services.remove(&name) {
            Some(_) => Ok(()),
            None => Err(no_such("service", name)),
        };
    }
    let spec = cluster.services.get_mut(&name).ok_or_else(|| no_such("service", name))?;
    edit_service(spec, words)
}

fn port_of(
    cluster: &mut Cluster,
    name: &str,
    service: ServiceName,
    words: &[&str],
) -> Result<(), Problem> {
    let spec = cluster.services.get_mut(&service).ok_or_else(|| no_such("service", service))?;
    let plain = if name == "-" { "" } else { name };
    let at = spec.ports.iter().position(|port| port.name == plain);
    match (words, at) {
        (["added", rest @ ..], None) => {
            let words: Vec<&str> = std::iter::once(name).chain(rest.iter().copied()).collect();
            spec.ports.push(port(&words)?);
        }
        (["gone"], Some(at)) => {
            spec.ports.remove(at);
        }
        (["replaced", rest @ ..], Some(at)) => {
            let words: Vec<&str> = std::iter::once(name).chain(rest.iter().copied()).collect();
            spec.ports[at] = port(&words)?;
        }
        (["renamed", to], Some(at)) => spec.ports[at].name = (*to).to_owned(),
        (["added", ..], Some(_)) => {
            return Err(Problem::Twice { kind: "port", name: name.to_owned() });
        }
        (_, None) => return Err(no_such("port", name)),
        _ => return Err(Problem::expected("added, replaced, renamed or gone", words.join(" "))),
    }
    Ok(())
}

fn service_cidr(cluster: &mut Cluster, cidrs: Vec<IpNet>, words: &[&str]) -> Result<(), Problem> {
    match words {
        ["added"] => {
            cluster.service_cidrs.insert(cidrs);
            Ok(())
        }
        ["gone"] if cluster.service_cidrs.remove(&cidrs) => Ok(()),
        ["gone"] => Err(no_such("servicecidr", format!("{cidrs:?}"))),
        _ => Err(Problem::expected("added or gone", words.join(" "))),
    }
}

fn node(cluster: &mut Cluster, name: &str, words: &[&str]) -> Result<(), Problem> {
    let name = NodeName::new(name);
    if let ["gone"] = words {
        return match cluster.nodes.remove(&name) {
            Some(_) => Ok(()),
            None => Err(no_such("node", name)),
        };
    }
    edit_node(cluster.nodes.get_mut(&name).ok_or_else(|| no_such("node", name))?, words)
}

fn namespace(cluster: &mut Cluster, name: &str, words: &[&str]) -> Result<(), Problem> {
    if let ["gone"] = words {
        return match cluster.namespaces.remove(name) {
            Some(_) => Ok(()),
            None => Err(no_such("namespace", name)),
        };
    }
    let labels = cluster.namespaces.get_mut(name).ok_or_else(|| no_such("namespace", name))?;
    edit_namespace(labels, words)
}

fn pod(cluster: &mut Cluster, name: &str, words: &[&str]) -> Result<(), Problem> {
    let name = pod_name(name)?;
    if let ["gone"] = words {
        return match cluster.pods.remove(&name) {
            Some(_) => Ok(()),
            None => Err(no_such("pod", name)),
        };
    }
    edit_pod(cluster.pods.get_mut(&name).ok_or_else(|| no_such("pod", name))?, words)
}

fn import_gone(cluster: &mut Cluster, name: ServiceName) -> Result<(), Problem> {
    match cluster.imports.remove(&name) {
        Some(_) => Ok(()),
        None => Err(no_such("import", name)),
    }
}

fn manifest_gone(cluster: &mut Cluster, kind: &str, name: &str) -> Result<(), Problem> {
    let kind = Kind::ALL
        .into_iter()
        .find(|known| known.as_str() == kind)
        .ok_or_else(|| Problem::expected("a kind of object", kind))?;
    let (namespace, name) = name.split_once('/').unwrap_or(("", name));
    let key = ObjectKey { kind, namespace: namespace.to_owned(), name: name.to_owned() };
    match cluster.manifests.remove(&key) {
        Some(_) => Ok(()),
        None => Err(no_such("object", key)),
    }
}
