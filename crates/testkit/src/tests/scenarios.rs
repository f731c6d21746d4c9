//! Does the definition of correct agree with every scenario?

use crate::{Oracle, check_all, dns};

#[test]
fn the_oracle_agrees_with_every_scenario() {
    check_all("l4", &mut || Box::new(Oracle));
}

#[test]
fn every_scenario_of_the_cluster_dns_makes_the_same_tables_by_changes_and_at_once() {
    dns::check_all("dns", &mut |scenario| dns::follow(scenario, &mut |_| Vec::new()));
}
