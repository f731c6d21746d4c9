//! What does the announcing thread do, and when does it end?

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use announce::{Action, Announcer, Event, Problem, Settings, View};
use host::clock;
use tokio::sync::watch;

use super::Handed;
use super::shown::{AddressShown, AnnouncedState, NodeShown};
use super::sockets::Sockets;
use crate::config::Config;

/// How often what failed is tried again, and what is shown is renewed without a reason.
const PERIOD: Duration = Duration::from_secs(1);

/// How often links are read, at most: a host that gets many routes tells of each.
const LOOK_SPACING: Duration = Duration::from_millis(50);

/// How long the end may take.
const LEAVE_MOST: Duration = Duration::from_secs(3);

pub(super) fn run(config: &Config, handed: &Handed, state: &watch::Sender<Arc<AnnouncedState>>) {
    let priority = host::priority::raise();
    tracing::info!(%priority, "announcing addresses: priority of the thread");
    let mut thread = Thread::new(config, priority.to_string());
    loop {
        let is_ending = thread.turn(handed, state);
        if is_ending {
            break;
        }
        let sources = thread.sockets.sources();
        let sources = [&[std::os::fd::AsFd::as_fd(&handed.waker)], sources.as_slice()].concat();
        if let Err(error) = host::wake::wait(&sources, Some(thread.rest())) {
            tracing::error!(%error, "cannot wait for hellos and frames");
            clock::pause(LOOK_SPACING);
        }
    }
    thread.publish(state);
}

struct Thread {
    started: Instant,
    config: Arc<[std::net::IpAddr]>,
    me: model::NodeName,
    announcer: Announcer,
    sockets: Sockets,
    view: View,
    priority: String,
    /// What somebody should put right, as it was told last.
    told: Vec<Problem>,
    look_at: Option<Duration>,
    again_at: Duration,
    leaving_since: Option<Duration>,
}

impl Thread {
    fn new(config: &Config, priority: String) -> Self {
        let started = clock::monotonic();
        // Another number after each start, that nobody can foresee who sends in this node's name.
        let life = RandomState::new().build_hasher().finish();
        let me = config.node_name.clone();
        Self {
            started,
            config: config.node_ips.as_slice().into(),
            announcer: Announcer::new(me.clone(), life, Settings::default(), Duration::ZERO),
            me,
            sockets: Sockets::new(config.announce_port),
            view: View::default(),
            priority,
            told: Vec::new(),
            look_at: Some(Duration::ZERO),
            again_at: PERIOD,
            leaving_since: None,
        }
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Takes all that came and does all that is due. Whether it was the last time.
    fn turn(&mut self, handed: &Handed, state: &watch::Sender<Arc<AnnouncedState>>) -> bool {
        let _rung = handed.waker.hear();
        let (view, is_ending) = handed.take();
        if is_ending && self.leaving_since.is_none() {
            self.leaving_since = Some(self.now());
            self.announcer.leave(self.now());
        }
        if self.sockets.hear_changes() {
            let at = self.now() + LOOK_SPACING;
            self.look_at.get_or_insert(at);
        }
        let is_new = view.is_some();
        if let Some(view) = view {
            self.view = view.clone();
            self.announcer.set_view(view, self.now());
        }
        self.look(is_new);
        let started = self.started;
        self.sockets.hear(&mut self.announcer, || started.elapsed());
        self.announcer.tick(self.now());
        let is_news = self.act();
        if is_news || is_new || self.now() >= self.again_at {
            self.tell_problems();
            self.publish(state);
        }
        if self.now() >= self.again_at {
            self.again_at = self.now() + PERIOD;
            self.sockets.reopen();
            self.listen();
        }
        self.leaving_since
            .is_some_and(|since| self.announcer.has_left() || self.now() >= since + LEAVE_MOST)
    }

    /// Reads the links when they may have changed.
    fn look(&mut self, is_new: bool) {
        if self.look_at.is_some_and(|at| at <= self.now()) {
            self.look_at = None;
            if let Some(links) = self.sockets.look() {
                self.announcer.set_links(links, self.now());
            }
        } else if !is_new {
            return;
        }
        self.listen();
    }

    fn listen(&mut self) {
        // A flag wins over what the Node object says.
        let named = self.view.nodes.get(&self.me).map(Vec::as_slice).unwrap_or_default();
        let own = [&*self.config, named].concat();
        self.sockets.listen(&self.view, &own);
    }

    fn act(&mut self) -> bool {
        let mut is_news = false;
        for action in self.announcer.take_actions() {
            match action {
                Action::Hello { to, bytes } => self.sockets.say_hello(to, &bytes),
                Action::Frame { link, bytes } => self.sockets.send(link, &bytes),
                Action::Join { link, group } => self.sockets.join(link, group),
                Action::Leave { link, group } => self.sockets.leave(link, group),
                Action::Tell(event) => {
                    is_news = true;
                    log(&event);
                }
            }
        }
        is_news
    }

    fn rest(&self) -> Duration {
        let due = self.announcer.next_due().into_iter().chain(self.look_at);
        let next = due.chain([self.again_at]).min().unwrap_or(self.again_at);
        next.saturating_sub(self.now())
    }

    fn publish(&self, state: &watch::Sender<Arc<AnnouncedState>>) {
        let (now, wall) = (self.now(), clock::wall());
        let at = |since: Duration| wall.checked_sub(now.saturating_sub(since)).unwrap_or(wall);
        let addresses = self.announcer.holdings().into_iter().filter_map(|(address, holding)| {
            let candidates = Arc::clone(&self.view.vips.get(&address)?.candidates);
            let (role, owners) = (holding.role, holding.owners);
            Some((address, AddressShown { role, since: at(holding.since), owners, candidates }))
        });
        let nodes = self.announcer.peers().into_iter().map(|(node, shown)| {
            let announce::Shown { is_up, since, is_leaving } = shown;
            (node, NodeShown { is_up, since: at(since), is_leaving })
        });
        state.send_replace(Arc::new(AnnouncedState {
            addresses: addresses.collect(),
            nodes: nodes.collect(),
            macs: self.announcer.macs(),
            counts: self.announcer.counts(),
            priority: self.priority.clone(),
            problems: self.problems(),
        }));
    }

    /// What does not work here, and what somebody should put right.
    fn problems(&self) -> BTreeMap<String, String> {
        let mut all = self.sockets.problems().clone();
        let numbered = self.told.iter().zip(1..);
        all.extend(numbered.map(|(problem, n)| (format!("problem {n}"), problem.to_string())));
        all
    }

    fn tell_problems(&mut self) {
        let present = self.announcer.problems();
        for problem in present.iter().filter(|problem| !self.told.contains(problem)) {
            tracing::warn!("{problem}");
        }
        self.told = present;
    }
}

/// Each of these is a change of state.
fn log(event: &Event) {
    match event {
        Event::Owned { address } => tracing::info!(%address, "this node answers for the address"),
        Event::Released { address, reason } => {
            tracing::info!(%address, ?reason, "this node no longer answers for the address");
        }
        Event::Conflict { address, mac, is_owned } => {
            tracing::warn!(%address, %mac, is_owned, "somebody has the address who is no node that this one hears");
        }
        Event::Slept(time) => tracing::warn!(
            milliseconds = time.as_millis(),
            "this process stood still: whether others have its addresses is asked first"
        ),
        Event::CutOff { link } => {
            tracing::warn!(link, "no standby is heard, and nobody on the link answers");
        }
        Event::Reached { link } => tracing::info!(link, "somebody on the link answers again"),
        Event::Up(node) => tracing::info!(%node, "announcing: the node is heard"),
        Event::Down(node) => tracing::warn!(%node, "announcing: the node is not heard"),
    }
}
