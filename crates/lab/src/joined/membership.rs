//! How do the lab's nodes come to an API server, stay there and leave?

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use ipnet::IpNet;
use model::NodeName;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

use super::api::{Access, Api, Failure, KubeconfigError, PatchKind};
use super::endpoint::Doors;
use super::node::{self, LAB_LABEL, LEASES, Machine, NODES};
use super::{api_service, dns};
use crate::plan::{NodePlan, Plan};
use crate::settings::{LabName, Settings};

/// A lease holds for four of them.
const RENEW_EVERY: Duration = Duration::from_secs(10);

/// The controller that gives nodes their ranges has this long, where there is one.
const RANGES_WAIT: Duration = Duration::from_secs(3);
const RANGES_LOOK_EVERY: Duration = Duration::from_millis(50);

/// An API server that is away is not waited for when the lab ends.
const LEAVING_MAX: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    #[error(transparent)]
    Kubeconfig(#[from] KubeconfigError),
    #[error("the API server, asked to {what}: {failure}")]
    Asked { what: String, failure: Failure },
    #[error("the API server has a Node {0} that is not of this lab")]
    Stranger(NodeName),
    #[error("the API server has a Node {node} of another lab: {lab}")]
    OtherLab { node: NodeName, lab: String },
    #[error("the API server gave {node} the range {range}, which is not of --pod-cidr")]
    Range { node: NodeName, range: String },
    #[error("nodes cannot listen on {address}: {source}")]
    Listen { address: IpAddr, source: io::Error },
}

impl JoinError {
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Kubeconfig(_) => {
                "`kubectl version --kubeconfig FILE` shows whether others can use it".to_owned()
            }
            Self::Asked { failure: Failure::Unreachable(_), .. } => {
                "is it up, and does its certificate fit the kubeconfig?".to_owned()
            }
            Self::Asked { failure: Failure::Refused { .. }, .. } => {
                "the user of the kubeconfig must be a cluster admin".to_owned()
            }
            Self::OtherLab { lab, .. } => format!(
                "`pogu lab down --name {lab}` ends it where it runs; if it runs no longer: \
                 `kubectl delete node -l {LAB_LABEL}={lab}`"
            ),
            Self::Stranger(node) => {
                format!("if it is left of another lab: `kubectl delete node {node}`")
            }
            Self::Listen { .. } => {
                "--kubelet-address is one of this machine's own that the API server reaches"
                    .to_owned()
            }
            Self::Range { .. } => {
                "give --pod-cidr what kube-controller-manager has as --cluster-cidr".to_owned()
            }
        }
    }
}

fn asked(what: impl Into<String>) -> impl FnOnce(Failure) -> JoinError {
    let what = what.into();
    move |failure| JoinError::Asked { what, failure }
}

/// The lab's nodes at an API server.
pub(crate) struct Membership {
    pub(crate) access: Access,
    pub(crate) doors: Arc<Doors>,
    machine: Machine,
    nodes: Vec<NodePlan>,
}

impl Membership {
    /// Makes the Nodes, and takes the ranges of pods and ClusterIPs that the API server has.
    pub(crate) async fn join(
        path: &Path,
        settings: &mut Settings,
    ) -> Result<(Self, Plan), JoinError> {
        let access = Access::load(path).await?;
        let version = access.api.get("/version").await.map_err(asked("tell its version"))?;
        let version = version.get("gitVersion").and_then(Value::as_str).unwrap_or("v1.33.0");
        if let Some(cidrs) = service_cidrs(&access.api).await {
            settings.service_cidrs = cidrs;
        }
        let mut plan = Plan::new(settings);
        let names = plan.nodes.iter().map(|node| node.name.clone());
        let address = settings.kubelet_address;
        let doors = Doors::open(address, names);
        let doors = doors.map_err(|source| JoinError::Listen { address, source })?;
        let doors = Arc::new(doors);
        let (name, version) = (settings.name.clone(), version.to_owned());
        let machine = Machine::here(name, version, Arc::clone(&doors));
        let mut membership = Self { access, machine, doors, nodes: Vec::new() };
        match membership.register(&mut plan, settings).await {
            Ok(()) => {
                membership.nodes.clone_from(&plan.nodes);
                dns::find_or_make(&membership.access.api, &settings.name, &mut plan).await;
                Ok((membership, plan))
            }
            Err(error) => {
                membership.leave().await;
                Err(error)
            }
        }
    }

    async fn register(&mut self, plan: &mut Plan, settings: &Settings) -> Result<(), JoinError> {
        for node in &plan.nodes {
            let uid = self.enter(node).await?;
            // From here on it is ours to take away.
            self.nodes.push(node.clone());
            self.make_lease(node, &uid).await?;
        }
        let deadline = Instant::now() + RANGES_WAIT;
        for node in &mut plan.nodes {
            let Some(ranges) = self.ranges(node, deadline).await? else {
                self.give_ranges(node).await?;
                continue;
            };
            let is_ours = |range: &&IpNet| settings.pod_cidrs.iter().any(|it| it.contains(*range));
            if let Some(range) = ranges.iter().find(|range| !is_ours(range)) {
                let (node, range) = (node.name.clone(), range.to_string());
                return Err(JoinError::Range { node, range });
            }
            node.pod_ranges = ranges;
        }
        Ok(())
    }

    /// A Node that an earlier lab of the name left is taken over. Gives its identity.
    async fn enter(&self, node: &NodePlan) -> Result<String, JoinError> {
        let what = || format!("make Node {}", node.name);
        let now = host::clock::wall();
        let path = format!("{NODES}/{}", node.name);
        let made = match self.access.api.create(NODES, &self.machine.node(node, now)).await {
            Err(failure) if failure.is(StatusCode::CONFLICT) => {
                let there = self.access.api.get(&path).await.map_err(asked(what()))?;
                let label = there.get("metadata").and_then(|it| it.get("labels")?.get(LAB_LABEL));
                match label.and_then(Value::as_str) {
                    Some(lab) if lab == self.machine.lab.as_str() => {}
                    Some(lab) => {
                        let (node, lab) = (node.name.clone(), lab.to_owned());
                        return Err(JoinError::OtherLab { node, lab });
                    }
                    None => return Err(JoinError::Stranger(node.name.clone())),
                }
                self.tell_status(node).await.map_err(asked(what()))?
            }
            made => made.map_err(asked(what()))?,
        };
        let uid = made.pointer("/metadata/uid").and_then(Value::as_str);
        Ok(uid.unwrap_or_default().to_owned())
    }

    async fn make_lease(&self, node: &NodePlan, uid: &str) -> Result<(), JoinError> {
        let lease = node::lease(node, uid, host::clock::wall());
        match self.access.api.create(LEASES, &lease).await {
            Err(failure) if !failure.is(StatusCode::CONFLICT) => {
                Err(asked(format!("make the Lease of Node {}", node.name))(failure))
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    async fn tell_status(&self, node: &NodePlan) -> Result<Value, Failure> {
        let mut status = json!({"status": self.machine.status(node, host::clock::wall())});
        // Merged by their types, two of which are the same, they would be there twice.
        let addresses = status.pointer_mut("/status/addresses").and_then(Value::as_array_mut);
        if let Some(addresses) = addresses {
            addresses.insert(0, json!({"$patch": "replace"}));
        }
        let path = format!("{NODES}/{}/status", node.name);
        self.access.api.patch(&path, PatchKind::Strategic, &status).await
    }

    /// What a controller gave the node, if one does.
    async fn ranges(
        &self,
        node: &NodePlan,
        deadline: Instant,
    ) -> Result<Option<Vec<IpNet>>, JoinError> {
        let path = format!("{NODES}/{}", node.name);
        loop {
            let what = asked(format!("show Node {}", node.name));
            let object = self.access.api.get(&path).await.map_err(what)?;
            let ranges = object.pointer("/spec/podCIDRs").and_then(Value::as_array);
            let ranges: Vec<IpNet> =
                ranges.into_iter().flatten().filter_map(|it| it.as_str()?.parse().ok()).collect();
            if !ranges.is_empty() {
                return Ok(Some(ranges));
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            sleep(RANGES_LOOK_EVERY).await;
        }
    }

    async fn give_ranges(&self, node: &NodePlan) -> Result<(), JoinError> {
        let ranges: Vec<String> = node.pod_ranges.iter().map(IpNet::to_string).collect();
        let patch = json!({"spec": {"podCIDR": ranges.first(), "podCIDRs": ranges}});
        let path = format!("{NODES}/{}", node.name);
        let what = asked(format!("give Node {} its ranges", node.name));
        self.access.api.patch(&path, PatchKind::Merge, &patch).await.map_err(what)?;
        Ok(())
    }

    /// Renews the leases of those that are alive, until nobody says any longer which those are.
    pub(crate) async fn beat(self: Arc<Self>, mut alive: watch::Receiver<BTreeSet<NodeName>>) {
        let mut troubled = BTreeSet::new();
        loop {
            let living = alive.borrow_and_update().clone();
            for node in self.nodes.iter().filter(|node| living.contains(&node.name)) {
                match self.beat_once(node).await {
                    Ok(()) => drop(troubled.remove(&node.name)),
                    Err(failure) if troubled.insert(node.name.clone()) => {
                        tracing::warn!("cannot renew the Lease of Node {}: {failure}", node.name);
                    }
                    Err(_) => {}
                }
            }
            // A node that comes back does not wait for its turn.
            match timeout_at(Instant::now() + RENEW_EVERY, alive.changed()).await {
                Ok(Ok(())) | Err(_) => {}
                Ok(Err(_)) => return,
            }
        }
    }

    /// Whoever counted the node as lost is told that it is not.
    async fn beat_once(&self, node: &NodePlan) -> Result<(), Failure> {
        let path = format!("{NODES}/{}", node.name);
        let object = match self.access.api.get(&path).await {
            Err(failure) if failure.is(StatusCode::NOT_FOUND) => {
                tracing::warn!("Node {} was deleted; the lab makes it again", node.name);
                return self.come_back(node).await;
            }
            found => found?,
        };
        let renewal = node::renewal(host::clock::wall());
        let lease = format!("{LEASES}/{}", node.name);
        match self.access.api.patch(&lease, PatchKind::Merge, &renewal).await {
            Err(failure) if failure.is(StatusCode::NOT_FOUND) => {
                let uid = object.pointer("/metadata/uid").and_then(Value::as_str);
                let lease = node::lease(node, uid.unwrap_or_default(), host::clock::wall());
                drop(self.access.api.create(LEASES, &lease).await?);
            }
            renewed => drop(renewed?),
        }
        if !is_ready(&object) {
            drop(self.tell_status(node).await?);
        }
        Ok(())
    }

    async fn come_back(&self, node: &NodePlan) -> Result<(), Failure> {
        let mut object = self.machine.node(node, host::clock::wall());
        let ranges: Vec<String> = node.pod_ranges.iter().map(IpNet::to_string).collect();
        if let Some(fields) = object.as_object_mut() {
            let spec = json!({"podCIDR": ranges.first(), "podCIDRs": ranges});
            fields.insert("spec".to_owned(), spec);
        }
        drop(self.access.api.create(NODES, &object).await?);
        Ok(())
    }

    /// Takes Nodes, Leases and the Pods on them away. What cannot be is told.
    pub(crate) async fn leave(&self) {
        let deadline = Instant::now() + LEAVING_MAX;
        match timeout_at(deadline, self.take_away()).await {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => self.complain(&failure.to_string()),
            Err(_) => self.complain("it takes too long"),
        }
    }

    fn complain(&self, why: &str) {
        let lab: &LabName = &self.machine.lab;
        tracing::error!(
            "the API server keeps Nodes of this lab: {why}; \
             hint: `kubectl delete node -l {LAB_LABEL}={lab}`"
        );
    }

    async fn take_away(&self) -> Result<(), Failure> {
        let api = &self.access.api;
        // While their Nodes are there: who looks for endpoints looks for those too.
        self.take_pods_away().await?;
        for NodePlan { name, .. } in &self.nodes {
            gone(api.delete(&format!("{NODES}/{name}"), &json!({})).await)?;
            gone(api.delete(&format!("{LEASES}/{name}"), &json!({})).await)?;
        }
        // A scheduler may have sent others meanwhile.
        self.take_pods_away().await?;
        api_service::take_away(api, &self.machine.lab).await?;
        dns::take_away(api, &self.machine.lab).await
    }

    /// Nothing of them runs, and no kubelet will ever say so.
    async fn take_pods_away(&self) -> Result<(), Failure> {
        let api = &self.access.api;
        for node in &self.nodes {
            let path = format!("/api/v1/pods?fieldSelector=spec.nodeName%3D{}", node.name);
            let list = api.get(&path).await?;
            for pod in list.get("items").and_then(Value::as_array).into_iter().flatten() {
                let word = |field: &str| pod.pointer(field).and_then(Value::as_str);
                let namespace = word("/metadata/namespace").unwrap_or_default();
                let name = word("/metadata/name").unwrap_or_default();
                let path = format!("/api/v1/namespaces/{namespace}/pods/{name}");
                let options = super::write::at_once(word("/metadata/uid").unwrap_or_default());
                gone(api.delete(&path, &options).await)?;
            }
        }
        Ok(())
    }
}

/// What is not there needs not be taken away; one of another life is not ours.
fn gone(outcome: Result<Value, Failure>) -> Result<(), Failure> {
    match outcome {
        Err(failure) if !failure.is(StatusCode::NOT_FOUND) && !failure.is(StatusCode::CONFLICT) => {
            Err(failure)
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

fn is_ready(node: &Value) -> bool {
    let conditions = node.pointer("/status/conditions").and_then(Value::as_array);
    let word = |it: &Value, field: &str| it.get(field).and_then(Value::as_str).map(str::to_owned);
    conditions.into_iter().flatten().any(|it| {
        word(it, "type").as_deref() == Some("Ready")
            && word(it, "status").as_deref() == Some("True")
    })
}

/// The ranges of ClusterIPs, as the API server tells them since 1.33.
async fn service_cidrs(api: &Api) -> Option<Vec<IpNet>> {
    let object = api.get("/apis/networking.k8s.io/v1/servicecidrs/kubernetes").await.ok()?;
    let cidrs = object.pointer("/spec/cidrs")?.as_array()?;
    cidrs.iter().map(|cidr| cidr.as_str()?.parse().ok()).collect()
}
