//! Does kubectl run commands in a container, and attach to it?

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::sync::Arc;

use host::program::Program;
use host::sandbox::Sandbox;

use super::control_plane::{Said, WAYS, Way};
use super::node::Node;

fn exec(node: &Node, way: Way, flags: &[&str], command: &[&str], input: &[u8]) -> Said {
    let words = [&["exec"], flags, &[way.pod(), "--"], command].concat();
    node.control_plane.try_kubectl(way, &words, input)
}

/// A command that says much; what it says is too long to be shown when it is wrong.
fn much(node: &Node, way: Way) -> Said {
    let command = ["sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' y"];
    let said = exec(node, way, &[], &command, b"");
    let stdout = if said.stdout == "y".repeat(3_000_000) { "all of it" } else { "not all of it" };
    Said { stdout: stdout.to_owned(), ..said }
}

#[test]
fn kubectl_exec_works_each_way() {
    let Some(node) = Node::up() else { return };
    let many = vec![b'x'; 3_000_000];
    let found = WAYS.map(|way| {
        [
            exec(&node, way, &[], &["sh", "-c", "echo out; echo err >&2; exit 7"], b""),
            exec(&node, way, &["-i"], &["cat"], b"hello"),
            exec(&node, way, &["-i"], &["wc", "-c"], &many),
            exec(&node, way, &["-i"], &["head", "-c", "3"], &many),
            much(&node, way),
            exec(&node, way, &[], &["sh", "-c", "kill -KILL $$"], b""),
            exec(&node, way, &[], &["no-such-program"], b""),
        ]
    });
    let wanted = [
        Said::new(7, "out\n", "err\ncommand terminated with exit code 7\n"),
        Said::new(0, "hello", ""),
        Said::new(0, "3000000\n", ""),
        Said::new(0, "xxx", ""),
        Said::new(0, "all of it", ""),
        Said::new(137, "", "command terminated with exit code 137\n"),
    ];
    for (way, found) in WAYS.into_iter().zip(found) {
        // The API server has a word of its own for whatever it translates.
        let by = if way == Way::Translated { "Internal error occurred: " } else { "" };
        let absent = Said::new(1, "", &format!("error: {by}no such program: no-such-program\n"));
        assert_eq!((way, &found[..6], &found[6]), (way, &wanted[..], &absent));
    }
}

#[test]
fn kubectl_exec_gives_a_terminal_of_the_clients_size() {
    let Some(node) = Node::up() else { return };
    for way in WAYS {
        // It ends only once the size has come; what it reads shows that it may be typed to.
        let script =
            "until [ \"$(stty size)\" = '40 100' ]; do :; done; read word; echo \"<$word>\"";
        let netns = fs::File::open("/proc/self/ns/net").unwrap();
        let words = ["exec", "-it", way.pod(), "--", "sh", "-c", script].map(str::to_owned);
        let kubectl = Program {
            name: node.control_plane.kubectl_path().display().to_string(),
            args: [&node.control_plane.kubectl_access()[..], &words].concat(),
            env: node.control_plane.kubectl_variables(way),
            directory: None,
            sandbox: Arc::new(Sandbox::new(netns.as_fd(), "client", &[]).unwrap()),
        };
        let (mut running, terminal) = kubectl.spawn_on_terminal().unwrap();
        terminal.resize(100, 40).unwrap();
        let mut typed = fs::File::from(terminal.stream().unwrap());
        typed.write_all(b"hello\n").unwrap();
        let mut shown = Vec::new();
        // A terminal's end is an error.
        drop(fs::File::from(terminal.stream().unwrap()).read_to_end(&mut shown));
        let code = running.wait().unwrap().code();
        let shown = String::from_utf8(shown).unwrap();
        let last = shown.lines().last().unwrap_or_default();
        assert_eq!((way, code, last), (way, Some(0), "<hello>"), "{shown:?}");
    }
}

#[test]
fn kubectl_attach_works_each_way() {
    let Some(node) = Node::up() else { return };
    for way in WAYS {
        let words = ["attach", "-i", "-q", way.pod()];
        let found = node.control_plane.try_kubectl(way, &words, b"one\ntwo\n");
        let pod = way.pod();
        let stdout = format!("{pod} heard one\n{pod} heard two\n");
        assert_eq!((way, found), (way, Said::new(0, &stdout, "")));
    }
}

#[test]
fn kubectl_copies_files_to_a_container_and_back() {
    let Some(node) = Node::up() else { return };
    let path = |name: &str| node.control_plane.folder().join(name).display().to_string();
    let content: Vec<u8> = (0..2_000_000_u32).flat_map(u32::to_le_bytes).collect();
    fs::write(path("ours"), &content).unwrap();
    for way in WAYS {
        let there = format!("{}:{}", way.pod(), path("there"));
        for words in [["cp", &*path("ours"), &*there], ["cp", &*there, &*path("back")]] {
            let found = node.control_plane.try_kubectl(way, &words, b"");
            // tar has a word to say about the path that it makes relative.
            let found = Said { stdout: String::new(), stderr: String::new(), ..found };
            assert_eq!((way, found), (way, Said::new(0, "", "")));
        }
        assert!(fs::read(path("back")).unwrap() == content, "{way:?}: it is another file");
    }
}
