//! A real kernel for each node, programmed as the agent programs it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use model::{NodeName, NodeTable, ServiceChange};
use nft::Options;
use reconcile::{Dataplane, Netlink, Report};
use testkit::rig::Rig;

const CLIENTS_MAX: u32 = 1000;

/// They stay from one cluster to the next, since a namespace costs more than a change.
#[derive(Default)]
pub(super) struct Kernels {
    nodes: BTreeMap<NodeName, (Rig, Dataplane<Netlink>)>,
}

impl Kernels {
    pub(super) fn advance(&mut self, table: &NodeTable, changes: &[ServiceChange]) {
        let now = host::clock::monotonic();
        let name = &table.node.name;
        let known = self.nodes.get_mut(name).filter(|(rig, _)| rig.addresses() == addresses(table));
        let reports = if let Some((_, dataplane)) = known {
            vec![dataplane.set_options(options(table), table), dataplane.advance(changes, now)]
        } else {
            let rig = Rig::new(&addresses(table)).expect("a rig");
            let kernel = rig.netns().run(|| Netlink::open(CLIENTS_MAX)).expect("a thread");
            let kernel = kernel.expect("netlink");
            let started = Dataplane::start(kernel, table, options(table), now);
            let (dataplane, report) = started.expect("the kernel takes the table");
            self.nodes.insert(name.clone(), (rig, dataplane));
            vec![report]
        };
        for report in reports {
            let Report { refused, failed, repaired, .. } = report;
            assert_eq!((refused, failed, repaired), (Vec::new(), None, 0));
        }
    }

    pub(super) fn of(&mut self, name: &NodeName) -> &mut Rig {
        &mut self.nodes.get_mut(name).expect("a programmed node").0
    }
}

fn addresses(table: &NodeTable) -> Vec<IpAddr> {
    let all = table.node.local_addresses.iter().copied();
    all.filter(|address| !address.is_loopback()).collect()
}

fn options(table: &NodeTable) -> Options {
    Options {
        detect_local: table.node.detect_local.clone(),
        masquerade_all: table.node.masquerade_all,
        service_cidrs: table.service_cidrs.to_vec(),
        traffic_counters: true,
        affinity_clients_max: CLIENTS_MAX,
    }
}
