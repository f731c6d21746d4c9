//! What lies behind an error of a client, and what would help?

use std::error::Error;
use std::io;

use tokio_rustls::rustls::{self, CertificateError};

/// Words by which libraries only say that it is an error, or where their documentation is.
const BEFORE: [&str; 3] =
    ["ServiceError: ", "client error (Connect): ", "client error (SendRequest): "];

/// An error of a client and what it comes from, in one line, without words that only say that it is
/// an error.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let text = error.to_string();
    let mut text = text.split(": https://docs.rs/").next().unwrap_or_default().to_owned();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    for before in BEFORE {
        if let Some(rest) = text.strip_prefix(before) {
            text = rest.to_owned();
        }
    }
    text
}

/// The same for a connection that did not come about, with what would help on a line of its own where
/// that is known.
pub(super) fn with_hint(error: &(dyn Error + 'static)) -> String {
    let text = with_causes(error);
    match hint(error) {
        Some(hint) => format!("{text}\nhint: {hint}"),
        None => text,
    }
}

fn hint(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return hint_of_tls(tls);
        }
        let io = error.downcast_ref::<io::Error>();
        if io.is_some_and(|it| it.kind() == io::ErrorKind::ConnectionRefused) {
            return Some("nobody listens there: does the server run, and is this its address?");
        }
        // An error of the system that holds another one names that one's source as its own.
        let held = io.and_then(io::Error::get_ref);
        cause = held.map_or_else(|| error.source(), |held| Some(held));
    }
    None
}

fn hint_of_tls(error: &rustls::Error) -> Option<&'static str> {
    if matches!(error, rustls::Error::InvalidMessage(_)) {
        return Some("whoever listens there does not speak TLS");
    }
    let rustls::Error::InvalidCertificate(why) = error else { return None };
    // Authorities of clusters are often of one name, so that another cluster's seems to be ours.
    if matches!(why, CertificateError::UnknownIssuer | CertificateError::BadSignature) {
        return Some(
            "the certificate-authority of the kubeconfig must be the one that signed for this server",
        );
    }
    if matches!(
        why,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
    ) {
        return Some("name the server as its certificate does, or say how with tls-server-name");
    }
    let is_of_time = matches!(
        why,
        CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. }
    );
    is_of_time.then_some("the server needs another certificate, or the clock here is wrong")
}
