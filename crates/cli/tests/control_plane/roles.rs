//! The programs at work, as users with the rights of their roles.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use testkit::control_plane::ControlPlane;

use super::process::{Process, pogu};

/// The users of the chart.
pub(crate) const AGENT_USER: &str = "system:serviceaccount:kube-system:pogu-agent";
pub(crate) const CONTROLLER_USER: &str = "system:serviceaccount:kube-system:pogu-controller";

/// The node that the agent is on.
pub(crate) const NODE: &str = "{apiVersion: v1, kind: Node, metadata: {name: a}, \
                    spec: {podCIDR: 10.244.0.0/24, podCIDRs: [10.244.0.0/24]}}";

/// A file in the folder of the chart.
pub(crate) fn deploy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(name)
}

/// Roles, their ServiceAccounts, and the node.
pub(crate) fn install(server: &ControlPlane) {
    install_with(server, &[]);
}

/// The same with values of the chart.
pub(crate) fn install_with(server: &ControlPlane, values: &[&str]) {
    server.apply(&server.chart(&deploy("chart"), values));
    server.apply(NODE);
}

/// A kubeconfig of a ServiceAccount in kube-system that leads to `url`.
pub(crate) fn kubeconfig(server: &ControlPlane, url: &str, account: &str) -> PathBuf {
    let token = server.token(&format!("kube-system/{account}"), "1h");
    server.kubeconfig(account, &server.cluster(url), &format!("token: {token}"))
}

/// An agent with its DNS, and what it holds.
pub(crate) struct Agent {
    _process: Process,
    socket: String,
}

impl Agent {
    /// In the network namespace of the caller; `pogu` may be a program that runs it.
    pub(crate) fn start(pogu: Command, kubeconfig: &Path) -> Self {
        Self::start_with(pogu, kubeconfig, &[])
    }

    /// The same with more words.
    pub(crate) fn start_with(mut pogu: Command, kubeconfig: &Path, more: &[&str]) -> Self {
        let socket = kubeconfig.with_extension("sock").display().to_string();
        let words = ["agent", "--node-name", "a", "--socket", &socket];
        pogu.args(words).args(more).arg("--kubeconfig").arg(kubeconfig);
        let process = Process::spawn(&mut pogu);
        Self { _process: process, socket }
    }

    /// All has been read once, and nothing is wrong.
    pub(crate) fn is_ready(&self) -> bool {
        super::process::said_by("curl", &["-s", "http://127.0.0.1:10256/readyz"]) == "ok\n"
    }

    /// Its endpoints: Service and address.
    pub(crate) fn endpoints(&self) -> BTreeSet<String> {
        let words = ["get", "endpoints", "-A", "-o", "json", "--socket", &self.socket];
        let output = pogu().args(words).output().unwrap();
        let list: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let items = list["items"].as_array().cloned().unwrap_or_default();
        items.iter().map(|it| format!("{} {}", of(it, "name"), text(&it["address"]))).collect()
    }
}

/// The same as the API server has it.
pub(crate) fn endpoints(server: &ControlPlane) -> BTreeSet<String> {
    let list: Value =
        serde_json::from_str(&server.kubectl("get endpointslices -A -o json")).unwrap();
    let slices = list["items"].as_array().unwrap().clone();
    let of_slice = |slice: &Value| -> Vec<String> {
        let service = text(&slice["metadata"]["labels"]["kubernetes.io/service-name"]);
        let port = &slice["ports"][0]["port"];
        let all = slice["endpoints"].as_array().cloned().unwrap_or_default();
        all.iter().map(|it| format!("{service} {}:{port}", text(&it["addresses"][0]))).collect()
    };
    slices.iter().flat_map(of_slice).collect()
}

/// The Services with a condition of ours.
pub(crate) fn accused(server: &ControlPlane) -> BTreeSet<String> {
    let list: Value = serde_json::from_str(&server.kubectl("get services -A -o json")).unwrap();
    let services = list["items"].as_array().unwrap().clone();
    let ours = |service: &Value| {
        let all = service["status"]["conditions"].as_array().cloned().unwrap_or_default();
        all.iter().any(|it| it["type"] == "pogu.dev/Accepted" && it["status"] == "False")
    };
    services.iter().filter(|it| ours(it)).map(|it| of(it, "name")).collect()
}

fn of(object: &Value, field: &str) -> String {
    text(&object["metadata"][field])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// How many requests of a user the server has seen.
pub(crate) fn requests(server: &ControlPlane, user: &str) -> u64 {
    let log = server.audit_log();
    let all = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let of_user = all.filter(|it| it["user"]["username"] == user);
    // A watch has a line for its beginning and one for its end.
    let each: BTreeSet<String> = of_user.map(|it| text(&it["auditID"])).collect();
    u64::try_from(each.len()).unwrap()
}
