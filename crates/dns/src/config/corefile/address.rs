//! Where does a server block listen, and for which zones?

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use super::super::upstream::DNS_PORT;
use super::super::zone_name::zones;

/// The zone of a server block, on a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    /// The zone; "" is everything.
    pub zone: Arc<str>,
    /// The port of plain DNS.
    pub port: u16,
}

/// Why a word is no address of a server block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AddressError {
    /// TLS, HTTPS, gRPC, QUIC.
    Scheme,
    Port,
    Zone,
}

/// Reads `.`, `.:53`, `dns://cluster.local:53`, `10.96.0.0/12:53`.
pub(super) fn server_addresses(word: &str) -> Result<Vec<ServerAddress>, AddressError> {
    let text = match word.split_once("://") {
        Some((scheme, text)) if scheme.eq_ignore_ascii_case("dns") => text,
        Some(_) => return Err(AddressError::Scheme),
        None => word,
    };
    // The colons of an IPv6 network stand before its slash.
    let after_network = text.find('/').unwrap_or(0);
    let (zone, port) = match text[after_network..].rsplit_once(':') {
        Some((before, port)) => (&text[..after_network + before.len()], Some(port)),
        None => (text, None),
    };
    let port = match port.map(str::parse) {
        None => DNS_PORT,
        Some(Ok(port)) if port != 0 => port,
        Some(Ok(_) | Err(_)) => return Err(AddressError::Port),
    };
    // `:53` alone means everything.
    let zone = if zone.is_empty() && !text.is_empty() { "." } else { zone };
    let zones = zones(zone).ok_or(AddressError::Zone)?;
    Ok(zones.into_iter().map(|zone| ServerAddress { zone, port }).collect())
}

/// Where health, readiness or metrics are served: `:8080` is every address of this host.
pub(super) fn listen_address(text: &str) -> Option<SocketAddr> {
    if let Some(port) = text.strip_prefix(':') {
        return Some((Ipv6Addr::UNSPECIFIED, port.parse().ok()?).into());
    }
    if let Some(port) = text.strip_prefix("localhost:") {
        return Some((Ipv4Addr::LOCALHOST, port.parse().ok()?).into());
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_names_zones_and_ports() {
        let address = |zone: &str, port| ServerAddress { zone: zone.into(), port };
        let cases = [
            (".", Ok(vec![address("", 53)])),
            (".:1053", Ok(vec![address("", 1053)])),
            (":53", Ok(vec![address("", 53)])),
            ("dns://Cluster.Local.:53", Ok(vec![address("cluster.local", 53)])),
            (
                "10.96.0.0/15:53",
                Ok(vec![address("96.10.in-addr.arpa", 53), address("97.10.in-addr.arpa", 53)]),
            ),
            ("fd00::/8", Ok(vec![address("d.f.ip6.arpa", 53)])),
            ("fd00::/8:54", Ok(vec![address("d.f.ip6.arpa", 54)])),
            ("tls://.", Err(AddressError::Scheme)),
            (".:0", Err(AddressError::Port)),
            (".:dns", Err(AddressError::Port)),
            ("a..b", Err(AddressError::Zone)),
            ("dns://", Err(AddressError::Zone)),
        ];
        for (word, expected) in cases {
            assert_eq!(server_addresses(word), expected, "{word}");
        }
    }

    #[test]
    fn a_listening_address_has_a_port() {
        let cases = [
            (":8080", Some("[::]:8080")),
            ("localhost:8080", Some("127.0.0.1:8080")),
            ("0.0.0.0:9153", Some("0.0.0.0:9153")),
            ("[::1]:9153", Some("[::1]:9153")),
            ("9153", None),
            ("example.org:80", None),
        ];
        for (text, expected) in cases {
            let expected = expected.map(|address| address.parse().expect("an address"));
            assert_eq!(listen_address(text), expected, "{text}");
        }
    }
}
