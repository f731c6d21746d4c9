//! Have the agents taken in what the cluster holds now?

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use crate::cluster::Cluster;

const TIMEOUT: Duration = Duration::from_secs(2);

/// Of each Service, the endpoints' addresses and whether they are ready.
pub(crate) type Endpoints = BTreeMap<(String, String), BTreeSet<(String, bool)>>;

/// Of the Services whose endpoints are the lab's to tell.
pub(crate) fn expected(cluster: &Cluster) -> Endpoints {
    let mut all = Endpoints::new();
    for (service, slices) in cluster.slices() {
        let name = (service.namespace.to_string(), service.name.to_string());
        let endpoints = all.entry(name).or_default();
        for endpoint in
            slices.into_iter().filter(|it| !it.ports.is_empty()).flat_map(|it| it.endpoints)
        {
            let ready = endpoint.conditions.ready.unwrap_or(true);
            endpoints.extend(endpoint.addresses.into_iter().map(|address| (address, ready)));
        }
    }
    all
}

/// Whether every agent has told the kernel of these.
pub(crate) async fn is_in_step(sockets: Vec<PathBuf>, expected: Endpoints) -> bool {
    for socket in sockets {
        let asked = tokio::time::timeout(TIMEOUT, knows(&socket, &expected));
        if !matches!(asked.await, Ok(Ok(true))) {
            return false;
        }
    }
    true
}

async fn knows(socket: &Path, expected: &Endpoints) -> io::Result<bool> {
    let mut found = Endpoints::new();
    for endpoint in get::<Vec<Endpoint>>(socket, "/v1/endpoints").await? {
        let name = (endpoint.metadata.namespace, endpoint.metadata.name);
        let address = endpoint.address.rsplit_once(':').map_or("", |(address, _)| address);
        let address = address.trim_matches(['[', ']']).to_owned();
        found.entry(name).or_default().insert((address, endpoint.conditions.ready));
    }
    let none = BTreeSet::new();
    let is_known = expected.iter().all(|(name, all)| found.get(name).unwrap_or(&none) == all);
    let status: AgentStatus = get(socket, "/v1/status").await?;
    Ok(is_known && status.applied.is_some() && status.pending_since.is_none())
}

/// As much of the agent's answers as is needed.
#[derive(Deserialize)]
struct Endpoint {
    metadata: Metadata,
    address: String,
    conditions: Conditions,
}

#[derive(Deserialize)]
struct Metadata {
    namespace: String,
    name: String,
}

#[derive(Deserialize)]
struct Conditions {
    ready: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AgentStatus {
    applied: Option<serde_json::Value>,
    pending_since: Option<String>,
}

async fn get<T: DeserializeOwned>(socket: &Path, path: &str) -> io::Result<T> {
    let stream = UnixStream::connect(socket).await?;
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.map_err(io::Error::other)?;
    let connection = tokio::spawn(connection);
    let request = Request::get(path).header("host", "pogu").body(Empty::<Bytes>::new());
    let answer = async {
        let request = request.map_err(io::Error::other)?;
        let answer = sender.send_request(request).await.map_err(io::Error::other)?;
        Ok(answer.into_body().collect().await.map_err(io::Error::other)?.to_bytes())
    };
    let answer: io::Result<Bytes> = answer.await;
    connection.abort();
    Ok(serde_json::from_slice(&answer?)?)
}
