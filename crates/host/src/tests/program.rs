//! Is a program in its sandbox, and is its end seen and brought about?

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::clock::monotonic;
use crate::netns::Netns;
use crate::program::{Program, Running};
use crate::sandbox::{Mount, Sandbox};
use crate::skip;

const DEADLINE: Duration = Duration::from_secs(20);

/// A folder that goes when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(role: &str) -> Self {
        let path = std::env::temp_dir().join(format!("pogu-{role}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn program(sandbox: Sandbox, script: &str) -> Program {
    Program {
        name: "sh".to_owned(),
        args: vec!["-c".to_owned(), script.to_owned()],
        env: vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())],
        directory: None,
        sandbox: Arc::new(sandbox),
    }
}

fn await_end(running: &Running) {
    let timeout = Timespec::try_from(DEADLINE).unwrap();
    let ended = poll(&mut [PollFd::new(&running, PollFlags::IN)], Some(&timeout)).unwrap();
    assert_eq!(ended, 1, "the program goes on");
}

fn output(program: &Program, folder: &Folder) -> String {
    let path = folder.0.join("output");
    let file = File::options().append(true).create(true).open(&path).unwrap();
    let mut running = program.spawn(&file).unwrap();
    await_end(&running);
    assert_eq!(running.status().unwrap().and_then(|status| status.code()), Some(0));
    let mut text = String::new();
    File::open(path).unwrap().read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_program_sees_its_own_network_name_and_files_and_the_host_keeps_its_own() {
    if skip::without_root() {
        return;
    }
    let folder = Folder::new("sandbox");
    let seen = folder.0.join("hosts");
    fs::write(&seen, "192.0.2.1 harbour\n").unwrap();
    let before = fs::read_to_string("/etc/hosts").unwrap();
    let netns = Netns::unshared().unwrap();
    let stand_ins = [(&*seen, Path::new("/etc/hosts")), (&*seen, Path::new("/no/such/file"))];
    let sandbox = Sandbox::new(netns.as_fd(), "berth", &stand_ins).unwrap();
    let script = "hostname 2>/dev/null || cat /proc/sys/kernel/hostname; cat /etc/hosts; \
                  ls /sys/class/net; echo $PATH $HOME";
    let text = output(&program(sandbox, script), &folder);
    assert_eq!(text, "berth\n192.0.2.1 harbour\nlo\n/usr/bin:/bin\n");
    assert_eq!(fs::read_to_string("/etc/hosts").unwrap(), before);
}

#[test]
fn places_that_the_host_has_not_are_made_in_the_sandbox_alone() {
    if skip::without_root() {
        return;
    }
    let folder = Folder::new("places");
    let path = |name: &str| folder.0.join(name);
    for name in ["data", "tools", "host", "host/there"] {
        fs::create_dir(path(name)).unwrap();
    }
    fs::write(path("data/word"), "ahoy\n").unwrap();
    fs::write(path("tools/say"), "#!/bin/sh\ncat /harbour/word\n").unwrap();
    fs::set_permissions(path("tools/say"), fs::Permissions::from_mode(0o755)).unwrap();
    let socket = UnixListener::bind(path("host/socket")).unwrap();
    let mount = |source: &str, place: &Path, is_read_only, is_ours| Mount {
        source: path(source),
        place: place.to_owned(),
        is_read_only,
        is_ours,
    };
    let netns = Netns::unshared().unwrap();
    let mounts = [
        mount("data", Path::new("/harbour"), true, true),
        // Beside it, in a folder that is covered already.
        mount("tools", Path::new("/tools/bin"), false, true),
        // In a mount: in what is mounted itself.
        mount("data/word", Path::new("/tools/bin/deep/word"), false, true),
        // In a folder of the host, all of which is still there.
        mount("data/word", &path("host/new/word"), false, true),
    ];
    let sandbox = Sandbox::with_mounts(netns.as_fd(), "berth", &[], &mounts).unwrap();
    let host = path("host").display().to_string();
    let script = format!(
        "say; cat /tools/bin/deep/word; cd {host}; ls; cat new/word; \
         touch /harbour/mine 2>/dev/null || echo refused; touch /mine; ls -d /etc /mine"
    );
    let mut program = program(sandbox, &script);
    program.env = vec![("PATH".to_owned(), "/tools/bin:/usr/bin:/bin".to_owned())];
    let expected = "ahoy\nahoy\nnew\nsocket\nthere\nahoy\nrefused\n/etc\n/mine\n";
    assert_eq!(output(&program, &folder), expected);
    let connected = program.sandbox.run(|| UnixStream::connect(path("host/socket")));
    assert_eq!(connected.unwrap().map_err(|error| error.kind()).map(drop), Ok(()));
    drop(socket);
    let made = ["/harbour", "/tools", "/mine"].map(|place| Path::new(place).exists());
    assert_eq!((made, path("host/new").exists()), ([false; 3], false));
}

#[test]
fn a_mount_may_cover_what_the_others_are_made_of() {
    if skip::without_root() {
        return;
    }
    let folder = Folder::new("covered");
    for name in ["empty", "tools"] {
        fs::create_dir(folder.0.join(name)).unwrap();
    }
    fs::write(folder.0.join("tools/word"), "ahoy\n").unwrap();
    let mount = |source: &str, place: &Path| Mount {
        source: folder.0.join(source),
        place: place.to_owned(),
        is_read_only: false,
        is_ours: true,
    };
    let netns = Netns::unshared().unwrap();
    let mounts = [
        mount("empty", &folder.0),
        mount("tools", &folder.0.join("in/it")),
        mount("tools/word", &folder.0.join("word")),
        mount("tools", Path::new("/harbour")),
    ];
    let sandbox = Sandbox::with_mounts(netns.as_fd(), "berth", &[], &mounts).unwrap();
    let here = folder.0.display();
    let script = format!("cd {here}; ls; cat in/it/word word /harbour/word");
    assert_eq!(output(&program(sandbox, &script), &folder), "in\nword\nahoy\nahoy\nahoy\n");
}

#[test]
fn a_killed_program_takes_its_group_along() {
    if skip::without_root() {
        return;
    }
    let folder = Folder::new("kill");
    let netns = Netns::unshared().unwrap();
    let sandbox = Sandbox::new(netns.as_fd(), "berth", &[]).unwrap();
    let file = File::create(folder.0.join("output")).unwrap();
    let mut running = program(sandbox, "sleep 1000 & sleep 1000").spawn(&file).unwrap();
    let children = await_children(running.pid(), 2);
    assert_eq!(running.status().unwrap(), None);
    running.kill().unwrap();
    await_end(&running);
    assert_eq!(running.status().unwrap().map(|status| status.success()), Some(false));
    // They end each in its own time; who has taken them over as a parent may be slow to ask for their status.
    let goes_on = |child: &String| {
        fs::read_to_string(format!("/proc/{child}/stat"))
            .is_ok_and(|stat| !stat.rsplit_once(") ").unwrap().1.starts_with(['Z', 'X']))
    };
    let deadline = monotonic() + DEADLINE;
    while children.iter().any(goes_on) {
        assert!(monotonic() < deadline, "{children:?} go on");
        std::thread::yield_now();
    }
    assert_eq!(netns.kill_all().unwrap(), 0);
}

#[test]
fn all_programs_of_a_namespace_are_killed_and_no_others() {
    if skip::without_root() {
        return;
    }
    let folder = Folder::new("occupants");
    let (netns, other) = (Netns::unshared().unwrap(), Netns::unshared().unwrap());
    let file = File::create(folder.0.join("output")).unwrap();
    let start = |netns: &Netns| {
        let sandbox = Sandbox::new(netns.as_fd(), "berth", &[]).unwrap();
        // In a session of its own, it is in nobody's group.
        program(sandbox, "setsid sleep 1000 & exec sleep 1000").spawn(&file).unwrap()
    };
    let (mut inside, mut outside) = (start(&netns), start(&other));
    await_children(inside.pid(), 1);
    await_children(outside.pid(), 1);
    assert_eq!(netns.kill_all().unwrap(), 2);
    assert!(inside.status().unwrap().is_some());
    assert_eq!(outside.status().unwrap(), None);
    assert_eq!(other.kill_all().unwrap(), 2);
    assert!(outside.status().unwrap().is_some());
}

fn await_children(pid: u32, n: usize) -> Vec<String> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let sleeping = || -> Vec<String> {
        let children = fs::read_to_string(&path).unwrap();
        let is_sleep = |child: &&str| {
            fs::read_to_string(format!("/proc/{child}/comm")).is_ok_and(|comm| comm == "sleep\n")
        };
        children.split_whitespace().filter(is_sleep).map(str::to_owned).collect()
    };
    let deadline = monotonic() + DEADLINE;
    loop {
        let sleeping = sleeping();
        if sleeping.len() == n {
            return sleeping;
        }
        assert!(monotonic() < deadline, "no child of {pid} sleeps");
        std::thread::yield_now();
    }
}

#[test]
fn what_cannot_be_run_is_named() {
    if skip::without_root() {
        return;
    }
    let netns = Netns::unshared().unwrap();
    let sandbox = || Sandbox::new(netns.as_fd(), "berth", &[]).unwrap();
    let folder = Folder::new("absent");
    let file = File::create(folder.0.join("output")).unwrap();
    let refused = |name: &str, directory: Option<&str>| {
        let mut program = program(sandbox(), "true");
        program.name = name.to_owned();
        program.directory = directory.map(PathBuf::from);
        program.spawn(&file).unwrap_err().to_string()
    };
    let text = folder.0.join("text");
    fs::write(&text, "no program").unwrap();
    fs::set_permissions(&text, fs::Permissions::from_mode(0o644)).unwrap();
    let text = text.to_str().unwrap();
    let texts = [
        refused("no-such-program", None),
        refused("/no/such/program", None),
        refused(text, None),
        refused("sh", Some("/no/such/directory")),
    ];
    assert_eq!(
        texts,
        [
            "no such program: no-such-program".to_owned(),
            "no such program: /no/such/program".to_owned(),
            format!("not a program that can be run: {text}"),
            "no such directory to run in: /no/such/directory".to_owned(),
        ]
    );
}

#[test]
fn a_program_with_pipes_hears_and_is_heard() {
    if skip::without_root() {
        return;
    }
    let netns = Netns::unshared().unwrap();
    let sandbox = || Sandbox::new(netns.as_fd(), "berth", &[]).unwrap();
    let script = "tr a-z A-Z; echo trouble >&2; exit 3";
    let (mut running, pipes) = program(sandbox(), script).spawn_with_pipes(true).unwrap();
    File::from(pipes.stdin.unwrap()).write_all(b"harbour").unwrap();
    let text = |pipe| io::read_to_string(File::from(pipe)).unwrap();
    let (output, errors) = (text(pipes.stdout.unwrap()), text(pipes.stderr.unwrap()));
    let code = running.wait().unwrap().code();
    assert_eq!((&*output, &*errors, code), ("HARBOUR", "trouble\n", Some(3)));
    let (mut running, pipes) = program(sandbox(), "cat").spawn_with_pipes(false).unwrap();
    assert_eq!((pipes.stdin.is_none(), running.wait().unwrap().code()), (true, Some(0)));
}

#[test]
fn a_program_on_a_terminal_sees_its_size_and_is_told_to_hang_up() {
    if skip::without_root() {
        return;
    }
    let netns = Netns::unshared().unwrap();
    let sandbox = Sandbox::new(netns.as_fd(), "berth", &[]).unwrap();
    // What is typed is shown too, unless the program says otherwise.
    let script = "stty -echo; echo ready; read line; stty size < /dev/tty; sleep 1000";
    let (mut running, terminal) = program(sandbox, script).spawn_on_terminal().unwrap();
    let mut shown = BufReader::new(File::from(terminal.stream().unwrap()));
    let mut line = || {
        let mut line = String::new();
        shown.read_line(&mut line).unwrap();
        line
    };
    assert_eq!(line(), "ready\r\n");
    terminal.resize(100, 40).unwrap();
    File::from(terminal.stream().unwrap()).write_all(b"\n").unwrap();
    assert_eq!(line(), "40 100\r\n");
    drop((terminal, shown));
    let signal = running.wait().unwrap().signal();
    assert_eq!(signal, Some(1));
}
