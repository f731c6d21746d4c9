//! Which zones does a text name: a domain, or a network whose addresses are looked up?

use std::sync::Arc;

use ipnet::IpNet;

/// A name that DNS can carry, in the one form of all settings: lower case, without the final dot,
/// the root is "".
///
/// `None` when it is longer than 253 bytes, or has a label that is empty, longer than 63 bytes, or
/// holds blanks.
pub(crate) fn domain(text: &str) -> Option<Arc<str>> {
    let bare = text.strip_suffix('.').unwrap_or(text);
    if bare.is_empty() {
        return (text == ".").then(|| Arc::from(""));
    }
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.chars().any(|c| c.is_whitespace() || c.is_control() || c == '/')
    };
    (bare.len() <= 253 && bare.split('.').all(is_label)).then(|| bare.to_ascii_lowercase().into())
}

/// The zones of a word: a domain, or a network, whose reverse zones are meant.
pub(crate) fn zones(text: &str) -> Option<Vec<Arc<str>>> {
    match text.parse::<IpNet>() {
        Ok(network) => Some(reverse_zones(network)),
        Err(_) => domain(text).map(|name| vec![name]),
    }
}

/// The reverse zones that cover exactly the network. A zone ends at an octet of an IPv4 address and
/// at a nibble of an IPv6 address, so a network between has up to 128, or 8.
///
/// ```
/// # use std::sync::Arc;
/// let zones = dns::config::reverse_zones("10.96.0.0/15".parse().unwrap());
/// assert_eq!(zones, [Arc::from("96.10.in-addr.arpa"), Arc::from("97.10.in-addr.arpa")]);
/// ```
#[must_use]
pub fn reverse_zones(network: IpNet) -> Vec<Arc<str>> {
    let network = network.trunc();
    let digit_bits = if network.addr().is_ipv4() { 8 } else { 4 };
    let boundary = network.prefix_len().next_multiple_of(digit_bits);
    let digits = usize::from(boundary / digit_bits);
    network.subnets(boundary).into_iter().flatten().map(|part| reverse_zone(part, digits)).collect()
}

/// The zone of the first `digits` octets or nibbles of the network's address.
fn reverse_zone(network: IpNet, digits: usize) -> Arc<str> {
    let (all, root): (Vec<String>, &str) = match network {
        IpNet::V4(network) => {
            (network.addr().octets().iter().map(ToString::to_string).collect(), "in-addr.arpa")
        }
        IpNet::V6(network) => {
            let octets = network.addr().octets();
            let nibbles = octets.iter().flat_map(|octet| [octet >> 4, octet & 15]);
            (nibbles.map(|nibble| format!("{nibble:x}")).collect(), "ip6.arpa")
        }
    };
    let mut labels: Vec<&str> = all.iter().take(digits).rev().map(String::as_str).collect();
    labels.push(root);
    labels.join(".").into()
}

/// Whether the zone is one of addresses.
pub(crate) fn is_reverse(zone: &str) -> bool {
    ["in-addr.arpa", "ip6.arpa"].iter().any(|root| is_within(zone, root))
}

/// Whether the name is the zone or below it. Both in lower case, without the final dot.
#[must_use]
pub fn is_within(name: &str, zone: &str) -> bool {
    if zone.is_empty() {
        return true;
    }
    match name.strip_suffix(zone) {
        Some(rest) => rest.is_empty() || rest.ends_with('.'),
        None => false,
    }
}

/// How many labels a name has: of two zones that hold a name, the one with more is meant.
pub(crate) fn labels(zone: &str) -> usize {
    if zone.is_empty() { 0 } else { zone.split('.').count() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_has_one_form() {
        let cases = [
            ("Cluster.Local.", Some("cluster.local")),
            ("cluster.local", Some("cluster.local")),
            (".", Some("")),
            ("_tcp.a", Some("_tcp.a")),
            ("", None),
            ("..", None),
            ("a..b", None),
            (".a", None),
            ("a b", None),
            ("10.0.0.0/33", None),
        ];
        for (text, expected) in cases {
            assert_eq!(domain(text).as_deref(), expected, "{text}");
        }
        let (longest, longer) = ("a".repeat(63), "a".repeat(64));
        assert_eq!((domain(&longest).is_some(), domain(&longer)), (true, None));
        let name = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61)].join(".");
        assert_eq!(domain(&name).as_deref(), Some(name.as_str()));
        assert_eq!(domain(&format!("{name}d")), None);
    }

    #[track_caller]
    fn expect(network: &str, first: &str, last: &str, count: usize) {
        let zones = zones(network).expect("a network");
        let ends = (zones.first().map(|zone| &**zone), zones.last().map(|zone| &**zone));
        assert_eq!((ends, zones.len()), ((Some(first), Some(last)), count), "{network}");
    }

    #[test]
    fn a_network_is_covered_by_zones_that_end_at_a_digit() {
        expect("10.96.0.0/16", "96.10.in-addr.arpa", "96.10.in-addr.arpa", 1);
        expect("10.96.0.0/12", "96.10.in-addr.arpa", "111.10.in-addr.arpa", 16);
        expect("10.97.3.4/12", "96.10.in-addr.arpa", "111.10.in-addr.arpa", 16);
        expect("10.0.0.128/25", "128.0.0.10.in-addr.arpa", "255.0.0.10.in-addr.arpa", 128);
        expect("10.1.2.3/32", "3.2.1.10.in-addr.arpa", "3.2.1.10.in-addr.arpa", 1);
        expect("0.0.0.0/0", "in-addr.arpa", "in-addr.arpa", 1);
        expect("::/0", "ip6.arpa", "ip6.arpa", 1);
        expect(
            "fd00:10:96::/47",
            "6.9.0.0.0.1.0.0.0.0.d.f.ip6.arpa",
            "7.9.0.0.0.1.0.0.0.0.d.f.ip6.arpa",
            2,
        );
        expect("fd00::/9", "0.d.f.ip6.arpa", "7.d.f.ip6.arpa", 8);
    }

    #[test]
    fn a_name_is_within_its_zone_by_whole_labels() {
        let cases = [
            ("a.b", "b", true),
            ("b", "b", true),
            ("ab", "b", false),
            ("b", "a.b", false),
            ("a", "", true),
            ("", "", true),
        ];
        for (name, zone, expected) in cases {
            assert_eq!(is_within(name, zone), expected, "{name} in {zone}");
        }
    }
}
