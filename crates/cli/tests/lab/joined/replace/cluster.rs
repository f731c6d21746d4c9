//! Which cluster is there before, and how does pogu come into it?

use std::fs;
use std::path::Path;

use testkit::control_plane::ControlPlane;

use crate::rig::Lab;

pub(super) const PROGRAM: &str = env!("CARGO_BIN_EXE_pogu");

/// Where the API server is for nodes and pods alike, without a Service: at the router of the lab.
const API_SERVER: &str = "172.30.0.1";

/// A control plane that can prove that it is there.
pub(super) fn control_plane() -> Option<ControlPlane> {
    ControlPlane::up_with(1, &["--san", API_SERVER])
}

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

    /// The chart with the page's values. What differs is the lab's: one file system for all nodes.
    fn chart(&self) -> String {
        let node = format!("/run/pogu/lab/{}/nodes/$(NODE_NAME)", self.lab.name);
        let socket = format!("agent.extraArgs={{--socket={node}/agent.sock}}");
        let api_server = format!("apiServer.host={API_SERVER}");
        let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/chart");
        self.control_plane.chart(
            &chart,
            &[
                "image.repository=registry.example/pogu",
                &api_server,
                "agent.clusterCIDR=10.244.0.0/16\\,fd00:10:244::/56",
                "dns.service.create=false",
                "agent.nodeSelector.pogu=yes",
                &socket,
            ],
        )
    }

    /// As Helm does.
    pub(super) fn install(&self) {
        self.control_plane.apply(&self.chart());
    }

    pub(super) fn uninstall(&self) {
        drop(self.control_plane.kubectl_told(&["delete", "-f", "-"], &self.chart()));
    }
}
