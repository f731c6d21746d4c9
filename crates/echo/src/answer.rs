//! What is answered to a request of HTTP?

use std::time::Duration;

use hyper::{Method, StatusCode};

use crate::duration::parse_duration;
use crate::report::Report;
use crate::switches::Switches;

/// Longer waits are cut: a connection is one of a bounded number.
const DELAY_MAX: Duration = Duration::from_secs(60);

/// An answer before it is written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) delay: Duration,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

/// Decides the answer, and switches what the request says to switch.
pub(crate) fn answer(
    report: &Report,
    method: &Method,
    wants_json: bool,
    switches: &Switches,
) -> Answer {
    let request = report.request.clone().unwrap_or_default();
    let query = |name: &str| {
        let mut pairs = request.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let asked = match query("status").map(parse_status) {
        Some(None) => return plain(StatusCode::BAD_REQUEST, "status: expected 200 to 599\n"),
        Some(Some(status)) => Some(status),
        None => None,
    };
    let delay = match query("delay").map(parse_duration) {
        Some(None) => {
            return plain(StatusCode::BAD_REQUEST, "delay: expected a time such as 200ms or 2s\n");
        }
        Some(Some(delay)) => delay.min(DELAY_MAX),
        None => Duration::ZERO,
    };
    let mut answer = match request.path.as_str() {
        "/ready" if *method == Method::POST => switch_ready(true, switches),
        "/unready" if *method == Method::POST => switch_ready(false, switches),
        "/ready" => readiness(switches),
        "/healthz" => plain(switches.status(), "healthz\n"),
        path => match path.strip_prefix("/status/").map(parse_status) {
            Some(None) => plain(StatusCode::BAD_REQUEST, "status: expected 200 to 599\n"),
            Some(Some(status)) if *method == Method::POST => {
                switches.set_status(status);
                plain(StatusCode::OK, "switched\n")
            }
            Some(Some(status)) => told(report, status, wants_json),
            None => told(report, asked.unwrap_or_else(|| switches.status()), wants_json),
        },
    };
    answer.delay = delay;
    answer
}

fn parse_status(text: &str) -> Option<StatusCode> {
    let status = text.parse().ok().filter(|status| (200..600).contains(status))?;
    StatusCode::from_u16(status).ok()
}

fn switch_ready(ready: bool, switches: &Switches) -> Answer {
    switches.set_ready(ready);
    plain(StatusCode::OK, "switched\n")
}

fn readiness(switches: &Switches) -> Answer {
    if switches.is_ready() {
        plain(StatusCode::OK, "ready\n")
    } else {
        plain(StatusCode::SERVICE_UNAVAILABLE, "unready\n")
    }
}

fn plain(status: StatusCode, text: &str) -> Answer {
    Answer { status, delay: Duration::ZERO, content_type: "text/plain", body: text.to_owned() }
}

fn told(report: &Report, status: StatusCode, wants_json: bool) -> Answer {
    let (content_type, body) = if wants_json {
        ("application/json", report.json_line())
    } else {
        ("text/plain", report.text())
    };
    // These two have no body in HTTP.
    let is_empty = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let body = if is_empty { String::new() } else { body };
    Answer { status, delay: Duration::ZERO, content_type, body }
}
