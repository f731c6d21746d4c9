//! Is DNS answered by this host itself while it can, and by the others with the next question?

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket as Client};
use std::sync::Arc;
use std::time::Duration;

use host::bind::{BindOptions, tcp_listener};
use host::datagram::{Batch, UdpSocket};
use host::dummy::Dummy;
use host::link::Links;
use host::netns::Netns;
use host::program::{Program, Running};
use host::sandbox::Sandbox;
use host::{clock, process, skip, sysctl};
use model::Protocol;

use super::cluster::{Cluster, node};
use super::program::{CLIENTS_MAX, now, options};
use crate::{Dataplane, LocalDns, Netlink, Report};

const DEADLINE: Duration = Duration::from_secs(20);

/// The frontends of the DNS Service.
const FRONTENDS: [&str; 2] = ["10.96.0.10:53", "[fd00:96::a]:53"];

const MANIFESTS: &str = "\
apiVersion: v1
kind: Service
metadata: {name: dns}
spec:
  clusterIPs: ['10.96.0.10', 'fd00:96::a']
  ipFamilies: [IPv4, IPv6]
  ports: [{name: udp, port: 53, protocol: UDP}, {name: tcp, port: 53}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: dns-4, labels: {kubernetes.io/service-name: dns}}
addressType: IPv4
ports: [{name: udp, port: 5353, protocol: UDP}, {name: tcp, port: 5353}]
endpoints: [{addresses: ['10.2.0.2'], nodeName: b}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: dns-6, labels: {kubernetes.io/service-name: dns}}
addressType: IPv6
ports: [{name: udp, port: 5353, protocol: UDP}, {name: tcp, port: 5353}]
endpoints: [{addresses: ['fd00:2::2'], nodeName: b}]
";

fn frontends() -> [SocketAddr; 2] {
    FRONTENDS.map(|address| address.parse().unwrap())
}

/// Answers with its name.
struct Server {
    name: &'static str,
    datagrams: UdpSocket,
    connections: TcpListener,
    batch: Batch,
}

impl Server {
    fn bind(name: &'static str, address: SocketAddr) -> Self {
        let options = BindOptions { free_bind: true, ..BindOptions::at(address) };
        Self {
            name,
            datagrams: UdpSocket::bind(&options).unwrap(),
            connections: tcp_listener(&options, 16).unwrap(),
            batch: Batch::new(8, 512, 512),
        }
    }

    /// Answers what waits: whether anything did.
    fn answer(&mut self) -> bool {
        if let Ok((mut connection, _)) = self.connections.accept() {
            std::io::Write::write_all(&mut connection, self.name.as_bytes()).unwrap();
            return true;
        }
        let n_received = self.batch.receive(&self.datagrams).unwrap();
        for (_, mut reply) in self.batch.exchanges() {
            reply.buffer()[..self.name.len()].copy_from_slice(self.name.as_bytes());
            reply.complete(self.name.len());
        }
        assert_eq!(self.batch.send(&self.datagrams).sent, n_received);
        n_received > 0
    }
}

/// A node between one of its pods and another node's DNS.
struct World {
    node: Netns,
    pod: Netns,
    _other_node: Netns,
    servers: Vec<Server>,
    dataplane: Dataplane<Netlink>,
}

impl World {
    fn new() -> Self {
        let [node, pod, other_node] = [(); 3].map(|()| Netns::unshared().unwrap());
        node.run(|| {
            for name in ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"] {
                sysctl::write(name, "1").unwrap();
            }
            join("pod", &pod, ["10.1.0.1/24", "fd00:1::1/64"]);
            join("other", &other_node, ["10.2.0.1/24", "fd00:2::1/64"]);
            let addresses = frontends().map(|frontend| frontend.ip());
            Dummy::ensure("pogu-dns").unwrap().set_addresses(&addresses.into()).unwrap();
        })
        .unwrap();
        reach_by(&pod, ["10.1.0.2/24", "fd00:1::2/64"], ["10.1.0.1", "fd00:1::1"]);
        reach_by(&other_node, ["10.2.0.2/24", "fd00:2::2/64"], ["10.2.0.1", "fd00:2::1"]);
        let local = node.run(|| frontends().map(|address| Server::bind("local", address)));
        let other = other_node.run(|| {
            ["10.2.0.2:5353", "[fd00:2::2]:5353"]
                .map(|address| Server::bind("other", address.parse().unwrap()))
        });
        let servers = local.unwrap().into_iter().chain(other.unwrap()).collect();
        let dataplane = node.run(|| program(MANIFESTS)).unwrap();
        Self { node, pod, _other_node: other_node, servers, dataplane }
    }

    /// Who answers a client in the namespace, over UDP and TCP of IPv4, and of IPv6.
    fn answers(&mut self, place: fn(&Self) -> &Netns) -> [String; 4] {
        let [v4, v6] = frontends();
        let asked =
            [(v4, Protocol::Udp), (v4, Protocol::Tcp), (v6, Protocol::Udp), (v6, Protocol::Tcp)];
        asked.map(|(address, protocol)| {
            if protocol == Protocol::Udp {
                let client = place(self).run(|| client(address)).unwrap();
                return self.ask(&client);
            }
            let client = place(self).run(|| TcpStream::connect_timeout(&address, DEADLINE));
            let mut client = client.unwrap().unwrap();
            client.set_read_timeout(Some(DEADLINE)).unwrap();
            self.serve();
            let mut answer = String::new();
            client.read_to_string(&mut answer).unwrap();
            answer
        })
    }

    fn ask(&mut self, client: &Client) -> String {
        client.send(b"who?").unwrap();
        self.serve();
        let mut bytes = [0; 16];
        let length = client.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    }

    /// Until one of the servers has answered.
    fn serve(&mut self) {
        let start = clock::monotonic();
        while !self.servers.iter_mut().any(Server::answer) {
            assert!(start.elapsed() < DEADLINE, "nobody was asked");
            std::thread::yield_now();
        }
    }

    /// The next connection, without an answer.
    fn accept(&self) -> TcpStream {
        let start = clock::monotonic();
        loop {
            let mut accepted = self.servers.iter().map(|server| server.connections.accept());
            if let Some((connection, _)) = accepted.find_map(Result::ok) {
                return connection;
            }
            assert!(start.elapsed() < DEADLINE, "nobody was asked");
            std::thread::yield_now();
        }
    }

    /// What the node's kernel tracks.
    fn tracked(&self) -> Vec<String> {
        let list = |family| {
            let args = ["-L", "-f", family];
            process::stdout_of("conntrack", &args, "", DEADLINE).unwrap()
        };
        let listed = self.node.run(|| ["ipv4", "ipv6"].map(list)).unwrap();
        listed.iter().flat_map(|listed| listed.lines()).map(str::to_owned).collect()
    }

    fn forget(&self) {
        let flush = || process::run("conntrack", &["-F"], "", DEADLINE).unwrap();
        assert_eq!(self.node.run(flush).unwrap().status.code(), Some(0));
    }

    fn open(&self) -> LocalDns {
        let mut local = self.node.run(LocalDns::open).unwrap().unwrap();
        local.set(&frontends().into()).unwrap();
        local
    }
}

fn client(server: SocketAddr) -> Client {
    let any = if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let client = Client::bind(any).unwrap();
    client.connect(server).unwrap();
    client.set_read_timeout(Some(DEADLINE)).unwrap();
    client
}

/// The node's end of a link to another namespace.
fn join(name: &str, netns: &Netns, addresses: [&str; 2]) {
    let mut links = Links::open().unwrap();
    links.create_veth(name, "node", Some(netns)).unwrap();
    links.set_up(name).unwrap();
    for address in addresses {
        links.add_address(name, address.parse().unwrap()).unwrap();
    }
}

/// The other end, from where all ways lead to the node.
fn reach_by(netns: &Netns, addresses: [&str; 2], gateways: [&str; 2]) {
    netns
        .run(|| {
            let mut links = Links::open().unwrap();
            links.set_up("node").unwrap();
            for address in addresses {
                links.add_address("node", address.parse().unwrap()).unwrap();
            }
            for (route, gateway) in ["0.0.0.0/0", "::/0"].into_iter().zip(gateways) {
                links.add_route(route.parse().unwrap(), gateway.parse().unwrap()).unwrap();
            }
            let own = addresses.map(|address| address.split('/').next().unwrap());
            let own: [IpAddr; 2] = own.map(|address| address.parse().unwrap());
            host::address::await_local(own).unwrap();
        })
        .unwrap();
}

/// The main table, for a node whose pods are told by their addresses.
fn program(manifests: &str) -> Dataplane<Netlink> {
    let cidrs = ["10.1.0.0/16", "fd00:1::/64"].map(|cidr| cidr.parse().unwrap());
    let detect_local = model::DetectLocal::Cidrs(cidrs.into());
    let mut cluster = Cluster::on(model::NodeContext { detect_local, ..node() });
    cluster.apply(manifests);
    let kernel = Netlink::open(CLIENTS_MAX).unwrap();
    let table = &cluster.table;
    let (dataplane, report) = Dataplane::start(kernel, table, options(table), now()).unwrap();
    assert_eq!((report.failed, report.refused), (None, Vec::new()));
    dataplane
}

const PLACES: [fn(&World) -> &Netns; 2] = [|world| &world.pod, |world| &world.node];

#[test]
fn a_pod_and_the_node_are_answered_here_untracked_and_elsewhere_with_the_next_question() {
    if skip::without_root() {
        return;
    }
    let mut world = World::new();
    for place in PLACES {
        assert_eq!(world.answers(place), ["other"; 4]);
    }
    let mut local = world.open();
    world.forget();
    for place in PLACES {
        assert_eq!(world.answers(place), ["local"; 4]);
    }
    assert_eq!(world.tracked(), Vec::<String>::new());
    local.clear().unwrap();
    for place in PLACES {
        assert_eq!(world.answers(place), ["other"; 4]);
    }
    local.set(&frontends().into()).unwrap();
    for place in PLACES {
        assert_eq!(world.answers(place), ["local"; 4]);
    }
    drop(local);
    for place in PLACES {
        assert_eq!(world.answers(place), ["other"; 4]);
    }
}

#[test]
fn a_client_that_keeps_its_socket_is_answered_all_along() {
    if skip::without_root() {
        return;
    }
    let mut world = World::new();
    for frontend in frontends() {
        let client = world.pod.run(|| client(frontend)).unwrap();
        let mut answers = vec![world.ask(&client)];
        for _ in 0..2 {
            let local = world.open();
            answers.push(world.ask(&client));
            drop(local);
            answers.push(world.ask(&client));
        }
        assert_eq!(answers, ["other", "local", "other", "local", "other"]);
    }
}

#[test]
fn a_connection_that_is_open_at_a_change_is_reset_at_once() {
    if skip::without_root() {
        return;
    }
    let mut world = World::new();
    for frontend in frontends() {
        let connect = |world: &mut World| {
            let client = world.pod.run(|| TcpStream::connect_timeout(&frontend, DEADLINE));
            let client = client.unwrap().unwrap();
            client.set_read_timeout(Some(DEADLINE)).unwrap();
            (client, world.accept())
        };
        let (mut to_other, _kept) = connect(&mut world);
        let local = world.open();
        let (mut to_local, _kept) = connect(&mut world);
        let reset = |client: &mut TcpStream| {
            std::io::Write::write_all(client, b"who?").unwrap();
            client.read(&mut [0; 16]).unwrap_err().kind()
        };
        let found = reset(&mut to_other);
        drop(local);
        assert_eq!([found, reset(&mut to_local)], [std::io::ErrorKind::ConnectionReset; 2]);
    }
}

#[test]
fn one_family_alone_may_be_answered_here() {
    if skip::without_root() {
        return;
    }
    let mut world = World::new();
    let mut local = world.open();
    let [v4, v6] = frontends();
    local.set(&BTreeSet::from([v4])).unwrap();
    assert_eq!(world.answers(PLACES[0]), ["local", "local", "other", "other"]);
    local.set(&BTreeSet::from([v6])).unwrap();
    assert_eq!(world.answers(PLACES[0]), ["other", "other", "local", "local"]);
}

#[test]
fn the_next_process_begins_before_the_former_ends() {
    if skip::without_root() {
        return;
    }
    let mut world = World::new();
    let former = world.open();
    let next = world.open();
    let third = world.node.run(LocalDns::open).unwrap().unwrap_err().to_string();
    assert_eq!((former.table(), next.table()), ("pogu-dns", "pogu-dns-next"));
    assert_eq!(
        third,
        "other processes own the tables for local DNS: pogu-dns, pogu-dns-next\n\
         hint: one more agent runs on this node"
    );
    drop(former);
    assert_eq!(world.answers(PLACES[0]), ["local"; 4]);
    drop(next);
    assert_eq!(world.answers(PLACES[0]), ["other"; 4]);
}

#[test]
fn the_main_table_is_as_it_was_applied_meanwhile() {
    if skip::without_root() {
        return;
    }
    let mut world = World::new();
    let local = world.open();
    assert_eq!(world.dataplane.verify(), Report::default());
    drop(local);
    assert_eq!(world.dataplane.verify(), Report::default());
}

#[test]
fn more_addresses_than_the_bound_are_refused_and_what_was_set_holds() {
    if skip::without_root() {
        return;
    }
    let mut world = World::new();
    let mut local = world.open();
    let many = (0..257).map(|n| SocketAddr::from(([10, 96, 0, 11], n)));
    let error = local.set(&many.collect()).unwrap_err();
    assert_eq!(error.to_string(), "cannot answer DNS at so many addresses: 257: at most 256");
    assert_eq!(world.answers(PLACES[0]), ["local"; 4]);
}

/// Set for a process that holds the table until it is killed.
const HOLDER: &str = "POGU_TEST_HOLDS_LOCAL_DNS";

/// Ends with the test, however that ends.
struct Held(Running);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn hold() -> ! {
    let mut local = LocalDns::open().unwrap();
    local.set(&frontends().into()).unwrap();
    loop {
        std::thread::park();
    }
}

/// This test once more, in a process of its own and in the node's namespace.
fn start_holder(netns: &Netns) -> Held {
    let program = Program {
        name: std::env::current_exe().unwrap().to_str().unwrap().to_owned(),
        args: [
            "--exact",
            "tests::local_dns::a_process_that_is_killed_leaves_no_question_unanswered",
        ]
        .map(str::to_owned)
        .into(),
        env: vec![(HOLDER.to_owned(), "1".to_owned())],
        directory: None,
        sandbox: Arc::new(Sandbox::new(std::os::fd::AsFd::as_fd(netns), "holder", &[]).unwrap()),
    };
    let output = File::options().write(true).open("/dev/null").unwrap();
    Held(program.spawn(&output).unwrap())
}

#[test]
fn a_process_that_is_killed_leaves_no_question_unanswered() {
    if std::env::var_os(HOLDER).is_some() {
        hold();
    }
    if skip::without_root() {
        return;
    }
    let mut world = World::new();
    let holder = start_holder(&world.node);
    let client = world.pod.run(|| client(frontends()[0])).unwrap();
    let start = clock::monotonic();
    while world.ask(&client) != "local" {
        assert!(start.elapsed() < DEADLINE, "the other process does not begin");
    }
    assert_eq!(world.answers(PLACES[0]), ["local"; 4]);
    // Killed, and its end awaited.
    drop(holder);
    assert_eq!(world.ask(&client), "other");
    for place in PLACES {
        assert_eq!(world.answers(place), ["other"; 4]);
    }
}
