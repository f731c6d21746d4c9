//! What does a pod find around it?

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use host::netns::{Netns, NetnsError};
use host::sandbox::Sandbox;
use model::NodeName;
use workload::api::{Container, Pod};
use workload::{ClusterDns, HostResolver, Known, Missing, PodFields};

use super::note::{Note, Notes};
use crate::capacity::Capacity;
use crate::event::Events;
use crate::image::{Command, NoCommand, command};
use crate::place::Place;
use crate::plan::Plan;
use crate::settings::Settings;
use crate::who::PodName;
use host::program::Program;

/// All that does not change while the lab runs.
#[derive(Debug)]
pub(crate) struct Surroundings {
    pub(crate) settings: Settings,
    pub(crate) plan: Plan,
    pub(crate) place: Place,
    pub(crate) events: Events,
    /// What programs of the lab inherit of our own variables.
    path: String,
    /// The host's own.
    hosts: String,
    notes: Notes,
    capacity: Capacity,
}

impl Surroundings {
    pub(crate) fn new(settings: Settings, plan: Plan, events: Events, notes: Notes) -> Self {
        let path = std::env::var("PATH").ok().filter(|path| !path.is_empty());
        Self {
            place: Place::new(settings.name.clone()),
            settings,
            plan,
            events,
            notes,
            path: path.unwrap_or_else(|| {
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned()
            }),
            hosts: fs::read_to_string("/etc/hosts").unwrap_or_default(),
            capacity: Capacity::here(),
        }
    }

    /// Whoever cannot be told soon is not told.
    pub(crate) fn note(&self, note: Note) {
        drop(self.notes.try_send(note));
    }

    pub(crate) fn node_netns(&self, node: &NodeName) -> Result<Netns, NetnsError> {
        Netns::open(&self.place.node_netns(&node.0))
    }

    /// Writes the files of a pod that a kubelet writes, and gives the pod's own host name.
    pub(crate) fn write_files(
        &self,
        pod: &Pod,
        name: &PodName,
        node: &NodeName,
        addresses: &[IpAddr],
    ) -> io::Result<String> {
        let cluster = ClusterDns {
            nameservers: self.plan.dns.clone(),
            domain: self.settings.cluster_domain.clone(),
        };
        // The world's DNS is beyond the fabric.
        let host = HostResolver {
            nameservers: self.plan.outside.iter().map(ipnet::IpNet::addr).collect(),
            ..HostResolver::default()
        };
        let folder = self.place.pod(name);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("resolv.conf"), workload::resolv_conf(pod, &cluster, &host))?;
        let domain = &self.settings.cluster_domain;
        let hosts = workload::hosts(pod, addresses, domain, &self.hosts);
        fs::write(folder.join("hosts"), hosts)?;
        let hostname = if pod.spec.host_network { &*node.0 } else { workload::pod_hostname(pod) };
        fs::write(folder.join("hostname"), format!("{hostname}\n"))?;
        Ok(String::from(hostname))
    }

    /// The variables of a container, those of the downward API and of its image among them.
    pub(crate) fn environment(
        &self,
        pod: &Pod,
        container: &Container,
        fields: &PodFields,
        known: &Known,
    ) -> Result<Vec<(String, String)>, Missing> {
        let mut all = self.base();
        let first = fields.pod_ips.first().map(IpAddr::to_string).unwrap_or_default();
        for (name, value) in [
            ("HOSTNAME", workload::pod_hostname(pod).to_owned()),
            ("POD_NAME", pod.metadata.name.clone()),
            ("POD_NAMESPACE", pod.metadata.namespace.clone()),
            ("NODE_NAME", fields.node_name.clone()),
            ("POD_IP", first),
        ] {
            all.insert(name.to_owned(), value);
        }
        all.extend(workload::environment(pod, container, fields, known)?);
        Ok(all.into_iter().collect())
    }

    /// What the downward API tells of a pod.
    pub(crate) fn fields(&self, pod: &Pod, node: &NodeName, addresses: &[IpAddr]) -> PodFields {
        PodFields {
            uid: pod.metadata.uid.clone().unwrap_or_default(),
            node_name: node.to_string(),
            pod_ips: addresses.to_vec(),
            host_ips: self.plan.node(node).map(|node| node.ips()).unwrap_or_default(),
            allocatable: self.capacity.resources(),
        }
    }

    pub(crate) fn base(&self) -> BTreeMap<String, String> {
        [("PATH", self.path.as_str()), ("HOME", "/root"), ("LANG", "C.UTF-8")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    /// What runs for a container; and a word for people when it is not what the manifest says.
    pub(crate) fn program(
        &self,
        container: &Container,
        env: Vec<(String, String)>,
        sandbox: Arc<Sandbox>,
    ) -> Result<(Program, Option<String>), NoCommand> {
        let (own, args) = workload::command_line(container, &env);
        let (program, note) = match command(container, &own, &args, &self.settings.images)? {
            Command::Program { name, args } => (self.of(name, args, env, sandbox), None),
            Command::Echo { args, is_stand_in } => {
                let note = is_stand_in.then(|| {
                    format!(
                        "pogu.dev/echo stands in for image {}: {}",
                        container.image,
                        args.join(" ")
                    )
                });
                (self.echo(args, env, sandbox), note)
            }
        };
        let directory = container.working_dir.as_ref().map(Into::into);
        Ok((Program { directory, ..program }, note))
    }

    pub(crate) fn echo(
        &self,
        args: Vec<String>,
        env: Vec<(String, String)>,
        sandbox: Arc<Sandbox>,
    ) -> Program {
        let args = std::iter::once("echo".to_owned()).chain(args).collect();
        self.of(self.settings.program.display().to_string(), args, env, sandbox)
    }

    pub(crate) fn of(
        &self,
        name: String,
        args: Vec<String>,
        env: Vec<(String, String)>,
        sandbox: Arc<Sandbox>,
    ) -> Program {
        Program { name, args, env, directory: None, sandbox }
    }
}
