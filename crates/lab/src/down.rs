//! How is everything taken away that belongs to a lab?

use std::fs;
use std::io;

use host::netns::{Netns, NetnsError};

use crate::place::Place;
use crate::settings::LabName;

/// What was found of a lab, and is gone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    pub namespaces: usize,
    pub programs: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    #[error(transparent)]
    Netns(#[from] NetnsError),
    #[error("cannot remove {path}: {source}")]
    Folder { path: String, source: io::Error },
}

/// Kills all that runs in the lab's namespaces, whoever's child it is, and takes away namespaces and
/// files. Whatever can be taken away is, even if something cannot.
pub(crate) fn remove(place: &Place) -> Result<Removed, RemoveError> {
    let mut removed = Removed::default();
    let mut failure = None;
    for name in Netns::names(&place.netns_prefix())? {
        // One without a name that leads anywhere has nothing running in it.
        if let Ok(netns) = Netns::open(&name) {
            match netns.kill_all() {
                Ok(killed) => removed.programs += killed,
                Err(error) => failure = Some(error.into()),
            }
        }
        match Netns::delete(&name) {
            Ok(()) => removed.namespaces += 1,
            Err(error) => failure = Some(error.into()),
        }
    }
    let root = place.root();
    match fs::remove_dir_all(&root) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => {
            failure = Some(RemoveError::Folder { path: root.display().to_string(), source });
        }
    }
    failure.map_or(Ok(removed), Err)
}

/// The labs that this machine knows of, running or left over, sorted.
#[must_use]
pub fn labs() -> Vec<LabName> {
    let entries = fs::read_dir(Place::labs()).into_iter().flatten().filter_map(Result::ok);
    let folders = entries.filter(|entry| entry.path().is_dir());
    let names = folders.filter_map(|entry| LabName::new(entry.file_name().to_str()?).ok());
    let mut names: Vec<LabName> = names.collect();
    names.sort();
    names
}
