//! What has the kernel counted, and for whom?

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use host::conntrack::Conntrack as Sockets;
use model::{Frontend, NodeTable, Protocol, ServicePortName};
use nft::{Bytes, ChainId, Data, Element, Op, SetId, read_counted};
use reconcile::{Counted, Dataplane, Kernel, Netlink};

use crate::measurement::{
    Conntrack, Count, EndpointConnections, EndpointTraffic, Measurement, Refusal, RefusedPackets,
    ServiceTraffic, Source, Traffic,
};

/// Reads everything for one scrape. What cannot be read is named, and missing from the rest.
pub(super) fn measure(
    dataplane: Option<&mut Dataplane<Netlink>>,
    table: &NodeTable,
) -> Measurement {
    let mut measurement = Measurement::default();
    match dataplane {
        Some(dataplane) if dataplane.options().traffic_counters => {
            match dataplane.kernel().counted() {
                Ok(counted) => {
                    let (traffic, gone) = attribute(&counted, table);
                    measurement.traffic = Some(traffic);
                    forget(dataplane.kernel(), gone);
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot read the traffic counters");
                    measurement.failed.push(Source::Traffic);
                }
            }
        }
        _ => {}
    }
    match conntrack() {
        Ok(conntrack) => measurement.conntrack = Some(conntrack),
        Err(error) => {
            tracing::warn!(%error, "cannot read the statistics of connection tracking");
            measurement.failed.push(Source::Conntrack);
        }
    }
    measurement
}

/// What the pairs have counted, in the words of Services; and the pairs that are no more.
fn attribute(counted: &Counted, table: &NodeTable) -> (Traffic, Vec<Element>) {
    let mut sums = Sums::default();
    let mut gone = Vec::new();
    for (set, key, count) in &counted.traffic {
        let owner = read_counted(key)
            .and_then(|(endpoint, frontend)| Some((owner(table, &frontend, endpoint)?, endpoint)));
        match owner {
            Some(((port, protocol), endpoint)) => {
                sums.add(
                    *set,
                    &port,
                    protocol,
                    endpoint,
                    Count { packets: count.packets, bytes: count.bytes },
                );
            }
            None => gone.push(counted_element(*set, *key)),
        }
    }
    let mut traffic = sums.into_traffic();
    traffic.refused = counted.refused.iter().filter_map(refused).collect();
    (traffic, gone)
}

const fn counted_element(set: SetId, key: Bytes) -> Element {
    Element { set, key, data: Data::None }
}

fn refused((chain, count): &(ChainId, nft::wire::Count)) -> Option<RefusedPackets> {
    let refusal = if let ChainId::Drop(reason) = chain {
        Refusal::Drop(*reason)
    } else if let ChainId::Reject(reason) = chain {
        Refusal::Reject(*reason)
    } else {
        return None;
    };
    Some(RefusedPackets { refusal, packets: count.packets })
}

/// The Service port that has both, if there still is one.
fn owner(
    table: &NodeTable,
    frontend: &Frontend,
    endpoint: SocketAddr,
) -> Option<(ServicePortName, Protocol)> {
    let (service, port, _) = table.frontend(frontend)?;
    let known = service
        .service
        .ports
        .iter()
        .find(|known| known.name == port.name && known.protocol == port.protocol)?;
    let endpoints = known.endpoints.get(port.family);
    // They are sorted, so a scrape of many endpoints does not look at each for each.
    endpoints.binary_search_by_key(&endpoint, |known| known.address).ok()?;
    let name = ServicePortName { service: service.name().clone(), port: Arc::clone(&port.name) };
    Some((name, port.protocol))
}

/// Sums over the frontends of a Service port, and over the Services of an endpoint.
#[derive(Default)]
struct Sums {
    services: BTreeMap<(ServicePortName, Protocol), ServiceTraffic>,
    connections: BTreeMap<(ServicePortName, Protocol, SocketAddr), u64>,
    endpoints: BTreeMap<(SocketAddr, Protocol), EndpointTraffic>,
}

impl Sums {
    fn add(
        &mut self,
        set: SetId,
        port: &ServicePortName,
        protocol: Protocol,
        endpoint: SocketAddr,
        count: Count,
    ) {
        let service = self.services.entry((port.clone(), protocol)).or_insert_with(|| {
            let (sent, received) = (Count::default(), Count::default());
            ServiceTraffic { port: port.clone(), protocol, connections: 0, sent, received }
        });
        let of_endpoint = self.endpoints.entry((endpoint, protocol)).or_insert_with(|| {
            let (sent, received) = (Count::default(), Count::default());
            EndpointTraffic { endpoint, protocol, sent, received }
        });
        if matches!(set, SetId::Connections(_)) {
            service.connections += count.packets;
            *self.connections.entry((port.clone(), protocol, endpoint)).or_insert(0) +=
                count.packets;
        } else if matches!(set, SetId::Sent(_)) {
            grow(&mut service.sent, count);
            grow(&mut of_endpoint.sent, count);
        } else {
            grow(&mut service.received, count);
            grow(&mut of_endpoint.received, count);
        }
    }

    fn into_traffic(self) -> Traffic {
        let connections = self.connections.into_iter().map(|((port, protocol, endpoint), n)| {
            EndpointConnections { port, protocol, endpoint, connections: n }
        });
        Traffic {
            services: self.services.into_values().collect(),
            connections: connections.collect(),
            endpoints: self.endpoints.into_values().collect(),
            refused: Vec::new(),
        }
    }
}

const fn grow(sum: &mut Count, by: Count) {
    sum.packets += by.packets;
    sum.bytes += by.bytes;
}

/// Pairs that nobody can use any more make room for new ones.
fn forget(kernel: &mut Netlink, gone: Vec<Element>) {
    if gone.is_empty() {
        return;
    }
    let ops: Vec<Op> = gone.into_iter().map(Op::DeleteElement).collect();
    if let Err(error) = kernel.transact(&ops) {
        tracing::debug!(%error, "counters of endpoints that are gone stay until the next time");
    }
}

fn conntrack() -> Result<Conntrack, host::conntrack::ConntrackError> {
    let mut sockets = Sockets::open()?;
    let statistics = sockets.statistics()?;
    let fill = sockets.fill()?;
    Ok(Conntrack {
        entries: u64::from(fill.entries),
        entries_max: u64::from(fill.max.unwrap_or(0)),
        insert_failed: statistics.insert_failed,
        drop: statistics.drop,
        early_drop: statistics.early_drop,
    })
}
