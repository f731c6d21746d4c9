//! Which figures does the kernel give?

use std::fmt;
use std::net::SocketAddr;

use model::{Protocol, ServicePortName};

use super::scrape::Page;
use crate::measurement::{Conntrack, Count, Measurement, Refusal, Source, Traffic};

pub(super) fn write(page: &mut Page<'_>, measurement: &Measurement) -> fmt::Result {
    let failed = Source::ALL.map(|source| {
        ([("source", source.as_str())], u64::from(measurement.failed.contains(&source)))
    });
    page.gauges(
        "pogu_measurement_failed",
        "Whether a source of this scrape's figures could not be read; they are missing then",
        failed.into_iter(),
    )?;
    if let Some(traffic) = &measurement.traffic {
        write_services(page, traffic)?;
        write_endpoints(page, traffic)?;
        write_refused(page, traffic)?;
    }
    measurement.conntrack.map_or(Ok(()), |conntrack| write_conntrack(page, conntrack))
}

type PortLabels<'a> = [(&'static str, &'a str); 4];

fn port_labels(port: &ServicePortName, protocol: Protocol) -> PortLabels<'_> {
    [
        ("namespace", &*port.service.namespace),
        ("service", &*port.service.name),
        ("port", &*port.port),
        ("protocol", protocol.as_str()),
    ]
}

/// Both directions of a pair of counts, by one of their figures.
fn directions(
    sent: Count,
    received: Count,
    figure: Figure,
) -> [([(&'static str, &'static str); 1], u64); 2] {
    [
        ([("direction", "to-endpoint")], figure(sent)),
        ([("direction", "to-client")], figure(received)),
    ]
}

type Figure = fn(Count) -> u64;

const FIGURES: [(&str, Figure); 2] =
    [("packets", |count| count.packets), ("bytes", |count| count.bytes)];

fn write_services(page: &mut Page<'_>, traffic: &Traffic) -> fmt::Result {
    page.counters(
        "pogu_service_connections",
        "Connections that the Service port accepted",
        traffic
            .services
            .iter()
            .map(|service| (port_labels(&service.port, service.protocol), service.connections)),
    )?;
    for (unit, figure) in FIGURES {
        let figures = traffic.services.iter().flat_map(|service| {
            let labels = port_labels(&service.port, service.protocol);
            directions(service.sent, service.received, figure)
                .map(|(direction, value)| ((labels, direction), value))
        });
        let help = format!("Traffic of the Service port in {unit}");
        page.counters(&format!("pogu_service_{unit}"), &help, figures)?;
    }
    Ok(())
}

fn write_endpoints(page: &mut Page<'_>, traffic: &Traffic) -> fmt::Result {
    page.counters(
        "pogu_endpoint_connections",
        "Connections that the Service port sent to the endpoint",
        traffic.connections.iter().map(|endpoint| {
            let labels = port_labels(&endpoint.port, endpoint.protocol);
            ((labels, [("endpoint", endpoint.endpoint.to_string())]), endpoint.connections)
        }),
    )?;
    for (unit, figure) in FIGURES {
        let figures = traffic.endpoints.iter().flat_map(|endpoint| {
            let labels = endpoint_labels(endpoint.endpoint, endpoint.protocol);
            directions(endpoint.sent, endpoint.received, figure)
                .map(|(direction, value)| ((labels.clone(), direction), value))
        });
        let help = format!("Traffic of the endpoint through all Services in {unit}");
        page.counters(&format!("pogu_endpoint_{unit}"), &help, figures)?;
    }
    Ok(())
}

fn endpoint_labels(endpoint: SocketAddr, protocol: Protocol) -> [(&'static str, String); 2] {
    [("endpoint", endpoint.to_string()), ("protocol", protocol.as_str().to_owned())]
}

fn write_refused(page: &mut Page<'_>, traffic: &Traffic) -> fmt::Result {
    let figures = traffic.refused.iter().map(|refused| {
        let (verdict, reason) = match refused.refusal {
            Refusal::Drop(reason) => ("drop", reason.as_str()),
            Refusal::Reject(reason) => ("reject", reason.as_str()),
        };
        ([("verdict", verdict), ("reason", reason)], refused.packets)
    });
    page.counters("pogu_refused_packets", "Packets that were dropped or rejected", figures)
}

fn write_conntrack(page: &mut Page<'_>, conntrack: Conntrack) -> fmt::Result {
    let Conntrack { entries, entries_max, insert_failed, drop, early_drop } = conntrack;
    page.gauge("pogu_conntrack_entries", "Connections that the kernel tracks", entries)?;
    page.gauge("pogu_conntrack_entries_max", "Connections that it can track", entries_max)?;
    let ratio = entries as f64 / entries_max as f64;
    page.gauge("pogu_conntrack_fill_ratio", "Share of the table that is used", ratio)?;
    let counters = [
        ("pogu_conntrack_insert_failed", "Connections that could not be entered", insert_failed),
        ("pogu_conntrack_drop", "Packets dropped because the table was full", drop),
        ("pogu_conntrack_early_drop", "Connections forgotten to make room for others", early_drop),
    ];
    counters.into_iter().try_for_each(|(name, help, value)| page.counter(name, help, value))
}
