//! When is a container probed, and what follows from the answers?

use std::time::Duration;

use crate::api::{Container, Probe};

/// Which of a container's three probes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProbeKind {
    Startup,
    Liveness,
    Readiness,
}

impl ProbeKind {
    pub const ALL: [Self; 3] = [Self::Startup, Self::Liveness, Self::Readiness];

    /// The field of the container.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Startup => "startupProbe",
            Self::Liveness => "livenessProbe",
            Self::Readiness => "readinessProbe",
        }
    }
}

/// What a probe's answer changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthEvent {
    /// The startup probe has succeeded: the other probes begin.
    Started,
    Ready,
    Unready,
    /// The container must be ended, and restarted as its Pod's policy says.
    Kill {
        probe: ProbeKind,
        /// The probe's own grace period; absent means the Pod's.
        grace: Option<Duration>,
    },
}

/// A probe that is due. The answer goes to [`Health::report`]; none within `timeout` is a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunProbe {
    pub kind: ProbeKind,
    pub timeout: Duration,
}

/// The probes of one run of a container. A restart makes a new value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    startup: Option<Prober>,
    liveness: Option<Prober>,
    readiness: Option<Prober>,
    ready: bool,
    killed: bool,
}

impl Health {
    /// Of a container whose process started at `now`. Without a readiness and a startup probe it is
    /// ready at once: ask [`Self::is_ready`].
    #[must_use]
    pub fn new(container: &Container, now: Duration) -> Self {
        let prober = |probe: &Option<Probe>| probe.as_ref().map(|probe| Prober::new(probe, now));
        let mut health = Self {
            startup: prober(&container.startup_probe),
            liveness: prober(&container.liveness_probe),
            readiness: prober(&container.readiness_probe),
            ready: false,
            killed: false,
        };
        health.ready = health.is_started() && health.readiness.is_none();
        health
    }

    #[must_use]
    pub fn is_started(&self) -> bool {
        self.startup.as_ref().is_none_or(|startup| startup.verdict == Some(true))
    }

    #[must_use]
    pub const fn is_ready(&self) -> bool {
        self.ready
    }

    /// The probes to run now. Each is marked as running until its answer is reported.
    pub fn poll(&mut self, now: Duration) -> Vec<RunProbe> {
        let mut due = Vec::new();
        for kind in ProbeKind::ALL {
            if !self.is_active(kind) {
                continue;
            }
            if let Some(prober) = self.prober_mut(kind)
                && prober.due.is_some_and(|due| due <= now)
            {
                prober.due = None;
                prober.began = now;
                due.push(RunProbe { kind, timeout: prober.timeout });
            }
        }
        due
    }

    /// When to poll next; absent while every probe runs or there is none.
    #[must_use]
    pub fn next_due(&self) -> Option<Duration> {
        let active = ProbeKind::ALL.into_iter().filter(|kind| self.is_active(*kind));
        active.filter_map(|kind| self.prober(kind)?.due).min()
    }

    /// Takes a probe's answer: whether it succeeded.
    pub fn report(&mut self, kind: ProbeKind, success: bool, now: Duration) -> Vec<HealthEvent> {
        if !self.is_active(kind) {
            return Vec::new();
        }
        let Some(prober) = self.prober_mut(kind) else { return Vec::new() };
        let grace = prober.grace;
        let Some(verdict) = prober.count(success, now) else { return Vec::new() };
        match (kind, verdict) {
            (ProbeKind::Startup, true) => self.start(now),
            (ProbeKind::Liveness, true) => Vec::new(),
            (ProbeKind::Startup | ProbeKind::Liveness, false) => {
                self.killed = true;
                vec![HealthEvent::Kill { probe: kind, grace }]
            }
            (ProbeKind::Readiness, true) => self.turn(true),
            (ProbeKind::Readiness, false) => self.turn(false),
        }
    }

    fn start(&mut self, now: Duration) -> Vec<HealthEvent> {
        let mut events = vec![HealthEvent::Started];
        match &mut self.readiness {
            None => events.extend(self.turn(true)),
            // Clients wait for this one: not a whole period more.
            Some(readiness) => readiness.due = readiness.due.map(|_| now.max(readiness.first)),
        }
        events
    }

    fn turn(&mut self, ready: bool) -> Vec<HealthEvent> {
        if self.ready == ready {
            return Vec::new();
        }
        self.ready = ready;
        vec![if ready { HealthEvent::Ready } else { HealthEvent::Unready }]
    }

    /// The startup probe ends with its success, the others wait for it, and none outlives a kill.
    fn is_active(&self, kind: ProbeKind) -> bool {
        !self.killed && (kind == ProbeKind::Startup) != self.is_started()
    }

    const fn prober(&self, kind: ProbeKind) -> Option<&Prober> {
        match kind {
            ProbeKind::Startup => self.startup.as_ref(),
            ProbeKind::Liveness => self.liveness.as_ref(),
            ProbeKind::Readiness => self.readiness.as_ref(),
        }
    }

    const fn prober_mut(&mut self, kind: ProbeKind) -> Option<&mut Prober> {
        match kind {
            ProbeKind::Startup => self.startup.as_mut(),
            ProbeKind::Liveness => self.liveness.as_mut(),
            ProbeKind::Readiness => self.readiness.as_mut(),
        }
    }
}

/// One probe: when it is due, and what its answers add up to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Prober {
    first: Duration,
    period: Duration,
    timeout: Duration,
    success_threshold: u32,
    failure_threshold: u32,
    grace: Option<Duration>,
    /// Absent while the probe runs.
    due: Option<Duration>,
    began: Duration,
    /// The last answer, and how often it came in a row.
    last: Option<(bool, u32)>,
    /// What the thresholds made of the answers; absent before the first.
    verdict: Option<bool>,
}

impl Prober {
    fn new(probe: &Probe, started: Duration) -> Self {
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        let or = |number: Option<std::num::NonZeroU32>, default| number.map_or(default, u32::from);
        let first = started + seconds(probe.initial_delay_seconds);
        Self {
            first,
            period: seconds(or(probe.period_seconds, 10)),
            timeout: seconds(or(probe.timeout_seconds, 1)),
            success_threshold: or(probe.success_threshold, 1),
            failure_threshold: or(probe.failure_threshold, 3),
            grace: probe.termination_grace_period_seconds.map(seconds),
            due: Some(first),
            began: first,
            last: None,
            verdict: None,
        }
    }

    /// The verdict, each time that a threshold is reached.
    fn count(&mut self, success: bool, now: Duration) -> Option<bool> {
        // A probe that took longer than a period is run again at once, never twice at a time.
        self.due = Some(now.max(self.began + self.period));
        let in_a_row = match self.last {
            Some((last, count)) if last == success => count.saturating_add(1),
            _ => 1,
        };
        self.last = Some((success, in_a_row));
        let threshold = if success { self.success_threshold } else { self.failure_threshold };
        if in_a_row < threshold {
            return None;
        }
        self.verdict = Some(success);
        self.verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn probe(text: &str) -> Option<Probe> {
        Some(serde_json::from_str(text).expect("the test's probe"))
    }

    const SECOND: Duration = at(1);

    #[test]
    fn is_ready_at_once_without_probes() {
        let mut health = Health::new(&Container::default(), at(0));
        assert_eq!((health.is_started(), health.is_ready()), (true, true));
        assert_eq!((health.poll(at(9)), health.next_due()), (vec![], None));
    }

    #[test]
    fn counts_thresholds_of_readiness() {
        let readiness = r#"{"initialDelaySeconds":2,"periodSeconds":5,
            "successThreshold":2,"failureThreshold":2}"#;
        let container = Container { readiness_probe: probe(readiness), ..Container::default() };
        let mut health = Health::new(&container, at(10));
        let run = vec![RunProbe { kind: ProbeKind::Readiness, timeout: SECOND }];
        assert_eq!((health.poll(at(11)), health.next_due()), (vec![], Some(at(12))));
        let steps = [
            (12, true, vec![]),
            (17, true, vec![HealthEvent::Ready]),
            (22, false, vec![]),
            (27, true, vec![]),
            (32, false, vec![]),
            (37, false, vec![HealthEvent::Unready]),
            (42, false, vec![]),
        ];
        for (seconds, success, events) in steps {
            assert_eq!(health.next_due(), Some(at(seconds)));
            assert_eq!(health.poll(at(seconds)), run, "at {seconds}");
            assert_eq!((health.poll(at(seconds)), health.next_due()), (vec![], None));
            let found = health.report(ProbeKind::Readiness, success, at(seconds));
            assert_eq!(found, events, "at {seconds}");
        }
    }

    #[test]
    fn holds_others_back_until_startup_succeeds() {
        let container = Container {
            startup_probe: probe(r#"{"periodSeconds":1,"failureThreshold":3}"#),
            readiness_probe: probe("{}"),
            liveness_probe: probe(r#"{"initialDelaySeconds":100}"#),
            ..Container::default()
        };
        let mut health = Health::new(&container, at(0));
        let run = |kind| vec![RunProbe { kind, timeout: SECOND }];
        assert_eq!(health.poll(at(0)), run(ProbeKind::Startup));
        assert_eq!(health.report(ProbeKind::Startup, false, at(0)), []);
        assert_eq!(health.poll(at(1)), run(ProbeKind::Startup));
        assert_eq!(health.report(ProbeKind::Startup, true, at(1)), [HealthEvent::Started]);
        assert_eq!((health.is_started(), health.is_ready()), (true, false));
        assert_eq!(health.poll(at(1)), run(ProbeKind::Readiness));
        assert_eq!(health.report(ProbeKind::Readiness, true, at(1)), [HealthEvent::Ready]);
        assert_eq!(health.next_due(), Some(at(11)));
    }

    #[test]
    fn kills_once_with_the_grace_of_the_probe() {
        let liveness = r#"{"periodSeconds":1,"failureThreshold":2,
            "terminationGracePeriodSeconds":7}"#;
        let container = Container { liveness_probe: probe(liveness), ..Container::default() };
        let mut health = Health::new(&container, at(0));
        let kill = HealthEvent::Kill { probe: ProbeKind::Liveness, grace: Some(at(7)) };
        for (seconds, events) in [(0, vec![]), (1, vec![kill]), (2, vec![])] {
            health.poll(at(seconds));
            assert_eq!(health.report(ProbeKind::Liveness, false, at(seconds)), events);
        }
        assert_eq!(health.next_due(), None);
    }

    #[test]
    fn a_slow_probe_is_not_run_twice_at_a_time() {
        let container = Container { readiness_probe: probe("{}"), ..Container::default() };
        let mut health = Health::new(&container, at(0));
        health.poll(at(0));
        assert_eq!(health.poll(at(10)), []);
        health.report(ProbeKind::Readiness, true, at(13));
        assert_eq!(health.next_due(), Some(at(13)));
    }
}
