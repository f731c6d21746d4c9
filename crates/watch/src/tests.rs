//! Does a folder say what its files say, and an API server what it holds?

mod api_server;
mod breaks;
mod edits;
mod files;
pub(crate) mod folder;
mod recorded;

use std::collections::BTreeMap;
use std::path::PathBuf;

use ingest::api::{Object, ObjectKey};
use model::Rejection;

use crate::event::Event;

/// A Service that differs by its port.
fn service(name: &str, port: u16) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: shop}}\n\
         spec: {{clusterIP: 10.96.0.10, ports: [{{port: {port}}}]}}\n"
    )
}

fn documents(services: &[(&str, u16)]) -> String {
    let all: Vec<String> = services.iter().map(|(name, port)| service(name, *port)).collect();
    all.join("---\n")
}

/// What somebody knows who heard all events: each Service's port, and what is wrong with each file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Heard {
    ports: BTreeMap<ObjectKey, Option<String>>,
    rejected: BTreeMap<String, Vec<Rejection>>,
    is_synced: bool,
}

impl Heard {
    fn hear(&mut self, events: Vec<Event>) {
        for event in events {
            match event {
                Event::Applied(object) => {
                    self.ports.insert(object.key(), port_of(&object));
                }
                Event::Deleted(key) => {
                    let known = self.ports.remove(&key);
                    assert!(known.is_some(), "deleted what was never applied: {key}");
                }
                Event::FileRejected { path, rejections } => {
                    self.rejected.insert(path.to_string(), rejections);
                }
                Event::FileRepaired { path } => {
                    let known = self.rejected.remove(&*path);
                    assert!(known.is_some(), "repaired what was never rejected: {path}");
                }
                Event::Synced => {
                    assert!(!self.is_synced, "synced twice");
                    self.is_synced = true;
                }
            }
        }
    }

    fn services(&self) -> Vec<(&str, &str)> {
        self.ports
            .iter()
            .map(|(key, port)| (key.name.as_str(), port.as_deref().unwrap_or("-")))
            .collect()
    }

    fn rejections(&self) -> Vec<String> {
        self.rejected.values().flatten().map(ToString::to_string).collect()
    }
}

fn port_of(object: &Object) -> Option<String> {
    match object {
        Object::Service(service) => Some(service.spec.ports.first()?.port.as_ref()?.to_string()),
        Object::EndpointSlice(_)
        | Object::Node(_)
        | Object::ServiceCidr(_)
        | Object::Pod(_)
        | Object::Namespace(_)
        | Object::ServiceImport(_)
        | Object::ConfigMap(_)
        | Object::AddressPool(_)
        | Object::IpAddressPool(_)
        | Object::L2Advertisement(_) => None,
    }
}

fn path(name: &str) -> PathBuf {
    PathBuf::from("/m").join(name)
}
