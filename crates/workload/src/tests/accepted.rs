//! Do nodes read without complaint what is made for them?

use std::collections::BTreeMap;
use std::net::SocketAddr;

use ingest::Objects;
use ingest::api::Object;
use model::{Family, ServiceName};

use super::{pod, ready, service};
use crate::allocate::{Allocator, NODE_PORTS_DEFAULT};
use crate::slices::endpoint_slices;

#[test]
fn services_and_slices_become_a_table() {
    let text = |kind: &str| {
        format!(
            "{{apiVersion: v1, kind: Service, metadata: {{name: web, namespace: shop}}, spec: {{
              type: {kind}, ipFamilyPolicy: PreferDualStack, externalTrafficPolicy: Local,
              trafficDistribution: PreferClose, selector: {{app: web}},
              ports: [{{name: web, port: 80, targetPort: http}}, {{name: dns, port: 53, protocol: UDP}}]}}}}"
        )
    };
    let pods = [ready(
        pod("{apiVersion: v1, kind: Pod, metadata: {name: web-0, namespace: shop, \
             labels: {app: web}}, spec: {containers: [{name: c, image: a, \
             ports: [{name: http, containerPort: 8080}]}]}}"),
        &["10.1.0.1", "fd00::1"],
    )];
    let ranges = ["10.96.0.0/16", "fd00:96::/108"].map(|text| text.parse().expect("a range"));
    let mut allocator = Allocator::new(&ranges, NODE_PORTS_DEFAULT);
    for kind in ["NodePort", "LoadBalancer"] {
        let web = allocator.admit(service(&text(kind))).expect("nothing is wrong with it");
        let mut objects = Objects::new();
        objects.apply(Object::Service(Box::new(web.object.clone())));
        for slice in endpoint_slices(&web, &pods, &BTreeMap::new()) {
            objects.apply(Object::EndpointSlice(slice));
        }
        let table = objects.table();
        assert_eq!(table.rejections.iter().map(ToString::to_string).collect::<Vec<_>>(), [""; 0]);
        let found = table.services.get(&ServiceName::new("shop", "web")).expect("it is there");
        let addresses = |port: usize, family| -> Vec<SocketAddr> {
            found.ports[port].endpoints.get(family).iter().map(|it| it.address).collect()
        };
        let address = |text: &str| vec![text.parse::<SocketAddr>().expect("an address")];
        assert_eq!(addresses(0, Family::V4), address("10.1.0.1:8080"));
        assert_eq!(addresses(0, Family::V6), address("[fd00::1]:8080"));
        assert_eq!(addresses(1, Family::V4), address("10.1.0.1:53"));
        assert_eq!(found.health_check_node_port.is_some(), kind == "LoadBalancer");
    }
}
