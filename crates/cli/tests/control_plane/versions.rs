//! Which versions of the API server are used, and what is said of others?
//!
//! None is older here: a server does not run as a version below the oldest that it can emulate.

use host::netns::Netns;
use testkit::control_plane::ControlPlane;

use super::process::{CONTROLLER, Dns, Process, wait_for};
use super::roles::accused;

/// Starts a DNS and a controller at such a server; gives what they warn of once they have done what
/// they are for.
fn warned(words: &[&str]) -> Option<Vec<String>> {
    let server = ControlPlane::up_with(1, words)?;
    server.apply(super::controllers::SERVICES);
    let dns = Dns::start(&server, &server.admin());
    let controller = Process::start(&CONTROLLER, &server.admin());
    wait_for("the names", || dns.is_ready().then_some(()));
    wait_for("a condition", || accused(&server).contains("web").then_some(()));
    let mut warnings = dns.process.warnings();
    warnings.extend(controller.warnings());
    Some(warnings)
}

fn in_netns(test: impl FnOnce() + Send) {
    if host::skip::without_root() {
        return;
    }
    Netns::unshared().unwrap().run(test).unwrap();
}

#[test]
fn a_server_that_behaves_as_the_oldest_version_is_used() {
    in_netns(|| {
        let oldest = ["--with", "kube-apiserver:--emulated-version=1.33"];
        let Some(warnings) = warned(&oldest) else { return };
        assert_eq!(warnings, [""; 0]);
    });
}

#[test]
fn a_server_that_is_newer_is_used_and_told() {
    in_netns(|| {
        let newer = ["--version", "v1.37.0", "--with", "kube-apiserver:--emulated-version=1.37"];
        let Some(warnings) = warned(&newer) else { return };
        let warning = "the API server is newer than what this was tried with: v1.37.0, tried with \
                       1.33 to 1.36";
        assert_eq!(warnings, [warning, warning]);
    });
}
