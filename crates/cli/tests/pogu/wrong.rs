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

#[test]
fn a_kubeconfig_that_cannot_be_used_is_named() {
    check_failure(
        &["dns", "--kubeconfig", "/nowhere"],
        1,
        "pogu: cannot use the kubeconfig /nowhere: failed to read kubeconfig from '\"/nowhere\"': \
         No such file or directory (os error 2)\n\
         hint: name a file that exists and that this user may read\n",
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
