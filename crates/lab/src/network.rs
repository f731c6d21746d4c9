//! How are nodes, the client outside and pods wired?
//!
//! A bridge in a namespace of its own is the fabric. Nodes and the client outside hang on it; the
//! client outside is also the router to the world. A pod hangs on its node by a cable of its own,
//! and everybody finds it by a route.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use host::address::{AddressError, await_local};
use host::link::{LinkError, Links};
use host::netlink::SocketError;
use host::netns::{Netns, NetnsError};
use host::sysctl::{self, SysctlError};
use ipnet::IpNet;
use model::Family;

use crate::place::Place;
use crate::plan::{NodePlan, Plan};
use crate::who::PodName;

const BRIDGE: &str = "fabric0";
const UPLINK: &str = "eth0";

/// Pods send to it what is not for themselves; no machine has it, the node answers for it.
const GATEWAY_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 1, 1));
/// The node's end of each cable has it.
const GATEWAY_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1));

#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    #[error(transparent)]
    Netns(#[from] NetnsError),
    #[error(transparent)]
    Socket(#[from] SocketError),
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(transparent)]
    Sysctl(#[from] SysctlError),
    #[error("cannot make a place for programs: {0}")]
    Sandbox(#[source] std::io::Error),
    #[error(transparent)]
    Address(#[from] AddressError),
}

/// Addresses are the plan's: nobody needs to be asked whether they are free.
const EVERYWHERE: [(&str, &str); 4] = [
    ("net.ipv6.conf.all.disable_ipv6", "0"),
    ("net.ipv6.conf.default.disable_ipv6", "0"),
    ("net.ipv6.conf.all.accept_dad", "0"),
    ("net.ipv6.conf.default.accept_dad", "0"),
];

const ROUTER: [(&str, &str); 6] = [
    ("net.ipv4.ip_forward", "1"),
    ("net.ipv6.conf.all.forwarding", "1"),
    ("net.ipv4.conf.all.rp_filter", "0"),
    ("net.ipv4.conf.default.rp_filter", "0"),
    ("net.ipv4.conf.all.send_redirects", "0"),
    ("net.ipv4.conf.default.send_redirects", "0"),
];

/// The fabric, the client outside and all nodes, without a pod.
pub(crate) fn build(place: &Place, plan: &Plan) -> Result<(), NetworkError> {
    let fabric = Netns::create(&place.fabric_netns())?;
    fabric.run(|| -> Result<(), NetworkError> {
        let mut links = Links::open()?;
        links.create_bridge(BRIDGE)?;
        links.set_up(BRIDGE)?;
        Ok(())
    })??;
    let outside = Netns::create(&place.outside_netns())?;
    attach(&fabric, &outside, "outside", &plan.outside)?;
    outside.run(|| route_outside(plan))??;
    for node in &plan.nodes {
        build_node(place, plan, node, &fabric)?;
    }
    Ok(())
}

/// Makes a node, or makes it again after its crash.
pub(crate) fn rebuild_node(
    place: &Place,
    plan: &Plan,
    node: &NodePlan,
) -> Result<(), NetworkError> {
    let fabric = Netns::open(&place.fabric_netns())?;
    build_node(place, plan, node, &fabric)
}

/// Pulls a crashed node's cable out of the fabric: the kernel takes the node's own end away when it
/// finds the time.
pub(crate) fn unplug_node(place: &Place, node: &str) -> Result<(), NetworkError> {
    Netns::open(&place.fabric_netns())?
        .run(|| -> Result<(), NetworkError> { Ok(Links::open()?.delete(node)?) })?
}

fn build_node(
    place: &Place,
    plan: &Plan,
    node: &NodePlan,
    fabric: &Netns,
) -> Result<(), NetworkError> {
    let netns = Netns::create(&place.node_netns(&node.name.0))?;
    attach(fabric, &netns, &node.name.0, &node.addresses)?;
    netns.run(|| -> Result<(), NetworkError> {
        let mut links = Links::open()?;
        for router in &plan.outside {
            links.add_route(everything(router.addr()), router.addr())?;
        }
        for other in plan.nodes.iter().filter(|other| other.name != node.name) {
            routes_to_pods(&mut links, other)?;
        }
        Ok(())
    })?
}

fn attach(
    fabric: &Netns,
    netns: &Netns,
    port: &str,
    addresses: &[IpNet],
) -> Result<(), NetworkError> {
    netns.run(|| {
        EVERYWHERE.iter().chain(&ROUTER).try_for_each(|(name, value)| sysctl::write(name, value))
    })??;
    fabric.run(|| -> Result<(), NetworkError> {
        let mut links = Links::open()?;
        links.create_veth(port, UPLINK, Some(netns))?;
        links.join_bridge(port, BRIDGE)?;
        links.set_up(port)?;
        Ok(())
    })??;
    netns.run(|| -> Result<(), NetworkError> {
        let mut links = Links::open()?;
        links.set_up(UPLINK)?;
        for address in addresses {
            links.add_address(UPLINK, *address)?;
        }
        Ok(await_local(addresses.iter().map(IpNet::addr))?)
    })?
}

fn route_outside(plan: &Plan) -> Result<(), NetworkError> {
    let mut links = Links::open()?;
    for address in &plan.site {
        links.add_address("lo", IpNet::from(*address))?;
    }
    for node in &plan.nodes {
        routes_to_pods(&mut links, node)?;
    }
    Ok(await_local(plan.site.iter().copied())?)
}

fn routes_to_pods(links: &mut Links, node: &NodePlan) -> Result<(), NetworkError> {
    for range in &node.pod_ranges {
        let gateway = node.ips().into_iter().find(|it| it.is_ipv4() == range.addr().is_ipv4());
        if let Some(gateway) = gateway {
            links.add_route(*range, gateway)?;
        }
    }
    Ok(())
}

/// The client outside sends to the first node what is for an address that no node has as its own.
pub(crate) fn route_to_cluster(
    place: &Place,
    plan: &Plan,
    address: IpAddr,
    is_wanted: bool,
) -> Result<(), NetworkError> {
    let first = plan.nodes.first().map(NodePlan::ips).unwrap_or_default();
    let gateway = first.into_iter().find(|it| it.is_ipv4() == address.is_ipv4());
    let Some(gateway) = gateway else { return Ok(()) };
    Netns::open(&place.outside_netns())?.run(|| -> Result<(), NetworkError> {
        let mut links = Links::open()?;
        if is_wanted {
            links.add_route(IpNet::from(address), gateway)?;
        } else {
            links.delete_route(IpNet::from(address), gateway)?;
        }
        Ok(())
    })?
}

/// The router of the fabric has one more address, where something listens for others.
pub(crate) fn take_on(place: &Place, address: IpAddr) -> Result<(), NetworkError> {
    Netns::open(&place.outside_netns())?.run(|| -> Result<(), NetworkError> {
        Links::open()?.add_address("lo", IpNet::from(address))?;
        Ok(await_local([address])?)
    })?
}

/// The router has an address no longer that it took on.
pub(crate) fn let_go(place: &Place, address: IpAddr) -> Result<(), NetworkError> {
    Netns::open(&place.outside_netns())?.run(|| -> Result<(), NetworkError> {
        Ok(Links::open()?.delete_address("lo", IpNet::from(address))?)
    })?
}

/// Makes a pod's namespace and its cable to the node. `port` is the cable's name on the node.
pub(crate) fn wire_pod(
    place: &Place,
    pod: &PodName,
    node: &str,
    port: &str,
    addresses: &[IpAddr],
) -> Result<Netns, NetworkError> {
    let netns = Netns::create(&place.pod_netns(pod))?;
    netns.run(|| EVERYWHERE.iter().try_for_each(|(name, value)| sysctl::write(name, value)))??;
    let node = Netns::open(&place.node_netns(node))?;
    node.run(|| -> Result<(), NetworkError> {
        let mut links = Links::open()?;
        links.create_veth(port, UPLINK, Some(&netns))?;
        // Answers at once for the gateway that pods believe in.
        sysctl::write(&format!("net.ipv4.conf.{port}.proxy_arp"), "1")?;
        sysctl::write(&format!("net.ipv4.neigh.{port}.proxy_delay"), "0")?;
        links.set_up(port)?;
        let has_v6 = addresses.iter().any(|it| Family::of(*it) == Family::V6);
        if has_v6 {
            links.add_address(port, IpNet::new_assert(GATEWAY_V6, 64))?;
        }
        for address in addresses {
            links.add_link_route(IpNet::from(*address), port)?;
        }
        Ok(())
    })??;
    netns.run(|| -> Result<(), NetworkError> {
        let mut links = Links::open()?;
        links.set_up(UPLINK)?;
        for address in addresses {
            let gateway = if address.is_ipv4() { GATEWAY_V4 } else { GATEWAY_V6 };
            links.add_address(UPLINK, IpNet::from(*address))?;
            links.add_route_on(everything(*address), gateway, UPLINK)?;
        }
        Ok(await_local(addresses.iter().copied())?)
    })??;
    Ok(netns)
}

/// Takes a pod's namespace away, and with it the cable. What still runs there is killed.
pub(crate) fn unwire_pod(
    place: &Place,
    pod: &PodName,
    node: &str,
    port: &str,
) -> Result<(), NetworkError> {
    let name = place.pod_netns(pod);
    Netns::open(&name)?.kill_all()?;
    // The kernel takes namespaces away when it finds the time; the address must be free at once.
    if let Ok(node) = Netns::open(&place.node_netns(node)) {
        node.run(|| -> Result<(), NetworkError> { Ok(Links::open()?.delete(port)?) })??;
    }
    Ok(Netns::delete(&name)?)
}

fn everything(like: IpAddr) -> IpNet {
    let any = match Family::of(like) {
        Family::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        Family::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    IpNet::new_assert(any, 0)
}
