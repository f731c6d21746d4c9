//! How is a lab shown?

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::net::IpAddr;
use std::time::Duration;

use lab::{PodStatus, Status};

use super::arguments::{LogsArguments, StatusArguments};
use super::{named, not_there, who};
use crate::failure::{Failure, write_out};
use crate::table::{NONE, Table, join};

pub(super) fn status(arguments: &StatusArguments) -> Result<(), Failure> {
    let status = super::status(&named(&arguments.lab.name)?)?;
    match arguments.output {
        Some(super::arguments::LabOutput::Json) => {
            let json = serde_json::to_string_pretty(&status).map_err(|error| {
                Failure::new(
                    format!("cannot write the status: {error}"),
                    "this is a defect of pogu",
                )
            })?;
            write_out(&format!("{json}\n"))
        }
        None => write_out(&text(&status)),
    }
}

fn text(status: &Status) -> String {
    let mut parts = vec![nodes(status).render()];
    if !status.deployments.is_empty() {
        parts.push(deployments(status).render());
    }
    if !status.pods.is_empty() {
        parts.push(pods(status).render());
    }
    let reasons: Vec<String> =
        status.unready().map(|(who, why)| format!("{who}: {why}\n")).collect();
    if !reasons.is_empty() {
        parts.push(reasons.concat());
    }
    parts.join("\n")
}

fn addresses(addresses: &[IpAddr]) -> String {
    let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    join(texts.iter().map(String::as_str))
}

fn nodes(status: &Status) -> Table {
    let mut table = Table::new(&["NODE", "STATE", "ADDRESSES", "PODS", "ZONE", "AGENT"]);
    for node in &status.nodes {
        let agent = match (node.agent_pid, node.agent_restarts) {
            (None, _) => NONE.to_owned(),
            (Some(pid), 0) => format!("pid {pid}"),
            (Some(pid), restarts) => format!("pid {pid}, restarts {restarts}"),
        };
        table.push(vec![
            node.name.clone(),
            node.state.clone(),
            addresses(&node.addresses),
            join(node.pod_ranges.iter().map(String::as_str)),
            node.zone.clone(),
            agent,
        ]);
    }
    let outside = vec!["outside".to_owned(), String::new(), addresses(&status.outside)];
    table.push(outside);
    table
}

fn deployments(status: &Status) -> Table {
    let head = ["NAMESPACE", "DEPLOYMENT", "READY", "UPDATED", "AVAILABLE"];
    let mut table = Table::new(&head);
    for it in &status.deployments {
        table.push(vec![
            it.name.namespace.clone(),
            it.name.name.clone(),
            format!("{}/{}", it.ready, it.desired),
            it.updated.to_string(),
            it.available.to_string(),
        ]);
    }
    table
}

fn pods(status: &Status) -> Table {
    let head = ["NAMESPACE", "POD", "READY", "STATE", "RESTARTS", "NODE", "ADDRESSES"];
    let mut table = Table::new(&head);
    let mut pods: Vec<&PodStatus> = status.pods.iter().collect();
    pods.sort_by(|a, b| a.name.cmp(&b.name));
    for pod in pods {
        table.push(vec![
            pod.name.namespace.clone(),
            pod.name.name.clone(),
            format!("{}/{}", pod.ready_containers, pod.containers),
            pod.state.clone(),
            pod.restarts.to_string(),
            pod.node.clone().unwrap_or_else(|| NONE.to_owned()),
            addresses(&pod.addresses),
        ]);
    }
    table
}

pub(super) fn logs(arguments: &LogsArguments) -> Result<(), Failure> {
    let name = named(&arguments.lab.name)?;
    let (status, who) = (super::status(&name)?, who(&arguments.who)?);
    let path = lab::logs(&name, &status, &who, arguments.container.as_deref())
        .map_err(|error| not_there(&error))?;
    let failed = |error: io::Error| {
        let what = format!("cannot read {}: {error}", path.display());
        Failure::new(what, "has it been started? `pogu lab status` tells")
    };
    let mut file = File::open(&path).map_err(failed)?;
    loop {
        let mut text = String::new();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        text.push_str(&String::from_utf8_lossy(&bytes));
        write_out(&text)?;
        if !arguments.follow {
            return Ok(());
        }
        host::clock::pause(Duration::from_millis(200));
        // A log that was cut begins anew.
        let length = file.metadata().map_err(failed)?.len();
        if file.stream_position().map_err(failed)? > length {
            file.rewind().map_err(failed)?;
        }
    }
}
