//! Does a client keep its endpoint: when endpoints change, when agents do, when there are many?

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use model::{Delivery, NodeTable, Packet, Protocol, Verdict};
use nft::{Bytes, Data, Element, Op, Options, SetId};

use super::cluster::{Cluster, service_with, slice};
use super::program::{CLIENTS_MAX, now, options};
use crate::{Dataplane, Kernel, MemoryKernel, Netlink};

const STICKY: &str = "  sessionAffinity: ClientIP\n";
const ENDPOINTS: [&str; 3] = ["10.1.0.1", "10.1.0.2", "10.1.0.3"];

fn packet(client: u32) -> Packet {
    Packet {
        source: IpAddr::V4(Ipv4Addr::from(0x0a01_8000 + client)),
        destination: "10.96.0.1".parse().expect("an address"),
        protocol: Protocol::Tcp,
        destination_port: 80.try_into().expect("not zero"),
        interface: Some("eth0".into()),
    }
}

struct Node {
    cluster: Cluster,
    dataplane: Dataplane<MemoryKernel>,
}

impl Node {
    fn new(clients_max: u32) -> Self {
        let mut cluster = Cluster::new();
        cluster.apply(&service_with(1, STICKY, &ENDPOINTS));
        let options = Options { affinity_clients_max: clients_max, ..options(&cluster.table) };
        let kernel = MemoryKernel::new(clients_max);
        let started = Dataplane::start(kernel, &cluster.table, options, now());
        Self { dataplane: started.expect("an empty kernel takes everything").0, cluster }
    }

    /// Where a new connection of the client goes, if it is free to go to endpoint `choice`.
    fn connect(&mut self, client: u32, choice: u32) -> IpAddr {
        let node = &self.cluster.table.node;
        let verdict = self.dataplane.kernel().ruleset.pass(&packet(client), node, choice);
        let Verdict::Forward { deliveries, .. } = verdict else { panic!("{verdict}") };
        only(&deliveries).endpoint.ip()
    }

    fn apply(&mut self, text: &str) {
        let changes = self.cluster.apply(text);
        assert_eq!(self.dataplane.advance(&changes, now()).refused, []);
    }
}

fn only(deliveries: &BTreeSet<Delivery>) -> Delivery {
    assert_eq!(deliveries.len(), 1);
    *deliveries.first().expect("one")
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

#[test]
fn a_client_keeps_its_endpoint_whatever_the_choice() {
    let mut node = Node::new(CLIENTS_MAX);
    let first = node.connect(1, 2);
    assert_eq!([0, 1, 2].map(|choice| node.connect(1, choice)), [first; 3]);
    assert_ne!(node.connect(2, 0), first);
}

#[test]
fn only_the_clients_of_a_vanished_endpoint_choose_again() {
    let mut node = Node::new(CLIENTS_MAX);
    let before = [0, 1, 2].map(|client| node.connect(client, client));
    assert_eq!(before, ENDPOINTS.map(ip));
    node.apply(&slice(1, &["10.1.0.1", "10.1.0.3"]));
    let after = [0, 1, 2].map(|client| node.connect(client, 1));
    assert_eq!([after[0], after[2]], [before[0], before[2]]);
    assert_ne!(after[1], before[1]);
    // The new choice is remembered in place of the old one.
    assert_eq!([0, 1].map(|choice| node.connect(1, choice)), [after[1]; 2]);
}

#[test]
fn a_client_keeps_its_endpoint_when_others_come() {
    let mut node = Node::new(CLIENTS_MAX);
    let before = [0, 1, 2].map(|client| node.connect(client, client));
    node.apply(&slice(1, &["10.1.0.0", "10.1.0.1", "10.1.0.2", "10.1.0.3", "10.1.0.4"]));
    assert_eq!([0, 1, 2].map(|client| node.connect(client, 4)), before);
}

#[test]
fn clients_beyond_the_bound_are_forwarded_and_not_remembered() {
    let mut node = Node::new(2);
    let remembered = [0, 1].map(|client| node.connect(client, client));
    assert_eq!([0, 1, 2].map(|choice| node.connect(7, choice)), ENDPOINTS.map(ip));
    assert_eq!([0, 1].map(|client| node.connect(client, 2)), remembered);
}

/// Adds so many clients of the one pool, as if each had connected.
fn fill(kernel: &mut Netlink, dataplane_elements: &[Element], clients: u32) {
    let member = dataplane_elements
        .iter()
        .find_map(|element| match (element.set, element.data) {
            (SetId::Slots(_), Data::Value(member)) => {
                Some((Bytes::empty().with(element.key.first_chunk::<4>()?), member))
            }
            _ => None,
        })
        .expect("a pool with members");
    let (class, member) = member;
    let ops: Vec<Op> = (0..clients)
        .map(|client| {
            let key = Bytes::empty().with(&(0x0b00_0000 + client).to_be_bytes()).with(&class);
            let set = SetId::Affinity(model::Family::V4);
            Op::AddElement(Element { set, key, data: Data::Value(member) })
        })
        .collect();
    kernel.transact(&ops).expect("the map has room");
}

/// The kernel's own default would end at 65,535.
#[test]
fn a_hundred_thousand_clients_are_remembered() {
    if host::skip::without_root() {
        return;
    }
    let mut cluster = Cluster::new();
    cluster.apply(&service_with(1, STICKY, &ENDPOINTS));
    let table: &NodeTable = &cluster.table;
    let addresses: Vec<IpAddr> = vec![ip("192.168.0.1")];
    let mut rig = testkit::rig::Rig::new(&addresses).expect("a namespace");
    let options = Options { affinity_clients_max: 1 << 20, ..options(table) };
    let kernel = rig.netns().run(|| Netlink::open(1 << 20)).expect("a thread").expect("a socket");
    let (mut dataplane, _) = Dataplane::start(kernel, table, options, now()).expect("programmed");
    let elements = dataplane.desired_elements();
    fill(dataplane.kernel(), &elements, 100_000);

    // A client more: it is forwarded and keeps its endpoint, which the check looks at.
    let deliveries = ENDPOINTS
        .map(|address| Delivery { endpoint: SocketAddr::new(ip(address), 8080), masquerade: false })
        .into();
    let affinity = Some(model::Affinity { timeout_s: 10_800 });
    for client in 0..20 {
        rig.check(
            &packet(client),
            &Verdict::Forward { deliveries: BTreeSet::clone(&deliveries), affinity },
        )
        .unwrap_or_else(|dissent| panic!("{dissent}"));
    }
}
