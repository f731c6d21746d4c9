//! Which protocol does a text name?

use model::Protocol;

use crate::report::quoted;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected TCP, UDP or SCTP, found {}", quoted(.0))]
pub(crate) struct UnknownProtocol(String);

/// Reads the API's spelling only; absent means TCP.
pub(crate) fn parse_protocol(text: Option<&str>) -> Result<Protocol, UnknownProtocol> {
    let text = text.unwrap_or_default();
    if text.is_empty() {
        return Ok(Protocol::Tcp);
    }
    let mut all = Protocol::ALL.into_iter();
    all.find(|protocol| protocol.as_str() == text).ok_or_else(|| UnknownProtocol(text.to_owned()))
}
