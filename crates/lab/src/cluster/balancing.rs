//! Which load balancer addresses do Services get? There is no API server whose controller gives them,
//! so the lab writes them into its own objects, of the pools that manifests name.

use std::collections::BTreeSet;
use std::time::Duration;

use ingest::api::{self, Kind, ObjectKey};
use ingest::{ALLOCATED, Objects};
use ipnet::IpNet;
use loadbalancer::{Event, LoadBalancers, Settings, Status, Step};
use model::{Rejection, ServiceName, Way};

use super::Cluster;

/// Steps of one round; each Service needs two.
const STEPS_MAX: usize = 65_536;

/// Whoever writes an address into a manifest has given it: it is nobody else's business.
const BY_MANIFEST: &str = "manifest";

#[derive(Debug)]
pub(super) struct Balancing {
    balancers: LoadBalancers,
    /// Those whose addresses stand in their manifests.
    given: BTreeSet<ServiceName>,
    /// What addresses depend on beside Services.
    objects: Objects,
    /// What is wrong with pools, as it was told.
    problems: Vec<Rejection>,
}

impl Balancing {
    pub(super) fn new(service_cidrs: &[IpNet]) -> Self {
        let settings = Settings { default_way: Some(Way::Vip), ..Settings::default() };
        let mut objects = Objects::new();
        objects.apply(api::Object::ServiceCidr(api::ServiceCidr {
            metadata: api::Metadata { name: "lab".to_owned(), ..api::Metadata::default() },
            spec: api::ServiceCidrSpec {
                cidrs: service_cidrs.iter().map(IpNet::to_string).collect(),
            },
        }));
        let mut balancers = LoadBalancers::new(settings);
        balancers.begin();
        Self { balancers, given: BTreeSet::new(), objects, problems: Vec::new() }
    }

    /// A Service as its manifest has it now. What the lab has written of it before stays with it.
    pub(super) fn admit(
        &mut self,
        name: &ServiceName,
        service: &mut api::Service,
        known: Option<&api::Service>,
    ) {
        if !service.status.load_balancer.ingress.is_empty() {
            self.given.insert(name.clone());
            let mut given = service.clone();
            given.spec.load_balancer_class = Some(BY_MANIFEST.to_owned());
            self.balancers.see(&given);
            return;
        }
        if !self.given.remove(name)
            && let Some(known) = known
        {
            service.status = known.status.clone();
            service.metadata.finalizers.clone_from(&known.metadata.finalizers);
        }
        self.balancers.see(service);
    }

    pub(super) fn forget(&mut self, name: &ServiceName) {
        self.given.remove(name);
        self.balancers.forget(name);
    }

    pub(super) fn apply(&mut self, object: &api::Object) {
        match object.kind() {
            Kind::AddressPool | Kind::IpAddressPool | Kind::Namespace | Kind::Node => {
                self.objects.apply(object.clone());
            }
            Kind::Service
            | Kind::EndpointSlice
            | Kind::ServiceCidr
            | Kind::Pod
            | Kind::ServiceImport
            | Kind::ConfigMap
            | Kind::L2Advertisement => {}
        }
    }

    pub(super) fn delete(&mut self, key: &ObjectKey) {
        self.objects.delete(key);
    }

    /// When addresses are to be settled again, though nothing else happens.
    pub(super) fn next_due(&self) -> Option<Duration> {
        self.balancers.next_due()
    }

    /// What is to be written next.
    fn next(&mut self, now: Duration) -> Option<(ServiceName, Step)> {
        self.balancers.settle(&self.objects.table(), now);
        let due = self.balancers.due().next()?;
        Some((due.service.clone(), due.step.into_owned()))
    }

    /// Each once for as long as it lasts.
    fn tell_problems(&mut self) {
        let now = self.balancers.allocator().map(|allocator| allocator.problems().to_vec());
        let now = now.unwrap_or_default();
        for problem in now.iter().filter(|problem| !self.problems.contains(problem)) {
            tracing::warn!("{problem}");
        }
        self.problems = now;
    }
}

impl Cluster {
    /// Gives Services their addresses; whether anything is new.
    pub(super) fn settle_addresses(&mut self, now: Duration) -> bool {
        let mut is_new = false;
        for _ in 0..STEPS_MAX {
            let Some((name, step)) = self.balancing.next(now) else { break };
            let Some(service) = self.services.get_mut(&name) else { break };
            write(&name, &mut service.object, step);
            self.balancing.balancers.see(&service.object);
            is_new = true;
        }
        self.balancing.tell_problems();
        is_new
    }
}

fn write(name: &ServiceName, object: &mut api::Service, step: Step) {
    match step {
        Step::AddFinalizer => loadbalancer::hold(&mut object.metadata),
        Step::RemoveFinalizer => loadbalancer::let_go(&mut object.metadata),
        Step::Status { status, events } => {
            events.iter().for_each(|event| tell(name, event));
            write_status(&mut object.status, status);
        }
    }
}

fn write_status(object: &mut api::ServiceStatus, status: Status) {
    object.load_balancer.ingress = status.ingress;
    object.conditions.retain(|condition| condition.kind != ALLOCATED);
    let condition = status.condition.map(|it| api::Condition {
        kind: ALLOCATED.to_owned(),
        status: if it.is_true { "True" } else { "False" }.to_owned(),
        reason: it.reason.to_owned(),
        message: it.message,
        observed_generation: it.observed_generation,
        last_transition_time: it.since,
    });
    object.conditions.extend(condition);
}

fn tell(name: &ServiceName, event: &Event) {
    let (reason, text) = (event.reason, &event.text);
    if event.is_warning {
        tracing::warn!("Service {name}: {reason}: {text}");
    } else {
        tracing::info!("Service {name}: {reason}: {text}");
    }
}
