//! What does a scrape say of the cluster DNS, under the names that dashboards of CoreDNS look for?

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;

use dns::wire::{Name, RecordType};
use ingest::Touched;
use tokio::runtime::Builder;
use tokio::sync::watch;

use super::answers::config;
use super::cluster::{SHOP, applied, published};
use super::{PATIENCE, at};
use crate::cluster_dns::{ClusterDns, DnsView};
use crate::config::NodeDns;
use crate::heard::Hearing;
use crate::measurement::Measurement;
use crate::metrics::Metrics;
use crate::published::Published;
use crate::site::View;

/// Says SERVFAIL to whatever it is asked, until nobody has asked for long.
fn upstream() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 1_500];
        while let Ok((len, client)) = socket.recv_from(&mut buffer) {
            buffer[2] |= 0x80;
            buffer[3] = 2;
            socket.send_to(&buffer[..len], client).unwrap();
        }
    });
    address
}

/// Asks, and waits for the answer.
fn ask(server: SocketAddr, name: &str, rtype: RecordType) {
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    let header = [0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    let name = Name::from_text(name).unwrap();
    let message = [&header, name.as_wire(), &rtype.0.to_be_bytes(), &[0, 1]].concat();
    client.send_to(&message, server).unwrap();
    client.recv(&mut [0; 1_500]).unwrap();
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = host::clock::monotonic() + PATIENCE;
    while !is_so() {
        assert!(host::clock::monotonic() < end, "{what}");
        thread::yield_now();
    }
}

/// A server by this Corefile, which follows one published value while `then` runs.
pub(super) fn serve(name: &str, corefile: &str, value: Published, then: impl FnOnce(&DnsView)) {
    let path = std::env::temp_dir().join(format!("pogu-dns-{name}-{}", std::process::id()));
    fs::write(&path, corefile).unwrap();
    let config = config(&format!("--corefile {}", path.display()));
    let listen = Some(vec!["127.0.0.1:0".parse().unwrap()]);
    let settings = NodeDns { listen, is_local: false, ..config.dns.clone().unwrap() };
    let dns = ClusterDns::start(&config, &settings, Some(&value.table)).unwrap();
    fs::remove_file(&path).unwrap();
    let view = dns.view();
    let (publisher, receiver) = watch::channel(Arc::new(published("", "127.0.0.1", applied())));
    thread::scope(|scope| {
        scope.spawn(move || {
            let runtime = Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(dns.run(receiver));
        });
        publisher.send_replace(Arc::new(value));
        then(&view);
        // It ends when nobody publishes any more.
        drop(publisher);
    });
}

/// The figures of one scrape, but for those that depend on the time.
fn figures(view: &DnsView) -> Vec<String> {
    let (sender, _events) = sync_channel(1);
    let value = Arc::new(published("", "127.0.0.1", applied()));
    let (_publisher, published) = watch::channel(value);
    let view = View {
        config: Arc::new(config("")),
        published,
        dns: Some(view.clone()),
        api_server: None,
        announced: None,
    };
    let answer = Metrics::new(sender).answer(&view, Measurement::default(), at(0));
    let of_dns = answer.body.lines().filter(|line| line.starts_with("coredns_"));
    let is_fixed = |line: &&str| !line.contains("_bucket{") && !line.contains("_seconds_sum");
    of_dns.filter(is_fixed).map(str::to_owned).collect()
}

fn with_prefix<'f>(figures: &'f [String], prefix: &str) -> Vec<&'f str> {
    figures.iter().filter_map(|line| line.strip_prefix(prefix)).collect()
}

/// Of two batches of events and what slices of `shop/web` said at these seconds.
pub(super) fn with_events(seconds: &[u64]) -> Published {
    let mut value = published(SHOP, "127.0.0.1", applied());
    let mut hearing = Hearing::default();
    hearing.batch(host::clock::monotonic());
    hearing.batch(host::clock::monotonic());
    for second in seconds {
        let services = vec!["shop/web".parse().unwrap()];
        hearing.touched(&Touched { services, trigger: Some(at(*second)) }, at(0));
    }
    hearing.published(value.status.generation);
    value.recent = hearing.recent().clone();
    value
}

const COREFILE: &str = "
.:53 {
    kubernetes cluster.local in-addr.arpa
    hosts {
        192.0.2.7 static.example also.example
        fallthrough
    }
    cache 30
    forward . UPSTREAM
}
";

#[test]
fn each_question_is_told_with_the_zone_that_it_is_in_and_who_answered() {
    let corefile = COREFILE.replace("UPSTREAM", &upstream().to_string());
    serve("zones", &corefile, with_events(&[1, 2, 3]), |view| {
        let server = view.running.addresses()[0];
        for name in ["web.shop.svc.cluster.local", "api.shop.svc.cluster.local", "no.cluster.local"]
        {
            ask(server, name, RecordType::A);
        }
        ask(server, "10.0.96.10.in-addr.arpa", RecordType::PTR);
        ask(server, "static.example", RecordType::A);
        ask(server, "www.example", RecordType::A);
        // One is counted in several ways, one after the other.
        let counted = || {
            let stats = view.running.stats();
            let durations = stats.durations.values().flat_map(|it| &it.counts).sum::<u64>();
            let responses = stats.responses.values().sum::<u64>();
            [stats.requests.values().sum::<u64>(), responses, durations]
        };
        until("all are counted", || counted() == [6; 3]);
        let events = || view.state().programming.since_event.counts.iter().sum::<u64>();
        until("the events are counted", || events() == 2);
        let figures = figures(view);
        let questions = "coredns_dns_requests_total{server=\"dns://:53\",zone=";
        assert_eq!(
            with_prefix(&figures, questions),
            [
                "\"cluster.local.\",view=\"\",proto=\"udp\",family=\"1\",type=\"A\"} 3",
                "\"in-addr.arpa.\",view=\"\",proto=\"udp\",family=\"1\",type=\"PTR\"} 1",
                "\".\",view=\"\",proto=\"udp\",family=\"1\",type=\"A\"} 2",
            ]
        );
        let answers = "coredns_dns_responses_total{server=\"dns://:53\",zone=";
        assert_eq!(
            with_prefix(&figures, answers),
            [
                "\"cluster.local.\",view=\"\",rcode=\"NOERROR\",plugin=\"kubernetes\"} 2",
                "\"cluster.local.\",view=\"\",rcode=\"NXDOMAIN\",plugin=\"kubernetes\"} 1",
                "\"in-addr.arpa.\",view=\"\",rcode=\"NOERROR\",plugin=\"kubernetes\"} 1",
                "\".\",view=\"\",rcode=\"NOERROR\",plugin=\"hosts\"} 1",
                "\".\",view=\"\",rcode=\"SERVFAIL\",plugin=\"forward\"} 1",
            ]
        );
        let durations = "coredns_dns_request_duration_seconds_count{server=\"dns://:53\",zone=";
        assert_eq!(
            with_prefix(&figures, durations),
            [
                "\"cluster.local.\",view=\"\"} 3",
                "\"in-addr.arpa.\",view=\"\"} 1",
                "\".\",view=\"\"} 2"
            ]
        );
        let programming = "coredns_kubernetes_dns_programming_duration_seconds_count";
        assert_eq!(
            with_prefix(&figures, programming),
            ["{service_kind=\"cluster_ip\"} 3", "{service_kind=\"headless_with_selector\"} 0",]
        );
    });
}

#[test]
fn names_that_old_and_new_alerts_look_for_have_figures() {
    let upstream = upstream();
    let corefile = COREFILE.replace("UPSTREAM", &upstream.to_string());
    serve("names", &corefile, with_events(&[]), |view| {
        ask(view.running.addresses()[0], "www.example", RecordType::A);
        let figures = figures(view);
        let of = |prefixes: &[&str]| -> Vec<String> {
            let of_prefix = |it: &&String| prefixes.iter().any(|prefix| it.starts_with(prefix));
            let figures = figures.iter().filter(of_prefix);
            figures.map(|it| it.replace(&upstream.to_string(), "UPSTREAM")).collect()
        };
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            of(&["coredns_build", "coredns_panics", "coredns_reload", "coredns_hosts"]),
            [
                format!(
                    "coredns_build_info{{version=\"{version}\",revision=\"\",goversion=\"\"}} 1"
                ),
                "coredns_panics_total 0".to_owned(),
                "coredns_reload_failed_total 0".to_owned(),
                "coredns_hosts_entries 2".to_owned(),
            ]
        );
        let plugin = |name| {
            format!(
                "coredns_plugin_enabled{{server=\"dns://:53\",zone=\".\",view=\"\",name=\"{name}\"}} 1"
            )
        };
        let enabled =
            ["autopath", "cache", "forward", "hosts", "kubernetes", "loadbalance", "loop"];
        assert_eq!(of(&["coredns_plugin_enabled"]), enabled.map(plugin));
        assert_eq!(
            of(&["coredns_forward_", "coredns_autopath", "coredns_cache_drops"])
                .into_iter()
                .filter(|line| !line.contains("duration"))
                .collect::<Vec<_>>(),
            [
                "coredns_cache_drops_total{server=\"dns://:53\",zones=\".\",view=\"\"} 0",
                "coredns_forward_requests_total{to=\"UPSTREAM\"} 1",
                "coredns_forward_healthcheck_failures_total{to=\"UPSTREAM\"} 0",
                "coredns_forward_responses_total{to=\"UPSTREAM\",rcode=\"SERVFAIL\"} 1",
                "coredns_forward_healthcheck_broken_total 0",
                "coredns_forward_max_concurrent_rejects_total 0",
                "coredns_autopath_success_total{server=\"dns://:53\"} 0",
            ]
        );
        let evictions = |kind| {
            format!(
                "coredns_cache_evictions_total{{server=\"dns://:53\",type=\"{kind}\",zones=\".\",\
                 view=\"\"}} 0"
            )
        };
        assert_eq!(of(&["coredns_cache_evictions"]), ["success", "denial"].map(evictions));
    });
}
