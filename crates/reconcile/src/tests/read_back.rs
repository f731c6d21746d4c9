//! Is it told of one Service whether the kernel holds what was planned?

use std::sync::Arc;
use std::time::Duration;

use host::netns::Netns;
use host::process::stdout_of;
use host::skip::without_root;
use model::{NodeTable, ServiceChange, ServiceName};
use nft::Op;

use super::cluster::{Cluster, service, service_with};
use super::program::{CLIENTS_MAX, now, options};
use crate::{Dataplane, Kernel, MemoryKernel, Netlink};

const DEADLINE: Duration = Duration::from_secs(20);

/// What the kernel holds differs in so many steps.
fn steps<K: Kernel>(dataplane: &mut Dataplane<K>, i: usize) -> usize {
    let name = ServiceName::new("default", format!("s{i}"));
    dataplane.read_back(&name).expect("it can be read").steps
}

fn cluster() -> Cluster {
    let mut cluster = Cluster::new();
    cluster.apply(&service(1, &["10.1.0.5", "10.1.0.6"]));
    let spec = "  type: LoadBalancer\n  sessionAffinity: ClientIP\n  \
                loadBalancerSourceRanges: [198.51.100.0/24, 10.0.0.0/8]\nstatus: \
                {loadBalancer: {ingress: [{ip: 203.0.113.7}]}}";
    cluster.apply(&service_with(2, spec, &["10.1.0.7"]));
    cluster
}

#[test]
fn one_service_is_compared_and_no_other() {
    let table = cluster().table;
    let kernel = MemoryKernel::new(CLIENTS_MAX);
    let started = Dataplane::start(kernel, &table, options(&table), now());
    let (mut dataplane, _) = started.expect("it is taken");
    assert_eq!([1, 2, 3].map(|i| steps(&mut dataplane, i)), [0, 0, 0]);
    let name = ServiceName::new("default", "s1");
    let read = dataplane.read_back(&name).expect("it can be read");
    assert_eq!(read.planned.as_ref(), table.services.get(&name));
    let element = dataplane
        .desired_elements()
        .into_iter()
        .find(|element| matches!(element.set, nft::SetId::Endpoints(_)));
    let gone = Op::DeleteElement(element.expect("there are endpoints"));
    dataplane.kernel().ruleset.apply(&[gone], CLIENTS_MAX).expect("it was there");
    assert_eq!([1, 2].map(|i| steps(&mut dataplane, i)), [1, 0]);
}

#[test]
fn a_real_kernel_tells_what_others_did_to_a_service() {
    if without_root() {
        return;
    }
    let netns = Netns::unshared().expect("a namespace");
    let table = cluster().table;
    netns
        .run(|| {
            let kernel = Netlink::open(CLIENTS_MAX).expect("netlink");
            let started = Dataplane::start(kernel, &table, options(&table), now());
            let (mut dataplane, _) = started.expect("it is taken");
            let mut after = |command: &str| {
                let words: Vec<&str> = command.split(' ').collect();
                if !command.is_empty() {
                    stdout_of("nft", &words, "", DEADLINE).expect("nft does it");
                }
                [1, 2, 3].map(|i| steps(&mut dataplane, i))
            };
            assert_eq!(after(""), [0, 0, 0]);
            let rejected = "add element inet pogu rejected4 { 10.96.0.1 . tcp . 80 }";
            assert_eq!(after(rejected), [1, 0, 0]);
            let allowed =
                "delete element inet pogu allowed4 { 203.0.113.7 . tcp . 80 . 198.51.100.0/24 }";
            assert_eq!(after(allowed), [1, 1, 0]);
            assert_eq!(after("flush map inet pogu endpoints4"), [3, 1, 0]);
            // A chain is every Service's, whichever its rules.
            let chain = after("insert rule inet pogu services drop");
            assert_eq!(chain.map(|steps| steps > 1), [true; 3]);
            dataplane.verify();
            assert_eq!([1, 2, 3].map(|i| steps(&mut dataplane, i)), [0, 0, 0]);
        })
        .expect("a thread");
}

#[test]
fn a_real_kernel_tells_whether_others_changed_anything() {
    if without_root() {
        return;
    }
    let netns = Netns::unshared().expect("a namespace");
    let table = cluster().table;
    netns
        .run(|| {
            let mut kernel = Netlink::open(CLIENTS_MAX).expect("netlink");
            assert!(!kernel.is_untouched(), "nothing has been read");
            let nothing = NodeTable::empty(Arc::clone(&table.node));
            kernel.read().expect("it can be read");
            let started = Dataplane::start(kernel, &nothing, options(&table), now());
            let (mut dataplane, _) = started.expect("it is taken");
            let changes: Vec<ServiceChange> = table
                .services
                .iter()
                .map(|(name, new)| ServiceChange {
                    name: name.clone(),
                    old: None,
                    new: Some(Arc::clone(new)),
                })
                .collect();
            let report = dataplane.advance(&changes, now());
            assert_eq!(report.refused, []);
            assert!(dataplane.kernel().is_untouched(), "our own changes are counted");
            let words = ["add", "table", "inet", "another"];
            stdout_of("nft", &words, "", DEADLINE).expect("nft does it");
            assert!(!dataplane.kernel().is_untouched());
            dataplane.verify();
            assert!(dataplane.kernel().is_untouched());
        })
        .expect("a thread");
}
