//! Are pods of a joined lab led to wherever the API server is said to be?

use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use host::netns::Netns;
use testkit::control_plane::ControlPlane;

use crate::control_plane::get;
use crate::joined::joined;
use crate::rig::{Lab, fresh_name};

const PORT: u16 = 7443;

/// What somebody says of where the API server is.
fn slice(name: &str, label: &str, family: &str, address: &str) -> String {
    format!(
        "
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: {name}
  labels: {{kubernetes.io/service-name: kubernetes{label}}}
addressType: {family}
endpoints: [{{addresses: [{address:?}]}}]
ports: [{{name: https, port: {PORT}}}]
---"
    )
}

fn has(netns: &Netns, address: &str) -> bool {
    let ip: IpAddr = address.parse().unwrap();
    netns.run(|| TcpListener::bind((ip, 0)).is_ok()).unwrap()
}

fn answers(netns: &Netns, address: &str) -> bool {
    let at = SocketAddr::new(address.parse().unwrap(), PORT);
    netns.run(|| TcpStream::connect_timeout(&at, Duration::from_secs(5)).is_ok()).unwrap()
}

#[test]
fn an_address_that_cannot_be_led_to_keeps_no_other_back_and_one_that_is_gone_is_let_go() {
    if host::skip::without_root() {
        return;
    }
    let Some(control_plane) = ControlPlane::up() else { return };
    let lab = joined(&control_plane);
    let router = lab.netns("outside");
    let in_the_way = router.run(|| TcpListener::bind(("0.0.0.0", PORT)).unwrap()).unwrap();
    control_plane.apply(&slice("four", "", "IPv4", "198.51.100.7"));
    control_plane.apply(&slice("six", "", "IPv6", "2001:db8::7"));
    lab.await_that("the other family is not led", |_| answers(&router, "2001:db8::7"));
    drop(in_the_way);
    lab.await_that("it is not tried again", |_| answers(&router, "198.51.100.7"));
    control_plane.apply(&slice("four", "", "IPv4", "198.51.100.8"));
    lab.await_that("what is new is not led", |_| answers(&router, "198.51.100.8"));
    lab.await_that("what is gone stays", |_| !has(&router, "198.51.100.7"));
    assert!(answers(&router, "2001:db8::7"));
}

#[test]
fn what_a_killed_lab_said_of_the_api_server_is_put_right() {
    if host::skip::without_root() {
        return;
    }
    let Some(control_plane) = ControlPlane::up() else { return };
    let lab = Lab::named(fresh_name());
    let name = format!("kubernetes-{}-ipv4", lab.name);
    let label = format!(", lab.pogu.dev/lab: {}", lab.name);
    control_plane.apply(&slice(&name, &label, "IPv4", "192.0.2.1"));
    let kubeconfig = control_plane.admin().display().to_string();
    lab.says(&["lab", "up", "--detach", "--nodes", "1", "--kubeconfig", &kubeconfig]);
    let expected = serde_json::json!([
        [{"addresses": ["172.30.0.1"], "conditions": {"ready": true}}],
        [{"name": "https", "port": 6443, "protocol": "TCP"}],
    ]);
    lab.await_that("it is believed as it stands", |_| {
        let slice = get(&control_plane, &format!("endpointslice {name}"));
        serde_json::json!([slice["endpoints"], slice["ports"]]) == expected
    });
}
