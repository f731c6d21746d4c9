//! What does one program do from its start on, with nothing else beside it?

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use host::clock::{monotonic, pause};

use super::change::{self, LOOK, Series, Turn};
use super::control_plane::ControlPlane;
use super::objects::unrelated;
use super::probe::{Endpoints, reached};
use super::proxy::{Proxy, Software};
use super::site::{Node, bytes_received};
use super::writer::Writer;
use crate::cluster::Number;
use crate::usage::{processor_time_of, reset_resident_max, resident_of};

/// A start that takes longer has failed.
const START_DEADLINE: Duration = Duration::from_secs(900);
/// So has a list that takes longer, with the return of the API server before it.
const LIST_DEADLINE: Duration = Duration::from_secs(120);
/// Services that a start is watched by; all are asked at its end.
const SAMPLE: usize = 64;
/// After a start, until what it left to be done is done.
const SETTLE: Duration = Duration::from_secs(5);

/// What the API server and a node have, for one round.
#[derive(Debug)]
pub(crate) struct Stage<'a, 'scope> {
    pub(crate) control_plane: &'a ControlPlane,
    pub(crate) node: &'a Node,
    pub(crate) writer: &'a mut Writer<'scope>,
    pub(crate) kubeconfig: &'a Path,
    pub(crate) folder: &'a Path,
    pub(crate) services: usize,
}

#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) cold_start: Duration,
    pub(crate) cold_start_processor: Duration,
    pub(crate) cold_start_requests: usize,
    pub(crate) resident_bytes: u64,
    pub(crate) resident_max_bytes: u64,
    /// At most, while all objects are listed anew.
    pub(crate) resident_anew_bytes: u64,
    /// In the order of the series asked for.
    pub(crate) series: Vec<Changed>,
}

/// What the changes of a series took.
#[derive(Debug)]
pub(crate) struct Changed {
    /// From the answer to the write to a connection that reached one of the new endpoints.
    pub(crate) times: Vec<Duration>,
    pub(crate) processor: Duration,
    pub(crate) bytes: u64,
    pub(crate) requests: usize,
}

impl Stage<'_, '_> {
    /// From start to end, and nothing stays of it.
    pub(crate) fn round(
        self,
        software: Software,
        series: &[Series],
        turn: &mut Turn,
    ) -> Result<Round> {
        let stop = AtomicBool::new(false);
        let node = self.node;
        let measured = node.netns.run(move || {
            let endpoints = Endpoints::open()?;
            std::thread::scope(|scope| {
                let answering = scope.spawn(|| endpoints.answer(&stop));
                let measured = self.measure(software, series, turn);
                stop.store(true, Ordering::Relaxed);
                answering.join().ok().context("the endpoints broke")??;
                measured
            })
        })?;
        node.forget()?;
        measured
    }

    fn measure(&self, software: Software, series: &[Series], turn: &mut Turn) -> Result<Round> {
        let user = software.title();
        let (mark, bytes) = (self.control_plane.mark()?, bytes_received()?);
        let start = monotonic();
        let proxy = Proxy::start(software, self.node, self.kubeconfig, self.folder)?;
        let cold_start = self.await_all(&proxy, start)?;
        let cold_start_processor = processor_time_of(proxy.pid())?;
        pause(SETTLE);
        let bytes_of_all = bytes_received()?.saturating_sub(bytes);
        let mut round = Round {
            cold_start,
            cold_start_processor,
            cold_start_requests: total(&self.control_plane.requests(user, mark)?),
            resident_bytes: 0,
            resident_max_bytes: 0,
            resident_anew_bytes: 0,
            series: Vec::new(),
        };
        for one in series {
            let (mark, bytes) = (self.control_plane.mark()?, bytes_received()?);
            let processor = processor_time_of(proxy.pid())?;
            let times = change::make(*one, turn, self.writer, &proxy)?;
            // The last change may still be at work.
            pause(one.pace.min(SETTLE));
            round.series.push(Changed {
                times,
                processor: processor_time_of(proxy.pid())?.saturating_sub(processor),
                bytes: bytes_received()?.saturating_sub(bytes),
                requests: total(&self.control_plane.requests(user, mark)?),
            });
        }
        round.resident_bytes = resident_of(proxy.pid(), "VmRSS")?;
        round.resident_max_bytes = resident_of(proxy.pid(), "VmHWM")?;
        self.list_anew(&proxy, bytes_of_all)?;
        round.resident_anew_bytes = resident_of(proxy.pid(), "VmHWM")?;
        Ok(round)
    }

    /// Makes the API server forget what the program has heard of last, and waits until that has read all
    /// again.
    fn list_anew(&self, proxy: &Proxy, bytes_of_all: u64) -> Result<()> {
        reset_resident_max(proxy.pid())?;
        let (bytes, start) = (bytes_received()?, monotonic());
        // The past begins behind the last version that the program has heard of.
        self.writer.order(0, unrelated(&proxy.pid().to_string()))?;
        self.writer.await_done()?;
        self.control_plane.forget_the_past()?;
        while bytes_received()?.saturating_sub(bytes) < bytes_of_all / 10 * 9 {
            proxy.is_alive()?;
            if start.elapsed() > LIST_DEADLINE {
                bail!("nothing was listed anew in {} s", LIST_DEADLINE.as_secs());
            }
            pause(SETTLE / 100);
        }
        pause(SETTLE);
        Ok(())
    }

    /// Waits until each Service leads to an endpoint: how long it took.
    fn await_all(&self, proxy: &Proxy, start: Instant) -> Result<Duration> {
        let step = self.services.div_ceil(SAMPLE).max(1);
        let sample = (0..self.services).step_by(step).chain(self.services.checked_sub(1));
        let mut took = Duration::ZERO;
        for number in sample.chain(0..self.services) {
            let was_there = reached(Number(number))?.is_some();
            while !was_there && reached(Number(number))?.is_none() {
                proxy.is_alive()?;
                if start.elapsed() > START_DEADLINE {
                    bail!("service-{number} leads nowhere after {} s", START_DEADLINE.as_secs());
                }
                pause(LOOK);
            }
            // Asking those that are there takes time that is not the program's.
            if !was_there || took.is_zero() {
                took = start.elapsed();
            }
        }
        Ok(took)
    }
}

fn total(requests: &BTreeMap<String, usize>) -> usize {
    requests.values().sum()
}
