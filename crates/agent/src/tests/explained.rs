//! Is a question answered on the socket, and is it told what the kernel holds?

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;

use explain::{Certainty, Question, Trace, WarningKind};
use model::NodeService;
use reconcile::ReadBack;
use tokio::net::UnixListener;

use super::answers::{Served, view};
use super::ask;
use super::cluster::applied;
use crate::event::Event;
use crate::query::{self, AskError};
use crate::site::Site;
use serve::Listener;

/// An agent whose core finds the Service in the kernel with this plan, so many steps away.
struct Agent {
    socket: PathBuf,
    served: Option<Served>,
    core: Option<JoinHandle<()>>,
}

impl Agent {
    fn new(
        test: &str,
        plan: impl Fn(&Arc<NodeService>) -> Option<ReadBack> + Send + 'static,
    ) -> Self {
        let name = format!("pogu-explained-{test}-{}.sock", std::process::id());
        let socket = std::env::temp_dir().join(name);
        let (sender, events) = sync_channel(4);
        let view = view(applied());
        let published = view.published();
        let core = std::thread::spawn(move || {
            for event in events {
                let Event::ReadBack(request) = event else { panic!("another event: {event:?}") };
                let service = published.node.services.get(&request.service);
                let read = plan(service.expect("the Service is on the node"));
                request.answer(read);
            }
        });
        let served = Served::new(Site::Query(view, sender), || {
            Listener::Unix(UnixListener::bind(&socket).unwrap())
        });
        Self { socket, served: Some(served), core: Some(core) }
    }

    fn explain(&self, target: &str) -> Result<Trace, AskError> {
        let from = Some("10.1.0.9".to_owned());
        query::explain(&self.socket, &Question { from, ..Question::of(target) })
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        drop(self.served.take());
        self.core.take().unwrap().join().unwrap();
        std::fs::remove_file(&self.socket).unwrap();
    }
}

fn certainty(trace: &Trace, stage: &str) -> Certainty {
    let mut hops = trace.hops.iter();
    hops.find(|hop| hop.stage.as_str() == stage).unwrap().certainty
}

fn is_doubted(trace: &Trace) -> bool {
    trace.warnings.iter().any(|warning| warning.kind == WarningKind::NotProgrammed)
}

#[test]
fn what_the_kernel_holds_as_planned_is_programmed() {
    let planned = |service: &Arc<NodeService>| {
        Some(ReadBack { planned: Some(Arc::clone(service)), steps: 0 })
    };
    let agent = Agent::new("planned", planned);
    let trace = agent.explain("10.96.0.10:80").unwrap();
    assert_eq!(trace.verdict.endpoints.len(), 2);
    assert_eq!(certainty(&trace, "policy"), Certainty::Programmed);
    assert_eq!(certainty(&trace, "answer"), Certainty::Expected);
    assert!(!is_doubted(&trace));
}

#[test]
fn what_the_kernel_holds_otherwise_is_doubted() {
    let planned = |service: &Arc<NodeService>| {
        Some(ReadBack { planned: Some(Arc::clone(service)), steps: 2 })
    };
    let trace = Agent::new("otherwise", planned).explain("10.96.0.10:80").unwrap();
    assert_eq!(certainty(&trace, "policy"), Certainty::Expected);
    assert!(is_doubted(&trace));
}

#[test]
fn without_the_kernels_word_it_is_expected() {
    let older = |_: &Arc<NodeService>| Some(ReadBack { planned: None, steps: 0 });
    for agent in [Agent::new("older", older), Agent::new("unread", |_| None)] {
        let trace = agent.explain("10.96.0.10:80").unwrap();
        assert_eq!(certainty(&trace, "policy"), Certainty::Expected);
        assert!(!is_doubted(&trace));
    }
}

#[test]
fn a_question_without_an_answer_is_refused_with_a_hint() {
    let agent = Agent::new("refused", |_| None);
    let Err(AskError::Refused(absent)) = agent.explain("svc/shop/wob") else { panic!("told") };
    assert_eq!((absent.what.as_str(), absent.is_usage), ("no such Service: shop/wob", false));
    assert_eq!(absent.hint, "there is svc/shop/api, for example");
    let Err(AskError::Refused(usage)) = agent.explain("web/udp") else { panic!("told") };
    assert!(usage.is_usage);
    let status = |request: &str| {
        let answer = ask(UnixStream::connect(&agent.socket).unwrap(), request);
        answer.lines().next().unwrap().to_owned()
    };
    assert_eq!(status("GET /explain?target=svc%2Fshop%2Fwob"), "HTTP/1.1 404 Not Found");
    assert_eq!(status("GET /explain?colour=red"), "HTTP/1.1 400 Bad Request");
}
