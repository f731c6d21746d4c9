//! How is a network namespace set up to be a node, and how do packets get in and out of it?

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsFd;
use std::time::Duration;

use host::link::Links;
use host::netns::Netns;
use host::process::stdout_of;
use host::sysctl;
use ipnet::IpNet;
use model::Family;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, Protocol as IpProtocol, SockAddr, Socket, Type};
use tun_rs::{DeviceBuilder, SyncDevice};

use super::{RigError, failed};
use crate::run::DEFAULT_INTERFACE;

/// All that leaves the node leaves here: one queue, so the order is known.
const OUT: &str = "out0";

/// Far longer than the kernel needs for a packet, even on a busy machine.
const DEADLINE: Duration = Duration::from_secs(10);

const FRAME_BYTES_MAX: usize = 2048;

/// Not a protocol, but a socket that takes any.
const IPPROTO_RAW: i32 = 255;

/// Routes without asking back, at once, and says every time why not.
const SYSCTLS: [(&str, &str); 13] = [
    ("net.ipv4.ip_forward", "1"),
    ("net.ipv4.conf.all.rp_filter", "0"),
    ("net.ipv4.conf.default.rp_filter", "0"),
    ("net.ipv4.conf.all.send_redirects", "0"),
    ("net.ipv4.conf.default.send_redirects", "0"),
    ("net.ipv4.icmp_ratemask", "0"),
    ("net.ipv4.icmp_ratelimit", "0"),
    ("net.ipv6.conf.all.disable_ipv6", "0"),
    ("net.ipv6.conf.default.accept_dad", "0"),
    ("net.ipv6.conf.default.addr_gen_mode", "1"),
    ("net.ipv6.conf.all.forwarding", "1"),
    ("net.ipv6.icmp.ratelimit", "0"),
    ("net.ipv6.icmp.ratemask", "3-127"),
];

/// What the node takes in itself is copied to the way out and goes no further: the node's own stack
/// would answer, and a refusal of its own looks like the dataplane's.
const TAKEN_IN: &str = r#"
table ip rig {
  chain taken-in {
    type filter hook input priority 300
    dup to 192.0.2.1 device "out0"
    drop
  }
}
table ip6 rig {
  chain taken-in {
    type filter hook input priority 300
    icmpv6 type { 130-137, 143 } drop
    dup to 2001:db8::1 device "out0"
    drop
  }
}
"#;

/// The namespace with its interfaces. A TUN device has no neighbours to resolve, and what is written
/// to it is routed before the write returns.
pub(super) struct Node {
    netns: Netns,
    out: SyncDevice,
    interfaces: BTreeMap<String, SyncDevice>,
    own_v4: Socket,
    own_v6: Socket,
}

impl Node {
    /// A node with these addresses, the first of each family being its primary one.
    pub(super) fn new(addresses: &[IpAddr]) -> Result<Self, RigError> {
        let netns = Netns::unshared().map_err(failed("create the namespace"))?;
        netns
            .run(|| {
                for (name, value) in SYSCTLS {
                    sysctl::write(name, value).map_err(failed("set a parameter"))?;
                }
                let out = device(OUT)?;
                let first = device(DEFAULT_INTERFACE)?;
                let mut links = Links::open().map_err(failed("open netlink"))?;
                for address in addresses {
                    links
                        .add_address(DEFAULT_INTERFACE, IpNet::from(*address))
                        .map_err(failed("add an address"))?;
                }
                for everything in [
                    IpNet::new_assert(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0),
                    IpNet::new_assert(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0),
                ] {
                    links.add_link_route(everything, OUT).map_err(failed("add a route"))?;
                }
                host::address::await_local(addresses.iter().copied())
                    .map_err(failed("wait for an address"))?;
                stdout_of("nft", &["-f", "-"], TAKEN_IN, DEADLINE).map_err(failed("load rules"))?;
                Ok((out, first, own_socket(Family::V4)?, own_socket(Family::V6)?))
            })
            .map_err(failed("enter the namespace"))?
            .map(|(out, first, own_v4, own_v6)| {
                let interfaces = BTreeMap::from([(DEFAULT_INTERFACE.to_owned(), first)]);
                Self { netns, out, interfaces, own_v4, own_v6 }
            })
    }

    pub(super) const fn netns(&self) -> &Netns {
        &self.netns
    }

    /// Lets a packet arrive on an interface, which is made if it is not there.
    pub(super) fn arrive(&mut self, interface: &str, packet: &[u8]) -> Result<(), RigError> {
        if !self.interfaces.contains_key(interface) {
            let made =
                self.netns.run(|| device(interface)).map_err(failed("enter the namespace"))??;
            self.interfaces.insert(interface.to_owned(), made);
        }
        let device = self.interfaces.get(interface).expect("it was put there just before");
        device.send(packet).map(|_| ()).map_err(failed("let a packet arrive"))
    }

    /// Lets the node send a packet. Refused by an output rule, it is simply not sent.
    pub(super) fn emit(&self, destination: IpAddr, packet: &[u8]) -> Result<(), RigError> {
        let socket = match destination {
            IpAddr::V4(_) => &self.own_v4,
            IpAddr::V6(_) => &self.own_v6,
        };
        match socket.send_to(packet, &SockAddr::from(SocketAddr::new(destination, 0))) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            Err(error) => Err(failed("send from the node")(error)),
        }
    }

    /// The next frame that leaves; waits for it, as something must come.
    pub(super) fn next_frame(&self) -> Result<Vec<u8>, RigError> {
        let mut frame = vec![0; FRAME_BYTES_MAX];
        loop {
            match self.out.recv(&mut frame) {
                Ok(length) => {
                    frame.truncate(length);
                    return Ok(frame);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let fd = self.out.as_fd();
                    let timeout = Timespec::try_from(DEADLINE).ok();
                    let ready = poll(&mut [PollFd::new(&fd, PollFlags::IN)], timeout.as_ref())
                        .map_err(failed("wait for a frame"))?;
                    if ready == 0 {
                        return Err(RigError::Silent);
                    }
                }
                Err(error) => return Err(failed("read a frame")(error)),
            }
        }
    }
}

/// In the namespace of the calling thread.
fn device(name: &str) -> Result<SyncDevice, RigError> {
    let device = DeviceBuilder::new()
        .name(name)
        .mtu(1500)
        .enable(true)
        .build_sync()
        .map_err(failed("make a TUN device"))?;
    device.set_nonblocking(true).map_err(failed("make a TUN device"))?;
    Ok(device)
}

/// Sends whole IP packets from the namespace of the calling thread, through its output hook.
fn own_socket(family: Family) -> Result<Socket, RigError> {
    let domain = match family {
        Family::V4 => Domain::IPV4,
        Family::V6 => Domain::IPV6,
    };
    let raw = IpProtocol::from(IPPROTO_RAW);
    let socket = Socket::new(domain, Type::RAW, Some(raw)).map_err(failed("open a raw socket"))?;
    match family {
        Family::V4 => socket.set_header_included_v4(true),
        Family::V6 => socket.set_header_included_v6(true),
    }
    .map_err(failed("open a raw socket"))?;
    Ok(socket)
}
