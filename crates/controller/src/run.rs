//! How does a controller begin, go on and end?

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use host::clock::monotonic;
use ingest::Objects;
use ipnet::IpNet;
use model::Way;
use serve::{Listener, listen, listen_if_possible, serve};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep_until;

use ::watch::{Access, AccessError, ApiServer, Caller, Event, Requests, Wanted};

use crate::addresses;
use crate::campaign::{Leading, campaign};
use crate::election::{Election, Timing};
use crate::figures::Figures;
use crate::lease::LeaseName;
use crate::site::Site;
use crate::work::Work;

/// Batches that wait to be taken in; whoever reads the API server waits beyond.
const BATCHES_MAX: usize = 16;

/// An object is at most 1.5 MiB where it is stored.
const CALLER: Caller =
    Caller { user_agent: concat!("pogu/", env!("CARGO_PKG_VERSION")), answer_bytes_max: 4 << 20 };

/// An API server that starts says for a few seconds that it has no kinds beyond its own, and one that
/// is absent is looked for again after 30 s.
const POOLS_AWAITED: Duration = Duration::from_mins(1);

/// What a controller is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How the API server is reached.
    pub access: Access,
    /// Where it is agreed who acts.
    pub lease: LeaseName,
    /// Who this is, for people: the name of its Pod or host.
    pub name: String,
    /// How long what takes in the election.
    pub timing: Timing,
    /// The only external IPs that agents serve; absent means any.
    pub external_ips: Option<Vec<IpNet>>,
    /// What is done about Services of type LoadBalancer; absent where nothing is.
    pub addresses: Option<Addresses>,
    /// Where health and metrics are answered.
    pub http: Vec<SocketAddr>,
}

/// How Services of type LoadBalancer get their addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// The way of Services that name no class; absent where they are somebody else's.
    pub default_way: Option<Way>,
}

/// Why it cannot begin.
#[derive(Debug, Error)]
pub enum Failure {
    /// The configuration of the client cannot be used.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Somebody else has the address.
    #[error("cannot listen for /healthz, /readyz and /metrics at {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The system gives no threads, timers or signals.
    #[error("cannot start: {0}")]
    Start(#[from] io::Error),
    /// A defect: the log tells where.
    #[error("following the API server broke")]
    Broke,
}

impl Failure {
    /// What the reader can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Access(error) => Some(error.hint()),
            Self::Listen { .. } => Some("--http-bind-address names others".to_owned()),
            Self::Start(_) | Self::Broke => None,
        }
    }
}

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// It cannot begin.
pub fn run(settings: Settings) -> Result<(), Failure> {
    let addresses = settings.addresses.is_some();
    let wanted = Wanted { dataplane: true, names: true, node: None, all_pods: false, addresses };
    let source = ApiServer::open(settings.access.clone(), wanted)?;
    let stopper = source.stopper();
    // Whoever reads the server may not wait in a runtime's way, so somebody else does.
    let (read_sender, read) = sync_channel(BATCHES_MAX);
    let following = thread::Builder::new().name("source".to_owned()).spawn(move || {
        source.run(|batch| match read_sender.send(batch) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        })
    })?;
    let (batches_sender, batches) = mpsc::channel(1);
    let passing = thread::Builder::new()
        .name("batches".to_owned())
        .spawn(move || read.into_iter().all(|batch| batches_sender.blocking_send(batch).is_ok()))?;
    let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(2).build()?;
    let outcome = runtime.block_on(go_on(settings, batches));
    // An exec plugin that hangs is not waited for.
    runtime.shutdown_background();
    stopper.stop();
    let passed = passing.join().map(drop);
    let followed = following.join().map(drop);
    if passed.is_err() || followed.is_err() {
        return Err(Failure::Broke);
    }
    outcome
}

async fn go_on(settings: Settings, batches: mpsc::Receiver<Vec<Event>>) -> Result<(), Failure> {
    let figures = Arc::new(Figures::default());
    let (stop, stopped) = watch::channel(false);
    for listener in listeners(&settings.http)? {
        let site = Arc::new(Site(Arc::clone(&figures)));
        tokio::spawn(serve(Listener::Tcp(listener), site, stopped.clone()));
    }
    let signals = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let requests = Requests::new(settings.access, CALLER);
    let identity = format!("{}_{:08x}", settings.name, unique());
    let election = Election::new(identity.clone(), settings.timing, monotonic());
    let (leading_sender, leading) = watch::channel(Leading::default());
    let campaigning =
        tokio::spawn(campaign(requests.clone(), settings.lease, election, leading_sender, stopped));
    let addresses = settings.addresses.map(|it| {
        let allocation = ipam::Settings::default();
        let settings = loadbalancer::Settings {
            default_way: it.default_way,
            allocation,
            pools_awaited: POOLS_AWAITED,
        };
        addresses::Addresses::new(settings, monotonic())
    });
    let objects = settings.external_ips.map_or_else(Objects::new, Objects::with_external_ips);
    let work = Work::new(requests, &identity, Arc::clone(&figures), objects, addresses);
    work_until_stopped(work, batches, leading, signals, &figures).await;
    stop.send_replace(true);
    if let Err(error) = campaigning.await {
        tracing::error!(%error, "the election broke");
    }
    Ok(())
}

async fn work_until_stopped(
    mut work: Work,
    mut batches: mpsc::Receiver<Vec<Event>>,
    mut leading: watch::Receiver<Leading>,
    (mut terminate, mut interrupt): (Signal, Signal),
    figures: &Figures,
) {
    loop {
        let now = monotonic();
        let known = leading.borrow_and_update().clone();
        let may_act = known.may_act(now);
        figures.is_leading.store(may_act, Ordering::Relaxed);
        work.act(may_act, now);
        let due = work.next_due(now).filter(|_| may_act);
        // When it may act no longer, it looks again.
        let due = due.into_iter().chain(known.until.filter(|_| may_act)).min();
        let wait = async {
            match due {
                Some(due) => sleep_until(due.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            _ = terminate.recv() => return,
            _ = interrupt.recv() => return,
            changed = leading.changed() => if changed.is_err() { return },
            Some(ended) = work.writing.join_next() => match ended {
                Ok(outcome) => work.ended(outcome, monotonic()),
                Err(error) => tracing::error!(%error, "writing broke"),
            },
            batch = batches.recv() => match batch {
                Some(batch) => work.take(batch),
                None => return,
            },
            () = wait => {}
        }
    }
}

/// After a restart it is another one, which must not take what the former one held for its own.
fn unique() -> u64 {
    RandomState::new().build_hasher().finish() >> 32
}

fn listeners(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, Failure> {
    let mut all = Vec::with_capacity(addresses.len());
    for &address in addresses {
        let is_any = address.ip().is_unspecified();
        let listening =
            if is_any { listen_if_possible(address) } else { listen(address).map(Some) };
        all.extend(listening.map_err(|source| Failure::Listen { address, source })?);
    }
    Ok(all)
}
