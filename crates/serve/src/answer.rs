//! What is answered to a request?

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::{Response, StatusCode};
use serde::Serialize;

/// A whole answer, as a value: whoever decides on it sends nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Of the whole answer.
    pub status: StatusCode,
    /// `text/plain; charset=utf-8`
    pub content_type: &'static str,
    /// Beyond those that every answer has.
    pub header: Option<(HeaderName, HeaderValue)>,
    /// Its text.
    pub body: String,
}

impl Answer {
    /// Plain text.
    #[must_use]
    pub fn text(status: StatusCode, body: impl Into<String>) -> Self {
        Self::new(status, "text/plain; charset=utf-8", body)
    }

    /// Text that is JSON already.
    #[must_use]
    pub fn json(status: StatusCode, body: impl Into<String>) -> Self {
        Self::new(status, "application/json", body)
    }

    /// A value that always can be written; were it not, the answer says so.
    #[must_use]
    pub fn value(value: &impl Serialize) -> Self {
        match serde_json::to_string(value) {
            Ok(body) => Self::json(StatusCode::OK, body),
            Err(error) => Self::text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        }
    }

    /// No such path; says which there are.
    #[must_use]
    pub fn not_found(paths: &[&str]) -> Self {
        Self::text(StatusCode::NOT_FOUND, format!("not found; there is {}\n", paths.join(", ")))
    }

    /// A text of this type.
    #[must_use]
    pub fn new(status: StatusCode, content_type: &'static str, body: impl Into<String>) -> Self {
        Self { status, content_type, header: None, body: body.into() }
    }
}

impl From<Answer> for Response<Full<Bytes>> {
    fn from(answer: Answer) -> Self {
        let mut response = Self::new(Full::new(Bytes::from(answer.body)));
        *response.status_mut() = answer.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Some((name, value)) = answer.header {
            headers.insert(name, value);
        }
        response
    }
}
