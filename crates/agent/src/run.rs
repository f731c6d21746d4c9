//! How do the core and everything around it start and end together?

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::announcing::{Announcing, AnnouncingStopper};
use crate::cluster_dns::{ClusterDns, offer};
use crate::config::Config;
use crate::event::{EVENTS_MAX, Event, OwnAddresses};
use crate::failure::Failure;
use crate::published::{Published, Publisher};
use crate::recorder::Recorder;
use crate::servers::{Listening, Servers};
use crate::source::{Source, SourceStopper};
use serve::{Stop, stopped};

/// How long a predecessor may take to end, and how often that is looked for.
const LEAVE_MOST: Duration = Duration::from_secs(20);
const LEAVE_LOOK: Duration = Duration::from_millis(50);

/// Threads that make long answers.
const LONG_ANSWERS_MAX: usize = 2;

/// What the core has to do with.
#[derive(Debug)]
pub struct CoreSide {
    pub config: Arc<Config>,
    pub events: Receiver<Event>,
    /// For those that the core lets report to it.
    pub sender: SyncSender<Event>,
    pub publisher: Publisher,
    pub recorder: Recorder,
}

/// Runs the core on this thread, with the source of objects and all servers around it, until the
/// core returns. SIGTERM and SIGINT are events that ask it to.
pub fn run_with(
    config: Config,
    core: impl FnOnce(CoreSide) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let config = Arc::new(config);
    let source = Source::open(&config)?;
    let (sender, events) = sync_channel(EVENTS_MAX);
    let unknown = Published::unknown(config.node_context(None, &OwnAddresses::default()));
    let (publisher, published) = watch::channel(Arc::new(unknown));
    // Whoever is replaced ends when its DNS is taken over, and leaves its addresses then.
    let taken_over = start_taking_over(&config)?;
    let dns = match (taken_over, &config.dns) {
        (Some(dns), _) => Some(dns),
        (None, Some(settings)) => Some(ClusterDns::start(&config, settings, None)?),
        (None, None) => None,
    };
    let dns = dns.map(|dns| dns.with_pod_scope(source.pod_scope()));
    let view = dns.as_ref().map(ClusterDns::view);
    let announcing = Announcing::new(&config)?;
    let api_server = source.status();
    let servers = Servers::new(Arc::clone(&config), published.clone(), view, sender.clone())
        .with_api_server(api_server.clone())
        .with_announced(announcing.as_ref().map(Announcing::state));
    let recorder = servers.recorder();
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(LONG_ANSWERS_MAX)
        .build()
        .map_err(Failure::Start)?;
    let listening = {
        let _inside = runtime.enter();
        listen_when_free(servers, &config)?
    };
    let (stop, stop_servers) = watch::channel(false);
    let stopper = source.stopper();
    let announcing_stopper = announcing.as_ref().map(Announcing::stopper);
    let has_ended = stop_servers.clone();
    thread::scope(|scope| {
        let _end = End { servers: stop, source: stopper, announcing: announcing_stopper };
        let around = || -> Result<(), Failure> {
            let to_core = sender.clone();
            thread::Builder::new()
                .name("source".to_owned())
                .spawn_scoped(scope, move || source.follow(&to_core))
                .map_err(Failure::Start)?;
            let to_core = sender.clone();
            thread::Builder::new()
                .name("servers".to_owned())
                .spawn_scoped(scope, move || {
                    serve_all(&runtime, listening.run(stop_servers.clone()), to_core, stop_servers);
                })
                .map_err(Failure::Start)?;
            if let Some(announcing) = announcing {
                run_announcing(scope, announcing, published.clone(), api_server, &config)?;
            }
            if let Some(dns) = dns {
                run_dns(scope, dns, published, &config, &sender, has_ended.clone())?;
            }
            Ok(())
        };
        let started = around();
        let side = CoreSide { config, events, sender, publisher, recorder };
        started.and_then(|()| core(side))
    })
}

/// With the cluster read beforehand, since the first question may come at once.
fn start_taking_over(config: &Config) -> Result<Option<ClusterDns>, Failure> {
    let Some(settings) = config.dns.as_ref().filter(|settings| settings.take_over) else {
        return Ok(None);
    };
    let first = Source::open(config)?.read_once();
    ClusterDns::start(config, settings, first.as_ref()).map(Some)
}

/// A predecessor that was taken over from takes a moment to leave its addresses.
fn listen_when_free(servers: Servers, config: &Config) -> Result<Listening, Failure> {
    let is_successor = config.dns.as_ref().is_some_and(|dns| dns.take_over);
    let until = host::clock::monotonic() + LEAVE_MOST;
    loop {
        match servers.listen() {
            Err(Failure::AlreadyRuns(_) | Failure::Listen { .. })
                if is_successor && host::clock::monotonic() < until =>
            {
                host::clock::pause(LEAVE_LOOK);
            }
            listening => return listening,
        }
    }
}

/// One thread answers, and another one makes what it must know.
fn run_announcing<'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    announcing: Announcing,
    published: watch::Receiver<Arc<Published>>,
    api_server: Option<::watch::ApiServerStatus>,
    config: &Arc<Config>,
) -> Result<(), Failure> {
    let named = |name: &str| thread::Builder::new().name(name.to_owned());
    let (config, stopper) = (Arc::clone(config), announcing.stopper());
    named("announce-follow")
        .spawn_scoped(scope, move || match Builder::new_current_thread().build() {
            Ok(runtime) => {
                runtime.block_on(Announcing::follow(config, stopper, published, api_server))
            }
            Err(error) => tracing::error!(%error, "the announcement does not follow the cluster"),
        })
        .map_err(Failure::Start)?;
    named("announce").spawn_scoped(scope, move || announcing.run()).map_err(Failure::Start)?;
    Ok(())
}

/// The DNS follows on a thread of its own, and another one waits for a successor.
fn run_dns<'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    dns: ClusterDns,
    published: watch::Receiver<Arc<Published>>,
    config: &Arc<Config>,
    core: &SyncSender<Event>,
    has_ended: Stop,
) -> Result<(), Failure> {
    let named = |name: &str| thread::Builder::new().name(name.to_owned());
    let running = dns.view().running;
    let (config, core) = (Arc::clone(config), core.clone());
    named("dns-follow")
        .spawn_scoped(scope, move || match Builder::new_current_thread().enable_time().build() {
            Ok(runtime) => runtime.block_on(dns.run(published)),
            Err(error) => tracing::error!(%error, "the DNS does not follow the cluster"),
        })
        .map_err(Failure::Start)?;
    named("dns-offer")
        .spawn_scoped(scope, move || {
            if let Some(settings) = &config.dns {
                offer(&running, &settings.handover, &core, || *has_ended.borrow());
            }
        })
        .map_err(Failure::Start)?;
    Ok(())
}

/// Ends everything around the core when the core ends, however it does.
struct End {
    servers: watch::Sender<bool>,
    source: SourceStopper,
    announcing: Option<AnnouncingStopper>,
}

impl Drop for End {
    fn drop(&mut self) {
        // Others take the addresses while all else still works.
        if let Some(announcing) = &self.announcing {
            announcing.stop();
        }
        self.servers.send_replace(true);
        self.source.stop();
    }
}

fn serve_all(
    runtime: &Runtime,
    servers: impl Future<Output = ()>,
    core: SyncSender<Event>,
    stop: Stop,
) {
    runtime.block_on(async {
        tokio::join!(servers, tell_signals(core, stop));
    });
}

/// Asks the core to end, as often as somebody asks us.
async fn tell_signals(core: SyncSender<Event>, mut stop: Stop) {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("cannot listen for signals; the rules stay in place whatever ends it");
        return;
    };
    loop {
        tokio::select! {
            () = stopped(&mut stop) => return,
            _ = terminate.recv() => tracing::info!("ending on SIGTERM; the rules stay in place"),
            _ = interrupt.recv() => tracing::info!("ending on SIGINT; the rules stay in place"),
        }
        // A full queue is worked off by the core; waiting for that must not keep the servers.
        let core = core.clone();
        let told = tokio::task::spawn_blocking(move || core.send(Event::Shutdown)).await;
        if !matches!(told, Ok(Ok(()))) {
            tracing::debug!("the core has ended already");
        }
    }
}
