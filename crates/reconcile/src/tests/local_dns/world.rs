//! What is there to ask: a node between one of its pods and another node's DNS.

use std::io::Read;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket as Client};

use host::bind::{BindOptions, tcp_listener};
use host::datagram::{Batch, UdpSocket};
use host::dummy::Dummy;
use host::link::Links;
use host::netns::Netns;
use host::{clock, process, sysctl};
use model::Protocol;

use super::DEADLINE;
use crate::tests::cluster::{Cluster, node};
use crate::tests::program::{CLIENTS_MAX, now, options};
use crate::{Dataplane, LOCAL_DNS_LINK, LocalDns, Netlink};

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

pub(super) fn frontends() -> [SocketAddr; 2] {
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
pub(super) struct World {
    pub(super) node: Netns,
    pub(super) pod: Netns,
    _other_node: Netns,
    servers: Vec<Server>,
    pub(super) dataplane: Dataplane<Netlink>,
}

impl World {
    pub(super) fn new() -> Self {
        let [node, pod, other_node] = [(); 3].map(|()| Netns::unshared().unwrap());
        node.run(|| {
            for name in ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"] {
                sysctl::write(name, "1").unwrap();
            }
            join("pod", &pod, ["10.1.0.1/24", "fd00:1::1/64"]);
            join("other", &other_node, ["10.2.0.1/24", "fd00:2::1/64"]);
            let addresses = frontends().map(|frontend| frontend.ip());
            Dummy::ensure(LOCAL_DNS_LINK).unwrap().set_addresses(&addresses.into()).unwrap();
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
    pub(super) fn answers(&mut self, place: fn(&Self) -> &Netns) -> [String; 4] {
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

    pub(super) fn ask(&mut self, client: &Client) -> String {
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
    pub(super) fn accept(&self) -> TcpStream {
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
    pub(super) fn tracked(&self) -> Vec<String> {
        let list = |family| {
            let args = ["-L", "-f", family];
            process::stdout_of("conntrack", &args, "", DEADLINE).unwrap()
        };
        let listed = self.node.run(|| ["ipv4", "ipv6"].map(list)).unwrap();
        listed.iter().flat_map(|listed| listed.lines()).map(str::to_owned).collect()
    }

    pub(super) fn forget(&self) {
        let flush = || process::run("conntrack", &["-F"], "", DEADLINE).unwrap();
        assert_eq!(self.node.run(flush).unwrap().status.code(), Some(0));
    }

    pub(super) fn open(&self) -> LocalDns {
        let mut local = self.node.run(LocalDns::open).unwrap().unwrap();
        local.set(&frontends().into()).unwrap();
        local
    }
}

pub(super) fn client(server: SocketAddr) -> Client {
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
