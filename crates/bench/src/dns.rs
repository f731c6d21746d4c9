//! How does pogu's DNS do beside other name servers?
//!
//! All of them run at once and are asked in turn, so that whatever else the machine does meets all. Who
//! asks runs on the same processors.

mod answer;
mod api_server;
mod closed;
mod paced;
mod probe;
mod programming;
mod question;
mod records;
mod server;
mod stream;
mod table;
#[cfg(test)]
mod tests;
mod upstream;

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use host::clock::monotonic;
use host::netns::Netns;
use serde::Serialize;

use crate::quantile::Rounds;
use crate::usage::{processor_time_of, proportional_of, resident_of};
use closed::Target;
use programming::Programmed;
use question::Workload;
use records::Objects;
use server::{Cluster, Server};

pub(crate) use server::Software;
pub(crate) use table::text;

/// The addresses of Services and of the headless one do not meet up to here.
const SERVICES_MAX: usize = 20_000;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Services, each with a ClusterIP of each family
    #[arg(long, default_value_t = 5000)]
    services: usize,
    /// Endpoints of each, of each family
    #[arg(long, default_value_t = 10)]
    endpoints: usize,
    /// Measurements of each kind, taken in turn
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How long each takes
    #[arg(long, default_value_t = 0.8)]
    seconds: f64,
    /// 5 rounds of 3 seconds
    #[arg(long, conflicts_with_all = ["rounds", "seconds"])]
    long: bool,
    /// Which name servers; CoreDNS is among them by itself where its program is known
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Software::Pogu, Software::Unbound])]
    servers: Vec<Software>,
    /// What is asked; everything where nothing is said
    #[arg(long, value_enum, value_delimiter = ',')]
    workloads: Vec<Workload>,
    /// CoreDNS's program
    #[arg(long, env = "COREDNS")]
    coredns: Option<PathBuf>,
    #[arg(short, long, value_enum, default_value_t = crate::Output::Text)]
    pub(crate) output: crate::Output,
}

/// Of one run.
#[derive(Debug, Serialize)]
pub(crate) struct Results {
    services: usize,
    endpoints: usize,
    processors: usize,
    rounds: usize,
    seconds: f64,
    servers: Vec<Kept>,
    workloads: Vec<Compared>,
    /// From an event to answers by it; absent where pogu is not among the servers.
    programmed: Option<Programmed>,
}

/// What a name server keeps, whatever it is asked.
#[derive(Debug, Serialize)]
struct Kept {
    software: Software,
    ready_s: f64,
    resident_at_start_bytes: u64,
    resident_bytes: u64,
    proportional_bytes: u64,
}

/// One workload, the servers in the order of [`Results::servers`].
#[derive(Debug, Serialize)]
struct Compared {
    workload: Workload,
    /// Half of what the slowest answered in the first round; 0 when no rate was kept.
    paced_per_second: f64,
    servers: Vec<Measured>,
}

#[derive(Debug, Serialize)]
struct Measured {
    /// In one answer over UDP: of those that do not fit, servers leave out some or all.
    records: u16,
    per_second: Rounds,
    /// Seconds of the server for a million answers, when it always had some to do.
    processor_s: Rounds,
    /// Of those who asked.
    asking_processor_s: Rounds,
    wrong: u64,
    lost: u64,
    /// The rest is at the fixed rate: microseconds.
    p50_us: Rounds,
    p99_us: Rounds,
    paced_processor_s: Rounds,
    /// Questions without a right answer, and all.
    paced_failed: u64,
    paced_sent: u64,
}

pub(crate) fn run(options: &Options) -> Result<Results> {
    ensure!((1..=SERVICES_MAX).contains(&options.services), "Services: 1 to {SERVICES_MAX}");
    ensure!((1..=100).contains(&options.rounds), "rounds: 1 to 100");
    ensure!((0.1..=60.0).contains(&options.seconds), "seconds: 0.1 to 60");
    let directory = std::env::temp_dir().join(format!("pogu-bench-dns-{}", std::process::id()));
    fs::create_dir(&directory).with_context(|| directory.display().to_string())?;
    let objects = Objects::new(options.services, options.endpoints);
    let outcome = Netns::unshared()?.run(|| with_surroundings(options, &objects, &directory));
    fs::remove_dir_all(&directory).with_context(|| directory.display().to_string())?;
    outcome?
}

/// Measures with what the name servers ask.
fn with_surroundings(options: &Options, objects: &Objects, directory: &Path) -> Result<Results> {
    let socket = upstream::open(server::UPSTREAM)?;
    let listener = TcpListener::bind(server::API_SERVER).context("API server")?;
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let upstream = scope.spawn(|| upstream::serve(&socket, &stop));
        let api_server = scope.spawn(|| api_server::serve(&listener, objects, &stop));
        let results = measure(options, objects, directory);
        stop.store(true, Ordering::Relaxed);
        upstream.join().map_err(|_panic| anyhow!("the upstream panicked"))??;
        api_server.join().map_err(|_panic| anyhow!("the API server panicked"))??;
        results
    })
}

/// What is the same for all measurements.
struct Bench {
    processors: usize,
    services: usize,
    time: Duration,
    fresh: AtomicU64,
    servers: Vec<Server>,
}

fn measure(options: &Options, objects: &Objects, directory: &Path) -> Result<Results> {
    let (rounds, seconds) = if options.long { (5, 3.0) } else { (options.rounds, options.seconds) };
    let mut bench = Bench {
        processors: thread::available_parallelism()?.get(),
        services: options.services,
        time: Duration::from_secs_f64(seconds),
        fresh: AtomicU64::new(0),
        servers: Vec::new(),
    };
    let cluster = Cluster {
        services: options.services,
        objects,
        processors: bench.processors,
        coredns: options.coredns.as_deref(),
        directory,
    };
    let mut softwares = options.servers.clone();
    if options.coredns.is_some() && !softwares.contains(&Software::CoreDns) {
        softwares.push(Software::CoreDns);
    }
    let mut at_start = Vec::new();
    for software in softwares {
        let target = bench.target(software.address(), Workload::Service);
        let server = Server::start(software, cluster, target)?;
        at_start.push(resident_of(server.pid(), "VmRSS")?);
        bench.servers.push(server);
    }
    let all = Workload::ALL.as_slice();
    let workloads = if options.workloads.is_empty() { all } else { &options.workloads };
    let mut compared: Vec<Samples> =
        workloads.iter().map(|workload| Samples::new(*workload, bench.servers.len())).collect();
    for round in 0..rounds {
        for samples in &mut compared {
            bench.round(round, samples)?;
        }
    }
    let kept = bench.kept(&at_start)?;
    let has_pogu = bench.servers.iter().any(|it| it.software == Software::Pogu);
    let folder = server::manifests(directory);
    let programmed = has_pogu.then(|| programming::measure(&folder, server::METRICS));
    Ok(Results {
        services: options.services,
        endpoints: options.endpoints,
        processors: bench.processors,
        rounds,
        seconds,
        servers: kept,
        workloads: compared.into_iter().map(Samples::finish).collect(),
        programmed: programmed.transpose()?,
    })
}

/// Of one workload, before medians are taken.
struct Samples {
    workload: Workload,
    paced_per_second: f64,
    servers: Vec<ServerSamples>,
}

#[derive(Default)]
struct ServerSamples {
    records: u16,
    per_second: Vec<f64>,
    processor_s: Vec<f64>,
    asking_processor_s: Vec<f64>,
    wrong: u64,
    lost: u64,
    p50_us: Vec<f64>,
    p99_us: Vec<f64>,
    paced_processor_s: Vec<f64>,
    paced_failed: u64,
    paced_sent: u64,
}

impl Bench {
    const fn target(&self, server: SocketAddr, workload: Workload) -> Target<'_> {
        Target { server, workload, services: self.services, fresh: &self.fresh }
    }

    /// Every server once as fast as it can and once at the fixed rate; another one begins in each
    /// round.
    fn round(&self, round: usize, samples: &mut Samples) -> Result<()> {
        let order = |n: usize| (0..n).map(move |i| (i + round) % n);
        for i in order(self.servers.len()) {
            self.closed(i, samples)?;
        }
        if samples.workload.is_tcp() {
            return Ok(());
        }
        if round == 0 {
            let first = samples.servers.iter().filter_map(|it| it.per_second.first());
            samples.paced_per_second = (first.fold(f64::INFINITY, |a, b| a.min(*b)) / 2.0).max(1.0);
        }
        for i in order(self.servers.len()) {
            self.paced(i, samples)?;
        }
        Ok(())
    }

    fn closed(&self, i: usize, samples: &mut Samples) -> Result<()> {
        let (server, target) = self.prepared(i, samples.workload)?;
        let before = processor_time_of(server.pid())?;
        let start = monotonic();
        let tally = if samples.workload.is_tcp() {
            stream::ask(target, self.processors, self.time)?
        } else {
            closed::ask(target, self.processors, self.time)?
        };
        let took = start.elapsed();
        let spent = processor_time_of(server.pid())?.saturating_sub(before);
        let samples = samples.servers.get_mut(i).context("no such server")?;
        samples.per_second.push(count(tally.right) / took.as_secs_f64());
        samples.processor_s.push(per_million(spent, tally.right));
        samples.asking_processor_s.push(per_million(tally.processor_time, tally.right));
        samples.wrong += tally.wrong;
        samples.lost += tally.lost;
        Ok(())
    }

    fn paced(&self, i: usize, samples: &mut Samples) -> Result<()> {
        let (server, target) = self.prepared(i, samples.workload)?;
        let before = processor_time_of(server.pid())?;
        let paced = paced::ask(target, samples.paced_per_second, self.time)?;
        let spent = processor_time_of(server.pid())?.saturating_sub(before);
        let records = probe::records(target, 0)?;
        let samples = samples.servers.get_mut(i).context("no such server")?;
        samples.records = records.unwrap_or(samples.records);
        samples.p50_us.push(paced.time.p50_us);
        samples.p99_us.push(paced.time.p99_us);
        samples.paced_processor_s.push(per_million(spent, paced.right));
        samples.paced_failed += paced.sent - paced.right;
        samples.paced_sent += paced.sent;
        Ok(())
    }

    fn prepared(&self, i: usize, workload: Workload) -> Result<(&Server, Target<'_>)> {
        let server = self.servers.get(i).context("no such server")?;
        let target = self.target(server.software.address(), workload);
        if workload == Workload::Cached {
            probe::warm(target)?;
        }
        Ok((server, target))
    }

    fn kept(&self, at_start: &[u64]) -> Result<Vec<Kept>> {
        let of = |(server, at_start): (&Server, &u64)| {
            Ok(Kept {
                software: server.software,
                ready_s: server.ready_s,
                resident_at_start_bytes: *at_start,
                resident_bytes: resident_of(server.pid(), "VmRSS")?,
                proportional_bytes: proportional_of(server.pid())?,
            })
        };
        self.servers.iter().zip(at_start).map(of).collect()
    }
}

impl Samples {
    fn new(workload: Workload, servers: usize) -> Self {
        let servers = (0..servers).map(|_| ServerSamples::default()).collect();
        Self { workload, paced_per_second: 0.0, servers }
    }

    fn finish(self) -> Compared {
        let of = |it: ServerSamples| Measured {
            records: it.records,
            per_second: Rounds::of(it.per_second),
            processor_s: Rounds::of(it.processor_s),
            asking_processor_s: Rounds::of(it.asking_processor_s),
            wrong: it.wrong,
            lost: it.lost,
            p50_us: Rounds::of(it.p50_us),
            p99_us: Rounds::of(it.p99_us),
            paced_processor_s: Rounds::of(it.paced_processor_s),
            paced_failed: it.paced_failed,
            paced_sent: it.paced_sent,
        };
        Compared {
            workload: self.workload,
            paced_per_second: self.paced_per_second,
            servers: self.servers.into_iter().map(of).collect(),
        }
    }
}

/// Seconds for a million: as many as microseconds for one.
fn per_million(spent: Duration, answers: u64) -> f64 {
    spent.as_secs_f64() * 1e6 / count(answers).max(1.0)
}

fn count(n: u64) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}
