//! What are the name servers asked, and what is the right answer?

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use crate::cluster::Number;

/// The cluster's domain.
pub(crate) const DOMAIN: &str = "cluster.local";
/// The headless Service.
pub(crate) const CREW: &str = "crew";
pub(crate) const CREW_ENDPOINTS: usize = 100;
/// Names below this one are asked of the upstream.
const OUTSIDE: &str = "outside.example";
/// What the upstream says of every name.
pub(crate) const OUTSIDE_ADDRESS: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);
/// So many outside names are in the cache when they are asked.
pub(crate) const CACHED_NAMES: u64 = 1000;

/// Octets of an answer over UDP that clients take with EDNS.
const EDNS_SIZE: u16 = 1232;
const OPT: u16 = 41;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Workload {
    /// The address of a Service, each as often as any other.
    Service,
    /// A name that is not there, another each time.
    Absent,
    /// A headless Service whose addresses are more than a datagram holds.
    Headless,
    /// The same over TCP, where all fit.
    HeadlessTcp,
    /// A name of outside that was asked before.
    Cached,
    /// A name of outside that was never asked before.
    Uncached,
}

/// What one message must say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// One address.
    Address(Ipv4Addr),
    /// NXDOMAIN.
    Absent,
    /// So many addresses.
    Whole(usize),
    /// So many addresses, or the bit that says that not all of them fit.
    WholeOrTruncated(usize),
}

impl Workload {
    pub(crate) const ALL: [Self; 6] = [
        Self::Service,
        Self::Absent,
        Self::Headless,
        Self::HeadlessTcp,
        Self::Cached,
        Self::Uncached,
    ];

    /// As people read it.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Service => "A of Services",
            Self::Absent => "NXDOMAIN",
            Self::Headless => "headless, 100 endpoints, UDP with EDNS",
            Self::HeadlessTcp => "headless, 100 endpoints, TCP",
            Self::Cached => "outside, cached",
            Self::Uncached => "outside, forwarded",
        }
    }

    pub(crate) const fn is_tcp(self) -> bool {
        matches!(self, Self::HeadlessTcp)
    }

    /// Writes the question with this number in place of what is there.
    pub(crate) fn write(self, number: u64, id: u16, message: &mut Vec<u8>) {
        let has_edns = matches!(self, Self::Headless);
        message.clear();
        message.extend_from_slice(&id.to_be_bytes());
        // Recursion is desired, as by any stub resolver; one question, perhaps an OPT record.
        message.extend_from_slice(&[1, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(has_edns)]);
        match self {
            Self::Service => label(message, format_args!("service-{number}")),
            Self::Absent => label(message, format_args!("absent-{number}")),
            Self::Headless | Self::HeadlessTcp => label(message, format_args!("{CREW}")),
            Self::Cached => label(message, format_args!("cached-{number}")),
            Self::Uncached => label(message, format_args!("fresh-{number}")),
        }
        let parent: &[&str] = match self {
            Self::Cached | Self::Uncached => &[OUTSIDE],
            Self::Service | Self::Absent | Self::Headless | Self::HeadlessTcp => {
                &["default", "svc", DOMAIN]
            }
        };
        for text in parent.iter().flat_map(|name| name.split('.')) {
            label(message, format_args!("{text}"));
        }
        // The root; type A, class IN.
        message.extend_from_slice(&[0, 0, 1, 0, 1]);
        if has_edns {
            message.push(0);
            message.extend_from_slice(&OPT.to_be_bytes());
            message.extend_from_slice(&EDNS_SIZE.to_be_bytes());
            message.extend_from_slice(&[0; 6]);
        }
    }

    /// What must be answered to the question with this number.
    pub(crate) fn expected(self, number: u64) -> Expected {
        match self {
            Self::Service => {
                Expected::Address(Number(usize::try_from(number).unwrap_or(0)).cluster_ip())
            }
            Self::Absent => Expected::Absent,
            Self::Headless => Expected::WholeOrTruncated(CREW_ENDPOINTS),
            Self::HeadlessTcp => Expected::Whole(CREW_ENDPOINTS),
            Self::Cached | Self::Uncached => Expected::Address(OUTSIDE_ADDRESS),
        }
    }
}

fn label(message: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    let at = message.len();
    message.push(0);
    // Writing to a vector does not fail.
    let written = message.write_fmt(text);
    debug_assert!(written.is_ok(), "a vector takes everything");
    let length = u8::try_from(message.len() - at - 1).unwrap_or(0);
    if let Some(octet) = message.get_mut(at) {
        *octet = length;
    }
}

/// Which questions come one after the other.
#[derive(Debug)]
pub(crate) struct Numbers<'a> {
    workload: Workload,
    services: u64,
    random: u64,
    /// Never used before in this process: one count for all servers and all rounds.
    fresh: &'a AtomicU64,
}

impl<'a> Numbers<'a> {
    /// The same seed gives the same order.
    pub(crate) fn new(
        workload: Workload,
        services: usize,
        fresh: &'a AtomicU64,
        seed: u64,
    ) -> Self {
        let services = u64::try_from(services).unwrap_or(1).max(1);
        let random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        Self { workload, services, random, fresh }
    }

    pub(crate) fn draw(&mut self) -> u64 {
        match self.workload {
            Workload::Service => self.below(self.services),
            Workload::Cached => self.below(CACHED_NAMES),
            Workload::Absent | Workload::Uncached => self.fresh.fetch_add(1, Ordering::Relaxed),
            Workload::Headless | Workload::HeadlessTcp => 0,
        }
    }

    /// Xorshift: fast, and random enough to spread questions.
    fn below(&mut self, end: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_a_header_a_name_and_a_type() {
        let mut message = b"what was there".to_vec();
        Workload::Service.write(42, 0x1234, &mut message);
        assert_eq!(
            message,
            b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\
              \x0aservice-42\x07default\x03svc\x07cluster\x05local\0\0\x01\0\x01"
        );
        Workload::Headless.write(0, 1, &mut message);
        assert_eq!(
            message,
            b"\0\x01\x01\0\0\x01\0\0\0\0\0\x01\
              \x04crew\x07default\x03svc\x07cluster\x05local\0\0\x01\0\x01\
              \0\0\x29\x04\xd0\0\0\0\0\0\0"
        );
    }

    #[test]
    fn names_that_must_be_new_never_come_twice() {
        let fresh = AtomicU64::new(7);
        let mut one = Numbers::new(Workload::Uncached, 10, &fresh, 1);
        let mut other = Numbers::new(Workload::Absent, 10, &fresh, 1);
        assert_eq!([one.draw(), other.draw(), one.draw()], [7, 8, 9]);
    }

    #[test]
    fn every_service_is_asked_about() {
        let fresh = AtomicU64::new(0);
        let mut numbers = Numbers::new(Workload::Service, 5, &fresh, 3);
        let drawn: std::collections::BTreeSet<u64> = (0..200).map(|_| numbers.draw()).collect();
        assert_eq!(drawn, (0..5).collect());
    }
}
