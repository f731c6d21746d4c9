//! Do Services on a real control plane do what Kubernetes' own conformance suite asks of them?
//!
//! Each case restates one of its tests; `docs/conformance.md` says which, and where it can, asks both
//! families, more clients and more of what is refused than the original. A lab and a control plane take
//! longer than a case does, so the cases of a group share them, each in a namespace of its own.

mod affinity;
mod cluster;
mod endpoint_slices;
mod names;
mod page;
mod pods;
mod ports;
mod services;
mod type_changes;

use cluster::{Cluster, Site};

/// What is tested, in a namespace that is called after it.
type Case = (&'static str, fn(&Site<'_>));

/// All of them, by the file that they are in.
const GROUPS: [(&str, &[Case]); 7] = [
    ("services", &services::CASES),
    ("ports", &ports::CASES),
    ("type_changes", &type_changes::CASES),
    ("affinity", &affinity::CASES),
    ("endpoint_slices", &endpoint_slices::CASES),
    ("pods", &pods::CASES),
    ("names", &names::CASES),
];

fn run(files: &[&str]) {
    if host::skip::without_root() {
        return;
    }
    let Some(cluster) = Cluster::up() else { return };
    for (_, cases) in GROUPS.iter().filter(|(file, _)| files.contains(file)) {
        cases.iter().for_each(|(name, case)| case(&cluster.site(name)));
    }
}

#[test]
fn conformance_of_services() {
    run(&["services", "ports", "type_changes"]);
}

#[test]
fn conformance_of_affinity_slices_and_names() {
    run(&["affinity", "endpoint_slices", "pods", "names"]);
}
