//! Which advertisements do objects make, and which nodes answer for which addresses by them?

use model::{
    Advertisement, AdvertisementName, Advertising, Interfaces, LabelSelector, NodeName, Operator,
    PoolName, PreferredNodes, Requirement, ServiceName, ServiceTable,
};

use super::{shown, table};

fn advertisement(name: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: metallb.io/v1beta1, kind: L2Advertisement, \
         metadata: {{name: {name}, namespace: metallb-system}}, spec: {{{spec}}}}}\n---\n"
    )
}

fn is(label: &str, value: &str) -> LabelSelector {
    let operator = Operator::In([value.into()].into());
    LabelSelector(vec![Requirement { label: label.into(), operator }])
}

fn plain(name: &str) -> Advertisement {
    Advertisement {
        name: AdvertisementName::new("metallb-system", name),
        pools: [].into(),
        pool_selectors: Vec::new(),
        node_selectors: Vec::new(),
        service_selectors: Vec::new(),
        interfaces: [].into(),
        preferred_nodes: Vec::new(),
    }
}

#[test]
fn an_advertisement_is_read_as_metallb_writes_it() {
    let spec = "ipAddressPools: [a, b], ipAddressPoolSelectors: [{matchLabels: {zone: east}}],
        nodeSelectors: [{matchLabels: {rack: '1'}}], interfaces: [eth0, eth1],
        serviceSelectors: [{matchLabels: {app: web}}],
        preferredNodeSelectors: [{weight: 7, preference: {matchLabels: {rack: '1'}}}]";
    let table = table(&[advertisement("all", ""), advertisement("one", spec)].concat());
    let one = Advertisement {
        pools: ["a", "b"].map(PoolName::new).into(),
        pool_selectors: vec![is("zone", "east")],
        node_selectors: vec![is("rack", "1")],
        service_selectors: vec![is("app", "web")],
        interfaces: ["eth0", "eth1"].map(Into::into).into(),
        preferred_nodes: vec![PreferredNodes { weight: 7, selector: is("rack", "1") }],
        ..plain("one")
    };
    let found: Vec<Advertisement> =
        table.advertisements.values().map(|it| Advertisement::clone(it)).collect();
    assert_eq!(found, [plain("all"), one]);
    assert_eq!(shown(&table), [""; 0]);
}

#[test]
fn what_is_wrong_selects_nothing_and_is_told() {
    let spec = "nodeSelectors: [{matchExpressions: [{key: a, operator: Has}]}],
        interfaces: [a-name-of-too-many-letters, ''],
        preferredNodeSelectors: [{weight: 0, preference: {}}, {preference: {}}, {weight: 101}]";
    let table = table(&advertisement("x", spec));
    let found = table.advertisements.values().next().expect("it is there");
    let never = Operator::In([].into());
    let expected = Advertisement {
        node_selectors: vec![LabelSelector(vec![Requirement {
            label: "a".into(),
            operator: never,
        }])],
        interfaces: ["a-name-of-too-many-letters", ""].map(Into::into).into(),
        ..plain("x")
    };
    assert_eq!(**found, expected);
    let told =
        |field: &str, why: &str| format!("L2Advertisement metallb-system/x spec.{field}: {why}");
    let interface = |found: &str| {
        format!("expected the name of an interface, found {found}; none is called so")
    };
    let weight = |found: u32| format!("expected a number from 1 to 100, found {found}");
    assert_eq!(
        shown(&table),
        [
            told("interfaces[0]", &interface(r#""a-name-of-too-many-letters""#)),
            told("interfaces[1]", &interface(r#""""#)),
            told(
                "nodeSelectors[0].matchExpressions[0].operator",
                "expected In, NotIn, Exists or DoesNotExist, found \"Has\"; it selects nothing"
            ),
            told("preferredNodeSelectors[0].weight", &weight(0)),
            told("preferredNodeSelectors[1].weight", &weight(0)),
            told("preferredNodeSelectors[2].weight", &weight(101)),
        ]
    );
}

/// Three nodes, and two Services with addresses 192.0.2.1 (of label app=web) and 192.0.2.2 (Local,
/// with its endpoint on n2, which is about to go).
const CLUSTER: &str = "
{apiVersion: v1, kind: Node, metadata: {name: n1, labels: {rack: '1'}}}
---
{apiVersion: v1, kind: Node, metadata: {name: n2, labels: {rack: '2'}}}
---
{apiVersion: v1, kind: Node, metadata: {name: n3, labels: {rack: '2'}}}
---
{apiVersion: v1, kind: Node, metadata: {name: out,
  labels: {node.kubernetes.io/exclude-from-external-load-balancers: ''}}}
---
{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop, labels: {app: web}},
 spec: {type: LoadBalancer, clusterIP: 10.96.0.1, ports: [{port: 80}]},
 status: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}}}
---
{apiVersion: v1, kind: Service, metadata: {name: local, namespace: shop},
 spec: {type: LoadBalancer, clusterIP: 10.96.0.2, externalTrafficPolicy: Local, ports: [{port: 80}]},
 status: {loadBalancer: {ingress: [{ip: 192.0.2.2}]}}}
---
{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4,
 metadata: {name: local-1, namespace: shop, labels: {kubernetes.io/service-name: local}},
 endpoints: [{addresses: [10.1.0.1], nodeName: n2, conditions: {ready: false, serving: true, terminating: true}},
             {addresses: [10.1.0.2], nodeName: n3, conditions: {ready: false}}],
 ports: [{port: 8080}]}
---
";

fn metallb(name: &str, labels: &str) -> String {
    format!(
        "{{apiVersion: metallb.io/v1beta1, kind: IPAddressPool, \
         metadata: {{name: {name}, namespace: metallb-system, labels: {{{labels}}}}}, \
         spec: {{addresses: [192.0.2.0/24]}}}}\n---\n"
    )
}

fn ours(spec: &str) -> String {
    format!(
        "{{apiVersion: pogu.dev/v1alpha1, kind: AddressPool, metadata: {{name: p}}, \
         spec: {{addresses: [192.0.2.0/24], {spec}}}}}\n---\n"
    )
}

/// `web: n1*3 n2, eth0; local: -`: candidates with their scores, and the interfaces of n1.
fn announced(objects: &[String]) -> String {
    let table = table(&(CLUSTER.to_owned() + &objects.concat()));
    assert_eq!(shown(&table), [""; 0]);
    let advertising = Advertising::new(&table);
    assert!(advertising.is_of(&table) && !advertising.is_of(&ServiceTable::default()));
    let of = |name: &str, address: &str| {
        let service = &table.services[&ServiceName::new("shop", name)];
        let address = address.parse().expect("an address");
        let own = NodeName::new("n1");
        let Some(found) = advertising.announced(service, address, &own) else {
            return format!("{name}: -");
        };
        let nodes: Vec<String> = found
            .candidates
            .iter()
            .map(
                |(node, score)| {
                    if *score == 0 { node.to_string() } else { format!("{node}*{score}") }
                },
            )
            .collect();
        let interfaces = match found.interfaces {
            Interfaces::All => "all".to_owned(),
            Interfaces::Named(names) => names.into_iter().collect::<Vec<_>>().join("+"),
        };
        format!("{name}: {}, {interfaces}", nodes.join(" "))
    };
    [of("web", "192.0.2.1"), of("local", "192.0.2.2")].join("; ")
}

#[test]
fn without_advertisements_every_pool_is_announced_by_all_nodes_that_may() {
    let all = "web: n1 n2 n3, all; local: n2, all";
    assert_eq!(announced(&[metallb("p", "")]), all);
    assert_eq!(announced(&[ours("")]), all);
    assert_eq!(announced(&[ours("announce: true")]), all);
    assert_eq!(announced(&[ours("announce: false")]), "web: -; local: -");
    assert_eq!(announced(&[]), "web: -; local: -");
}

#[test]
fn one_advertisement_makes_pools_of_metallb_need_one() {
    let none = "web: -; local: -";
    let all = "web: n1 n2 n3, all; local: n2, all";
    let other = || advertisement("other", "ipAddressPools: [q]");
    assert_eq!(announced(&[metallb("p", ""), other()]), none);
    assert_eq!(announced(&[ours(""), other()]), all);
    assert_eq!(announced(&[metallb("p", ""), other(), advertisement("all", "")]), all);
    let named = advertisement("named", "ipAddressPools: [p]");
    assert_eq!(announced(&[metallb("p", ""), named]), all);
    let labelled = || advertisement("labelled", "ipAddressPoolSelectors: [{matchLabels: {a: b}}]");
    assert_eq!(announced(&[metallb("p", "a: b"), labelled()]), all);
    assert_eq!(announced(&[metallb("p", ""), labelled()]), none);
    assert_eq!(announced(&[ours("announce: false"), advertisement("all", "")]), none);
}

#[test]
fn advertisements_limit_nodes_interfaces_and_services_and_add_their_scores() {
    let rack = |rack: u32| format!("nodeSelectors: [{{matchLabels: {{rack: '{rack}'}}}}]");
    let first = || advertisement("first", &format!("{}, interfaces: [eth0]", rack(1)));
    let second = || advertisement("second", &format!("{}, interfaces: [eth1]", rack(2)));
    let pool = || metallb("p", "");
    assert_eq!(announced(&[pool(), first()]), "web: n1, eth0; local: , eth0");
    assert_eq!(announced(&[pool(), second()]), "web: n2 n3, all; local: n2, all");
    assert_eq!(announced(&[pool(), first(), second()]), "web: n1 n2 n3, eth0; local: n2, eth0");
    assert_eq!(
        announced(&[pool(), first(), advertisement("all", "")]),
        "web: n1 n2 n3, all; local: n2, all"
    );
    let web = advertisement("web", "serviceSelectors: [{matchLabels: {app: web}}]");
    assert_eq!(announced(&[pool(), web]), "web: n1 n2 n3, all; local: -");
    let prefer = |name: &str| {
        advertisement(
            name,
            "preferredNodeSelectors: [{weight: 3, preference: {matchLabels: {rack: '2'}}}, \
             {weight: 1, preference: {}}]",
        )
    };
    let preferring = "web: n1*1 n2*4 n3*4, all; local: n2*4, all";
    assert_eq!(announced(&[pool(), prefer("a")]), preferring);
    let twice = "web: n1*2 n2*8 n3*8, all; local: n2*8, all";
    assert_eq!(announced(&[pool(), prefer("a"), prefer("b")]), twice);
}

#[test]
fn who_shares_an_address_is_not_announced_by_the_labels_of_services() {
    let shared = CLUSTER.replacen(
        "labels: {app: web}",
        "labels: {app: web}, annotations: {metallb.io/allow-shared-ip: k}",
        1,
    );
    let web = advertisement("web", "serviceSelectors: [{matchLabels: {app: web}}]");
    let table = table(&(shared + &metallb("p", "") + &web));
    let service = &table.services[&ServiceName::new("shop", "web")];
    let address = "192.0.2.1".parse().expect("an address");
    let found = Advertising::new(&table).announced(service, address, &NodeName::new("n1"));
    assert_eq!(found, None);
}
