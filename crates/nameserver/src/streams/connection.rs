//! How is one stream served?

use std::io;
use std::net::{IpAddr, TcpStream};
use std::time::Instant;

use dns::respond::Client;
use dns::wire::ReplySize;
use host::clock::monotonic;
use tokio::io::Interest;
use tokio::sync::{mpsc, watch};

use crate::answer::{Answer, Way};

use super::places::Held;
use super::{Desk, Phase};

/// Octets of answers that a client has not taken, above which its questions are not read.
const OUTPUT_MAX: usize = 64 << 10;

/// What keeps a stream from being closed for being slow: the upstreams have at most this long, and
/// answer in the end whatever happens.
const ANSWER_MOST: std::time::Duration = std::time::Duration::from_secs(60);

/// Where the forwarder puts answers, and where they are taken.
type LateAnswers = (mpsc::Sender<Vec<u8>>, mpsc::Receiver<Vec<u8>>);

pub(super) struct Connection {
    stream: tokio::net::TcpStream,
    client: Client,
    held: Held,
    /// Read and not answered; without memory when empty.
    input: Vec<u8>,
    /// Answered and not sent; without memory when empty.
    output: Vec<u8>,
    /// Made when the first one is to come later.
    answers: Option<LateAnswers>,
    in_flight: usize,
    is_input_over: bool,
    /// When it last got on with what it is doing.
    progress: Instant,
}

/// Why a stream is not served any more.
enum End {
    Done,
    Stalled,
    /// All of its questions are answered, and somebody else is to serve it.
    Yielded(mpsc::Sender<TcpStream>),
}

/// What a stream waits for.
struct Wait {
    interest: Option<Interest>,
    answers: bool,
    until: Instant,
    is_idle: bool,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, client: IpAddr, held: Held) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: tokio::net::TcpStream::from_std(stream)?,
            client: Client { address: client, size: ReplySize::Stream },
            held,
            input: Vec::new(),
            output: Vec::new(),
            answers: None,
            in_flight: 0,
            is_input_over: false,
            progress: monotonic(),
        })
    }

    pub(super) async fn serve(mut self, mut phase: watch::Receiver<Phase>) {
        let end = loop {
            let now = phase.borrow_and_update().clone();
            if let Some(end) = self.end(now) {
                break end;
            }
            match self.step(&mut phase).await {
                Ok(None) => {}
                Ok(Some(end)) => break end,
                Err(error) => {
                    tracing::debug!(%error, client = %self.client.address, "a stream broke");
                    break End::Done;
                }
            }
        };
        match end {
            End::Done => {}
            End::Stalled => {
                self.held.hall.desk.borrow().answerer.counters.connections_stalled.add(1);
            }
            End::Yielded(to) => {
                if let Ok(stream) = self.stream.into_std() {
                    // There is room for all streams.
                    drop(to.try_send(stream));
                }
            }
        }
    }

    fn is_quiet(&self) -> bool {
        self.in_flight == 0 && self.output.is_empty()
    }

    fn end(&self, phase: Phase) -> Option<End> {
        match phase {
            _ if !self.is_quiet() => None,
            _ if self.is_input_over => Some(End::Done),
            Phase::Serve => None,
            Phase::Yield(to) => self.input.is_empty().then_some(End::Yielded(to)),
            Phase::End => self.input.is_empty().then_some(End::Done),
        }
    }

    /// Waits for something and does what it leads to.
    async fn step(&mut self, phase: &mut watch::Receiver<Phase>) -> io::Result<Option<End>> {
        let serves = matches!(&*phase.borrow(), Phase::Serve);
        let wait = self.wait(serves);
        let mut answer = None;
        let ready = {
            let Self { stream, answers, .. } = &mut *self;
            let no_interest = Interest::READABLE;
            tokio::select! {
                ready = stream.ready(wait.interest.unwrap_or(no_interest)),
                    if wait.interest.is_some() => Some(ready?),
                Some(one) = next(answers), if wait.answers => { answer = Some(one); None }
                () = tokio::time::sleep_until(wait.until.into()) => {
                    return Ok(Some(if wait.is_idle { End::Done } else { End::Stalled }));
                }
                changed = phase.changed() => {
                    return Ok(changed.is_err().then_some(End::Done));
                }
            }
        };
        if let Some(answer) = answer {
            self.in_flight -= 1;
            self.push(&answer);
            self.progress = monotonic();
        }
        if ready.is_some_and(|ready| ready.is_readable()) && self.reads() {
            self.read(serves)?;
        }
        loop {
            let waits = self.take_input();
            self.write()?;
            if !waits || !self.takes_questions(self.held.hall.bounds.in_flight_max) {
                return Ok(None);
            }
        }
    }

    /// Whether more questions are taken.
    const fn takes_questions(&self, in_flight_max: usize) -> bool {
        self.in_flight < in_flight_max && self.output.len() < OUTPUT_MAX
    }

    fn reads(&self) -> bool {
        !self.is_input_over && self.takes_questions(self.held.hall.bounds.in_flight_max)
    }

    fn wait(&self, serves: bool) -> Wait {
        let bounds = &self.held.hall.bounds;
        // Somebody else is to read what follows, if there is no part of a message yet.
        let reads = self.reads() && (serves || !self.input.is_empty());
        let interest = match (reads, self.output.is_empty()) {
            (true, true) => Some(Interest::READABLE),
            (true, false) => Some(Interest::READABLE | Interest::WRITABLE),
            (false, false) => Some(Interest::WRITABLE),
            (false, true) => None,
        };
        let (most, is_idle) = if !self.output.is_empty() {
            (bounds.stall_most, false)
        } else if !self.input.is_empty() && reads {
            (bounds.message_most, false)
        } else if self.in_flight > 0 {
            (ANSWER_MOST, false)
        } else {
            (bounds.idle_most, true)
        };
        let answers = self.in_flight > 0 && self.output.len() < OUTPUT_MAX;
        Wait { interest, answers, until: self.progress + most, is_idle }
    }

    fn read(&mut self, serves: bool) -> io::Result<()> {
        let mut desk = self.held.hall.desk.borrow_mut();
        let most = if serves { desk.input.len() } else { self.rest_of_message() };
        let Some(room) = desk.input.get_mut(..most) else { return Ok(()) };
        match self.stream.try_read(room) {
            Ok(0) => self.is_input_over = true,
            Ok(len) => {
                // The time of a message runs from its first octet, however slowly it dribbles in.
                if self.input.is_empty() {
                    self.progress = monotonic();
                }
                self.input.extend_from_slice(room.get(..len).unwrap_or_default());
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Octets up to the end of what is known of the message that was begun.
    fn rest_of_message(&self) -> usize {
        let whole =
            self.input.first_chunk().map_or(2, |len| 2 + usize::from(u16::from_be_bytes(*len)));
        whole.saturating_sub(self.input.len()).max(1)
    }

    /// Answers the messages that are whole, and says whether more of them wait until the client takes
    /// its answers.
    fn take_input(&mut self) -> bool {
        let hall = std::rc::Rc::clone(&self.held.hall);
        let mut desk = hall.desk.borrow_mut();
        let (mut input, now) = (std::mem::take(&mut self.input), monotonic());
        let (mut at, mut waits) = (0, false);
        desk.answerer.begin();
        while let Some(message) = whole_message(&input, at) {
            if !self.takes_questions(hall.bounds.in_flight_max) {
                waits = true;
                break;
            }
            at += 2 + message.len();
            self.progress = now;
            if !self.answer(message, now, &mut desk) {
                // Whoever sends this sends no question: what came before is answered, and no more.
                self.is_input_over = true;
                at = input.len();
                break;
            }
        }
        desk.answerer.end();
        drop(desk);
        if at < input.len() {
            input.drain(..at);
            self.input = input;
        }
        if at > 0 {
            self.held.set_idle(self.in_flight == 0);
        }
        waits
    }

    /// Whether the message was one.
    fn answer(&mut self, message: &[u8], now: Instant, desk: &mut Desk) -> bool {
        let Desk { answerer, reply, .. } = desk;
        let in_flight_max = self.held.hall.bounds.in_flight_max.max(1);
        let answers = &mut self.answers;
        let way = || {
            let (sender, _) = answers.get_or_insert_with(|| mpsc::channel(in_flight_max));
            Way::Stream(sender.clone())
        };
        match answerer.answer(message, self.client, now, way, reply) {
            Answer::Silent => return false,
            Answer::Later => self.in_flight += 1,
            Answer::Reply(len, zone) => {
                let took = monotonic().saturating_duration_since(now);
                answerer.counters.duration(took, zone);
                let reply = reply.get(..len).unwrap_or_default();
                push(&mut self.output, reply);
            }
            Answer::Transfer(messages) => {
                messages.iter().for_each(|message| push(&mut self.output, message));
            }
        }
        true
    }

    fn push(&mut self, answer: &[u8]) {
        push(&mut self.output, answer);
        if self.in_flight == 0 {
            self.held.set_idle(true);
        }
    }

    fn write(&mut self) -> io::Result<()> {
        let mut sent = 0;
        while let Some(rest) = self.output.get(sent..).filter(|rest| !rest.is_empty()) {
            match self.stream.try_write(rest) {
                Ok(len) => sent += len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        if sent > 0 {
            self.progress = monotonic();
        }
        if sent == self.output.len() {
            self.output = Vec::new();
        } else {
            self.output.drain(..sent);
        }
        Ok(())
    }
}

/// The message whose length is at this place, if all of it is there.
fn whole_message(input: &[u8], at: usize) -> Option<&[u8]> {
    let (len, rest) = input.get(at..)?.split_first_chunk()?;
    rest.get(..usize::from(u16::from_be_bytes(*len)))
}

async fn next(answers: &mut Option<LateAnswers>) -> Option<Vec<u8>> {
    match answers {
        Some((_, answers)) => answers.recv().await,
        None => None,
    }
}

/// Appends a message behind its length. No answer is too long for that.
fn push(output: &mut Vec<u8>, message: &[u8]) {
    if let Ok(len) = u16::try_from(message.len()) {
        output.extend_from_slice(&len.to_be_bytes());
        output.extend_from_slice(message);
    }
}
