//! How is a running lab changed?

use std::path::PathBuf;

use lab::{LabName, PodName, Reply, Request};

use super::arguments::{
    ApplyArguments, BootArguments, DeleteArguments, NodeArguments, ScaleArguments,
};
use super::{named, not_asked, read, unexpected};
use crate::failure::{Failure, write_err, write_out};

pub(super) fn apply(arguments: &ApplyArguments) -> Result<(), Failure> {
    let name = named(&arguments.lab.name)?;
    each_file(&name, &arguments.files, |origin, text| Request::Apply { origin, text })
}

pub(super) fn delete(arguments: &DeleteArguments) -> Result<(), Failure> {
    let name = named(&arguments.lab.name)?;
    for object in &arguments.objects {
        let (kind, of_kind) = object.split_once('/').unwrap_or(("", object));
        let request = Request::DeleteNamed { kind: kind.to_lowercase(), name: pod_name(of_kind)? };
        act(&name, &request)?;
    }
    each_file(&name, &arguments.files, |origin, text| Request::Delete { origin, text })
}

pub(super) fn scale(arguments: &ScaleArguments) -> Result<(), Failure> {
    let text = &arguments.deployment;
    let deployment = text.strip_prefix("deployment/").or_else(|| text.strip_prefix("deploy/"));
    let deployment = pod_name(deployment.unwrap_or(text))?;
    act(&named(&arguments.lab.name)?, &Request::Scale { deployment, replicas: arguments.replicas })
}

pub(super) fn crash(arguments: &NodeArguments) -> Result<(), Failure> {
    act(&named(&arguments.lab.name)?, &Request::Crash { node: node(&arguments.node) })
}

pub(super) fn boot(arguments: &BootArguments) -> Result<(), Failure> {
    act(&named(&arguments.lab.name)?, &Request::Boot { node: node(&arguments.node) })
}

fn node(text: &str) -> String {
    text.strip_prefix("node/").unwrap_or(text).to_owned()
}

fn pod_name(text: &str) -> Result<PodName, Failure> {
    let (namespace, name) = text.split_once('/').unwrap_or(("default", text));
    if namespace.is_empty() || name.is_empty() || name.contains('/') {
        let what = format!("not the name of an object: {text:?}");
        return Err(Failure::usage(what, "write NAMESPACE/NAME, after its kind"));
    }
    Ok(PodName::new(namespace, name))
}

fn each_file(
    name: &LabName,
    files: &[PathBuf],
    request: impl Fn(String, String) -> Request,
) -> Result<(), Failure> {
    for path in files {
        let (origin, text) = read(path)?;
        act(name, &request(origin, text))?;
    }
    Ok(())
}

fn act(name: &LabName, request: &Request) -> Result<(), Failure> {
    match lab::ask(name, request) {
        Ok(Reply::Done { lines, warnings }) => {
            for warning in warnings {
                write_err(&format!("pogu: {warning}\n"));
            }
            write_out(&lines.iter().map(|line| format!("{line}\n")).collect::<String>())
        }
        Ok(Reply::Refused { what, hint }) => Err(Failure::new(what, hint)),
        Ok(Reply::Status(_)) => Err(unexpected()),
        Err(error) => Err(not_asked(&error)),
    }
}
