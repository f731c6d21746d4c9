//! What of a connection to an endpoint's own address, past all Services?

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;

use model::{Family, Frontend, Protocol, Service, Verdict as Decided};

use crate::name::{Resolved, count};
use crate::place::Asker;
use crate::question::Refusal;
use crate::readiness;
use crate::scene::Scene;
use crate::start::unknown_node;
use crate::trace::{Hop, Object, Origin, Stage};
use crate::verdict::{Answer, AnswerWay, Endpoint, Outcome, Source, SourceWhy, State, Verdict};
use crate::view::View;
use crate::walk::Way;
use crate::warning::{Warning, WarningKind};

/// The client takes one of several addresses that the DNS gave.
pub(crate) fn to_endpoints(
    view: &View<'_>,
    asker: &Asker,
    resolved: &Resolved,
    addresses: &[IpAddr],
    (protocol, port): (Protocol, NonZeroU16),
) -> Result<(Hop, Way), Refusal> {
    let n = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    let mut from = None;
    let mut endpoints = Vec::with_capacity(addresses.len());
    for &address in addresses {
        let frontend = Frontend { address, protocol, port };
        let start = asker.start(view, &frontend)?;
        let seen = view.seen(&start.node, &frontend).ok_or_else(|| unknown_node(&start.node))?;
        if seen.table.lookup(&start.packet).value != Decided::NotService {
            let says = format!(
                "{frontend} is an endpoint's own address and a Service claims it too; ask for \
                 it by itself"
            );
            let verdict = Verdict::at(&start.node, Outcome::Unknown, says);
            return Ok((start.from, Way { hops: Vec::new(), verdict, warnings: Vec::new() }));
        }
        let endpoint = direct(view, SocketAddr::new(address, port.get()), start.packet.source, n);
        endpoints.push(endpoint);
        from.get_or_insert(start.from);
    }
    let from = from.unwrap_or_else(|| asker.without_packet());
    let choice = format!(
        "the client takes one of {}, by a choice of its own: no node balances",
        count(endpoints.len(), "address")
    );
    let hops =
        vec![Hop::new(Stage::Choose, None, choice.replace("addresss", "addresses"), Vec::new())];
    let hops = hops.into_iter().chain(rest(&endpoints)).collect();
    let mut warnings = Vec::new();
    if let Some(service) = resolved.service.as_deref() {
        warnings.extend(untranslated(service, &endpoints, protocol));
        let family = addresses.first().map(|address| Family::of(*address));
        warnings.extend(family.and_then(|it| readiness::of_headless(view, service, it)));
    }
    let verdict = Verdict {
        endpoints,
        ..Verdict::without_packet(
            Outcome::Direct,
            "goes to an endpoint's own address; no Service is in the way".to_owned(),
        )
    };
    Ok((from, Way { hops, verdict, warnings }))
}

/// An address that no Service has, and that an endpoint or a pod bears.
pub(crate) fn to_address(scene: &Scene<'_>) -> Option<Way> {
    let packet = scene.packet;
    let address = SocketAddr::new(packet.destination, packet.destination_port.get());
    let service = scene.view.endpoint_at(packet.destination);
    let pod = scene.pod_at(packet.destination);
    if service.is_none() && pod.is_none() {
        return None;
    }
    let endpoint = direct(scene.view, address, packet.source, 1);
    let says = match (&endpoint.pod, service) {
        (Some(pod), _) => format!("{} is the own address of pod/{pod}", packet.destination),
        (None, Some((_, service))) => {
            format!("{} is the own address of an endpoint of Service {service}", packet.destination)
        }
        (None, None) => return None,
    };
    let mut hops =
        vec![scene.hop(Stage::Frontend, format!("{says}; no Service claims it"), Vec::new())];
    let endpoints = vec![endpoint];
    hops.extend(rest(&endpoints));
    let verdict = Verdict {
        endpoints,
        ..Verdict::at(
            scene.node(),
            Outcome::Direct,
            format!("goes to {address} itself; no Service is in the way"),
        )
    };
    Some(Way { hops, verdict, warnings: Vec::new() })
}

fn direct(view: &View<'_>, address: SocketAddr, client: IpAddr, n: u32) -> Endpoint {
    let pod = view.pod_at(address.ip());
    let node = pod.and_then(|pod| pod.node.clone());
    let node = node.or_else(|| view.endpoint_at(address.ip()).map(|(node, _)| node));
    Endpoint {
        address,
        probability: 1.0 / f64::from(n),
        node: node.map(|node| node.to_string()),
        pod: pod.map(|pod| pod.name.to_string()),
        state: State::Ready,
        source: Source { is_rewritten: false, why: SourceWhy::NoService, seen: Some(client) },
        answer: Answer { way: AnswerWay::Straight, node: None },
    }
}

fn rest(endpoints: &[Endpoint]) -> Vec<Hop> {
    let client = endpoints.first().and_then(|endpoint| endpoint.source.seen);
    let client = client.map_or_else(String::new, |client| format!(", {client}"));
    let kept =
        format!("the endpoint sees the client's own address{client}: no Service is in the way");
    vec![
        Hop::new(Stage::Source, None, kept, Vec::new()),
        crate::delivery::delivered(endpoints),
        Hop::new(Stage::Answer, None, "the endpoint answers to the client itself", Vec::new()),
    ]
}

/// Without a translation, what the client's port is must be what the endpoint listens on.
fn untranslated(service: &Service, endpoints: &[Endpoint], protocol: Protocol) -> Option<Warning> {
    let listens = |endpoint: &Endpoint| {
        let ports = service.ports.iter().filter(|port| port.protocol == protocol);
        let families = ports.flat_map(|port| [&port.endpoints.v4, &port.endpoints.v6]);
        families.flat_map(|all| all.iter()).any(|known| known.address == endpoint.address)
    };
    let wrong: Vec<SocketAddr> =
        endpoints.iter().filter(|it| !listens(it)).map(|it| it.address).collect();
    let first = wrong.first()?;
    let ports = service.ports.iter().flat_map(|port| {
        let targets =
            [&port.endpoints.v4, &port.endpoints.v6].into_iter().flat_map(|all| all.iter());
        targets.map(|target| target.address.port())
    });
    let mut ports: Vec<u16> = ports.collect();
    ports.sort_unstable();
    ports.dedup();
    let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
    let says = format!(
        "a headless Service translates no port: the client comes to port {}, and the endpoints \
         serve port {}",
        first.port(),
        ports.join(", ")
    );
    let origin = Origin::new(Object::service(&service.name), "spec.clusterIP", "None");
    Some(Warning {
        origins: vec![origin],
        endpoints: wrong,
        ..Warning::new(WarningKind::HeadlessPort, says)
    })
}
