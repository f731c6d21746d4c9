//! How is the configuration shown to whoever asks the running agent?

use model::{NodePortAddresses, Way};
use serde_json::{Value, json};

use super::{Config, DetectLocalMode, Listen};

impl Config {
    /// The answer of `/configz`: values in the spelling of their flags.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let texts = |values: Vec<String>| Value::from(values);
        let (mode, argument) = match &self.detect_local {
            DetectLocalMode::Never => ("None", None),
            DetectLocalMode::ClusterCidr => ("ClusterCIDR", None),
            DetectLocalMode::NodeCidr => ("NodeCIDR", None),
            DetectLocalMode::Bridge(name) => ("BridgeInterface", Some(&**name)),
            DetectLocalMode::InterfacePrefix(name) => ("InterfaceNamePrefix", Some(&**name)),
        };
        let node_port_addresses = match &self.node_port_addresses {
            NodePortAddresses::Primary => vec!["primary".to_owned()],
            NodePortAddresses::Within(cidrs) => cidrs.iter().map(ToString::to_string).collect(),
        };
        let conntrack = &self.conntrack;
        let seconds = |time: Option<std::time::Duration>| time.map(|time| time.as_secs());
        let class = self.load_balancer.map(|it| it.default_way.map_or("none", Way::class));
        let external_ips = self
            .external_ips
            .as_ref()
            .map(|ranges| texts(ranges.iter().map(ToString::to_string).collect()));
        json!({ "pogu": {
            "manifests": self.source.shown(),
            "nodeName": &*self.node_name.0,
            "clusterCIDRs": texts(self.cluster_cidrs.iter().map(ToString::to_string).collect()),
            "nodeIPs": texts(self.node_ips.iter().map(ToString::to_string).collect()),
            "detectLocalMode": mode,
            "detectLocalInterface": argument,
            "masqueradeAll": self.masquerade_all,
            "nodePortAddresses": texts(node_port_addresses),
            "serviceCIDRs": texts(self.service_cidrs.iter().map(ToString::to_string).collect()),
            "healthzBindAddresses": texts(addresses(&self.healthz)),
            "metricsBindAddresses": texts(addresses(&self.metrics)),
            "trafficCounters": self.traffic_counters,
            "affinityClientsMax": self.affinity_clients_max,
            "externalIPRanges": external_ips,
            "loadBalancerClass": class,
            "announcePort": self.announce_port,
            "socket": self.socket.display().to_string(),
            "syncPeriodSeconds": self.sync_period.as_secs_f64(),
            "minSyncPeriodSeconds": self.min_sync_period.as_secs_f64(),
            "conntrack": {
                "maxPerCore": conntrack.max_per_core,
                "min": conntrack.min,
                "tcpTimeoutEstablishedSeconds": seconds(conntrack.tcp_timeout_established),
                "tcpTimeoutCloseWaitSeconds": seconds(conntrack.tcp_timeout_close_wait),
                "tcpBeLiberal": conntrack.tcp_be_liberal,
                "udpTimeoutSeconds": seconds(conntrack.udp_timeout),
                "udpTimeoutStreamSeconds": seconds(conntrack.udp_timeout_stream),
            },
        }})
    }
}

fn addresses(listen: &[Listen]) -> Vec<String> {
    listen.iter().map(|listen| listen.address.to_string()).collect()
}
