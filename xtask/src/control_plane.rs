//! How is the control plane of tests built, and how does a person run one?

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use clap::{Args, Subcommand};

use crate::cache;
use crate::call::Call;
use crate::go::Go;
use crate::workspace::{self, text};

/// The Go module, from the root of the workspace.
pub(crate) const MODULE: &str = "test/control-plane";

/// The program, and the names that it answers to when it is called by them.
const PROGRAM: &str = "control-plane";
const LINKS: [&str; 2] = ["kubectl", "kube-proxy"];

/// Where tests find the program.
pub(crate) const PATH_VARIABLE: &str = "POGU_CONTROL_PLANE";

/// What a first build takes on two cores.
const FIRST_BUILD: &str = "about 6 minutes on two cores the first time";

#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build it, if it is not built yet, and say where it is.
    Build,
    /// Run one in the background; --help shows its settings.
    #[command(disable_help_flag = true)]
    Up(Settings),
    /// End it, and all of its processes.
    #[command(disable_help_flag = true)]
    Down(Settings),
    /// What runs, as JSON.
    #[command(disable_help_flag = true)]
    Status(Settings),
}

#[derive(Args)]
struct Settings {
    /// As the control plane's own program takes them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "SETTING")]
    settings: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let program = build()?;
    match &options.task {
        Task::Build => {
            println!("{}", program.display());
            Ok(())
        }
        Task::Up(Settings { settings }) => {
            call(&program, &["up", "--detach"], settings)?.run()?;
            if let Some(folder) = program.parent() {
                println!("kubectl of the same version: {}/kubectl", folder.display());
            }
            println!("and when you have enough: cargo xtask control-plane down");
            Ok(())
        }
        Task::Down(Settings { settings }) => call(&program, &["down"], settings)?.run(),
        Task::Status(Settings { settings }) => call(&program, &["status"], settings)?.run(),
    }
}

fn call(program: &Path, command: &[&str], settings: &[String]) -> Result<Call> {
    let call = Call::new(text(program)?, command.iter().copied());
    Ok(call.args(settings.iter().map(String::as_str)))
}

/// Builds the control plane, unless it is built already; gives the path of the program.
pub(crate) fn build() -> Result<PathBuf> {
    let go = Go::find_or_install()?;
    let arguments = arguments(&kubernetes_version(MODULE)?);
    let built = cache::built("pogu-control-plane", MODULE, &go, &arguments, |draft| {
        println!(
            "building etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kube-proxy and \
             kubectl from their modules, {FIRST_BUILD}"
        );
        go.call(MODULE, ["build"])
            .args(arguments.iter().map(String::as_str))
            .args(["-o", text(&draft.join(PROGRAM))?, "."])
            .run()?;
        for link in LINKS {
            symlink(PROGRAM, draft.join(link)).with_context(|| format!("cannot make {link}"))?;
        }
        Ok(())
    })?;
    Ok(built.join(PROGRAM))
}

/// Builds kube-proxy as others run it, unless it is built already: a program of its own, whose memory
/// holds nothing of the other components. Gives its path.
pub(crate) fn build_kube_proxy() -> Result<PathBuf> {
    let program = build()?.with_file_name("kube-proxy-alone");
    if program.is_file() {
        return Ok(program);
    }
    println!("building kube-proxy alone, the peer that an agent is measured beside");
    let draft = program.with_extension(format!("draft-{}", std::process::id()));
    Go::find()?
        .call(MODULE, ["build"])
        .args(arguments(&kubernetes_version(MODULE)?).iter().map(String::as_str))
        .args(["-o", text(&draft)?, "k8s.io/kubernetes/cmd/kube-proxy"])
        .run()?;
    fs::rename(&draft, &program).with_context(|| format!("cannot keep {}", program.display()))?;
    Ok(program)
}

/// Checks that our Go code is formatted. `go vet` is not asked: it reads all of Kubernetes for it,
/// which takes as long as compiling it.
pub(crate) fn check_format() -> Result<()> {
    let unformatted = Go::find()?.format_call(["-l", "test"]).read()?;
    ensure!(unformatted.is_empty(), "not formatted by gofmt:\n{unformatted}");
    Ok(())
}

/// Without debugging information, of which there would be more than code, and without the path of
/// this machine.
const COMPILE: [&str; 3] = ["-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false"];

pub(crate) fn arguments(kubernetes: &str) -> Vec<String> {
    // Without these two it would say of itself that it has no version.
    let version = ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"]
        .map(|package| format!("-X {package}.gitVersion={kubernetes}"))
        .join(" ");
    let mut arguments: Vec<String> =
        COMPILE.iter().map(|argument| (*argument).to_owned()).collect();
    arguments.push(format!("-ldflags=-s -w {version}"));
    arguments
}

/// The version that a module requires of Kubernetes, such as `v1.36.3`.
pub(crate) fn kubernetes_version(module: &str) -> Result<String> {
    let manifest = fs::read_to_string(workspace::root()?.join(module).join("go.mod"))
        .with_context(|| format!("cannot read {module}/go.mod"))?;
    required_version(&manifest)
        .with_context(|| format!("{module}/go.mod does not require k8s.io/kubernetes"))
}

fn required_version(manifest: &str) -> Option<String> {
    manifest.lines().find_map(|line| {
        let line = line.trim();
        let line = line.strip_prefix("require ").unwrap_or(line);
        let rest = line.strip_prefix("k8s.io/kubernetes ")?;
        rest.split_whitespace().next().map(str::to_owned)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_kubernetes_is_the_one_that_is_required() {
        let several = "module m\n\nrequire (\n\tk8s.io/kubectl v0.36.3\n\tk8s.io/kubernetes \
                       v1.36.3 // tests\n)\n";
        let single = "module m\n\nrequire k8s.io/kubernetes v1.36.3\n";
        let found = [several, single, "module m\n"].map(required_version);
        assert_eq!(found, [Some("v1.36.3".to_owned()), Some("v1.36.3".to_owned()), None]);
    }

    #[test]
    fn a_built_program_knows_its_version() {
        assert_eq!(
            arguments("v1.36.3"),
            [
                "-trimpath",
                "-buildvcs=false",
                "-gcflags=all=-dwarf=false",
                "-ldflags=-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3 \
                 -X k8s.io/client-go/pkg/version.gitVersion=v1.36.3"
            ]
        );
    }
}
