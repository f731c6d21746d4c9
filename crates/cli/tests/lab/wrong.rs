//! Does each mistake end in a clear line with a hint, and leave nothing half-made?

use host::netns::Netns;

use crate::rig::{Lab, fresh_name};

/// What `up` says to a manifest that it refuses; nothing of the lab is there afterwards.
fn refused(manifest: &str) -> String {
    let lab = Lab::named(fresh_name());
    lab.write("app.yaml", manifest);
    let path = lab.path("app.yaml").display().to_string();
    let output = lab.pogu(&["lab", "up", "-f", &path]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"");
    assert_eq!(Netns::names(&format!("pogu.{}.", lab.name)).unwrap(), Vec::<String>::new());
    String::from_utf8(output.stderr).unwrap().replace(&path, "app.yaml")
}

const END: &str = "pogu: the manifests are not right\n\
                   hint: correct them, or start with --keep-going to leave out what is wrong\n";

#[test]
fn a_slip_in_a_manifest() {
    if host::skip::without_root() {
        return;
    }
    let text = refused(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, imagee: x}]}",
    );
    let expected = "\
        pogu: app.yaml: Pod default/web spec.containers[0].imagee: unknown field, ignored; did you mean image?\n\
        pogu: app.yaml: Pod default/web spec.containers[0].image: expected an image, found none\n";
    assert_eq!(text, format!("{expected}{END}"));
    let text = refused(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web]}",
    );
    assert!(text.starts_with("pogu: ") && text.ends_with(END), "{text}");
}

#[test]
fn an_unknown_kind() {
    if host::skip::without_root() {
        return;
    }
    let text = refused("apiVersion: apps/v1\nkind: Deploymnet\nmetadata: {name: web}\n");
    let expected = "pogu: app.yaml: unknown kind: Deploymnet web\nhint: did you mean Deployment?\n";
    assert_eq!(text, format!("{expected}{END}"));
}

#[test]
fn what_is_wrong_is_left_out_when_told_to_keep_going() {
    if host::skip::without_root() {
        return;
    }
    let manifest = "apiVersion: apps/v1\nkind: Deploymnet\nmetadata: {name: web}\n---\n\
                    apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n\
                    spec: {containers: [{name: web, image: pogu.dev/echo}]}";
    let lab = Lab::up(manifest, &["--nodes", "1", "--keep-going"]);
    assert_eq!(lab.pods().len(), 1);
}

#[test]
fn a_command_that_does_not_exist_and_a_port_that_is_taken() {
    if host::skip::without_root() {
        return;
    }
    let manifest = "apiVersion: v1\nkind: Pod\nmetadata: {name: good}\n\
        spec: {hostNetwork: true, containers: [{name: web, image: pogu.dev/echo}]}";
    let lab = Lab::up(manifest, &["--nodes", "1"]);
    lab.write(
        "bad.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: absent}\n\
         spec: {containers: [{name: web, image: x, command: [no-such-program]}]}\n---\n\
         apiVersion: v1\nkind: Pod\nmetadata: {name: taken}\n\
         spec: {hostNetwork: true, containers: [{name: web, image: pogu.dev/echo}]}\n---\n\
         apiVersion: v1\nkind: Pod\nmetadata: {name: unknown}\n\
         spec: {containers: [{name: web, image: \"example.com/batch:2\"}]}\n",
    );
    let why = |lab: &Lab, name: &str| {
        let pods = lab.pods();
        let pod = pods.iter().find(|pod| pod["name"] == name);
        pod.and_then(|pod| Some(pod["why"].as_str()?.to_owned())).unwrap_or_default()
    };
    lab.await_that("the reasons are not told", |lab| {
        ["absent", "taken", "unknown"].iter().all(|name| why(lab, name).contains(": "))
    });
    let absent = "container web does not run: no such program: no-such-program";
    assert_eq!(why(&lab, "absent"), absent);
    let taken = "container web does not run: exit status: 1: pogu: cannot listen on TCP [::]:8080: \
                 Address already in use (os error 98)";
    assert_eq!(why(&lab, "taken"), taken);
    let unknown = "container web does not run: no command is known for image \
                   \"example.com/batch:2\"; hint: write a command in the manifest, or start the lab \
                   with --image example.com/batch='COMMAND'";
    assert_eq!(why(&lab, "unknown"), unknown);
    let pods = lab.pods();
    let good = pods.iter().find(|pod| pod["name"] == "good").unwrap();
    assert_eq!(good["ready"], true);
}

#[test]
fn a_second_lab_of_the_name() {
    if host::skip::without_root() {
        return;
    }
    let lab = Lab::up("", &["--nodes", "1"]);
    let name = &lab.name;
    let expected = format!(
        "pogu: lab {name} is up already\n\
         hint: `pogu lab down --name {name}` ends it; --name gives another one a name\n"
    );
    for args in [&["lab", "up"][..], &["lab", "up", "--detach"]] {
        let output = lab.pogu(args);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(String::from_utf8(output.stderr).unwrap(), expected);
    }
    assert_eq!(lab.status()["nodes"].as_array().unwrap().len(), 1);
}

#[test]
fn no_privileges() {
    if host::skip::without_root() {
        return;
    }
    let lab = Lab::named(fresh_name());
    let program = env!("CARGO_BIN_EXE_pogu");
    let without = "--bounding-set=-net_admin,-sys_admin";
    let args = [without, program, "lab", "up", "--name", &lab.name];
    let output = host::process::run("setpriv", &args, "", crate::rig::PATIENCE).unwrap();
    assert_eq!(output.status.code(), Some(1));
    let expected = "pogu: a lab needs the privileges of root: missing privilege: CAP_NET_ADMIN, \
                    CAP_SYS_ADMIN\nhint: run it with sudo\n";
    assert_eq!(output.stderr, expected);
}

#[test]
fn a_flag_with_a_wrong_value() {
    let lab = Lab::named(fresh_name());
    let said = |args: &[&str]| {
        let output = lab.pogu(&[&["lab"], args].concat());
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let usage = |text: &str| (Some(2), text.to_owned());
    assert_eq!(
        said(&["up", "--nodes", "0"]),
        usage("pogu: not a number of nodes: 0\nhint: write one from 1 to 64\n")
    );
    assert_eq!(
        said(&["up", "--image", "nginx"]),
        usage("pogu: --image without a command: nginx\nhint: write it as NAME='COMMAND'\n")
    );
    assert_eq!(
        said(&["up", "--name", "A"]),
        usage(
            "pogu: not a name for a lab: \"A\"\n\
             hint: write up to 32 lower case letters, digits and `-`\n"
        )
    );
}

#[test]
fn nobody_there() {
    if host::skip::without_root() {
        return;
    }
    let lab = Lab::up("", &["--nodes", "1"]);
    let said = |args: &[&str]| {
        let output = lab.pogu(&[&["lab"], args].concat());
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let texts = [
        said(&["exec", "pod/shop/web", "--", "true"]),
        said(&["exec", "node/node-9", "--", "true"]),
        said(&["exec", "outside", "--", "no-such-program"]),
        said(&["logs", "deployment/shop/web"]),
        said(&["scale", "shop/web", "--replicas", "2"]),
        said(&["delete", "pod/shop/web"]),
        said(&["crash", "node-9"]),
        said(&["boot", "node-1"]),
        said(&["apply", "-f", "/no/such/file"]),
    ];
    assert_eq!(
        texts,
        [
            "pogu: no such pod: shop/web\nhint: `pogu lab status` lists who is there\n",
            "pogu: no such node: node-9\nhint: `pogu lab status` lists who is there\n",
            "pogu: no such program: no-such-program\n\
             hint: programs are the host's: is it installed?\n",
            "pogu: no pod of Deployment shop/web\nhint: `pogu lab status` lists who is there\n",
            "pogu: no such Deployment: shop/web\nhint: the lab has no Deployment\n",
            "pogu: no such object: Pod shop/web\nhint: `pogu lab status` lists what there is\n",
            "pogu: no such node: node-9\nhint: there is node-1\n",
            "pogu: node node-1 is not down\nhint: `pogu lab status` tells the states of nodes\n",
            "pogu: cannot read /no/such/file: No such file or directory (os error 2)\n\
             hint: -f takes a file of manifests, in YAML or JSON; - is the input\n",
        ]
    );
}
