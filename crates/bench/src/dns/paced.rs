//! How long does an answer take when the server has time to spare?
//!
//! Questions leave at a fixed rate, whether or not the former ones were answered, so that a server that
//! stops for a moment is seen to by all questions of that moment.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use host::clock::monotonic;
use host::datagram::{BATCH_MAX, Batch, UdpSocket};

use super::answer;
use super::closed::{PATIENCE, Target, client_socket, to, wait};
use super::question::Numbers;
use crate::quantile::Spread;

const SOCKETS: usize = 16;
/// Questions of one socket that are remembered.
const UNDER_WAY_MAX: usize = 4096;
/// After so many questions at once, answers are looked for, however late the next questions are.
const BURST_MAX: u64 = 64;
const MESSAGE_MAX: usize = 4096;

/// What came of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paced {
    /// Of right answers, from the moment the question was given to the kernel.
    pub(crate) time: Spread,
    pub(crate) sent: u64,
    pub(crate) right: u64,
}

struct Client {
    socket: UdpSocket,
    /// By ID, the oldest overwritten.
    under_way: Vec<Option<Asked>>,
    next_id: u16,
}

#[derive(Debug, Clone, Copy)]
struct Asked {
    number: u64,
    id: u16,
    at: Instant,
}

/// Asks so many questions a second for some time, on the calling thread.
pub(crate) fn ask(target: Target<'_>, per_second: f64, time: Duration) -> Result<Paced> {
    let mut numbers = target.numbers(7);
    let mut clients = Vec::new();
    for _ in 0..SOCKETS {
        let under_way = vec![None; UNDER_WAY_MAX];
        clients.push(Client { socket: client_socket()?, under_way, next_id: 0 });
    }
    let (mut times, mut message) = (Vec::new(), Vec::new());
    let mut batch = Batch::new(BATCH_MAX, MESSAGE_MAX, 0);
    let start = monotonic();
    let pause = Duration::from_secs_f64(1.0 / per_second);
    let (mut sent, mut due_at) = (0_u64, start);
    loop {
        let mut now = monotonic();
        let mut burst = 0;
        while due_at <= now && now < start + time && burst < BURST_MAX {
            let at = usize::try_from(sent).unwrap_or(0) % SOCKETS;
            let client = clients.get_mut(at).context("no socket")?;
            client.ask(target, &mut numbers, &mut message)?;
            (sent, burst, due_at) = (sent + 1, burst + 1, due_at + pause);
            now = monotonic();
        }
        let all_answered = usize::try_from(sent).is_ok_and(|sent| times.len() >= sent);
        if now >= start + time + PATIENCE || (now >= start + time && all_answered) {
            let right = u64::try_from(times.len()).unwrap_or(0);
            return Ok(Paced { time: Spread::of(times), sent, right });
        }
        let until = if now < start + time { due_at } else { now + Duration::from_millis(1) };
        let ready = wait(
            clients.iter().map(|client| &client.socket),
            until.saturating_duration_since(now),
        )?;
        for (client, _) in clients.iter_mut().zip(ready).filter(|(_, is_ready)| *is_ready) {
            client.receive(target, &mut batch, &mut times)?;
        }
    }
}

impl Client {
    fn ask(
        &mut self,
        target: Target<'_>,
        numbers: &mut Numbers<'_>,
        message: &mut Vec<u8>,
    ) -> Result<()> {
        let asked = Asked { number: numbers.draw(), id: self.next_id, at: monotonic() };
        self.next_id = self.next_id.wrapping_add(1);
        let place = usize::from(asked.id) % UNDER_WAY_MAX;
        *self.under_way.get_mut(place).context("no place")? = Some(asked);
        target.workload.write(asked.number, asked.id, message);
        self.socket.send(message, &to(target.server)).context("ask")
    }

    fn receive(
        &mut self,
        target: Target<'_>,
        batch: &mut Batch,
        times: &mut Vec<Duration>,
    ) -> Result<()> {
        batch.receive(&self.socket).context("receive answers")?;
        let now = monotonic();
        for (datagram, _) in batch.exchanges() {
            let id = answer::id(datagram.payload);
            let place = id.map_or(UNDER_WAY_MAX, |id| usize::from(id) % UNDER_WAY_MAX);
            let Some(asked) = self
                .under_way
                .get_mut(place)
                .and_then(|place| place.take_if(|asked| Some(asked.id) == id))
            else {
                continue;
            };
            if answer::is_right(datagram.payload, target.workload.expected(asked.number)) {
                times.push(now - asked.at);
            }
        }
        Ok(())
    }
}
