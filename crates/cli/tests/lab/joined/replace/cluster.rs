//! Which cluster is there before, and how does pogu come into it?

use std::fs;
use std::path::Path;

use testkit::control_plane::ControlPlane;

use crate::rig::Lab;

pub(super) const PROGRAM: &str = env!("CARGO_BIN_EXE_pogu");

/// The agent's account.
const AGENT: &str = "system:serviceaccount:kube-system:pogu-agent";

/// A cluster as people have it: with kube-proxy on each node, and a DNS of its own.
pub(super) struct Cluster<'a> {
    pub(super) lab: &'a Lab,
    pub(super) control_plane: &'a ControlPlane,
}

impl<'a> Cluster<'a> {
    /// Its kube-proxy is of this mode.
    pub(super) fn before(lab: &'a Lab, control_plane: &'a ControlPlane, mode: &str) -> Self {
        let cluster = Self { lab, control_plane };
        let kube_proxy = control_plane.program().with_file_name("kube-proxy");
        let before = include_str!("before.yaml")
            .replace("FOLDER", &lab.path("").display().to_string())
            .replace("KUBE_PROXY", &kube_proxy.display().to_string())
            .replace("LAB", &lab.name)
            .replace("MODE", mode);
        fs::create_dir(lab.path("names")).unwrap();
        control_plane.apply(&before);
        let kubeconfig = control_plane.admin().display().to_string();
        let image = format!("registry.example/pogu={PROGRAM}");
        let up = ["lab", "up", "--detach", "--nodes", "2", "--no-agents", "--kubeconfig"];
        lab.says(&[&up[..], &[&kubeconfig, "--image", &image]].concat());
        control_plane.apply(include_str!("shop.yaml"));
        lab.write("names/web.yaml", &cluster.kubectl("get service web -o yaml"));
        for name in ["daemonset/kube-proxy", "deployment/coredns"] {
            cluster.kubectl(&format!("-n kube-system rollout status {name} --timeout=60s"));
        }
        cluster.kubectl("rollout status daemonset/web --timeout=30s");
        cluster.kubectl("wait --for=condition=Ready pod/client-1 pod/client-2 --timeout=30s");
        cluster
    }

    pub(super) fn kubectl(&self, words: &str) -> String {
        self.control_plane.kubectl(words)
    }

    pub(super) fn patch(&self, object: &str, patch: &str) {
        self.kubectl(&format!("-n kube-system patch {object} --type merge -p {patch}"));
    }

    /// The chart with the page's values. What differs is the lab's: no tokens in pods, and one file
    /// system for all nodes.
    pub(super) fn install(&self) {
        let node = format!("/run/pogu/lab/{}/nodes/$(NODE_NAME)", self.lab.name);
        let socket = format!("agent.extraArgs={{--socket={node}/agent.sock}}");
        let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/chart");
        let rendered = self.control_plane.chart(
            &chart,
            &[
                "image.repository=registry.example/pogu",
                "agent.clusterCIDR=10.244.0.0/16\\,fd00:10:244::/56",
                "dns.service.create=false",
                "agent.nodeSelector.pogu=yes",
                "controller.enabled=false",
                &socket,
            ],
        );
        let kubeconfig = self.agents_kubeconfig();
        let args = rendered.replace("--in-cluster", &format!("--kubeconfig={kubeconfig}"));
        assert_ne!(args, rendered);
        self.control_plane.apply(&args);
    }

    /// The agent has the rights of its account and no more, through the relay of its node.
    fn agents_kubeconfig(&self) -> String {
        let given = fs::read_to_string(self.control_plane.user(AGENT, "1h")).unwrap();
        let (before, rest) = given.split_once("server: https://127.0.0.1:").unwrap();
        let rest = rest.trim_start_matches(|it: char| it.is_ascii_digit());
        self.lab
            .write("agent.kubeconfig", &format!("{before}server: https://127.0.0.1:6443{rest}"));
        self.lab.path("agent.kubeconfig").display().to_string()
    }
}
