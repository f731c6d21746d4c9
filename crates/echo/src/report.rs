//! Who answered, and what was seen of the request?

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// Who answers. Empty where nobody said it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub pod: String,
    pub namespace: String,
    pub node: String,
    pub pod_ip: String,
}

impl Identity {
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name: &str| variable(name).unwrap_or_default();
        Self {
            // Without the downward API a Pod still has its host name.
            pod: variable("POD_NAME").or_else(|| variable("HOSTNAME")).unwrap_or_default(),
            namespace: text("POD_NAMESPACE"),
            node: text("NODE_NAME"),
            pod_ip: text("POD_IP"),
        }
    }
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    #[serde(flatten)]
    pub identity: Identity,
    /// `HTTP/1.1`, `HTTP/2.0`, `TCP` or `UDP`.
    pub protocol: String,
    /// Where the request came from, as the server's socket has it.
    pub client: SocketAddr,
    /// Where it came to. All zeros in UDP, where the socket does not tell.
    pub server: SocketAddr,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
    /// What a datagram said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
}

/// What HTTP adds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    pub method: String,
    /// The `Host` header, or the authority of HTTP/2.
    pub host: String,
    pub path: String,
    pub query: String,
    /// In lower case; several values of a name are joined.
    pub headers: BTreeMap<String, String>,
}

impl Report {
    pub(crate) fn json_line(&self) -> String {
        let mut text =
            serde_json::to_string(self).expect("a report has text keys only, so it is JSON");
        text.push('\n');
        text
    }

    /// For people: a line for each thing.
    pub(crate) fn text(&self) -> String {
        let identity = &self.identity;
        let mut lines = vec![
            ("pod", identity.pod.clone()),
            ("namespace", identity.namespace.clone()),
            ("node", identity.node.clone()),
            ("pod ip", identity.pod_ip.clone()),
            ("client", self.client.to_string()),
            ("server", self.server.to_string()),
            ("protocol", self.protocol.clone()),
        ];
        if let Some(request) = &self.request {
            let query = if request.query.is_empty() { "" } else { "?" };
            let target = format!("{}{query}{}", request.path, request.query);
            lines.push(("request", format!("{} {target}", request.method)));
            lines.push(("host", request.host.clone()));
            for (name, value) in &request.headers {
                lines.push(("header", format!("{name}: {value}")));
            }
        }
        let mut text = String::new();
        for (name, value) in lines.iter().filter(|(_, value)| !value.is_empty()) {
            writeln!(text, "{name}: {value}").expect("writing to a String cannot fail");
        }
        text
    }
}

/// An IPv4 client of a socket for both families is told as what it is.
pub(crate) fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
