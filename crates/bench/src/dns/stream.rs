//! How many questions does a name server answer over TCP?
//!
//! Each connection has a fixed number of questions under way. The next ones leave whenever all answers
//! that came were read, and so with the acknowledgement of these: a server that waits for it before it
//! sends more is not slowed down by us.

use std::io::{self, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use host::clock::monotonic;

use super::answer;
use super::closed::{Tally, Target, in_threads};
use super::question::Numbers;

const CONNECTIONS_PER_PROCESSOR: usize = 4;
const WINDOW: usize = 8;
/// Answers that do not come for so long end the connection.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks for some time, from so many processors.
pub(crate) fn ask(target: Target<'_>, processors: usize, time: Duration) -> Result<Tally> {
    let end = monotonic() + time;
    in_threads(processors * CONNECTIONS_PER_PROCESSOR, |seed| {
        let mut tally = Tally::default();
        let mut numbers = target.numbers(seed);
        while monotonic() < end {
            let mut connection = Connection::open(target)?;
            for id in (0..).take(WINDOW) {
                connection.add(id, numbers.draw());
            }
            // What was under way when the server closed the connection has no answer.
            if connection.exchange(&mut numbers, end, &mut tally).is_err() {
                tally.lost += u64::try_from(WINDOW).unwrap_or(0);
            }
        }
        Ok(tally)
    })
}

struct Connection<'a> {
    target: Target<'a>,
    answers: BufReader<TcpStream>,
    /// The number of the question under way with the ID that is its place.
    numbers: [u64; WINDOW],
    /// Not sent yet.
    questions: Vec<u8>,
    message: Vec<u8>,
}

impl<'a> Connection<'a> {
    fn open(target: Target<'a>) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&target.server, PATIENCE).context("connect")?;
        stream.set_nodelay(true).context("TCP_NODELAY")?;
        stream.set_read_timeout(Some(PATIENCE)).context("SO_RCVTIMEO")?;
        Ok(Self {
            target,
            answers: BufReader::with_capacity(1 << 16, stream),
            numbers: [0; WINDOW],
            questions: Vec::new(),
            message: Vec::new(),
        })
    }

    /// Notes a question to be sent.
    fn add(&mut self, id: u16, number: u64) {
        if let Some(place) = self.numbers.get_mut(usize::from(id)) {
            *place = number;
        }
        self.target.workload.write(number, id, &mut self.message);
        let length = u16::try_from(self.message.len()).unwrap_or(u16::MAX);
        self.questions.extend_from_slice(&length.to_be_bytes());
        self.questions.extend_from_slice(&self.message);
    }

    /// Asks on, until the time is over or the connection is.
    fn exchange(
        &mut self,
        numbers: &mut Numbers<'_>,
        end: Instant,
        tally: &mut Tally,
    ) -> io::Result<()> {
        while monotonic() < end {
            if self.answers.buffer().is_empty() {
                self.answers.get_mut().write_all(&self.questions)?;
                self.questions.clear();
            }
            let mut length = [0; 2];
            self.answers.read_exact(&mut length)?;
            self.message.resize(usize::from(u16::from_be_bytes(length)), 0);
            self.answers.read_exact(&mut self.message)?;
            let id = answer::id(&self.message).filter(|id| usize::from(*id) < WINDOW);
            let asked = id.and_then(|id| self.numbers.get(usize::from(id)));
            let expected = asked.map(|number| self.target.workload.expected(*number));
            if expected.is_some_and(|expected| answer::is_right(&self.message, expected)) {
                tally.right += 1;
            } else {
                tally.wrong += 1;
            }
            let Some(id) = id else { return Err(io::ErrorKind::InvalidData.into()) };
            self.add(id, numbers.draw());
        }
        Ok(())
    }
}
