//! What is on a connection of SPDY/3.1? Bytes to streams and back, without IO.

mod dictionary;
mod frame;
mod headers;
mod receiver;

pub use frame::{StreamId, data, go_away, reset};
pub use headers::Headers;
pub use receiver::{Event, ProtocolError, Receiver};

/// Streams that a client may have open for sending at a time; one more is refused.
pub const STREAMS_MAX: usize = 256;

/// Bytes of a control frame. Those of kubectl have below 200.
pub const CONTROL_BYTES_MAX: usize = 16 * 1024;

/// Bytes of one frame's headers once they are inflated.
pub const HEADER_BYTES_MAX: usize = 64 * 1024;

/// Headers of one stream.
pub const HEADERS_MAX: usize = 64;

/// Bytes of a data frame that we write.
pub const DATA_BYTES_MAX: usize = 64 * 1024;

#[cfg(test)]
mod tests;
