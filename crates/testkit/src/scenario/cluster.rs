//! How are the lines of a section `-- cluster --` read?

use std::collections::BTreeSet;

use model::ServiceName;

use super::dns::{edit_dns, import, namespaces, pod, reply_row, upstream};
use super::error::Problem;
use super::grammar::list;
use super::text::Line;
use super::{node, service};
use crate::cluster::{Cluster, EndpointSpec, PortSpec};

const FORM: &str = "node, servicecidr, agent, dns, upstream, namespace, pod, service, import, or an \
                    indented line of one";

/// Adds what the lines name, in place of what had the same name.
pub(super) fn cluster(cluster: &mut Cluster, body: &[Line<'_>]) -> Result<(), (usize, Problem)> {
    let mut reader = Reader { cluster, current: None, seen: BTreeSet::new() };
    for line in body {
        let words: Vec<&str> = line.content().split_whitespace().collect();
        let Some((&first, rest)) = words.split_first() else { continue };
        let read = if line.is_indented() {
            reader.part(first, rest, line.content())
        } else {
            reader.current = None;
            reader.object(first, rest, line.content())
        };
        read.map_err(|problem| (line.number, problem))?;
    }
    Ok(())
}

/// What indented lines belong to.
enum Current {
    Service(ServiceName),
    Import(ServiceName),
    Upstream((String, String)),
}

struct Reader<'a> {
    cluster: &'a mut Cluster,
    current: Option<Current>,
    seen: BTreeSet<(&'static str, String)>,
}

impl Reader<'_> {
    fn object(&mut self, first: &str, rest: &[&str], line: &str) -> Result<(), Problem> {
        match first {
            "agent" => node::edit_agent(&mut self.cluster.agent, rest)?,
            "dns" => edit_dns(&mut self.cluster.dns, rest)?,
            "node" => {
                let (name, spec) = node::node(rest)?;
                self.once("node", &name)?;
                self.cluster.nodes.insert(name, spec);
            }
            "servicecidr" => {
                self.cluster.service_cidrs.insert(list(&rest.join(","), "a CIDR")?);
            }
            "namespace" => {
                for (name, labels) in namespaces(rest)? {
                    self.once("namespace", &name)?;
                    self.cluster.namespaces.insert(name, labels);
                }
            }
            "pod" => {
                let (name, spec) = pod(rest)?;
                self.once("pod", &name)?;
                self.cluster.pods.insert(name, spec);
            }
            "service" => {
                let (name, spec) = service::service(rest)?;
                self.once("service", &name)?;
                self.cluster.services.insert(name.clone(), spec);
                self.current = Some(Current::Service(name));
            }
            "import" => {
                let (name, spec) = import(rest)?;
                self.once("import", &name)?;
                self.cluster.imports.insert(name.clone(), spec);
                self.current = Some(Current::Import(name));
            }
            "upstream" => {
                let (key, reply) = upstream(rest)?;
                self.once("upstream", &format!("{} {}", key.0, key.1))?;
                self.cluster.dns.upstream.insert(key.clone(), reply);
                self.current = Some(Current::Upstream(key));
            }
            _ => return Err(Problem::expected(FORM, line)),
        }
        Ok(())
    }

    /// A line below an object.
    fn part(&mut self, first: &str, rest: &[&str], line: &str) -> Result<(), Problem> {
        let absent = "it was put there just before";
        match (first, &self.current) {
            ("port" | "endpoint", Some(Current::Service(name))) => {
                let spec = self.cluster.services.get_mut(name).expect(absent);
                port_or_endpoint(first, rest, &mut spec.ports, &mut spec.endpoints)
            }
            ("port" | "endpoint", Some(Current::Import(name))) => {
                let spec = self.cluster.imports.get_mut(name).expect(absent);
                port_or_endpoint(first, rest, &mut spec.ports, &mut spec.endpoints)
            }
            ("answer" | "authority", Some(Current::Upstream(key))) => {
                let reply = self.cluster.dns.upstream.get_mut(key).expect(absent);
                reply_row(reply, &key.0, first, rest)
            }
            _ => Err(Problem::expected(FORM, line)),
        }
    }

    /// A section replaces objects of earlier ones, never its own.
    fn once(&mut self, kind: &'static str, name: &impl ToString) -> Result<(), Problem> {
        let name = name.to_string();
        if self.seen.insert((kind, name.clone())) {
            Ok(())
        } else {
            Err(Problem::Twice { kind, name })
        }
    }
}

fn port_or_endpoint(
    first: &str,
    rest: &[&str],
    ports: &mut Vec<PortSpec>,
    endpoints: &mut Vec<EndpointSpec>,
) -> Result<(), Problem> {
    if first == "port" {
        ports.push(service::port(rest)?);
    } else {
        endpoints.extend(service::endpoints(rest)?);
    }
    Ok(())
}
