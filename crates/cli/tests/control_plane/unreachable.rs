//! What is said to somebody whose kubeconfig does not lead to the API server, or not as somebody?

use std::fs;

use testkit::control_plane::ControlPlane;

use super::process::{DNS, Process, wait_for};

const FOREIGN: &str = "invalid peer certificate: UnknownIssuer\n\
                   hint: the certificate-authority of the kubeconfig must be the one that signed \
                   for this server";

const MISNAMED: &str = "invalid peer certificate: certificate not valid for name \"wrong.example\"; \
                    certificate is only valid for DnsName(\"localhost\"), DnsName(\"kubernetes\"), \
                    DnsName(\"kubernetes.default\"), DnsName(\"kubernetes.default.svc\"), \
                    DnsName(\"kubernetes.default.svc.cluster.local\"), IpAddress(127.0.0.1), \
                    IpAddress(0::1), IpAddress(127.0.0.1), IpAddress(127.0.0.1), \
                    IpAddress(10.96.0.1) or IpAddress(fd00:10:96::1)\n\
                    hint: name the server as its certificate does, or say how with tls-server-name";

const NOT_ACCEPTED: &str = "going on with what is known of the cluster: the API server does not \
                              accept our credentials: Unauthorized\n\
                              hint: the token or certificate has expired, or belongs to another \
                              cluster";

fn away(what: &str) -> String {
    format!("going on with what is known of the cluster: the API server {what}")
}

/// Without the words of the resolver, which depend on the network of this machine.
fn without_last(warning: &str) -> String {
    warning.rsplit_once(": ").map_or(warning, |(before, _)| before).to_owned()
}

/// What is warned of with this cluster and this user of a kubeconfig, once it is enough.
fn warnings(
    server: &ControlPlane,
    cluster: &str,
    user: &str,
    is_enough: impl Fn(&[String]) -> bool,
) -> Vec<String> {
    let path = server.kubeconfig("wrong", cluster, user);
    let socket = server.state().join("dns.sock");
    let dns = Process::start(&[&DNS[..], &["--socket", socket.to_str().unwrap()]].concat(), &path);
    wait_for("a warning", || Some(dns.warnings()).filter(|it| is_enough(it)))
}

#[test]
fn a_kubeconfig_that_leads_nowhere_or_as_nobody_is_told_with_the_reason() {
    let Some(server) = ControlPlane::up() else { return };
    let url = server.url();
    let other = server.state().join("other.crt");
    // Whoever signs for the tokens has not signed for the server.
    fs::copy(server.state().join("pki/kubelet-client.crt"), &other).unwrap();
    let token = server.token("default/default", "1h");
    let expired = server.token("default/default", "-1m");
    let plain = server.between("tunnel", &[]);
    let clear = url.replace("https", "http");
    let secured = plain.url().replace("http", "https");
    let warned =
        |cluster: &str, user: &str| warnings(&server, cluster, user, |it| !it.is_empty()).remove(0);
    let cluster = server.cluster(&url);
    let good = format!("token: {token}");
    assert_eq!(
        [
            warned(&server.cluster("https://127.0.0.1:9"), &good),
            without_last(&warned(&server.cluster("https://no-such-host.invalid"), &good)),
            warned(&format!("server: '{url}', certificate-authority: {}", other.display()), &good),
            warned(&format!("server: '{url}'"), &good),
            warned(&format!("{cluster}, tls-server-name: wrong.example"), &good),
            warned(&format!("server: '{clear}'"), &good),
            warned(&format!("server: '{secured}'"), &good),
            warned(&cluster, &format!("token: {expired}")),
            warned(&cluster, "token: of-another-cluster"),
        ],
        [
            away(
                "https://127.0.0.1:9 cannot be reached: tcp connect error: Connection refused (os \
                  error 111)\n\
                  hint: nobody listens there: does the server run, and is this its address?"
            ),
            away(
                "https://no-such-host.invalid cannot be reached: dns error: failed to lookup \
                 address information"
            ),
            away(&format!("{url} cannot be reached: {FOREIGN}")),
            away(&format!("{url} cannot be reached: {FOREIGN}")),
            away(&format!("{url} cannot be reached: {MISNAMED}")),
            away(&format!(
                "{clear} answers with an error: 400 Bad Request: Client sent an HTTP \
                           request to an HTTPS server."
            )),
            away(&format!(
                "{secured} cannot be reached: received corrupt message of type \
                           InvalidContentType\n\
                           hint: whoever listens there does not speak TLS"
            )),
            NOT_ACCEPTED.to_owned(),
            NOT_ACCEPTED.to_owned(),
        ]
    );
    nobody_is_told(&server, &cluster);
}

fn nobody_is_told(server: &ControlPlane, cluster: &str) {
    let unnamed =
        warnings(server, cluster, "", |all| all.iter().any(|it| it.contains(" services")));
    assert_eq!(
        unnamed.iter().find(|it| it.contains(" services")).unwrap(),
        "not allowed to watch services: services is forbidden: User \"system:anonymous\" cannot \
         watch resource \"services\" in API group \"\" at the cluster scope; there is no token and \
         no certificate for this user\n\
         hint: a ClusterRole that is bound to this user needs the rule apiGroups: [\"\"], \
         resources: [\"services\"], verbs: [\"list\", \"watch\"]"
    );
}
