//! Where do pods find the cluster DNS, when nobody has installed one?

use std::net::IpAddr;

use hyper::StatusCode;
use serde_json::{Value, json};

use super::api::{Api, Failure};
use super::node::LAB_LABEL;
use crate::cluster::dns_service;
use crate::plan::Plan;
use crate::settings::LabName;

const SERVICES: &str = "/api/v1/namespaces/kube-system/services";
const SERVICE: &str = "/api/v1/namespaces/kube-system/services/kube-dns";

/// Takes the addresses of the cluster's DNS Service; where there is none the lab makes it, and each
/// node's agent answers it. It is a lab without names when even that is refused, which is told.
pub(crate) async fn find_or_make(api: &Api, lab: &LabName, plan: &mut Plan) {
    let found = match api.get(SERVICE).await {
        Err(failure) if failure.is(StatusCode::NOT_FOUND) => {
            api.create(SERVICES, &service(lab, &plan.dns)).await
        }
        found => found,
    };
    match found {
        Ok(service) => plan.dns = cluster_ips(&service),
        Err(failure) => {
            tracing::warn!("pods have no cluster DNS: no Service kube-system/kube-dns: {failure}");
        }
    }
}

/// Takes the Service away, if the lab made it.
pub(crate) async fn take_away(api: &Api, lab: &LabName) -> Result<(), Failure> {
    let service = match api.get(SERVICE).await {
        Err(failure) if failure.is(StatusCode::NOT_FOUND) => return Ok(()),
        found => found?,
    };
    let label = service.get("metadata").and_then(|it| it.get("labels")?.get(LAB_LABEL));
    if label.and_then(Value::as_str) == Some(lab.as_str()) {
        let uid = service.pointer("/metadata/uid");
        drop(api.delete(SERVICE, &json!({"preconditions": {"uid": uid}})).await?);
    }
    Ok(())
}

/// Labelled, so that its maker is known.
fn service(lab: &LabName, addresses: &[IpAddr]) -> Value {
    let mut service = dns_service(addresses);
    service["metadata"]["labels"] = json!({LAB_LABEL: lab.as_str()});
    service
}

fn cluster_ips(service: &Value) -> Vec<IpAddr> {
    let all = service.pointer("/spec/clusterIPs").and_then(Value::as_array);
    all.into_iter().flatten().filter_map(|ip| ip.as_str()?.parse().ok()).collect()
}
