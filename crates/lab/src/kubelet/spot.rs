//! Where do the programs of a pod run, and from where is it asked?

use std::path::{Path, PathBuf};
use std::sync::Arc;

use host::netns::Netns;
use host::sandbox::{Mount, MountError, Sandbox};
use std::os::fd::AsFd as _;

/// The pod's network and name, and the files that a kubelet writes for it.
#[derive(Debug, Clone)]
pub(crate) struct Spot {
    pub(crate) netns: Arc<Netns>,
    pub(crate) node: Arc<Netns>,
    pub(crate) hostname: String,
    /// Where the files are.
    pub(crate) folder: PathBuf,
}

/// Files of the folder, and where programs see them.
pub(crate) const FILES: [(&str, &str); 3] =
    [("resolv.conf", "/etc/resolv.conf"), ("hosts", "/etc/hosts"), ("hostname", "/etc/hostname")];

impl Spot {
    /// For one run of a container.
    pub(crate) fn sandbox(&self, mounts: &[Mount]) -> Result<Sandbox, MountError> {
        let files = FILES.map(|(file, place)| (self.folder.join(file), Path::new(place)));
        let stand_ins: Vec<(&Path, &Path)> =
            files.iter().map(|(file, place)| (&**file, *place)).collect();
        Sandbox::with_mounts(self.netns.as_fd(), &self.hostname, &stand_ins, mounts)
    }
}
