//! Who may ask a node?

use std::fs;
use std::path::Path;

use super::control_plane::{Said, command, run};
use super::node::Node;

#[test]
fn only_the_api_server_is_served() {
    let Some(node) = Node::up() else { return };
    let folder = node.control_plane.folder();
    let ask = |words: &[&str]| {
        let url = format!("https://{}/healthz", node.addresses[0]);
        let always = ["--silent", "--insecure", "--show-error", "--write-out", " %{http_code}"];
        run(command(Path::new("curl")).args(always).args(words).arg(url), b"")
    };
    let path = |name: &str| folder.join(name).display().to_string();
    let config = node.control_plane.order("kubeconfig", &["--user", "somebody"]);
    for (field, name) in [("client-certificate-data", "crt"), ("client-key-data", "key")] {
        let line = config.lines().find(|line| line.contains(field)).unwrap();
        let encoded = line.split_whitespace().last().unwrap();
        let decoded = run(command(Path::new("base64")).arg("-d"), encoded.as_bytes());
        fs::write(folder.join(format!("somebody.{name}")), decoded.stdout).unwrap();
    }
    let client = |name: &str| {
        [
            "--cert".to_owned(),
            path(&format!("{name}.crt")),
            "--key".to_owned(),
            path(&format!("{name}.key")),
        ]
    };
    let with = |name: &str| {
        let words = client(name);
        ask(&words.each_ref().map(String::as_str))
    };
    // It is from no authority that the node knows.
    let stranger = rcgen::generate_simple_self_signed(["kube-apiserver".to_owned()]).unwrap();
    fs::write(folder.join("stranger.crt"), stranger.cert.pem()).unwrap();
    fs::write(folder.join("stranger.key"), stranger.signing_key.serialize_pem()).unwrap();
    assert_eq!(with("stranger").stdout, " 000");
    let found = [
        with("pki/kubelet-client"),
        with("somebody"),
        ask(&[]),
        ask(&["--header", "Authorization: Bearer abc"]),
    ];
    let nobody = "unauthorized: no certificate with a name\nhint: tokens are not taken here 401";
    let wanted = [
        Said::new(0, "ok 200", ""),
        Said::new(0, "forbidden: user somebody may not get nodes/healthz or nodes/proxy 403", ""),
        Said::new(0, nobody, ""),
        Said::new(0, nobody, ""),
    ];
    assert_eq!(found, wanted);
}
