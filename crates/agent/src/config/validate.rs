//! Which flags are wrong, alone or together?

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ipnet::IpNet;
use model::NodePortAddresses;

use super::value::{ConfigError, Flag};
use super::{
    Config, ConntrackSettings, DetectLocalMode, DnsConfig, Flags, Listen, NodeDns, Switch,
};

/// `sun_path` of a socket address, with its closing zero.
const SOCKET_PATH_MAX: usize = 107 - HANDOVER_SUFFIX_LEN;

/// Another socket's path is made of it.
const HANDOVER_SUFFIX_LEN: usize = 16;

const DNS_ADDRESS: Flag = Flag("--dns-bind-address");
const CLUSTER_CIDR: Flag = Flag("--cluster-cidr");
const DETECT_LOCAL_MODE: Flag = Flag("--detect-local-mode");
const BRIDGE: Flag = Flag("--pod-bridge-interface");
const PREFIX: Flag = Flag("--pod-interface-name-prefix");
const HEALTHZ: Flag = Flag("--healthz-bind-address");
const METRICS: Flag = Flag("--metrics-bind-address");
const NODEPORT_ADDRESSES: Flag = Flag("--nodeport-addresses");
const SERVICE_CIDR: Flag = Flag("--service-cidr");
const MIN_SYNC_PERIOD: Flag = Flag("--min-sync-period");
const ANNOUNCE_PORT: Flag = Flag("--announce-port");
const SYNC_PERIOD: Flag = Flag("--sync-period");

impl TryFrom<Flags> for Config {
    type Error = ConfigError;

    fn try_from(flags: Flags) -> Result<Self, ConfigError> {
        let cluster_cidrs = CLUSTER_CIDR.cidrs(&flags.cluster_cidr)?;
        let service_cidrs = SERVICE_CIDR.cidrs(&flags.service_cidr)?;
        check_apart(&service_cidrs, &cluster_cidrs)?;
        let healthz = listen(HEALTHZ, &flags.healthz_bind_address, Listen::healthz_defaults)?;
        let metrics = listen(METRICS, &flags.metrics_bind_address, Listen::metrics_defaults)?;
        check_ports_apart(&healthz, &metrics)?;
        let sync_period = SYNC_PERIOD.time(&flags.sync_period)?;
        let min_sync_period = MIN_SYNC_PERIOD.time(&flags.min_sync_period)?;
        if sync_period.is_zero() {
            let hint = "a refused change needs some time before the next try, for example 30s";
            return Err(SYNC_PERIOD.wrong("must not be zero", flags.sync_period, hint));
        }
        if min_sync_period > sync_period {
            let hint = format!("at most --sync-period, which is {}", flags.sync_period);
            return Err(MIN_SYNC_PERIOD.wrong("is too long", flags.min_sync_period, hint));
        }
        Ok(Self {
            node_name: Flag("--node-name").node_name(&flags.node_name)?,
            node_ips: Flag("--node-ip").node_ips(&flags.node_ip)?,
            detect_local: detect_local(&flags, &cluster_cidrs)?,
            masquerade_all: flags.masquerade_all,
            node_port_addresses: node_port_addresses(&flags.nodeport_addresses)?,
            conntrack: conntrack(&flags)?,
            affinity_clients_max: affinity_clients_max(&flags.affinity_clients_max)?,
            traffic_counters: flags.traffic_counters == Switch::On,
            dns: dns(&flags)?,
            load_balancer: flags.load_balancer.read()?,
            external_ips: flags.external_ips.read()?,
            announce_port: announce_port(flags.announce_port)?,
            socket: socket(&flags.socket)?.to_owned(),
            log_format: flags.log_format,
            source: flags.source.into(),
            cluster_cidrs,
            names_http: Vec::new(),
            service_cidrs,
            healthz,
            metrics,
            sync_period,
            min_sync_period,
        })
    }
}

fn announce_port(port: u16) -> Result<u16, ConfigError> {
    if port == 0 {
        let hint = "the same port on all nodes, for example 7947";
        return Err(ANNOUNCE_PORT.wrong("must not be zero", port, hint));
    }
    Ok(port)
}

fn dns(flags: &Flags) -> Result<Option<NodeDns>, ConfigError> {
    let config = DnsConfig::try_from(&flags.names)?;
    let values = &flags.dns_bind_address;
    let listen = if values.is_empty() { None } else { Some(DNS_ADDRESS.addresses(values)?) };
    let handover = handover(&flags.socket);
    Ok((flags.dns == Switch::On).then_some(NodeDns {
        config,
        listen,
        is_local: true,
        has_pods: true,
        handover,
        take_over: flags.take_over,
    }))
}

/// Beside the socket that queries come to.
pub(super) fn handover(socket: &Path) -> PathBuf {
    let mut path = socket.to_owned().into_os_string();
    path.push(".dns");
    path.into()
}

/// Without a flag there are the defaults; with one, nothing may be missing.
fn listen(
    flag: Flag,
    values: &[String],
    defaults: fn() -> Vec<Listen>,
) -> Result<Vec<Listen>, ConfigError> {
    if values.is_empty() {
        return Ok(defaults());
    }
    let addresses = flag.addresses(values)?;
    Ok(addresses.into_iter().map(Listen::required).collect())
}

fn check_apart(service: &[IpNet], cluster: &[IpNet]) -> Result<(), ConfigError> {
    for one in service {
        if let Some(other) =
            cluster.iter().find(|other| other.contains(one) || one.contains(*other))
        {
            let hint = format!("pods have {other}; Services need addresses of their own");
            return Err(SERVICE_CIDR.wrong("overlaps --cluster-cidr", one, hint));
        }
    }
    Ok(())
}

/// Port 0 is any free port, so it is never the same one.
fn check_ports_apart(healthz: &[Listen], metrics: &[Listen]) -> Result<(), ConfigError> {
    for one in metrics {
        let clashes = |other: &&Listen| {
            let (one, other) = (one.address, other.address);
            one.port() == other.port()
                && one.port() != 0
                && one.is_ipv4() == other.is_ipv4()
                && (one.ip() == other.ip()
                    || one.ip().is_unspecified()
                    || other.ip().is_unspecified())
        };
        if let Some(other) = healthz.iter().find(clashes) {
            let hint = format!("--healthz-bind-address has {}; choose another port", other.address);
            return Err(METRICS.wrong("is taken by /healthz", one.address, hint));
        }
    }
    Ok(())
}

fn detect_local(flags: &Flags, cluster: &[IpNet]) -> Result<DetectLocalMode, ConfigError> {
    let mode = flags.detect_local_mode.as_deref();
    let bridge = flags.pod_bridge_interface.as_deref();
    let prefix = flags.pod_interface_name_prefix.as_deref();
    check_belongs(BRIDGE, bridge, mode, "BridgeInterface")?;
    check_belongs(PREFIX, prefix, mode, "InterfaceNamePrefix")?;
    match mode {
        None if cluster.is_empty() => Ok(DetectLocalMode::Never),
        Some("None") => Ok(DetectLocalMode::Never),
        Some("ClusterCIDR") if cluster.is_empty() => Err(DETECT_LOCAL_MODE.wrong(
            "needs --cluster-cidr",
            "ClusterCIDR",
            "add --cluster-cidr with the addresses of all pods, or choose another mode",
        )),
        None | Some("ClusterCIDR") => Ok(DetectLocalMode::ClusterCidr),
        Some("NodeCIDR") => Ok(DetectLocalMode::NodeCidr),
        Some(mode @ "BridgeInterface") => match bridge {
            Some(name) => Ok(DetectLocalMode::Bridge(Arc::from(BRIDGE.interface(name)?))),
            None => Err(needs(mode, "needs --pod-bridge-interface", "cni0")),
        },
        Some(mode @ "InterfaceNamePrefix") => match prefix {
            Some(name) => Ok(DetectLocalMode::InterfacePrefix(Arc::from(PREFIX.interface(name)?))),
            None => Err(needs(mode, "needs --pod-interface-name-prefix", "veth")),
        },
        Some(other) => Err(DETECT_LOCAL_MODE.wrong(
            "is unknown",
            other,
            "one of ClusterCIDR, NodeCIDR, BridgeInterface, InterfaceNamePrefix, None",
        )),
    }
}

fn needs(mode: &str, problem: &'static str, example: &str) -> ConfigError {
    DETECT_LOCAL_MODE.wrong(problem, mode, format!("add it, for example with {example}"))
}

fn check_belongs(
    flag: Flag,
    value: Option<&str>,
    mode: Option<&str>,
    of: &'static str,
) -> Result<(), ConfigError> {
    match value {
        Some(value) if mode != Some(of) => {
            let hint = format!("add --detect-local-mode {of}, or leave {} out", flag.0);
            Err(flag.wrong("has no use in this mode", value, hint))
        }
        Some(_) | None => Ok(()),
    }
}

fn node_port_addresses(values: &[String]) -> Result<NodePortAddresses, ConfigError> {
    if values.iter().any(|value| value == "primary") {
        return match values {
            [_] => Ok(NodePortAddresses::Primary),
            more => {
                let hint = "either `primary` alone or CIDRs";
                Err(NODEPORT_ADDRESSES.wrong("mixes `primary` with CIDRs", more.join(","), hint))
            }
        };
    }
    let cidrs = NODEPORT_ADDRESSES.cidrs(values)?;
    if let Some(loopback) = cidrs.iter().find(|cidr| cidr.network().is_loopback()) {
        let hint = "node ports answer on no loopback address: routing those opens services \
                    that rely on being local";
        return Err(NODEPORT_ADDRESSES.wrong("is a loopback network", loopback, hint));
    }
    Ok(NodePortAddresses::Within(cidrs))
}

fn conntrack(flags: &Flags) -> Result<ConntrackSettings, ConfigError> {
    let max_per_core = Flag("--conntrack-max-per-core").number(&flags.conntrack_max_per_core)?;
    Ok(ConntrackSettings {
        max_per_core: (max_per_core != 0).then_some(max_per_core),
        min: Flag("--conntrack-min").number(&flags.conntrack_min)?,
        tcp_timeout_established: Flag("--conntrack-tcp-timeout-established")
            .kernel_time(&flags.conntrack_tcp_timeout_established)?,
        tcp_timeout_close_wait: Flag("--conntrack-tcp-timeout-close-wait")
            .kernel_time(&flags.conntrack_tcp_timeout_close_wait)?,
        tcp_be_liberal: flags.conntrack_tcp_be_liberal,
        udp_timeout: Flag("--conntrack-udp-timeout").kernel_time(&flags.conntrack_udp_timeout)?,
        udp_timeout_stream: Flag("--conntrack-udp-timeout-stream")
            .kernel_time(&flags.conntrack_udp_timeout_stream)?,
    })
}

fn affinity_clients_max(value: &str) -> Result<u32, ConfigError> {
    let flag = Flag("--affinity-clients-max");
    match flag.number(value)? {
        0 => Err(flag.wrong("must not be zero", value, "at least 1; each costs some 100 bytes")),
        number => Ok(number),
    }
}

pub(super) fn socket(path: &Path) -> Result<&Path, ConfigError> {
    let length = path.as_os_str().as_bytes().len();
    if path.is_absolute() && length <= SOCKET_PATH_MAX {
        Ok(path)
    } else {
        let hint = format!("an absolute path of at most {SOCKET_PATH_MAX} bytes");
        Err(Flag("--socket").wrong("cannot be a socket", path.display(), hint))
    }
}
