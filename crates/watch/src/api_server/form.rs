//! In which form does the API server answer, and where do its messages end?

use hyper::header::{CONTENT_TYPE, HeaderMap};
use ingest::protobuf::MEDIA_TYPE;

use super::frames::Frames;
use super::lines::{Lines, TooLong};

/// What we ask for where only this will do.
pub(super) const JSON: &str = "application/json";

/// What we ask for where the server may have the shorter form.
pub(super) const PROTOBUF_OR_JSON: &str = "application/vnd.kubernetes.protobuf, application/json";

/// How an answer is written. The server says so, whatever it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    Protobuf,
}

impl Form {
    /// Whoever does not say otherwise is taken to write JSON, and found out if it is none.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = media_type.and_then(|it| it.split(';').next()).unwrap_or_default();
        if essence.trim() == MEDIA_TYPE { Self::Protobuf } else { Self::Json }
    }
}

/// The messages of an answer that goes on: lines of JSON, or frames.
#[derive(Debug)]
pub(crate) enum Messages {
    Json(Lines),
    Protobuf(Frames),
}

impl Messages {
    pub(crate) fn of(form: Form) -> Self {
        match form {
            Form::Json => Self::Json(Lines::default()),
            Form::Protobuf => Self::Protobuf(Frames::default()),
        }
    }

    /// Calls `take` for each message that `bytes` complete.
    ///
    /// # Errors
    /// What `take` gives, or a message that is too long; the rest of the bytes is lost then.
    pub(crate) fn push<E: From<TooLong>>(
        &mut self,
        bytes: &[u8],
        take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        match self {
            Self::Json(lines) => lines.push(bytes, take),
            Self::Protobuf(frames) => frames.push(bytes, take),
        }
    }
}
