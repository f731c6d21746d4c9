//! What of a pod is given to kubectl?

use ::kubelet::{ContainerName, Log, Refusal};
use host::program::Program;

use super::Lab;
use crate::errand::Errand;
use crate::kubelet::{ContainerRun, PodRun};
use crate::who::PodName;

impl Lab {
    /// Whoever asked may have gone.
    pub(super) fn run_errand(&self, errand: Errand) {
        match errand {
            Errand::Log { container, previous, reply } => {
                drop(reply.send(self.log(&container, previous)));
            }
            Errand::Exec { container, command, reply } => {
                drop(reply.send(self.program(&container, &command)));
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

    fn network(&self, pod: &PodName) -> Result<String, Refusal> {
        let run = self.pod_run(pod)?;
        let place = &self.around.place;
        let is_of_node = run.pod.spec.host_network;
        Ok(if is_of_node { place.node_netns(&run.node.0) } else { place.pod_netns(pod) })
    }
}
