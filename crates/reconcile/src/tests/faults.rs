//! What if the kernel refuses, fails, or is changed by others?

use std::time::Duration;

use nft::{Element, SetId};

use super::cluster::{Cluster, service, slice};
use super::program::{CLIENTS_MAX, now, options};
use crate::{Dataplane, Fault, MemoryKernel, Report};

const A: &str = "10.1.0.1";
const B: &str = "10.1.0.2";

struct Node {
    cluster: Cluster,
    dataplane: Dataplane<MemoryKernel>,
}

impl Node {
    fn start(text: &str, kernel: MemoryKernel) -> (Self, Report) {
        let mut cluster = Cluster::new();
        cluster.apply(text);
        let started = Dataplane::start(kernel, &cluster.table, options(&cluster.table), now());
        let (dataplane, report) = started.expect("the table itself is taken");
        (Self { cluster, dataplane }, report)
    }

    fn apply(&mut self, text: &str) -> Report {
        let changes = self.cluster.apply(text);
        self.dataplane.advance(&changes, now())
    }

    /// The kernel has exactly what the table says.
    #[track_caller]
    fn check_programmed(&mut self) {
        let kernel = MemoryKernel::new(CLIENTS_MAX);
        let (mut fresh, _) =
            Dataplane::start(kernel, &self.cluster.table, options(&self.cluster.table), now())
                .expect("an empty kernel takes everything");
        let expected = services_and_endpoints(&mut fresh);
        assert_eq!(services_and_endpoints(&mut self.dataplane), expected);
        assert_eq!(
            self.dataplane.kernel().ruleset.own_elements(),
            self.dataplane.desired_elements()
        );
    }
}

/// How many elements each set has: numbers of pools may differ between two histories.
fn services_and_endpoints(dataplane: &mut Dataplane<MemoryKernel>) -> Vec<(SetId, usize)> {
    let mut sets: Vec<SetId> = dataplane
        .kernel()
        .ruleset
        .own_elements()
        .iter()
        .map(|element| element.set)
        .filter(|set| *set != SetId::Dispatch)
        .collect();
    sets.sort_unstable();
    let mut counted: Vec<(SetId, usize)> = Vec::new();
    for set in sets {
        match counted.last_mut() {
            Some((last, n)) if *last == set => *n += 1,
            _ => counted.push((set, 1)),
        }
    }
    counted
}

/// The element that only Service 1 has.
fn cluster_ip_of_1() -> Element {
    let mut cluster = Cluster::new();
    cluster.apply(&service(1, &[A]));
    let kernel = MemoryKernel::new(CLIENTS_MAX);
    let started = Dataplane::start(kernel, &cluster.table, options(&cluster.table), now());
    let (dataplane, _) = started.expect("an empty kernel takes everything");
    let elements = dataplane.desired_elements();
    let is_wanted = |element: &&Element| matches!(element.set, SetId::ClusterIps(_));
    *elements.iter().find(is_wanted).expect("a ClusterIP")
}

fn names(names: &[&str]) -> Vec<model::ServiceName> {
    names.iter().map(|name| model::ServiceName::new("default", *name)).collect()
}

#[test]
fn a_refused_service_waits_and_the_others_are_served() {
    let poisoned =
        MemoryKernel { poisoned: vec![cluster_ip_of_1()], ..MemoryKernel::new(CLIENTS_MAX) };
    let all = format!("{}---\n{}---\n{}", service(1, &[A]), service(2, &[A]), service(3, &[B]));
    let (mut node, report) = Node::start(&all, poisoned);
    assert_eq!((report.applied, report.refused), (names(&["s2", "s3"]), names(&["s1"])));

    let report = node.apply(&slice(2, &[A, B]));
    assert_eq!((report.applied, report.refused), (names(&["s2"]), vec![]));

    // Too early, and still poisoned.
    let retry_at = node.dataplane.next_retry().expect("s1 waits");
    assert_eq!(node.dataplane.retry(retry_at - Duration::from_millis(1)), Report::default());
    assert_eq!(node.dataplane.retry(retry_at).refused, names(&["s1"]));

    node.dataplane.kernel().poisoned.clear();
    let retry_at = node.dataplane.next_retry().expect("s1 waits");
    assert_eq!(node.dataplane.retry(retry_at).applied, names(&["s1"]));
    assert_eq!(node.dataplane.next_retry(), None);
    node.check_programmed();
}

#[test]
fn a_refused_change_leaves_what_was_programmed() {
    let (mut node, _) = Node::start(&service(1, &[A]), MemoryKernel::new(CLIENTS_MAX));
    let before = node.dataplane.kernel().ruleset.clone();
    node.dataplane.kernel().faults = [Fault::Failed, Fault::Failed, Fault::Failed].into();
    let report = node.apply(&slice(1, &[A, B]));
    assert_eq!(report.refused, names(&["s1"]));
    assert_eq!(node.dataplane.kernel().ruleset, before);

    node.dataplane.kernel().faults.clear();
    let retry_at = node.dataplane.next_retry().expect("s1 waits");
    assert_eq!(node.dataplane.retry(retry_at).applied, names(&["s1"]));
    node.check_programmed();
}

#[test]
fn a_table_that_was_flushed_is_repaired_by_the_change_that_finds_it() {
    let (mut node, _) = Node::start(&service(1, &[A]), MemoryKernel::new(CLIENTS_MAX));
    node.dataplane.kernel().faults = [Fault::Flushed].into();
    let report = node.apply(&slice(1, &[B]));
    assert_eq!((report.applied, report.refused), (names(&["s1"]), vec![]));
    assert!(report.repaired > 0);
    node.check_programmed();
}

#[test]
fn a_table_that_was_deleted_is_repaired_when_asked() {
    let (mut node, _) = Node::start(&service(1, &[A]), MemoryKernel::new(CLIENTS_MAX));
    node.dataplane.kernel().ruleset = nft::Ruleset::default();
    assert!(node.dataplane.verify().repaired > 0);
    assert_eq!(node.dataplane.verify().repaired, 0);
    node.check_programmed();
}

#[test]
fn foreign_rules_in_our_table_are_removed() {
    let (mut node, _) = Node::start(&service(1, &[A]), MemoryKernel::new(CLIENTS_MAX));
    let ruleset = &mut node.dataplane.kernel().ruleset;
    ruleset.foreign_chains.push("evil".to_owned());
    let chain = ruleset.chains.get_mut(&nft::ChainId::Services).expect("it is fixed");
    chain.rules.insert(0, vec![nft::Expr::Foreign("log".to_owned())]);
    node.dataplane.verify();
    let ruleset = node.dataplane.kernel().ruleset.clone();
    assert_eq!(ruleset.foreign_chains, Vec::<String>::new());
    assert_eq!(ruleset.chains[&nft::ChainId::Services].rules.len(), 4);
    node.check_programmed();
}

#[test]
fn a_new_agent_adopts_and_changes_only_what_differs() {
    let all = format!("{}---\n{}", service(1, &[A]), service(2, &[A, B]));
    let (mut node, _) = Node::start(&all, MemoryKernel::new(CLIENTS_MAX));
    let held = std::mem::take(&mut node.dataplane.kernel().ruleset);

    let kernel = MemoryKernel { ruleset: held, ..MemoryKernel::new(CLIENTS_MAX) };
    let (mut again, report) = Node::start(&all, kernel);
    assert_eq!(report.taken, crate::Taken::default());
    assert_eq!(again.dataplane.kernel().transactions, 0);

    let held = std::mem::take(&mut again.dataplane.kernel().ruleset);
    let kernel = MemoryKernel { ruleset: held, ..MemoryKernel::new(CLIENTS_MAX) };
    let changed = format!("{}---\n{}", service(1, &[A]), service(2, &[A, "10.1.0.9"]));
    let (mut changed, report) = Node::start(&changed, kernel);
    // A slot and a hairpin, each out and in.
    assert_eq!(report.taken.elements, 4);
    changed.check_programmed();
}

#[test]
fn a_table_that_cannot_be_read_holds_back_only_what_the_kernel_named() {
    let (mut node, _) = Node::start(&service(3, &[A]), MemoryKernel::new(CLIENTS_MAX));
    node.dataplane.kernel().poisoned = vec![cluster_ip_of_1()];
    node.dataplane.kernel().failing_reads = 1;
    let report = node.apply(&format!("{}---\n{}", service(1, &[A]), service(2, &[B])));
    assert_eq!(
        (report.applied, report.refused, report.failed),
        (names(&["s2"]), names(&["s1"]), None)
    );
}

#[test]
fn no_pause_is_longer_than_asked() {
    let poisoned =
        MemoryKernel { poisoned: vec![cluster_ip_of_1()], ..MemoryKernel::new(CLIENTS_MAX) };
    let (mut node, _) = Node::start(&service(1, &[A]), poisoned);
    node.dataplane.set_longest_pause(Duration::from_secs(3));
    let mut pauses = Vec::new();
    for _ in 0..5 {
        let at = node.dataplane.next_retry().expect("s1 waits");
        node.dataplane.retry(at);
        pauses.push((node.dataplane.next_retry().expect("it still waits") - at).as_millis());
    }
    assert_eq!(pauses, [1_000, 2_000, 3_000, 3_000, 3_000]);
}
