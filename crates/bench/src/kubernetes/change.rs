//! How long is it from the answer to a write until a connection is led by it?

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use host::clock::{monotonic, pause};

use super::objects::replacement;
use super::probe::reached;
use super::proxy::Proxy;
use super::writer::Writer;
use crate::cluster::{Number, fresh_endpoint};

/// A change that takes longer has failed.
const DEADLINE: Duration = Duration::from_secs(120);
/// Between two looks at what is awaited.
pub(crate) const LOOK: Duration = Duration::from_micros(300);

/// How changes come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Series {
    pub(crate) changes: usize,
    /// From one to the next.
    pub(crate) pace: Duration,
}

/// The next Service whose endpoints become others, and the next addresses that nobody has had.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) services: usize,
    pub(crate) endpoints: usize,
    pub(crate) number: usize,
}

impl Turn {
    /// Each Service's turn comes as often as any other's.
    fn next(&mut self) -> Change {
        let service = Number(self.number * 7919 % self.services);
        let first = self.number * self.endpoints;
        let endpoints = (first..first + self.endpoints).map(fresh_endpoint).collect();
        self.number += 1;
        Change { number: self.number, service, endpoints, written: None }
    }
}

/// All endpoints of a Service become others.
#[derive(Debug)]
struct Change {
    number: usize,
    service: Number,
    endpoints: Vec<Ipv4Addr>,
    /// When the API server said so.
    written: Option<Instant>,
}

impl Change {
    /// How long it took, once a connection reaches one of the new endpoints.
    fn look(&self) -> Result<Option<Duration>> {
        let Some(written) = self.written else { return Ok(None) };
        let reached = reached(self.service)?;
        let took = written.elapsed();
        if reached.is_some_and(|it| self.endpoints.contains(&it)) {
            return Ok(Some(took));
        }
        if took > DEADLINE {
            bail!("{} leads nowhere new after {} s", self.service.name(), DEADLINE.as_secs());
        }
        Ok(None)
    }
}

/// Has the changes of a series made, and awaits them: how long each took. The next one comes when its
/// time is there, whether the last was seen or not.
pub(crate) fn make(
    series: Series,
    turn: &mut Turn,
    writer: &Writer<'_>,
    proxy: &Proxy,
) -> Result<Vec<Duration>> {
    let mut times = Vec::with_capacity(series.changes);
    let mut awaited: Vec<Change> = Vec::new();
    let mut left = series.changes;
    let mut next = monotonic();
    while left > 0 || !awaited.is_empty() {
        if left > 0 && monotonic() >= next {
            let change = turn.next();
            writer.order(change.number, replacement(change.service, &change.endpoints))?;
            awaited.push(change);
            left -= 1;
            next += series.pace;
        }
        while let Some((number, written)) = writer.done() {
            let change = awaited.iter_mut().find(|change| change.number == number);
            change.map(|change| change.written.insert(written));
        }
        let mut unseen = Vec::with_capacity(awaited.len());
        for change in awaited {
            match change.look()? {
                Some(took) => times.push(took),
                None => unseen.push(change),
            }
        }
        awaited = unseen;
        proxy.is_alive()?;
        pause(LOOK);
    }
    Ok(times)
}
