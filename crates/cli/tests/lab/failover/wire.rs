//! What was on the wire? `tcpdump` writes it down where the client is.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use model::Mac;

use super::rig::Rig;

const FILE_HEADER: usize = 24;
const RECORD_HEADER: usize = 16;

/// `tcpdump` at work.
pub(super) struct Capture {
    tcpdump: Child,
    path: PathBuf,
}

/// Somebody said by a frame that an address is his: by ARP or neighbour discovery, or by an answer from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claim {
    /// Since 1970.
    pub(super) at: Duration,
    pub(super) address: IpAddr,
    pub(super) mac: Mac,
}

impl Capture {
    #[expect(clippy::disallowed_methods, reason = "runs a judge")]
    pub(super) fn begin(rig: &Rig) -> Self {
        let path = rig.lab.path("wire.pcap");
        let filter = "arp or icmp6 or udp port 90";
        let start = || {
            let mut command = Command::new("tcpdump");
            command.args(["-i", "eth0", "-s", "96", "-U", "--immediate-mode", "-w"]);
            command.arg(&path).arg(filter).stderr(Stdio::piped()).spawn().unwrap()
        };
        let mut tcpdump = rig.outside.run(start).unwrap();
        let mut said = BufReader::new(tcpdump.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("listening on") {
            line.clear();
            assert!(said.read_line(&mut line).unwrap() > 0, "tcpdump has ended");
        }
        tcpdump.stderr = Some(said.into_inner());
        Self { tcpdump, path }
    }

    /// All claims of these addresses, in order.
    pub(super) fn end(mut self, rig: &Rig) -> Vec<Claim> {
        rig.signal("-INT", &self.tcpdump.id().to_string());
        self.tcpdump.wait().unwrap();
        claims(&fs::read(&self.path).unwrap(), rig.vips)
    }
}

/// Those in a file of `tcpdump`, in the order of this machine's bytes and with microseconds.
fn claims(mut file: &[u8], vips: [IpAddr; 2]) -> Vec<Claim> {
    assert_eq!(file[..4], 0xa1b2_c3d4_u32.to_ne_bytes());
    file = &file[FILE_HEADER..];
    let mut claims = Vec::new();
    while file.len() >= RECORD_HEADER {
        let number = |at: usize| u32::from_ne_bytes(file[at..at + 4].try_into().unwrap());
        let at = Duration::new(number(0).into(), number(4) * 1000);
        let end = RECORD_HEADER + number(8) as usize;
        let Some(frame) = file.get(RECORD_HEADER..end) else { break };
        let claimed = claimed(frame).filter(|address| vips.contains(address));
        claims.extend(claimed.map(|address| Claim { at, address, mac: mac(frame) }));
        file = &file[end..];
    }
    claims
}

fn mac(frame: &[u8]) -> Mac {
    Mac(frame[6..12].try_into().unwrap())
}

/// Which address the sender of a frame claims to have.
fn claimed(frame: &[u8]) -> Option<IpAddr> {
    let v4 = |at: usize| Some(<[u8; 4]>::try_from(frame.get(at..at + 4)?).ok()?.into());
    let v6 = |at: usize| Some(<[u8; 16]>::try_from(frame.get(at..at + 16)?).ok()?.into());
    match frame.get(12..14)? {
        // ARP
        [8, 6] => v4(28),
        // UDP
        [8, 0] if frame.get(23) == Some(&17) => v4(26),
        [0x86, 0xdd] if frame.get(20) == Some(&17) => v6(22),
        // a neighbour advertisement
        [0x86, 0xdd] if frame.get(20) == Some(&58) && frame.get(54) == Some(&136) => v6(62),
        _ => None,
    }
}

/// How an address went from one to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// From the fault to the first claim by another.
    pub(super) taken: Option<Duration>,
    /// From then to the last claim by the first.
    pub(super) both: Duration,
    /// Who claimed it in the end.
    pub(super) owners: Vec<Mac>,
}

/// The end is so long.
const END: Duration = Duration::from_millis(400);

pub(super) fn change(claims: &[Claim], address: IpAddr, first: &str, fault: SystemTime) -> Change {
    let is_first = |claim: &Claim| claim.mac.to_string() == first;
    let fault = fault.duration_since(UNIX_EPOCH).unwrap();
    let of_address: Vec<&Claim> = claims.iter().filter(|it| it.address == address).collect();
    let after = || of_address.iter().filter(|it| it.at >= fault);
    let taken = after().find(|it| !is_first(it)).map(|it| it.at);
    let last = after().rfind(|it| is_first(it)).map(|it| it.at);
    let both = taken.zip(last).map_or(Duration::ZERO, |(taken, last)| last.saturating_sub(taken));
    let end = of_address.last().map_or(Duration::ZERO, |it| it.at);
    let mut owners: Vec<Mac> =
        of_address.iter().filter(|it| it.at + END >= end).map(|it| it.mac).collect();
    owners.sort_unstable();
    owners.dedup();
    Change { taken: taken.map(|at| at - fault), both, owners }
}
