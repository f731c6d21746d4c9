//! How does a server begin?

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU16;
use std::thread::JoinHandle;
use std::time::Duration;

use dns::forward::{Forwarder, Settings};
use dns::respond::Responder;
use host::handover;
use rustix::rand::{GetRandomFlags, getrandom};
use tokio::sync::mpsc;
use tokio_rustls::rustls::ClientConfig;

use crate::answer::{Answerer, Generation, Policy, Shared};
use crate::failure::Failure;
use crate::failures::FailureLog;
use crate::forwarder::{CONTROLS_MAX, ForwarderThread, Request, system_authorities};
use crate::options::{Listen, Options};
use crate::published::Published;
use crate::running::{Running, Threads};
use crate::sockets::{self, Place, Taken};
use crate::stats::Counters;
use crate::streams::{self, StreamThread};
use crate::worker::{Orders, Worker};

/// How long the former server may take to hand its sockets over.
const TAKE_MOST: Duration = Duration::from_secs(15);

/// Takes over what another server offers, opens what is missing, and answers from then on.
///
/// # Errors
/// When an address cannot be had, or a thread not be started: then nothing runs, but what was taken
/// over is lost.
pub fn start(
    options: Options,
    responder: Arc<Responder>,
    settings: &Settings,
) -> Result<Running, Failure> {
    let offered = match &options.take_over {
        Some(path) => handover::take(path, TAKE_MOST)?,
        None => None,
    };
    let mut taken = Taken::read(offered.unwrap_or_default())?;
    let places = open_all(&options, &mut taken)?;
    let tls = authorities(settings, options.tls.as_ref())?;
    let forwarder = ForwarderThread::first(settings.clone(), seed()?);
    let shared = Arc::new(Shared {
        policy: Published::new(Policy { responder, generation: Generation(0) }),
        cache: Published::new(forwarder.view()),
        failures: FailureLog::new(),
        datagram_size: AtomicU16::new(options.datagram_size),
    });
    let mut beginning = Beginning { shared, counters: Vec::new(), joins: Vec::new() };
    let (requests, to_forward) = mpsc::channel(options.asks_max.max(1));
    let controls = beginning.forward(forwarder, settings, tls.clone(), to_forward)?;
    let streams = beginning.serve_streams(&options, &requests)?;
    let workers = (0..options.workers.max(1))
        .map(|number| beginning.work(number, &requests))
        .collect::<Result<Vec<_>, _>>()?;
    let Beginning { shared, counters, joins } = beginning;
    let threads = Threads { workers, streams, controls, joins };
    let running = Running::new(options, shared, counters, threads, tls);
    running.serve(places);
    running.adopt(taken.streams);
    Ok(running)
}

fn open_all(options: &Options, taken: &mut Taken) -> Result<Vec<Place>, Failure> {
    let mut places: Vec<Place> = Vec::new();
    let mut wanted = options.addresses.clone();
    if options.keeps_taken {
        let others = taken.addresses().into_iter().map(Listen::at);
        wanted.extend(
            others.filter(|it| !options.addresses.iter().any(|at| at.address == it.address)),
        );
    }
    for listen in &wanted {
        let is_ours = |address| places.iter().any(|it| sockets::covers(it.address, address));
        let n_sockets = options.workers.max(1);
        let opened = sockets::open(listen, n_sockets, options.receive_buffer, taken, is_ours)?;
        places.extend(opened);
    }
    Ok(places)
}

/// Whom upstreams' certificates are judged by, where any has one.
pub(crate) fn authorities(
    settings: &Settings,
    given: Option<&Arc<ClientConfig>>,
) -> Result<Option<Arc<ClientConfig>>, Failure> {
    let mut upstreams = settings.groups.iter().flat_map(|group| &group.upstreams);
    match given {
        Some(given) => Ok(Some(Arc::clone(given))),
        None if upstreams.any(|upstream| upstream.tls.is_some()) => system_authorities().map(Some),
        None => Ok(None),
    }
}

fn seed() -> Result<[u8; 32], Failure> {
    let mut seed = [0; 32];
    // So few octets come whole or not at all.
    getrandom(&mut seed[..], GetRandomFlags::empty())
        .map_err(|errno| Failure::Start { what: "the drawing of numbers", source: errno.into() })?;
    Ok(seed)
}

/// What runs already. When something fails, the channels close, and the threads end with them.
struct Beginning {
    shared: Arc<Shared>,
    counters: Vec<Arc<Counters>>,
    joins: Vec<JoinHandle<()>>,
}

impl Beginning {
    fn counters(&mut self) -> Arc<Counters> {
        let counters = Arc::new(Counters::default());
        self.counters.push(Arc::clone(&counters));
        counters
    }

    fn spawn(
        &mut self,
        name: String,
        run: impl FnOnce() -> io::Result<()> + Send + 'static,
    ) -> Result<(), Failure> {
        let what = name.clone();
        let spawned = std::thread::Builder::new().name(name).spawn(move || {
            if let Err(error) = run() {
                tracing::error!(%error, thread = what, "a thread ended");
            }
        });
        let join = spawned.map_err(|source| Failure::Start { what: "a thread", source })?;
        self.joins.push(join);
        Ok(())
    }

    fn forward(
        &mut self,
        forwarder: Forwarder,
        settings: &Settings,
        tls: Option<Arc<ClientConfig>>,
        requests: mpsc::Receiver<Request>,
    ) -> Result<mpsc::Sender<crate::forwarder::Control>, Failure> {
        let (sender, controls) = mpsc::channel(CONTROLS_MAX);
        let thread = ForwarderThread {
            settings: settings.clone(),
            seed: seed()?,
            tls,
            shared: Arc::clone(&self.shared),
            counters: self.counters(),
            requests,
            controls,
        };
        self.spawn("dns-forward".to_owned(), move || thread.run(forwarder))?;
        Ok(sender)
    }

    fn serve_streams(
        &mut self,
        options: &Options,
        requests: &mpsc::Sender<Request>,
    ) -> Result<mpsc::Sender<streams::Order>, Failure> {
        let (sender, orders) = mpsc::channel(streams::ORDERS_MAX);
        let answerer = self.answerer(requests)?;
        let thread = StreamThread { bounds: options.streams, answerer, orders };
        self.spawn("dns-streams".to_owned(), move || thread.run())?;
        Ok(sender)
    }

    fn work(&mut self, number: usize, requests: &mpsc::Sender<Request>) -> Result<Orders, Failure> {
        let failed = |source| Failure::Start { what: "a worker", source };
        let (worker, orders) = Worker::new(self.answerer(requests)?).map_err(failed)?;
        self.spawn(format!("dns-{number}"), move || {
            worker.run();
            Ok(())
        })?;
        Ok(orders)
    }

    fn answerer(&mut self, requests: &mpsc::Sender<Request>) -> Result<Answerer, Failure> {
        let counters = self.counters();
        Ok(Answerer::new(Arc::clone(&self.shared), counters, requests.clone(), seed()?))
    }
}
