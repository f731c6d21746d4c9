//! Who stands between a program and the API server, and how does the program come to it?

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use super::{ControlPlane, command};

/// Somebody whom requests pass, for as long as this value lives.
#[derive(Debug)]
pub struct Between {
    child: Child,
    url: String,
}

impl Between {
    /// Where it listens: `https://127.0.0.1:40000`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Between {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}

impl ControlPlane {
    /// `faulty` fails some requests, `tunnel` is an HTTP proxy; each has settings.
    #[must_use]
    pub fn between(&self, who: &str, settings: &[&str]) -> Between {
        let mut command = command(&self.program);
        command.arg(who).arg("--state").arg(&self.state).args(settings);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        assert!(url.starts_with("http"), "{command:?} does not listen");
        Between { child, url: url.trim().to_owned() }
    }

    /// The ways in which requests failed, one a line.
    #[must_use]
    pub fn faults(&self) -> String {
        fs::read_to_string(self.state.join("faults.log")).unwrap()
    }

    /// The requests to HTTP proxies, one a line, with the codes of the answers.
    #[must_use]
    pub fn tunnels(&self) -> String {
        fs::read_to_string(self.state.join("tunnels.log")).unwrap_or_default()
    }

    /// Where the first API server listens.
    #[must_use]
    pub fn url(&self) -> String {
        let text = fs::read_to_string(self.admin()).unwrap();
        let server = text.lines().find_map(|line| line.trim().strip_prefix("server: "));
        server.unwrap().to_owned()
    }

    /// A cluster of a kubeconfig, as the fields of a mapping: whoever listens there has shown a
    /// certificate of ours.
    #[must_use]
    pub fn cluster(&self, url: &str) -> String {
        format!("server: '{url}', certificate-authority: {}/pki/ca.crt", self.state.display())
    }

    /// Writes a kubeconfig with this cluster and this user, each as the fields of a mapping. Whoever
    /// reads it meanwhile finds the old one or the new one.
    #[must_use]
    pub fn kubeconfig(&self, name: &str, cluster: &str, user: &str) -> PathBuf {
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: it\n\
             contexts: [{{name: it, context: {{cluster: it, user: it}}}}]\n\
             clusters: [{{name: it, cluster: {{{cluster}}}}}]\n\
             users: [{{name: it, user: {{{user}}}}}]\n"
        );
        self.write(&format!("{name}.kubeconfig"), &text)
    }

    /// Writes a file into the folder of the state, whole at once.
    #[must_use]
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let (path, draft) = (self.state.join(name), self.state.join("draft"));
        fs::write(&draft, text).unwrap();
        fs::rename(&draft, &path).unwrap();
        path
    }

    /// A token of a ServiceAccount, `NAMESPACE/NAME`, which is good for so long; `-1h` is one that has
    /// expired an hour ago.
    #[must_use]
    pub fn token(&self, account: &str, valid: &str) -> String {
        let (namespace, name) = account.split_once('/').unwrap();
        let get = format!("-n {namespace} get serviceaccount {name} -o jsonpath={{.metadata.uid}}");
        let uid = self.kubectl(&get);
        self.order("token", &["--account", account, "--uid", &uid, "--valid", valid])
    }
}
