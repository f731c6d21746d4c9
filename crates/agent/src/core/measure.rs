//! What has the kernel counted, and for whom?

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use host::conntrack::Conntrack as Sockets;
use model::{Frontend, NodeTable, Protocol, ServicePortName};
use nft::{Bytes, ChainId, Data, Element, SetId, read_counted};
use reconcile::{Counted, ReadError};

use crate::event::{Event, MeasureRequest};
use crate::measurement::{
    Conntrack, Count, EndpointConnections, EndpointTraffic, Measurement, Refusal, RefusedPackets,
    ServiceTraffic, Source, Traffic,
};

/// Pairs that the core forgets in one transaction: it has others to do.
const GONE_PER_EVENT_MAX: usize = 4096;

/// What the kernel has counted, to be told in the words of Services.
pub(super) struct Job {
    /// Whoever scrapes; absent when it is only looked for what is nobody's.
    pub(super) request: Option<MeasureRequest>,
    pub(super) table: Arc<NodeTable>,
    /// Absent while nothing is counted.
    pub(super) counted: Option<Result<Counted, ReadError>>,
}

/// Works scrapes off until the core ends, beside it: with many pairs it takes a while. What is
/// nobody's goes back to the core, which alone changes the table.
pub(super) fn work_off(jobs: &Receiver<Job>, core: &SyncSender<Event>) {
    while let Ok(Job { request, table, counted }) = jobs.recv() {
        let (measurement, gone) = measure(counted, &table);
        if let Some(request) = request {
            request.answer(measurement);
        }
        for part in gone.chunks(GONE_PER_EVENT_MAX) {
            if core.send(Event::Uncounted(part.to_vec())).is_err() {
                return;
            }
        }
    }
}

/// What cannot be read is named, and missing from the rest.
fn measure(
    counted: Option<Result<Counted, ReadError>>,
    table: &NodeTable,
) -> (Measurement, Vec<Element>) {
    let mut measurement = Measurement::default();
    let mut nobodys = Vec::new();
    match counted {
        Some(Ok(counted)) => {
            let (traffic, gone) = attribute(&counted, table);
            measurement.traffic = Some(traffic);
            nobodys = gone;
        }
        Some(Err(error)) => {
            tracing::warn!(%error, "cannot read the traffic counters");
            measurement.failed.push(Source::Traffic);
        }
        None => {}
    }
    match conntrack() {
        Ok(conntrack) => measurement.conntrack = Some(conntrack),
        Err(error) => {
            tracing::warn!(%error, "cannot read the statistics of connection tracking");
            measurement.failed.push(Source::Conntrack);
        }
    }
    (measurement, nobodys)
}

/// What the pairs have counted, in the words of Services; and the pairs that are nobody's: their
/// Service or endpoint is gone, or another program rewrote the destination.
fn attribute(counted: &Counted, table: &NodeTable) -> (Traffic, Vec<Element>) {
    let mut sums = Sums::default();
    let mut gone = Vec::new();
    let mut owners = Owners { table, by_frontend: HashMap::new() };
    for (set, key, count) in &counted.traffic {
        let pair = read_counted(key);
        let owned =
            pair.and_then(|(endpoint, frontend)| Some((owners.of(&frontend, endpoint)?, endpoint)));
        match owned {
            Some((owner, endpoint)) => {
                let count = Count { packets: count.packets, bytes: count.bytes };
                sums.add(*set, &owner.port, owner.protocol, endpoint, count);
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

/// Whose a pair is. What was found out for a frontend is kept, since most have many endpoints.
struct Owners<'a> {
    table: &'a NodeTable,
    by_frontend: HashMap<Frontend, Option<Owner>>,
}

struct Owner {
    port: ServicePortName,
    protocol: Protocol,
    endpoints: HashSet<SocketAddr>,
}

impl Owners<'_> {
    /// The Service port that has both, if there still is one.
    fn of(&mut self, frontend: &Frontend, endpoint: SocketAddr) -> Option<&Owner> {
        let known = self.by_frontend.entry(*frontend);
        let owner = known.or_insert_with(|| owner(self.table, frontend)).as_ref()?;
        owner.endpoints.contains(&endpoint).then_some(owner)
    }
}

fn owner(table: &NodeTable, frontend: &Frontend) -> Option<Owner> {
    let (service, port, _) = table.frontend(frontend)?;
    let known = service
        .service
        .ports
        .iter()
        .find(|known| known.name == port.name && known.protocol == port.protocol)?;
    let endpoints = known.endpoints.get(port.family).iter();
    let name = ServicePortName { service: service.name().clone(), port: Arc::clone(&port.name) };
    Some(Owner {
        port: name,
        protocol: port.protocol,
        endpoints: endpoints.map(|known| known.address).collect(),
    })
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

#[cfg(test)]
mod tests {
    use model::NodeTable;
    use nft::wire::Count as Counter;

    use super::*;
    use crate::tests::cluster::{SHOP, applied, published};

    /// As the kernel's key: endpoint, frontend.
    fn key(endpoint: [u8; 4], frontend: [u8; 4]) -> Bytes {
        let port = |number: u16| number.to_be_bytes();
        let endpoint = Bytes::empty().with(&endpoint).with(&port(8080));
        endpoint.with(&frontend).with(&[Protocol::Tcp.number()]).with(&port(80))
    }

    #[test]
    fn what_is_nobodys_is_told_from_what_services_have() {
        let table: NodeTable = published(SHOP, "192.168.0.1", applied()).node;
        let (set, count) = (SetId::Sent(model::Family::V4), Counter { packets: 3, bytes: 180 });
        let frontends = [[10, 96, 0, 10], [203, 0, 113, 7], [198, 18, 0, 1]];
        let mut traffic: Vec<(SetId, Bytes, Counter)> =
            frontends.map(|frontend| (set, key([10, 2, 0, 5], frontend), count)).into();
        traffic.push((set, key([10, 9, 9, 9], [10, 96, 0, 10]), count));
        let counted = Counted { traffic, refused: Vec::new() };
        let (found, gone) = attribute(&counted, &table);
        let port = ServicePortName {
            service: model::ServiceName::new("shop", "web"),
            port: "http".into(),
        };
        let (sent, received) = (Count { packets: 6, bytes: 360 }, Count::default());
        let service =
            ServiceTraffic { port, protocol: Protocol::Tcp, connections: 0, sent, received };
        assert_eq!(found.services, [service]);
        let keys = [key([10, 2, 0, 5], [198, 18, 0, 1]), key([10, 9, 9, 9], [10, 96, 0, 10])];
        assert_eq!(gone, keys.map(|key| counted_element(set, key)));
    }
}
