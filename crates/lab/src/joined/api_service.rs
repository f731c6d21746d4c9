//! How do pods reach the API server by the Service `kubernetes`?
//!
//! Its endpoints are where the API server says that it is: somewhere on the host or beyond it, where
//! no packet of the fabric comes to. So the router of the fabric has those addresses too, listens
//! there, and passes connections on. An API server on loopback cannot say where it is; then the lab
//! says that it is at the router.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use host::netns::Netns;
use hyper::StatusCode;
use ingest::api::{EndpointSlice, IntOrString};
use ipnet::IpNet;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

use super::api::{Api, Failure, PatchKind};
use super::node::LAB_LABEL;
use super::pause::Pause;
use super::relay::{ADDRESS, relay};
use crate::event::Events;
use crate::network;
use crate::place::Place;
use crate::plan::Plan;
use crate::settings::LabName;

const SERVICE: &str = "/api/v1/namespaces/default/services/kubernetes";
const SLICES: &str = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
const OF_SERVICE: &str = "labelSelector=kubernetes.io%2Fservice-name%3Dkubernetes";

/// It writes at least a bookmark each minute.
const SILENCE_MAX: Duration = Duration::from_secs(90);

/// A server that ends each watch at once is not asked more often.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// Where pods could not be led to is tried again after this.
const LEAD_AGAIN_AFTER: Duration = Duration::from_secs(2);

/// Addresses of an API server.
const ENDPOINTS_MAX: usize = 64;

/// Where connections are taken, and where they go.
pub(crate) struct Way {
    pub(crate) place: Place,
    pub(crate) plan: Plan,
    pub(crate) lab: LabName,
    /// Where the API server is for the host.
    pub(crate) host: String,
    pub(crate) port: u16,
    relays: Relays,
    /// What the router has by us.
    taken: BTreeSet<IpAddr>,
    /// What of that could not be done, as it was told.
    troubles: BTreeSet<String>,
}

/// They end with the value.
#[derive(Default)]
struct Relays(BTreeMap<SocketAddr, JoinHandle<()>>);

impl Drop for Relays {
    fn drop(&mut self) {
        self.0.values().for_each(JoinHandle::abort);
    }
}

/// Leads pods to wherever the Service leads them, until the lab ends.
pub(crate) async fn lead_pods(api: Api, mut way: Way, events: Events) {
    let mut pause = Pause::default();
    while !events.is_closed() {
        let began = Instant::now();
        match way.follow(&api).await {
            Ok(()) => {
                pause.passed("the Service kubernetes");
                sleep_until(began + LOOK_AGAIN_AFTER).await;
            }
            Err(failure) => pause.failed("the Service kubernetes", &failure).await,
        }
    }
}

impl Way {
    pub(crate) fn new(place: Place, plan: Plan, host: String, port: u16) -> Self {
        let lab = place.name().clone();
        Self {
            place,
            plan,
            lab,
            host,
            port,
            relays: Relays::default(),
            taken: BTreeSet::new(),
            troubles: BTreeSet::new(),
        }
    }

    /// Leads as it is to be now, and waits until that may be otherwise.
    async fn follow(&mut self, api: &Api) -> Result<(), Failure> {
        let list = api.get(&format!("{SLICES}?{OF_SERVICE}&limit=500")).await?;
        let version = list.pointer("/metadata/resourceVersion").and_then(Value::as_str);
        let slices = list.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        let is_own = |slice: &&Value| label(slice) == Some(self.lab.as_str());
        let (own, others): (Vec<&Value>, Vec<&Value>) = slices.iter().partition(is_own);
        let found = endpoints(others);
        if found.is_empty() {
            self.say_where(api).await?;
            self.lead(self.routers().map(|it| SocketAddr::new(it, ADDRESS.port())).collect());
        } else {
            self.lead(found);
            // Whoever says it better is believed.
            for slice in own {
                let name = slice.pointer("/metadata/name").and_then(Value::as_str);
                drop(
                    api.delete(&format!("{SLICES}/{}", name.unwrap_or_default()), &json!({})).await,
                );
            }
        }
        if !self.troubles.is_empty() {
            sleep(LEAD_AGAIN_AFTER).await;
            return Ok(());
        }
        let path = format!(
            "{SLICES}?{OF_SERVICE}&watch=1&allowWatchBookmarks=true&resourceVersion={}",
            version.unwrap_or_default()
        );
        api.watch(&path, SILENCE_MAX).await?.next_line().await?;
        Ok(())
    }

    fn routers(&self) -> impl Iterator<Item = IpAddr> {
        self.plan.outside.iter().map(IpNet::addr)
    }

    /// Writes an EndpointSlice for each family that the Service has.
    async fn say_where(&self, api: &Api) -> Result<(), Failure> {
        let service = api.get(SERVICE).await?;
        let families = service.pointer("/spec/ipFamilies").and_then(Value::as_array);
        for family in families.into_iter().flatten().filter_map(Value::as_str) {
            let is_of = |it: &IpAddr| it.is_ipv4() == (family == "IPv4");
            let Some(router) = self.routers().find(is_of) else { continue };
            let slice = slice(&self.lab, family, router);
            match api.create(SLICES, &slice).await {
                // One of a lab that was killed may say something else.
                Err(failure) if failure.is(StatusCode::CONFLICT) => {
                    let path = format!("{SLICES}/{}", slice_name(&self.lab, family));
                    drop(api.patch(&path, PatchKind::Merge, &slice).await?);
                }
                made => drop(made?),
            }
        }
        Ok(())
    }

    /// Leads there and nowhere else, as far as that can be done; what cannot is told once.
    fn lead(&mut self, mut wanted: BTreeSet<SocketAddr>) {
        if let Some(beyond) = wanted.iter().nth(ENDPOINTS_MAX).copied() {
            drop(wanted.split_off(&beyond));
        }
        self.relays.0.retain(|at, relay| {
            let stays = wanted.contains(at);
            if !stays {
                relay.abort();
            }
            stays
        });
        let mut troubles = BTreeSet::new();
        let needed: BTreeSet<IpAddr> = wanted.iter().map(SocketAddr::ip).collect();
        for address in self.taken.difference(&needed).copied().collect::<Vec<_>>() {
            match network::let_go(&self.place, address) {
                Ok(()) => drop(self.taken.remove(&address)),
                Err(error) => drop(troubles.insert(format!("cannot let {address} go: {error}"))),
            }
        }
        for at in wanted {
            if let Err(error) = self.lead_to(at) {
                troubles.insert(format!("cannot lead pods to the API server at {at}: {error}"));
            }
        }
        for news in troubles.difference(&self.troubles) {
            tracing::warn!("{news}");
        }
        self.troubles = troubles;
    }

    fn lead_to(&mut self, at: SocketAddr) -> io::Result<()> {
        if self.relays.0.contains_key(&at) {
            return Ok(());
        }
        match self.plan.outside.iter().find(|it| it.contains(&at.ip())) {
            // The fabric itself leads to whoever else is there.
            Some(router) if router.addr() != at.ip() => return Ok(()),
            Some(_) => {}
            None if self.taken.contains(&at.ip()) => {}
            None => {
                network::take_on(&self.place, at.ip()).map_err(io::Error::other)?;
                self.taken.insert(at.ip());
            }
        }
        let outside = Netns::open(&self.place.outside_netns()).map_err(io::Error::other)?;
        self.relays.0.insert(at, relay(&outside, at, &self.host, self.port)?);
        Ok(())
    }
}

fn label(slice: &Value) -> Option<&str> {
    slice.get("metadata")?.get("labels")?.get(LAB_LABEL)?.as_str()
}

fn endpoints<'a>(slices: impl IntoIterator<Item = &'a Value>) -> BTreeSet<SocketAddr> {
    let mut found = BTreeSet::new();
    for slice in slices.into_iter().filter_map(|it| EndpointSlice::deserialize(it).ok()) {
        let addresses = slice.endpoints.iter().flat_map(|it| &it.addresses);
        for address in addresses.filter_map(|it| it.parse::<IpAddr>().ok()) {
            let ports = slice.ports.iter().filter_map(|it| match it.port.as_ref()? {
                IntOrString::Int(port) => u16::try_from(*port).ok(),
                IntOrString::String(_) => None,
            });
            found.extend(ports.map(|port| SocketAddr::new(address, port)));
        }
    }
    found
}

fn slice_name(lab: &LabName, family: &str) -> String {
    format!("kubernetes-{lab}-{}", family.to_lowercase())
}

fn slice(lab: &LabName, family: &str, router: IpAddr) -> Value {
    json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": slice_name(lab, family),
            "labels": {
                "kubernetes.io/service-name": "kubernetes",
                "endpointslice.kubernetes.io/managed-by": "lab.pogu.dev",
                LAB_LABEL: lab.as_str(),
            },
        },
        "addressType": family,
        "endpoints": [{"addresses": [router.to_string()], "conditions": {"ready": true}}],
        "ports": [{"name": "https", "port": ADDRESS.port(), "protocol": "TCP"}],
    })
}

/// Takes away what the lab has said of the API server.
pub(super) async fn take_away(api: &Api, lab: &LabName) -> Result<(), Failure> {
    let list = api.get(&format!("{SLICES}?{OF_SERVICE}")).await?;
    for slice in list.get("items").and_then(Value::as_array).into_iter().flatten() {
        if label(slice) == Some(lab.as_str()) {
            let name = slice.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
            drop(api.delete(&format!("{SLICES}/{name}"), &json!({})).await?);
        }
    }
    Ok(())
}
