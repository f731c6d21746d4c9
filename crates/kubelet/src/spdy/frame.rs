//! How is a frame written, and how does one begin?

use bytes::{BufMut as _, Bytes, BytesMut};

use super::DATA_BYTES_MAX;

/// Bytes before each frame's payload.
pub(super) const HEAD_BYTES: usize = 8;

/// The last frame of a stream, in one direction.
pub(super) const FLAG_FIN: u8 = 0x01;
/// The stream goes in one direction only: the receiver has nothing to say.
pub(super) const FLAG_UNIDIRECTIONAL: u8 = 0x02;

const VERSION: u16 = 3;

/// Whose number a stream has: odd ones are the client's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u32);

/// What the number in a control frame says that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Control {
    SynStream,
    SynReply,
    RstStream,
    Settings,
    Ping,
    GoAway,
    Headers,
    WindowUpdate,
    /// To be passed over.
    Unknown,
}

impl Control {
    const fn of(number: u16) -> Self {
        match number {
            1 => Self::SynStream,
            2 => Self::SynReply,
            3 => Self::RstStream,
            4 => Self::Settings,
            6 => Self::Ping,
            7 => Self::GoAway,
            8 => Self::Headers,
            9 => Self::WindowUpdate,
            _ => Self::Unknown,
        }
    }
}

/// The first bytes of a frame, understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    Data { stream: StreamId, flags: u8, length: usize },
    Control { version: u16, control: Control, flags: u8, length: usize },
}

impl Head {
    pub(super) fn read(bytes: [u8; HEAD_BYTES]) -> Self {
        let [a, b, c, d, flags, e, f, g] = bytes;
        // 24 bits: they fit everywhere.
        let length = usize::from(e) << 16 | usize::from(f) << 8 | usize::from(g);
        if a & 0x80 == 0 {
            return Self::Data {
                stream: StreamId(u32::from_be_bytes([a, b, c, d])),
                flags,
                length,
            };
        }
        let version = u16::from_be_bytes([a & 0x7f, b]);
        let control = Control::of(u16::from_be_bytes([c, d]));
        Self::Control { version, control, flags, length }
    }
}

pub(super) const fn is_of_our_version(version: u16) -> bool {
    version == VERSION
}

/// Why a stream is reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    ProtocolError,
    InvalidStream,
    RefusedStream,
    Cancel,
}

fn control(out: &mut BytesMut, number: u16, payload: &[u8]) {
    out.put_u16(0x8000 | VERSION);
    out.put_u16(number);
    // Payloads of ours are short; the flags above the 24 bits of the length are none.
    out.put_u32(u32::try_from(payload.len()).unwrap_or(0));
    out.put_slice(payload);
}

/// Frames with these bytes; the last of them ends our direction of the stream if so told.
#[must_use]
pub fn data(stream: StreamId, bytes: &[u8], is_last: bool) -> Bytes {
    let mut out = BytesMut::with_capacity(bytes.len() + HEAD_BYTES);
    let mut rest = bytes;
    loop {
        let (now, later) = rest.split_at(rest.len().min(DATA_BYTES_MAX));
        let flags = if is_last && later.is_empty() { FLAG_FIN } else { 0 };
        out.put_u32(stream.0);
        out.put_u32(u32::from(flags) << 24 | u32::try_from(now.len()).unwrap_or(0));
        out.put_slice(now);
        rest = later;
        if rest.is_empty() {
            return out.freeze();
        }
    }
}

/// Tells that nothing more is wanted of a stream, in either direction.
#[must_use]
pub fn reset(stream: StreamId) -> Bytes {
    let mut out = BytesMut::new();
    reset_with(&mut out, stream, Status::Cancel);
    out.freeze()
}

pub(super) fn reset_with(out: &mut BytesMut, stream: StreamId, status: Status) {
    let [a, b, c, d] = stream.0.to_be_bytes();
    control(out, 3, &[a, b, c, d, 0, 0, 0, status.number()]);
}

impl Status {
    const fn number(self) -> u8 {
        match self {
            Self::ProtocolError => 1,
            Self::InvalidStream => 2,
            Self::RefusedStream => 3,
            Self::Cancel => 5,
        }
    }
}

/// Tells that the connection ends, and which of the client's streams was the last one seen.
#[must_use]
pub fn go_away(last: StreamId) -> Bytes {
    let mut out = BytesMut::new();
    let [a, b, c, d] = last.0.to_be_bytes();
    control(&mut out, 7, &[a, b, c, d, 0, 0, 0, 0]);
    out.freeze()
}

pub(super) fn ping(out: &mut BytesMut, id: [u8; 4]) {
    control(out, 6, &id);
}

pub(super) fn reply(out: &mut BytesMut, stream: StreamId, headers: &[u8]) {
    let mut payload = stream.0.to_be_bytes().to_vec();
    payload.extend_from_slice(headers);
    control(out, 2, &payload);
}
