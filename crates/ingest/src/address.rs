//! Which address or range does a text mean, and may it be used?

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::report::quoted;

/// Why a text is no address or range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidAddress {
    #[error("expected an IP address, found {}", quoted(.0))]
    Malformed(String),
    #[error("expected a range such as 10.0.0.0/8 or fd00::/64, found {}", quoted(.0))]
    MalformedRange(String),
    #[error("expected plain IPv4, found an IPv4 address written as IPv6, {0}")]
    Mapped(IpAddr),
    #[error("expected an address that other machines can reach, found the {0} address {1}")]
    Special(&'static str, IpAddr),
}

/// Reads an address. Leading zeros in IPv4 are decimal, as they always were in the API: other
/// programs read them as octal, so what goes on from here must not have them.
pub(crate) fn parse_address(text: &str) -> Result<IpAddr, InvalidAddress> {
    if let Some(address) = parse_v4(text) {
        return Ok(address.into());
    }
    match text.parse::<Ipv6Addr>() {
        Ok(address) if address.to_ipv4_mapped().is_some() => {
            Err(InvalidAddress::Mapped(address.into()))
        }
        Ok(address) => Ok(address.into()),
        Err(_) => Err(InvalidAddress::Malformed(text.to_owned())),
    }
}

/// Reads an address that a packet may be sent to from another machine.
pub(crate) fn parse_reachable(text: &str) -> Result<IpAddr, InvalidAddress> {
    let address = parse_address(text)?;
    match special(address) {
        Some(what) => Err(InvalidAddress::Special(what, address)),
        None => Ok(address),
    }
}

/// Reads a range. Bits beyond the prefix are ignored.
pub(crate) fn parse_range(text: &str) -> Result<IpNet, InvalidAddress> {
    let malformed = || InvalidAddress::MalformedRange(text.to_owned());
    let (address, prefix) = text.split_once('/').ok_or_else(malformed)?;
    let address = match parse_address(address) {
        Err(InvalidAddress::Malformed(_)) => return Err(malformed()),
        other => other?,
    };
    let prefix = parse_decimal(prefix).ok_or_else(malformed)?;
    match IpNet::new(address, prefix) {
        Ok(net) => Ok(net.trunc()),
        Err(_) => Err(malformed()),
    }
}

fn parse_v4(text: &str) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        *octet = parse_decimal(parts.next()?)?;
    }
    parts.next().is_none().then(|| octets.into())
}

/// Digits only, at most three significant ones; `u8::from_str` would take a sign as well.
fn parse_decimal(text: &str) -> Option<u8> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_plain { text.parse().ok() } else { None }
}

fn special(address: IpAddr) -> Option<&'static str> {
    let is_link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    if address.is_unspecified() {
        Some("unspecified")
    } else if address.is_loopback() {
        Some("loopback")
    } else if is_link_local {
        Some("link-local")
    } else if address.is_multicast() {
        Some("multicast")
    } else if address == IpAddr::V4(Ipv4Addr::BROADCAST) {
        Some("broadcast")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown<T: ToString>(result: Result<T, InvalidAddress>) -> String {
        match result {
            Ok(value) => value.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn reads_addresses_as_the_api_does() {
        let cases = [
            ("10.0.0.1", "10.0.0.1"),
            ("010.001.000.0010", "10.1.0.10"),
            ("fd00:0::0001", "fd00::1"),
            ("::1.2.3.4", "::102:304"),
            ("10.0.0", r#"expected an IP address, found "10.0.0""#),
            ("10.0.0.1.2", r#"expected an IP address, found "10.0.0.1.2""#),
            ("10.0.0.256", r#"expected an IP address, found "10.0.0.256""#),
            ("10.0.0.+1", r#"expected an IP address, found "10.0.0.+1""#),
            (" 10.0.0.1", r#"expected an IP address, found " 10.0.0.1""#),
            ("fe80::1%eth0", r#"expected an IP address, found "fe80::1%eth0""#),
            ("", r#"expected an IP address, found """#),
            (
                "::ffff:10.0.0.1",
                "expected plain IPv4, found an IPv4 address written as IPv6, ::ffff:10.0.0.1",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(parse_address(text)), expected, "{text}");
        }
    }

    #[test]
    fn refuses_addresses_that_only_mean_something_locally() {
        let cases = [
            ("0.0.0.0", "unspecified"),
            ("::", "unspecified"),
            ("127.8.0.1", "loopback"),
            ("::1", "loopback"),
            ("169.254.1.1", "link-local"),
            ("fe80::1", "link-local"),
            ("224.0.0.1", "multicast"),
            ("239.1.1.1", "multicast"),
            ("ff0e::1", "multicast"),
            ("255.255.255.255", "broadcast"),
        ];
        for (text, what) in cases {
            let address = text.parse().expect("the test's address");
            assert_eq!(parse_reachable(text), Err(InvalidAddress::Special(what, address)));
        }
        assert_eq!(shown(parse_reachable("192.0.2.7")), "192.0.2.7");
    }

    #[test]
    fn reads_ranges_and_drops_host_bits() {
        let malformed = |text: &str| InvalidAddress::MalformedRange(text.to_owned()).to_string();
        let cases = [
            ("10.0.0.0/8", "10.0.0.0/8".to_owned()),
            ("010.1.2.3/08", "10.0.0.0/8".to_owned()),
            ("fd00::1/64", "fd00::/64".to_owned()),
            ("0.0.0.0/0", "0.0.0.0/0".to_owned()),
            ("10.0.0.0", malformed("10.0.0.0")),
            ("10.0.0.0/33", malformed("10.0.0.0/33")),
            ("10.0.0.0/", malformed("10.0.0.0/")),
            ("10.0.0.0/+8", malformed("10.0.0.0/+8")),
            ("x/8", malformed("x/8")),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(parse_range(text)), expected, "{text}");
        }
        let mapped = InvalidAddress::Mapped("::ffff:10.0.0.0".parse().expect("an address"));
        assert_eq!(parse_range("::ffff:10.0.0.0/104"), Err(mapped));
    }
}
