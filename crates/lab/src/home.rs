//! Where do the lab's objects live: in files that it reads, or in an API server?

use std::collections::BTreeSet;
use std::time::Duration;

use model::NodeName;
use workload::ObservedPod;

use crate::cluster::{Settled, name_of};
use crate::files::Files;
use crate::joined::Joined;
use crate::kubelet::Kubelet;
use crate::step::{self, Endpoints};
use crate::who::PodName;

#[derive(Debug)]
pub(crate) enum Home {
    /// The lab's own small controllers decide.
    Files(Box<Files>),
    /// Those of the API server do.
    ApiServer(Box<Joined>),
}

impl Home {
    pub(crate) fn pods(&self) -> &[ObservedPod] {
        match self {
            Self::Files(files) => &files.cluster.pods,
            Self::ApiServer(joined) => &joined.pods,
        }
    }

    pub(crate) fn pods_mut(&mut self) -> &mut [ObservedPod] {
        match self {
            Self::Files(files) => &mut files.cluster.pods,
            Self::ApiServer(joined) => &mut joined.pods,
        }
    }

    pub(crate) fn pod(&self, name: &PodName) -> Option<&ObservedPod> {
        self.pods().iter().find(|observed| name_of(observed) == *name)
    }

    /// Why a pod has no node or no address yet.
    pub(crate) fn waiting(&self, name: &PodName) -> Option<&String> {
        match self {
            Self::Files(files) => files.cluster.waiting.get(name),
            Self::ApiServer(joined) => joined.waiting.get(name),
        }
    }

    /// Which pods must be made and ended now.
    pub(crate) fn settle(&mut self, now: Duration) -> Settled {
        match self {
            Self::Files(files) => files.cluster.settle(now),
            Self::ApiServer(joined) => joined.settle(now),
        }
    }

    /// A pod's programs and network are gone.
    pub(crate) fn remove(&mut self, name: &PodName) {
        match self {
            Self::Files(files) => files.cluster.remove(name),
            Self::ApiServer(joined) => joined.remove(name),
        }
    }

    /// Whether it is news which nodes' agents answer the cluster DNS.
    pub(crate) fn set_answering(&mut self, nodes: BTreeSet<NodeName>) -> bool {
        match self {
            Self::Files(files) => files.cluster.set_answering(nodes),
            Self::ApiServer(_) => false,
        }
    }

    /// A node gets no more pods; what became of those that it has is not known.
    pub(crate) fn crash(&mut self, node: &NodeName) {
        match self {
            Self::Files(files) => drop(files.cluster.cordoned.insert(node.clone())),
            Self::ApiServer(joined) => joined.lose(node),
        }
    }

    /// A crashed node is back, and empty.
    pub(crate) fn boot(&mut self, node: &NodeName) {
        match self {
            Self::Files(files) => {
                files.cluster.cordoned.remove(node);
                files.cluster.lose(node);
            }
            Self::ApiServer(joined) => joined.come_back(node),
        }
    }

    /// Endpoints that the agents are to know before all counts as ready.
    pub(crate) fn expected(&self) -> Endpoints {
        match self {
            Self::Files(files) => step::expected(&files.cluster),
            // Whoever waits for those asks the API server.
            Self::ApiServer(_) => Endpoints::new(),
        }
    }

    /// Lets the world know of what has changed; when to do it again, if it could not be done.
    pub(crate) fn publish(&mut self, kubelet: &Kubelet, now: Duration) -> Option<Duration> {
        match self {
            Self::Files(files) => files.publish(kubelet, now),
            Self::ApiServer(joined) => {
                joined.publish(kubelet, now);
                None
            }
        }
    }
}
