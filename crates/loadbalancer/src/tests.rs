//! A server in memory, to which steps are written as they come due.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ingest::api::{self, Object};
use ingest::manifest::{Manifest, parse};
use ingest::{ALLOCATED, Objects};
use model::{ServiceName, Way};

use crate::{FINALIZER, LoadBalancers, Settings, Status, Step, hold, let_go};

mod allocating;
mod by_nodes;
mod counts;
mod ending;
mod taking_over;

const POOL: &str = "{apiVersion: pogu.dev/v1alpha1, kind: AddressPool, metadata: {name: a}, \
                    spec: {addresses: [192.0.2.1-192.0.2.2, 'fd00::1']}}";

struct Cluster {
    balancers: LoadBalancers,
    objects: Objects,
    services: BTreeMap<ServiceName, api::Service>,
    /// What was written, in order.
    log: Vec<String>,
    version: u64,
    now: Duration,
}

impl Cluster {
    /// Of manifests, with a controller that acts.
    fn new(manifests: &[&str]) -> Self {
        let mut cluster = Self {
            balancers: balancers(),
            objects: Objects::new(),
            services: BTreeMap::new(),
            log: Vec::new(),
            version: 0,
            now: Duration::from_secs(1),
        };
        cluster.apply(manifests);
        cluster.balancers.begin();
        cluster
    }

    /// As a server keeps them: with versions, and statuses that were written before.
    fn apply(&mut self, manifests: &[&str]) {
        for text in manifests {
            let (manifests, rejections) = parse("m.yaml", text);
            assert_eq!(rejections, []);
            for manifest in manifests {
                let Manifest::Object(object) = manifest else { panic!("of no known kind: {text}") };
                if let Object::Service(service) = object {
                    self.put(*service);
                } else {
                    self.objects.apply(object);
                }
            }
        }
    }

    fn put(&mut self, mut service: api::Service) {
        let name = name_of(&service);
        self.version += 1;
        service.metadata.resource_version = Some(self.version.to_string());
        if let Some(old) = self.services.get(&name) {
            if service.status == api::ServiceStatus::default() {
                service.status = old.status.clone();
            }
            if service.metadata.finalizers.is_empty() {
                service.metadata.finalizers.clone_from(&old.metadata.finalizers);
            }
        }
        self.see(service);
    }

    fn see(&mut self, service: api::Service) {
        let name = name_of(&service);
        let is_gone =
            service.metadata.deletion_timestamp.is_some() && service.metadata.finalizers.is_empty();
        if is_gone {
            self.services.remove(&name);
            self.balancers.forget(&name);
            self.objects.delete(&Object::Service(Box::new(service)).key());
            self.log.push(format!("{} is gone", name.name));
            return;
        }
        self.balancers.see(&service);
        self.objects.apply(Object::Service(Box::new(service.clone())));
        self.services.insert(name, service);
    }

    fn edit(&mut self, name: &str, change: impl FnOnce(&mut api::Service)) {
        let mut service = self.services[&ServiceName::new("shop", name)].clone();
        change(&mut service);
        self.version += 1;
        service.metadata.resource_version = Some(self.version.to_string());
        self.see(service);
    }

    fn delete(&mut self, name: &str) {
        let now = Some("2026-11-30T20:00:00Z".to_owned());
        self.edit(name, |service| service.metadata.deletion_timestamp = now);
    }

    /// Writes the first thing that is due; false where nothing is.
    fn write_one(&mut self) -> bool {
        let table = self.objects.table();
        self.balancers.settle(&table, self.now);
        let Some(due) = self.balancers.due().next() else { return false };
        let (name, version) = (due.service.clone(), Arc::clone(due.version));
        let step = due.step.into_owned();
        let mut service = self.services[&name].clone();
        assert_eq!(service.metadata.resource_version.as_deref(), Some(&*version));
        self.log.push(format!("{}: {}", name.name, shown(&step)));
        match step {
            Step::AddFinalizer => hold(&mut service.metadata),
            Step::RemoveFinalizer => let_go(&mut service.metadata),
            Step::Status { status, .. } => write_status(&mut service, status),
        }
        self.version += 1;
        service.metadata.resource_version = Some(self.version.to_string());
        self.see(service);
        true
    }

    /// Writes all that is due; gives what that was.
    fn settle(&mut self) -> Vec<String> {
        self.log.clear();
        while self.write_one() {
            assert!(self.log.len() < 10_000, "it does not end: {:?}", self.log.last());
        }
        std::mem::take(&mut self.log)
    }

    /// Another controller begins with what objects say.
    fn restart(&mut self) {
        self.balancers = balancers();
        self.services.values().for_each(|service| self.balancers.see(service));
        self.balancers.begin();
    }

    fn addresses(&self, name: &str) -> String {
        let ingress = &self.services[&ServiceName::new("shop", name)].status.load_balancer.ingress;
        ingress.iter().filter_map(|it| it.ip.as_deref()).collect::<Vec<_>>().join(" ")
    }
}

fn balancers() -> LoadBalancers {
    let pools_awaited = Duration::from_mins(1);
    LoadBalancers::new(Settings {
        default_way: Some(Way::Vip),
        pools_awaited,
        ..Settings::default()
    })
}

fn name_of(service: &api::Service) -> ServiceName {
    ServiceName::new(service.metadata.namespace.as_str(), service.metadata.name.as_str())
}

fn write_status(service: &mut api::Service, status: Status) {
    service.status.load_balancer.ingress = status.ingress;
    service.status.conditions.retain(|it| it.kind != ALLOCATED);
    let condition = status.condition.map(|it| api::Condition {
        kind: ALLOCATED.to_owned(),
        status: if it.is_true { "True" } else { "False" }.to_owned(),
        reason: it.reason.to_owned(),
        message: it.message,
        observed_generation: it.observed_generation,
        last_transition_time: Some("2026-11-30T20:00:00Z".to_owned()),
    });
    service.status.conditions.extend(condition);
}

/// `192.0.2.1; True Allocated: 192.0.2.1 of pool a; Normal IPAllocated: 192.0.2.1 of pool a`
fn shown(step: &Step) -> String {
    let Step::Status { status, events } = step else { return format!("{step:?}") };
    let addresses: Vec<&str> = status.ingress.iter().filter_map(|it| it.ip.as_deref()).collect();
    let condition = status.condition.as_ref().map_or_else(
        || "no condition".to_owned(),
        |it| format!("{} {}: {}", if it.is_true { "True" } else { "False" }, it.reason, it.message),
    );
    let events = events.iter().map(|it| {
        let kind = if it.is_warning { "Warning" } else { "Normal" };
        format!(" | {kind} {}: {}", it.reason, it.text)
    });
    format!("[{}] {condition}{}", addresses.join(" "), events.collect::<String>())
}

/// A Service of one family in the namespace `shop`.
fn service(name: &str) -> String {
    with(name, "")
}

fn with(name: &str, spec: &str) -> String {
    let spec = if spec.is_empty() { String::new() } else { format!(", {spec}") };
    format!(
        "{{apiVersion: v1, kind: Service, metadata: {{name: {name}, namespace: shop}}, \
         spec: {{type: LoadBalancer, clusterIP: 10.96.0.1, ports: [{{port: 80}}]{spec}}}}}"
    )
}
