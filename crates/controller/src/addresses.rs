//! Which addresses of Services are written now, and what if somebody else writes them too?
//!
//! What is to be written follows from `loadbalancer`; here is what became of the tries. A status that
//! another controller writes as well is contested: it is named, and written again less and less often.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ingest::api;
use ipam::Allocator;
use loadbalancer::{Event, LoadBalancers, Settings, Step};
use model::{Rejection, ServiceName, ServiceTable};
use watch::RequestError;

/// What was written comes back as a change of the object. If it does not, it is written again.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest pause after failures in a row.
const AFTER_FAILURES: Duration = Duration::from_secs(30);

/// Between two writings of a contested status: at first so long, then twice as long, and at most so long.
const CONTESTED: Duration = Duration::from_secs(10);
const CONTESTED_MAX: Duration = Duration::from_mins(5);

/// One that nobody else wrote for so long is contested no more.
const PEACE: Duration = Duration::from_mins(10);

/// Events that wait to be written; beyond, the oldest are left out.
const EVENTS_MAX: usize = 4_096;

#[derive(Debug)]
pub(crate) struct Addresses {
    balancers: LoadBalancers,
    began: Instant,
    tried: BTreeMap<ServiceName, Tried>,
    contests: BTreeMap<ServiceName, Contest>,
    untold: VecDeque<(ServiceName, Event)>,
}

/// What was written of a Service, or could not be.
#[derive(Debug)]
struct Tried {
    version: Arc<str>,
    step: Step,
    /// In a row.
    failures: u32,
    /// When the same may be tried again.
    again: Instant,
}

/// A status that somebody else writes too.
#[derive(Debug)]
struct Contest {
    /// How often it was taken from us.
    times: u32,
    last: Instant,
    /// When it may be taken back.
    again: Instant,
    /// Once: what others write after that is theirs again, and the server says so.
    may_force: bool,
}

/// One thing to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Writing {
    pub service: ServiceName,
    /// The state of the object that it is right for.
    pub version: Arc<str>,
    pub step: Step,
    /// Whether fields that are somebody else's are taken over.
    pub force: bool,
}

impl Addresses {
    pub(crate) fn new(settings: Settings, now: Instant) -> Self {
        Self {
            balancers: LoadBalancers::new(settings),
            began: now,
            tried: BTreeMap::new(),
            contests: BTreeMap::new(),
            untold: VecDeque::new(),
        }
    }

    pub(crate) fn see(&mut self, service: &api::Service) {
        self.balancers.see(service);
    }

    pub(crate) fn forget(&mut self, name: &ServiceName) {
        self.balancers.forget(name);
        self.tried.remove(name);
        self.contests.remove(name);
    }

    /// Whether this one acts from now on; what it knew beside objects it forgets when it does not.
    /// Gives whether it did before.
    pub(crate) fn set_acting(&mut self, may_act: bool) -> bool {
        let was_acting = self.balancers.is_acting();
        match (may_act, was_acting) {
            (true, false) => self.balancers.begin(),
            (false, true) => {
                self.balancers.end();
                self.untold.clear();
                self.tried.clear();
                self.contests.clear();
            }
            (true, true) | (false, false) => {}
        }
        was_acting
    }

    /// What is wrong with pools beside each other and in this cluster.
    pub(crate) fn problems(&self) -> Vec<Rejection> {
        self.balancers.allocator().map(|it| it.problems().to_vec()).unwrap_or_default()
    }

    /// How many Services did not get all that they ask for.
    pub(crate) fn waiting(&self) -> usize {
        self.balancers.allocator().map_or(0, Allocator::waiting)
    }

    pub(crate) fn settle(&mut self, cluster: &ServiceTable, now: Instant) {
        self.balancers.settle(cluster, now.saturating_duration_since(self.began));
    }

    /// When conclusions are to be drawn again, if nothing else happens.
    pub(crate) fn settles_at(&self) -> Option<Instant> {
        self.balancers.next_due().map(|due| self.began + due)
    }

    /// What may be written now. It costs what is taken of it.
    pub(crate) fn due(&self, now: Instant) -> impl Iterator<Item = Writing> {
        let due = self.balancers.due().filter(move |due| {
            let at = self.not_before(due.service, due.version, &due.step);
            at.is_none_or(|at| at <= now)
        });
        due.map(|due| Writing {
            force: self.contests.get(due.service).is_some_and(|it| it.may_force),
            service: due.service.clone(),
            version: Arc::clone(due.version),
            step: due.step.into_owned(),
        })
    }

    /// When something that is to be written may be tried; it may have been before.
    pub(crate) fn next_due(&self, now: Instant) -> Option<Instant> {
        let mut earliest: Option<Instant> = None;
        for due in self.balancers.due() {
            let at = self.not_before(due.service, due.version, &due.step).unwrap_or(now);
            earliest = Some(earliest.map_or(at, |known| known.min(at)));
            if at <= now {
                break;
            }
        }
        earliest
    }

    fn not_before(
        &self,
        service: &ServiceName,
        version: &Arc<str>,
        step: &Step,
    ) -> Option<Instant> {
        let tried = self.tried.get(service);
        let same = tried.filter(|it| it.version == *version && it.step == *step);
        let contest = self.contests.get(service).filter(|_| matches!(step, Step::Status { .. }));
        same.map(|it| it.again).max(contest.map(|it| it.again))
    }

    /// It is being written.
    pub(crate) fn begin(&mut self, writing: &Writing, now: Instant) {
        let failures = self.tried.get(&writing.service).map_or(0, |tried| tried.failures);
        self.note(writing, failures, now + PATIENCE);
    }

    fn note(&mut self, writing: &Writing, failures: u32, again: Instant) {
        let (version, step) = (Arc::clone(&writing.version), writing.step.clone());
        self.tried.insert(writing.service.clone(), Tried { version, step, failures, again });
    }

    /// It was written, or was not.
    pub(crate) fn ended(
        &mut self,
        writing: &Writing,
        outcome: &Result<(), RequestError>,
        now: Instant,
    ) {
        // The change may have come back, and led to the next step, before the answer is read.
        let is_last =
            |tried: &&Tried| tried.version == writing.version && tried.step == writing.step;
        let last = self.tried.get(&writing.service).filter(is_last).map(|tried| tried.failures);
        let error = match outcome {
            Ok(()) => {
                if last.is_some() {
                    self.note(writing, 0, now + PATIENCE);
                }
                if let Some(contest) = self.contests.get_mut(&writing.service) {
                    contest.may_force &= !writing.force;
                }
                if let Step::Status { events, .. } = &writing.step {
                    events.iter().for_each(|event| self.tell(&writing.service, event.clone()));
                }
                return;
            }
            Err(error) => error,
        };
        let others = others(error);
        if others.is_empty() {
            // Also where the object is another by now: what that says comes soon.
            if let Some(failures) = last.map(|failures| failures.saturating_add(1)) {
                let pause = watch::pause(failures, AFTER_FAILURES, None, 1.0);
                self.note(writing, failures, now + pause);
            }
            return;
        }
        self.tried.remove(&writing.service);
        self.contest(&writing.service, &others, now);
    }

    /// Others have written what is ours to say.
    fn contest(&mut self, service: &ServiceName, others: &str, now: Instant) {
        self.contests.retain(|_, contest| contest.last + PEACE > now);
        let times = self.contests.get(service).map_or(0, |contest| contest.times);
        let doubled = CONTESTED.saturating_mul(1 << times.saturating_sub(1).min(16));
        // The first time it is a remainder of whoever gave addresses before.
        let pause = if times == 0 { Duration::ZERO } else { doubled.min(CONTESTED_MAX) };
        let contest = Contest {
            times: times.saturating_add(1),
            last: now,
            again: now + pause,
            may_force: true,
        };
        self.contests.insert(service.clone(), contest);
        let text = format!(
            "{others} wrote status.loadBalancer; it is written anew; hint: only one controller may have \
             a Service, spec.loadBalancerClass says which"
        );
        self.tell(service, Event { is_warning: true, reason: "StatusContested", text });
    }

    fn tell(&mut self, service: &ServiceName, event: Event) {
        if self.untold.len() >= EVENTS_MAX {
            self.untold.pop_front();
        }
        self.untold.push_back((service.clone(), event));
    }

    /// The next that is to be told; whether that succeeds is nobody's concern: the condition says it too.
    pub(crate) fn next_event(&mut self) -> Option<(ServiceName, Event)> {
        self.untold.pop_front()
    }

    pub(crate) fn has_events(&self) -> bool {
        !self.untold.is_empty()
    }
}

/// Who has what we would write, as the server names them: `"controller"`. Empty for other errors.
fn others(error: &RequestError) -> String {
    let RequestError::Refused { code: 409, message, .. } = error else { return String::new() };
    if !message.starts_with("Apply failed") {
        return String::new();
    }
    let after = message.split("with \"").skip(1);
    let mut names: Vec<&str> = after.filter_map(|it| it.split('"').next()).collect();
    names.sort_unstable();
    names.dedup();
    // The subresource is quoted after the same word.
    names.retain(|name| *name != "status");
    let quoted: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    quoted.join(", ")
}
