//! How does a pod end, and one of its containers that is to be restarted?

use std::sync::Arc;
use std::time::Duration;

use super::{ContainerRun, Ending, PodRun, State, Surroundings};
use crate::event::{ContainerRunId, Event};

impl PodRun {
    /// Ends the pod: within its grace period, what is to be done before first. Told again, it may
    /// become shorter.
    pub(crate) fn stop(&mut self, grace: Duration, now: Duration, around: &Arc<Surroundings>) {
        if let Some(stop_at) = self.stop_at {
            self.hurry(stop_at.min(now + grace));
            return;
        }
        self.stop_at = Some(now + grace);
        for index in 0..self.containers.len() {
            self.end(index, now, grace, around);
        }
    }

    fn hurry(&mut self, stop_at: Duration) {
        self.stop_at = Some(stop_at);
        for life in self.containers.iter_mut().filter_map(ContainerRun::life_mut) {
            if let Ending::At(deadline) = life.ending {
                life.ending = Ending::At(deadline.min(stop_at));
            }
        }
    }

    /// Ends one container: its hook, SIGTERM, and at the end of the grace period SIGKILL.
    pub(super) fn end(
        &mut self,
        index: usize,
        now: Duration,
        grace: Duration,
        around: &Arc<Surroundings>,
    ) {
        let hook = self.hook(index, around);
        let pod = self.id.clone();
        let Some(run) = self.containers.get_mut(index) else { return };
        let id = ContainerRunId { pod, index, number: run.number };
        match &mut run.state {
            State::Waiting | State::Restarting { .. } => {
                run.state = State::Done { success: false, why: "the pod ends".to_owned() };
            }
            State::Done { .. } => {}
            State::Running(life) => {
                life.ending = Ending::At(now + grace);
                let events = around.events.clone();
                match hook {
                    None => life.tell_to_end(&id),
                    Some(hook) => drop(tokio::spawn(async move {
                        let outcome = match hook {
                            Ok(action) => action.run(grace).await,
                            Err(why) => Err(why),
                        };
                        drop(events.send(Event::HookDone { run: id, outcome }).await);
                    })),
                }
                self.tell_killed(index, around);
            }
        }
    }

    pub(crate) fn hook_done(
        &mut self,
        id: &ContainerRunId,
        outcome: Result<(), String>,
        around: &Surroundings,
    ) {
        if let Err(why) = outcome {
            tracing::warn!(pod = %id.pod.pod, "preStop failed: {why}");
            self.warn(Some(id.index), "FailedPreStopHook", why, around);
        }
        if let Some(life) = self.current(id).and_then(ContainerRun::life_mut) {
            life.tell_to_end(id);
        }
    }
}
