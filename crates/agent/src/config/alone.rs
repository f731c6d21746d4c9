//! Which flags has a DNS that runs alone?

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use model::{NodeName, NodePortAddresses};

use super::validate::handover;
use super::value::{ConfigError, Flag};
use super::{
    Config, ConntrackSettings, DetectLocalMode, DnsConfig, DnsFlags, Listen, LogFormat, NodeDns,
    SourceFlags,
};

const LISTEN: Flag = Flag("--listen");
const HTTP: Flag = Flag("--http-bind-address");

/// As typed; `Config::try_from` judges the values.
#[derive(Debug, Clone, Args)]
pub struct AloneFlags {
    #[command(flatten)]
    pub source: SourceFlags,

    /// Where questions are answered, by UDP and TCP [default: 0.0.0.0:53,[::]:53]
    #[arg(long, value_name = "ADDR:PORT", value_delimiter = ',', help_heading = "DNS")]
    pub listen: Vec<String>,

    #[command(flatten)]
    pub names: DnsFlags,

    /// The node whose pods' search lists are walked for them, if it is on one
    #[arg(long, value_name = "NAME", help_heading = "DNS")]
    pub node_name: Option<String>,

    /// Where /health, /ready and /metrics answer, or `none` [default:
    /// 127.0.0.1:8080,127.0.0.1:8181,127.0.0.1:9153]
    #[arg(long, value_name = "ADDR:PORT", value_delimiter = ',', help_heading = "Operation")]
    pub http_bind_address: Vec<String>,

    /// The socket that `pogu get` asks
    #[arg(
        long,
        value_name = "PATH",
        default_value = "/run/pogu/dns.sock",
        help_heading = "Operation"
    )]
    pub socket: PathBuf,

    /// Take over from the one that runs with the same socket, without losing a query; it ends
    #[arg(long, help_heading = "Operation")]
    pub take_over: bool,

    /// How log lines are written
    #[arg(long, value_enum, default_value = "text", help_heading = "Operation")]
    pub log_format: LogFormat,
}

/// The ports that CoreDNS has for health, readiness and metrics.
const HTTP_PORTS: [u16; 3] = [8080, 8181, 9153];

impl TryFrom<AloneFlags> for Config {
    type Error = ConfigError;

    fn try_from(flags: AloneFlags) -> Result<Self, ConfigError> {
        let config = DnsConfig::try_from(&flags.names)?;
        let listen = if flags.listen.is_empty() {
            vec![
                SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), dns::config::DNS_PORT),
                SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), dns::config::DNS_PORT),
            ]
        } else {
            LISTEN.addresses(&flags.listen)?
        };
        if listen.is_empty() {
            return Err(LISTEN.wrong("names no address", "none", "name one, such as 127.0.0.1:53"));
        }
        let http = if flags.http_bind_address.is_empty() {
            let loopback = IpAddr::from(Ipv4Addr::LOCALHOST);
            HTTP_PORTS.into_iter().map(|port| SocketAddr::new(loopback, port)).collect()
        } else {
            HTTP.addresses(&flags.http_bind_address)?
        };
        let name = flags.node_name.as_deref();
        let name = name.map(|name| Flag("--node-name").node_name(name)).transpose()?;
        let socket = super::validate::socket(&flags.socket)?.to_owned();
        let dns = NodeDns {
            config,
            listen: Some(listen),
            is_local: false,
            has_pods: name.is_some(),
            handover: handover(&socket),
            take_over: flags.take_over,
        };
        Ok(Self {
            source: flags.source.into(),
            node_name: name.unwrap_or_else(|| NodeName::new("")),
            cluster_cidrs: Vec::new(),
            node_ips: Vec::new(),
            detect_local: DetectLocalMode::Never,
            masquerade_all: false,
            node_port_addresses: NodePortAddresses::Primary,
            external_ips: None,
            service_cidrs: Vec::new(),
            healthz: Vec::new(),
            metrics: Vec::new(),
            names_http: http.into_iter().map(Listen::required).collect(),
            conntrack: ConntrackSettings::untouched(),
            sync_period: Duration::from_secs(30),
            min_sync_period: Duration::ZERO,
            traffic_counters: false,
            affinity_clients_max: 1,
            dns: Some(dns),
            load_balancer: None,
            announce_port: announce::PORT,
            socket,
            log_format: flags.log_format,
        })
    }
}
