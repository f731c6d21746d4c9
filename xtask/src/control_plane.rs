//! How is the control plane of tests built, and how does a person run one?

mod cache;
mod go;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use clap::{Args, Subcommand};

use crate::call::Call;
use crate::workspace;
use go::Go;

/// The Go module, from the root of the workspace.
const MODULE: &str = "test/control-plane";

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
    let module = workspace::root()?.join(MODULE);
    let manifest = fs::read_to_string(module.join("go.mod"))
        .with_context(|| format!("cannot read {MODULE}/go.mod"))?;
    let arguments = arguments(&kubernetes_version(&manifest)?);
    let cache = cache::folder()?;
    let built = cache.join(cache::key(&module, go.version(), &arguments)?);
    let program = built.join(PROGRAM);
    if program.is_file() {
        return Ok(program);
    }
    println!(
        "building etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kube-proxy and \
         kubectl from their modules, {FIRST_BUILD}"
    );
    // Under a name of its own until it is whole: another build of the same may run at this moment.
    let draft = cache.join(format!("draft-{}", std::process::id()));
    fs::create_dir_all(&draft).with_context(|| format!("cannot make {}", draft.display()))?;
    go.call(["build"])
        .args(arguments.iter().map(String::as_str))
        .args(["-o", text(&draft.join(PROGRAM))?, "."])
        .run()?;
    for link in LINKS {
        symlink(PROGRAM, draft.join(link)).with_context(|| format!("cannot make {link}"))?;
    }
    if fs::rename(&draft, &built).is_err() {
        // The other build was faster; what it made is the same.
        fs::remove_dir_all(&draft).with_context(|| format!("cannot remove {}", draft.display()))?;
    }
    ensure!(program.is_file(), "built, and yet missing: {}", program.display());
    cache::remove_old(&cache)?;
    Ok(program)
}

/// Builds kube-proxy as others run it, unless it is built already: a program of its own, whose memory
/// holds nothing of the other components. Gives its path.
pub(crate) fn build_kube_proxy() -> Result<PathBuf> {
    let program = build()?.with_file_name("kube-proxy-alone");
    if program.is_file() {
        return Ok(program);
    }
    println!("building kube-proxy alone, the peer that an agent is measured beside");
    let manifest = fs::read_to_string(workspace::root()?.join(MODULE).join("go.mod"))
        .with_context(|| format!("cannot read {MODULE}/go.mod"))?;
    let draft = program.with_extension(format!("draft-{}", std::process::id()));
    Go::find()?
        .call(["build"])
        .args(arguments(&kubernetes_version(&manifest)?).iter().map(String::as_str))
        .args(["-o", text(&draft)?, "k8s.io/kubernetes/cmd/kube-proxy"])
        .run()?;
    fs::rename(&draft, &program).with_context(|| format!("cannot keep {}", program.display()))?;
    Ok(program)
}

/// Checks that our Go code is formatted. `go vet` is not asked: it reads all of Kubernetes for it,
/// which takes as long as compiling it.
pub(crate) fn check_format() -> Result<()> {
    let unformatted = Go::find()?.format_call(["-l", MODULE]).read()?;
    ensure!(unformatted.is_empty(), "not formatted by gofmt:\n{unformatted}");
    Ok(())
}

/// Without debugging information, of which there would be more than code, and without the path of
/// this machine.
const COMPILE: [&str; 3] = ["-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false"];

fn arguments(kubernetes: &str) -> Vec<String> {
    // Without these two it would say of itself that it has no version.
    let version = ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"]
        .map(|package| format!("-X {package}.gitVersion={kubernetes}"))
        .join(" ");
    let mut arguments: Vec<String> =
        COMPILE.iter().map(|argument| (*argument).to_owned()).collect();
    arguments.push(format!("-ldflags=-s -w {version}"));
    arguments
}

/// The version that `go.mod` requires of Kubernetes, such as `v1.36.3`.
fn kubernetes_version(manifest: &str) -> Result<String> {
    manifest
        .lines()
        .find_map(|line| line.trim().strip_prefix("k8s.io/kubernetes "))
        .and_then(|rest| rest.split_whitespace().next())
        .map(str::to_owned)
        .with_context(|| format!("{MODULE}/go.mod does not require k8s.io/kubernetes"))
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("not UTF-8: {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_kubernetes_is_the_one_that_is_required() {
        let manifest = "module m\n\nrequire (\n\tk8s.io/kubectl v0.36.3\n\tk8s.io/kubernetes \
                        v1.36.3 // tests\n)\n";
        assert_eq!(kubernetes_version(manifest).unwrap(), "v1.36.3");
    }

    #[test]
    fn a_module_without_kubernetes_is_refused() {
        assert_eq!(
            kubernetes_version("module m\n").unwrap_err().to_string(),
            "test/control-plane/go.mod does not require k8s.io/kubernetes"
        );
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
