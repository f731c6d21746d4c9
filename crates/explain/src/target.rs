//! Which destination does a person name?

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU16;

use model::{Protocol, ServiceName};

use crate::question::Refusal;

/// A target, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Place {
        scheme: Option<Scheme>,
        host: Host,
        port: NonZeroU16,
        protocol: Protocol,
    },
    /// A Service by its own name, whatever its addresses.
    Service {
        name: ServiceName,
        port: Option<PortName>,
        /// Absent, that of the port.
        protocol: Option<Protocol>,
    },
    /// Nothing but a name, or an address that leads back to names: no connection is meant.
    Name(Host),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    Address(IpAddr),
    /// In lower case; may end in a dot.
    Name(String),
}

/// A Service's port: by its number or its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PortName {
    Number(NonZeroU16),
    Name(String),
}

const HTTP: NonZeroU16 = NonZeroU16::new(80).expect("80 is not zero");
const HTTPS: NonZeroU16 = NonZeroU16::new(443).expect("443 is not zero");

const FORMS: &str =
    "write it as http://HOST[:PORT], HOST:PORT[/udp|/sctp], svc/NAMESPACE/NAME[:PORT] or NAME";

pub(crate) fn parse(text: &str) -> Result<Target, Refusal> {
    if text.is_empty() {
        return Err(Refusal::usage("the target is empty", FORMS));
    }
    if let Some(rest) = text.strip_prefix("svc/").or_else(|| text.strip_prefix("service/")) {
        return service(text, rest);
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        return url(text, scheme, rest);
    }
    let (place, protocol) = match text.split_once('/') {
        Some((place, protocol)) => (place, Some(self::protocol(text, protocol)?)),
        None => (text, None),
    };
    let (host, port) = host_and_port(text, place)?;
    match (port, protocol) {
        (Some(port), protocol) => {
            let protocol = protocol.unwrap_or(Protocol::Tcp);
            Ok(Target::Place { scheme: None, host, port, protocol })
        }
        (None, None) => Ok(Target::Name(host)),
        (None, Some(_)) => {
            let hint = format!("add a port, for example {}", with_port(place));
            Err(Refusal::usage(format!("the target names no port: {text}"), hint))
        }
    }
}

fn with_port(place: &str) -> String {
    match place.parse::<Ipv6Addr>() {
        Ok(address) => SocketAddr::new(address.into(), 80).to_string(),
        Err(_) => format!("{place}:80"),
    }
}

fn url(text: &str, scheme: &str, rest: &str) -> Result<Target, Refusal> {
    let (scheme, port) = match scheme.to_ascii_lowercase().as_str() {
        "http" => (Scheme::Http, HTTP),
        "https" => (Scheme::Https, HTTPS),
        _ => {
            let hint = "http and https are; for another one write HOST:PORT";
            return Err(Refusal::usage(format!("the scheme is not known: {scheme}"), hint));
        }
    };
    let place = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let (host, written) = host_and_port(text, place)?;
    let port = written.unwrap_or(port);
    Ok(Target::Place { scheme: Some(scheme), host, port, protocol: Protocol::Tcp })
}

fn service(text: &str, rest: &str) -> Result<Target, Refusal> {
    let not_of_form = || {
        let hint = "write it as svc/NAMESPACE/NAME or svc/NAMESPACE/NAME:PORT";
        Refusal::usage(format!("the target names no Service: {text}"), hint)
    };
    let mut parts = rest.splitn(3, '/');
    let (Some(namespace), Some(name)) = (parts.next(), parts.next()) else {
        return Err(not_of_form());
    };
    let protocol = parts.next().map(|protocol| self::protocol(text, protocol)).transpose()?;
    let (name, port) = match name.split_once(':') {
        Some((name, port)) => (name, Some(port_name(text, port)?)),
        None => (name, None),
    };
    if !is_name(namespace) || !is_name(name) {
        return Err(not_of_form());
    }
    Ok(Target::Service { name: ServiceName::new(namespace, name), port, protocol })
}

fn port_name(text: &str, port: &str) -> Result<PortName, Refusal> {
    let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
    if is_number || !is_label(port) {
        return number(text, port).map(PortName::Number);
    }
    Ok(PortName::Name(port.to_owned()))
}

fn protocol(text: &str, name: &str) -> Result<Protocol, Refusal> {
    let upper = name.to_ascii_uppercase();
    Protocol::ALL.into_iter().find(|protocol| protocol.as_str() == upper).ok_or_else(|| {
        let hint = "after HOST:PORT comes nothing, /udp or /sctp; a path needs http:// in front";
        Refusal::usage(format!("the target does not end in a protocol: {text}"), hint)
    })
}

fn number(text: &str, port: &str) -> Result<NonZeroU16, Refusal> {
    port.parse().map_err(|_unspecific| {
        Refusal::usage(format!("the target's port is none: {text}"), "a number from 1 to 65535")
    })
}

fn host_and_port(text: &str, place: &str) -> Result<(Host, Option<NonZeroU16>), Refusal> {
    if let Some(rest) = place.strip_prefix('[') {
        let (address, after) = rest.split_once(']').unwrap_or((rest, ""));
        let address: Ipv6Addr = address.parse().map_err(|_unspecific| no_host(text, place))?;
        let port = match after.strip_prefix(':') {
            Some(port) => Some(number(text, port)?),
            None if after.is_empty() => None,
            None => return Err(no_host(text, place)),
        };
        return Ok((Host::Address(address.into()), port));
    }
    if let Ok(address) = place.parse::<IpAddr>() {
        return Ok((Host::Address(address), None));
    }
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) => (host, Some(number(text, port)?)),
        None => (place, None),
    };
    if let Ok(address) = host.parse::<IpAddr>() {
        let Ok(v4) = host.parse() else {
            let hint = format!("an IPv6 address stands in brackets: [{address}]");
            return Err(Refusal::usage(format!("the target is ambiguous: {text}"), hint));
        };
        return Ok((Host::Address(IpAddr::V4(v4)), port));
    }
    let name = host.to_ascii_lowercase();
    let labels = name.strip_suffix('.').unwrap_or(&name);
    let is_like_an_address = labels.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if labels.len() > 253 || is_like_an_address || !labels.split('.').all(is_host_label) {
        return Err(no_host(text, place));
    }
    Ok((Host::Name(name), port))
}

fn no_host(text: &str, place: &str) -> Refusal {
    let what = if place.is_empty() {
        format!("the target names no host: {text}")
    } else {
        format!("the target's host is neither a name nor an address: {text}")
    };
    Refusal::usage(what, FORMS)
}

/// The name of an object.
pub(crate) fn is_name(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let bytes = label.as_bytes();
    let is_edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    bytes.len() <= 63
        && is_edge(bytes.first())
        && is_edge(bytes.last())
        && bytes.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// Names of hosts may have underscores too: of SRV records, and of careless people.
fn is_host_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(number: u16) -> NonZeroU16 {
        NonZeroU16::new(number).expect("not zero")
    }

    #[track_caller]
    fn place(text: &str, scheme: Option<Scheme>, host: Host, number: u16, protocol: Protocol) {
        let expected = Target::Place { scheme, host, port: port(number), protocol };
        assert_eq!(parse(text), Ok(expected), "for {text}");
    }

    fn name(text: &str) -> Host {
        Host::Name(text.to_owned())
    }

    fn address(text: &str) -> Host {
        Host::Address(text.parse().expect("an address"))
    }

    #[test]
    fn places_are_read() {
        let (tcp, udp, sctp) = (Protocol::Tcp, Protocol::Udp, Protocol::Sctp);
        place("http://web", Some(Scheme::Http), name("web"), 80, tcp);
        place("HTTPS://Web.Shop/a:b/c?d", Some(Scheme::Https), name("web.shop"), 443, tcp);
        place("http://web:8080/", Some(Scheme::Http), name("web"), 8080, tcp);
        place("http://[fd00::1]", Some(Scheme::Http), address("fd00::1"), 80, tcp);
        place("https://10.0.0.1?q", Some(Scheme::Https), address("10.0.0.1"), 443, tcp);
        place("www.naver.com.:443", None, name("www.naver.com."), 443, tcp);
        place("10.96.0.1:53/udp", None, address("10.96.0.1"), 53, udp);
        place("[fd00::1]:7/SCTP", None, address("fd00::1"), 7, sctp);
        place("_http._tcp.web:80", None, name("_http._tcp.web"), 80, tcp);
    }

    #[test]
    fn a_host_alone_is_a_name() {
        for (text, host) in [
            ("Web", name("web")),
            ("www.naver.com.", name("www.naver.com.")),
            ("_http._tcp.web", name("_http._tcp.web")),
            ("10.96.0.1", address("10.96.0.1")),
            ("fd00::1", address("fd00::1")),
            ("[fd00::1]", address("fd00::1")),
        ] {
            assert_eq!(parse(text), Ok(Target::Name(host)), "for {text}");
        }
    }

    #[test]
    fn services_are_read() {
        let service = |port, protocol| Target::Service {
            name: ServiceName::new("shop", "web"),
            port,
            protocol,
        };
        assert_eq!(parse("svc/shop/web"), Ok(service(None, None)));
        let by_number = service(Some(PortName::Number(port(80))), None);
        assert_eq!(parse("svc/shop/web:80"), Ok(by_number.clone()));
        assert_eq!(parse("service/shop/web:80"), Ok(by_number));
        let by_name = service(Some(PortName::Name("dns-tcp".to_owned())), Some(Protocol::Udp));
        assert_eq!(parse("svc/shop/web:dns-tcp/udp"), Ok(by_name));
    }

    #[test]
    fn what_is_no_target_is_refused_with_a_hint() {
        let told = |text: &str| {
            let refusal = parse(text).expect_err("it is wrong");
            assert!(refusal.is_usage);
            format!("{}; {}", refusal.what, refusal.hint)
        };
        let port = "a number from 1 to 65535";
        let service = "write it as svc/NAMESPACE/NAME or svc/NAMESPACE/NAME:PORT";
        for (text, expected) in [
            ("", format!("the target is empty; {FORMS}")),
            (
                "web/udp",
                "the target names no port: web/udp; add a port, for example web:80".to_owned(),
            ),
            (
                "fd00::1/tcp",
                "the target names no port: fd00::1/tcp; add a port, for example [fd00::1]:80"
                    .to_owned(),
            ),
            ("http://", format!("the target names no host: http://; {FORMS}")),
            (
                "ftp://web",
                "the scheme is not known: ftp; http and https are; for another one write HOST:PORT"
                    .to_owned(),
            ),
            ("web:0", format!("the target's port is none: web:0; {port}")),
            ("web:http", format!("the target's port is none: web:http; {port}")),
            ("svc/shop/web:0", format!("the target's port is none: svc/shop/web:0; {port}")),
            ("svc/shop", format!("the target names no Service: svc/shop; {service}")),
            ("svc/Shop/web", format!("the target names no Service: svc/Shop/web; {service}")),
            (
                "web:80/index.html",
                "the target does not end in a protocol: web:80/index.html; after HOST:PORT comes \
                 nothing, /udp or /sctp; a path needs http:// in front"
                    .to_owned(),
            ),
            (
                "http://10.0.0.256/",
                format!(
                    "the target's host is neither a name nor an address: http://10.0.0.256/; {FORMS}"
                ),
            ),
            (
                "a b:80",
                format!("the target's host is neither a name nor an address: a b:80; {FORMS}"),
            ),
            (
                "[fd00::1]80",
                format!("the target's host is neither a name nor an address: [fd00::1]80; {FORMS}"),
            ),
        ] {
            assert_eq!(told(text), expected);
        }
    }
}
