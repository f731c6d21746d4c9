//! How is the kernel's connection tracking set, before the first connection comes?

use std::time::Duration;

use host::sysctl::{self, SysctlError};
use model::{Object, Rejection};

use crate::config::ConntrackSettings;

/// What is set, with its name below `/proc/sys`.
const MAX: &str = "net.netfilter.nf_conntrack_max";
const BUCKETS: &str = "net.netfilter.nf_conntrack_buckets";
const TCP_ESTABLISHED: &str = "net.netfilter.nf_conntrack_tcp_timeout_established";
const TCP_CLOSE_WAIT: &str = "net.netfilter.nf_conntrack_tcp_timeout_close_wait";
const TCP_BE_LIBERAL: &str = "net.netfilter.nf_conntrack_tcp_be_liberal";
const UDP: &str = "net.netfilter.nf_conntrack_udp_timeout";
const UDP_STREAM: &str = "net.netfilter.nf_conntrack_udp_timeout_stream";

/// Sets what can be set. What cannot is left as it is and returned: in a container, and in a
/// network namespace that is not the host's, the kernel lets nobody change the size of the table.
pub(crate) fn tune(settings: &ConntrackSettings, cores: u32) -> Vec<Rejection> {
    let mut refused = Vec::new();
    let mut note = |field: &'static str, outcome: Result<(), SysctlError>| {
        if let Err(error) = outcome {
            refused.push(Rejection::new(Object::Agent, field, error.to_string()));
        }
    };
    if let Some(entries) = settings.entries_max(cores) {
        note(MAX, raise(MAX, entries));
        // Chains in the hash stay short when there is a bucket for every four entries.
        note(BUCKETS, raise(BUCKETS, entries / 4));
    }
    let timeouts = [
        (TCP_ESTABLISHED, settings.tcp_timeout_established),
        (TCP_CLOSE_WAIT, settings.tcp_timeout_close_wait),
        (UDP, settings.udp_timeout),
        (UDP_STREAM, settings.udp_timeout_stream),
    ];
    for (name, timeout) in timeouts {
        if let Some(timeout) = timeout {
            note(name, set(name, &seconds(timeout)));
        }
    }
    let be_liberal = if settings.tcp_be_liberal { "1" } else { "0" };
    note(TCP_BE_LIBERAL, set(TCP_BE_LIBERAL, be_liberal));
    refused
}

fn seconds(timeout: Duration) -> String {
    timeout.as_secs().to_string()
}

/// Writes only what differs: where the value is right, no permission is needed.
fn set(name: &str, value: &str) -> Result<(), SysctlError> {
    if sysctl::read(name)?.trim() == value { Ok(()) } else { sysctl::write(name, value) }
}

/// Never makes the table smaller than somebody else made it.
fn raise(name: &str, at_least: u32) -> Result<(), SysctlError> {
    let held: u32 = sysctl::read_number(name)?;
    if held >= at_least { Ok(()) } else { sysctl::write(name, &at_least.to_string()) }
}
