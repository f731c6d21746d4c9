//! Which addresses does a Service of type LoadBalancer ask for?

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use model::{AddressRequest, Family, FamilyPolicy, PoolName, Sharing, SharingScope, TrafficPolicy};

use crate::address::parse_reachable;
use crate::api;
use crate::labels::{
    ASKED_ADDRESSES, ASKED_POOL, OUTSIDE_ADDRESSES, SHARING_KEY, SHARING_NAMESPACES,
};
use crate::names::Names;
use crate::report::quoted;
use crate::service;

/// What a Service asks of whoever allocates load balancer addresses. Absent where it asks for nothing:
/// it is of another type, or has no ClusterIP yet, and then nobody knows its families.
///
/// Annotations of other allocators are read as ours are. Where several say the same thing they must
/// agree; if they do not, the Service asks for something unclear, and gets nothing.
#[must_use]
pub fn address_request(object: &api::Service) -> Option<AddressRequest> {
    if object.spec.kind.as_deref() != Some("LoadBalancer") {
        return None;
    }
    // What is wrong with the rest of the Service is told where the table is made.
    let (service, _) = service::read(object, &mut Names::default());
    if service.cluster_ips.is_empty() {
        return None;
    }
    let asked = asked(object);
    let (asked, unclear) = match asked {
        Ok(asked) => (asked, None),
        Err(why) => (Asked::default(), Some(why.into())),
    };
    let labels = object.metadata.labels.iter();
    let is_local = service.external_policy == TrafficPolicy::Local;
    let class = object.spec.load_balancer_class.as_deref().filter(|class| !class.is_empty());
    let ingress = object.status.load_balancer.ingress.iter();
    Some(AddressRequest {
        service: service.name,
        created_s: service.created_s,
        class: class.map(Arc::from),
        labels: labels
            .map(|(label, value)| (label.as_str().into(), value.as_str().into()))
            .collect(),
        families: service.cluster_ips.iter().map(|ip| Family::of(*ip)).collect(),
        family_policy: family_policy(&object.spec),
        addresses: asked.addresses,
        pool: asked.pool.map(PoolName::new),
        unclear,
        sharing: asked.sharing,
        ports: service.ports.iter().map(|port| (port.protocol, port.port)).collect(),
        local_selector: is_local.then(|| selector(&object.spec.selector).into()),
        held: ingress.filter_map(|it| parse_reachable(it.ip.as_deref()?).ok()).collect(),
    })
}

/// Where a balancer outside of the cluster listens for the Service, as its owner says.
///
/// # Errors
/// What is wrong with the annotation.
pub fn outside_addresses(object: &api::Service) -> Result<Vec<IpAddr>, String> {
    let written = object.metadata.annotations.get(OUTSIDE_ADDRESSES);
    let texts = written.map_or("", |text| text.trim()).split(',').map(str::trim);
    let texts = texts.filter(|text| !text.is_empty());
    let read =
        |text: &str| parse_reachable(text).map_err(|error| format!("{OUTSIDE_ADDRESSES}: {error}"));
    texts.map(read).collect()
}

/// Whether a Service consents to share its addresses, as clearly or unclearly as it may.
pub(crate) fn is_sharing(object: &api::Service) -> bool {
    said(&object.metadata.annotations, SHARING_KEY).next().is_some()
}

#[derive(Default)]
struct Asked {
    addresses: Vec<IpAddr>,
    pool: Option<String>,
    sharing: Option<Sharing>,
}

fn asked(object: &api::Service) -> Result<Asked, String> {
    let annotations = &object.metadata.annotations;
    Ok(Asked {
        addresses: addresses(object)?,
        pool: agreed(said(annotations, ASKED_POOL))?.map(str::to_owned),
        sharing: sharing(annotations)?,
    })
}

/// The annotations that are there, of those that mean the same. Of one and its older name the newer
/// counts.
fn said<'a>(
    annotations: &'a BTreeMap<String, String>,
    names: &'static [&'static [&'static str]],
) -> impl Iterator<Item = (&'static str, &'a str)> {
    names.iter().filter_map(|names| {
        let found = names.iter().find_map(|name| Some((*name, annotations.get(*name)?)));
        found.map(|(name, text)| (name, text.trim())).filter(|(_, text)| !text.is_empty())
    })
}

/// The one text that all say.
fn agreed<'a>(
    mut said: impl Iterator<Item = (&'static str, &'a str)>,
) -> Result<Option<&'a str>, String> {
    let Some((first_name, first)) = said.next() else { return Ok(None) };
    match said.find(|(_, text)| *text != first) {
        None => Ok(Some(first)),
        Some((name, text)) => Err(contradiction(first_name, first, name, text)),
    }
}

fn contradiction(first_name: &str, first: &str, name: &str, text: &str) -> String {
    let (first, text) = (quoted(first), quoted(text));
    format!("expected the same of {first_name} and {name}, found {first} and {text}")
}

/// At most one of each family, in the order of the first place that names them.
fn addresses(object: &api::Service) -> Result<Vec<IpAddr>, String> {
    let field = object.spec.load_balancer_ip.as_deref().unwrap_or_default();
    let field = Some(("spec.loadBalancerIP", field)).filter(|(_, text)| !text.is_empty());
    let mut agreed: Option<(&str, &str, Vec<IpAddr>)> = None;
    for (name, text) in field.into_iter().chain(said(&object.metadata.annotations, ASKED_ADDRESSES))
    {
        let found = list(name, text)?;
        let as_set = |list: &[IpAddr]| list.iter().copied().collect::<BTreeSet<_>>();
        match &agreed {
            None => agreed = Some((name, text, found)),
            Some((_, _, first)) if as_set(first) == as_set(&found) => {}
            Some((first_name, first, _)) => {
                return Err(contradiction(first_name, first, name, text));
            }
        }
    }
    Ok(agreed.map(|(_, _, list)| list).unwrap_or_default())
}

fn list(name: &str, text: &str) -> Result<Vec<IpAddr>, String> {
    let mut found: Vec<IpAddr> = Vec::new();
    for text in text.split(',') {
        let address = parse_reachable(text.trim()).map_err(|error| format!("{name}: {error}"))?;
        let family = Family::of(address);
        if let Some(first) = found.iter().find(|it| Family::of(**it) == family) {
            return Err(format!(
                "{name}: expected one address of each family, found {address} beside {first}"
            ));
        }
        found.push(address);
    }
    Ok(found)
}

/// By whose annotation the key is, so far it reaches: MetalLB's to all namespaces, the others' to its
/// own and those that are named.
fn sharing(annotations: &BTreeMap<String, String>) -> Result<Option<Sharing>, String> {
    let Some(key) = agreed(said(annotations, SHARING_KEY))? else { return Ok(None) };
    let is_metallb = said(annotations, SHARING_KEY).all(|(name, _)| name.starts_with("metallb."));
    let named = agreed(said(annotations, SHARING_NAMESPACES))?;
    let with = match named {
        None if is_metallb => SharingScope::AnyNamespace,
        Some("*") => SharingScope::AnyNamespace,
        named => {
            let names = named.unwrap_or_default().split(',').map(str::trim);
            SharingScope::Namespaces(names.filter(|it| !it.is_empty()).map(Arc::from).collect())
        }
    };
    Ok(Some(Sharing { key: key.into(), with }))
}

fn family_policy(spec: &api::ServiceSpec) -> FamilyPolicy {
    match spec.ip_family_policy.as_deref().unwrap_or_default() {
        "PreferDualStack" => FamilyPolicy::PreferDualStack,
        "RequireDualStack" => FamilyPolicy::RequireDualStack,
        _ => FamilyPolicy::SingleStack,
    }
}

/// A text that is the same for the same selector.
fn selector(labels: &BTreeMap<String, String>) -> String {
    let all: Vec<String> = labels.iter().map(|(label, value)| format!("{label}={value}")).collect();
    all.join(",")
}
