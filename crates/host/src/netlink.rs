//! How are messages exchanged with the kernel over netlink?
//!
//! The kernel works on a netlink request inside the sender's `sendto`: when that returns, every
//! answer already stands in the socket's receive queue. So nothing here waits for an answer, and an
//! empty queue means that there is none.

mod attribute;
mod dump;
mod exchange;
mod message;
mod socket;

pub use attribute::{Attribute, attributes, attributes_of_family_message};
pub use dump::DumpError;
pub use message::{Message, MessageError, Misframed, messages};
pub use socket::SocketError;

pub(crate) use attribute::{MessageWriter, find};
pub(crate) use exchange::Sequences;
pub(crate) use socket::{BufferSizes, Group, Socket, Wait};
