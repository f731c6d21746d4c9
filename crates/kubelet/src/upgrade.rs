//! Which protocol does a client want to go on with, and does it get it?

use hyper::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::web_socket::{COMMAND_PROTOCOLS, TUNNEL_PROTOCOL};
use crate::{port_forward, remote_command};

const STREAM_PROTOCOL: HeaderName = HeaderName::from_static("x-stream-protocol-version");
const ACCEPTED: HeaderName = HeaderName::from_static("x-accepted-stream-protocol-versions");

/// What a connection becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Upgraded {
    Spdy,
    WebSocket,
}

/// What the streams are for: each has its own versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Command,
    PortForward,
}

/// The client gets no other protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UpgradeError {
    #[error("it must be asked for with an upgrade to SPDY/3.1 or a WebSocket")]
    NotAsked,
    #[error("the WebSocket has no key, or its version is not 13")]
    WebSocket,
    #[error("none of the versions is spoken here: {offered}; these are: {spoken}")]
    Version { offered: String, spoken: String },
}

/// Chooses, and adds the headers of the answer.
pub(crate) fn upgrade(
    purpose: Purpose,
    request: &HeaderMap,
    answer: &mut HeaderMap,
) -> Result<Upgraded, UpgradeError> {
    let asks_for = |protocol: &str| {
        words(request, &CONNECTION).any(|word| word.eq_ignore_ascii_case("upgrade"))
            && words(request, &UPGRADE).any(|word| word.eq_ignore_ascii_case(protocol))
    };
    let upgraded = if asks_for("SPDY/3.1") {
        let spoken = match purpose {
            Purpose::Command => remote_command::SPDY_PROTOCOL,
            Purpose::PortForward => port_forward::PROTOCOL,
        };
        let version = chosen(request, &STREAM_PROTOCOL, &[spoken]);
        if version.is_err() {
            answer.insert(ACCEPTED, HeaderValue::from_static(spoken));
        }
        answer.insert(STREAM_PROTOCOL, HeaderValue::from_static(version?));
        answer.insert(UPGRADE, HeaderValue::from_static("SPDY/3.1"));
        Upgraded::Spdy
    } else if asks_for("websocket") {
        let key = request
            .get(SEC_WEBSOCKET_KEY)
            .filter(|_| request.get(SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13"));
        let key = derive_accept_key(key.ok_or(UpgradeError::WebSocket)?.as_bytes());
        let key = HeaderValue::try_from(key).map_err(|_invalid| UpgradeError::WebSocket)?;
        let version = match purpose {
            Purpose::Command => chosen(request, &SEC_WEBSOCKET_PROTOCOL, &COMMAND_PROTOCOLS),
            Purpose::PortForward => chosen(request, &SEC_WEBSOCKET_PROTOCOL, &[TUNNEL_PROTOCOL]),
        }?;
        answer.insert(SEC_WEBSOCKET_ACCEPT, key);
        answer.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(version));
        answer.insert(UPGRADE, HeaderValue::from_static("websocket"));
        Upgraded::WebSocket
    } else {
        return Err(UpgradeError::NotAsked);
    };
    answer.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    Ok(upgraded)
}

/// The first version of ours that the client offers too.
fn chosen(
    request: &HeaderMap,
    header: &HeaderName,
    spoken: &[&'static str],
) -> Result<&'static str, UpgradeError> {
    let offered: Vec<&str> = words(request, header).collect();
    let found = spoken.iter().find(|version| offered.contains(version)).copied();
    found.ok_or_else(|| UpgradeError::Version {
        offered: offered.join(", "),
        spoken: spoken.join(", "),
    })
}

/// The words of all headers of a name, which may be on one line or on several.
fn words<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let line = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        lines.iter().map(line).collect()
    }

    #[track_caller]
    fn check(
        purpose: Purpose,
        request: &[(&'static str, &'static str)],
        wanted: Result<Upgraded, &str>,
        answer: &[(&'static str, &'static str)],
    ) {
        let mut found = HeaderMap::new();
        let upgraded = upgrade(purpose, &headers(request), &mut found);
        let upgraded = upgraded.map_err(|error| error.to_string());
        assert_eq!((upgraded, found), (wanted.map_err(str::to_owned), headers(answer)));
    }

    #[test]
    fn a_command_goes_on_by_spdy() {
        let request = [
            ("connection", "Upgrade"),
            ("upgrade", "SPDY/3.1"),
            ("x-stream-protocol-version", "v5.channel.k8s.io"),
            ("x-stream-protocol-version", "v4.channel.k8s.io"),
        ];
        let answer = [
            ("x-stream-protocol-version", "v4.channel.k8s.io"),
            ("upgrade", "SPDY/3.1"),
            ("connection", "Upgrade"),
        ];
        check(Purpose::Command, &request, Ok(Upgraded::Spdy), &answer);
    }

    #[test]
    fn a_command_goes_on_by_a_web_socket() {
        let request = [
            ("connection", "keep-alive, upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-protocol", "channel.k8s.io, v4.channel.k8s.io, v5.channel.k8s.io"),
        ];
        // The key is the example of RFC 6455, section 1.3.
        let answer = [
            ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ("sec-websocket-protocol", "v5.channel.k8s.io"),
            ("upgrade", "websocket"),
            ("connection", "Upgrade"),
        ];
        let wanted = Ok(Upgraded::WebSocket);
        check(Purpose::Command, &request, wanted, &answer);
    }

    #[test]
    fn what_is_not_spoken_here_is_named() {
        let spdy = [
            ("connection", "Upgrade"),
            ("upgrade", "SPDY/3.1"),
            ("x-stream-protocol-version", "v1"),
        ];
        let words = "none of the versions is spoken here: v1; these are: portforward.k8s.io";
        let answer = [("x-accepted-stream-protocol-versions", "portforward.k8s.io")];
        check(Purpose::PortForward, &spdy, Err(words), &answer);
        let words = "it must be asked for with an upgrade to SPDY/3.1 or a WebSocket";
        check(Purpose::Command, &[("upgrade", "h2c")], Err(words), &[]);
        let keyless = [("connection", "upgrade"), ("upgrade", "websocket")];
        let words = "the WebSocket has no key, or its version is not 13";
        check(Purpose::Command, &keyless, Err(words), &[]);
    }
}
