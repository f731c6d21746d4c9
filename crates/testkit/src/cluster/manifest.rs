//! Which objects stand in a scenario as manifests?

use ingest::manifest::{Manifest, parse};

use super::Cluster;

/// The file that manifests of a scenario are said to stand in.
pub(crate) const MANIFEST_PATH: &str = "objects.yaml";

impl Cluster {
    /// Adds the objects of YAML documents, in place of those of the same name, and what of the text
    /// could not be read, in place of what could not be read before.
    pub(crate) fn add_manifests(&mut self, text: &str) {
        let (manifests, unreadable) = parse(MANIFEST_PATH, text);
        for manifest in manifests {
            match manifest {
                Manifest::Object(object) => {
                    self.manifests.insert(object.key(), object);
                }
                Manifest::Other { .. } => {}
            }
        }
        self.unreadable = unreadable;
    }
}
