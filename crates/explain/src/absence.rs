//! Why does the cluster DNS deny a name?

use std::sync::Arc;

use dns::wire::{Lowered, Name, RecordType};
use dns::zone::{Absent, Domain, Found, Place, PodMode, Stands};
use model::{EndpointSlice, Family, Service, ServiceName};

use crate::dns_question::NoAnswer;
use crate::trace::{Object, Origin};
use crate::view::View;

/// EndpointSlices that are named as origins.
const SLICES_MAX: usize = 4;

/// Why there is no record, and what would make it another way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Why {
    pub(crate) reason: NoAnswer,
    pub(crate) says: String,
    pub(crate) origins: Vec<Origin>,
    pub(crate) change: Option<String>,
}

impl Why {
    pub(crate) fn new(reason: NoAnswer, says: impl Into<String>) -> Self {
        Self { reason, says: says.into(), origins: Vec::new(), change: None }
    }
}

/// Why the zone denies a name, as it says itself; `None` when it does not.
pub(crate) fn of(view: &View<'_>, name: &Name) -> Option<Why> {
    let lowered = Lowered::new(name.as_wire())?;
    match view.dns.zone.find(&lowered) {
        Place::Outside => None,
        Place::Inside { found: Ok(_), .. } => None,
        Place::Inside { zone_label, found: Err(absent), domain } => {
            let labels = (0..zone_label).filter_map(|at| lowered.label(at));
            let labels: Vec<String> =
                labels.map(|label| String::from_utf8_lossy(label).into_owned()).collect();
            Some(Denied { view, domain, labels }.why(absent))
        }
    }
}

struct Denied<'a> {
    view: &'a View<'a>,
    /// Absent for the names of addresses.
    domain: Option<Domain>,
    /// Those before the zone's own.
    labels: Vec<String>,
}

impl<'a> Denied<'a> {
    fn label_from_right(&self, at: usize) -> &str {
        let index = self.labels.len().checked_sub(at + 1);
        index.and_then(|index| self.labels.get(index)).map_or("", String::as_str)
    }

    fn service_name(&self) -> ServiceName {
        ServiceName::new(self.label_from_right(1), self.label_from_right(2))
    }

    /// `Service`, or what stands for one of another cluster.
    fn kind(&self) -> &'static str {
        if self.domain == Some(Domain::ClusterSet) { "ServiceImport" } else { "Service" }
    }

    fn service(&self) -> Option<&'a Service> {
        if self.domain != Some(Domain::Cluster) {
            return None;
        }
        self.view.cluster().services.get(&self.service_name()).map(AsRef::as_ref)
    }

    fn why(&self, absent: Absent) -> Why {
        let service = self.service_name();
        match absent {
            Absent::Form => Why::new(NoAnswer::Form, "no name of a cluster has this form"),
            Absent::Namespace => self.namespace(),
            Absent::Service => self.no_service(),
            Absent::NotReady => self.not_ready(),
            Absent::Endpoint => self.endpoint(),
            Absent::Port => Why::new(
                NoAnswer::Port,
                format!("{} {service} has no port of that name", self.kind()),
            ),
            Absent::BelowAlias => Why {
                origins: self.external_name(),
                ..Why::new(
                    NoAnswer::BelowExternalName,
                    format!("Service {service} is an ExternalName, and nothing is below it"),
                )
            },
            Absent::BadAlias => self.bad_external_name(),
            Absent::PodsDisabled => {
                Why::new(NoAnswer::PodsDisabled, "pods have no names: the DNS is set so")
            }
            Absent::Pod => self.pod(),
            Absent::Address => {
                Why::new(NoAnswer::Address, "no Service and no endpoint has that address")
            }
        }
    }

    fn namespace(&self) -> Why {
        let namespace = self.label_from_right(1);
        if self.view.cluster().has_namespace(namespace) {
            let says =
                format!("namespace {namespace} is hidden: the DNS is set to show others only");
            return Why::new(NoAnswer::HiddenNamespace, says);
        }
        Why::new(NoAnswer::Namespace, format!("there is no namespace {namespace}"))
    }

    fn no_service(&self) -> Why {
        let ServiceName { namespace, name } = self.service_name();
        let mut says = format!("namespace {namespace} has no {} {name}", self.kind());
        if self.domain != Some(Domain::Cluster) {
            return Why::new(NoAnswer::Service, says);
        }
        let object = model::Object::Service(ServiceName::new(&*namespace, &*name));
        let rejection = self.view.rejections.iter().find(|it| it.object == object);
        let mut origins = Vec::new();
        if let Some(rejection) = rejection {
            says = format!("Service {namespace}/{name} was not accepted: {}", rejection.reason);
            origins.push(Origin::new((&rejection.object).into(), &rejection.field, ""));
        }
        let mut others = self.view.cluster().services.keys();
        let other = others.find(|known| known.name == name && self.labels.len() == 3);
        let change = other.map(|other| {
            format!("{}.{}, since namespace {1} has such a Service", other.name, other.namespace)
        });
        Why { origins, change, ..Why::new(NoAnswer::Service, says) }
    }

    fn not_ready(&self) -> Why {
        let name = self.service_name();
        let unready = self.service().map_or(0, |service| {
            let endpoints = service.slices.iter().flat_map(|slice| slice.endpoints().iter());
            endpoints.filter(|endpoint| !endpoint.ready).count()
        });
        let is_headless = self.service().is_none_or(|service| service.cluster_ips.is_empty());
        let what = if is_headless { "is headless and " } else { "" };
        let says = match unready {
            0 => format!("{} {name} {what}has no ready endpoint", self.kind()),
            n => format!("Service {name} {what}has no ready endpoint: 0 of {n} are ready"),
        };
        let mut why = Why::new(NoAnswer::NotReady, says);
        why.origins = self.service().map(|service| conditions(service, None)).unwrap_or_default();
        if unready > 0 {
            why.change =
                Some("an endpoint that is ready, or spec.publishNotReadyAddresses=true".to_owned());
        }
        why
    }

    fn endpoint(&self) -> Why {
        let name = self.service_name();
        let says = format!("no ready endpoint of {} {name} has that name", self.kind());
        let mut why = Why::new(NoAnswer::Endpoint, says);
        let label = self.labels.first().map_or("", String::as_str);
        let Some(service) = self.service() else { return why };
        for slice in service.slices.iter() {
            let named = slice.endpoints().iter().filter(|it| it.hostname.as_deref() == Some(label));
            for endpoint in named.filter(|endpoint| !endpoint.ready).take(1) {
                why.says = format!(
                    "the endpoint {} of Service {name} has that name, and is not ready",
                    endpoint.address.ip()
                );
                why.origins = vec![Origin::new(
                    Object::slice(&service.name, slice),
                    "endpoints[].conditions.ready",
                    false,
                )];
            }
        }
        why
    }

    fn bad_external_name(&self) -> Why {
        let says = match self.external_name().first() {
            Some(origin) => format!("its spec.externalName is no name: {}", origin.value),
            None => "its spec.externalName is no name".to_owned(),
        };
        Why { origins: self.external_name(), ..Why::new(NoAnswer::BadExternalName, says) }
    }

    fn external_name(&self) -> Vec<Origin> {
        match self.service().map(|service| (&service.name, &service.kind)) {
            Some((name, model::ServiceKind::ExternalName(target))) => {
                vec![Origin::new(Object::service(name), "spec.externalName", target)]
            }
            Some(_) | None => Vec::new(),
        }
    }

    fn pod(&self) -> Why {
        let says = match self.view.dns.zone.settings().pods {
            PodMode::Verified => {
                format!(
                    "no pod of namespace {} has the address that it says",
                    self.label_from_right(1)
                )
            }
            PodMode::Insecure | PodMode::Disabled => {
                format!("{} is no address with dashes", self.label_from_right(2))
            }
        };
        Why::new(NoAnswer::Pod, says)
    }
}

/// The slices that say which endpoints are ready.
pub(crate) fn conditions(service: &Service, wanted: Option<Family>) -> Vec<Origin> {
    let matters = |slice: &&Arc<EndpointSlice>| {
        !slice.endpoints().is_empty() && wanted.is_none_or(|family| slice.family == family)
    };
    let slices = service.slices.iter().filter(matters);
    let ready = |slice: &EndpointSlice| slice.endpoints().iter().filter(|it| it.ready).count();
    let origins = slices.map(|slice| {
        let value = format!("{} of {} true", ready(slice), slice.endpoints().len());
        Origin::new(Object::slice(&service.name, slice), "endpoints[].conditions.ready", value)
    });
    origins.take(SLICES_MAX).collect()
}

/// Why a name that is there has no record of a type: what it has instead.
pub(crate) fn of_type(view: &View<'_>, name: &Name, rtype: RecordType) -> Why {
    let lowered = Lowered::new(name.as_wire());
    let place = lowered.as_ref().map(|lowered| view.dns.zone.find(lowered));
    let Some(Place::Inside { found: Ok(found), .. }) = &place else {
        return Why::new(NoAnswer::Type, "it has no such record");
    };
    let is_address = matches!(rtype, RecordType::A | RecordType::AAAA);
    let family = match rtype {
        RecordType::A => "IPv4",
        _ => "IPv6",
    };
    let has_addresses = match found {
        Found::Service(service) => !matches!(service.stands, Stands::Alias(_)),
        Found::Host(..) | Found::Pod(_) | Found::NameServer | Found::Zonal(..) => true,
        Found::Apex | Found::Version | Found::Empty | Found::Port { .. } | Found::Pointers(_) => {
            false
        }
    };
    match found {
        Found::Service(service) if is_address && has_addresses => {
            let model = view.cluster().services.get(&service.name);
            let families = model.filter(|it| !it.cluster_ips.is_empty()).map(|it| {
                let ips: Vec<String> = it.cluster_ips.iter().map(ToString::to_string).collect();
                Origin::new(Object::service(&it.name), "spec.clusterIPs", ips.join(","))
            });
            let says = format!("Service {} has no {family} address", service.name);
            let origins = families.map_or_else(
                || model.map(|it| conditions(it, None)).unwrap_or_default(),
                |origin| vec![origin],
            );
            Why { origins, ..Why::new(NoAnswer::Family, says) }
        }
        _ if is_address && has_addresses => {
            Why::new(NoAnswer::Family, format!("it has no {family} address"))
        }
        Found::Empty => {
            Why::new(NoAnswer::Type, "it is there only for the names below it".to_owned())
        }
        Found::Port { .. } => Why::new(NoAnswer::Type, "it has SRV records only".to_owned()),
        Found::Pointers(_) => Why::new(NoAnswer::Type, "it has PTR records only".to_owned()),
        Found::Version => Why::new(NoAnswer::Type, "it has a TXT record only".to_owned()),
        Found::Apex => Why::new(NoAnswer::Type, "it is the zone's own name".to_owned()),
        Found::Service(_)
        | Found::Host(..)
        | Found::Pod(_)
        | Found::NameServer
        | Found::Zonal(..) => Why::new(NoAnswer::Type, format!("it has no {rtype} record")),
    }
}
