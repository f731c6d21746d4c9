//! Do slices that nobody but their author looks after count as well?

use std::net::IpAddr;

use super::Case;
use super::cluster::Transport::Tcp;
use super::cluster::{Server, Site, tcp};

pub(super) const CASES: [Case; 2] = [
    ("ports_in_several_slices", ports_in_several_slices),
    ("ips_in_several_slices", ips_in_several_slices),
];

/// A Service without a selector, with two ports.
fn service(site: &Site<'_>) {
    site.apply(
        "
apiVersion: v1
kind: Service
metadata: {name: custom}
spec:
  ipFamilyPolicy: RequireDualStack
  ports:
  - {name: port80, port: 80}
  - {name: port81, port: 81}
",
    );
}

/// One slice, with one endpoint.
fn slice(site: &Site<'_>, name: &str, ip: IpAddr, ports: &[(&str, u16)]) {
    let family = if ip.is_ipv4() { "IPv4" } else { "IPv6" };
    let ports = ports.iter().map(|(name, port)| format!("{{name: {name}, port: {port}}}"));
    let ports = ports.collect::<Vec<_>>().join(", ");
    site.apply(&format!(
        "
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: {name}-{}
  labels: {{kubernetes.io/service-name: custom, endpointslice.kubernetes.io/managed-by: us}}
addressType: {family}
endpoints: [{{addresses: ['{ip}'], conditions: {{ready: true}}}}]
ports: [{ports}]
",
        family.to_lowercase()
    ));
}

const PORTS: &[(&str, super::cluster::Transport, u16)] = &[("a", Tcp, 8090), ("b", Tcp, 9090)];

/// "should support a Service with multiple ports specified in multiple `EndpointSlices`".
fn ports_in_several_slices(site: &Site<'_>) {
    service(site);
    site.server(&Server { name: "one", node: "node-2", app: "none", ports: PORTS });
    for ip in site.pod_ips("one") {
        slice(site, "first", ip, &[("port80", 8090)]);
        slice(site, "second", ip, &[("port81", 9090)]);
    }
    let ips = site.cluster_ips("custom");
    let (first, second) = (tcp(ips.clone(), 80), tcp(ips, 81));
    site.await_pods(&first, &["one"]);
    site.await_pods(&second, &["one"]);
    site.delete("endpointslice first-ipv4 first-ipv6");
    site.await_refused(&first);
    site.await_pods(&second, &["one"]);
}

/// "should support a Service with multiple endpoint IPs specified in multiple `EndpointSlices`".
fn ips_in_several_slices(site: &Site<'_>) {
    service(site);
    for (name, node) in [("one", "node-1"), ("two", "node-2")] {
        site.server(&Server { name, node, app: "none", ports: PORTS });
        for ip in site.pod_ips(name) {
            slice(site, name, ip, &[("port80", 8090), ("port81", 9090)]);
        }
    }
    let ips = site.cluster_ips("custom");
    site.await_pods(&tcp(ips.clone(), 80), &["one", "two"]);
    site.await_pods(&tcp(ips, 81), &["one", "two"]);
}
