//! A node with its agent, a namespace for its pods, and one for all the world outside.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use host::link::Links;
use host::netns::Netns;
use rustix::process::{Pid, Signal, kill_process};
use socket2::{Domain, Socket, Type};

/// So long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Two endpoints, in each family.
pub(crate) const A: &str = "10.1.0.5";
pub(crate) const B: &str = "10.1.0.6";
pub(crate) const A6: &str = "fd01::5";
/// A pod that is no endpoint.
pub(crate) const CLIENT: &str = "10.1.1.7";
pub(crate) const CLIENT6: &str = "fd01:0:0:1::7";
/// The world outside.
pub(crate) const OUTSIDE: &str = "192.168.0.9";
pub(crate) const OUTSIDE6: &str = "fd00::9";
/// The node towards the world.
pub(crate) const NODE: &str = "192.168.0.1";
pub(crate) const NODE6: &str = "fd00::1";
/// All of the node's addresses.
pub(crate) const NODE_ALL: [&str; 6] =
    [NODE, "10.1.0.1", "10.1.1.1", NODE6, "fd01::1", "fd01:0:0:1::1"];

pub(crate) struct Node {
    pub(crate) node: Netns,
    /// Those that are endpoints.
    pub(crate) endpoints: Netns,
    /// One that is a client.
    pub(crate) pod: Netns,
    pub(crate) outside: Netns,
    folder: PathBuf,
    agent: Option<Child>,
}

impl Node {
    /// Namespaces and an empty folder, no agent yet.
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("pogu-node-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(folder.join("manifests")).unwrap();
        let node = Netns::unshared().unwrap();
        let [endpoints, pod, outside] = [(); 3].map(|()| Netns::unshared().unwrap());
        let new = Self { node, endpoints, pod, outside, folder, agent: None };
        new.wire();
        new
    }

    fn wire(&self) {
        self.node
            .run(|| {
                let mut links = Links::open().unwrap();
                links.create_veth("pods0", "eth0", Some(&self.endpoints)).unwrap();
                links.create_veth("pods1", "eth0", Some(&self.pod)).unwrap();
                links.create_veth("out0", "eth0", Some(&self.outside)).unwrap();
                dress(&mut links, "pods0", &["10.1.0.1/24", "fd01::1/64"]);
                dress(&mut links, "pods1", &["10.1.1.1/24", "fd01:0:0:1::1/64"]);
                dress(&mut links, "out0", &["192.168.0.1/24", "fd00::1/64"]);
                links.add_route("0.0.0.0/0".parse().unwrap(), ip(OUTSIDE)).unwrap();
                links.add_route("::/0".parse().unwrap(), ip(OUTSIDE6)).unwrap();
                for name in ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"] {
                    host::sysctl::write(name, "1").unwrap();
                }
            })
            .unwrap();
        for (netns, addresses, gateways) in [
            (
                &self.endpoints,
                &["10.1.0.5/24", "10.1.0.6/24", "fd01::5/64"][..],
                ["10.1.0.1", "fd01::1"],
            ),
            (&self.pod, &["10.1.1.7/24", "fd01:0:0:1::7/64"], ["10.1.1.1", "fd01:0:0:1::1"]),
            (&self.outside, &["192.168.0.9/24", "fd00::9/64"], [NODE, NODE6]),
        ] {
            netns
                .run(|| {
                    let mut links = Links::open().unwrap();
                    dress(&mut links, "eth0", addresses);
                    links.add_route("0.0.0.0/0".parse().unwrap(), ip(gateways[0])).unwrap();
                    links.add_route("::/0".parse().unwrap(), ip(gateways[1])).unwrap();
                })
                .unwrap();
        }
    }

    pub(crate) fn socket(&self) -> String {
        self.folder.join("agent.sock").to_str().unwrap().to_owned()
    }

    pub(crate) fn folder(&self) -> &str {
        self.folder.to_str().unwrap()
    }

    /// What the kernel says of the agent's process.
    pub(crate) fn agent_status(&self) -> String {
        let pid = self.agent.as_ref().unwrap().id();
        fs::read_to_string(format!("/proc/{pid}/status")).unwrap()
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Writes a manifest as an editor does: beside it, then in its place.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        let beside = self.folder.join("new");
        fs::write(&beside, text).unwrap();
        fs::rename(beside, path).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join("manifests").join(name)
    }

    pub(crate) fn start(&mut self) {
        self.start_with(&[]);
    }

    pub(crate) fn start_with(&mut self, flags: &[&str]) {
        self.start_by(&[], flags);
    }

    /// By a program that becomes the agent.
    #[expect(clippy::disallowed_methods, reason = "the program itself is what is tested")]
    pub(crate) fn start_by(&mut self, words: &[&str], flags: &[&str]) {
        assert!(self.agent.is_none(), "one agent at a time");
        let log =
            fs::File::options().create(true).append(true).open(self.folder.join("log")).unwrap();
        let (manifests, socket) = (self.folder.join("manifests"), self.socket());
        let words = [words, &[env!("CARGO_BIN_EXE_pogu")]].concat();
        let spawn = || {
            Command::new(words[0])
                .args(&words[1..])
                .args(["agent", "--node-name", "a", "--cluster-cidr", "10.1.0.0/16,fd01::/48"])
                .args(["--node-ip", "192.168.0.1,fd00::1", "--service-cidr", "10.96.0.0/16"])
                .args([Path::new("--manifests"), &manifests])
                .args(["--socket", &socket])
                .args(flags)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(log)
                .spawn()
                .unwrap()
        };
        self.agent = Some(self.node.run(spawn).unwrap());
    }

    /// Ends the agent by a signal and waits until it is gone.
    pub(crate) fn end(&mut self, signal: Signal) {
        let mut agent = self.agent.take().unwrap();
        kill_process(Pid::from_child(&agent), signal).unwrap();
        agent.wait().unwrap();
    }

    /// A server for TCP at an endpoint's address: tells each client the address that it saw, then
    /// gives back what it gets. Ends with the test.
    pub(crate) fn serve_tcp(&self, address: &str, port: u16) {
        let address = SocketAddr::new(ip(address), port);
        let listener = eventually("listen", || {
            self.endpoints.run(|| TcpListener::bind(address)).unwrap().ok()
        });
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                thread::spawn(move || greet_and_echo(stream));
            }
        });
    }

    /// A server for UDP: answers each datagram with its own address and the client's.
    pub(crate) fn serve_udp(&self, address: &str, port: u16) {
        let at = SocketAddr::new(ip(address), port);
        let socket =
            eventually("bind", || self.endpoints.run(|| UdpSocket::bind(at)).unwrap().ok());
        let name = address.to_owned();
        thread::spawn(move || {
            let mut buffer = [0; 64];
            while let Ok((_, client)) = socket.recv_from(&mut buffer) {
                if socket.send_to(format!("{name} {}", client.ip()).as_bytes(), client).is_err() {
                    return;
                }
            }
        });
    }

    /// A server for UDP that gives back each datagram as it came, however long.
    pub(crate) fn echo_udp(&self, address: &str, port: u16) {
        let at = SocketAddr::new(ip(address), port);
        let socket =
            eventually("bind", || self.endpoints.run(|| UdpSocket::bind(at)).unwrap().ok());
        thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while let Ok((length, client)) = socket.recv_from(&mut buffer) {
                if socket.send_to(&buffer[..length], client).is_err() {
                    return;
                }
            }
        });
    }

    /// Runs a judging program on the node.
    pub(crate) fn on_node(&self, program: &str, args: &[&str]) -> String {
        let run = || host::process::stdout_of(program, args, "", PATIENCE).unwrap();
        self.node.run(run).unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(mut agent) = self.agent.take() {
            agent.kill().unwrap();
            agent.wait().unwrap();
        }
        if thread::panicking() {
            println!("the agent's log:\n{}", self.log());
        }
        fs::remove_dir_all(&self.folder).unwrap();
    }
}

fn dress(links: &mut Links, name: &str, addresses: &[&str]) {
    for address in addresses {
        links.add_address(name, address.parse().unwrap()).unwrap();
    }
    links.set_up(name).unwrap();
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn greet_and_echo(mut stream: TcpStream) {
    let Ok(peer) = stream.peer_addr() else { return };
    if stream.write_all(format!("{:<48}", peer.ip()).as_bytes()).is_err() {
        return;
    }
    let mut buffer = [0; 64];
    while let Ok(n @ 1..) = stream.read(&mut buffer) {
        if stream.write_all(&buffer[..n]).is_err() {
            return;
        }
    }
}

/// Connects from an address in a namespace; the connection and the address that the server saw.
pub(crate) fn connect(netns: &Netns, from: &str, to: &str) -> io::Result<(TcpStream, String)> {
    let from = SocketAddr::new(ip(from), 0);
    netns.run(|| connect_here(from, to)).map_err(io::Error::other)?
}

fn connect_here(from: SocketAddr, to: &str) -> io::Result<(TcpStream, String)> {
    let to: SocketAddr = to.parse().map_err(io::Error::other)?;
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, None)?;
    socket.bind(&from.into())?;
    socket.connect_timeout(&to.into(), Duration::from_secs(3))?;
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(3)))?;
    let mut seen = [0; 48];
    stream.read_exact(&mut seen)?;
    Ok((stream, String::from_utf8_lossy(&seen).trim_end().to_owned()))
}

/// Tries until there is a value, or the patience ends.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let deadline = now() + PATIENCE;
    // Nobody sends: receiving is a pause.
    let (_sender, pause) = mpsc::channel::<()>();
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(now() < deadline, "{what}: not within {PATIENCE:?}");
        assert!(pause.recv_timeout(Duration::from_millis(5)).is_err(), "nobody sends");
    }
}

#[expect(clippy::disallowed_methods, reason = "a deadline in real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// A Service with one port for TCP and one for UDP, and its endpoints of both families, all on this
/// node. `spec` is more lines of it, `status` a whole field.
pub(crate) fn service(name: &str, number: u8, extra: &str, endpoints: &[&str]) -> String {
    let mut text = format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec:\n  \
         clusterIPs: [10.96.0.{number}, 'fd96::{number}']\n  ports:\n  \
         - {{name: web, port: 80, nodePort: 300{number}}}\n  \
         - {{name: dns, protocol: UDP, port: 53, nodePort: 301{number}}}\n{extra}\n"
    );
    for (family, is_wanted) in [("IPv4", true), ("IPv6", false)] {
        let of_family: Vec<String> = endpoints
            .iter()
            .filter(|address| ip(address).is_ipv4() == is_wanted)
            .map(|address| format!("{{addresses: ['{address}'], nodeName: a}}"))
            .collect();
        write!(
            text,
            "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n\
             metadata: {{name: {name}-{}, labels: {{kubernetes.io/service-name: {name}}}}}\n\
             addressType: {family}\n\
             ports: [{{name: web, port: 8080}}, {{name: dns, protocol: UDP, port: 5353}}]\n\
             endpoints: [{}]\n",
            family.to_lowercase(),
            of_family.join(", ")
        )
        .unwrap();
    }
    text
}
