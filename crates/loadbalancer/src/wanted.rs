//! What is a Service's status to say, and does it?

use ingest::api::{self, Ingress};

use crate::event::Event;
use crate::seen::Seen;

/// All of a status that is ours.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    pub ingress: Vec<Ingress>,
    /// Absent where nothing of the Service is ours any more.
    pub condition: Option<Condition>,
}

/// What our condition is to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    pub is_true: bool,
    pub reason: &'static str,
    pub message: String,
    /// The generation of the object that it is true of, where the server counts these.
    pub observed_generation: Option<i64>,
    /// Since when it is so, as RFC 3339; absent where it becomes so now.
    pub since: Option<String>,
}

/// What came of what a Service asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub ingress: Vec<Ingress>,
    pub is_true: bool,
    pub reason: &'static str,
    pub message: String,
    /// What is told when that begins.
    pub events: Vec<Event>,
}

/// The reason of a condition that was ours to give, when it is not any more.
pub const RELEASED: &str = "Released";

impl Wanted {
    /// What the status of a Service that is no longer ours says until all else is done.
    pub(crate) fn released(seen: &Seen) -> Self {
        let message = "it has no address of ours any more".to_owned();
        let had: Vec<&str> = seen.ingress.iter().filter_map(|it| it.ip.as_deref()).collect();
        let events = if had.is_empty() {
            Vec::new()
        } else {
            vec![Event::normal("DeletedLoadBalancer", format!("gave up {}", had.join(", ")))]
        };
        Self { ingress: Vec::new(), is_true: false, reason: RELEASED, message, events }
    }

    /// What is to be written; absent where all of it stands.
    pub(crate) fn differing(&self, seen: &Seen) -> Option<Status> {
        // Of what is not ours any more, others may have written what stands there.
        let is_same_ingress = seen.ingress == self.ingress || self.reason == RELEASED;
        let standing = seen.condition.as_ref();
        let is_same = is_same_ingress && standing.is_some_and(|it| self.is(it, seen.generation));
        if is_same {
            return None;
        }
        let status = if self.is_true { "True" } else { "False" };
        let since = standing.filter(|it| it.status == status);
        let condition = Condition {
            is_true: self.is_true,
            reason: self.reason,
            message: self.message.clone(),
            observed_generation: seen.generation,
            since: since.and_then(|it| it.last_transition_time.clone()),
        };
        Some(Status { ingress: self.ingress.clone(), condition: Some(condition) })
    }

    /// Whether the condition says just this.
    pub(crate) fn is(&self, standing: &api::Condition, generation: Option<i64>) -> bool {
        let status = if self.is_true { "True" } else { "False" };
        standing.status == status
            && standing.reason == self.reason
            && standing.message == self.message
            && standing.observed_generation == generation
    }

    /// What is new in it to those who have read what stands.
    pub(crate) fn news(&self, seen: &Seen) -> Vec<Event> {
        let is_told = |event: &&Event| {
            let standing = seen.condition.as_ref();
            let is_same = standing.is_some_and(|it| it.message == self.message);
            if event.is_warning { !is_same } else { seen.ingress != self.ingress }
        };
        self.events.iter().filter(is_told).cloned().collect()
    }
}
