//! What does a Service say now, as far as its load balancer goes?

use std::net::IpAddr;
use std::sync::Arc;

use ingest::api::{self, Ingress, Metadata};
use ingest::{ALLOCATED, address_request, outside_addresses};
use model::{AddressRequest, Way};

/// While a Service has it, it is not gone: whoever gave it addresses takes them back first. The name is
/// the one that load balancers of clouds use, and that kubectl and tests of the API know.
pub const FINALIZER: &str = "service.kubernetes.io/load-balancer-cleanup";

/// The annotation that says that the finalizer is ours: others use the same name. It is written with the
/// finalizer, so it stands also where whoever wrote it ended before the first status.
pub const HELD: &str = "pogu.dev/load-balancer-cleanup";

/// Adds the finalizer to an object, and whose it is.
pub fn hold(metadata: &mut Metadata) {
    metadata.finalizers.push(FINALIZER.to_owned());
    metadata.annotations.insert(HELD.to_owned(), "true".to_owned());
}

/// Takes from an object what `hold` added.
pub fn let_go(metadata: &mut Metadata) {
    metadata.finalizers.retain(|it| it != FINALIZER);
    metadata.annotations.remove(HELD);
}

/// A Service that concerns us, or did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// How it is to be led to; absent where it is not, or is no longer, ours.
    pub way: Option<Way>,
    /// What it asks for; absent as long as it has no ClusterIP.
    pub request: Option<Arc<AddressRequest>>,
    /// Where a balancer outside of the cluster listens, as its owner says; or what is wrong with that.
    pub outside: Result<Vec<IpAddr>, String>,
    pub is_being_deleted: bool,
    pub has_finalizer: bool,
    /// What its status says, by whomever, with the mode explicit.
    pub ingress: Vec<Ingress>,
    /// Our condition, as it stands.
    pub condition: Option<api::Condition>,
    pub generation: Option<i64>,
    /// Stands for this state of the object.
    pub version: Arc<str>,
}

impl Seen {
    /// Absent where nothing of the Service is ours.
    pub(crate) fn of(object: &api::Service, default_way: Option<Way>) -> Option<Self> {
        let spec = &object.spec;
        let is_balanced = spec.kind.as_deref() == Some("LoadBalancer");
        let class = spec.load_balancer_class.as_deref().filter(|class| !class.is_empty());
        let way = Way::of(class, default_way).filter(|_| is_balanced);
        let condition = object.status.conditions.iter().find(|it| it.kind == ALLOCATED);
        let metadata = &object.metadata;
        let has_finalizer = metadata.finalizers.iter().any(|it| it == FINALIZER);
        // Without the finalizer it is a copy of one that was ours.
        let is_held = has_finalizer && metadata.annotations.contains_key(HELD);
        if way.is_none() && condition.is_none() && !is_held {
            return None;
        }
        Some(Self {
            way,
            request: way.and_then(|_| address_request(object)).map(Arc::new),
            outside: way
                .filter(|way| *way == Way::NodePort)
                .map_or(Ok(Vec::new()), |_| outside_addresses(object)),
            is_being_deleted: metadata.deletion_timestamp.is_some(),
            has_finalizer,
            ingress: object.status.load_balancer.ingress.iter().map(explicit).collect(),
            condition: condition.cloned(),
            generation: metadata.generation,
            version: metadata.resource_version.as_deref().unwrap_or_default().into(),
        })
    }

    /// Those that its status says it has.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.ingress.iter().filter_map(|it| it.ip.as_deref()?.parse().ok())
    }

    /// Whether it is to have addresses.
    pub(crate) const fn is_active(&self) -> bool {
        self.way.is_some() && !self.is_being_deleted
    }
}

/// Those of its status that a node may stand in for.
pub(crate) fn addresses_of(object: &api::Service) -> Vec<IpAddr> {
    let ingress = object.status.load_balancer.ingress.iter();
    let ours = ingress.filter(|it| it.ip_mode.as_deref() != Some("Proxy"));
    ours.filter_map(|it| it.ip.as_deref()?.parse().ok()).collect()
}

/// With the mode that the API takes for none.
fn explicit(ingress: &Ingress) -> Ingress {
    let mut ingress = ingress.clone();
    if ingress.ip.is_some() {
        ingress.ip_mode.get_or_insert_with(|| "VIP".to_owned());
    }
    ingress
}
