//! How does the core run, and what watches the kernel for it?

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread;

use host::conntrack::Conntrack;
use host::monitor::ChangeMonitor;
use reconcile::{Netlink, StaleFlows, TransactError, missing_features};

use crate::core::flows::forget;
use crate::core::hear::{own_addresses, watch_addresses, watch_table};
use crate::core::measure::{Job, work_off};
use crate::core::pressure::{PERIOD, Pressure};
use crate::core::{Action, Core, Now};
use crate::event::{Event, OwnAddresses};
use crate::failure::Failure;
use crate::run::CoreSide;
use crate::tune::tune;

/// Changes whose stale flows have not been removed yet; at the bound the core waits.
const FLOWS_MAX: usize = 64;

/// Scrapes that wait to be worked off; at the bound the next one gets no answer.
const JOBS_MAX: usize = 2;

/// Runs the core on this thread until it is told to end. The rules stay in the kernel.
///
/// # Errors
/// The kernel lacks something, or refuses to be watched.
pub(crate) fn run_core(side: CoreSide) -> Result<(), Failure> {
    let clients_max = side.config.affinity_clients_max;
    probe(clients_max)?;
    let refused = tune(&side.config.conntrack, cores());
    for rejection in &refused {
        tracing::warn!(%rejection, "connection tracking is left as it is");
    }
    let own_port = Arc::new(AtomicU32::new(0));
    let addresses = ChangeMonitor::of_addresses().map_err(dataplane)?;
    let first = own_addresses().map_err(dataplane)?;
    let conntrack = Conntrack::open().map_err(dataplane)?;
    let is_ending = AtomicBool::new(false);
    let (flows, stale) = sync_channel(FLOWS_MAX);
    let (jobs, measured) = sync_channel(JOBS_MAX);
    let (programmed, is_programmed) = sync_channel(1);
    thread::scope(|scope| {
        let named = |name: &str| thread::Builder::new().name(name.to_owned());
        let ending = &is_ending;
        let (port, to_core) = (Arc::clone(&own_port), side.sender.clone());
        let watched = named("drift")
            .spawn_scoped(scope, move || watch_table(&is_programmed, &port, &to_core, ending))
            .and_then(|_| {
                let to_core = side.sender.clone();
                named("addresses")
                    .spawn_scoped(scope, move || watch_addresses(addresses, &to_core, ending))
            })
            .and_then(|_| {
                let recorder = side.recorder.clone();
                named("flows").spawn_scoped(scope, move || forget(conntrack, &stale, &recorder))
            })
            .and_then(|_| {
                let to_core = side.sender.clone();
                named("counters").spawn_scoped(scope, move || work_off(&measured, &to_core))
            });
        let out = Out { flows, jobs };
        let ended = watched
            .map_err(Failure::Start)
            .map(|_| work(side, first, refused, &own_port, programmed, &out));
        is_ending.store(true, Ordering::Relaxed);
        drop(out);
        ended
    })
}

fn dataplane(error: impl std::fmt::Display) -> Failure {
    Failure::Dataplane(error.to_string())
}

fn cores() -> u32 {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    u32::try_from(cores).unwrap_or(u32::MAX)
}

/// Finds out by trying whether this kernel has what is needed.
fn probe(clients_max: u32) -> Result<(), Failure> {
    let mut kernel = Netlink::open(clients_max).map_err(dataplane)?;
    let missing = match missing_features(&mut kernel) {
        Ok(missing) => missing,
        Err(error @ (TransactError::Refused(_) | TransactError::Failed(_))) => {
            return Err(dataplane(error));
        }
    };
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = missing
        .iter()
        .map(|feature| format!("{} (CONFIG_{})", feature.name, feature.option))
        .collect();
    Err(Failure::Feature(names.join(", ")))
}

/// The one loop: an event, or the time for something.
fn work(
    side: CoreSide,
    first: OwnAddresses,
    refused: Vec<model::Rejection>,
    own_port: &Arc<AtomicU32>,
    programmed: SyncSender<()>,
    out: &Out,
) {
    let clients_max = side.config.affinity_clients_max;
    let port = Arc::clone(own_port);
    let open = move || {
        let kernel = Netlink::open(clients_max).map_err(|error| error.to_string())?;
        port.store(kernel.port_id(), Ordering::Relaxed);
        Ok(kernel)
    };
    let mut core = Core::new(side.config, Box::new(open), side.publisher, side.recorder, now());
    core.note(refused);
    let (mut pressure, mut look_at) = (Pressure::default(), host::clock::monotonic());
    let mut next = core.handle(Event::Addresses(first), now());
    let mut programmed = Some(programmed);
    while let Some(actions) = next {
        for action in actions {
            act(action, &mut core, out);
        }
        if let Some(dataplane) = core.dataplane() {
            own_port.store(dataplane.kernel().port_id(), Ordering::Relaxed);
            if programmed.take().is_some_and(|told| told.send(()).is_err()) {
                tracing::error!("nobody watches the table");
            }
        }
        let time = now().monotonic;
        if look_at <= time {
            pressure.look();
            look_at = time + PERIOD;
        }
        let until = core.next_tick().map_or(look_at, |tick| tick.min(look_at));
        next = match side.events.recv_timeout(until.saturating_duration_since(time)) {
            Ok(event) => core.handle(event, now()),
            Err(RecvTimeoutError::Timeout) => Some(core.tick(now())),
            Err(RecvTimeoutError::Disconnected) => None,
        };
    }
}

/// Those who do what takes long.
struct Out {
    flows: SyncSender<Vec<StaleFlows>>,
    jobs: SyncSender<Job>,
}

fn act(action: Action, core: &mut Core<Netlink>, out: &Out) {
    match action {
        Action::ForgetFlows(stale) => {
            if out.flows.send(stale).is_err() {
                tracing::error!("nobody removes stale flows any more");
            }
        }
        Action::Measure { request, table } => {
            let counting = core.dataplane().filter(|it| it.options().traffic_counters);
            let counted = counting.map(|dataplane| dataplane.kernel().counted());
            if let Err(error) = out.jobs.try_send(Job { request, table, counted }) {
                tracing::debug!(%error, "too many scrapes at once, one gets no answer");
            }
        }
        Action::ReadBack(request) => {
            let read = core.dataplane().map(|dataplane| dataplane.read_back(&request.service));
            let read = read.transpose().unwrap_or_else(|error| {
                tracing::warn!(%error, "cannot read a Service back");
                None
            });
            request.answer(read);
        }
    }
}

fn now() -> Now {
    Now { monotonic: host::clock::monotonic(), wall: host::clock::wall() }
}
