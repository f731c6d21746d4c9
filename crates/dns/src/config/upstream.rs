//! Which server does a text name, and how is it asked?

use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::sync::Arc;

use super::notice::quoted;
use super::zone_name::domain;

/// Where plain DNS is served.
pub const DNS_PORT: u16 = 53;

/// Where DNS over TLS is served.
pub const TLS_PORT: u16 = 853;

/// Upstreams of one forward rule, as in CoreDNS. More are ignored, with a notice.
pub const UPSTREAMS_MAX: usize = 15;

/// A server that answers what is not ours.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Upstream {
    /// Where. A numeric scope (`fe80::1%2`) is in its scope ID.
    pub address: SocketAddr,
    /// The interface of a scope that was given by name (`fe80::1%eth0`): only the kernel knows its
    /// number, so whoever opens the socket looks it up and puts it in the scope ID.
    pub interface: Option<Arc<str>>,
    /// How.
    pub transport: Transport,
}

/// How an upstream is asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// Plain DNS: UDP, and TCP where the rule or a truncated answer wants it.
    Plain,
    /// DNS over TLS (RFC 7858).
    Tls {
        /// The name that its certificate must show; its address must be shown when absent.
        server_name: Option<Arc<str>>,
    },
}

/// What a forward rule names: a server, or a file that lists servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// One server.
    Upstream(Upstream),
    /// The path of a resolv.conf: its nameservers are meant.
    File(Arc<str>),
}

/// Why a text names no upstream. It repeats the text in quotes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    /// Neither an address nor a path.
    #[error(
        "upstream {0} is no address\nhint: write 1.1.1.1, 1.1.1.1:53, [2001:db8::1]:53, \
         tls://1.1.1.1#server.name or the path of a resolv.conf"
    )]
    NoAddress(String),
    /// A host's name.
    #[error(
        "upstream {0} is a name\nhint: name servers cannot be looked up by name, give the address"
    )]
    HostName(String),
    /// Another scheme than `dns` and `tls`.
    #[error("upstream {0} is asked in a way that is not spoken here\nhint: dns:// and tls:// are")]
    Scheme(String),
    /// No port, or 0.
    #[error("upstream {0} has a wrong port\nhint: a port is a number from 1 to 65535")]
    Port(String),
    /// `#` with nothing that a certificate could show, or without `tls://`.
    #[error(
        "upstream {0} has a wrong server name\nhint: only tls:// has one, as in tls://1.1.1.1#one.one.one.one"
    )]
    ServerName(String),
}

impl Target {
    /// Reads what flags and Corefiles write: `1.1.1.1`, `1.1.1.1:5353`, `2001:db8::1`,
    /// `[2001:db8::1]:53`, each after `dns://` or nothing; `tls://1.1.1.1:853#server.name`, also as
    /// CoreDNS has it, `tls://1.1.1.1%server.name:853`; `/etc/resolv.conf`.
    pub fn parse(text: &str) -> Result<Self, UpstreamError> {
        let Some((scheme, rest)) = text.split_once("://") else {
            if text.contains('/') {
                return Ok(Self::File(text.into()));
            }
            return plain(text, text).map(Self::Upstream);
        };
        match scheme.to_ascii_lowercase().as_str() {
            "dns" => plain(text, rest).map(Self::Upstream),
            "tls" => tls(text, rest).map(Self::Upstream),
            _ => Err(UpstreamError::Scheme(quoted(text))),
        }
    }
}

fn plain(whole: &str, text: &str) -> Result<Upstream, UpstreamError> {
    if text.contains('#') {
        return Err(UpstreamError::ServerName(quoted(whole)));
    }
    Upstream::with_port(whole, text, DNS_PORT)
}

fn tls(whole: &str, text: &str) -> Result<Upstream, UpstreamError> {
    let (address, server_name) = match text.split_once('#') {
        Some((address, name)) => (address.to_owned(), Some(name)),
        None => percent_name(text),
    };
    let server_name = match server_name {
        None => None,
        Some(name) => match domain(name) {
            Some(name) if !name.is_empty() => Some(name),
            Some(_) | None => return Err(UpstreamError::ServerName(quoted(whole))),
        },
    };
    let upstream = Upstream::with_port(whole, &address, TLS_PORT)?;
    Ok(Upstream { transport: Transport::Tls { server_name }, ..upstream })
}

/// `9.9.9.9%dns.quad9.net:853`: what follows the percent sign is a server's name if it has a dot, as
/// no interface's name in use has; the port comes last.
fn percent_name(text: &str) -> (String, Option<&str>) {
    let Some((address, rest)) = text.split_once('%') else { return (text.to_owned(), None) };
    let (name, port) =
        rest.rsplit_once(':').map_or((rest, None), |(name, port)| (name, Some(port)));
    if !name.contains('.') {
        return (text.to_owned(), None);
    }
    let address = match (port, address.contains(':') && !address.starts_with('[')) {
        (Some(port), true) => format!("[{address}]:{port}"),
        (Some(port), false) => format!("{address}:{port}"),
        (None, _) => address.to_owned(),
    };
    (address, Some(name))
}

impl Upstream {
    /// An address with or without a port.
    fn with_port(whole: &str, text: &str, default: u16) -> Result<Self, UpstreamError> {
        if let Some(upstream) = Self::without_port(text, default) {
            return Ok(upstream);
        }
        let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, rest)) => (host, Some(rest.strip_prefix(':').unwrap_or_default())),
            None => match text.rsplit_once(':') {
                Some((host, port)) if !host.contains(':') => (host, Some(port)),
                Some(_) | None => (text, None),
            },
        };
        let port = match port.map(str::parse) {
            None => default,
            Some(Ok(port)) if port != 0 => port,
            Some(Ok(_) | Err(_)) => return Err(UpstreamError::Port(quoted(whole))),
        };
        Self::without_port(host, port).ok_or_else(|| {
            let is_name = host.contains(|c: char| c.is_ascii_alphabetic())
                && !host.contains([':', '%', '[', ']'])
                && domain(host).is_some();
            let whole = quoted(whole);
            if is_name { UpstreamError::HostName(whole) } else { UpstreamError::NoAddress(whole) }
        })
    }

    /// An address alone, with its scope if it has one.
    pub(crate) fn without_port(text: &str, port: u16) -> Option<Self> {
        let (address, scope) =
            text.split_once('%').map_or((text, None), |(address, scope)| (address, Some(scope)));
        let address: IpAddr = address.parse().ok()?;
        let transport = Transport::Plain;
        match (address, scope) {
            (address, None) => {
                Some(Self { address: SocketAddr::new(address, port), interface: None, transport })
            }
            // Linux gives an interface's name 15 bytes.
            (IpAddr::V6(address), Some(scope)) if (1..=15).contains(&scope.len()) => {
                let number: Option<u32> = scope.parse().ok();
                let address = SocketAddrV6::new(address, port, 0, number.unwrap_or_default());
                let interface = number.is_none().then(|| scope.into());
                Some(Self { address: address.into(), interface, transport })
            }
            (IpAddr::V4(_) | IpAddr::V6(_), Some(_)) => None,
        }
    }
}
