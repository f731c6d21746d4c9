//! Which pods must be made and ended now, and where do they run?

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use model::NodeName;
use workload::api::Pod;
use workload::{Action, ObservedPod, PodAddresses, SchedulableNode};

use super::{Cluster, name_of};
use crate::who::PodName;

/// What must happen to a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Start(PodName),
    Stop(PodName),
    /// Within another time than its manifest says.
    End {
        pod: PodName,
        grace: Duration,
    },
}

/// What follows from the present.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    pub(crate) steps: Vec<Step>,
    /// When to ask again, though nothing else happened.
    pub(crate) again_at: Option<Duration>,
    /// Others have to know of something, though nothing must be done here.
    pub(crate) is_news: bool,
}

impl Cluster {
    /// Brings pods nearer to what is wanted, as far as it can be decided now.
    pub(crate) fn settle(&mut self, now: Duration) -> Settled {
        let mut settled = Settled::default();
        self.settle_deployments(now, &mut settled);
        self.settle_wanted(now, &mut settled);
        self.place(&mut settled);
        settled.is_news |= self.settle_addresses(now);
        settled.again_at = settled.again_at.into_iter().chain(self.balancing.next_due()).min();
        settled
    }

    fn settle_deployments(&mut self, now: Duration, settled: &mut Settled) {
        let names: Vec<PodName> = self.deployments.keys().cloned().collect();
        for name in names {
            let Some(deployment) = self.deployments.get(&name) else { continue };
            let reconciled = workload::reconcile(deployment, &self.pods, self.serial, now);
            self.statuses.insert(name.clone(), reconciled.status);
            let earlier = settled.again_at.into_iter().chain(reconciled.again_at).min();
            settled.again_at = earlier;
            for action in reconciled.actions {
                match action {
                    Action::Create(pod) => {
                        self.serial += 1;
                        self.create(*pod, now);
                    }
                    Action::Delete(pod) => {
                        let pod = PodName::new(name.namespace.as_str(), pod);
                        self.stop(&pod, settled);
                    }
                }
            }
        }
        let orphans: Vec<PodName> = self
            .pods
            .iter()
            .filter(|observed| {
                let owner = observed.pod.owner.as_ref().map(|owner| {
                    PodName::new(observed.pod.metadata.namespace.as_str(), owner.as_str())
                });
                owner.is_some_and(|owner| !self.deployments.contains_key(&owner))
            })
            .map(name_of)
            .collect();
        for orphan in orphans {
            self.stop(&orphan, settled);
        }
    }

    /// A changed pod is made anew: the old one ends first, as the name is the same.
    fn settle_wanted(&mut self, now: Duration, settled: &mut Settled) {
        let wanted: Vec<(PodName, Arc<Pod>)> =
            self.wanted.iter().map(|(name, pod)| (name.clone(), Arc::clone(pod))).collect();
        for (name, pod) in wanted {
            match self.pod(&name) {
                None => {
                    self.serial += 1;
                    self.create((*pod).clone(), now);
                }
                Some(observed) if is_same(&observed.pod, &pod) => {}
                Some(_) => self.stop(&name, settled),
            }
        }
        let unwanted = |observed: &&ObservedPod| {
            observed.pod.owner.is_none() && !self.wanted.contains_key(&name_of(observed))
        };
        let unwanted: Vec<PodName> = self.pods.iter().filter(unwanted).map(name_of).collect();
        for name in unwanted {
            self.stop(&name, settled);
        }
    }

    fn create(&mut self, mut pod: Pod, now: Duration) {
        pod.metadata.uid = Some(format!("00000000-0000-4000-8000-{:012x}", self.serial));
        self.pods.push(ObservedPod::created(Arc::new(pod), now));
    }

    fn stop(&mut self, name: &PodName, settled: &mut Settled) {
        let Some(observed) = self.pod_mut(name).filter(|observed| !observed.terminating) else {
            return;
        };
        observed.terminating = true;
        if observed.addresses.is_empty() {
            self.remove(name);
        } else {
            settled.steps.push(Step::Stop(name.clone()));
        }
    }

    /// Gives each pod that has none a node and addresses.
    fn place(&mut self, settled: &mut Settled) {
        self.waiting.clear();
        for index in 0..self.pods.len() {
            let Some(observed) = self.pods.get(index) else { break };
            if !observed.addresses.is_empty() {
                continue;
            }
            let (name, pod) = (name_of(observed), Arc::clone(&observed.pod));
            match self.addresses_for(&pod) {
                Ok((node, addresses)) => {
                    if let Some(observed) = self.pods.get_mut(index) {
                        (observed.node, observed.addresses) = (Some(node), addresses);
                    }
                    settled.steps.push(Step::Start(name));
                }
                Err(why) => {
                    self.waiting.insert(name, why);
                }
            }
        }
    }

    fn addresses_for(&mut self, pod: &Pod) -> Result<(NodeName, Vec<IpAddr>), String> {
        let is_open = |node: &&SchedulableNode| !self.cordoned.contains(&node.name);
        let open: Vec<SchedulableNode> = self.nodes.iter().filter(is_open).cloned().collect();
        let node = workload::schedule(pod, &open, &self.pods).map_err(|error| error.to_string())?;
        if pod.spec.host_network {
            return Ok((node.clone(), self.node_addresses.get(&node).cloned().unwrap_or_default()));
        }
        let addresses = self.pod_addresses.get_mut(&node).and_then(PodAddresses::allocate);
        let addresses = addresses.ok_or_else(|| format!("node {node} has no free pod address"))?;
        Ok((node, addresses))
    }

    /// Ends a pod that somebody deleted; whether its programs must be ended.
    pub(crate) fn end_pod(&mut self, name: &PodName) -> bool {
        let mut settled = Settled::default();
        self.stop(name, &mut settled);
        !settled.steps.is_empty()
    }

    /// Forgets all pods of a node that came back empty: those of a manifest are made anew.
    pub(crate) fn lose(&mut self, node: &NodeName) {
        let is_there = |observed: &&ObservedPod| observed.node.as_ref() == Some(node);
        let lost: Vec<PodName> = self.pods.iter().filter(is_there).map(name_of).collect();
        for name in lost {
            self.remove(&name);
        }
    }

    /// Forgets a pod that has ended.
    pub(crate) fn remove(&mut self, name: &PodName) {
        let Some(at) = self.pods.iter().position(|observed| name_of(observed) == *name) else {
            return;
        };
        let gone = self.pods.remove(at);
        let addresses = gone.node.as_ref().and_then(|node| self.pod_addresses.get_mut(node));
        if let Some(addresses) = addresses.filter(|_| !gone.pod.spec.host_network) {
            addresses.release(&gone.addresses);
        }
    }
}

/// Whether a pod is the one of the manifest, which has no identity yet.
fn is_same(made: &Pod, written: &Pod) -> bool {
    made.spec == written.spec
        && made.metadata.labels == written.metadata.labels
        && made.metadata.annotations == written.metadata.annotations
}
