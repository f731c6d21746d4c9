//! What does the lab do when it is asked?

use std::time::Duration;

use model::NodeName;

use super::Lab;
use crate::cluster::Key;
use crate::control::{Reply, Request};
use crate::event::Question;
use crate::files::Files;
use crate::home::Home;
use crate::kubelet::Kubelet;
use crate::source::{Change, Parsed, parse};
use crate::who::PodName;

impl Lab {
    pub(super) fn answer(&mut self, Question { request, asker }: Question) {
        let answer = match request {
            Request::Status => Reply::Status(Box::new(self.status())),
            Request::Apply { origin, text } => match &mut self.home {
                Home::Files(files) => apply(files, &parse(&origin, &text)),
                Home::ApiServer(_) => elsewhere("kubectl apply -f FILE"),
            },
            Request::Delete { origin, text } => match &mut self.home {
                Home::Files(files) => delete(files, &parse(&origin, &text)),
                Home::ApiServer(_) => elsewhere("kubectl delete -f FILE"),
            },
            Request::DeleteNamed { kind, name } => self.delete_named(&kind, name),
            Request::Scale { deployment, replicas } => match &mut self.home {
                Home::Files(files) => scale(files, &deployment, replicas),
                Home::ApiServer(_) => elsewhere("kubectl scale"),
            },
            Request::Crash { node } => self.on_node(&node, Self::crash, "crashed"),
            Request::Boot { node } => self.on_node(&node, Self::boot, "comes back"),
            Request::Down => {
                self.is_ending = true;
                self.last_asker = Some(asker);
                return;
            }
        };
        self.is_new = true;
        asker.answer(answer);
    }

    fn delete_named(&mut self, kind: &str, name: PodName) -> Reply {
        let now = self.now();
        let Home::Files(files) = &mut self.home else { return elsewhere("kubectl delete") };
        let key = match kind {
            "pod" | "pods" | "po" => {
                return delete_pod(files, &mut self.kubelet, &name, now);
            }
            "deployment" | "deployments" | "deploy" => Key::Deployment(name.clone()),
            "service" | "services" | "svc" => {
                Key::Service(model::ServiceName::new(name.namespace.as_str(), name.name.as_str()))
            }
            _ => {
                return Reply::Refused {
                    what: format!("the lab deletes no {kind}"),
                    hint: "write pod, deployment or service, or -f FILE".to_owned(),
                };
            }
        };
        if files.cluster.delete(&key) {
            Reply::Done { lines: vec![format!("{key} deleted")], warnings: Vec::new() }
        } else {
            let hint = "`pogu lab status` lists what there is".to_owned();
            Reply::Refused { what: format!("no such object: {key}"), hint }
        }
    }

    fn on_node(
        &mut self,
        node: &str,
        act: fn(&mut Self, &NodeName) -> Result<(), crate::network::NetworkError>,
        done: &str,
    ) -> Reply {
        let name = NodeName::new(node);
        if self.around.plan.node(&name).is_none() {
            let known: Vec<String> =
                self.around.plan.nodes.iter().map(|node| node.name.to_string()).collect();
            let hint = format!("there is {}", known.join(", "));
            return Reply::Refused { what: format!("no such node: {node}"), hint };
        }
        let is_down = self.crashed.contains_key(&name);
        if is_down == (done == "crashed") {
            let state = if is_down { "is down already" } else { "is not down" };
            let hint = "`pogu lab status` tells the states of nodes".to_owned();
            return Reply::Refused { what: format!("node {node} {state}"), hint };
        }
        match act(self, &name) {
            Ok(()) => {
                Reply::Done { lines: vec![format!("node {node} {done}")], warnings: Vec::new() }
            }
            Err(error) => Reply::Refused {
                what: format!("node {node}: {error}"),
                hint: "`pogu lab down` and `up` begin anew".to_owned(),
            },
        }
    }
}

fn apply(files: &mut Files, parsed: &Parsed) -> Reply {
    let warnings: Vec<String> = parsed.notices.iter().map(|it| it.text.clone()).collect();
    let changes = parsed.objects.iter().map(|it| Change::Apply(Box::new(it.clone())));
    let refusals = files.take_in(changes.collect());
    if parsed.objects.is_empty() && parsed.is_broken {
        let hint = "nothing was changed".to_owned();
        return Reply::Refused { what: warnings.join("; "), hint };
    }
    let lines = parsed.objects.iter().map(|object| format!("{} applied", Key::of(object)));
    if refusals.len() == parsed.objects.len() && !refusals.is_empty() {
        let hint = "nothing was changed".to_owned();
        return Reply::Refused { what: refusals.join("; "), hint };
    }
    Reply::Done { lines: lines.collect(), warnings: warnings.into_iter().chain(refusals).collect() }
}

fn delete(files: &mut Files, parsed: &Parsed) -> Reply {
    let mut lines = Vec::new();
    let mut warnings: Vec<String> = parsed.notices.iter().map(|it| it.text.clone()).collect();
    for key in parsed.objects.iter().map(Key::of) {
        if files.cluster.delete(&key) {
            lines.push(format!("{key} deleted"));
        } else {
            warnings.push(format!("no such object: {key}"));
        }
    }
    Reply::Done { lines, warnings }
}

/// A Deployment's pod is replaced by another, as the Deployment is still there.
fn delete_pod(files: &mut Files, kubelet: &mut Kubelet, name: &PodName, now: Duration) -> Reply {
    let was_wanted = files.cluster.delete(&Key::Pod(name.clone()));
    let is_stopped = files.cluster.end_pod(name);
    if is_stopped {
        kubelet.stop(name, now);
    }
    if was_wanted || is_stopped {
        let lines = vec![format!("Pod {name} deleted")];
        return Reply::Done { lines, warnings: Vec::new() };
    }
    let hint = "`pogu lab status` lists what there is".to_owned();
    Reply::Refused { what: format!("no such object: Pod {name}"), hint }
}

fn scale(files: &mut Files, name: &PodName, replicas: u32) -> Reply {
    if files.cluster.scale(name, replicas) {
        let lines = vec![format!("Deployment {name} scaled to {replicas}")];
        return Reply::Done { lines, warnings: Vec::new() };
    }
    let known: Vec<String> = files.cluster.deployments.keys().map(ToString::to_string).collect();
    let hint = if known.is_empty() {
        "the lab has no Deployment".to_owned()
    } else {
        format!("there is {}", known.join(", "))
    };
    Reply::Refused { what: format!("no such Deployment: {name}"), hint }
}

fn elsewhere(command: &str) -> Reply {
    Reply::Refused {
        what: "the objects of this lab live in an API server".to_owned(),
        hint: format!("`{command}` changes them there"),
    }
}
