//! Is the server reached as the environment of the program says: as a Pod, and by proxies?

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use host::link::Links;
use host::netns::Netns;
use testkit::control_plane::ControlPlane;

use super::process::{Dns, command, pogu, wait_for};
use super::roles::install;

/// A folder as the kubelet makes it for a Pod: links to what changes at once.
fn mount_account(server: &ControlPlane, version: &str, token: &str) {
    let folder = server.state().join("account");
    let data = folder.join(version);
    fs::create_dir_all(&data).unwrap();
    fs::write(data.join("token"), token).unwrap();
    fs::write(data.join("namespace"), "kube-system").unwrap();
    fs::copy(server.state().join("pki/ca.crt"), data.join("ca.crt")).unwrap();
    symlink(version, folder.join("..data_tmp")).unwrap();
    fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    for name in ["token", "namespace", "ca.crt"] {
        // They lead to the newest from the first time on.
        let _is_there = symlink(Path::new("..data").join(name), folder.join(name)).is_err();
    }
}

/// pogu with the folder where a Pod has it, and nowhere else.
fn in_pod(server: &ControlPlane) -> std::process::Command {
    let script = format!(
        "mount -t tmpfs tmpfs /run && mkdir -p /run/secrets/kubernetes.io && \
         ln -s {}/account /run/secrets/kubernetes.io/serviceaccount && exec \"$@\"",
        server.state().display()
    );
    let url = server.url();
    let (host, port) = url.strip_prefix("https://").unwrap().split_once(':').unwrap();
    let mut command = command("unshare");
    command.args(["--mount", "sh", "-c", &script, "sh"]).arg(pogu().get_program());
    command.env("KUBERNETES_SERVICE_HOST", host).env("KUBERNETES_SERVICE_PORT", port);
    command
}

#[test]
fn a_pods_token_is_read_anew_before_the_old_one_ends() {
    if host::skip::without_root() {
        return;
    }
    Netns::unshared().unwrap().run(token_is_read_anew).unwrap();
}

fn token_is_read_anew() {
    let Some(server) = ControlPlane::up() else { return };
    install(&server);
    let token = |valid: &str| server.token("kube-system/pogu-agent", valid);
    mount_account(&server, "..1", &token("8s"));
    let dns = Dns::start_as(in_pod(&server), &server, &["--in-cluster"]);
    wait_for("the names", || dns.is_ready().then_some(()));
    mount_account(&server, "..2", &token("1h"));
    server.order("kill", &["kube-apiserver"]);
    wait_for("the outage is told", || (!dns.process.warnings().is_empty()).then_some(()));
    let since = host::clock::monotonic();
    wait_for("the old token has ended, and files are looked at again", || {
        (host::clock::monotonic().saturating_duration_since(since).as_secs() > 10).then_some(())
    });
    server.order("start", &["kube-apiserver"]);
    server.apply(super::controllers::SERVICES);
    wait_for("the new names", || dns.knows("web.shop.svc.cluster.local").then_some(()));
    let refused = "going on with what is known of the cluster: the API server does not accept our \
                   credentials: Unauthorized\n\
                   hint: the token or certificate has expired, or belongs to another cluster";
    assert!(!dns.process.warnings().iter().any(|it| it == refused));
}

#[test]
fn proxies_of_the_environment_are_used_for_the_way_out_and_no_other() {
    if host::skip::without_root() {
        return;
    }
    Netns::unshared().unwrap().run(proxies_are_used).unwrap();
}

fn proxies_are_used() {
    let mut links = Links::open().unwrap();
    links.add_address("lo", "192.0.2.1/32".parse().unwrap()).unwrap();
    let Some(server) = ControlPlane::up_with(1, &["--bind", "0.0.0.0", "--advertise", "192.0.2.1"])
    else {
        return;
    };
    let tunnel = server.between("tunnel", &["--user", "me:secret"]);
    let proxy = tunnel.url().replace("//", "//me:secret@");
    let out = server.url();
    let here = out.replace("192.0.2.1", "127.0.0.1");
    let token = server.token("default/default", "1h");
    server.kubectl(
        "create clusterrolebinding all --clusterrole=cluster-admin --serviceaccount=default:default",
    );
    // Who is asked, which variables there are, and whether the proxy is.
    for (url, variables, is_used) in [
        (&out, &[("HTTPS_PROXY", proxy.as_str())][..], true),
        (&out, &[("https_proxy", proxy.as_str()), ("no_proxy", "example.com")], true),
        (&out, &[("HTTPS_PROXY", proxy.as_str()), ("NO_PROXY", "192.0.2.0/24")], false),
        (&out, &[("HTTP_PROXY", proxy.as_str())], false),
        (&here, &[("HTTPS_PROXY", proxy.as_str())], false),
    ] {
        let before = server.tunnels().lines().count();
        let kubeconfig =
            server.kubeconfig("proxied", &server.cluster(url), &format!("token: {token}"));
        let mut pogu = pogu();
        pogu.envs(variables.iter().copied());
        let dns = Dns::start_as(pogu, &server, &["--kubeconfig", kubeconfig.to_str().unwrap()]);
        wait_for("the names", || dns.is_ready().then_some(()));
        let tunnels = server.tunnels();
        let target = out.strip_prefix("https://").unwrap();
        let lines: Vec<&str> = tunnels.lines().skip(before).collect();
        let is_expected = |line: &&str| **line == format!("CONNECT {target} 200");
        assert!(lines.iter().all(is_expected), "{lines:?}");
        assert_eq!(!lines.is_empty(), is_used, "{url} {variables:?}");
    }
}
