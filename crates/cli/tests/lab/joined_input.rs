//! Do containers of a joined lab hear what is said to them?

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::sync::Arc;

use host::program::Program;
use host::sandbox::Sandbox;
use testkit::control_plane::ControlPlane;

use crate::joined::joined;

/// A pod that answers each line, and goes on; one that does so on a terminal.
const LISTENERS: &str = r#"
apiVersion: v1
kind: Pod
metadata: {name: listener}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: c
    image: x
    stdin: true
    command: [sh, -c, 'while read word; do echo "heard $word"; done; echo over; exec sleep 1000']
---
apiVersion: v1
kind: Pod
metadata: {name: typist}
spec:
  terminationGracePeriodSeconds: 0
  restartPolicy: Never
  containers:
  - name: c
    image: x
    stdin: true
    tty: true
    command:
    - sh
    - -c
    - 'until [ "$(stty size)" = "40 100" ]; do :; done; read word; echo "<$word>"'
"#;

#[test]
fn a_container_hears_what_is_said_to_it() {
    if host::skip::without_root() {
        return;
    }
    let Some(control_plane) = ControlPlane::up() else { return };
    let _lab = joined(&control_plane);
    let script = "read word; echo heard $word; read word || echo over";
    let words = ["run", "asked", "-i", "--rm", "-q", "--restart=Never", "--image=x", "--command"];
    let words = [&words[..], &["--", "sh", "-c", script]].concat();
    assert_eq!(control_plane.kubectl_told(&words, "ahoy\n"), "heard ahoy\nover\n");
    control_plane.apply(LISTENERS);
    let running = "--for=jsonpath={.status.phase}=Running";
    control_plane.kubectl(&format!("wait {running} pod/listener pod/typist --timeout=30s"));
    for word in ["first", "second"] {
        // Its end is not the container's: another one may say something later.
        attach_until(&control_plane, word);
    }
    assert_eq!(control_plane.kubectl("logs listener"), "heard first\nheard second\n");
    assert_eq!(typed(&control_plane, "typist"), "<ahoy>");
}

/// Says a word, and waits for the answer, which the container gives to whoever is attached.
fn attach_until(control_plane: &ControlPlane, word: &str) {
    let mut child = crate::control_plane::attached(control_plane, "listener");
    child.tell(word);
    assert_eq!(child.line(), format!("heard {word}\n"));
}

/// The last line that somebody sees who types at a terminal.
fn typed(control_plane: &ControlPlane, pod: &str) -> String {
    let netns = File::open("/proc/self/ns/net").unwrap();
    let config = control_plane.admin().display().to_string();
    let kubectl = Program {
        name: control_plane.program().with_file_name("kubectl").display().to_string(),
        args: ["--kubeconfig", &config, "attach", "-it", "-q", pod].map(str::to_owned).to_vec(),
        env: vec![("HOME".to_owned(), control_plane.state().display().to_string())],
        directory: None,
        sandbox: Arc::new(Sandbox::new(netns.as_fd(), "client", &[]).unwrap()),
    };
    let (mut running, terminal) = kubectl.spawn_on_terminal().unwrap();
    terminal.resize(100, 40).unwrap();
    File::from(terminal.stream().unwrap()).write_all(b"ahoy\n").unwrap();
    let mut shown = Vec::new();
    // A terminal's end is an error.
    drop(File::from(terminal.stream().unwrap()).read_to_end(&mut shown));
    assert_eq!(running.wait().unwrap().code(), Some(0));
    String::from_utf8(shown).unwrap().lines().last().unwrap_or_default().to_owned()
}
