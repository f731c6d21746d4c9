//! How do the volumes of a pod become folders, and where does a container see them?

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Component, Path, PathBuf};

use host::sandbox::Mount;
use workload::api::{Container, Pod, Volume};
use workload::{Known, Missing, PodFields, VolumeFile, VolumeKind, sub_path, volume_files};

use super::host_path;

/// All files of a volume are seen through it, so that they change at once.
const DATA: &str = "..data";

/// What of a volume is on the disk, by the paths of files.
type Files = BTreeMap<String, VolumeFile>;

/// The volumes of one pod.
#[derive(Debug)]
pub(crate) struct Volumes {
    folder: PathBuf,
    /// Of paths that the host has not.
    node_folder: PathBuf,
    written: BTreeMap<String, Files>,
    /// How often files were written: each time to a folder of its own.
    number: u64,
}

/// Why not all volumes are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unmounted {
    /// The API server has not answered yet.
    Awaited,
    Failed(String),
}

impl Volumes {
    pub(crate) const fn new(folder: PathBuf, node_folder: PathBuf) -> Self {
        Self { folder, node_folder, written: BTreeMap::new(), number: 0 }
    }

    /// Makes what containers mount as it is to be now. What is there stays as it is where the new
    /// state cannot be made.
    pub(crate) fn make(
        &mut self,
        pod: &Pod,
        fields: &PodFields,
        known: &Known,
    ) -> Result<(), Unmounted> {
        let mounts = pod.spec.all_containers().flat_map(|it| &it.volume_mounts);
        let mounted: BTreeSet<&str> = mounts.map(|mount| mount.name.as_str()).collect();
        if !mounted.is_empty() {
            let failed = |error| Unmounted::Failed(format!("cannot make the volumes: {error}"));
            make_closed(&self.folder).map_err(failed)?;
        }
        let mut outcome = Ok(());
        for volume in pod.spec.volumes.iter().filter(|it| mounted.contains(it.name.as_str())) {
            let made = self.make_one(volume, pod, fields, known);
            // One that fails tells more than one that is awaited.
            if matches!((&outcome, &made), (Ok(()), Err(_)) | (_, Err(Unmounted::Failed(_)))) {
                outcome = made;
            }
        }
        outcome
    }

    fn make_one(
        &mut self,
        volume: &Volume,
        pod: &Pod,
        fields: &PodFields,
        known: &Known,
    ) -> Result<(), Unmounted> {
        let name = &volume.name;
        let failed = |why: &dyn std::fmt::Display| {
            Unmounted::Failed(format!("MountVolume.SetUp failed for volume {name:?} : {why}"))
        };
        let folder = self.folder.join(name);
        match VolumeKind::of(volume) {
            VolumeKind::Empty => make_open(&folder).map_err(|error| failed(&error)),
            VolumeKind::Host(host) => {
                host_path::find(&host, &self.node_folder).map(drop).map_err(|why| failed(&why))
            }
            VolumeKind::Other(kind) => Err(failed(&format!("the lab has no volumes of {kind}"))),
            VolumeKind::Files { sources, mode } => {
                let files = match volume_files(&sources, mode, pod, fields, known) {
                    Ok(files) => files,
                    Err(Missing::Unread(_)) => return Err(Unmounted::Awaited),
                    Err(Missing::Absent(why) | Missing::Unreadable(why)) => {
                        return Err(failed(&why));
                    }
                };
                if self.written.get(name) == Some(&files) {
                    return Ok(());
                }
                self.number += 1;
                write(&folder, &files, self.number).map_err(|error| failed(&error))?;
                self.written.insert(name.clone(), files);
                Ok(())
            }
        }
    }

    /// Where the container sees its volumes, those first that others are in.
    pub(crate) fn mounts(
        &self,
        pod: &Pod,
        container: &Container,
        bindings: &[(String, String)],
    ) -> Result<Vec<Mount>, String> {
        let mut mounts = Vec::new();
        for mount in &container.volume_mounts {
            let volume = pod.spec.volumes.iter().find(|it| it.name == mount.name);
            let volume = volume.ok_or_else(|| format!("there is no volume {}", mount.name))?;
            let kind = VolumeKind::of(volume);
            let whole = match &kind {
                VolumeKind::Host(host) => host_path::find(host, &self.node_folder)?,
                VolumeKind::Empty | VolumeKind::Files { .. } | VolumeKind::Other(_) => {
                    self.folder.join(&volume.name)
                }
            };
            let is_empty_dir = matches!(kind, VolumeKind::Empty);
            let part = sub_path(mount, bindings);
            mounts.push(Mount {
                source: part_of(whole, &part, is_empty_dir)?,
                place: Path::new("/").join(&mount.mount_path),
                is_read_only: mount.read_only || matches!(kind, VolumeKind::Files { .. }),
                is_ours: !matches!(kind, VolumeKind::Host(_)),
            });
        }
        mounts.sort_by_key(|mount| mount.place.components().count());
        Ok(mounts)
    }
}

fn part_of(whole: PathBuf, part: &str, may_be_made: bool) -> Result<PathBuf, String> {
    if part.is_empty() {
        return Ok(whole);
    }
    let part = Path::new(part);
    if part.components().any(|it| !matches!(it, Component::Normal(_) | Component::CurDir)) {
        return Err(format!("a subPath leads out of its volume: {}", part.display()));
    }
    let source = whole.join(part);
    let failed = |error: io::Error| {
        format!("failed to prepare subPath for volumeMount: {}: {error}", part.display())
    };
    let whole = whole.canonicalize().map_err(failed)?;
    let inside = |path: &Path| {
        let found = path.canonicalize().map_err(failed)?;
        let is_inside = found.starts_with(&whole);
        let outside = || format!("a subPath leads out of its volume: {}", part.display());
        is_inside.then_some(found).ok_or_else(outside)
    };
    // A link in the volume may lead anywhere: nothing is made before it is known where.
    let there = source.ancestors().find(|it| it.symlink_metadata().is_ok()).unwrap_or(&source);
    inside(there)?;
    if may_be_made && there != source {
        make_open(&source).map_err(failed)?;
    }
    inside(&source)
}

/// A folder that nobody else on the host looks into: there are Secrets in it. Containers come to what
/// is in it by their mounts.
fn make_closed(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(0o700))
}

/// A folder in which whoever runs may write.
fn make_open(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(0o777))
}

/// Makes the folder hold these files and no others. Who reads meanwhile finds all as they were, or all
/// as they are to be.
fn write(folder: &Path, files: &Files, number: u64) -> io::Result<()> {
    let version = format!("..{number}");
    for (path, file) in files {
        let path = folder.join(&version).join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, &file.bytes)?;
        fs::set_permissions(&path, Permissions::from_mode(file.mode))?;
    }
    fs::create_dir_all(folder.join(&version))?;
    let before = fs::read_link(folder.join(DATA)).ok();
    let draft = folder.join("..data_tmp");
    symlink(&version, &draft)?;
    fs::rename(&draft, folder.join(DATA))?;
    let first = |path: &String| path.split('/').next().unwrap_or_default().to_owned();
    let wanted: BTreeSet<String> = files.keys().map(first).collect();
    link(folder, &wanted)?;
    before.map_or(Ok(()), |before| fs::remove_dir_all(folder.join(before)))
}

/// What is to be seen leads through the one link that changes.
fn link(folder: &Path, wanted: &BTreeSet<String>) -> io::Result<()> {
    let mut there = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with("..") {
            continue;
        }
        if !wanted.contains(&name) {
            fs::remove_file(folder.join(&name))?;
        }
        there.insert(name);
    }
    for name in wanted.difference(&there) {
        symlink(Path::new(DATA).join(name), folder.join(name))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sub_path_makes_nothing_outside_of_its_volume() {
        let folder = std::env::temp_dir().join(format!("pogu-sub-path-{}", std::process::id()));
        let (volume, outside) = (folder.join("volume"), folder.join("outside"));
        for made in [volume.join("a"), outside.clone()] {
            fs::create_dir_all(made).unwrap();
        }
        symlink(&outside, volume.join("out")).unwrap();
        symlink(outside.join("new"), volume.join("nowhere")).unwrap();
        symlink("a", volume.join("in")).unwrap();
        let volume = volume.canonicalize().unwrap();
        let part = |path: &str, may_be_made| part_of(volume.clone(), path, may_be_made);
        let leads_out = |path: &str| Err(format!("a subPath leads out of its volume: {path}"));
        let absent = |path: &str| {
            let error = io::Error::from_raw_os_error(2);
            Err(format!("failed to prepare subPath for volumeMount: {path}: {error}"))
        };
        for path in ["out", "out/new", "out/deep/new", "../outside"] {
            assert_eq!(part(path, true), leads_out(path));
        }
        for path in ["nowhere", "nowhere/new"] {
            assert_eq!(part(path, true), absent(path));
        }
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
        assert_eq!(part("in/./new", false), absent("in/./new"));
        assert_eq!(part("in/./new", true), Ok(volume.join("a/new")));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn files_change_all_at_once_and_what_is_gone_is_gone() {
        let folder = std::env::temp_dir().join(format!("pogu-volume-{}", std::process::id()));
        let files = |all: &[(&str, &str)]| -> Files {
            let file = |text: &str| VolumeFile { bytes: text.as_bytes().to_vec(), mode: 0o640 };
            all.iter().map(|(path, text)| ((*path).to_owned(), file(text))).collect()
        };
        let seen = || {
            let names = fs::read_dir(&folder).unwrap().map(|it| it.unwrap().file_name());
            let names = names.map(|it| it.into_string().unwrap());
            let mut names: Vec<String> = names.filter(|it| !it.starts_with("..")).collect();
            names.sort();
            let text = |name: &String| fs::read_to_string(folder.join(name)).unwrap_or_default();
            names.iter().map(|name| format!("{name}={}", text(name))).collect::<Vec<_>>()
        };
        write(&folder, &files(&[("a", "1"), ("b/c", "2")]), 1).unwrap();
        assert_eq!(seen(), ["a=1", "b="]);
        assert_eq!(fs::read_to_string(folder.join("b/c")).unwrap(), "2");
        assert_eq!(fs::metadata(folder.join("a")).unwrap().permissions().mode() & 0o777, 0o640);
        write(&folder, &files(&[("a", "3"), ("d", "4")]), 2).unwrap();
        assert_eq!(seen(), ["a=3", "d=4"]);
        write(&folder, &files(&[]), 3).unwrap();
        assert_eq!(seen(), [""; 0]);
        fs::remove_dir_all(&folder).unwrap();
    }
}
