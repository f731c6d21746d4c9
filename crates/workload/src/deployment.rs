//! Which Pods must a Deployment make and delete now?

use std::cmp::Reverse;
use std::time::Duration;

use ingest::api::Metadata;

use crate::api::{Deployment, Pod, StrategyType};
use crate::name_hash::{hash, suffix};
use crate::observed::{ObservedPod, Phase};
use crate::rollout::Bounds;

/// The label that tells the Pods of one template from those of another.
const TEMPLATE_HASH: &str = "pod-template-hash";

/// One step towards what a Deployment wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    Create(Box<Pod>),
    /// Of the Deployment's namespace.
    Delete(String),
}

/// What to do now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reconciled {
    pub actions: Vec<Action>,
    pub status: DeploymentStatus,
    /// When a Pod will have been ready for `minReadySeconds`, and this must be asked again.
    pub again_at: Option<Duration>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeploymentStatus {
    pub desired: u32,
    /// Pods that are there and not terminating.
    pub total: u32,
    /// Those of them that are of the present template.
    pub updated: u32,
    pub ready: u32,
    /// Ready for `minReadySeconds`.
    pub available: u32,
}

impl DeploymentStatus {
    /// All Pods are of the present template and available, and no others are left.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.total == self.desired && self.updated == self.desired && self.available == self.desired
    }
}

/// Compares a Deployment with the Pods of its namespace.
///
/// `serial` makes the names of new Pods: a number that grows by one for each Pod that was created,
/// so that no name comes twice. The Pods come in any order; the answer does not depend on it.
#[must_use]
pub fn reconcile(
    deployment: &Deployment,
    pods: &[ObservedPod],
    serial: u64,
    now: Duration,
) -> Reconciled {
    let template_hash = template_hash(deployment);
    let owned = Owned::of(deployment, pods, &template_hash, now);
    let desired = deployment.spec.replicas.unwrap_or(1);
    let mut reconciled =
        Reconciled { actions: Vec::new(), status: owned.status(desired), again_at: owned.again_at };
    let (create, delete) = match deployment.spec.strategy.kind {
        StrategyType::RollingUpdate => owned.roll(deployment, desired),
        StrategyType::Recreate => owned.replace(deployment, desired),
    };
    reconciled.actions.extend(delete.into_iter().map(Action::Delete));
    for offset in 0..create {
        let pod = new_pod(deployment, &template_hash, serial + u64::from(offset));
        reconciled.actions.push(Action::Create(Box::new(pod)));
    }
    reconciled
}

/// A Pod of the Deployment, with what decisions need to know of it.
#[derive(Debug, Clone, Copy)]
struct Member<'a> {
    pod: &'a ObservedPod,
    available: bool,
}

impl Member<'_> {
    fn name(&self) -> String {
        self.pod.pod.metadata.name.clone()
    }
}

struct Owned<'a> {
    /// Of the present template; the first to delete stand first.
    new: Vec<Member<'a>>,
    /// Of former templates, likewise.
    old: Vec<Member<'a>>,
    /// Some Pod of a former template is still there, if only terminating.
    old_remain: bool,
    again_at: Option<Duration>,
}

impl<'a> Owned<'a> {
    fn of(
        deployment: &Deployment,
        pods: &'a [ObservedPod],
        template_hash: &str,
        now: Duration,
    ) -> Self {
        let min_ready = Duration::from_secs(deployment.spec.min_ready_seconds.into());
        let mut owned =
            Self { new: Vec::new(), old: Vec::new(), old_remain: false, again_at: None };
        for observed in pods {
            let (pod, metadata) = (&observed.pod, &observed.pod.metadata);
            let is_owned = pod.owner.as_ref() == Some(&deployment.metadata.name)
                && metadata.namespace == deployment.metadata.namespace;
            if !is_owned || observed.phase.is_final() {
                continue;
            }
            let label = metadata.labels.get(TEMPLATE_HASH).map(String::as_str);
            let is_new = label == Some(template_hash);
            owned.old_remain |= !is_new;
            if observed.terminating {
                continue;
            }
            let available_at = observed.ready_changed + min_ready;
            let available = observed.ready && available_at <= now;
            if observed.ready && !available {
                owned.again_at =
                    Some(owned.again_at.map_or(available_at, |at| at.min(available_at)));
            }
            let list = if is_new { &mut owned.new } else { &mut owned.old };
            list.push(Member { pod: observed, available });
        }
        owned.new.sort_by_key(deletion_order);
        owned.old.sort_by_key(deletion_order);
        owned
    }

    fn status(&self, desired: u32) -> DeploymentStatus {
        let all = || self.new.iter().chain(&self.old);
        DeploymentStatus {
            desired,
            total: count(all().count()),
            updated: count(self.new.len()),
            ready: count(all().filter(|member| member.pod.ready).count()),
            available: count(all().filter(|member| member.available).count()),
        }
    }

    /// How many Pods to make and which to delete, with the bounds of a rolling update.
    fn roll(&self, deployment: &Deployment, desired: u32) -> (u32, Vec<String>) {
        let (new, old) = (count(self.new.len()), count(self.old.len()));
        if deployment.spec.paused {
            return self.hold(desired);
        }
        let bounds = Bounds::of(deployment, desired);
        let room = (desired + bounds.surge).saturating_sub(new + old);
        let create = desired.saturating_sub(new).min(room);
        let mut delete: Vec<String> = self.surplus(desired);

        let min_available = desired.saturating_sub(bounds.unavailable);
        let new_unavailable = count(self.new.iter().filter(|member| !member.available).count());
        let mut may_go = (new + old).saturating_sub(min_available + new_unavailable);
        let kept = self.new.iter().skip(delete.len()).chain(&self.old);
        let available = count(kept.filter(|member| member.available).count());
        let mut available_may_go = available.saturating_sub(min_available);
        // Those that serve nobody go first: they stand first in the list.
        for member in &self.old {
            let allowed = if member.available { &mut available_may_go } else { &mut may_go };
            if *allowed == 0 {
                continue;
            }
            *allowed -= 1;
            delete.push(member.name());
        }
        (create, delete)
    }

    /// All of the former template go before one of the present comes.
    fn replace(&self, deployment: &Deployment, desired: u32) -> (u32, Vec<String>) {
        if deployment.spec.paused {
            return self.hold(desired);
        }
        let mut delete: Vec<String> = self.old.iter().map(Member::name).collect();
        if self.old_remain {
            return (0, delete);
        }
        delete.append(&mut self.surplus(desired));
        (desired.saturating_sub(count(self.new.len())), delete)
    }

    /// A paused Deployment is scaled, but not moved to another template.
    fn hold(&self, desired: u32) -> (u32, Vec<String>) {
        let total = count(self.new.len() + self.old.len());
        let excess = usize::try_from(total.saturating_sub(desired)).unwrap_or(usize::MAX);
        let delete = self.old.iter().chain(&self.new).take(excess).map(Member::name).collect();
        (desired.saturating_sub(total), delete)
    }

    fn surplus(&self, desired: u32) -> Vec<String> {
        let excess = count(self.new.len()).saturating_sub(desired);
        let excess = usize::try_from(excess).unwrap_or(usize::MAX);
        self.new.iter().take(excess).map(Member::name).collect()
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Who is missed least goes first: not scheduled, not running, not ready, then the youngest.
fn deletion_order(member: &Member<'_>) -> impl Ord + use<> {
    let pod = member.pod;
    (
        member.available,
        pod.node.is_some(),
        pod.phase == Phase::Running,
        pod.ready,
        Reverse(pod.created),
        Reverse(pod.pod.metadata.name.clone()),
    )
}

/// What tells templates apart: all of the Pod that the template makes.
fn template_hash(deployment: &Deployment) -> String {
    let template = serde_json::to_string(&deployment.spec.template)
        .expect("a template has text keys only, so it can be written as JSON");
    suffix(hash(&[&template]), 9)
}

fn new_pod(deployment: &Deployment, template_hash: &str, serial: u64) -> Pod {
    let (name, namespace) = (&deployment.metadata.name, &deployment.metadata.namespace);
    let template = &deployment.spec.template;
    let mut labels = template.metadata.labels.clone();
    labels.insert(TEMPLATE_HASH.to_owned(), template_hash.to_owned());
    // Multiplying by an odd number keeps different serials different in the letters that are used.
    let own = suffix(serial.wrapping_mul(7_654_321) % 27_u64.pow(5), 5);
    Pod {
        metadata: Metadata {
            name: format!("{name}-{template_hash}-{own}"),
            namespace: namespace.clone(),
            labels,
            annotations: template.metadata.annotations.clone(),
            ..Metadata::default()
        },
        spec: template.spec.clone(),
        owner: Some(name.clone()),
    }
}
