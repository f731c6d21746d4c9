//! How is a command run in a node, in a pod or outside, and where are their logs?

use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use host::netns::{Netns, NetnsError};
use host::program::{Program, ProgramError};
use host::sandbox::Sandbox;
use model::NodeName;

use crate::kubelet::FILES;
use crate::place::Place;
use crate::settings::LabName;
use crate::status::{PodStatus, Status};
use crate::who::{PodName, Who};

#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    #[error("no such node: {0}")]
    NoNode(NodeName),
    #[error("no such pod: {0}")]
    NoPod(PodName),
    #[error("no pod of Deployment {0}")]
    NoPodOf(PodName),
    #[error("container {container} is not in pod {pod}")]
    NoContainer { pod: PodName, container: String },
    #[error("pod {0} has several containers")]
    WhichContainer(PodName, Vec<String>),
    #[error("{0} keeps no log")]
    NoLog(Who),
    #[error(transparent)]
    Netns(#[from] NetnsError),
    #[error("cannot make a place for {who}: {source}")]
    Place { who: Who, source: io::Error },
    #[error(transparent)]
    Program(#[from] ProgramError),
}

impl ExecError {
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoNode(_) | Self::NoPod(_) | Self::NoPodOf(_) => {
                "`pogu lab status` lists who is there".to_owned()
            }
            Self::NoContainer { .. } => "`pogu lab status` lists pods".to_owned(),
            Self::WhichContainer(_, names) => format!("-c names one of {}", names.join(", ")),
            Self::NoLog(_) => "pods and nodes keep logs".to_owned(),
            Self::Netns(_) | Self::Place { .. } => "a lab needs the privileges of root".to_owned(),
            Self::Program(_) => "programs are the host's: is it installed?".to_owned(),
        }
    }
}

/// Who of the lab is meant, by what the lab says.
fn pod<'a>(status: &'a Status, who: &Who) -> Result<Option<&'a PodStatus>, ExecError> {
    match who {
        Who::Outside => Ok(None),
        Who::Node(name) => {
            let is_there = status.nodes.iter().any(|node| *node.name == *name.0);
            if is_there { Ok(None) } else { Err(ExecError::NoNode(name.clone())) }
        }
        Who::Pod(name) => {
            let found = status.pods.iter().find(|pod| pod.name == *name);
            found.map(Some).ok_or_else(|| ExecError::NoPod(name.clone()))
        }
        Who::Deployment(name) => {
            let is_of = |pod: &&PodStatus| {
                pod.owner.as_ref() == Some(&name.name) && pod.name.namespace == name.namespace
            };
            let mut pods: Vec<&PodStatus> = status.pods.iter().filter(is_of).collect();
            pods.sort_by_key(|pod| (!pod.ready, pod.name.clone()));
            let first = pods.first().copied();
            first.map(Some).ok_or_else(|| ExecError::NoPodOf(name.clone()))
        }
    }
}

/// Becomes the command, there; returns only when it cannot.
pub fn exec(
    lab: &LabName,
    status: &Status,
    who: &Who,
    command: &[String],
) -> Result<(), ExecError> {
    let Some((name, args)) = command.split_first() else { return Ok(()) };
    let program = Program {
        name: name.clone(),
        args: args.to_vec(),
        env: environment(lab, status, who)?,
        directory: None,
        sandbox: Arc::new(sandbox(lab, status, who)?),
    };
    Err(program.replace().into())
}

/// The variables of the caller, and who this is. On a node, pogu finds the node's agent.
fn environment(
    lab: &LabName,
    status: &Status,
    who: &Who,
) -> Result<Vec<(String, String)>, ExecError> {
    let place = Place::new(lab.clone());
    let mut all: BTreeMap<String, String> = std::env::vars().collect();
    let node = match (who, pod(status, who)?) {
        (_, Some(pod)) => {
            all.insert("HOSTNAME".to_owned(), pod.name.name.clone());
            pod.node.clone()
        }
        (Who::Node(name), None) => Some(name.to_string()),
        (Who::Outside | Who::Pod(_) | Who::Deployment(_), None) => None,
    };
    if let Some(node) = node {
        let socket = place.agent_socket(&node).display().to_string();
        all.insert("POGU_SOCKET".to_owned(), socket);
    }
    Ok(all.into_iter().collect())
}

/// The network of somebody of the lab.
pub fn netns(lab: &LabName, status: &Status, who: &Who) -> Result<Netns, ExecError> {
    let place = Place::new(lab.clone());
    let name = match (who, pod(status, who)?) {
        (_, Some(pod)) if pod.host_network => {
            place.node_netns(&pod.node.clone().unwrap_or_default())
        }
        (_, Some(pod)) => place.pod_netns(&pod.name),
        (Who::Node(name), None) => place.node_netns(&name.0),
        (Who::Outside | Who::Pod(_) | Who::Deployment(_), None) => place.outside_netns(),
    };
    Ok(Netns::open(&name)?)
}

/// A Deployment stands for one of its pods.
pub fn settled(status: &Status, who: &Who) -> Result<Who, ExecError> {
    Ok(pod(status, who)?.map_or_else(|| who.clone(), |pod| Who::Pod(pod.name.clone())))
}

fn sandbox(lab: &LabName, status: &Status, who: &Who) -> Result<Sandbox, ExecError> {
    let place = Place::new(lab.clone());
    let failed = |source| ExecError::Place { who: who.clone(), source };
    let netns = netns(lab, status, who)?;
    let (hostname, folder) = match (who, pod(status, who)?) {
        (_, Some(pod)) => {
            let own = (pod.name.name.clone(), Some(place.pod(&pod.name)));
            let node = pod.node.clone().filter(|_| pod.host_network);
            node.map_or_else(|| own.clone(), |node| (node, own.1.clone()))
        }
        (Who::Node(name), None) => (name.to_string(), None),
        (Who::Outside | Who::Pod(_) | Who::Deployment(_), None) => ("outside".to_owned(), None),
    };
    let files = folder.map_or_else(
        || vec![(place.resolv_conf(), Path::new("/etc/resolv.conf"))],
        |folder| FILES.map(|(file, place)| (folder.join(file), Path::new(place))).to_vec(),
    );
    let stand_ins: Vec<(&Path, &Path)> = files.iter().map(|(seen, at)| (&**seen, *at)).collect();
    Sandbox::new(netns.as_fd(), &hostname, &stand_ins).map_err(failed)
}

/// The file that somebody's words are in; a pod of several containers needs to be told which.
pub fn logs(
    lab: &LabName,
    status: &Status,
    who: &Who,
    container: Option<&str>,
) -> Result<PathBuf, ExecError> {
    let place = Place::new(lab.clone());
    let pod = match (who, pod(status, who)?) {
        (Who::Node(name), None) => return Ok(place.agent_log(&name.0)),
        (Who::Outside, None) => return Ok(place.outside().join("site.log")),
        (Who::Pod(_) | Who::Deployment(_), None) => return Err(ExecError::NoLog(who.clone())),
        (_, Some(pod)) => pod,
    };
    let entries = std::fs::read_dir(place.pod(&pod.name)).into_iter().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| {
            entry.ok()?.file_name().to_str()?.strip_suffix(".log").map(str::to_owned)
        })
        .collect();
    names.sort();
    match (container, names.as_slice()) {
        (Some(wanted), names) if names.iter().any(|name| name == wanted) => {
            Ok(place.container_log(&pod.name, wanted))
        }
        (Some(wanted), _) => {
            let container = wanted.to_owned();
            Err(ExecError::NoContainer { pod: pod.name.clone(), container })
        }
        (None, [only]) => Ok(place.container_log(&pod.name, only)),
        (None, []) => Err(ExecError::NoLog(who.clone())),
        (None, _) => Err(ExecError::WhichContainer(pod.name.clone(), names)),
    }
}
