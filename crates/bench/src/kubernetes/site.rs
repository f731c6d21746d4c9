//! Where do the control plane and the two nodes run?
//!
//! Each has a network namespace of its own, and each node a cable to the control plane: what goes
//! through it is all that a node's program and the API server say to each other.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::time::Duration;

use anyhow::{Context as _, Result};
use host::link::Links;
use host::netns::Netns;
use host::process;
use ipnet::{IpNet, Ipv4Net};

use crate::cluster::SERVICES;

/// Where the API server is, seen from everywhere.
pub(crate) const API_SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// All endpoints, and so all pods.
pub(crate) const ENDPOINTS: &str = "10.128.0.0/9";
/// A node's end of its cable.
const CABLE: &str = "up0";
const DEADLINE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) control_plane: Netns,
    pub(crate) nodes: [Node; 2],
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) netns: Netns,
    pub(crate) address: Ipv4Addr,
}

impl Site {
    pub(crate) fn build() -> Result<Self> {
        let control_plane = Netns::unshared()?;
        control_plane
            .run(|| Links::open()?.add_address("lo", host_net(API_SERVER)).context("lo"))??;
        let nodes = [Node::build(&control_plane, 0)?, Node::build(&control_plane, 1)?];
        Ok(Self { control_plane, nodes })
    }
}

impl Node {
    fn build(control_plane: &Netns, number: u8) -> Result<Self> {
        let netns = Netns::unshared()?;
        let [theirs, ours] = [1, 2].map(|last| Ipv4Addr::new(192, 0, 2, 16 + 4 * number + last));
        let link = format!("node{number}");
        control_plane.run(|| -> Result<()> {
            let mut links = Links::open()?;
            links.create_veth(&link, CABLE, Some(&netns))?;
            links.add_address(&link, cable(theirs)?)?;
            Ok(links.set_up(&link)?)
        })??;
        netns.run(|| -> Result<()> {
            let mut links = Links::open()?;
            links.add_address(CABLE, cable(ours)?)?;
            links.set_up(CABLE)?;
            links.add_route(IpNet::V4(Ipv4Net::default()), IpAddr::from(theirs))?;
            // The kernel only lets connections out to addresses that it has a route for.
            links.add_link_route(SERVICES, "lo")?;
            // Every endpoint is here.
            process::stdout_of(
                "ip",
                &["route", "add", "local", ENDPOINTS, "dev", "lo"],
                "",
                DEADLINE,
            )?;
            Ok(())
        })??;
        Ok(Self { netns, address: ours })
    }

    /// Takes away what the last program left in the kernel.
    pub(crate) fn forget(&self) -> Result<()> {
        for command in [["nft", "flush", "ruleset"], ["conntrack", "--flush", "--"]] {
            let [program, args @ ..] = command;
            let args = if program == "nft" { &args[..] } else { &args[..1] };
            self.netns.run(|| process::stdout_of(program, args, "", DEADLINE))??;
        }
        Ok(())
    }
}

fn host_net(address: Ipv4Addr) -> IpNet {
    IpNet::from(IpAddr::from(address))
}

fn cable(address: Ipv4Addr) -> Result<IpNet> {
    Ok(IpNet::new(address.into(), 30)?)
}

/// What starts a program in a namespace that has no name.
pub(crate) fn enter(netns: &Netns) -> [String; 2] {
    let descriptor = netns.as_fd().as_raw_fd();
    ["nsenter".to_owned(), format!("--net=/proc/{}/fd/{descriptor}", std::process::id())]
}

/// Bytes that came to the calling thread's node.
pub(crate) fn bytes_received() -> Result<u64> {
    let text = fs::read_to_string("/proc/thread-self/net/dev")?;
    let line = text.lines().find_map(|line| line.trim().strip_prefix(CABLE)?.strip_prefix(':'));
    let first = line.and_then(|rest| rest.split_whitespace().next()).context("no such link")?;
    first.parse().context("bytes received")
}
