//! The engine that is the real kernel, in a namespace for each node.

use std::collections::BTreeMap;
use std::net::IpAddr;

use model::{NodeName, NodeTable, Packet, ServiceChange, Verdict};
use testkit::rig::Rig;
use testkit::{Dissent, Engine};

use super::program::{CLIENTS_MAX, now, options};
use crate::{Dataplane, Netlink, Report};

#[derive(Default)]
pub(super) struct Kernel {
    nodes: BTreeMap<NodeName, Node>,
}

struct Node {
    rig: Rig,
    dataplane: Dataplane<Netlink>,
}

impl Node {
    /// A namespace with the node's addresses, programmed anew.
    fn start(table: &NodeTable) -> Result<(Self, Report), Dissent> {
        let rig = Rig::new(&addresses(table)).map_err(dissent)?;
        let kernel = rig.netns().run(|| Netlink::open(CLIENTS_MAX)).map_err(dissent)?;
        let kernel = kernel.map_err(dissent)?;
        let started = Dataplane::start(kernel, table, options(table), now());
        let (dataplane, report) = started.map_err(dissent)?;
        Ok((Self { rig, dataplane }, report))
    }

    fn follow(&mut self, table: &NodeTable, changes: &[ServiceChange]) -> Vec<Report> {
        let set = self.dataplane.set_options(options(table), table);
        vec![set, self.dataplane.advance(changes, now())]
    }
}

fn dissent(error: impl std::fmt::Display) -> Dissent {
    Dissent(error.to_string())
}

fn addresses(table: &NodeTable) -> Vec<IpAddr> {
    let all = table.node.local_addresses.iter().copied();
    all.filter(|address| !address.is_loopback()).collect()
}

impl Engine for Kernel {
    fn name(&self) -> &'static str {
        "kernel"
    }

    fn advance(&mut self, table: &NodeTable, changes: &[ServiceChange]) -> Result<(), Dissent> {
        let name = table.node.name.clone();
        let known = self.nodes.get_mut(&name);
        let reports = match known.filter(|node| node.rig.addresses() == addresses(table)) {
            Some(node) => node.follow(table, changes),
            None => {
                let (node, report) = Node::start(table)?;
                self.nodes.insert(name.clone(), node);
                vec![report]
            }
        };
        for report in reports {
            if !report.refused.is_empty() || report.failed.is_some() || report.repaired > 0 {
                return Err(Dissent(format!("{report:?}")));
            }
        }
        // What the kernel lists is what the planner believes.
        let verified = self.nodes.get_mut(&name).map(|node| node.dataplane.verify());
        match verified {
            Some(report) if report != Report::default() => Err(Dissent(format!("{report:?}"))),
            _ => Ok(()),
        }
    }

    fn check(
        &mut self,
        table: &NodeTable,
        packet: &Packet,
        expected: &Verdict,
    ) -> Result<(), Dissent> {
        let node = self.nodes.get_mut(&table.node.name);
        node.ok_or_else(|| Dissent("no namespace".to_owned()))?.rig.check(packet, expected)
    }
}
