//! How does a lab begin and end?

use std::fs;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use host::capability::{Capability, CapabilityError};
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::control::{self, AskError, Reply, Request};
use crate::down::{RemoveError, Removed, remove};
use crate::event::{EVENTS_MAX, Event, Events};
use crate::files::Files;
use crate::home::Home;
use crate::joined::{self, JoinError, Joined, Membership, Orders, Subject, Way};
use crate::kubelet::{NOTES_MAX, Surroundings};
use crate::lab::Lab;
use crate::lock::Lock;
use crate::network::{self, NetworkError};
use crate::place::Place;
use crate::plan::Plan;
use crate::settings::{LabName, SettingError, Settings};
use crate::source::{Notice, Read, Source};
use crate::status::Status;

#[derive(Debug, thiserror::Error)]
pub enum UpError {
    #[error(transparent)]
    Setting(#[from] SettingError),
    #[error("a lab needs the privileges of root: {0}")]
    Privilege(#[source] CapabilityError),
    #[error("lab {0} is up already")]
    AlreadyUp(LabName),
    #[error("the manifests are not right")]
    Manifests(Vec<Notice>),
    #[error("cannot take away what an earlier lab left: {0}")]
    LeftOver(#[source] RemoveError),
    #[error("cannot take the lab away: {0}")]
    Down(#[source] RemoveError),
    #[error(transparent)]
    Join(#[from] JoinError),
    #[error("cannot build the network: {0}")]
    Network(#[from] NetworkError),
    #[error("cannot {operation} {path}: {source}")]
    File { operation: &'static str, path: String, source: io::Error },
    #[error("cannot start: {0}")]
    Start(#[source] io::Error),
}

impl UpError {
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Setting(error) => error.hint.clone(),
            Self::Privilege(_) => "run it with sudo".to_owned(),
            Self::AlreadyUp(name) => {
                format!("`pogu lab down --name {name}` ends it; --name gives another one a name")
            }
            Self::Manifests(_) => {
                "correct them, or start with --keep-going to leave out what is wrong".to_owned()
            }
            Self::Join(error) => error.hint(),
            Self::LeftOver(_) | Self::Down(_) => {
                "`ip netns list` shows what is there; `pogu lab down` tries again".to_owned()
            }
            Self::Network(_) => {
                "nothing was left behind; does the kernel have bridges and veth?".to_owned()
            }
            Self::File { .. } => "is the disk full, or /run read-only?".to_owned(),
            Self::Start(_) => "is the machine out of memory or of file descriptors?".to_owned(),
        }
    }
}

/// Gets how everything is, and how long it took.
pub type OnReady = Box<dyn FnOnce(&Status, Duration)>;

/// Who wants to hear of what a lab does before it logs.
pub struct Listener {
    /// Of an earlier lab of the name.
    pub on_left_over: Box<dyn FnOnce(Removed)>,
    /// Of the manifests, before anything is made.
    pub on_notice: Box<dyn FnMut(&Notice)>,
    /// Once, when all nodes and pods are ready.
    pub on_ready: OnReady,
    /// Errors in the manifests are told, and do not end the lab.
    pub keeps_going: bool,
}

/// Builds the lab and runs it until SIGTERM, ^C or `down`; then nothing of it is left.
pub fn up(mut settings: Settings, mut listener: Listener) -> Result<(), UpError> {
    let began = host::clock::monotonic();
    settings.check()?;
    let place = Place::new(settings.name.clone());
    let _lock = claim(&place)?;

    let mut source = Source::new(settings.files.clone());
    let mut first = source.read();
    first.notices.iter().for_each(|notice| (listener.on_notice)(notice));
    let notices = std::mem::take(&mut first.notices);
    let wrong: Vec<Notice> = notices.into_iter().filter(|notice| notice.is_error).collect();
    if !wrong.is_empty() && !listener.keeps_going {
        return Err(UpError::Manifests(wrong));
    }

    let left = remove(&place).map_err(UpError::LeftOver)?;
    if left != Removed::default() {
        (listener.on_left_over)(left);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(UpError::Start)?;
    // Which addresses pods get is up to the API server, so that it comes before the network.
    let (membership, plan) = match settings.kubeconfig.clone() {
        None => (None, Plan::new(&settings)),
        Some(path) => {
            let (membership, plan) = runtime.block_on(Membership::join(&path, &mut settings))?;
            (Some(Arc::new(membership)), plan)
        }
    };
    let outcome = folders(&place, &plan).and_then(|()| {
        network::build(&place, &plan)?;
        let start = Start { settings, plan, source, first, began, membership: membership.clone() };
        runtime.block_on(run(&place, start, listener.on_ready))
    });
    // Whatever failed, nothing stays.
    if let Some(membership) = membership.filter(|_| outcome.is_err()) {
        runtime.block_on(membership.leave());
    }
    let removed = remove(&place).map_err(UpError::Down);
    outcome?;
    // Of a lab that failed it says why.
    drop(fs::remove_file(place.log()));
    removed.map(|_removed| ())
}

/// What a lab begins with, once its network is there.
struct Start {
    settings: Settings,
    plan: Plan,
    source: Source,
    first: Read,
    began: Instant,
    membership: Option<Arc<Membership>>,
}

/// Runs the lab to its end, and takes it away.
async fn run(place: &Place, start: Start, on_ready: OnReady) -> Result<(), UpError> {
    let (events, queue) = mpsc::channel(EVENTS_MAX);
    serve(place, &events)?;
    let Start { settings, plan, source, first, began, membership } = start;
    let (notes, noted) = mpsc::channel(NOTES_MAX);
    let around = Arc::new(Surroundings::new(settings, plan, events.clone(), notes));
    let mut tasks = JoinSet::new();
    let home = match &membership {
        None => {
            let mut files = Files::new(Arc::clone(&around), source);
            files.add_dns();
            files.take_in(first.changes);
            Home::Files(Box::new(files))
        }
        Some(membership) => {
            let epoch = host::clock::wall() - host::clock::monotonic().duration_since(began);
            let (joined, orders) = Joined::new(&around.plan, epoch);
            tasks = speak(membership, orders, &events);
            let api = membership.access.api.clone();
            tasks.spawn(joined::report(api.clone(), noted));
            let (host, port) = (membership.access.host.clone(), membership.access.port);
            let way = Way::new(place.clone(), around.plan.clone(), host, port);
            tasks.spawn(joined::lead_pods(api, way, events.clone()));
            Home::ApiServer(Box::new(joined))
        }
    };
    let lab = Lab::new(around, home, membership.clone(), began, on_ready);
    let asker = lab.run(queue).await;
    if let Some(membership) = membership {
        // Who beats for a node would make it again.
        tasks.shutdown().await;
        membership.leave().await;
    }
    // Whoever asked for the end is told when it is done.
    let removed = remove(place).map_err(UpError::Down);
    if let Some(asker) = asker {
        asker.answer_last(ended(&removed)).await;
    }
    removed.map(|_removed| ())
}

/// Begins to hear of the API server, and to tell it what the lab knows; this ends with the lab.
fn speak(membership: &Arc<Membership>, orders: Orders, events: &Events) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let api = &membership.access.api;
    for subject in [Subject::Nodes, Subject::Pods, Subject::Services] {
        tasks.spawn(joined::follow(api.clone(), subject, events.clone()));
    }
    tasks.spawn(joined::follow_needed(api.clone(), orders.needed, events.clone()));
    tasks.spawn(joined::write(api.clone(), orders.wishes));
    tasks.spawn(Arc::clone(membership).beat(orders.alive));
    let (doors, api, events) = (Arc::clone(&membership.doors), api.clone(), events.clone());
    tasks.spawn(async move { doors.serve(api, events).await });
    tasks
}

fn ended(removed: &Result<Removed, UpError>) -> Reply {
    match removed {
        Ok(removed) => {
            let line = format!("removed {} namespaces", removed.namespaces);
            Reply::Done { lines: vec![line], warnings: Vec::new() }
        }
        Err(error) => Reply::Refused { what: error.to_string(), hint: error.hint() },
    }
}

/// Takes away what is left of a lab that does not run.
pub fn clean(name: &LabName) -> Result<Removed, UpError> {
    let place = Place::new(name.clone());
    let _lock = claim(&place)?;
    drop(fs::remove_file(place.log()));
    remove(&place).map_err(UpError::Down)
}

/// The file for what a lab in the background writes, empty; refused while one runs.
pub fn own_log(name: &LabName) -> Result<std::path::PathBuf, UpError> {
    let place = Place::new(name.clone());
    let _lock = claim(&place)?;
    let path = place.log();
    fs::write(&path, "").map_err(|source| UpError::File {
        operation: "write",
        path: path.display().to_string(),
        source,
    })?;
    Ok(path)
}

/// Asks a running lab to end, and waits until its process has let go of the name.
pub fn down(name: &LabName) -> Result<Reply, AskError> {
    let reply = control::ask(name, &Request::Down)?;
    let place = Place::new(name.clone());
    for _ in 0..LETTING_GO_LOOKS_MAX {
        if Lock::take(&place).is_ok() {
            break;
        }
        host::clock::pause(Duration::from_millis(2));
    }
    Ok(reply)
}

/// Its end is told just before the process is over.
const LETTING_GO_LOOKS_MAX: usize = 2_500;

/// The right to do something with a lab: the privileges, and its name.
fn claim(place: &Place) -> Result<Lock, UpError> {
    let needed = [Capability::NetAdmin, Capability::SysAdmin];
    host::capability::require(&needed).map_err(UpError::Privilege)?;
    Lock::take(place)
}

fn folders(place: &Place, plan: &Plan) -> Result<(), UpError> {
    let nodes = plan.nodes.iter().map(|node| place.node(&node.name.0));
    for folder in nodes.chain([place.objects(), place.outside()]) {
        fs::create_dir_all(&folder).map_err(|source| UpError::File {
            operation: "create",
            path: folder.display().to_string(),
            source,
        })?;
    }
    let names = plan.outside.iter().map(|it| format!("nameserver {}\n", it.addr()));
    let path = place.resolv_conf();
    fs::write(&path, names.collect::<String>()).map_err(|source| UpError::File {
        operation: "write",
        path: path.display().to_string(),
        source,
    })
}

/// Takes questions and signals from here on.
fn serve(place: &Place, events: &Events) -> Result<(), UpError> {
    let path = place.control_socket();
    let listener = UnixListener::bind(&path).map_err(|source| UpError::File {
        operation: "listen on",
        path: path.display().to_string(),
        source,
    })?;
    tokio::spawn(control::serve(listener, events.clone()));
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
        pass_on(kind, || Event::Terminated, events)?;
    }
    pass_on(SignalKind::child(), || Event::ChildEnded, events)
}

fn pass_on(kind: SignalKind, event: fn() -> Event, events: &Events) -> Result<(), UpError> {
    let mut signals = signal(kind).map_err(UpError::Start)?;
    let events = events.clone();
    tokio::spawn(async move {
        while signals.recv().await.is_some() {
            if events.send(event()).await.is_err() {
                return;
            }
        }
    });
    Ok(())
}
