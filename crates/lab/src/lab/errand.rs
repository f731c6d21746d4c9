//! What of a pod is given to kubectl?

use std::sync::Arc;

use ::kubelet::{ContainerName, Log, Refusal, Wanted};
use host::program::Program;

use super::Lab;
use crate::errand::{Attached, Errand};
use crate::kubelet::{ContainerRun, Input, PodRun};
use crate::who::PodName;

impl Lab {
    /// Whoever asked may have gone.
    pub(super) fn run_errand(&mut self, errand: Errand) {
        match errand {
            Errand::Log { container, previous, reply } => {
                drop(reply.send(self.log(&container, previous)));
            }
            Errand::Exec { container, command, reply } => {
                drop(reply.send(self.program(&container, &command)));
            }
            Errand::Attach { container, wanted, reply } => {
                drop(reply.send(self.attach(&container, wanted)));
            }
            Errand::Connect { pod, reply } => drop(reply.send(self.network(&pod))),
        }
    }

    fn pod_run(&self, pod: &PodName) -> Result<&PodRun, Refusal> {
        let run = self.kubelet.pods.get(pod);
        run.ok_or_else(|| Refusal::NotFound(format!("pod {pod} does not run on this node")))
    }

    fn container(&self, name: &ContainerName) -> Result<(&PodRun, usize, &ContainerRun), Refusal> {
        let pod = PodName::new(name.pod.namespace.as_str(), name.pod.name.as_str());
        let run = self.pod_run(&pod)?;
        let mut all = run.containers.iter().enumerate();
        let found = all.find(|(_, it)| it.container.name == name.name);
        let (index, found) =
            found.ok_or_else(|| Refusal::NotFound(format!("there is no {name}")))?;
        Ok((run, index, found))
    }

    fn log(&self, name: &ContainerName, previous: bool) -> Result<Log, Refusal> {
        let (_, _, container) = self.container(name)?;
        let log = if previous { &container.log_before } else { &container.log_now };
        let what = if previous { "no run before this one" } else { "not run yet" };
        log.clone().ok_or_else(|| Refusal::BadRequest(format!("{name} has {what}")))
    }

    fn program(&self, name: &ContainerName, command: &[String]) -> Result<Program, Refusal> {
        let (run, index, container) = self.container(name)?;
        if container.life().is_none() {
            return Err(Refusal::BadRequest(format!("{name} does not run now")));
        }
        let program = run.exec(index, command, &self.around);
        program.ok_or_else(|| Refusal::BadRequest("there is no command".to_owned()))
    }

    fn attach(&mut self, name: &ContainerName, wanted: Wanted) -> Result<Attached, Refusal> {
        let log = self.log(name, false)?;
        let (_, index, _) = self.container(name)?;
        let pod = PodName::new(name.pod.namespace.as_str(), name.pod.name.as_str());
        let run = self.kubelet.pods.get_mut(&pod).and_then(|run| run.containers.get_mut(index));
        let is_once = run.as_ref().is_some_and(|run| run.container.stdin_once);
        let has_stdin = run.as_ref().is_some_and(|run| run.container.stdin);
        let Some(life) = run.and_then(ContainerRun::life_mut) else {
            return Err(Refusal::BadRequest(format!("{name} does not run now")));
        };
        let terminal = match &life.input {
            Input::Terminal(terminal) => Some(Arc::clone(terminal)),
            Input::None | Input::Pipe(_) | Input::Spent => None,
        };
        if !wanted.stdin {
            return Ok(Attached { log, input: None, terminal });
        }
        let refused = |why: &str| Err(Refusal::BadRequest(format!("{name} {why}")));
        let input = match &life.input {
            Input::Pipe(pipe) => pipe.try_clone(),
            Input::Terminal(terminal) if has_stdin => terminal.stream(),
            Input::Spent => return refused("was told all that it would hear: it has stdinOnce"),
            Input::None | Input::Terminal(_) => {
                return refused("has no input; attach to it without -i");
            }
        };
        if is_once && matches!(life.input, Input::Pipe(_)) {
            life.input = Input::Spent;
        }
        let input = input.map_err(|error| Refusal::Internal(error.to_string()))?;
        Ok(Attached { log, input: Some(input), terminal })
    }

    fn network(&self, pod: &PodName) -> Result<String, Refusal> {
        let run = self.pod_run(pod)?;
        let place = &self.around.place;
        let is_of_node = run.pod.spec.host_network;
        Ok(if is_of_node { place.node_netns(&run.node.0) } else { place.pod_netns(pod) })
    }
}
