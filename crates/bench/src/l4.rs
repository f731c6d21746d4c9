//! What does a change cost, from the object to the kernel's acknowledgement?

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use host::clock::monotonic;
use host::netns::Netns;
use ingest::Objects;
use ingest::api::{Kind, ObjectKey};
use model::{DetectLocal, NodeContext, NodeName, NodeTable, ServiceTable};
use nft::Options;
use reconcile::{Dataplane, Netlink, Report, Taken};
use serde::{Deserialize, Serialize};

use crate::cluster::{Number, SERVICES, fresh_endpoint};
use crate::connect;
use crate::quantile::Spread;
use crate::usage::resident;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Result {
    pub(crate) services: usize,
    pub(crate) endpoints: usize,
    /// Objects to table, table to decisions, decisions to the kernel: seconds.
    pub(crate) cold_start_s: f64,
    pub(crate) cold_start: Counted,
    /// A new agent finds everything in place.
    pub(crate) restart_s: f64,
    pub(crate) restart: Counted,
    pub(crate) replace: Change,
    /// The same after the caches were filled with something else, as they are when a node's other
    /// programs have run since the last change.
    pub(crate) replace_cold: Change,
    pub(crate) add_endpoint: Change,
    pub(crate) remove_endpoint: Change,
    pub(crate) add_service: Change,
    pub(crate) remove_service: Change,
    pub(crate) resident_bytes: u64,
    pub(crate) resident_max_bytes: u64,
    pub(crate) connect_direct: Spread,
    pub(crate) connect_service: Spread,
}

/// What one transaction took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counted {
    pub(crate) messages: usize,
    pub(crate) elements: usize,
    pub(crate) bytes: usize,
}

impl From<Taken> for Counted {
    fn from(taken: Taken) -> Self {
        Self { messages: taken.messages, elements: taken.elements, bytes: taken.bytes }
    }
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Change {
    pub(crate) time: Spread,
    /// The most that one of them took.
    pub(crate) counted: Counted,
}

/// Runs one size in a process of its own, so that no memory is left over from another.
pub(crate) fn run_apart(
    services: usize,
    endpoints: usize,
    changes: usize,
) -> anyhow::Result<Result> {
    let program = std::env::current_exe().context("own program")?;
    let program = program.to_str().context("own program's path")?;
    let numbers = [services, endpoints, changes].map(|number| number.to_string());
    let mut args = vec!["l4-size"];
    args.extend(numbers.iter().map(String::as_str));
    let output = host::process::run(program, &args, "", Duration::from_secs(900))?;
    if !output.status.success() {
        bail!("{services} services: {}", output.stderr);
    }
    serde_json::from_str(&output.stdout).context("result of a size")
}

/// Everything between an object and the kernel.
struct Node {
    objects: Objects,
    table: NodeTable,
    dataplane: Dataplane<Netlink>,
}

impl Node {
    /// From parsed objects to a programmed kernel.
    fn start(mut objects: Objects) -> anyhow::Result<(Self, Report)> {
        let table = NodeTable::new(Arc::new(context()), &objects.table());
        let kernel = Netlink::open(options().affinity_clients_max)?;
        let (dataplane, report) = Dataplane::start(kernel, &table, options(), monotonic())?;
        Ok((Self { objects, table, dataplane }, report))
    }

    fn follow(&mut self) -> anyhow::Result<Taken> {
        let cluster: ServiceTable = self.objects.table();
        let (table, changes) = self.table.advance(&cluster);
        self.table = table;
        let report = self.dataplane.advance(&changes, monotonic());
        if !report.refused.is_empty() || report.failed.is_some() {
            bail!("refused: {report:?}");
        }
        Ok(report.taken)
    }
}

fn options() -> Options {
    Options {
        detect_local: context().detect_local,
        service_cidrs: vec![SERVICES],
        ..Options::default()
    }
}

fn context() -> NodeContext {
    NodeContext {
        name: NodeName::new("node-0"),
        zone: None,
        local_addresses: [Ipv4Addr::LOCALHOST, connect::SERVER]
            .map(IpAddr::from)
            .into_iter()
            .collect(),
        primary_addresses: Vec::new(),
        node_port_addresses: Vec::new(),
        detect_local: DetectLocal::Cidrs(vec!["10.128.0.0/9".parse().expect("a CIDR")]),
        masquerade_all: false,
    }
}

/// Runs one size in this process.
pub(crate) fn run(services: usize, endpoints: usize, changes: usize) -> anyhow::Result<Result> {
    Netns::unshared()?.run(|| measure(services, endpoints, changes))?
}

fn measure(services: usize, endpoints: usize, changes: usize) -> anyhow::Result<Result> {
    let mut objects = Objects::new();
    let start = monotonic();
    for number in (0..services).map(Number) {
        objects.apply(number.service());
        objects.apply(number.slice(&number.endpoints(endpoints)));
    }
    let (mut node, report) = Node::start(objects)?;
    let cold_start_s = start.elapsed().as_secs_f64();
    let cold_start = report.taken.into();
    // As the agent does when it has started.
    host::memory::give_back();
    let [resident_bytes, resident_max_bytes] = [resident("VmRSS")?, resident("VmHWM")?];
    let size = Size { services, endpoints, changes };
    let [replace, add_endpoint, remove_endpoint] = endpoint_changes(size, &mut node)?;
    let replace_cold = cold_changes(size, &mut node)?;
    let [add_service, remove_service] = service_changes(size, &mut node)?;
    let (connect_direct, connect_service) = connect::measure(changes, |address| {
        node.objects.apply(Number(0).slice(&[address]));
        node.follow().map(|_| ())
    })?;
    let start = monotonic();
    let (_, report) = Node::start(node.objects)?;
    let restart_s = start.elapsed().as_secs_f64();
    Ok(Result {
        services,
        endpoints,
        cold_start_s,
        cold_start,
        restart_s,
        restart: report.taken.into(),
        replace,
        replace_cold,
        add_endpoint,
        remove_endpoint,
        add_service,
        remove_service,
        resident_bytes,
        resident_max_bytes,
        connect_direct,
        connect_service,
    })
}

#[derive(Clone, Copy)]
struct Size {
    services: usize,
    endpoints: usize,
    changes: usize,
}

/// One endpoint replaced, added, removed. Each Service's turn comes as often as any other's, and what
/// was changed is undone in between.
fn endpoint_changes(size: Size, node: &mut Node) -> anyhow::Result<[Change; 3]> {
    let mut fresh = (0..).map(fresh_endpoint);
    let pick = |i: usize| Number(i * 7919 % size.services);
    let whole = |i: usize| pick(i).endpoints(size.endpoints);
    let mut restore = |objects: &mut Objects, i: usize| {
        objects.apply(pick(i).slice(&whole(i)));
    };
    let mut at_once = || {};
    let mut next = || fresh.next().context("addresses");
    let replace = timed(size.changes, node, &mut restore, &mut at_once, |objects, i| {
        let mut addresses = whole(i);
        if let Some(first) = addresses.first_mut() {
            *first = next()?;
        }
        objects.apply(pick(i).slice(&addresses));
        Ok(())
    })?;
    let add = timed(size.changes, node, &mut restore, &mut at_once, |objects, i| {
        let mut addresses = whole(i);
        addresses.push(next()?);
        objects.apply(pick(i).slice(&addresses));
        Ok(())
    })?;
    let remove = timed(size.changes, node, &mut restore, &mut at_once, |objects, i| {
        objects.apply(pick(i).slice(whole(i).get(1..).unwrap_or_default()));
        Ok(())
    })?;
    Ok([replace, add, remove])
}

/// Changes after which a cache was emptied cost the emptying, so there are fewer.
const COLD_CHANGES_MAX: usize = 300;

/// One endpoint replaced, when nothing of the agent is in the processor's caches.
fn cold_changes(size: Size, node: &mut Node) -> anyhow::Result<Change> {
    let mut fresh = (1 << 20..).map(fresh_endpoint);
    let mut other = vec![0_u8; OTHER_BYTES];
    let pick = |i: usize| Number(i * 7919 % size.services);
    timed(
        size.changes.min(COLD_CHANGES_MAX),
        node,
        &mut |objects, i| {
            objects.apply(pick(i).slice(&pick(i).endpoints(size.endpoints)));
        },
        &mut || other.iter_mut().step_by(CACHE_LINE).for_each(|byte| *byte = byte.wrapping_add(1)),
        |objects, i| {
            let mut addresses = pick(i).endpoints(size.endpoints);
            if let Some(first) = addresses.first_mut() {
                *first = fresh.next().context("addresses")?;
            }
            objects.apply(pick(i).slice(&addresses));
            Ok(())
        },
    )
}

/// More than any processor's caches hold.
const OTHER_BYTES: usize = 128 << 20;
const CACHE_LINE: usize = 64;

/// One Service with its endpoints added, and removed.
fn service_changes(size: Size, node: &mut Node) -> anyhow::Result<[Change; 2]> {
    let more = |i: usize| Number(size.services + i);
    let mut nothing = |_: &mut Objects, _: usize| {};
    let mut at_once = || {};
    let add = timed(size.changes, node, &mut nothing, &mut at_once, |objects, i| {
        objects.apply(more(i).service());
        objects.apply(more(i).slice(&more(i).endpoints(size.endpoints)));
        Ok(())
    })?;
    let remove = timed(size.changes, node, &mut nothing, &mut at_once, |objects, i| {
        let name = format!("service-{}", size.services + i);
        let key = |kind, name: &str| ObjectKey {
            kind,
            namespace: "default".to_owned(),
            name: name.to_owned(),
        };
        objects.delete(&key(Kind::EndpointSlice, &format!("{name}-slice")));
        objects.delete(&key(Kind::Service, &name));
        Ok(())
    })?;
    Ok([add, remove])
}

/// Times changes one by one: from the object that says so to the kernel's acknowledgement. Each is
/// followed by one that is not timed.
fn timed(
    n: usize,
    node: &mut Node,
    restore: &mut dyn FnMut(&mut Objects, usize),
    meanwhile: &mut dyn FnMut(),
    mut change: impl FnMut(&mut Objects, usize) -> anyhow::Result<()>,
) -> anyhow::Result<Change> {
    let mut times = Vec::with_capacity(n);
    let mut counted = Counted { messages: 0, elements: 0, bytes: 0 };
    for i in 0..n {
        meanwhile();
        let start: Instant = monotonic();
        change(&mut node.objects, i)?;
        let taken = node.follow()?;
        times.push(start.elapsed());
        counted.messages = counted.messages.max(taken.messages);
        counted.elements = counted.elements.max(taken.elements);
        counted.bytes = counted.bytes.max(taken.bytes);
        restore(&mut node.objects, i);
        node.follow()?;
    }
    Ok(Change { time: Spread::of(times), counted })
}
