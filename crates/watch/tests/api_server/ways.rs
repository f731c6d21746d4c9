//! Is the server followed on each way to it, and as each kind of user?

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::json;
use testkit::control_plane::ControlPlane;

use crate::objects::SHOP;
use crate::outages::many;
use crate::reader::Reader;

/// A control plane whose account default/default may do everything, though it is no administrator.
fn server(words: &[&str]) -> Option<ControlPlane> {
    let server = ControlPlane::up_with(1, words)?;
    server.apply(SHOP);
    server.kubectl(
        "create clusterrolebinding all --clusterrole=cluster-admin --serviceaccount=default:default",
    );
    Some(server)
}

fn token(server: &ControlPlane, valid: &str) -> String {
    server.token("default/default", valid)
}

/// The kinds of failures that there were.
fn failures(reader: &Reader) -> Vec<&'static str> {
    let collections = reader.state().collections;
    let mut all: Vec<_> =
        collections.iter().flat_map(|it| it.counts.failures.keys().copied()).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The server goes and comes back, so that all is asked anew; then a change is told.
fn again(server: &ControlPlane, reader: &mut Reader) {
    server.order("kill", &["kube-apiserver"]);
    reader.until("the outage is seen", |reader| reader.state().away.is_some());
    server.order("start", &["kube-apiserver"]);
    server.kubectl("-n shop annotate service web --overwrite seen=again");
    reader.told();
    reader.until("the change is told", |reader| {
        reader.told.iter().any(|it| it == "+Service shop/web")
    });
}

/// A plugin that notes each time that it is asked, and writes what stands in a file.
fn plugin(server: &ControlPlane) -> PathBuf {
    let folder = server.state().display();
    let script =
        format!("#!/bin/sh\necho $KUBERNETES_EXEC_INFO >> {folder}/asked\n. {folder}/answer\n");
    let path = server.write("plugin", &script);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn user(plugin: &Path) -> String {
    format!(
        "exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: {}}}",
        plugin.display()
    )
}

fn times_asked(server: &ControlPlane) -> usize {
    asked(server).lines().count()
}

fn asked(server: &ControlPlane) -> String {
    fs::read_to_string(server.state().join("asked")).unwrap_or_default()
}

/// The answer of the plugin from now on: a shell script.
fn answer(server: &ControlPlane, status: &str) {
    drop(server.write("answer", &script(status)));
}

/// The same, where what is asked shows that this was the answer.
fn answer_noted(server: &ControlPlane, status: &str) {
    let note = format!("echo noted >> {}/asked\n", server.state().display());
    drop(server.write("answer", &format!("{note}{}", script(status))));
}

fn script(status: &str) -> String {
    let form =
        r#"{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": "#;
    format!("cat <<END\n{form}{status}}}\nEND\n")
}

#[test]
fn an_exec_plugin_is_asked_once_and_again_when_what_it_gave_has_ended() {
    let Some(server) = server(&[]) else { return };
    let expires = "$(date -u -d '+4 seconds' +%Y-%m-%dT%H:%M:%SZ)";
    let status =
        |token: &str| format!(r#"{{"token": "{token}", "expirationTimestamp": "{expires}"}}"#);
    answer(&server, &status(&token(&server, "5s")));
    let user = user(&plugin(&server));
    let path = server.kubeconfig("plugin", &server.cluster(&server.url()), &user);
    let mut reader = Reader::start(path);
    reader.until("all is read", |reader| reader.is_synced);
    assert_eq!(
        asked(&server).lines().next(),
        Some(
            "{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\
             \"spec\":{\"interactive\":false}}"
        )
    );
    // What has no end is asked for once, though all is asked anew.
    answer_noted(&server, &format!(r#"{{"token": "{}"}}"#, token(&server, "1h")));
    server.order("kill", &["kube-apiserver"]);
    reader.until("it is asked again", |_| asked(&server).contains("noted"));
    let times = times_asked(&server);
    server.order("start", &["kube-apiserver"]);
    again(&server, &mut reader);
    assert_eq!(times_asked(&server), times);
    assert_eq!(failures(&reader), ["unreachable"]);

    // What is refused is asked for anew, though it had no end.
    answer(&server, &format!(r#"{{"token": "{}"}}"#, token(&server, "-1m")));
    drop(reader);
    let path = server.kubeconfig("plugin", &server.cluster(&server.url()), &user);
    let mut reader = Reader::start(path);
    reader.until("the refusal is told", |reader| reader.state().away.is_some());
    answer(&server, &format!(r#"{{"token": "{}"}}"#, token(&server, "1h")));
    reader.until("all is read", |reader| reader.is_synced);
}

#[test]
fn an_exec_plugin_may_give_a_certificate_and_its_failure_is_told() {
    let Some(server) = server(&[]) else { return };
    let config = fs::read_to_string(server.admin()).unwrap();
    let pem = |name: &str| {
        let line = config.lines().find_map(|line| line.trim().strip_prefix(name)).unwrap();
        String::from_utf8(base64(line.trim())).unwrap()
    };
    let status = json!({
        "clientCertificateData": pem("client-certificate-data:"),
        "clientKeyData": pem("client-key-data:"),
    });
    drop(server.write("answer", "echo no luck >&2; exit 3\n"));
    let program = plugin(&server);
    let cluster = server.cluster(&server.url());
    let mut reader = Reader::start(server.kubeconfig("plugin", &cluster, &user(&program)));
    reader.until("the failure is told", |reader| reader.state().away.is_some());
    let failed = format!("cannot get credentials by the exec plugin \"{}\": ", program.display());
    let hint =
        format!("\nhint: run {} by hand: it must print an ExecCredential", program.display());
    let away = |reader: &Reader| reader.state().away.map(|it| it.reason);
    assert_eq!(away(&reader), Some(format!("{failed}exit status: 3: no luck{hint}")));
    for (said, expected) in [
        ("echo secret", "what it wrote is no ExecCredential"),
        ("echo '{}'", "its ExecCredential has no status"),
        ("echo '{\"status\": {}}'", "it gave neither a token nor a certificate"),
    ] {
        drop(server.write("answer", said));
        let expected = Some(format!("{failed}{expected}{hint}"));
        reader.until("the next failure is told", |reader| away(reader) == expected);
    }
    answer(&server, &status.to_string());
    reader.until("all is read", |reader| reader.is_synced);
}

/// Decoded by a program that knows how.
fn base64(text: &str) -> Vec<u8> {
    let output = host::process::stdout_of("base64", &["-d"], text, crate::reader::PATIENCE);
    output.unwrap().into_bytes()
}

#[test]
fn a_token_in_a_file_is_read_anew_before_the_server_refuses_the_old_one() {
    let Some(server) = server(&[]) else { return };
    // As editors and shells write it.
    let file = server.write("token", &format!("{}\n", token(&server, "6s")));
    let user = format!("tokenFile: {}", file.display());
    let path = server.kubeconfig("file", &server.cluster(&server.url()), &user);
    let mut reader = Reader::start(path);
    reader.until("all is read", |reader| reader.is_synced);
    drop(server.write("token", &format!("{}\n", token(&server, "1h"))));
    server.order("kill", &["kube-apiserver"]);
    // Files are looked at again after ten seconds; the first token has ended by then.
    let until = crate::reader::now() + std::time::Duration::from_secs(11);
    reader.until("ten seconds are over", |_| crate::reader::now() > until);
    server.order("start", &["kube-apiserver"]);
    again(&server, &mut reader);
    assert_eq!(failures(&reader), ["unreachable"]);
}

#[test]
fn the_server_is_reached_by_a_proxy_that_a_kubeconfig_names() {
    let Some(server) = server(&[]) else { return };
    let user = format!("token: {}", token(&server, "1h"));
    let plain = server.between("tunnel", &[]);
    let secured = server.between("tunnel", &["--tls", "--user", "me:secret"]);
    let with_user = secured.url().replace("//", "//me:secret@");
    let url = server.url();
    let through = |proxy: &str| {
        let cluster = format!("{}, proxy-url: '{proxy}'", server.cluster(&url));
        server.kubeconfig("proxy", &cluster, &user)
    };
    for proxy in [plain.url(), &with_user] {
        let mut reader = Reader::start(through(proxy));
        reader.until("all is read", |reader| reader.is_synced);
    }
    let target = url.strip_prefix("https://").unwrap();
    let tunnels = server.tunnels();
    let unexpected: Vec<&str> =
        tunnels.lines().filter(|it| *it != format!("CONNECT {target} 200")).collect();
    assert_eq!(unexpected, [""; 0]);
    let mut reader = Reader::start(through(secured.url()));
    reader.until("the refusal is told", |reader| reader.state().away.is_some());
    assert_eq!(
        reader.state().away.unwrap().reason,
        format!(
            "the API server {url} by the proxy {}/ cannot be reached: tunnel error: proxy \
             authorization required",
            secured.url()
        )
    );
}

#[test]
fn a_server_that_gives_pages_and_asks_for_patience_is_read_whole() {
    let words = [
        "--with",
        "kube-apiserver:--feature-gates=WatchList=false",
        "--with",
        "kube-apiserver:--enable-priority-and-fairness=false",
        "--with",
        "kube-apiserver:--max-requests-inflight=1",
    ];
    let Some(server) = server(&words) else { return };
    let path = server.write("slices.yaml", &many(600));
    server.kubectl(&format!("create -f {}", path.display()));
    let token = token(&server, "1h");
    let user = format!("token: {token}");
    // Somebody else has the only place for a while.
    let url = server.url();
    let busy = std::thread::spawn(move || {
        let target = format!("{url}/debug/pprof/profile?seconds=4");
        let head = format!("Authorization: Bearer {token}");
        let words = ["-s", "-k", "-o", "/dev/null", "-w", "%{http_code}", "-H", &head, &target];
        host::process::stdout_of("curl", &words, "", crate::reader::PATIENCE).unwrap()
    });
    let path = server.kubeconfig("pages", &server.cluster(&server.url()), &user);
    let mut reader = Reader::start(path);
    reader.until("it is asked to wait", |reader| {
        reader.state().away.is_some() || failures(reader).contains(&"too_many_requests")
    });
    reader.until("all is read", |reader| reader.is_synced);
    assert_eq!(busy.join().unwrap(), "200");
    let held = reader.held.keys().filter(|it| it.starts_with("EndpointSlice shop/many-")).count();
    assert_eq!(held, 600);
    assert!(failures(&reader).iter().all(|it| *it == "too_many_requests"));
    again(&server, &mut reader);
}
