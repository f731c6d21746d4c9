//! Which figures does a scrape give?

use std::sync::mpsc::sync_channel;
use std::time::Duration;

use model::{DropReason, Family, Protocol, RejectReason, ServicePortName};

use super::answers::view;
use super::at;
use super::cluster::applied;
use crate::measurement::{
    Conntrack, Count, EndpointConnections, EndpointTraffic, Measurement, Refusal, RefusedPackets,
    ServiceTraffic, Source, Traffic,
};
use crate::metrics::Metrics;
use crate::recorder::Apply;

fn page(metrics: &Metrics, measurement: Measurement) -> Vec<String> {
    let answer = metrics.answer(&view(applied()), measurement, at(0));
    answer.body.lines().map(str::to_owned).collect()
}

/// The figures whose names begin so, without the words about them.
fn figures<'a>(page: &'a [String], prefixes: &[&str]) -> Vec<&'a str> {
    page.iter()
        .map(String::as_str)
        .filter(|line| prefixes.iter().any(|prefix| line.starts_with(prefix)))
        .collect()
}

fn metrics() -> Metrics {
    let (sender, _events) = sync_channel(1);
    Metrics::new(sender)
}

#[test]
fn the_published_value_gives_its_figures() {
    let page =
        page(&metrics(), Measurement { failed: vec![Source::Core], ..Measurement::default() });
    let expected = [
        "pogu_apply_operations_total 0",
        "pogu_drift_repaired_total 0",
        "pogu_services 2",
        "pogu_frontends 4",
        "pogu_endpoints 3",
        "pogu_synced 1",
        "pogu_generation 3",
        "pogu_applied_generation 3",
        "pogu_failing_services 0",
        "pogu_rejections{kind=\"Service\"} 0",
        "pogu_rejections{kind=\"EndpointSlice\"} 0",
        "pogu_rejections{kind=\"Node\"} 0",
        "pogu_rejections{kind=\"ServiceCIDR\"} 0",
        "pogu_rejections{kind=\"File\"} 0",
        "pogu_rejections{kind=\"Other\"} 0",
        "pogu_rejections{kind=\"Agent\"} 0",
        "pogu_measurement_failed{source=\"core\"} 1",
        "pogu_measurement_failed{source=\"traffic\"} 0",
        "pogu_measurement_failed{source=\"conntrack\"} 0",
        concat!("pogu_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
    ];
    assert_eq!(figures(&page, &["pogu_"]), expected);
    assert_eq!(page.last().map(String::as_str), Some("# EOF"));
}

#[test]
fn what_the_kernel_counts_is_labelled_with_what_it_belongs_to() {
    let port = ServicePortName { service: "shop/web".parse().unwrap(), port: "http".into() };
    let endpoint = "[fd00::5]:8080".parse().unwrap();
    let (sent, received) = (Count { packets: 5, bytes: 500 }, Count { packets: 4, bytes: 4_000 });
    let traffic = Traffic {
        services: vec![ServiceTraffic {
            port: port.clone(),
            protocol: Protocol::Tcp,
            connections: 2,
            sent,
            received,
        }],
        connections: vec![EndpointConnections {
            port,
            protocol: Protocol::Tcp,
            endpoint,
            connections: 1,
        }],
        endpoints: vec![EndpointTraffic { endpoint, protocol: Protocol::Tcp, sent, received }],
        refused: vec![
            RefusedPackets { refusal: Refusal::Drop(DropReason::SourceNotAllowed), packets: 7 },
            RefusedPackets { refusal: Refusal::Reject(RejectReason::NoEndpoint), packets: 8 },
        ],
    };
    let conntrack =
        Conntrack { entries: 50, entries_max: 200, insert_failed: 1, drop: 2, early_drop: 3 };
    let measurement =
        Measurement { traffic: Some(traffic), conntrack: Some(conntrack), failed: Vec::new() };
    let page = page(&metrics(), measurement);
    let service = "namespace=\"shop\",service=\"web\",port=\"http\",protocol=\"TCP\"";
    let endpoint = "endpoint=\"[fd00::5]:8080\"";
    let (to, from) = ("direction=\"to-endpoint\"", "direction=\"to-client\"");
    assert_eq!(
        figures(&page, &["pogu_service_", "pogu_endpoint_", "pogu_refused", "pogu_conntrack"]),
        [
            format!("pogu_service_connections_total{{{service}}} 2"),
            format!("pogu_service_packets_total{{{service},{to}}} 5"),
            format!("pogu_service_packets_total{{{service},{from}}} 4"),
            format!("pogu_service_bytes_total{{{service},{to}}} 500"),
            format!("pogu_service_bytes_total{{{service},{from}}} 4000"),
            format!("pogu_endpoint_connections_total{{{service},{endpoint}}} 1"),
            format!("pogu_endpoint_packets_total{{{endpoint},protocol=\"TCP\",{to}}} 5"),
            format!("pogu_endpoint_packets_total{{{endpoint},protocol=\"TCP\",{from}}} 4"),
            format!("pogu_endpoint_bytes_total{{{endpoint},protocol=\"TCP\",{to}}} 500"),
            format!("pogu_endpoint_bytes_total{{{endpoint},protocol=\"TCP\",{from}}} 4000"),
            "pogu_refused_packets_total{verdict=\"drop\",reason=\"source-not-allowed\"} 7"
                .to_owned(),
            "pogu_refused_packets_total{verdict=\"reject\",reason=\"no-endpoint\"} 8".to_owned(),
            "pogu_conntrack_entries 50".to_owned(),
            "pogu_conntrack_entries_max 200".to_owned(),
            "pogu_conntrack_fill_ratio 0.25".to_owned(),
            "pogu_conntrack_insert_failed_total 1".to_owned(),
            "pogu_conntrack_drop_total 2".to_owned(),
            "pogu_conntrack_early_drop_total 3".to_owned(),
        ]
    );
}

#[test]
fn the_core_counts_under_the_names_of_kube_proxy() {
    let metrics = metrics();
    let recorder = metrics.recorder();
    recorder.queued(Family::V4, 1, 2, at(10));
    let took = Duration::from_millis(3);
    recorder.applied(&[Family::V4], Apply { full: false, took, at: at(11), operations: 5 });
    recorder.programmed(Family::V4, Duration::from_millis(40));
    recorder.apply_failed(&[Family::V6]);
    recorder.conntrack_cleaned(Family::V4, took, 9);
    let page = page(&metrics, Measurement::default());
    let mut found: Vec<&str> = figures(&page, &["kubeproxy_"])
        .into_iter()
        .filter(|line| !line.contains("_bucket{"))
        .collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "kubeproxy_conntrack_reconciler_deleted_entries_total{ip_family=\"IPv4\"} 9",
            "kubeproxy_conntrack_reconciler_deleted_entries_total{ip_family=\"IPv6\"} 0",
            "kubeproxy_conntrack_reconciler_sync_duration_seconds_count{ip_family=\"IPv4\"} 1",
            "kubeproxy_conntrack_reconciler_sync_duration_seconds_sum{ip_family=\"IPv4\"} 0.003",
            "kubeproxy_network_programming_duration_seconds_count{ip_family=\"IPv4\"} 1",
            "kubeproxy_network_programming_duration_seconds_sum{ip_family=\"IPv4\"} 0.04",
            "kubeproxy_sync_partial_proxy_rules_duration_seconds_count{ip_family=\"IPv4\"} 1",
            "kubeproxy_sync_partial_proxy_rules_duration_seconds_sum{ip_family=\"IPv4\"} 0.003",
            "kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family=\"IPv4\"} 1",
            "kubeproxy_sync_proxy_rules_duration_seconds_sum{ip_family=\"IPv4\"} 0.003",
            "kubeproxy_sync_proxy_rules_endpoint_changes_pending{ip_family=\"IPv4\"} 0",
            "kubeproxy_sync_proxy_rules_endpoint_changes_pending{ip_family=\"IPv6\"} 0",
            "kubeproxy_sync_proxy_rules_endpoint_changes_total{ip_family=\"IPv4\"} 2",
            "kubeproxy_sync_proxy_rules_endpoint_changes_total{ip_family=\"IPv6\"} 0",
            "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds{ip_family=\"IPv4\"} 1795597210.0",
            "kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family=\"IPv4\"} 1795597211.0",
            "kubeproxy_sync_proxy_rules_nftables_cleanup_failures_total{ip_family=\"IPv4\"} 0",
            "kubeproxy_sync_proxy_rules_nftables_cleanup_failures_total{ip_family=\"IPv6\"} 0",
            "kubeproxy_sync_proxy_rules_nftables_sync_failures_total{ip_family=\"IPv4\"} 0",
            "kubeproxy_sync_proxy_rules_nftables_sync_failures_total{ip_family=\"IPv6\"} 1",
            "kubeproxy_sync_proxy_rules_no_local_endpoints_total{ip_family=\"IPv4\",traffic_policy=\"external\"} 0",
            "kubeproxy_sync_proxy_rules_no_local_endpoints_total{ip_family=\"IPv4\",traffic_policy=\"internal\"} 0",
            "kubeproxy_sync_proxy_rules_no_local_endpoints_total{ip_family=\"IPv6\",traffic_policy=\"external\"} 0",
            "kubeproxy_sync_proxy_rules_no_local_endpoints_total{ip_family=\"IPv6\",traffic_policy=\"internal\"} 0",
            "kubeproxy_sync_proxy_rules_service_changes_pending{ip_family=\"IPv4\"} 0",
            "kubeproxy_sync_proxy_rules_service_changes_pending{ip_family=\"IPv6\"} 0",
            "kubeproxy_sync_proxy_rules_service_changes_total{ip_family=\"IPv4\"} 1",
            "kubeproxy_sync_proxy_rules_service_changes_total{ip_family=\"IPv6\"} 0",
        ]
    );
}

#[test]
fn the_process_shows_what_prometheus_calls_for() {
    let page = page(&metrics(), Measurement::default());
    let names: Vec<&str> = figures(&page, &["process_"])
        .into_iter()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(
        names,
        [
            "process_cpu_seconds_total",
            "process_start_time_seconds",
            "process_resident_memory_bytes",
            "process_virtual_memory_bytes",
            "process_threads",
            "process_open_fds",
        ]
    );
}
