//! What is told while the server is away, and after it is back?

use crate::objects::SHOP;
use crate::reader::Reader;
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
    all.map(|(name, version)| format!("{name}={version}")).collect()
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
    assert_eq!(away.split(": ").next(), Some("the API server cannot be reached"));
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
