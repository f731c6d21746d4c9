//! How is what the agent holds asked for and shown?

use std::time::SystemTime;

use agent::query::{
    ADDRESSES, Address, DNS_FAILURES, DnsFailure, ENDPOINTS, Endpoint, FRONTENDS, Frontend, POOLS,
    Pool, SERVICES, Service,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::arguments::{GetArguments, Output, Resource};
use crate::failure::{Failure, write_err, write_out};
use crate::socket::ask;
use crate::table::Table;

mod addresses;
mod dns_failures;
mod endpoints;
mod frontends;
mod pools;
mod services;

pub(crate) fn run(arguments: &GetArguments) -> Result<(), Failure> {
    match arguments.resource {
        Resource::Services => show::<Service>(arguments, SERVICES, |objects, shape| {
            services::table(objects, shape, now())
        }),
        Resource::Endpoints => show::<Endpoint>(arguments, ENDPOINTS, endpoints::table),
        Resource::Frontends => show::<Frontend>(arguments, FRONTENDS, frontends::table),
        Resource::DnsFailures => show::<DnsFailure>(arguments, DNS_FAILURES, dns_failures::table),
        Resource::Addresses => show::<Address>(arguments, ADDRESSES, addresses::table),
        Resource::Pools => show::<Pool>(arguments, POOLS, pools::table),
    }
}

/// Which columns a table has beyond those that it always has.
#[derive(Debug, Clone, Copy)]
struct Shape {
    has_namespace: bool,
    is_wide: bool,
}

impl Shape {
    /// A table with the head's columns that the shape has.
    fn table(self, head: &[&str], wide: &[&str]) -> Table {
        let namespace: &[&str] = if self.has_namespace { &["NAMESPACE"] } else { &[] };
        Table::new(&[namespace, head, if self.is_wide { wide } else { &[] }].concat())
    }

    fn row(self, namespace: &str, cells: Vec<String>, wide: Vec<String>) -> Vec<String> {
        let namespace = self.has_namespace.then(|| namespace.to_owned());
        let wide = if self.is_wide { wide } else { Vec::new() };
        namespace.into_iter().chain(cells).chain(wide).collect()
    }
}

fn show<T: DeserializeOwned + Serialize>(
    arguments: &GetArguments,
    path: &str,
    table: impl Fn(&[T], Shape) -> Table,
) -> Result<(), Failure> {
    let objects: Vec<T> = ask(&arguments.agent.socket, &request(arguments, path)?)?;
    match arguments.output {
        Some(Output::Json) => {
            let json = serde_json::to_string_pretty(&List::of(&objects));
            write_out(&format!("{}\n", json.map_err(|error| not_written(&error))?))
        }
        Some(Output::Yaml) => {
            let yaml = serde_saphyr::to_string(&List::of(&objects));
            write_out(&yaml.map_err(|error| not_written(&error))?)
        }
        None | Some(Output::Wide) if objects.is_empty() => nothing(arguments),
        output @ (None | Some(Output::Wide)) => {
            let shape =
                Shape { has_namespace: arguments.all_namespaces, is_wide: output.is_some() };
            write_out(&table(&objects, shape).render())
        }
    }
}

/// As `kubectl -o json` gives several objects.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'a, T> {
    api_version: &'static str,
    kind: &'static str,
    items: &'a [T],
}

impl<'a, T> List<'a, T> {
    const fn of(items: &'a [T]) -> Self {
        Self { api_version: "v1", kind: "List", items }
    }
}

fn request(arguments: &GetArguments, path: &str) -> Result<String, Failure> {
    let mut request = path.to_owned();
    let mut separator = '?';
    let namespace = (!arguments.all_namespaces).then_some(&arguments.namespace);
    for (field, value) in [("namespace", namespace), ("name", arguments.name.as_ref())] {
        let Some(value) = value else { continue };
        let is_name =
            value.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'));
        if value.is_empty() || !is_name {
            let hint = "names have lower case letters, digits, `-` and `.`";
            return Err(Failure::usage(format!("not a {field}: {value:?}"), hint));
        }
        request.extend([separator]);
        request.extend([field, "=", value]);
        separator = '&';
    }
    Ok(request)
}

/// A name that is not there is a failure, an empty list is not.
fn nothing(arguments: &GetArguments) -> Result<(), Failure> {
    if matches!(arguments.resource, Resource::DnsFailures) {
        write_err("No question to the cluster DNS failed lately.\n");
        return Ok(());
    }
    if matches!(arguments.resource, Resource::Pools) {
        write_err("No pools found\n");
        return Ok(());
    }
    let place = if arguments.all_namespaces {
        "any namespace".to_owned()
    } else {
        format!("namespace {}", arguments.namespace)
    };
    if let Some(name) = &arguments.name {
        let what = match arguments.resource {
            Resource::Services => "no such Service",
            Resource::Endpoints => "no endpoints of Service",
            Resource::Frontends => "no frontends of Service",
            Resource::DnsFailures => "no failures of pod",
            Resource::Addresses => "no announced address of Service",
            Resource::Pools => "no pool",
        };
        let hint = "-n names another namespace, -A all of them";
        return Err(Failure::new(format!("{what} in {place}: {name}"), hint));
    }
    let text = if arguments.all_namespaces {
        "No resources found\n".to_owned()
    } else {
        format!("No resources found in {} namespace.\n", arguments.namespace)
    };
    write_err(&text);
    Ok(())
}

fn not_written(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(format!("cannot write the objects: {error}"), "this is a defect of pogu")
}

#[expect(clippy::disallowed_methods, reason = "ages are told from now")]
fn now() -> SystemTime {
    SystemTime::now()
}
