//! How many questions does a name server answer when it always has some to do?
//!
//! A fixed number of questions is under way; each answer is followed by the next question. As many
//! threads as the machine has processors, each with several sockets, so that a server with a socket
//! for each of its threads has work for all of them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::AddAssign;
use std::sync::atomic::AtomicU64;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use host::bind::BindOptions;
use host::clock::monotonic;
use host::datagram::{Batch, Ends, UdpSocket};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::answer;
use super::question::{Numbers, Workload};
use crate::usage::processor_time_of_thread;

pub(crate) const SOCKETS_PER_THREAD: usize = 8;
/// Questions under way on one socket. All together are fewer than one server's socket has room for.
pub(crate) const WINDOW: usize = 8;
/// What is not answered for so long is lost.
pub(crate) const PATIENCE: Duration = Duration::from_millis(500);
const MESSAGE_MAX: usize = 4096;

/// Which server is asked what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) server: SocketAddr,
    pub(crate) workload: Workload,
    pub(crate) services: usize,
    /// See [`Numbers`].
    pub(crate) fresh: &'a AtomicU64,
}

impl<'a> Target<'a> {
    pub(crate) fn numbers(&self, seed: u64) -> Numbers<'a> {
        Numbers::new(self.workload, self.services, self.fresh, seed)
    }
}

/// What came of the questions.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) right: u64,
    pub(crate) wrong: u64,
    pub(crate) lost: u64,
    /// Of those who asked.
    pub(crate) processor_time: Duration,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.right += other.right;
        self.wrong += other.wrong;
        self.lost += other.lost;
        self.processor_time += other.processor_time;
    }
}

/// Asks for some time, on so many threads.
pub(crate) fn ask(target: Target<'_>, threads: usize, time: Duration) -> Result<Tally> {
    in_threads(threads, |seed| ask_on_thread(target, seed, monotonic() + time))
}

/// Does the same on several threads, numbered from 1, and adds up.
pub(crate) fn in_threads(
    threads: usize,
    work: impl Fn(u64) -> Result<Tally> + Sync,
) -> Result<Tally> {
    thread::scope(|scope| {
        let work = &work;
        let started: Vec<_> = (1..)
            .take(threads)
            .map(|seed| {
                scope.spawn(move || {
                    let before = processor_time_of_thread();
                    let mut tally = work(seed)?;
                    tally.processor_time = processor_time_of_thread().saturating_sub(before);
                    anyhow::Ok(tally)
                })
            })
            .collect();
        let mut sum = Tally::default();
        for thread in started {
            sum += thread.join().map_err(|_panic| anyhow!("a thread that asks panicked"))??;
        }
        Ok(sum)
    })
}

/// A question under way.
#[derive(Debug, Clone, Copy)]
struct Asked {
    number: u64,
    id: u16,
    at: Instant,
}

struct Client<'a> {
    target: Target<'a>,
    numbers: Numbers<'a>,
    socket: UdpSocket,
    window: Vec<Asked>,
    message: Vec<u8>,
}

fn ask_on_thread(target: Target<'_>, seed: u64, end: Instant) -> Result<Tally> {
    let mut clients = Vec::new();
    for seed in (seed * 1000..).take(SOCKETS_PER_THREAD) {
        let numbers = target.numbers(seed);
        let (socket, window, message) = (client_socket()?, Vec::new(), Vec::new());
        let mut client = Client { target, numbers, socket, window, message };
        client.fill(monotonic())?;
        clients.push(client);
    }
    let mut tally = Tally::default();
    let mut batch = Batch::new(WINDOW, MESSAGE_MAX, MESSAGE_MAX);
    let mut next_search = monotonic() + PATIENCE;
    loop {
        let ready = wait(clients.iter().map(|client| &client.socket), Duration::from_millis(50))?;
        let now = monotonic();
        for (client, _) in clients.iter_mut().zip(ready).filter(|(_, is_ready)| *is_ready) {
            client.exchange(&mut batch, now, &mut tally)?;
        }
        if now >= next_search {
            next_search = now + PATIENCE;
            for client in &mut clients {
                tally.lost += client.ask_again(now)?;
            }
        }
        if now >= end {
            return Ok(tally);
        }
    }
}

/// Which of the sockets have something, waiting for the first of them.
pub(crate) fn wait<'a>(
    sockets: impl Iterator<Item = &'a UdpSocket>,
    time: Duration,
) -> Result<Vec<bool>> {
    let mut polled: Vec<PollFd<'_>> =
        sockets.map(|socket| PollFd::new(socket, PollFlags::IN)).collect();
    let time = Timespec::try_from(time).context("a time to wait")?;
    poll(&mut polled, Some(&time)).context("wait for answers")?;
    Ok(polled.iter().map(|polled| !polled.revents().is_empty()).collect())
}

pub(crate) fn client_socket() -> Result<UdpSocket> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Ok(UdpSocket::bind(&BindOptions::at(address))?)
}

/// To a server, from whichever address the kernel chooses.
pub(crate) const fn to(server: SocketAddr) -> Ends {
    Ends { remote: server, local: IpAddr::V4(Ipv4Addr::UNSPECIFIED), link: 0 }
}

impl Client<'_> {
    fn fill(&mut self, now: Instant) -> Result<()> {
        for id in (0..).take(WINDOW) {
            let asked = Asked { number: self.numbers.draw(), id, at: now };
            self.window.push(asked);
            self.send(asked)?;
        }
        Ok(())
    }

    fn send(&mut self, asked: Asked) -> Result<()> {
        self.target.workload.write(asked.number, asked.id, &mut self.message);
        self.socket.send(&self.message, &to(self.target.server)).context("ask")
    }

    /// Takes the answers that are there, and puts a question in the place of each.
    fn exchange(&mut self, batch: &mut Batch, now: Instant, tally: &mut Tally) -> Result<()> {
        batch.receive(&self.socket).context("receive answers")?;
        let workload = self.target.workload;
        for (datagram, mut reply) in batch.exchanges() {
            let id = answer::id(datagram.payload);
            let place = id.map_or(WINDOW, |id| usize::from(id) % WINDOW);
            let Some(asked) = self.window.get_mut(place).filter(|it| Some(it.id) == id) else {
                // Of a question that was given up.
                continue;
            };
            if answer::is_right(datagram.payload, workload.expected(asked.number)) {
                tally.right += 1;
            } else {
                tally.wrong += 1;
            }
            *asked = Asked { number: self.numbers.draw(), id: asked.following_id(), at: now };
            workload.write(asked.number, asked.id, &mut self.message);
            if let Some(room) = reply.buffer().get_mut(..self.message.len()) {
                room.copy_from_slice(&self.message);
                reply.complete(self.message.len());
            }
        }
        batch.send(&self.socket);
        Ok(())
    }

    /// Gives up what was not answered in time, and asks something else in its place: how many.
    fn ask_again(&mut self, now: Instant) -> Result<u64> {
        let mut lost = 0;
        for place in 0..self.window.len() {
            let late = self.window.get_mut(place).filter(|it| now - it.at >= PATIENCE);
            let Some(asked) = late else { continue };
            *asked = Asked { number: self.numbers.draw(), id: asked.following_id(), at: now };
            let asked = *asked;
            lost += 1;
            self.send(asked)?;
        }
        Ok(lost)
    }
}

impl Asked {
    /// For the next question in the same place of the window: the place is the rest of the ID.
    fn following_id(self) -> u16 {
        self.id.wrapping_add(u16::try_from(WINDOW).unwrap_or(1))
    }
}
