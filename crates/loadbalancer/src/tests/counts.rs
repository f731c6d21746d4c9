//! How much is written for many Services?

use super::{Cluster, service};

#[test]
fn two_things_are_written_of_each_service_and_nothing_after_a_restart() {
    let pool = "{apiVersion: pogu.dev/v1alpha1, kind: AddressPool, metadata: {name: a}, \
                spec: {addresses: [10.0.0.0/16]}}";
    let services: Vec<String> = (0..200).map(|n| service(&format!("s{n}"))).collect();
    let mut all = vec![pool];
    all.extend(services.iter().map(String::as_str));
    let mut cluster = Cluster::new(&all);
    assert_eq!(cluster.settle().len(), 2 * services.len());
    cluster.restart();
    assert_eq!(cluster.settle(), [""; 0]);
}
