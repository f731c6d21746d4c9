//! What is a lab told that cannot join, and who would change objects of one that has?

use std::path::Path;

use testkit::control_plane::ControlPlane;

use super::joined;
use crate::control_plane::names;
use crate::rig::{Lab, fresh_name};

#[test]
fn nodes_of_somebody_else_are_left_alone() {
    if host::skip::without_root() {
        return;
    }
    let Some(control_plane) = ControlPlane::up() else { return };
    control_plane.apply("{apiVersion: v1, kind: Node, metadata: {name: node-2}}");
    let lab = Lab::named(fresh_name());
    let kubeconfig = control_plane.admin().display().to_string();
    let output = lab.pogu(&["lab", "up", "--nodes", "2", "--kubeconfig", &kubeconfig]);
    let said = String::from_utf8(output.stderr).unwrap();
    let expected = "\
pogu: the API server has a Node node-2 that is not of this lab
hint: if it is left of another lab: `kubectl delete node node-2`
";
    assert_eq!((output.status.code(), said.as_str()), (Some(1), expected));
    assert_eq!(names(&control_plane, "nodes"), ["node/node-2"]);
    assert_eq!(names(&control_plane, "leases -n kube-node-lease"), [""; 0]);
}

#[test]
fn a_kubeconfig_that_cannot_be_used_says_so() {
    if host::skip::without_root() {
        return;
    }
    let lab = Lab::named(fresh_name());
    let refused = |args: &[&str]| {
        let output = lab.pogu(&[&["lab", "up"], args].concat());
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    lab.write("empty", "apiVersion: v1\nkind: Config\n");
    let file = |name: &str| Path::new(&lab.path(name)).display().to_string();
    let (none, empty) = (file("none"), file("empty"));
    let hint = "hint: `kubectl version --kubeconfig FILE` shows whether others can use it\n";
    let (code, text) = refused(&["--kubeconfig", &none]);
    let missing = "No such file or directory (os error 2)";
    assert_eq!(
        (code, text),
        (
            Some(1),
            format!(
                "pogu: cannot use the kubeconfig {none}: failed to read kubeconfig from \
                 '\"{none}\"': {missing}\n{hint}"
            )
        )
    );
    let (code, text) = refused(&["--kubeconfig", &empty]);
    let what = format!(
        "pogu: cannot use the kubeconfig {empty}: failed to determine current context\n{hint}"
    );
    assert_eq!((code, text), (Some(1), what));
}

#[test]
fn who_would_change_objects_is_sent_to_the_api_server() {
    if host::skip::without_root() {
        return;
    }
    let Some(control_plane) = ControlPlane::up() else { return };
    let lab = joined(&control_plane);
    lab.write("web.yaml", "{apiVersion: v1, kind: Service, metadata: {name: web}}");
    let file = lab.path("web.yaml").display().to_string();
    let said = |args: &[&str]| {
        let output = lab.pogu(&[&["lab"], args].concat());
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    for (args, command) in [
        (&["apply", "-f", &file][..], "kubectl apply -f FILE"),
        (&["delete", "-f", &file], "kubectl delete -f FILE"),
        (&["delete", "service/web"], "kubectl delete"),
        (&["delete", "pod/web"], "kubectl delete"),
        (&["scale", "web", "--replicas", "2"], "kubectl scale"),
    ] {
        let expected = format!(
            "pogu: the objects of this lab live in an API server\n\
             hint: `{command}` changes them there\n"
        );
        assert_eq!(said(args), (Some(1), String::new(), expected), "{args:?}");
    }
    let kubeconfig = control_plane.admin().display().to_string();
    let both = said(&["up", "-f", &file, "--kubeconfig", &kubeconfig]);
    let expected = "pogu: --filename <FILE|DIR> cannot be used with: --kubeconfig <FILE>\n\
                    hint: --help tells all arguments, with examples\n";
    assert_eq!(both, (Some(2), String::new(), expected.to_owned()));
}
