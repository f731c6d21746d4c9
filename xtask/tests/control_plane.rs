//! Is the control plane of tests a real one, and does it leave nothing behind?

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's own functions fail it")]
#![expect(clippy::print_stdout, reason = "a skipped test says why, and figures are shown")]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use std::{env, fs};

use serde_json::{Value, json};

/// For what takes a moment on an idle machine; tests run beside others.
const PATIENCE: Duration = Duration::from_secs(60);

#[expect(clippy::disallowed_methods, reason = "a deadline in real time")]
fn now() -> Instant {
    Instant::now()
}

/// Tries until there is a value, or the patience ends.
#[track_caller]
fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let deadline = now() + PATIENCE;
    // Nobody sends: receiving is a pause.
    let (_sender, pause) = mpsc::channel::<()>();
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(now() < deadline, "{what}: not within {PATIENCE:?}");
        assert!(pause.recv_timeout(Duration::from_millis(50)).is_err(), "nobody sends");
    }
}

/// The program, where `cargo xtask test` built it; `None`, said aloud, when it did not.
fn program() -> Option<PathBuf> {
    let program = env::var_os("POGU_CONTROL_PLANE").map(PathBuf::from);
    if program.is_none() {
        let is_ci = env::var_os("CI").is_some_and(|value| value == "true");
        assert!(!is_ci, "cannot be skipped when CI=true: POGU_CONTROL_PLANE is not set");
        println!("skipped: POGU_CONTROL_PLANE is not set; `cargo xtask test` sets it");
    }
    program
}

#[expect(clippy::disallowed_methods, reason = "the programs are what is tested")]
fn command(program: &Path) -> Command {
    Command::new(program)
}

/// A control plane that ends when the test does, however it ends.
struct ControlPlane {
    program: PathBuf,
    folder: PathBuf,
    supervisor: Child,
}

impl ControlPlane {
    /// Starts one and waits for the line of its progress.
    #[track_caller]
    fn up(program: &Path, name: &str, until: &str) -> Self {
        let folder = env::temp_dir().join(format!("pogu-{name}-{}", std::process::id()));
        let mut supervisor = command(program)
            .args(["up", "--until-stdin-closes", "--state"])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let progress = supervisor.stdout.take().unwrap();
        let plane = Self { program: program.to_owned(), folder, supervisor };
        let mut lines = Vec::new();
        for line in BufReader::new(progress).lines() {
            lines.push(line.unwrap());
            if lines.last().is_some_and(|line| line == until) {
                return plane;
            }
        }
        panic!("ended before {until:?}, after {lines:?}");
    }

    fn order(&self, arguments: &[&str]) -> String {
        let [verb, rest @ ..] = arguments else { panic!("no order") };
        let mut order = command(&self.program);
        order.arg(verb).arg("--state").arg(&self.folder).args(rest);
        succeed(&mut order)
    }

    fn kubectl_as(&self, kubeconfig: &Path, arguments: &[&str]) -> Command {
        let mut kubectl = command(&self.program.with_file_name("kubectl"));
        kubectl.arg("--kubeconfig").arg(kubeconfig).args(arguments);
        kubectl
    }

    fn kubectl(&self, arguments: &[&str]) -> String {
        succeed(&mut self.kubectl_as(&self.folder.join("admin.kubeconfig"), arguments))
    }

    fn kubectl_json(&self, arguments: &[&str]) -> Value {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--output", "json"]).collect();
        serde_json::from_str(&self.kubectl(&arguments)).unwrap()
    }

    /// Creates or updates what is written there.
    fn apply(&self, manifest: &Value) {
        let path = self.folder.join("manifest.json");
        fs::write(&path, manifest.to_string()).unwrap();
        self.kubectl(&["apply", "--filename", path.to_str().unwrap()]);
    }

    /// How kubectl fails when it asks for a path.
    fn refusal(&self, path: &str) -> String {
        let kubeconfig = self.folder.join("admin.kubeconfig");
        let output = self.kubectl_as(&kubeconfig, &["get", "--raw", path]).output().unwrap();
        assert!(!output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap().trim_end().to_owned()
    }

    /// The command lines of all processes that were told of our folder.
    fn processes(&self) -> Vec<String> {
        let folder = self.folder.to_str().unwrap();
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").unwrap() {
            // Processes come and go meanwhile.
            let Ok(line) = fs::read(entry.unwrap().path().join("cmdline")) else { continue };
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            if line.contains(folder) {
                found.push(line);
            }
        }
        found
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        // The end of its input is its end; one that has ended already is what is wanted.
        drop(self.supervisor.stdin.take());
        if let Err(error) = self.supervisor.wait() {
            println!("{error}");
        }
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            println!("{}: {error}", self.folder.display());
        }
    }
}

#[track_caller]
fn succeed(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert!(status.success(), "{command:?}: {status}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

/// The component's process and how much memory it has, in MiB.
fn resident(status: &Value) -> Vec<(String, u64)> {
    let components = status["components"].as_array().unwrap();
    let of = |component: &Value| {
        let status = fs::read_to_string(format!("/proc/{}/status", component["pid"])).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kib: u64 = line.split_whitespace().next().unwrap().parse().unwrap();
        (component["name"].as_str().unwrap().to_owned(), kib / 1024)
    };
    components.iter().map(of).collect()
}

/// A Service for the Pods `app: web`, and one such Pod.
fn web() -> [Value; 2] {
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {
            "selector": {"app": "web"}, "ports": [{"name": "http", "port": 80}],
            "ipFamilyPolicy": "RequireDualStack", "clusterIP": "10.96.0.80",
            "clusterIPs": ["10.96.0.80", "fd00:10:96::80"],
        },
    });
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "web-1", "labels": {"app": "web"}},
        "spec": {"nodeName": "n1", "containers": [{"name": "web", "image": "web"}]},
    });
    [service, pod]
}

#[test]
fn a_real_controller_makes_slices_and_objects_survive_the_death_of_the_api_server() {
    let Some(program) = program() else { return };
    let start = now();
    let plane = ControlPlane::up(&program, "real", "ready");
    println!("ready after {:?}", start.elapsed());
    let status: Value = serde_json::from_str(&plane.order(&["status"])).unwrap();
    println!("{status:#}");

    // What a person or a kubelet writes, and what the controller makes of it.
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}});
    let [service, pod] = web();
    for object in [&node, &service, &pod] {
        plane.apply(object);
    }
    let addresses = r#"{"status": {"phase": "Running", "podIP": "10.244.0.5",
        "podIPs": [{"ip": "10.244.0.5"}, {"ip": "fd00:10:244::5"}],
        "conditions": [{"type": "Ready", "status": "True"}]}}"#;
    plane.kubectl(&["patch", "pod", "web-1", "--subresource", "status", "--patch", addresses]);
    let slices = eventually("a ready endpoint of each family", || {
        let slices = plane.kubectl_json(&["get", "endpointslices", "--selector", OF_WEB]);
        let endpoints: Vec<Value> = slices["items"].as_array()?.iter().map(endpoint).collect();
        (endpoints.len() == 2 && endpoints.iter().all(|one| one["ready"] == true))
            .then_some(endpoints)
    });
    for (family, address) in [("IPv4", "10.244.0.5"), ("IPv6", "fd00:10:244::5")] {
        let by = "endpointslice-controller.k8s.io";
        let expected = json!({"family": family, "by": by, "address": address, "ready": true});
        assert_eq!(slices.iter().filter(|slice| **slice == expected).count(), 1, "{slices:?}");
    }
    let cidrs = eventually("the Node has ranges for its Pods", || {
        Some(plane.kubectl_json(&["get", "node", "n1"])["spec"]["podCIDRs"].take())
            .filter(|cidrs| !cidrs.is_null())
    });
    assert_eq!(cidrs, json!(["10.244.0.0/24", "fd00:10:244::/64"]));
    println!("resident, MiB: {:?}", resident(&status));

    // It dies, the past is forgotten, and it comes back.
    let before = plane.kubectl_json(&["get", "service", "web"]);
    plane.order(&["kill", "kube-apiserver"]);
    let server = status["apiServers"][0]["server"].as_str().unwrap();
    let host = server.strip_prefix("https://").unwrap();
    assert_eq!(
        plane.refusal("/readyz"),
        format!(
            "The connection to the server {host} was refused - did you specify the right host or \
             port?"
        )
    );
    plane.order(&["compact"]);
    let start = now();
    plane.order(&["start", "kube-apiserver"]);
    println!("the API server is back after {:?}", start.elapsed());
    assert_eq!(plane.kubectl_json(&["get", "service", "web"]), before);
    let version = before["metadata"]["resourceVersion"].as_str().unwrap();
    let services = "/api/v1/namespaces/default/services";
    assert_eq!(
        plane.refusal(&format!("{services}?resourceVersion={version}&resourceVersionMatch=Exact")),
        "Error from server (Expired): The resourceVersion for the provided list is too old."
    );
    let watch = format!("{services}?watch=true&timeoutSeconds=5&resourceVersion={version}");
    let event: Value = serde_json::from_str(&plane.kubectl(&["get", "--raw", &watch])).unwrap();
    let object = &event["object"];
    assert_eq!(
        json!({"type": event["type"], "reason": object["reason"], "code": object["code"]}),
        json!({"type": "ERROR", "reason": "Expired", "code": 410})
    );
    assert_eq!(creations(&plane), [json!({"user": "admin", "agent": agent(&plane), "code": 201})]);
    plane.order(&["down"]);
    assert_eq!(plane.processes(), [""; 0]);
}

const OF_WEB: &str = "kubernetes.io/service-name=web";

/// What is compared of a slice that has one endpoint.
fn endpoint(slice: &Value) -> Value {
    let by = &slice["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"];
    let endpoint = &slice["endpoints"][0];
    json!({
        "family": slice["addressType"], "by": by,
        "address": endpoint["addresses"][0], "ready": endpoint["conditions"]["ready"],
    })
}

/// Who created the Service, as the audit log has it.
fn creations(plane: &ControlPlane) -> Vec<Value> {
    let log = fs::read_to_string(plane.folder.join("audit.log")).unwrap();
    let events = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let is_creation = |event: &Value| {
        let object = &event["objectRef"];
        event["verb"] == "create" && object["resource"] == "services" && object["name"] == "web"
    };
    let seen = |event: Value| {
        json!({
            "user": event["user"]["username"], "agent": event["userAgent"],
            "code": event["responseStatus"]["code"],
        })
    };
    events.filter(is_creation).map(seen).collect()
}

/// What kubectl says of itself: as it always does, though it is a link to a larger program.
fn agent(plane: &ControlPlane) -> String {
    let client = &plane.kubectl_json(&["version", "--client"])["clientVersion"];
    let field = |name: &str| client[name].as_str().unwrap().to_owned();
    let commit: String = field("gitCommit").chars().take(7).collect();
    format!("kubectl/{} ({}) kubernetes/{commit}", field("gitVersion"), field("platform"))
}

#[test]
fn whom_rbac_gives_nothing_may_do_nothing() {
    let Some(program) = program() else { return };
    let plane = ControlPlane::up(&program, "rbac", "ready");
    let kubeconfig = plane.folder.join("reader.kubeconfig");
    let text = plane.order(&["kubeconfig", "--user", "reader", "--group", "readers"]);
    fs::write(&kubeconfig, text).unwrap();
    let list = ["get", "--raw", "/api/v1/services"];
    let refused = plane.kubectl_as(&kubeconfig, &list).output().unwrap();
    assert_eq!(
        String::from_utf8(refused.stderr).unwrap().trim_end(),
        "Error from server (Forbidden): services is forbidden: User \"reader\" cannot list \
         resource \"services\" in API group \"\" at the cluster scope"
    );
    let role = ["--verb=list", "--resource=services"];
    plane.kubectl(&[&["create", "clusterrole", "reader"], role.as_slice()].concat());
    let to = ["--clusterrole=reader", "--group=readers"];
    plane.kubectl(&[&["create", "clusterrolebinding", "reader"], to.as_slice()].concat());
    eventually("the right is known", || {
        plane.kubectl_as(&kubeconfig, &list).output().unwrap().status.success().then_some(())
    });
}

#[test]
fn components_end_with_a_supervisor_that_is_killed() {
    let Some(program) = program() else { return };
    let mut plane = ControlPlane::up(&program, "killed", "starting kube-controller-manager …");
    plane.supervisor.kill().unwrap();
    eventually("all have ended", || plane.processes().is_empty().then_some(()));
}
