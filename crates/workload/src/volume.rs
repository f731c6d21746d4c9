//! What is a volume, and which files does it hold?

use std::collections::BTreeMap;

use crate::api::{
    DownwardFile, HostPath, KeyToPath, Keys, Pod, ProjectedSource, TokenFile, Volume, VolumeMount,
};
use crate::environment::{Binding, PodFields, expanded, field_value, resource_value};
use crate::known::{Content, Known, Missing, Reference, TOKEN_KEY};

/// Rights of files for which nobody says more.
const MODE: u32 = 0o644;

/// A volume as it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VolumeKind {
    /// An empty folder that lives as long as the Pod.
    Empty,
    Host(HostPath),
    /// Files of what the API server has.
    Files {
        sources: Vec<Source>,
        mode: u32,
    },
    /// By the name of its kind; there is none such here.
    Other(String),
}

/// Where files of a volume come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Keys { is_secret: bool, keys: Keys },
    Downward(Vec<DownwardFile>),
    Token(TokenFile),
    Other(String),
}

/// A file of a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeFile {
    pub bytes: Vec<u8>,
    pub mode: u32,
}

impl VolumeKind {
    #[must_use]
    pub fn of(volume: &Volume) -> Self {
        let files =
            |sources, mode: Option<u32>| Self::Files { sources, mode: mode.unwrap_or(MODE) };
        if let Some(map) = &volume.config_map {
            let keys = Source::Keys { is_secret: false, keys: map.keys.clone() };
            return files(vec![keys], map.default_mode);
        }
        if let Some(secret) = &volume.secret {
            let (name, items) = (secret.secret_name.clone(), secret.items.clone());
            let keys = Keys { name, items, optional: secret.optional };
            return files(vec![Source::Keys { is_secret: true, keys }], secret.default_mode);
        }
        if let Some(downward) = &volume.downward_api {
            return files(vec![Source::Downward(downward.items.clone())], downward.default_mode);
        }
        if let Some(projected) = &volume.projected {
            let sources = projected.sources.iter().map(Source::of).collect();
            return files(sources, projected.default_mode);
        }
        if let Some(host) = &volume.host_path {
            return Self::Host(host.clone());
        }
        match volume.others.keys().next().filter(|_| volume.empty_dir.is_none()) {
            Some(kind) => Self::Other(kind.clone()),
            // The API takes one without a source for an empty one.
            None => Self::Empty,
        }
    }
}

impl Source {
    fn of(source: &ProjectedSource) -> Self {
        if let Some(keys) = &source.config_map {
            return Self::Keys { is_secret: false, keys: keys.clone() };
        }
        if let Some(keys) = &source.secret {
            return Self::Keys { is_secret: true, keys: keys.clone() };
        }
        if let Some(downward) = &source.downward_api {
            return Self::Downward(downward.items.clone());
        }
        match &source.service_account_token {
            Some(file) => Self::Token(file.clone()),
            None => Self::Other(source.others.keys().next().cloned().unwrap_or_default()),
        }
    }
}

/// The files of a volume by their paths in it; a later source replaces what an earlier one has.
pub fn volume_files(
    sources: &[Source],
    mode: u32,
    pod: &Pod,
    fields: &PodFields,
    known: &Known,
) -> Result<BTreeMap<String, VolumeFile>, Missing> {
    let mut files = BTreeMap::new();
    for source in sources {
        match source {
            Source::Keys { is_secret, keys } => {
                let namespace = &pod.metadata.namespace;
                let reference = Reference::of_keys(*is_secret, namespace, &keys.name);
                if let Some(content) = known.content_if(&reference, keys.optional)? {
                    files.extend(of_keys(content, keys, mode)?);
                }
            }
            Source::Downward(items) => {
                for item in items {
                    let file = downward(item, mode, pod, fields)?;
                    files.insert(item.path.clone(), file);
                }
            }
            Source::Token(file) => {
                let seconds = file.expiration_seconds;
                let reference = Reference::token(pod, &fields.uid, &file.audience, seconds);
                let token = known.content(&reference)?.get(TOKEN_KEY).cloned();
                let token = VolumeFile { bytes: token.unwrap_or_default(), mode };
                files.insert(file.path.clone(), token);
            }
            Source::Other(kind) => {
                return Err(Missing::Absent(format!("the lab has no volumes of {kind}")));
            }
        }
    }
    Ok(files)
}

fn of_keys(
    content: &Content,
    keys: &Keys,
    mode: u32,
) -> Result<BTreeMap<String, VolumeFile>, Missing> {
    let file = |bytes: &Vec<u8>, mode| VolumeFile { bytes: bytes.clone(), mode };
    if keys.items.is_empty() {
        return Ok(content.iter().map(|(key, bytes)| (key.clone(), file(bytes, mode))).collect());
    }
    let mut files = BTreeMap::new();
    for KeyToPath { key, path, mode: own } in &keys.items {
        match content.get(key) {
            Some(bytes) => {
                files.insert(path.clone(), file(bytes, own.unwrap_or(mode)));
            }
            None if keys.optional => {}
            None => {
                let name = &keys.name;
                let why = format!("{name} has no key {key}, to which the volume refers");
                return Err(Missing::Absent(why));
            }
        }
    }
    Ok(files)
}

fn downward(
    item: &DownwardFile,
    mode: u32,
    pod: &Pod,
    fields: &PodFields,
) -> Result<VolumeFile, Missing> {
    let value = match (&item.field_ref, &item.resource_field_ref) {
        (Some(field), _) => field_value(pod, &field.field_path, fields).unwrap_or_default(),
        (None, Some(resource)) => {
            let mut all = pod.spec.all_containers();
            let container = all.find(|it| it.name == resource.container_name);
            let container = container.ok_or_else(|| {
                Missing::Absent(format!("there is no container {}", resource.container_name))
            })?;
            resource_value(container, resource, fields)?
        }
        (None, None) => String::new(),
    };
    Ok(VolumeFile { bytes: value.into_bytes(), mode: item.mode.unwrap_or(mode) })
}

/// What of the volume a container sees: a path in it, or all of it.
#[must_use]
pub fn sub_path(mount: &VolumeMount, bindings: &[Binding]) -> String {
    if mount.sub_path_expr.is_empty() {
        return mount.sub_path.clone();
    }
    expanded(&mount.sub_path_expr, bindings)
}
