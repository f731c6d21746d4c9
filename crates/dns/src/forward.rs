//! Whom do we ask what is not ours, and what if they do not answer?
//!
//! [`Forwarder`] is a state machine. Its edge has the sockets and the clock; it gives [`Event`]s and
//! does what [`Action`]s say. Each [`Event::Ask`] gets exactly one [`Action::Answer`], no later than
//! [`Settings::patience`] after it.
//!
//! ```text
//! Ask ──▶ cache? ──▶ in flight already? ──▶ pursuit ──▶ attempt ──▶ a datagram on a socket of its own
//!                                              │  ├─▶ attempt: hedge, next upstream, or by stream
//!                                              ▼
//!                        first good answer ──▶ all who wait, and the cache
//! ```
//!
//! Each attempt by UDP has a fresh socket, on a port that the kernel draws. So an answer must match
//! the upstream's address, a port that was open for this one attempt only, 16 random bits, and the
//! question (RFC 5452). A pool of sockets would save two calls of the kernel a question, but many
//! questions would share a port, and whoever forges answers would need to guess only one of them.
//!
//! Streams carry many questions at once and take the answers in any order (RFC 7766).

mod action;
mod attempt;
mod connection;
mod event;
mod exchange;
mod machine;
mod outcome;
mod probe;
mod pursuit;
mod query;
mod random;
mod settings;
mod stats;
mod stream;
#[cfg(test)]
mod tests;
mod timers;
mod upstream;

pub use crate::cache::{Failure, Question};
pub use action::{Action, Outcome, Report};
pub use event::{ConnectionToken, Event, SocketToken, Ticket, Transport};
pub use machine::Forwarder;
pub use settings::{Group, Policy, RuleId, Settings, Upstream, UpstreamId};
pub use stats::{COUNTED_RCODES, RTT_BOUNDS, RttBuckets, Stats, UpstreamState, UpstreamStats};
