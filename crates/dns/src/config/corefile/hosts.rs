//! What does a `hosts` of a Corefile say?

use super::super::hosts::{HostTable, Hosts};
use super::super::kubernetes::Fallthrough;
use super::super::notice::Notices;
use super::report::Report;
use super::tree::Line;

/// Seconds: the longest TTL of an entry.
const TTL_MAX: u32 = 65_535;

/// The file that is meant when neither a file nor an entry is given.
const DEFAULT_FILE: &str = "/etc/hosts";

pub(super) fn read(line: &Line, notices: &mut Notices) -> Hosts {
    let mut report = Report { plugin: "hosts", notices };
    let (file, zones) = line.arguments().split_first().unzip();
    let mut hosts = Hosts {
        zones: report.zones(line, zones.unwrap_or_default()),
        table: HostTable::default(),
        file: file.map(|path| path.as_str().into()),
        ttl: 3600,
        has_reverse: true,
        fallthrough: Fallthrough::Never,
        origin: line.origin.clone(),
    };
    for option in &line.body {
        match option.name() {
            "fallthrough" => hosts.fallthrough = fallthrough(option, &mut report),
            "ttl" => hosts.ttl = report.number(option, 1..=TTL_MAX).unwrap_or(hosts.ttl),
            "no_reverse" => hosts.has_reverse = false,
            // Files are watched.
            "reload" => {}
            name if name.contains(['.', ':']) => {
                let names = option.arguments().iter().map(String::as_str);
                hosts.table.add_entry(name, names, &option.origin, report.notices);
            }
            _ => report.unknown(option),
        }
    }
    // CoreDNS reads its pod's file beside the entries; ours would be the node's, which is not meant.
    if hosts.file.is_none() && hosts.table.is_empty() {
        hosts.file = Some(DEFAULT_FILE.into());
    }
    hosts
}

/// `fallthrough [ZONES...]`.
pub(super) fn fallthrough(option: &Line, report: &mut Report<'_>) -> Fallthrough {
    if option.arguments().is_empty() {
        return Fallthrough::Always;
    }
    Fallthrough::Zones(report.zones(option, option.arguments()))
}
