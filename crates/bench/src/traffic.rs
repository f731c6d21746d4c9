//! What do the packet and byte counters cost?
//!
//! A client and a server exchange datagrams through a Service; the processor time of each round
//! trip is compared with the counters, without them, and without any Service.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use host::clock::monotonic;
use host::link::Links;
use host::netns::Netns;
use ingest::Objects;
use ingest::api::Object;
use ipnet::IpNet;
use model::{DetectLocal, NodeContext, NodeName, NodeTable};
use nft::Options;
use reconcile::{Dataplane, Netlink};

use crate::cluster::{Number, SERVICES};
use crate::usage::processor_time;

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 250, 0, 1);

/// One line for each kind, with the medians.
pub(crate) fn run(round_trips: u32, rounds: u32) -> anyhow::Result<String> {
    let kinds = [
        ("no Service", None),
        ("Service, no counters", Some(false)),
        ("Service, counters", Some(true)),
    ];
    let mut costs = vec![Vec::new(); kinds.len()];
    for _ in 0..rounds {
        for ((_, counters), costs) in kinds.iter().zip(&mut costs) {
            let cost = Netns::unshared()?.run(|| exchange(*counters, round_trips))??;
            costs.push(cost);
        }
    }
    let mut text =
        String::from("processor time of one datagram round trip (two packets), median\n");
    for ((name, _), costs) in kinds.iter().zip(&mut costs) {
        costs.sort_unstable();
        let median = costs.get(costs.len() / 2).copied().unwrap_or_default();
        writeln!(text, "{name:<24}{:>8.0} ns", median.as_secs_f64() * 1e9)?;
    }
    Ok(text)
}

/// The processor time of one round trip.
fn exchange(counters: Option<bool>, round_trips: u32) -> anyhow::Result<Duration> {
    let mut links = Links::open()?;
    links.add_address("lo", IpNet::from(IpAddr::from(SERVER)))?;
    links.add_link_route(SERVICES, "lo")?;
    let server = UdpSocket::bind((SERVER, 8080)).context("server")?;
    let client = UdpSocket::bind((SERVER, 0)).context("client")?;
    let _kept = counters.map(program).transpose()?;
    let to = match counters {
        None => SocketAddr::from((SERVER, 8080)),
        Some(_) => SocketAddr::from((Number(0).cluster_ip(), 80)),
    };
    client.connect(to).context("connect")?;
    client.set_read_timeout(Some(Duration::from_secs(5)))?;
    server.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut buffer = [0; 64];
    let before = processor_time();
    for _ in 0..round_trips {
        client.send(b"ping")?;
        let (n, from) = server.recv_from(&mut buffer).context("server")?;
        server.send_to(buffer.get(..n).unwrap_or_default(), from)?;
        client.recv(&mut buffer).context("client")?;
    }
    Ok((processor_time() - before) / round_trips)
}

/// One UDP Service in the kernel.
fn program(traffic_counters: bool) -> anyhow::Result<Dataplane<Netlink>> {
    let mut objects = Objects::new();
    let (mut service, mut slice) = (Number(0).service(), Number(0).slice(&[SERVER]));
    if let Object::Service(service) = &mut service {
        for port in &mut service.spec.ports {
            port.protocol = Some("UDP".to_owned());
        }
    }
    if let Object::EndpointSlice(slice) = &mut slice {
        for port in &mut slice.ports {
            port.protocol = Some("UDP".to_owned());
        }
    }
    objects.apply(service);
    objects.apply(slice);
    let node = NodeContext {
        name: NodeName::new("node-0"),
        zone: None,
        local_addresses: [IpAddr::from(SERVER)].into_iter().collect(),
        primary_addresses: Vec::new(),
        node_port_addresses: Vec::new(),
        detect_local: DetectLocal::Never,
        masquerade_all: false,
    };
    let table = NodeTable::new(Arc::new(node), &objects.table());
    let options = Options { traffic_counters, ..Options::default() };
    let kernel = Netlink::open(options.affinity_clients_max)?;
    Ok(Dataplane::start(kernel, &table, options, monotonic())?.0)
}
