//! Which addresses do Services of type LoadBalancer get? What a controller does at an API server.

use std::collections::BTreeMap;
use std::time::Duration;

use ingest::Objects;
use ingest::api::{self, Object, ObjectKey};
use ipnet::IpNet;
use loadbalancer::{ALLOCATED, Condition, Event, FINALIZER, LoadBalancers, Settings, Step};
use model::{Rejection, ServiceName, ServiceTable, Way};
use workload::api::Service;

/// Steps that follow from one another: a finalizer, addresses that others give up first, conditions.
const ROUNDS_MAX: usize = 8;

/// Who has which address. It acts from the first pool on: without one, Services say themselves which
/// addresses they have.
#[derive(Debug)]
pub(super) struct Balancers {
    decided: LoadBalancers,
    /// Nodes, namespaces and pools, as the allocation sees them.
    beside: Objects,
    service_cidrs: Vec<IpNet>,
    /// What is wrong with pools, as it was told last.
    told: Vec<Rejection>,
}

impl Balancers {
    pub(super) fn new(service_cidrs: &[IpNet]) -> Self {
        let settings = Settings { default_way: Some(Way::Vip), ..Settings::default() };
        Self {
            decided: LoadBalancers::new(settings),
            beside: Objects::new(),
            service_cidrs: service_cidrs.to_vec(),
            told: Vec::new(),
        }
    }

    /// An object beside the Services.
    pub(super) fn apply(&mut self, object: &Object) {
        match object {
            Object::Node(_)
            | Object::Namespace(_)
            | Object::AddressPool(_)
            | Object::IpAddressPool(_)
            | Object::L2Advertisement(_) => drop(self.beside.apply(object.clone())),
            Object::Service(_)
            | Object::EndpointSlice(_)
            | Object::ServiceCidr(_)
            | Object::Pod(_)
            | Object::ServiceImport(_)
            | Object::ConfigMap(_) => {}
        }
    }

    pub(super) fn delete(&mut self, key: &ObjectKey) {
        drop(self.beside.delete(key));
    }

    pub(super) fn see(&mut self, service: &Service) {
        self.decided.see(&service.object);
    }

    pub(super) fn forget(&mut self, name: &ServiceName) {
        self.decided.forget(name);
    }

    /// Writes into the Services what they are to say; whether anything was written.
    pub(super) fn settle(
        &mut self,
        now: Duration,
        services: &mut BTreeMap<ServiceName, Service>,
    ) -> bool {
        let mut cluster = self.beside.table();
        if !self.decided.is_acting() {
            if cluster.address_pools.is_empty() {
                return false;
            }
            self.decided.begin();
        }
        cluster.service_cidrs = self.service_cidrs.as_slice().into();
        let mut is_written = false;
        for _ in 0..ROUNDS_MAX {
            self.decided.settle(&cluster, now);
            let due = self.decided.due();
            let due: Vec<(ServiceName, Step)> =
                due.map(|due| (due.service.clone(), due.step.into_owned())).collect();
            if due.is_empty() {
                break;
            }
            is_written = true;
            for (name, step) in due {
                let Some(service) = services.get_mut(&name) else { continue };
                write(&mut service.object, &name, step);
                self.decided.see(&service.object);
            }
        }
        self.tell_of_pools(&cluster);
        is_written
    }

    /// When to settle again, though nothing else happened.
    pub(super) fn next_due(&self) -> Option<Duration> {
        self.decided.next_due()
    }

    fn tell_of_pools(&mut self, cluster: &ServiceTable) {
        let mut wrong = cluster.rejections.to_vec();
        wrong.extend(self.decided.allocator().into_iter().flat_map(|it| it.problems().to_vec()));
        for rejection in wrong.iter().filter(|it| !self.told.contains(it)) {
            tracing::warn!("{rejection}");
        }
        self.told = wrong;
    }
}

fn write(object: &mut api::Service, name: &ServiceName, step: Step) {
    let finalizers = &mut object.metadata.finalizers;
    match step {
        Step::AddFinalizer => finalizers.push(FINALIZER.to_owned()),
        Step::RemoveFinalizer => finalizers.retain(|it| it != FINALIZER),
        Step::Status { status, events } => {
            object.status.load_balancer.ingress = status.ingress;
            let conditions = &mut object.status.conditions;
            conditions.retain(|it| it.kind != ALLOCATED);
            conditions.extend(status.condition.map(condition));
            for Event { is_warning, reason, text } in events {
                if is_warning {
                    tracing::warn!("Service {name}: {reason}: {text}");
                } else {
                    tracing::info!("Service {name}: {reason}: {text}");
                }
            }
        }
    }
}

fn condition(said: Condition) -> api::Condition {
    api::Condition {
        kind: ALLOCATED.to_owned(),
        status: if said.is_true { "True" } else { "False" }.to_owned(),
        reason: said.reason.to_owned(),
        message: said.message,
        observed_generation: said.observed_generation,
        last_transition_time: said.since,
    }
}
