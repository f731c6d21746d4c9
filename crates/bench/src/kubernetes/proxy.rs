//! How does each program that leads Services start and end?

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use host::program::Running;
use serde::Serialize;

use super::control_plane::text;
use super::lifeline;
use super::objects::NODE_NAMES;
use super::site::{ENDPOINTS, Node, enter};
use crate::lab;

/// Where `cargo xtask bench` puts the path of kube-proxy.
const PATH_VARIABLE: &str = "KUBE_PROXY";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Software {
    Pogu,
    KubeProxy,
}

impl Software {
    pub(crate) const ALL: [Self; 2] = [Self::Pogu, Self::KubeProxy];

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Pogu => "pogu",
            Self::KubeProxy => "kube-proxy",
        }
    }

    /// Each has a node of its own.
    pub(crate) fn node<T>(self, of: &[T; 2]) -> &T {
        let [first, second] = of;
        match self {
            Self::Pogu => first,
            Self::KubeProxy => second,
        }
    }

    fn command(self, kubeconfig: &Path, folder: &Path) -> Result<Vec<String>> {
        let (kubeconfig, node) = (text(kubeconfig)?, *self.node(&NODE_NAMES));
        let (program, more) = match self {
            Self::Pogu => {
                let socket = text(&folder.join("pogu.sock"))?.to_owned();
                let fixed = ["agent", "--node-name", node, "--kubeconfig", kubeconfig];
                let fixed = [&fixed[..], &["--cluster-cidr", ENDPOINTS, "--socket", &socket]];
                (lab::program()?, fixed.concat().into_iter().map(str::to_owned).collect())
            }
            Self::KubeProxy => {
                let path = std::env::var_os(PATH_VARIABLE).with_context(|| {
                    format!("{PATH_VARIABLE} names no kube-proxy; `cargo xtask bench kubernetes` builds it")
                })?;
                let options = [
                    ("hostname-override", node),
                    ("kubeconfig", kubeconfig),
                    ("proxy-mode", "nftables"),
                    ("cluster-cidr", ENDPOINTS),
                    // These would be written for the whole machine.
                    ("conntrack-max-per-core", "0"),
                    ("conntrack-tcp-timeout-established", "0"),
                    ("conntrack-tcp-timeout-close-wait", "0"),
                ];
                let options = options.map(|(name, value)| format!("--{name}={value}"));
                (PathBuf::from(path), options.to_vec())
            }
        };
        Ok([vec![text(&program)?.to_owned()], more].concat())
    }
}

/// Ends with the value.
#[derive(Debug)]
pub(crate) struct Proxy {
    software: Software,
    running: Running,
    log: PathBuf,
}

impl Proxy {
    pub(crate) fn start(
        software: Software,
        node: &Node,
        kubeconfig: &Path,
        folder: &Path,
    ) -> Result<Self> {
        let log = folder.join(format!("{}.log", software.title()));
        let command = [enter(&node.netns).to_vec(), software.command(kubeconfig, folder)?].concat();
        Ok(Self { software, running: lifeline(&command, &log)?, log })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// Fails with what it said when it has ended.
    pub(crate) fn is_alive(&self) -> Result<()> {
        if self.running.has_ended()? {
            bail!("{} ended; it says:\n{}", self.software.title(), fs::read_to_string(&self.log)?);
        }
        Ok(())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It was started by us and its status was not taken. If it is gone, that is as well.
        if self.running.kill().is_ok() {
            let _status = self.running.wait();
        }
    }
}
