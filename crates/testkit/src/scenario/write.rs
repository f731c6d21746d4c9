//! How is a scenario written as a file?

use std::fmt;

use super::{PacketLine, Scenario, Source, Step};
use crate::cluster::{
    AffinitySpec, AgentOptions, Cluster, ClusterIps, DetectLocalMode, EndpointSpec, NodeSpec,
    PortSpec, ServiceSpec, Target,
};

/// The file's text. Objects that came as manifests are left out, and all that only names depend on.
impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "goal: {}", self.goal)?;
        let mut last: Option<&Step> = None;
        for step in &self.steps {
            writeln!(f)?;
            match last {
                None => writeln!(f, "-- cluster --")?,
                Some(last) => then(f, &last.cluster, &step.cluster)?,
            }
            let empty = Cluster::default();
            cluster(f, last.map_or(&empty, |last| &last.cluster), &step.cluster)?;
            writeln!(f, "\n-- packets --")?;
            step.packets.iter().try_for_each(|line| packet(f, line))?;
            if last.map_or(&[][..], |last| &last.rejections) != step.rejections {
                writeln!(f, "\n-- rejections --")?;
                step.rejections.iter().try_for_each(|it| writeln!(f, "{}", it.text))?;
            }
            last = Some(step);
        }
        Ok(())
    }
}

/// A failing test shows what can be kept as a file.
impl fmt::Debug for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{self}")
    }
}

/// A step's headers: what goes stands in the first, what comes below the second.
fn then(f: &mut fmt::Formatter<'_>, old: &Cluster, new: &Cluster) -> fmt::Result {
    let mut gone: Vec<String> = Vec::new();
    let services = old.services.keys().filter(|name| !new.services.contains_key(*name));
    gone.extend(services.map(|name| format!("service {name} gone")));
    let nodes = old.nodes.keys().filter(|name| !new.nodes.contains_key(*name));
    gone.extend(nodes.map(|name| format!("node {name} gone")));
    let cidrs = old.service_cidrs.difference(&new.service_cidrs);
    gone.extend(cidrs.map(|list| format!("servicecidr {} gone", join(list))));
    if gone.is_empty() {
        writeln!(f, "-- then: cluster --")
    } else {
        writeln!(f, "-- then: {} --\n\n-- cluster --", gone.join("; "))
    }
}

fn cluster(f: &mut fmt::Formatter<'_>, old: &Cluster, new: &Cluster) -> fmt::Result {
    if old.agent != new.agent {
        agent(f, &new.agent)?;
    }
    for cidrs in new.service_cidrs.difference(&old.service_cidrs) {
        writeln!(f, "servicecidr {}", join(cidrs))?;
    }
    for (name, spec) in &new.nodes {
        if old.nodes.get(name) != Some(spec) {
            write!(f, "node {name}")?;
            node(f, spec)?;
        }
    }
    for (name, spec) in &new.services {
        if old.services.get(name) != Some(spec) {
            write!(f, "service {name}")?;
            service(f, spec)?;
        }
    }
    Ok(())
}

fn join<T: fmt::Display>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// ` key=value`, or nothing where there is no value.
fn option(f: &mut fmt::Formatter<'_>, key: &str, value: &str) -> fmt::Result {
    if value.is_empty() { Ok(()) } else { write!(f, " {key}={value}") }
}

fn agent(f: &mut fmt::Formatter<'_>, agent: &AgentOptions) -> fmt::Result {
    let detect_local = match &agent.detect_local {
        DetectLocalMode::ClusterCidr => "cluster-cidr".to_owned(),
        DetectLocalMode::NodeCidr => "node-cidr".to_owned(),
        DetectLocalMode::Bridge(name) => format!("bridge:{name}"),
        DetectLocalMode::Prefix(name) => format!("prefix:{name}"),
        DetectLocalMode::Never => "none".to_owned(),
    };
    write!(f, "agent detect-local={detect_local}")?;
    match &agent.cluster_cidrs {
        None => f.write_str(" cluster-cidr=pods")?,
        Some(cidrs) => write!(f, " cluster-cidr={}", join(cidrs))?,
    }
    write!(f, " masquerade-all={}", agent.masquerade_all)?;
    match &agent.node_port_addresses {
        None => writeln!(f, " node-port-addresses=primary"),
        Some(cidrs) => writeln!(f, " node-port-addresses={}", join(cidrs)),
    }
}

fn node(f: &mut fmt::Formatter<'_>, node: &NodeSpec) -> fmt::Result {
    option(f, "zone", node.zone.as_deref().unwrap_or_default())?;
    option(f, "addr", &join(&node.addresses))?;
    option(f, "local", &join(&node.local))?;
    option(f, "pods", &join(&node.pod_cidrs))?;
    writeln!(f)
}

fn service(f: &mut fmt::Formatter<'_>, service: &ServiceSpec) -> fmt::Result {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    option(f, "type", &text(&service.kind))?;
    match &service.cluster_ips {
        ClusterIps::Absent => {}
        ClusterIps::None => f.write_str(" cluster=None")?,
        ClusterIps::Addresses(addresses) => option(f, "cluster", &join(addresses))?,
    }
    option(f, "lb", &join(&service.load_balancer_ips))?;
    option(f, "lbmode", &text(&service.load_balancer_mode))?;
    option(f, "lbhost", &text(&service.load_balancer_host))?;
    option(f, "external-ips", &join(&service.external_ips))?;
    option(f, "external-name", &text(&service.external_name))?;
    option(f, "internal", service.internal.map_or("", model::TrafficPolicy::as_str))?;
    option(f, "external", service.external.map_or("", model::TrafficPolicy::as_str))?;
    match service.affinity {
        None => {}
        Some(AffinitySpec::Unconfigured) => f.write_str(" affinity=default")?,
        Some(AffinitySpec::Seconds(seconds)) => write!(f, " affinity={seconds}")?,
    }
    option(f, "source-ranges", &join(&service.source_ranges))?;
    let health = service.health_check_node_port.map(|port| port.to_string());
    option(f, "hc", &health.unwrap_or_default())?;
    option(f, "created", &text(&service.created))?;
    service.labels.iter().try_for_each(|(key, value)| write!(f, " label={key}={value}"))?;
    writeln!(f)?;
    service.ports.iter().try_for_each(|it| port(f, it))?;
    service.endpoints.iter().try_for_each(|it| endpoint(f, it))
}

const fn name(port: &str) -> &str {
    if port.is_empty() { "-" } else { port }
}

fn port(f: &mut fmt::Formatter<'_>, port: &PortSpec) -> fmt::Result {
    write!(f, "  port {} {}/{} -> ", name(&port.name), port.port, port.protocol)?;
    match &port.target {
        Target::Number(number) => write!(f, "{number}")?,
        Target::Name(name) => f.write_str(name)?,
    }
    option(f, "node", &port.node_port.map(|it| it.to_string()).unwrap_or_default())?;
    writeln!(f)
}

fn endpoint(f: &mut fmt::Formatter<'_>, endpoint: &EndpointSpec) -> fmt::Result {
    let node = endpoint.node.as_ref().map_or("nowhere", |node| &node.0);
    write!(f, "  endpoint {} on {node}", join(&endpoint.addresses))?;
    if let Some(conditions) = endpoint.conditions {
        let words = [
            (conditions.ready, " ready"),
            (conditions.serving && !conditions.ready, " serving"),
            (conditions.terminating, " terminating"),
            (!conditions.ready && !conditions.serving && !conditions.terminating, " unready"),
        ];
        words.iter().filter(|(is, _)| *is).try_for_each(|(_, word)| f.write_str(word))?;
    }
    option(f, "zones", &join(&endpoint.zones))?;
    option(f, "nodes", &join(&endpoint.nodes))?;
    let ports = endpoint.ports.iter().flatten().map(|(port, number)| match number {
        None => name(port).to_owned(),
        Some(number) => format!("{}:{number}", name(port)),
    });
    option(f, "ports", &join(&ports.collect::<Vec<_>>()))?;
    option(f, "slice", &endpoint.slice)?;
    writeln!(f)
}

fn packet(f: &mut fmt::Formatter<'_>, line: &PacketLine) -> fmt::Result {
    let source = match line.source {
        Source::Node => "self".to_owned(),
        Source::Address(address) => address.to_string(),
    };
    let protocol = line.protocol.as_str().to_ascii_lowercase();
    write!(f, "{}  {source} -> {}/{protocol}", line.node, line.destination)?;
    line.interface.iter().try_for_each(|name| write!(f, " via {name}"))?;
    writeln!(f, "  {}", line.verdict)
}
