//! Which clusters, changes and packets can there be?
//!
//! Strategies draw from a small universe, so that Services meet at one address, endpoints are shared
//! and packets hit. Every legal value comes eventually, no illegal one. A drawn history is a
//! scenario whose verdicts are the oracle's: a failure prints as a file that can be kept.

use std::path::PathBuf;

use model::{NodeName, ServiceName};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

mod change;
mod endpoint;
mod packet;
mod service;
mod universe;

use packet::Draft;

use crate::cluster::{AgentOptions, Cluster, DetectLocalMode, NodeSpec};
use crate::scenario::{ExpectedRejection, Scenario, Step};
use crate::tables::Tables;

const SERVICES_MAX: usize = 5;
const STEPS_MAX: usize = 4;
const CHANGES_PER_STEP_MAX: usize = 3;
const PACKETS_PER_STEP_MAX: usize = 12;

/// A cluster, changes of it and packets after each, with the verdicts that the oracle gives.
pub fn scenario() -> impl Strategy<Value = Scenario> {
    let later = (vec(change::change(), 1..=CHANGES_PER_STEP_MAX), drafts());
    (cluster(), drafts(), vec(later, 0..STEPS_MAX)).prop_map(|(first, drafts, later)| {
        let mut clusters = vec![(first, drafts)];
        for (changes, drafts) in later {
            let last = &clusters.last().expect("the first is there").0;
            let next = changes.iter().fold(last.clone(), |cluster, it| it.apply(cluster));
            clusters.push((next, drafts));
        }
        with_verdicts(clusters)
    })
}

fn drafts() -> impl Strategy<Value = Vec<Draft>> {
    vec(packet::draft(), 1..=PACKETS_PER_STEP_MAX)
}

/// Aims the packets at the frontends of all steps, so that a step also asks for what is gone.
fn with_verdicts(clusters: Vec<(Cluster, Vec<Draft>)>) -> Scenario {
    let targets = packet::targets(clusters.iter().map(|(cluster, _)| cluster));
    let mut tables = Tables::new(universe::nodes().map(NodeName::new).to_vec());
    let mut steps = Vec::new();
    for (cluster, drafts) in clusters {
        tables.follow(&cluster, &mut |_, _| {});
        let packets = drafts.iter().filter_map(|draft| draft.aim(&targets, &tables)).collect();
        let title = if steps.is_empty() { "" } else { "cluster" }.to_owned();
        let (queries, rejections) = (Vec::new(), Vec::new());
        steps.push(Step { title, line: 0, cluster, packets, queries, rejections });
    }
    let path = PathBuf::from("generated.txt");
    let mut scenario = Scenario { path, goal: "generated".to_owned(), steps };
    // Nodes that no packet speaks of are not followed when it runs.
    let mut tables = Tables::new(scenario.nodes());
    for step in &mut scenario.steps {
        tables.follow(&step.cluster, &mut |_, _| {});
        let expected = |text| ExpectedRejection { line: 0, text };
        step.rejections = tables.rejections().into_iter().map(expected).collect();
    }
    scenario
}

/// The same histories in every run, unless the environment asks for others: `PROPTEST_RNG_SEED` for
/// another seed, `PROPTEST_CASES` for another number.
#[must_use]
pub fn config(cases: u32) -> ProptestConfig {
    let environment = ProptestConfig::default();
    let is_asked = environment.cases != PROPTEST_CASES_DEFAULT;
    ProptestConfig {
        cases: if is_asked { environment.cases } else { cases },
        rng_seed: match environment.rng_seed {
            RngSeed::Random => RngSeed::Fixed(0),
            fixed @ RngSeed::Fixed(_) => fixed,
        },
        // What fails is shown as a file to be kept among the scenarios.
        failure_persistence: None,
        ..environment
    }
}

/// What the environment has when it says nothing.
const PROPTEST_CASES_DEFAULT: u32 = 256;

/// Nodes, Services and an agent's options.
pub fn cluster() -> impl Strategy<Value = Cluster> {
    let services = vec((service_name(), service::service()), 1..=SERVICES_MAX);
    (agent(), nodes(), services, service_cidrs()).prop_map(|(agent, nodes, services, cidrs)| {
        Cluster {
            agent,
            nodes: nodes.into_iter().collect(),
            services: services.into_iter().collect(),
            service_cidrs: cidrs.into_iter().collect(),
            ..Cluster::default()
        }
    })
}

fn service_name() -> impl Strategy<Value = ServiceName> {
    (0..SERVICES_MAX).prop_map(|n| ServiceName::new("shop", format!("s{n}")))
}

fn agent() -> impl Strategy<Value = AgentOptions> {
    let mode = prop_oneof![
        4 => Just(DetectLocalMode::ClusterCidr),
        1 => Just(DetectLocalMode::NodeCidr),
        1 => Just(DetectLocalMode::Bridge("cni0".to_owned())),
        1 => Just(DetectLocalMode::Prefix("veth".to_owned())),
        1 => Just(DetectLocalMode::Never),
    ];
    let cidrs = prop_oneof![
        3 => Just(None),
        1 => universe::subsequence(&universe::POD_RANGES).prop_map(Some),
    ];
    let ports = prop_oneof![
        3 => Just(None),
        1 => universe::subsequence(&universe::NODE_PORT_RANGES).prop_map(Some),
    ];
    (mode, cidrs, prop::bool::weighted(0.2), ports).prop_map(
        |(detect_local, cluster_cidrs, masquerade_all, node_port_addresses)| AgentOptions {
            detect_local,
            cluster_cidrs,
            masquerade_all,
            node_port_addresses,
        },
    )
}

/// All nodes are always there: packets speak of them.
fn nodes() -> impl Strategy<Value = Vec<(NodeName, NodeSpec)>> {
    let one = |n: usize| {
        zone().prop_map(move |zone| {
            let (name, mut spec) = universe::node(n);
            spec.zone = zone;
            (name, spec)
        })
    };
    (one(0), one(1), one(2)).prop_map(|(a, b, c)| vec![a, b, c])
}

fn zone() -> impl Strategy<Value = Option<String>> {
    prop::option::weighted(0.8, prop::sample::select(&universe::ZONES[..]).prop_map(str::to_owned))
}

fn service_cidrs() -> impl Strategy<Value = Vec<Vec<ipnet::IpNet>>> {
    let cidr = universe::subsequence(&universe::SERVICE_RANGES);
    vec(cidr, 0..2).prop_map(|mut lists| {
        lists.retain(|list| !list.is_empty());
        lists
    })
}
