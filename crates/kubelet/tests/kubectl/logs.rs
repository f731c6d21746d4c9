//! Does kubectl get a container's words?

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::SystemTime;

use kubelet::Stream;

use super::control_plane::{Said, Way};
use super::node::Node;

#[test]
fn kubectl_logs_shows_what_is_asked_for() {
    let Some(node) = Node::up() else { return };
    let logs = |words: &[&str]| {
        let all = [&["logs", "web"][..], words].concat();
        node.control_plane.try_kubectl(Way::Spdy, &all, b"")
    };
    let stamp = |second: u8| format!("1970-01-01T00:00:0{second}.000000000Z");
    let stamped = format!("{} one\n{} two\n{} three\n", stamp(2), stamp(2), stamp(3));
    let cases: [(&[&str], &str); 7] = [
        (&[], "one\ntwo\nthree\n"),
        (&["-c", "app", "--tail", "2"], "two\nthree\n"),
        (&["--previous"], "out of luck\n"),
        (&["--timestamps"], &stamped),
        (&["--limit-bytes", "5"], "one\nt"),
        (&["--since", "1s"], ""),
        (&["--since-time", "1970-01-01T00:00:03Z"], "three\n"),
    ];
    let found = cases.map(|(words, _)| logs(words));
    assert_eq!(found, cases.map(|(_, wanted)| Said::new(0, wanted, "")));
}

#[test]
fn kubectl_follows_a_container_until_it_ends() {
    let Some(node) = Node::up() else { return };
    let mut kubectl = node
        .control_plane
        .kubectl_command(Way::Spdy)
        .args(["logs", "-f", "--tail", "1", "web"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(kubectl.stdout.take().unwrap()).lines();
    let mut next = || lines.next().map(Result::unwrap);
    let before = next();
    let mut writer = node.programs.log.lock().unwrap().take().unwrap();
    writer.append(SystemTime::UNIX_EPOCH, Stream::Stdout, b"four\n").unwrap();
    let meanwhile = next();
    drop(writer);
    let after = next();
    let code = kubectl.wait().unwrap().code();
    let line = |text: &str| Some(text.to_owned());
    assert_eq!((before, meanwhile, after, code), (line("three"), line("four"), None, Some(0)));
}
