//! By which kubeconfig do programs on a node speak to the API server?

use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use kube::config::Kubeconfig;

use super::api::Access;
use super::relay;

/// Writes one that leads through the node's relay, as the same user; nobody else may read it.
pub(crate) fn write_for_node(access: &Access, path: &Path) -> io::Result<()> {
    let file = through_relay(&access.file, &access.host, access.is_tls);
    // JSON is YAML too.
    let text = serde_json::to_vec_pretty(&file)?;
    let mut options = std::fs::File::options();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(path)?.write_all(&text)
}

/// The server has still to prove that it is the one of the original name.
fn through_relay(file: &Kubeconfig, host: &str, is_tls: bool) -> Kubeconfig {
    let mut file = file.clone();
    let context = file.current_context.as_ref();
    let context = file.contexts.iter().find(|it| Some(&it.name) == context);
    let name = context.and_then(|it| it.context.as_ref()).map(|it| it.cluster.clone());
    let cluster = file.clusters.iter_mut().find(|it| Some(&it.name) == name.as_ref());
    if let Some(cluster) = cluster.and_then(|it| it.cluster.as_mut()) {
        let scheme = if is_tls { "https" } else { "http" };
        cluster.server = Some(format!("{scheme}://{}", relay::ADDRESS));
        cluster.proxy_url = None;
        if is_tls {
            cluster.tls_server_name.get_or_insert_with(|| host.to_owned());
        }
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_way_to_the_server_differs() {
        let text = |server: &str, name: &str| {
            format!(
                "{{apiVersion: v1, kind: Config, current-context: a, \
                 contexts: [{{name: a, context: {{cluster: c, user: u}}}}], \
                 clusters: [{{name: b, cluster: {{server: 'https://b:1'}}}}, \
                 {{name: c, cluster: {{server: '{server}', {name} certificate-authority-data: AA==}}}}], \
                 users: [{{name: u, user: {{token: secret}}}}]}}"
            )
        };
        let read = |text: String| Kubeconfig::from_yaml(&text).expect("a kubeconfig");
        let given = read(text("https://api.example:6444", ""));
        let expected = read(text("https://127.0.0.1:6443", "tls-server-name: api.example,"));
        let shown = |file: &Kubeconfig| serde_json::to_value(file).expect("JSON");
        assert_eq!(shown(&through_relay(&given, "api.example", true)), shown(&expected));
    }
}
