//! How does a ServiceImport object become a ServiceImport, still without slices?

use std::net::IpAddr;
use std::sync::Arc;

use model::{ImportKind, ImportPort, Rejection, ServiceImport, ServiceKind};

use crate::address::parse_reachable;
use crate::api;
use crate::names::Names;
use crate::report::{Report, quoted};
use crate::service::{keep_one_of_family, read_ports, word};

/// Reads all that a ServiceImport says of itself.
pub(crate) fn read(
    object: &api::ServiceImport,
    names: &mut Names,
) -> (ServiceImport, Vec<Rejection>) {
    let metadata = &object.metadata;
    let key = api::ObjectKey::of(api::Kind::ServiceImport, metadata);
    let mut report = Report::new(key.to_origin());
    let spec = &object.spec;
    let kind = word(
        "spec.type",
        spec.kind.as_deref(),
        ("ClusterSetIP", ImportKind::ClusterSetIp),
        [("Headless", ImportKind::Headless)],
        &mut report,
    );
    // As for a Service of this kind, which has no node ports either.
    let ports = read_ports(&spec.ports, &ServiceKind::ClusterIp, names, &mut report);
    let import = ServiceImport {
        name: names.service(&metadata.namespace, &metadata.name),
        kind,
        ips: ips(spec, kind, &mut report),
        ports: ports
            .into_iter()
            .map(|port| ImportPort {
                name: port.name,
                protocol: port.protocol,
                port: port.port,
                app_protocol: port.app_protocol,
            })
            .collect(),
        slices: Arc::default(),
    };
    (import, report.finish())
}

fn ips(spec: &api::ServiceImportSpec, kind: ImportKind, report: &mut Report) -> Vec<IpAddr> {
    let mut found = Vec::new();
    for (index, text) in spec.ips.iter().enumerate() {
        let field = format!("spec.ips[{index}]");
        match kind {
            ImportKind::ClusterSetIp => {
                if let Some(address) = report.accept(parse_reachable(text), || field.clone()) {
                    keep_one_of_family(&mut found, address, &field, report);
                }
            }
            ImportKind::Headless => {
                let text = quoted(text);
                report.reject(field, format!("expected none where type is Headless, found {text}"));
            }
        }
    }
    found
}
