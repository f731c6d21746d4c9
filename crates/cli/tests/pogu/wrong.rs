//! Is every wrong use told in two lines, with what would be right?

use super::{Ended, check_failure, pogu};

#[test]
fn wrong_arguments_are_told_with_a_hint() {
    let help = "--help tells all arguments, with examples";
    let agent = ["agent", "--manifests", "/nowhere", "--node-name", "a"];
    let cases: [(&[&str], String); 12] = [
        (&["sail"], format!("pogu: unknown command: sail\nhint: {help}\n")),
        (&["agnet"], "pogu: unknown command: agnet\nhint: did you mean agent?\n".to_owned()),
        (
            &["get", "service", "--outptu", "json"],
            "pogu: unknown argument: --outptu\nhint: did you mean --output?\n".to_owned(),
        ),
        (
            &["get", "services", "-o", "xml"],
            "pogu: --output <OUTPUT> cannot be: xml\nhint: one of wide, json, yaml\n".to_owned(),
        ),
        (&["get"], format!("pogu: missing argument: <RESOURCE>\nhint: {help}\n")),
        (
            &["get", "services", "-A", "-n", "shop"],
            format!(
                "pogu: --all-namespaces cannot be used with: --namespace <NAMESPACE>\nhint: {help}\n"
            ),
        ),
        (
            &["get", "services", "Web"],
            "pogu: not a name: \"Web\"\n\
             hint: names have lower case letters, digits, `-` and `.`\n"
                .to_owned(),
        ),
        (
            &["agent", "--manifests", "/nowhere"],
            format!("pogu: missing argument: --node-name <NAME>\nhint: {help}\n"),
        ),
        (
            &["agent", "--manifests", "/nowhere", "--in-cluster", "--node-name", "a"],
            format!("pogu: --manifests <DIR> cannot be used with: --in-cluster\nhint: {help}\n"),
        ),
        (
            &["agent"],
            format!(
                "pogu: missing argument: --node-name <NAME>, \
                 <--manifests <DIR>|--kubeconfig <FILE>|--in-cluster>\nhint: {help}\n"
            ),
        ),
        (
            &[agent[0], agent[1], agent[2], agent[3], agent[4], "--cluster-cidr", "10.244.0.0"],
            "pogu: --cluster-cidr is not a CIDR: 10.244.0.0\n\
             hint: add a prefix length, for example 10.244.0.0/16\n"
                .to_owned(),
        ),
        (
            &["man", "sail"],
            "pogu: unknown command: sail\nhint: one of agent, controller, dns, get, explain, lab, completion, man, help\n"
                .to_owned(),
        ),
    ];
    for (arguments, err) in cases {
        check_failure(arguments, 2, &err);
    }
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    check_failure(
        &["agent", "--manifests", "/nowhere", "--node-name", "a"],
        1,
        "pogu: cannot open the folder of manifests: /nowhere: \
         No such file or directory (os error 2)\n\
         hint: name a folder that exists and that this user may read\n",
    );
}

/// What is said of each of them, in turn.
const UNUSABLE: &str = "\
pogu: cannot use the kubeconfig FILE: failed to determine current context
hint: kubectl config get-contexts --kubeconfig FILE lists its contexts
pogu: cannot use the kubeconfig FILE: failed to parse kubeconfig YAML: error: line 2 \
     column 11: unclosed bracket '['
hint: kubectl version --kubeconfig FILE shows whether others can use it
pogu: cannot use the kubeconfig FILE: failed to load current context: nosuch
hint: kubectl config get-contexts --kubeconfig FILE lists its contexts
pogu: cannot use the kubeconfig FILE: failed to load the cluster of context: none
hint: kubectl version --kubeconfig FILE shows whether others can use it
pogu: cannot use the kubeconfig FILE: cluster url is missing on selected cluster
hint: kubectl version --kubeconfig FILE shows whether others can use it
pogu: cannot use the kubeconfig FILE: failed to parse cluster url: invalid uri \
     character
hint: kubectl version --kubeconfig FILE shows whether others can use it
pogu: cannot use the kubeconfig FILE: failed to load certificate authority: failed to \
     read file '\"/nowhere/ca.crt\"': No such file or directory (os error 2)
hint: kubectl version --kubeconfig FILE shows whether others can use it
pogu: cannot use the kubeconfig FILE: failed to load certificate authority: failed to \
     decode base64 data: Invalid symbol 37, offset 0.
hint: kubectl version --kubeconfig FILE shows whether others can use it
pogu: cannot use the kubeconfig FILE: there is no certificate in its \
     certificate-authority
hint: it must be PEM, and base64 of that in certificate-authority-data
pogu: cannot make a client for the API server: rustls tls error: identity PEM is \
     missing a private key: the key must be PKCS8 or RSA/PKCS1
hint: see whether its certificates, token and exec plugin are right
pogu: cannot make a client for the API server: Failed to infer provided configuration: \
     failed to load client certificate: failed to read file '\"/nowhere/a\"': No such \
     file or directory (os error 2)
hint: see whether its certificates, token and exec plugin are right
pogu: cannot use the proxy \"socks5://127.0.0.1:1/\" for the API server
hint: write it as http://HOST:PORT or https://HOST:PORT
pogu: cannot use the kubeconfig FILE: failed to parse proxy url: invalid uri character
hint: kubectl version --kubeconfig FILE shows whether others can use it
";

#[test]
fn a_kubeconfig_that_cannot_be_used_is_named() {
    let config = |context: &str, cluster: &str, user: &str| {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: {context}\n\
             contexts: [{{name: it, context: {{cluster: it, user: it}}}}, \
             {{name: lost, context: {{cluster: none, user: it}}}}]\n\
             clusters: [{{name: it, cluster: {{{cluster}}}}}]\n\
             users: [{{name: it, user: {{{user}}}}}]\n"
        )
    };
    let server = "server: https://127.0.0.1:1";
    let with = |more: &str| config("it", &format!("{server}, {more}"), "token: t");
    let files = [
        ("empty", String::new()),
        ("broken", "apiVersion: v1\nclusters: [\n".to_owned()),
        ("nosuch", config("nosuch", server, "token: t")),
        ("lost", config("lost", server, "token: t")),
        ("nowhere", config("it", "insecure-skip-tls-verify: true", "token: t")),
        ("no-address", config("it", "server: 'http://a b'", "token: t")),
        ("no-file", with("certificate-authority: /nowhere/ca.crt")),
        ("no-base64", with("certificate-authority-data: '%'")),
        ("no-certificate", with("certificate-authority-data: bm8K")),
        ("no-pem", config("it", server, "client-certificate-data: bm8K, client-key-data: bm8K")),
        ("no-key", config("it", server, "client-certificate: /nowhere/a, client-key: /nowhere/b")),
        ("socks", with("proxy-url: 'socks5://me:secret@127.0.0.1:1'")),
        ("no-proxy", with("proxy-url: 'http://me:secret@a b'")),
    ];
    let folder = std::env::temp_dir().join(format!("pogu-wrong-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let mut told = String::new();
    for (name, text) in &files {
        std::fs::write(folder.join(name), text).unwrap();
        let path = folder.join(name).display().to_string();
        let ended = ["dns", "controller"].map(|role| {
            let words = [role, "--kubeconfig", &path];
            let patience = crate::node::PATIENCE;
            host::process::run(env!("CARGO_BIN_EXE_pogu"), &words, "", patience)
                .unwrap_or_else(|error| panic!("{name}: {error}"))
        });
        assert_eq!(ended[0], ended[1]);
        assert_eq!((ended[0].status.code(), ended[0].stdout.as_str()), (Some(1), ""), "{name}");
        told.push_str(&ended[0].stderr.replace(&path, "FILE"));
    }
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(told, UNUSABLE);
    check_failure(
        &["dns", "--kubeconfig", "/nowhere"],
        1,
        "pogu: cannot use the kubeconfig /nowhere: No such file or directory (os error 2)\n\
         hint: name a file that exists and that this user may read\n",
    );
}

#[test]
fn a_pod_that_is_none_is_told() {
    check_failure(
        &["dns", "--in-cluster"],
        1,
        "pogu: cannot use the service account of this Pod: there is no KUBERNETES_SERVICE_HOST and \
         KUBERNETES_SERVICE_PORT\n\
         hint: --in-cluster is for a Pod with a service account token; elsewhere name a file with \
         --kubeconfig\n",
    );
}

#[test]
fn no_agent_is_told_with_its_socket() {
    check_failure(
        &["get", "services", "--socket", "/nowhere/agent.sock"],
        1,
        "pogu: cannot ask the agent on /nowhere/agent.sock: \
         No such file or directory (os error 2)\n\
         hint: is an agent running on this node? --socket names the socket of one with another\n",
    );
}

#[test]
fn the_version_is_an_answer() {
    assert_eq!(
        pogu(&["--version"]),
        Ended {
            code: 0,
            out: concat!("pogu ", env!("CARGO_PKG_VERSION"), "\n").to_owned(),
            err: String::new()
        }
    );
}

#[test]
fn every_command_has_examples_and_a_manual_page() {
    let commands: [&[&str]; 6] =
        [&[], &["agent"], &["agent", "cleanup"], &["get"], &["completion"], &["man"]];
    for words in commands {
        let help = pogu(&[words, &["--help"]].concat());
        let page = pogu(&[&["man"], words].concat());
        let name = [&["pogu"], words].concat().join("-");
        let first_example = help
            .out
            .lines()
            .skip_while(|line| *line != "Examples:")
            .nth(1)
            .map(|line| line.trim_start().starts_with("pogu "));
        let title = page
            .out
            .lines()
            .find(|line| line.starts_with(".TH "))
            .map(|line| line.split_whitespace().nth(1).unwrap_or_default().to_lowercase());
        assert_eq!(
            (help.code, first_example, page.code, title),
            (0, Some(true), 0, Some(name)),
            "for {words:?}"
        );
    }
}
