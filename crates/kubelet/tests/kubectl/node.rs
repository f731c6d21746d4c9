//! A node whose containers are programs of this machine, and its objects.

use std::fs::File;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use host::program::{Program, Running};
use host::sandbox::Sandbox;
use kubelet::{
    Access, Certificate, ContainerName, Duplex, Exit, Log, LogWriter, PodName, Process, Recorder,
    Refusal, Runtime, Server, Stream, TerminalSize, User, Wanted,
};
use tokio::net::{TcpListener, TcpStream};

use super::control_plane::ControlPlane;

/// Whom the API server is, for a kubelet.
const API_SERVER: &str = "kube-apiserver-kubelet-client";

pub(crate) struct Node {
    pub(crate) control_plane: ControlPlane,
    pub(crate) programs: Arc<Programs>,
    /// Where each of its nodes is.
    pub(crate) addresses: [SocketAddr; 2],
    _runtime: tokio::runtime::Runtime,
}

impl Node {
    /// A control plane, with two nodes and a pod on each, all of them served here: one by IPv4, one by
    /// IPv6.
    pub(crate) fn up() -> Option<Self> {
        let control_plane = ControlPlane::up()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let programs = Arc::new(Programs::new(control_plane.folder()));
        let query = "jsonpath={.data.client-ca-file}";
        let of = ["-n", "kube-system", "get", "configmap", "extension-apiserver-authentication"];
        let authorities = control_plane.kubectl(&[&of[..], &["-o", query]].concat(), "");
        let serve = |address: &str| {
            let certificate = Certificate::self_made(vec![address.to_owned()]).unwrap();
            let server = Server::new(certificate, authorities.as_bytes(), Arc::clone(&programs));
            let address: IpAddr = address.parse().unwrap();
            let listener = runtime.block_on(TcpListener::bind((address, 0))).unwrap();
            let at = listener.local_addr().unwrap();
            runtime.spawn(server.unwrap().serve(listener, std::future::pending()));
            at
        };
        let addresses = ["127.0.0.1", "::1"].map(serve);
        let [translating, direct] = addresses;
        let node = Self { control_plane, programs, addresses, _runtime: runtime };
        node.create("translating", translating, "[]", "web");
        node.create("direct", direct, r#"["ExtendWebSocketsToKubelet"]"#, "web-direct");
        Some(node)
    }

    fn create(&self, node: &str, address: SocketAddr, features: &str, pod: &str) {
        let (ip, port) = (address.ip(), address.port());
        let objects = format!(
            r#"{{"apiVersion": "v1", "kind": "Node", "metadata": {{"name": "{node}"}}, "status": {{
                "addresses": [{{"type": "InternalIP", "address": "{ip}"}}],
                "declaredFeatures": {features},
                "daemonEndpoints": {{"kubeletEndpoint": {{"Port": {port}}}}}}}}}
            {{"apiVersion": "v1", "kind": "Pod", "metadata": {{"name": "{pod}"}}, "spec": {{
                "nodeName": "{node}", "containers": [{{"name": "app", "image": "app",
                "stdin": true}}]}}}}"#
        );
        self.control_plane.kubectl(&["create", "-f", "-"], &objects);
        let status = r#"{"status": {"phase": "Running", "containerStatuses": [{"name": "app",
            "image": "app", "imageID": "app", "ready": true, "restartCount": 1,
            "state": {"running": {}}, "lastState": {"terminated": {"exitCode": 1}}}]}}"#;
        self.control_plane
            .kubectl(&["patch", "pod", pod, "--subresource=status", "-p", status], "");
    }
}

/// What runs in the container `app` of each pod.
pub(crate) struct Programs {
    folder: PathBuf,
    sandbox: Arc<Sandbox>,
    pub(crate) log: Mutex<Option<LogWriter>>,
    present: Log,
    previous: Log,
}

impl Programs {
    fn new(folder: &Path) -> Self {
        let netns = File::open("/proc/self/ns/net").unwrap();
        let sandbox = Arc::new(Sandbox::new(netns.as_fd(), "web", &[]).unwrap());
        let mut before = LogWriter::create(&folder.join("before.log")).unwrap();
        before.append(at(1), Stream::Stderr, b"out of luck\n").unwrap();
        let mut writer = LogWriter::create(&folder.join("app.log")).unwrap();
        writer.append(at(2), Stream::Stdout, b"one\ntwo\n").unwrap();
        writer.append(at(3), Stream::Stderr, b"three\n").unwrap();
        let (present, previous) = (writer.log(), before.log());
        let (folder, log) = (folder.to_owned(), Mutex::new(Some(writer)));
        Self { folder, sandbox, log, present, previous }
    }

    fn program(&self, command: &[String]) -> Program {
        let path = ("PATH".to_owned(), "/usr/sbin:/usr/bin:/sbin:/bin".to_owned());
        Program {
            name: command[0].clone(),
            args: command[1..].to_vec(),
            env: vec![path],
            directory: None,
            sandbox: Arc::clone(&self.sandbox),
        }
    }

    fn start(&self, command: &[String], wanted: Wanted) -> io::Result<Process> {
        let program = self.program(command);
        if wanted.terminal {
            let (running, terminal) = program.spawn_on_terminal().map_err(io::Error::other)?;
            Ok(Process {
                stdin: Some(kubelet::writer(terminal.stream()?)?),
                stdout: Some(kubelet::reader(terminal.stream()?)?),
                stderr: None,
                resize: Some(Box::new(move |size: TerminalSize| {
                    terminal.resize(size.width, size.height)
                })),
                exit: Box::pin(exit(running)),
            })
        } else {
            let (running, pipes) =
                program.spawn_with_pipes(wanted.stdin).map_err(io::Error::other)?;
            let output = |it: Option<OwnedFd>| it.map(kubelet::reader).transpose();
            Ok(Process {
                stdin: pipes.stdin.map(kubelet::writer).transpose()?,
                stdout: output(pipes.stdout)?,
                stderr: output(pipes.stderr)?,
                resize: None,
                exit: Box::pin(exit(running)),
            })
        }
    }
}

/// Waits for a program's end.
async fn exit(mut running: Running) -> Result<Exit, Refusal> {
    let status = tokio::task::spawn_blocking(move || running.wait()).await.unwrap();
    let status = status.map_err(internal)?;
    let signal = std::os::unix::process::ExitStatusExt::signal(&status).unwrap_or(0);
    Ok(Exit(status.code().unwrap_or(128 + signal)))
}

fn internal(error: io::Error) -> Refusal {
    Refusal::Internal(error.to_string())
}

fn at(second: u64) -> std::time::SystemTime {
    std::time::UNIX_EPOCH + std::time::Duration::from_secs(second)
}

impl Runtime for Programs {
    async fn allows(&self, user: &User, access: Access) -> Result<bool, Refusal> {
        Ok(user.name == API_SERVER && access.subresources.contains(&"proxy"))
    }

    async fn pods(&self) -> Result<Vec<u8>, Refusal> {
        Ok(br#"{"apiVersion":"v1","kind":"PodList","items":[]}"#.to_vec())
    }

    async fn log(&self, _container: &ContainerName, previous: bool) -> Result<Log, Refusal> {
        Ok(if previous { self.previous.clone() } else { self.present.clone() })
    }

    async fn exec(
        &self,
        _container: &ContainerName,
        command: &[String],
        wanted: Wanted,
    ) -> Result<Process, Refusal> {
        self.start(command, wanted).map_err(|error| Refusal::BadRequest(error.to_string()))
    }

    async fn attach(&self, container: &ContainerName, wanted: Wanted) -> Result<Process, Refusal> {
        // It runs until who is attached has nothing more to say.
        let script = format!("while read line; do echo {} heard $line; done", container.pod.name);
        let command = ["sh", "-c", &script].map(str::to_owned);
        let spawned = self.program(&command).spawn_with_pipes(wanted.stdin);
        let (running, pipes) = spawned.map_err(|error| internal(io::Error::other(error)))?;
        let path = self.folder.join(format!("attached-{}.log", container.pod.name));
        let writer = LogWriter::create(&path).map_err(internal)?;
        let log = writer.log();
        let outputs = [(pipes.stdout, Stream::Stdout), (pipes.stderr, Stream::Stderr)];
        let outputs = outputs.map(|(output, stream)| (output.unwrap(), stream));
        let recorder = Recorder::begin(outputs, writer, None, || at(1)).map_err(internal)?;
        Ok(Process {
            stdin: pipes.stdin.map(kubelet::writer).transpose().map_err(internal)?,
            stdout: Some(log.listen(Stream::Stdout)),
            stderr: Some(log.listen(Stream::Stderr)),
            resize: None,
            exit: Box::pin(async move {
                let ended = exit(running).await;
                recorder.finish();
                ended
            }),
        })
    }

    async fn connect(&self, _pod: &PodName, port: u16) -> Result<Box<dyn Duplex>, Refusal> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await;
        Ok(Box::new(stream.map_err(internal)?))
    }
}
