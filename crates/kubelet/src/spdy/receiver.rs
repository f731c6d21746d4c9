//! What does a client mean by its bytes?

use std::collections::BTreeSet;

use bytes::{Bytes, BytesMut};

use super::frame::{
    self, Control, FLAG_FIN, FLAG_UNIDIRECTIONAL, HEAD_BYTES, Head, Status, StreamId,
};
use super::headers::{Headers, Packer, Unpacker};
use super::{CONTROL_BYTES_MAX, STREAMS_MAX};

/// After it nothing more of the connection can be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    #[error("SPDY version {0}, where 3 is spoken")]
    Version(u16),
    #[error("a control frame of {0} bytes")]
    TooLong(usize),
    #[error("a control frame that is shorter than its kind")]
    TooShort,
    #[error("a block of headers that cannot be read")]
    Headers,
}

/// What happens to the client's streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Opened {
        stream: StreamId,
        headers: Headers,
    },
    /// Some bytes, which need not be all of a frame.
    Data {
        stream: StreamId,
        bytes: Bytes,
    },
    /// The client has nothing more to say there; it may still listen.
    Ended(StreamId),
    /// The client wants nothing more of it.
    Reset(StreamId),
    /// The client opens no more streams.
    GoneAway,
}

/// Reads what one client sends. Windows of flow control are neither kept nor told: no client that
/// speaks to a kubelet heeds them, and the pace is that of the connection.
#[derive(Debug)]
pub struct Receiver {
    /// The begin of a frame, or of a control frame's payload.
    partial: BytesMut,
    /// What remains of a data frame.
    data: Option<Rest>,
    unpacker: Unpacker,
    packer: Packer,
    /// Those by which the client may still send.
    open: BTreeSet<StreamId>,
    last: StreamId,
    has_gone: bool,
    replies: BytesMut,
}

#[derive(Debug, Clone, Copy)]
struct Rest {
    stream: StreamId,
    bytes: usize,
    is_last: bool,
    is_wanted: bool,
}

impl Receiver {
    /// # Errors
    ///
    /// When zlib does not take the dictionary.
    pub fn new() -> Result<Self, ProtocolError> {
        Ok(Self {
            partial: BytesMut::new(),
            data: None,
            unpacker: Unpacker::new(),
            packer: Packer::new()?,
            open: BTreeSet::new(),
            last: StreamId(0),
            has_gone: false,
            replies: BytesMut::new(),
        })
    }

    /// The last stream that the client has opened.
    #[must_use]
    pub const fn last(&self) -> StreamId {
        self.last
    }

    /// What the client is to be sent before anything else: each stream's reply is among it.
    pub fn take_replies(&mut self) -> Bytes {
        self.replies.split().freeze()
    }

    /// Takes the next bytes, wherever they begin and end.
    ///
    /// # Errors
    ///
    /// What the client sent is not SPDY/3.1, or over a bound; the events before it are lost, and so
    /// is the connection.
    pub fn receive(&mut self, input: Bytes) -> Result<Vec<Event>, ProtocolError> {
        let mut events = Vec::new();
        let mut rest = input;
        loop {
            if let Some(data) = self.data {
                if rest.is_empty() && data.bytes > 0 {
                    return Ok(events);
                }
                let now = rest.split_to(rest.len().min(data.bytes));
                self.data_received(data, now, &mut events);
                continue;
            }
            let Some(head) = self.gather(&mut rest, HEAD_BYTES) else { return Ok(events) };
            match head {
                Head::Data { stream, flags, length } => {
                    self.partial.clear();
                    self.data_begins(stream, flags, length);
                }
                Head::Control { version, control, flags, length } => {
                    if !frame::is_of_our_version(version) {
                        return Err(ProtocolError::Version(version));
                    }
                    if length > CONTROL_BYTES_MAX {
                        return Err(ProtocolError::TooLong(length));
                    }
                    if self.gather(&mut rest, HEAD_BYTES + length).is_none() {
                        return Ok(events);
                    }
                    let whole = self.partial.split().freeze();
                    let payload = whole.get(HEAD_BYTES..).unwrap_or_default();
                    self.control(control, flags, payload, &mut events)?;
                }
            }
        }
    }

    /// The head of the frame, once so many of its bytes are there.
    fn gather(&mut self, rest: &mut Bytes, wanted: usize) -> Option<Head> {
        let missing = wanted.saturating_sub(self.partial.len());
        self.partial.extend_from_slice(&rest.split_to(missing.min(rest.len())));
        if self.partial.len() < wanted {
            return None;
        }
        self.partial.first_chunk::<HEAD_BYTES>().map(|head| Head::read(*head))
    }

    fn data_begins(&mut self, stream: StreamId, flags: u8, bytes: usize) {
        let is_wanted = self.open.contains(&stream);
        if !is_wanted {
            frame::reset_with(&mut self.replies, stream, Status::InvalidStream);
        }
        self.data = Some(Rest { stream, bytes, is_last: flags & FLAG_FIN != 0, is_wanted });
    }

    fn data_received(&mut self, data: Rest, bytes: Bytes, events: &mut Vec<Event>) {
        let left = data.bytes - bytes.len();
        self.data = (left > 0).then_some(Rest { bytes: left, ..data });
        if !data.is_wanted {
            return;
        }
        if !bytes.is_empty() {
            events.push(Event::Data { stream: data.stream, bytes });
        }
        if left == 0 && data.is_last {
            self.ended(data.stream, events);
        }
    }

    fn ended(&mut self, stream: StreamId, events: &mut Vec<Event>) {
        if self.open.remove(&stream) {
            events.push(Event::Ended(stream));
        }
    }

    fn control(
        &mut self,
        control: Control,
        flags: u8,
        payload: &[u8],
        events: &mut Vec<Event>,
    ) -> Result<(), ProtocolError> {
        let (first, rest) = payload.split_first_chunk::<4>().ok_or(ProtocolError::TooShort)?;
        let stream = StreamId(u32::from_be_bytes(*first) & 0x7fff_ffff);
        match control {
            Control::SynStream => {
                // The associated stream, the priority and a slot for certificates: all without use.
                let block = rest.get(6..).ok_or(ProtocolError::TooShort)?;
                let headers = self.unpacker.unpack(block)?;
                self.opened(stream, flags, headers, events)?;
            }
            Control::SynReply | Control::Headers => {
                // Their place in the zlib stream counts, what they say does not.
                self.unpacker.unpack(rest)?;
                if flags & FLAG_FIN != 0 {
                    self.ended(stream, events);
                }
            }
            Control::RstStream => {
                self.open.remove(&stream);
                events.push(Event::Reset(stream));
            }
            // Even numbers answer ours, and we ask nothing.
            Control::Ping if stream.0 % 2 == 1 => frame::ping(&mut self.replies, *first),
            Control::GoAway => {
                self.has_gone = true;
                events.push(Event::GoneAway);
            }
            Control::Ping | Control::Settings | Control::WindowUpdate | Control::Unknown => {}
        }
        Ok(())
    }

    fn opened(
        &mut self,
        stream: StreamId,
        flags: u8,
        headers: Headers,
        events: &mut Vec<Event>,
    ) -> Result<(), ProtocolError> {
        let is_next = stream.0 % 2 == 1 && stream > self.last;
        if self.has_gone || !is_next || flags & FLAG_UNIDIRECTIONAL != 0 {
            frame::reset_with(&mut self.replies, stream, Status::ProtocolError);
            return Ok(());
        }
        self.last = stream;
        if self.open.len() >= STREAMS_MAX {
            frame::reset_with(&mut self.replies, stream, Status::RefusedStream);
            return Ok(());
        }
        let block = self.packer.pack(&Headers::default())?;
        frame::reply(&mut self.replies, stream, &block);
        self.open.insert(stream);
        events.push(Event::Opened { stream, headers });
        if flags & FLAG_FIN != 0 {
            self.ended(stream, events);
        }
        Ok(())
    }
}

#[cfg(test)]
impl Receiver {
    pub(super) fn is_within_bounds(&self) -> bool {
        self.partial.len() <= HEAD_BYTES + CONTROL_BYTES_MAX && self.open.len() <= STREAMS_MAX
    }
}
