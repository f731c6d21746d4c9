//! How does the kernel come to what the table says, and what if it refuses?

use std::sync::Arc;

use model::ServiceChange;
use nft::Options;
use reconcile::{Backoff, Dataplane, Kernel, Report, stale_flows};

use super::{COUNT_PERIOD, Core, Now, TIDY_PAUSE, VERIFY_PERIOD};

impl<K: Kernel> Core<K> {
    /// Brings the kernel to what the table says. False when it refused to begin at all: all is tried
    /// again then. Services that it refused wait in the dataplane, as fixed chains that it refused wait
    /// here, and neither holds back what comes later.
    pub(super) fn apply(&mut self, changes: &[ServiceChange], now: Now) -> bool {
        let began = now.monotonic;
        let is_full = self.dataplane.is_none();
        let reports: Vec<Report> = if self.dataplane.is_some() {
            let options = self.bring_options(now);
            let dataplane = self.dataplane.as_mut();
            let advanced = dataplane.map(|dataplane| dataplane.advance(changes, now.monotonic));
            options.into_iter().chain(advanced).collect()
        } else {
            match self.start(self.options(), now) {
                Ok(report) => vec![report],
                Err(reason) => {
                    self.refused(reason, now);
                    return false;
                }
            }
        };
        self.refused = None;
        self.last_apply = Some(now.monotonic);
        if self.verify_at.is_none() {
            self.verify_at = Some(now.monotonic + VERIFY_PERIOD);
        }
        let triggers = std::mem::take(&mut self.triggers);
        self.progress.applied(&reports, is_full, began, &self.recorder);
        self.progress.programmed(&triggers, changes, &self.recorder);
        self.progress.follow_waiting(self.dataplane.as_ref(), now);
        self.note_stale(&reports);
        true
    }

    /// Sets the options and the node, if they differ from what the dataplane has, and if it is not too
    /// early after a failure.
    fn bring_options(&mut self, now: Now) -> Option<Report> {
        let options = self.options();
        let is_early = self.options_refused.as_ref().is_some_and(|it| it.retry_at > now.monotonic);
        let dataplane = self.dataplane.as_mut()?;
        let is_same = *dataplane.options() == options && self.table.node == self.progress.node;
        if is_early || (is_same && self.options_refused.is_none()) {
            return None;
        }
        let report = dataplane.set_options(options, &self.table);
        self.progress.node = Arc::clone(&self.table.node);
        if let Some(reason) = &report.failed
            && self.options_refused.is_none()
        {
            tracing::error!(%reason, "cannot rewrite the fixed chains, trying again");
        }
        self.options_refused =
            report.failed.as_ref().map(|_| self.next_try(self.options_refused.as_ref(), now));
        self.progress.set_options_refused(report.failed.clone(), now);
        Some(report)
    }

    /// After one more failure.
    pub(super) fn next_try(&self, last: Option<&Backoff>, now: Now) -> Backoff {
        match last {
            None => Backoff::start(now.monotonic, self.config.sync_period),
            Some(backoff) => backoff.again(now.monotonic),
        }
    }

    /// Flows are forgotten when the kernel has what replaces them: before, a client that goes on
    /// sending would be led to the same endpoint anew.
    pub(super) fn note_stale(&mut self, reports: &[Report]) {
        let programmed = reports.iter().flat_map(|report| &report.programmed);
        self.stale.extend(programmed.flat_map(stale_flows));
        if reports.iter().all(|report| report.repaired == 0) {
            return;
        }
        // Clients that began while the table was damaged were led nowhere, and a flow without an end
        // stays so.
        let Some(dataplane) = &self.dataplane else { return };
        let all = self.table.services.keys().map(|name| ServiceChange {
            name: name.clone(),
            old: None,
            new: dataplane.programmed(name).cloned(),
        });
        self.stale.extend(all.flat_map(|change| stale_flows(&change)));
    }

    fn start(&mut self, options: Options, now: Now) -> Result<Report, String> {
        let kernel = (self.open)()?;
        let (mut dataplane, report) = Dataplane::start(kernel, &self.table, options, now.monotonic)
            .map_err(|error| error.to_string())?;
        dataplane.set_longest_pause(self.config.sync_period);
        self.dataplane = Some(dataplane);
        self.progress.node = Arc::clone(&self.table.node);
        self.tidy_at = Some(now.monotonic + TIDY_PAUSE);
        self.count_at = self.config.traffic_counters.then(|| now.monotonic + COUNT_PERIOD);
        tracing::info!(
            node = %self.config.node_name,
            services = self.table.services.len(),
            changed_elements = report.taken.elements,
            "the kernel is as the objects say"
        );
        Ok(report)
    }

    fn refused(&mut self, reason: String, now: Now) {
        if self.progress.refused.as_ref() != Some(&reason) {
            tracing::error!(%reason, "cannot program the kernel, trying again");
        }
        self.refused = Some(self.next_try(self.refused.as_ref(), now));
        self.progress.refused = Some(reason);
        self.recorder.apply_failed(&model::Family::ALL);
    }

    fn options(&self) -> Options {
        Options {
            detect_local: self.table.node.detect_local.clone(),
            masquerade_all: self.table.node.masquerade_all,
            service_cidrs: self.table.service_cidrs.to_vec(),
            traffic_counters: self.config.traffic_counters,
            affinity_clients_max: self.config.affinity_clients_max,
        }
    }
}
