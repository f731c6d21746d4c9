//! How many questions does a name server answer over TCP?
//!
//! Each connection has several questions under way, all of them sent before the first answer is read.

use std::io::{BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, Result};
use host::clock::monotonic;

use super::answer;
use super::closed::{Tally, Target, in_threads};

const CONNECTIONS_PER_PROCESSOR: usize = 4;
const WINDOW: u16 = 8;
/// Answers that do not come for so long end the connection.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks for some time, from so many processors.
pub(crate) fn ask(target: Target<'_>, processors: usize, time: Duration) -> Result<Tally> {
    let end = monotonic() + time;
    in_threads(processors * CONNECTIONS_PER_PROCESSOR, |seed| {
        let mut tally = Tally::default();
        let mut numbers = target.numbers(seed);
        let mut message = Vec::new();
        while monotonic() < end {
            let stream = TcpStream::connect_timeout(&target.server, PATIENCE).context("connect")?;
            stream.set_nodelay(true).context("TCP_NODELAY")?;
            stream.set_read_timeout(Some(PATIENCE)).context("SO_RCVTIMEO")?;
            let mut answers = BufReader::with_capacity(1 << 16, stream);
            loop {
                let numbers: Vec<u64> = (0..WINDOW).map(|_| numbers.draw()).collect();
                let before = tally.right + tally.wrong;
                let is_open = exchange(&mut answers, target, &numbers, &mut message, &mut tally)?;
                if !is_open {
                    tally.lost += u64::from(WINDOW) - (tally.right + tally.wrong - before);
                    break;
                }
                if monotonic() >= end {
                    break;
                }
            }
        }
        Ok(tally)
    })
}

/// Sends as many questions as there are numbers and reads the answers, in any order: whether the
/// server kept the connection open.
fn exchange(
    connection: &mut BufReader<TcpStream>,
    target: Target<'_>,
    numbers: &[u64],
    message: &mut Vec<u8>,
    tally: &mut Tally,
) -> Result<bool> {
    let mut questions = Vec::new();
    for (number, id) in numbers.iter().zip(0..) {
        target.workload.write(*number, id, message);
        questions.extend_from_slice(&u16::try_from(message.len())?.to_be_bytes());
        questions.extend_from_slice(message);
    }
    if connection.get_mut().write_all(&questions).is_err() {
        return Ok(false);
    }
    for _ in numbers {
        let mut length = [0; 2];
        if connection.read_exact(&mut length).is_err() {
            return Ok(false);
        }
        message.resize(usize::from(u16::from_be_bytes(length)), 0);
        if connection.read_exact(message).is_err() {
            return Ok(false);
        }
        let id = answer::id(message).map(usize::from);
        let number = id.and_then(|id| numbers.get(id));
        match number.filter(|it| answer::is_right(message, target.workload.expected(**it))) {
            Some(_) => tally.right += 1,
            None => tally.wrong += 1,
        }
    }
    Ok(true)
}
