//! Do the parts together do what a cluster does?

use std::sync::Arc;
use std::time::Duration;

use crate::api::{Deployment, Pod, Service};
use crate::manifest::{self, Object};
use crate::observed::{ObservedPod, Phase};

mod accepted;
mod allocation;
mod manifests;
mod rollouts;
mod scheduling;
mod slices;
mod told;

/// The objects of a text in which nothing is wrong.
fn objects(text: &str) -> Vec<Object> {
    let found = manifest::parse("test.yaml", text);
    assert_eq!(found.rejections, []);
    found.objects
}

fn service(text: &str) -> Service {
    match objects(text).pop() {
        Some(Object::Service(service)) => *service,
        other => panic!("expected a Service, found {other:?}"),
    }
}

fn deployment(text: &str) -> Deployment {
    match objects(text).pop() {
        Some(Object::Deployment(deployment)) => *deployment,
        other => panic!("expected a Deployment, found {other:?}"),
    }
}

fn pod(text: &str) -> Pod {
    match objects(text).pop() {
        Some(Object::Pod(pod)) => *pod,
        other => panic!("expected a Pod, found {other:?}"),
    }
}

/// A Pod that runs and is ready, with its addresses.
fn ready(pod: Pod, addresses: &[&str]) -> ObservedPod {
    let addresses = addresses.iter().map(|text| text.parse().expect("an address")).collect();
    ObservedPod {
        addresses,
        phase: Phase::Running,
        ready: true,
        ..ObservedPod::created(Arc::new(pod), Duration::ZERO)
    }
}
