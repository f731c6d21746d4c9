//! How does the cluster DNS follow what the core publishes?

mod files;
mod local;
mod programming;
mod shown;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ::watch::PodScope;
use dns::config::{Notice, PodRecords};
use dns::follow::{Configured, Fixed, Follower};
use dns::setup::{Place, plugins};
use host::handover::Offer;
use model::ServiceTable;
use nameserver::{Listen, Options, Running};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

pub(crate) use shown::{DnsState, DnsView};

use crate::config::{Config, NodeDns};
use crate::event::Event;
use crate::failure::Failure;
use crate::published::Published;
use files::Files;
use local::Local;
use programming::Programming;

/// Between two looks at the files of the configuration.
const FILES_PERIOD: Duration = Duration::from_secs(2);

/// How long one look for a successor takes; between two, the end is looked for.
const OFFER_LOOK: Duration = Duration::from_millis(200);

/// The cluster DNS of this process, answering.
pub(crate) struct ClusterDns {
    settings: NodeDns,
    follower: Follower,
    files: Files,
    running: Arc<Running>,
    /// None where the DNS runs alone, or nothing can be answered past the dataplane.
    local: Option<Local>,
    shown: watch::Sender<Arc<DnsState>>,
    /// Those of the node's own addresses where others may ask, with what is wrong there.
    at_node: BTreeMap<IpAddr, Option<String>>,
    /// Where to say which Pods are wanted, if there is anybody to say it to.
    pod_scope: Option<PodScope>,
}

impl ClusterDns {
    /// Answers from now on: from `first`, where that is known; without, names of the cluster are not
    /// denied until they are.
    ///
    /// # Errors
    /// When an address that it was told cannot be had.
    pub(crate) fn start(
        config: &Config,
        settings: &NodeDns,
        first: Option<&ServiceTable>,
    ) -> Result<Self, Failure> {
        let mut follower = Follower::new(fixed(config, settings));
        let mut files = Files::default();
        if let Some(table) = first {
            // The files are not read yet: what the configuration says is told with them.
            drop(follower.advance(table, true, serial()));
        }
        let configured = files.read_all(&mut follower).unwrap_or_else(|| follower.configure());
        let mut options = Options::new(listen(settings.listen.as_deref().unwrap_or_default()));
        options.take_over = settings.take_over.then(|| settings.handover.clone());
        // The predecessor listens where the cluster says, which nobody lists.
        options.keeps_taken = settings.is_local;
        let mut local = settings.is_local.then(Local::default);
        let service = first.and_then(|table| table.services.get(&settings.config.service));
        if let (Some(local), Some(service)) = (&mut local, service) {
            local.precede(&service.cluster_ips);
        }
        let Configured { forward, datagram_size, notices } = configured;
        options.datagram_size = datagram_size;
        let responder = Arc::new(follower.responder().clone());
        let running = nameserver::start(options, responder, &forward).map_err(Failure::dns)?;
        if let Some(local) = &mut local {
            local.check_taken(&running);
        }
        tell(&notices);
        let state = DnsState {
            responder: follower.responder().clone(),
            is_ready: first.is_some(),
            notices: notices.into(),
            local: Vec::new(),
            groups: forward.groups.as_slice().into(),
            node_search: follower.config().host_search.value.clone(),
            problem: None,
            plugins: plugins(follower.config()).into(),
            programming: Programming::default(),
            reload_failures: 0,
        };
        let (shown, _) = watch::channel(Arc::new(state));
        Ok(Self {
            local,
            settings: settings.clone(),
            follower,
            files,
            running: Arc::new(running),
            shown,
            at_node: BTreeMap::new(),
            pod_scope: None,
        })
    }

    /// Says there which Pods the configuration needs, now and whenever it changes.
    pub(crate) fn with_pod_scope(mut self, scope: Option<PodScope>) -> Self {
        self.pod_scope = scope;
        self.select_pods();
        self
    }

    fn select_pods(&self) {
        if let Some(scope) = &self.pod_scope {
            let kubernetes = self.follower.config().kubernetes.as_ref();
            scope.set_all(kubernetes.is_some_and(|it| it.pods.value == PodRecords::Verified));
        }
    }

    /// What it shows to everything around it.
    pub(crate) fn view(&self) -> DnsView {
        DnsView { running: Arc::clone(&self.running), state: self.shown.subscribe() }
    }

    /// Follows until the core ends. Then whoever asks here is sent to others first.
    pub(crate) async fn run(mut self, mut published: watch::Receiver<Arc<Published>>) {
        let mut look = interval(FILES_PERIOD);
        look.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                changed = published.changed() => match changed {
                    Ok(()) => {
                        let newest = Arc::clone(&published.borrow_and_update());
                        self.follow(&newest);
                    }
                    Err(_) => break,
                },
                _ = look.tick() => {
                    let configured = self.files.read_all(&mut self.follower);
                    if configured.is_some() {
                        self.serve(configured);
                    }
                    self.retry_local();
                    self.retry_at_node();
                }
            }
        }
        self.end();
    }

    fn follow(&mut self, published: &Published) {
        let is_ready = published.status.synced;
        let configured = self.follower.advance(&published.table, is_ready, serial());
        self.serve(configured);
        let answered_at = (host::clock::monotonic(), host::clock::wall());
        self.listen_at_node(&published.node.node.primary_addresses);
        let service = published.table.services.get(&self.settings.config.service);
        let problem = self.local.as_mut().and_then(|local| {
            let addresses = service.filter(|_| is_ready).map(|it| it.cluster_ips.as_slice());
            local.follow(addresses.unwrap_or_default(), &self.running)
        });
        let local = self.local.as_ref().map(Local::addresses).unwrap_or_default();
        self.shown.send_modify(|state| {
            let mut newer = DnsState { is_ready, local, problem, ..DnsState::clone(state) };
            let answered = (&published.table, published.status.generation);
            newer.programming.answered(answered, &published.recent, answered_at);
            *state = Arc::new(newer);
        });
    }

    fn retry_local(&mut self) {
        let Some(local) = &mut self.local else { return };
        if let Some(problem) = local.retry(&self.running) {
            let local = local.addresses();
            self.shown.send_modify(|state| {
                *state = Arc::new(DnsState { local, problem, ..DnsState::clone(state) });
            });
        }
    }

    /// Lets the server answer as the follower says now, and by a configuration if it was read anew.
    fn serve(&self, configured: Option<Configured>) {
        let responder = self.follower.responder();
        let mut newer =
            DnsState { responder: responder.clone(), ..DnsState::clone(&self.shown.borrow()) };
        let responder = Arc::new(responder.clone());
        match configured {
            None => self.running.publish(responder),
            Some(Configured { forward, datagram_size, notices }) => {
                self.select_pods();
                tell(&notices);
                newer.groups = forward.groups.as_slice().into();
                newer.notices = notices.into();
                newer.plugins = plugins(self.follower.config()).into();
                newer.node_search.clone_from(&self.follower.config().host_search.value);
                self.running.set_datagram_size(datagram_size);
                if let Err(error) = self.running.reconfigure(Arc::clone(&responder), forward) {
                    tracing::error!(%error, "upstreams stay as they were");
                    newer.reload_failures += 1;
                    self.running.publish(responder);
                }
            }
        }
        self.shown.send_replace(Arc::new(newer));
    }

    /// Where nothing else is said, others ask at the node's own addresses, if nobody else has the port.
    fn listen_at_node(&mut self, addresses: &[IpAddr]) {
        if self.settings.listen.is_some() {
            return;
        }
        for address in addresses {
            self.at_node.entry(*address).or_insert_with(|| Some(String::new()));
        }
        self.retry_at_node();
    }

    /// Whoever has the port may have left it.
    fn retry_at_node(&mut self) {
        for (address, problem) in &mut self.at_node {
            if problem.is_none() {
                continue;
            }
            let place = Listen::at(SocketAddr::new(*address, dns::config::DNS_PORT));
            let newer = self.running.listen(&place).err().map(|error| error.to_string());
            match &newer {
                None => tracing::info!(%address, "answering DNS for others"),
                Some(error) if newer != *problem => {
                    tracing::warn!(%error, %address, "not answering DNS for others there; trying again");
                }
                Some(_) => {}
            }
            *problem = newer;
        }
    }

    fn end(&mut self) {
        if let Some(local) = &mut self.local {
            local.leave();
        }
        let lameduck = self.follower.config().server.lameduck.as_ref();
        self.running.stop(lameduck.map_or(Duration::ZERO, |time| time.value));
    }
}

fn fixed(config: &Config, settings: &NodeDns) -> Fixed {
    let dns = &settings.config;
    let listen = settings.listen.iter().flatten().map(SocketAddr::ip);
    let own = listen.chain(config.node_ips.iter().copied()).filter(|it| !it.is_unspecified());
    Fixed {
        flags: dns.flags.clone(),
        corefile: dns.corefile.clone(),
        hosts: dns.hosts.clone(),
        place: Place {
            clusterset: dns.clusterset.clone(),
            name_server: dns.service.clone(),
            own_addresses: own.collect(),
            zonal: dns.zonal,
        },
        node: settings.has_pods.then(|| config.node_name.clone()),
        environment: environment(),
    }
}

/// The variables of this process, which a Corefile may name. One that is no text is nothing to it.
fn environment() -> BTreeMap<String, String> {
    let text = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}

fn listen(addresses: &[SocketAddr]) -> Vec<Listen> {
    let listen = |address: &SocketAddr| Listen {
        // A host without IPv6 has no such address.
        required: !(address.is_ipv6() && address.ip().is_unspecified()),
        ..Listen::at(*address)
    };
    addresses.iter().map(listen).collect()
}

fn tell(notices: &[Notice]) {
    for notice in notices {
        tracing::warn!("{notice}");
    }
}

/// Seconds since 1970, for secondary servers. The type ends in 2106.
fn serial() -> u32 {
    let since = host::clock::wall().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_secs()).unwrap_or(u32::MAX)
}

/// Waits for a server that takes over, until that or the end. The whole process ends then: what is
/// left of it has nobody to serve.
pub(crate) fn offer(
    running: &Running,
    path: &Path,
    core: &std::sync::mpsc::SyncSender<Event>,
    is_ending: impl Fn() -> bool,
) {
    let offer = match Offer::open(path) {
        Ok(offer) => offer,
        Err(error) => {
            tracing::warn!(%error, "a successor cannot take over without losing questions");
            return;
        }
    };
    while !is_ending() {
        match running.hand_over(&offer, OFFER_LOOK) {
            Ok(false) => {}
            Ok(true) => {
                tracing::info!("a successor answers DNS now; ending");
                if core.send(Event::Shutdown).is_err() {
                    tracing::debug!("the core has ended already");
                }
                return;
            }
            Err(nameserver::Failure::Ended) => break,
            Err(error) => tracing::warn!(%error, "handing over failed; going on"),
        }
    }
    offer.withdraw();
}
