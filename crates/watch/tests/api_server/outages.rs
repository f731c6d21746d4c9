//! What is told while the server is away, and after it is back?

use std::fs;

use crate::objects::SHOP;
use crate::reader::Reader;
use ingest::api::Object;
use rustix::process::Signal;
use testkit::control_plane::ControlPlane;

/// What the server holds of the kinds that change here, by its own word.
fn held(server: &ControlPlane) -> Vec<String> {
    let form = "-o jsonpath={range.items[*]}{.kind}_{.metadata.namespace}/{.metadata.name}={.metadata.resourceVersion};{end}";
    let all = server.kubectl(&format!("get services,endpointslices -A {form}"));
    let mut all: Vec<String> =
        all.split(';').filter(|it| !it.is_empty()).map(|it| it.replace('_', " ")).collect();
    all.sort();
    all
}

fn told(reader: &Reader) -> Vec<String> {
    let is_of_kind =
        |name: &str| name.starts_with("Service ") || name.starts_with("EndpointSlice ");
    let all = reader.held.iter().filter(|(name, _)| is_of_kind(name));
    let version = |object: &Object| object.metadata().resource_version.clone().unwrap();
    let mut all: Vec<String> =
        all.map(|(name, object)| format!("{name}={}", version(object))).collect();
    all.sort();
    all
}

/// How often Services were listed, and how often they were watched from where they were known.
fn asked(reader: &Reader) -> (u64, u64) {
    let collections = reader.state().collections;
    let services = collections.into_iter().find(|it| it.name == "services").unwrap();
    (services.counts.lists, services.counts.watches)
}

#[test]
fn a_server_that_was_killed_and_forgot_the_past_is_followed_again_without_repeating_itself() {
    let Some(server) = ControlPlane::up_with(2, &[]) else { return };
    server.apply(SHOP);
    let mut reader = Reader::start(server.admin());
    reader.until("all is read", |reader| reader.is_synced);
    reader.told();
    server.order("kill", &["kube-apiserver"]);
    reader.until("the outage is seen", |reader| reader.state().away.is_some());
    let away = reader.state().away.unwrap().reason;
    let expected = format!("the API server {} cannot be reached", server.url());
    assert_eq!(away.split(": ").next(), Some(expected.as_str()));
    assert_eq!(reader.told(), [""; 0]);
    // The cluster goes on by another one.
    server.kubectl("-n shop delete service db");
    server.kubectl("-n shop annotate service web seen=yes");
    server.order("compact", &[]);
    server.order("start", &["kube-apiserver"]);
    let expected = held(&server);
    reader.until("the end state is told", |reader| told(reader) == expected);
    reader.until("all are followed", |reader| reader.state().trouble().is_none());
    let changed = reader.told();
    let repeated: Vec<&String> = changed
        .iter()
        .filter(|it| it.ends_with("EndpointSlice shop/web-1") || it.contains("Namespace"))
        .collect();
    assert_eq!(repeated, [""; 0]);
    // It was asked for what had happened since, had forgotten that, and gave another list.
    assert_eq!(asked(&reader), (2, 1));
}

#[test]
fn a_server_that_comes_later_is_waited_for() {
    let Some(server) = ControlPlane::up() else { return };
    server.apply(SHOP);
    server.order("kill", &["kube-apiserver"]);
    let mut reader = Reader::start(server.admin());
    reader.until("it is looked for", |reader| reader.state().away.is_some());
    server.order("start", &["kube-apiserver"]);
    reader.until("all is read", |reader| reader.is_synced);
    assert_eq!(told(&reader), held(&server));
}

#[test]
fn a_server_that_stops_without_a_word_is_noticed_and_followed_again() {
    let Some(server) = ControlPlane::up_with(2, &[]) else { return };
    server.apply(SHOP);
    let mut reader = Reader::start(server.admin());
    reader.until("all is read", |reader| reader.is_synced);
    server.signal("kube-apiserver", Signal::STOP);
    reader.until("the silence is noticed", |reader| reader.state().away.is_some());
    let away = reader.state().away.unwrap().reason;
    assert_eq!(away, format!("the API server {} does not answer for 5 s", server.url()));
    server.kubectl("-n shop annotate service web seen=late");
    server.signal("kube-apiserver", Signal::CONT);
    reader.until("the change is told", |reader| told(reader) == held(&server));
    reader.until("all are followed", |reader| reader.state().trouble().is_none());
    // It knows what has happened since.
    assert_eq!(asked(&reader), (1, 1));
}

/// So many slices, which make a history.
pub(crate) fn many(count: usize) -> String {
    let slice = |number| {
        format!(
            "---\n{{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {{name: \
             many-{number}, namespace: shop}}, addressType: IPv4, endpoints: []}}\n"
        )
    };
    (0..count).map(slice).collect()
}

fn free_port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port().to_string()
}

#[test]
fn a_server_with_an_older_history_and_other_certificates_is_read_anew() {
    let port = free_port();
    let Some(first) = ControlPlane::up_with(1, &["--port", &port]) else { return };
    first.apply(SHOP);
    first.apply(&many(300));
    let folder = std::env::temp_dir().join(format!("pogu-moved-{}", std::process::id()));
    fs::create_dir(&folder).unwrap();
    let path = folder.join("kubeconfig");
    fs::copy(first.admin(), &path).unwrap();
    let mut reader = Reader::start(path.clone());
    reader.until("all is read", |reader| reader.is_synced);
    assert!(told(&reader) == held(&first), "{:?}", reader.held);
    drop(first);
    let second = ControlPlane::up_with(1, &["--port", &port]).unwrap();
    // Its authority has the same name.
    let refused = format!(
        "the API server https://127.0.0.1:{port} cannot be reached: invalid peer certificate: \
         BadSignature\n\
         hint: the certificate-authority of the kubeconfig must be the one that signed for this server"
    );
    reader.until("the certificate is refused", |reader| {
        reader.state().away.is_some_and(|away| away.reason == refused)
    });
    fs::copy(second.admin(), folder.join("new")).unwrap();
    fs::rename(folder.join("new"), &path).unwrap();
    second.apply(SHOP);
    reader.until("the other state is told", |reader| told(reader) == held(&second));
    fs::remove_dir_all(&folder).unwrap();
}
