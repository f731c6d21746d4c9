//! Which programs do the tests consist of, and how are they built?

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::cache;
use crate::control_plane;
use crate::go::Go;
use crate::workspace::text;

/// The Go module, from the root of the workspace. It has no code of its own.
const MODULE: &str = "test/conformance";

/// What containers of the tests run: the name of the program, and the folder of its image.
const IMAGES: [&str; 2] = ["agnhost", "regression-issue-74839"];

/// A certificate and its key, which stand beside the program in an image, for servers that speak TLS.
const CERTIFICATE: [&str; 2] = ["localhost.crt", "localhost.key"];

/// What a first build takes on two cores, once the control plane is built.
const FIRST_BUILD: &str = "about 3 minutes on two cores the first time";

/// Builds them, unless they are built already; gives the folder that they are in. Those of images are
/// in a folder of their own there.
pub(super) fn build() -> Result<PathBuf> {
    let go = Go::find_or_install()?;
    let arguments = control_plane::arguments(&control_plane::kubernetes_version(MODULE)?);
    cache::built("pogu-conformance", MODULE, &go, &arguments, |draft| {
        println!("building e2e.test and its images from the module of Kubernetes, {FIRST_BUILD}");
        let arguments = || arguments.iter().map(String::as_str);
        go.call(MODULE, ["test", "-c"])
            .args(arguments())
            .args(["-o", text(&draft.join("e2e.test"))?, "k8s.io/kubernetes/test/e2e"])
            .run()?;
        for image in IMAGES {
            go.call(MODULE, ["build"])
                .args(arguments())
                .args(["-o", text(&draft.join("images").join(image))?])
                .arg(format!("k8s.io/kubernetes/test/images/{image}"))
                .run()?;
        }
        let format = ["list", "-m", "-f", "{{.Dir}}", "k8s.io/kubernetes"];
        let kubernetes = go.call(MODULE, format).read()?;
        let folder = Path::new(kubernetes.trim()).join("test/images/agnhost/porter");
        for file in CERTIFICATE {
            fs::copy(folder.join(file), draft.join("images").join(file))
                .with_context(|| format!("cannot copy {file} of {}", folder.display()))?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tests_are_of_the_version_that_the_control_plane_has() {
        let version = |module| control_plane::kubernetes_version(module).unwrap();
        assert_eq!(version(MODULE), version(control_plane::MODULE));
    }
}
