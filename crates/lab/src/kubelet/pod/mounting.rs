//! When are the volumes of a pod there?

use std::sync::Arc;

use workload::{Known, Reference};

use super::{PodRun, Surroundings};
use crate::kubelet::volumes::Unmounted;

impl PodRun {
    /// Whether its volumes are there. What is absent may come.
    pub(super) fn mount(&mut self, around: &Surroundings) -> bool {
        if !self.is_mounted {
            match self.volumes.make(&self.pod, &self.fields, &self.known) {
                Ok(()) => (self.is_mounted, self.unmounted) = (true, None),
                Err(Unmounted::Awaited) => {}
                Err(Unmounted::Failed(why)) => self.fail_to_mount(why, around),
            }
        }
        self.is_mounted
    }

    fn fail_to_mount(&mut self, why: String, around: &Surroundings) {
        if self.unmounted.as_ref() != Some(&why) {
            tracing::warn!(pod = %self.id.pod, "{why}");
            self.warn(None, "FailedMount", why.clone(), around);
            self.unmounted = Some(why);
        }
    }

    /// Takes news of other objects in. Files of volumes follow what they are made of; what a container
    /// was started with stays.
    pub(crate) fn learn(
        &mut self,
        known: &Arc<Known>,
        of: Option<&Reference>,
        around: &Surroundings,
    ) {
        self.known = Arc::clone(known);
        if self.is_mounted && of.is_some_and(|it| self.references.contains(it)) {
            match self.volumes.make(&self.pod, &self.fields, &self.known) {
                Ok(()) | Err(Unmounted::Awaited) => self.unmounted = None,
                // It runs on with what it had.
                Err(Unmounted::Failed(why)) => self.fail_to_mount(why, around),
            }
        }
    }
}
