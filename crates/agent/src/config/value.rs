//! How is the value of one flag read, and what is said of a wrong one?

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;
use model::{Family, NodeName};
use thiserror::Error;

/// A flag that cannot be used, and what could.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{flag} {problem}: {value}")]
pub struct ConfigError {
    pub flag: &'static str,
    /// Reads on from the flag: `is not a CIDR`.
    pub problem: &'static str,
    pub value: String,
    pub hint: String,
}

impl ConfigError {
    pub(super) fn new(
        flag: &'static str,
        problem: &'static str,
        value: impl ToString,
        hint: impl Into<String>,
    ) -> Self {
        Self { flag, problem, value: value.to_string(), hint: hint.into() }
    }
}

/// One flag, while its value is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flag(pub(super) &'static str);

impl Flag {
    pub(super) fn wrong(
        self,
        problem: &'static str,
        value: impl ToString,
        hint: impl Into<String>,
    ) -> ConfigError {
        ConfigError::new(self.0, problem, value, hint)
    }

    /// CIDRs without bits beyond their prefix, each once, in order.
    pub(super) fn cidrs(self, values: &[String]) -> Result<Vec<IpNet>, ConfigError> {
        let mut cidrs = Vec::with_capacity(values.len());
        for value in values {
            let cidr = self.cidr(value.trim())?;
            if !cidrs.contains(&cidr) {
                cidrs.push(cidr);
            }
        }
        Ok(cidrs)
    }

    fn cidr(self, value: &str) -> Result<IpNet, ConfigError> {
        let Ok(cidr) = value.parse::<IpNet>() else {
            let hint = match value.parse::<IpAddr>() {
                Ok(IpAddr::V4(ip)) => format!("add a prefix length, for example {ip}/16"),
                Ok(IpAddr::V6(ip)) => format!("add a prefix length, for example {ip}/64"),
                Err(_) => "write it as 10.244.0.0/16 or fd00:10::/64".to_owned(),
            };
            return Err(self.wrong("is not a CIDR", value, hint));
        };
        if cidr != cidr.trunc() {
            let hint = format!("write {} for the whole network", cidr.trunc());
            return Err(self.wrong("has bits beyond its prefix", value, hint));
        }
        Ok(cidr)
    }

    /// At most one address of each family, that others can send to.
    pub(super) fn node_ips(self, values: &[String]) -> Result<Vec<IpAddr>, ConfigError> {
        let mut ips: Vec<IpAddr> = Vec::with_capacity(values.len());
        for value in values {
            let value = value.trim();
            let ip: IpAddr = value.parse().map_err(|_unspecific| {
                self.wrong("is not an IP address", value, "write it as 192.168.0.1 or fd00::1")
            })?;
            if ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() {
                let hint = "name an address of this node that other machines can send to";
                return Err(self.wrong("cannot be a node's address", ip, hint));
            }
            if ips.iter().any(|known| Family::of(*known) == Family::of(ip)) {
                let hint = "give at most one IPv4 and one IPv6 address";
                return Err(self.wrong("is given twice for one family", ip, hint));
            }
            ips.push(ip);
        }
        Ok(ips)
    }

    /// Addresses to listen on; `none` alone means nowhere.
    pub(super) fn addresses(self, values: &[String]) -> Result<Vec<SocketAddr>, ConfigError> {
        if let [only] = values
            && only == "none"
        {
            return Ok(Vec::new());
        }
        let mut addresses = Vec::with_capacity(values.len());
        for value in values {
            let value = value.trim();
            let address: SocketAddr = value.parse().map_err(|_unspecific| {
                let hint = "write it as 0.0.0.0:10256 or [::]:10256, or `none` alone";
                self.wrong("is not an address and port", value, hint)
            })?;
            if addresses.contains(&address) {
                return Err(self.wrong("is given twice", address, "leave one of the two out"));
            }
            addresses.push(address);
        }
        Ok(addresses)
    }

    /// Numbers with units, largest first, as in `1h30m`, `24h`, `500ms`; `0` needs no unit.
    pub(super) fn time(self, value: &str) -> Result<Duration, ConfigError> {
        parse_time(value).ok_or_else(|| {
            self.wrong("is not a time", value, "write it as 30s, 500ms, 24h or 1h30m")
        })
    }

    /// A time of which zero means: leave the kernel's. The kernel counts in seconds.
    pub(super) fn kernel_time(self, value: &str) -> Result<Option<Duration>, ConfigError> {
        let time = self.time(value)?;
        if time.subsec_nanos() != 0 {
            return Err(self.wrong("is not in whole seconds", value, "the kernel counts seconds"));
        }
        Ok((!time.is_zero()).then_some(time))
    }

    pub(super) fn number(self, value: &str) -> Result<u32, ConfigError> {
        value.parse().map_err(|_unspecific| {
            self.wrong("is not a number", value, format!("write a number from 0 to {}", u32::MAX))
        })
    }

    pub(super) fn node_name(self, value: &str) -> Result<NodeName, ConfigError> {
        let is_label = |label: &str| {
            let bytes = label.as_bytes();
            let is_edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
            is_edge(bytes.first())
                && is_edge(bytes.last())
                && bytes.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        };
        if value.len() > 253 || !value.split('.').all(is_label) {
            let hint = "use lower case letters, digits, `-` and `.`, at most 253 in all, \
                        as in the Node object";
            return Err(self.wrong("is not a node name", format!("{value:?}"), hint));
        }
        Ok(NodeName::new(value))
    }

    /// The kernel's rule for the names of interfaces.
    pub(super) fn interface(self, value: &str) -> Result<&str, ConfigError> {
        let is_name = !value.is_empty()
            && value.len() <= 15
            && value.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'/' | b':'));
        if is_name {
            Ok(value)
        } else {
            let hint = "interfaces have 1 to 15 letters, digits or signs, no `/`, no space";
            Err(self.wrong("is not the name of an interface", format!("{value:?}"), hint))
        }
    }
}

fn parse_time(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    let mut last_unit_ms = u64::MAX;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit_and_rest) = rest.split_at(digits);
        let letters = unit_and_rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, after) = unit_and_rest.split_at(letters);
        let unit_ms: u64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        if unit_ms >= last_unit_ms {
            return None;
        }
        last_unit_ms = unit_ms;
        let ms = number.parse::<u64>().ok()?.checked_mul(unit_ms)?;
        total = total.checked_add(Duration::from_millis(ms))?;
        rest = after;
    }
    (last_unit_ms != u64::MAX).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_numbers_with_falling_units() {
        let ms = |text: &str| parse_time(text).map(|time| time.as_millis());
        let read = ["0", "500ms", "30s", "1h30m", "24h", "2d"].map(ms);
        assert_eq!(
            read,
            [
                Some(0),
                Some(500),
                Some(30_000),
                Some(5_400_000),
                Some(86_400_000),
                Some(172_800_000)
            ]
        );
        let wrong = ["", "30", "s", "-1s", "1.5h", "30m1h", "1s1s", "1 s", "999999999999999999d"];
        assert_eq!(wrong.map(ms), [None; 9]);
    }
}
