//! What will happen to a request, as far as this agent knows, and does the kernel hold that?

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use announce::Role;
use explain::{Addresses, ClusterDns, KernelHolds, Question, Refusal, Trace};
use hyper::StatusCode;
use model::{Mac, Node, NodeName, ServiceName};
use reconcile::ReadBack;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::event::{Event, ReadBackRequest};
use crate::published::Published;
use crate::site::View;
use serve::Answer;

/// What the cluster's own names end in.
pub const CLUSTER_DOMAIN: &str = "cluster.local";

/// How long the core may take to read the kernel.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

/// While the table changes under the eyes of the one who reads, a newer one is explained.
const TRIES: usize = 3;

pub(crate) async fn answer(view: &View, core: &SyncSender<Event>, query: Option<String>) -> Answer {
    let question = match Question::from_query(query.as_deref().unwrap_or_default()) {
        Ok(question) => Arc::new(question),
        Err(refusal) => return refused(&refusal),
    };
    let mut told = tell(view, view.published(), &question).await;
    for _ in 0..TRIES {
        let (published, mut trace) = match told {
            Ok(told) => told,
            Err(refusal) => return refused(&refusal),
        };
        let Some(name) = decided_here(&published, &trace) else { return Answer::value(&trace) };
        let Some(read) = read_back(core, name.clone()).await else { return Answer::value(&trace) };
        if read.planned.as_ref() == published.node.services.get(&name) {
            trace.confirm(&published.node.node.name.0, &holds(&read));
            return Answer::value(&trace);
        }
        let newer = view.published();
        if Arc::ptr_eq(&newer, &published) {
            // The Service waits: what the kernel has is older, and the trace says so already.
            return Answer::value(&trace);
        }
        told = tell(view, newer, &question).await;
    }
    told.map_or_else(|refusal| refused(&refusal), |(_, trace)| Answer::value(&trace))
}

/// On a thread of its own, as clusters may be large.
async fn tell(
    view: &View,
    published: Arc<Published>,
    question: &Arc<Question>,
) -> Result<(Arc<Published>, Trace), Refusal> {
    let (view, question) = (view.clone(), Arc::clone(question));
    let telling = spawn_blocking(move || {
        let told = with_view(&view, &published, |view| explain::explain(view, &question));
        let told = told.and_then(|told| told);
        told.map(|trace| (published, trace))
    });
    telling.await.unwrap_or_else(|error| {
        tracing::error!(%error, "explaining broke");
        let what = "the agent broke while it explained".to_owned();
        Err(Refusal { what, hint: "its log tells where".to_owned(), is_usage: false })
    })
}

/// What explanations are made from, as it was published.
pub(super) fn with_view<T>(
    view: &View,
    published: &Published,
    tell: impl FnOnce(&explain::View<'_>) -> T,
) -> Result<T, Refusal> {
    let status = &published.status;
    let waiting = status.failing.iter().map(|it| (it.service.clone(), it.error.clone()));
    let agent = explain::Agent {
        is_synced: status.synced,
        is_applied: status.applied.is_some(),
        waiting: waiting.collect(),
    };
    let dns =
        match &view.dns {
            Some(dns) => dns.explained(),
            // Somebody else's DNS answers, as clusters ship it.
            None => ClusterDns::as_shipped(CLUSTER_DOMAIN, published.node.cluster()).map_err(
                |error| Refusal {
                    what: format!("the cluster's domain is no name: {error}"),
                    hint: "its usual name is cluster.local".to_owned(),
                    is_usage: false,
                },
            )?,
        };
    let config = &view.config;
    let addresses = config.load_balancer.map(|it| Addresses {
        default_way: it.default_way,
        owners: owners(view),
        macs: macs(view),
    });
    Ok(tell(&explain::View {
        here: &published.node,
        other_node: &|node: &Node| config.other_node_context(node),
        rejections: &published.rejections(),
        dns: &dns,
        agent: Some(&agent),
        addresses: addresses.as_ref(),
    }))
}

/// Of addresses that this node takes part in: of others it hears nothing.
fn owners(view: &View) -> BTreeMap<IpAddr, Vec<NodeName>> {
    let Some(announced) = &view.announced else { return BTreeMap::new() };
    let announced = announced.borrow();
    let heard = announced.addresses.iter().filter(|(_, shown)| shown.role != Role::Bystander);
    heard.map(|(address, shown)| (*address, shown.owners.clone())).collect()
}

fn macs(view: &View) -> BTreeMap<NodeName, Vec<Mac>> {
    view.announced.as_ref().map(|announced| announced.borrow().macs.clone()).unwrap_or_default()
}

/// The Service whose frontend on this node decided.
fn decided_here(published: &Published, trace: &Trace) -> Option<ServiceName> {
    let verdict = &trace.verdict;
    let is_here = verdict.node.as_deref() == Some(&*published.node.node.name.0);
    let service = &verdict.frontend.as_ref().filter(|_| is_here)?.service;
    Some(ServiceName::new(service.namespace.as_str(), service.name.as_str()))
}

/// `None` when the core is busy, has no kernel yet, or cannot read it: then nothing is confirmed.
async fn read_back(core: &SyncSender<Event>, service: ServiceName) -> Option<ReadBack> {
    let (sender, receiver) = oneshot::channel();
    core.try_send(Event::ReadBack(ReadBackRequest { service, sender })).ok()?;
    timeout(READ_TIMEOUT, receiver).await.ok()?.ok()?
}

fn holds(read: &ReadBack) -> KernelHolds {
    match read.steps {
        0 => KernelHolds::AsPlanned,
        1 => KernelHolds::Otherwise("one step would mend it".to_owned()),
        n => KernelHolds::Otherwise(format!("{n} steps would mend it")),
    }
}

/// With the status by which a program can tell what is wrong.
fn refused(refusal: &Refusal) -> Answer {
    let status = if refusal.is_usage { StatusCode::BAD_REQUEST } else { StatusCode::NOT_FOUND };
    Answer { status, ..Answer::value(refusal) }
}
