//! What does each site answer over a real connection?

use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

use clap::{Args as _, Command, FromArgMatches as _};
use model::Family;
use tokio::net::UnixListener;
use tokio::sync::watch;

use super::ask;
use super::cluster::{SHOP, applied, published};
use crate::config::{Config, Flags};
use crate::event::Event;
use crate::measurement::Measurement;
use crate::metrics::Metrics;
use crate::published::Status;
use crate::site::{Site, View};
use serve::{Listener, listen, serve};

pub(crate) fn config(flags: &str) -> Config {
    let line = format!("agent --manifests /m --node-name a {flags}");
    let matches =
        Flags::augment_args(Command::new("agent")).get_matches_from(line.split_whitespace());
    Config::try_from(Flags::from_arg_matches(&matches).unwrap()).unwrap()
}

pub(super) fn view(status: Status) -> View {
    let (sender, receiver) = watch::channel(Arc::new(published(SHOP, "127.0.0.1", status)));
    drop(sender);
    View {
        config: Arc::new(config("")),
        published: receiver,
        dns: None,
        api_server: None,
        announced: None,
    }
}

/// A site that is served on a thread of its own.
pub(super) struct Served {
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    pub(super) fn new(site: Site, listen: impl FnOnce() -> Listener) -> Self {
        let (stop, stop_server) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let listener = {
            let _inside = runtime.enter();
            listen()
        };
        let site = Arc::new(site);
        let thread = std::thread::spawn(move || {
            runtime.block_on(serve(listener, site, stop_server));
        });
        Self { stop, thread: Some(thread) }
    }

    fn tcp(site: Site) -> (Self, SocketAddr) {
        let mut address = None;
        let served = Self::new(site, || {
            let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
            address = Some(listener.local_addr().unwrap());
            Listener::Tcp(listener)
        });
        (served, address.unwrap())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.thread.take().unwrap().join().unwrap();
    }
}

fn metrics() -> (Arc<Metrics>, Receiver<Event>) {
    let (sender, events) = sync_channel(1);
    (Arc::new(Metrics::new(sender)), events)
}

fn ask_tcp(address: SocketAddr, request: &str) -> String {
    ask(TcpStream::connect(address).unwrap(), request)
}

#[test]
fn a_health_check_port_answers_any_path_and_method() {
    let site = |status| Site::ServiceHealth(view(status), "shop/web".parse().unwrap(), Family::V4);
    let answer = |status: &str, is_well: bool| {
        let body = format!(
            "{{\n\t\"service\": {{\n\t\t\"namespace\": \"shop\",\n\t\t\"name\": \"web\"\n\t}},\n\
             \t\"localEndpoints\": 1,\n\t\"serviceProxyHealthy\": {is_well}\n}}"
        );
        format!(
            "HTTP/1.1 {status}\ncontent-type: application/json\nx-content-type-options: nosniff\n\
             x-load-balancing-endpoint-weight: 1\nconnection: close\ncontent-length: {}\n\n{body}\n",
            body.len()
        )
    };
    let (_served, address) = Served::tcp(site(applied()));
    for request in ["GET /", "GET /any/path?x", "DELETE /healthz"] {
        assert_eq!(ask_tcp(address, request), answer("200 OK", true));
    }
    let (_served, address) = Served::tcp(site(Status::default()));
    assert_eq!(ask_tcp(address, "GET /"), answer("503 Service Unavailable", false));
}

fn text(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\ncontent-type: text/plain; charset=utf-8\n\
         x-content-type-options: nosniff\nconnection: close\ncontent-length: {}\n\n{}",
        body.len(),
        if body.ends_with('\n') { body.to_owned() } else { format!("{body}\n") }
    )
}

#[test]
fn small_questions_have_small_answers() {
    let (metrics, _events) = metrics();
    let (_served, address) = Served::tcp(Site::Metrics(view(applied()), Arc::clone(&metrics)));
    assert_eq!(ask_tcp(address, "GET /proxyMode"), text("200 OK", "nftables"));
    assert_eq!(ask_tcp(address, "GET /healthz"), text("200 OK", "ok"));
    assert_eq!(
        ask_tcp(address, "POST /healthz"),
        text("405 Method Not Allowed", "only GET and HEAD\n")
    );
    assert_eq!(
        ask_tcp(address, "GET /"),
        text("404 Not Found", "not found; there is /metrics, /proxyMode, /healthz, /configz\n")
    );
    let (_served, address) = Served::tcp(Site::Health(view(applied()), metrics));
    assert_eq!(
        ask_tcp(address, "GET /"),
        text("404 Not Found", "not found; there is /healthz, /livez, /readyz, /health, /ready\n")
    );
    assert_eq!(ask_tcp(address, "GET /health"), text("200 OK", "OK"));
    assert_eq!(ask_tcp(address, "GET /ready"), text("404 Not Found", "no DNS is served here\n"));
}

#[test]
fn an_answered_health_is_counted() {
    let (metrics, events) = metrics();
    let (_served, address) = Served::tcp(Site::Health(view(applied()), Arc::clone(&metrics)));
    ask_tcp(address, "GET /livez");
    ask_tcp(address, "GET /healthz");
    ask_tcp(address, "GET /healthz");
    let (_served, address) = Served::tcp(Site::Metrics(view(applied()), metrics));
    let core = std::thread::spawn(move || {
        let Event::Measure(request) = events.recv().unwrap() else {
            panic!("only a measurement is asked for");
        };
        request.answer(Measurement::default());
    });
    let page = ask_tcp(address, "GET /metrics");
    core.join().unwrap();
    let counted: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with("kubeproxy_proxy_") || line.starts_with("content-type"))
        .collect();
    assert_eq!(
        counted,
        [
            "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8",
            "kubeproxy_proxy_healthz_total{code=\"200\"} 2",
            "kubeproxy_proxy_livez_total{code=\"200\"} 1",
        ]
    );
}

#[test]
fn a_query_is_answered_on_the_socket_and_narrowed() {
    let path: PathBuf =
        std::env::temp_dir().join(format!("pogu-answers-{}.sock", std::process::id()));
    let served = Served::new(Site::Query(view(applied()), sync_channel(1).0), || {
        Listener::Unix(UnixListener::bind(&path).unwrap())
    });
    let body = |request: &str| {
        let answer = ask(UnixStream::connect(&path).unwrap(), request);
        answer.split_once("\n\n").unwrap().1.to_owned()
    };
    assert_eq!(
        body("GET /v1/frontends?namespace=shop&name=api"),
        "[{\"apiVersion\":\"pogu.dev/v1\",\"kind\":\"Frontend\",\
         \"metadata\":{\"namespace\":\"shop\",\"name\":\"api\"},\
         \"address\":\"10.96.0.11\",\"port\":90,\"protocol\":\"UDP\",\"type\":\"ClusterIP\",\
         \"inside\":{\"reject\":{\"reason\":\"no-endpoint\"}},\
         \"outside\":{\"reject\":{\"reason\":\"no-endpoint\"}},\"masquerade\":\"NotLocalPod\"}]\n"
    );
    assert_eq!(
        body("GET /v1/services?name=web"),
        "[{\"apiVersion\":\"v1\",\"kind\":\"Service\",\
         \"metadata\":{\"namespace\":\"shop\",\"name\":\"web\",\
         \"creationTimestamp\":\"2026-11-25T08:00:00Z\"},\
         \"spec\":{\"type\":\"LoadBalancer\",\"clusterIPs\":[\"10.96.0.10\"],\
         \"internalTrafficPolicy\":\"Cluster\",\"externalTrafficPolicy\":\"Local\",\
         \"sessionAffinity\":\"ClientIP\",\
         \"sessionAffinityConfig\":{\"clientIP\":{\"timeoutSeconds\":10800}},\
         \"healthCheckNodePort\":31000,\
         \"ports\":[{\"name\":\"http\",\"protocol\":\"TCP\",\"port\":80,\"nodePort\":30080}]},\
         \"status\":{\"loadBalancer\":{\"ingress\":[{\"ip\":\"203.0.113.7\"}]},\
         \"endpoints\":{\"ready\":2,\"total\":3}}}]\n"
    );
    assert_eq!(body("GET /v1/endpoints?name=api"), "[]\n");
    assert_eq!(
        body("GET /v1/status"),
        "{\"nodeName\":\"a\",\"synced\":true,\"generation\":3,\
         \"applied\":{\"generation\":3,\"at\":\"2026-11-25T09:00:00Z\",\"tookSeconds\":0.0015,\
         \"operations\":12},\"pendingSince\":null,\"failing\":[],\"driftRepaired\":0,\
         \"driftLast\":null,\"rejections\":[]}\n"
    );
    drop(served);
    std::fs::remove_file(path).unwrap();
}
