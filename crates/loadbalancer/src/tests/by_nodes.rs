//! What do Services get whose addresses are not of pools: those of nodes, and of a balancer outside?

use super::Cluster;

const NODES: &str = "
{apiVersion: v1, kind: Node, metadata: {name: n1, labels: {pool: a}},
 status: {addresses: [{type: InternalIP, address: 10.0.0.1}, {type: InternalIP, address: 'fd00::1'}]}}
---
{apiVersion: v1, kind: Node, metadata: {name: n2},
 status: {addresses: [{type: InternalIP, address: 10.0.0.2}]}}
---
{apiVersion: v1, kind: Node, metadata: {name: out, labels: {node.kubernetes.io/exclude-from-external-load-balancers: ''}},
 status: {addresses: [{type: InternalIP, address: 10.0.0.3}]}}
";

/// `created` orders Services, as `01` and so on.
fn service(name: &str, class: &str, created: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Service, metadata: {{name: {name}, namespace: shop, \
         creationTimestamp: '2026-11-{created}T00:00:00Z'}}, \
         spec: {{type: LoadBalancer, loadBalancerClass: pogu.dev/{class}, clusterIP: 10.96.0.1, {spec}}}}}"
    )
}

fn by_node_ip(name: &str, created: &str, spec: &str) -> String {
    service(name, "node-ip", created, spec)
}

/// What was written beside finalizers.
fn statuses(cluster: &mut Cluster) -> Vec<String> {
    let mut log = cluster.settle();
    log.retain(|it| !it.ends_with("AddFinalizer"));
    log
}

#[test]
fn addresses_of_nodes_are_listed_and_external_ones_come_first() {
    let dual = "clusterIPs: [10.96.0.1, 'fd96::1'], ports: [{port: 80}]";
    let mut cluster = Cluster::new(&[NODES, &by_node_ip("web", "01", dual)]);
    let listed = "addresses of nodes: 10.0.0.1, 10.0.0.2, fd00::1";
    assert_eq!(
        statuses(&mut cluster),
        [format!(
            "web: [10.0.0.1 10.0.0.2 fd00::1] True Allocated: {listed} \
             | Normal EnsuredLoadBalancer: {listed}"
        )]
    );
    cluster.restart();
    assert_eq!(cluster.settle(), [""; 0]);
    // One with an address for the world makes the others of the family needless.
    cluster.apply(&["{apiVersion: v1, kind: Node, metadata: {name: n2}, status: {addresses: \
         [{type: InternalIP, address: 10.0.0.2}, {type: ExternalIP, address: 198.51.100.2}]}}"]);
    let listed = "addresses of nodes: 198.51.100.2, fd00::1";
    assert_eq!(
        statuses(&mut cluster),
        [format!(
            "web: [198.51.100.2 fd00::1] True Allocated: {listed} \
             | Normal UpdatedLoadBalancer: {listed}"
        )]
    );
}

#[test]
fn nodes_are_chosen_by_labels_and_by_endpoints_where_the_policy_is_local() {
    let node = |name: &str, address: &str, labels: &str| {
        format!(
            "{{apiVersion: v1, kind: Node, metadata: {{name: {name}, labels: {{{labels}}}}}, \
             status: {{addresses: [{{type: InternalIP, address: {address}}}]}}}}"
        )
    };
    let local = "externalTrafficPolicy: Local, ports: [{port: 80}]";
    let slice = "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4,
        metadata: {name: local-1, namespace: shop, labels: {kubernetes.io/service-name: local}},
        endpoints: [{addresses: [10.1.0.1], nodeName: n2}], ports: [{port: 8080}]}";
    let mut cluster = Cluster::new(&[
        &node("n1", "10.0.0.1", ""),
        &node("n2", "10.0.0.2", ""),
        slice,
        &by_node_ip("all", "01", "ports: [{port: 81}]"),
        &by_node_ip("local", "02", local),
    ]);
    cluster.settle();
    let both = |cluster: &Cluster| (cluster.addresses("all"), cluster.addresses("local"));
    assert_eq!(both(&cluster), ("10.0.0.1 10.0.0.2".into(), "10.0.0.2".into()));
    // The first node that is chosen leaves the others out.
    cluster.apply(&[&node("n1", "10.0.0.1", "pogu.dev/node-ip: 'true'")]);
    assert_eq!(
        statuses(&mut cluster),
        [
            "all: [10.0.0.1] True Allocated: addresses of nodes: 10.0.0.1 \
             | Normal UpdatedLoadBalancer: addresses of nodes: 10.0.0.1",
            "local: [] False NoNode: there is no node that may be used \
             | Warning UnAvailableLoadBalancer: there is no node that may be used",
        ]
    );
    let pooled = "pogu.dev/node-ip: 'true', pogu.dev/node-ip-pool: b";
    cluster.apply(&[&node("n2", "10.0.0.2", pooled)]);
    cluster.edit("all", |service| {
        service.metadata.labels.insert("pogu.dev/node-ip-pool".to_owned(), "b".to_owned());
    });
    cluster.settle();
    assert_eq!(both(&cluster), ("10.0.0.2".into(), "10.0.0.2".into()));
}

#[test]
fn of_two_services_with_one_port_the_older_has_it_and_the_other_is_told() {
    let mut cluster = Cluster::new(&[
        NODES,
        &by_node_ip(
            "dns",
            "02",
            "ports: [{name: a, port: 53, protocol: UDP}, {name: b, port: 80}]",
        ),
        &by_node_ip("tcp", "01", "ports: [{port: 53}]"),
        &by_node_ip("web", "01", "ports: [{port: 80}]"),
    ]);
    let log = statuses(&mut cluster);
    let listed = "addresses of nodes: 10.0.0.1, 10.0.0.2";
    let taken = "port 80/TCP is taken by shop/web";
    assert_eq!(
        log,
        [
            format!(
                "dns: [10.0.0.1 10.0.0.2] True PartlyAllocated: {listed}; {taken} \
                 | Normal EnsuredLoadBalancer: {listed} | Warning SyncLoadBalancerFailed: {taken}"
            ),
            format!(
                "tcp: [10.0.0.1 10.0.0.2] True Allocated: {listed} \
                 | Normal EnsuredLoadBalancer: {listed}"
            ),
            format!(
                "web: [10.0.0.1 10.0.0.2] True Allocated: {listed} \
                 | Normal EnsuredLoadBalancer: {listed}"
            ),
        ]
    );
    let dns = &cluster.services[&model::ServiceName::new("shop", "dns")];
    let ports = &dns.status.load_balancer.ingress[0].ports;
    let ports: Vec<_> = ports
        .iter()
        .map(|it| {
            (it.port.as_ref().map(ToString::to_string), it.protocol.as_deref(), it.error.as_deref())
        })
        .collect();
    let [dns, web] = [53, 80].map(|port: u16| Some(port.to_string()));
    assert_eq!(ports, [(dns, Some("UDP"), None), (web, Some("TCP"), Some("pogu.dev/PortTaken"))]);
    // It gets the port when the other one goes.
    cluster.delete("web");
    cluster.settle();
    let dns = &cluster.services[&model::ServiceName::new("shop", "dns")];
    assert_eq!(dns.status.load_balancer.ingress[0].ports, []);
}

#[test]
fn a_node_with_a_port_in_use_is_left_out() {
    let api = "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4,
        metadata: {name: api-1, namespace: shop, labels: {kubernetes.io/service-name: api}},
        endpoints: [{addresses: [10.0.0.1]}], ports: [{port: 6443}]}";
    let of_api = "{apiVersion: v1, kind: Service, metadata: {name: api, namespace: shop},
        spec: {clusterIP: 10.96.0.9, ports: [{port: 443}]}}";
    let node_port = "{apiVersion: v1, kind: Service, metadata: {name: np, namespace: shop},
        spec: {type: NodePort, clusterIP: 10.96.0.8, ports: [{port: 80, nodePort: 30080}]}}";
    let mut cluster = Cluster::new(&[
        NODES,
        api,
        of_api,
        node_port,
        &by_node_ip("a", "01", "ports: [{port: 6443}]"),
        &by_node_ip("b", "02", "ports: [{port: 30080}]"),
    ]);
    let taken = "n1: port 6443/TCP is an endpoint of shop/api";
    let none = "no node can be used: n1: port 30080/TCP is the node port of shop/np; \
                n2: port 30080/TCP is the node port of shop/np";
    assert_eq!(
        statuses(&mut cluster),
        [
            format!(
                "a: [10.0.0.2] True PartlyAllocated: addresses of nodes: 10.0.0.2; {taken} \
                 | Normal EnsuredLoadBalancer: addresses of nodes: 10.0.0.2 \
                 | Warning SyncLoadBalancerFailed: {taken}"
            ),
            format!("b: [] False NoNode: {none} | Warning UnAvailableLoadBalancer: {none}"),
        ]
    );
}

#[test]
fn a_balancer_outside_is_where_its_owner_says_and_needs_node_ports() {
    let spec = "ports: [{port: 80, nodePort: 30080}]";
    let mut cluster = Cluster::new(&[NODES, &service("web", "node-port", "01", spec)]);
    let why = "it is not known where the balancer outside listens; hint: the annotation \
               pogu.dev/outside-addresses says it";
    assert_eq!(
        statuses(&mut cluster),
        [format!("web: [] False NoOutsideAddress: {why} | Warning SyncLoadBalancerFailed: {why}")]
    );
    let annotate = |cluster: &mut Cluster, text: &str| {
        cluster.edit("web", |service| {
            let annotations = &mut service.metadata.annotations;
            annotations.insert("pogu.dev/outside-addresses".to_owned(), text.to_owned());
        });
    };
    annotate(&mut cluster, "198.51.100.7, x");
    let why = "pogu.dev/outside-addresses: expected an IP address, found \"x\"";
    assert_eq!(
        statuses(&mut cluster),
        [format!("web: [] False InvalidRequest: {why} | Warning SyncLoadBalancerFailed: {why}")]
    );
    annotate(&mut cluster, "198.51.100.7, 2001:db8::7");
    let listed = "addresses of a balancer outside: 198.51.100.7, 2001:db8::7";
    assert_eq!(
        statuses(&mut cluster),
        [format!(
            "web: [198.51.100.7 2001:db8::7] True Allocated: {listed} \
             | Normal EnsuredLoadBalancer: {listed}"
        )]
    );
    let web = &cluster.services[&model::ServiceName::new("shop", "web")];
    let modes = web.status.load_balancer.ingress.iter().map(|it| it.ip_mode.as_deref());
    assert_eq!(modes.collect::<Vec<_>>(), [Some("Proxy"), Some("Proxy")]);
    cluster.edit("web", |service| service.spec.ports[0].node_port = None);
    let why =
        "no node port leads to 80/TCP; hint: allocateLoadBalancerNodePorts: true gives each one";
    assert_eq!(
        statuses(&mut cluster),
        [format!("web: [] False NoNodePort: {why} | Warning SyncLoadBalancerFailed: {why}")]
    );
}
