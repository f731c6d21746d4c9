//! Why is a collection not read now, and what would help?

use std::time::Duration;

use ingest::api::Status;

use super::collection::Collection;
use super::follower::Request;
use super::lines::TooLong;

/// Why a request gave no answer, or its answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No connection, or none any more: what the network says.
    Unreachable(String),
    /// The server answers with an error.
    Refused { status: Status, retry_after: Option<Duration> },
    /// Nothing came for so long that somebody between us has gone.
    Stalled(Duration),
    /// The server ended a watch at once, without a word.
    EndedAtOnce,
    /// What came is not what the API sends.
    Malformed(String),
    /// A page or an object is longer than any may be.
    TooLong,
}

impl From<TooLong> for Failure {
    fn from(_: TooLong) -> Self {
        Self::TooLong
    }
}

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Self::Malformed(reason)
    }
}

impl Failure {
    pub(crate) const fn code(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(status.code),
            Self::Unreachable(_)
            | Self::Stalled(_)
            | Self::EndedAtOnce
            | Self::Malformed(_)
            | Self::TooLong => None,
        }
    }

    /// The server no longer knows what happened since the version that was asked from.
    pub(crate) fn is_expired(&self) -> bool {
        self.code() == Some(410)
            || matches!(self, Self::Refused { status, .. } if status.reason == "Expired")
    }

    /// The server does not know such a request, or does not want it: another one may do.
    pub(crate) const fn is_of_form(&self) -> bool {
        matches!(self.code(), Some(400 | 404 | 405 | 422))
    }

    /// For metrics: few words, however many failures.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Stalled(_) => "stalled",
            Self::EndedAtOnce => "ended",
            Self::Malformed(_) => "malformed",
            Self::TooLong => "too_long",
            Self::Refused { status, .. } => match status.code {
                401 => "unauthorized",
                403 => "forbidden",
                404 => "not_found",
                410 => "expired",
                429 => "too_many_requests",
                _ => "refused",
            },
        }
    }

    /// For a person, where the server at `url` is only asked who it is.
    pub(crate) fn describe_of_server(&self, url: &str) -> String {
        match self {
            Self::Unreachable(reason) => {
                format!("the API server {url} cannot be reached: {reason}")
            }
            Self::Stalled(time) => {
                format!("the API server {url} does not answer for {} s", time.as_secs())
            }
            Self::Malformed(reason) => format!("the API server {url} cannot be asked: {reason}"),
            Self::EndedAtOnce | Self::TooLong => format!("what answers at {url} is no API server"),
            Self::Refused { status, .. } if status.code == 401 => unauthorized(status),
            Self::Refused { status, .. } if status.code == 403 => format!(
                "not allowed to read /version: {}\nhint: the ClusterRole \
                 system:public-info-viewer allows it",
                status.message
            ),
            Self::Refused { status, .. } => format!(
                "the API server {url} answers with an error: {} {}: {}",
                status.code, status.reason, status.message
            ),
        }
    }

    /// For a person: what cannot be done with which collection, and what would help.
    pub(crate) fn describe(&self, collection: &Collection, request: &Request) -> String {
        let name = collection.name();
        match self {
            Self::Unreachable(reason) => format!("no connection: {reason}"),
            Self::Stalled(time) => {
                format!("nothing was heard of {name} for {} s, asking anew", time.as_secs())
            }
            Self::EndedAtOnce => format!("the API server ends the watch of {name} at once"),
            Self::Malformed(reason) => {
                format!("what the API server sends for {name} cannot be read: {reason}")
            }
            Self::TooLong => {
                format!("what the API server sends for {name} is longer than any object may be")
            }
            Self::Refused { status, .. } => refused(status, collection, request),
        }
    }
}

fn refused(status: &Status, collection: &Collection, request: &Request) -> String {
    let (verb, resource) = (request.verb(), collection.resource());
    let group = collection.kind.group();
    match status.code {
        401 => unauthorized(status),
        403 => format!(
            "not allowed to {verb} {}: {}\nhint: a ClusterRole that is bound to this user needs \
             the rule apiGroups: [\"{group}\"], resources: [\"{resource}\"], verbs: [\"list\", \
             \"watch\"]",
            collection.name(),
            status.message
        ),
        404 => format!("the API server has no {resource} of group {group:?}: {}", status.message),
        code => format!(
            "the API server refuses to {verb} {}: {code} {}: {}",
            collection.name(),
            status.reason,
            status.message
        ),
    }
}

fn unauthorized(status: &Status) -> String {
    format!(
        "the API server does not accept our credentials: {}\nhint: the token or certificate has \
         expired, or belongs to another cluster",
        status.message
    )
}
