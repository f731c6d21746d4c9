//! Which flags does the cluster DNS have, alone and in an agent, and what do they say?

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use dns::config::{Flags as Said, Origin};
use dns::config::{PodRecords, Setting, StubDomain, TTL_MAX, Target};
use dns::wire::Name;
use model::ServiceName;

use super::Switch;
use super::value::{ConfigError, Flag};

const UPSTREAM: Flag = Flag("--upstream");
const STUB_DOMAIN: Flag = Flag("--stub-domain");
const CLUSTER_DOMAIN: Flag = Flag("--cluster-domain");
const CLUSTERSET_DOMAIN: Flag = Flag("--clusterset-domain");
const TTL: Flag = Flag("--dns-ttl");

/// As typed; `DnsConfig::try_from` judges the values.
#[derive(Debug, Clone, Args)]
pub struct DnsFlags {
    /// The domain of all Services [default: what the cluster's Corefile says, or cluster.local]
    #[arg(long, value_name = "DOMAIN", help_heading = "DNS")]
    pub cluster_domain: Option<String>,

    /// The domain of Services that several clusters share (ServiceImports), if there is one
    #[arg(long, value_name = "DOMAIN", help_heading = "DNS")]
    pub clusterset_domain: Option<String>,

    /// Who is asked for all other names: 1.1.1.1, [2606:4700::1111]:53, tls://1.1.1.1#one.one.one.one
    /// or a resolv.conf [default: what the cluster's Corefile says, or the node's resolv.conf]
    #[arg(long, value_name = "ADDR[:PORT]", value_delimiter = ',', help_heading = "DNS")]
    pub upstream: Vec<String>,

    /// Who is asked for the names of one domain
    #[arg(long, value_name = "DOMAIN=ADDR[,ADDR]", help_heading = "DNS")]
    pub stub_domain: Vec<String>,

    /// Whether names made of pods' addresses are answered [default: insecure]
    #[arg(long, value_enum, value_name = "disabled|insecure|verified", help_heading = "DNS")]
    pub pods: Option<Pods>,

    /// Seconds that answers for the cluster's names hold [default: 30]
    #[arg(long, value_name = "SECONDS", help_heading = "DNS")]
    pub dns_ttl: Option<String>,

    /// A Corefile in place of the cluster's own, the ConfigMap kube-system/coredns
    #[arg(long, value_name = "FILE", help_heading = "DNS")]
    pub corefile: Option<PathBuf>,

    /// Static entries, written as in /etc/hosts
    #[arg(long, value_name = "FILE", help_heading = "DNS")]
    pub hosts: Option<PathBuf>,

    /// Where the node's own name servers are listed
    #[arg(long, value_name = "FILE", default_value = "/etc/resolv.conf", help_heading = "DNS")]
    pub resolv_conf: PathBuf,

    /// Walk the search lists of this node's pods for them [default: on]
    #[arg(long, value_enum, value_name = "on|off", help_heading = "DNS")]
    pub dns_search: Option<Switch>,

    /// Give headless Services names for their endpoints of one topology zone:
    /// ZONE.pin._zone.SERVICE…, ZONE.prefer._zone.SERVICE…
    #[arg(long, help_heading = "DNS")]
    pub dns_zonal_names: bool,

    /// The Service whose clients ask the cluster DNS
    #[arg(
        long,
        value_name = "NS/NAME",
        default_value = "kube-system/kube-dns",
        help_heading = "DNS"
    )]
    pub dns_service: String,
}

/// `--pods`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Pods {
    Disabled,
    Insecure,
    Verified,
}

/// What the flags say, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsConfig {
    pub flags: Said,
    pub clusterset: Option<Name>,
    pub corefile: Option<Arc<str>>,
    pub hosts: Option<Arc<str>>,
    pub zonal: bool,
    pub service: ServiceName,
}

impl DnsConfig {
    /// Whether the flags say that names made of Pods' addresses are verified.
    pub(super) fn verifies_pods(&self) -> bool {
        let pods = self.flags.pods.as_ref();
        pods.is_some_and(|pods| matches!(pods.value, PodRecords::Verified))
    }
}

impl TryFrom<&DnsFlags> for DnsConfig {
    type Error = ConfigError;

    fn try_from(flags: &DnsFlags) -> Result<Self, ConfigError> {
        let domain = flags.cluster_domain.as_deref();
        let domain = domain.map(|text| CLUSTER_DOMAIN.domain(text)).transpose()?;
        let clusterset = flags.clusterset_domain.as_deref();
        let clusterset = clusterset.map(|text| CLUSTERSET_DOMAIN.domain(text)).transpose()?;
        if let (Some(domain), Some(other)) = (&domain, &clusterset)
            && (domain.is_within(other) || other.is_within(domain))
        {
            let hint = format!("--cluster-domain is {domain}; neither may hold the other");
            return Err(CLUSTERSET_DOMAIN.wrong("overlaps --cluster-domain", other, hint));
        }
        let zones = domain.map(|domain| {
            let zones = [&*domain.to_string(), "in-addr.arpa", "ip6.arpa"].map(Arc::from);
            Setting::new(zones.to_vec(), Origin::new(CLUSTER_DOMAIN.0))
        });
        let stub_domains = flags.stub_domain.iter().map(|text| stub_domain(text));
        Ok(Self {
            flags: Said {
                cluster_zones: zones,
                upstreams: upstreams(&flags.upstream)?,
                stub_domains: stub_domains.collect::<Result<_, _>>()?,
                resolv_conf: Some(Setting::new(
                    path(&flags.resolv_conf),
                    Origin::new("--resolv-conf"),
                )),
                pods: flags.pods.map(|pods| Setting::new(pods.into(), Origin::new("--pods"))),
                ttl: flags.dns_ttl.as_deref().map(ttl).transpose()?,
                autopath: flags
                    .dns_search
                    .map(|switch| Setting::new(switch == Switch::On, Origin::new("--dns-search"))),
            },
            clusterset,
            corefile: flags.corefile.as_deref().map(path),
            hosts: flags.hosts.as_deref().map(path),
            zonal: flags.dns_zonal_names,
            service: flags.dns_service.parse().map_err(|_unspecific| {
                let hint = "write it as kube-system/kube-dns";
                Flag("--dns-service").wrong("is no NAMESPACE/NAME", &flags.dns_service, hint)
            })?,
        })
    }
}

impl From<Pods> for PodRecords {
    fn from(pods: Pods) -> Self {
        match pods {
            Pods::Disabled => Self::Disabled,
            Pods::Insecure => Self::Insecure,
            Pods::Verified => Self::Verified,
        }
    }
}

fn path(path: &std::path::Path) -> Arc<str> {
    path.to_string_lossy().into()
}

fn upstreams(texts: &[String]) -> Result<Option<Setting<Vec<Target>>>, ConfigError> {
    let targets = texts.iter().map(|text| {
        Target::parse(text.trim()).map_err(|error| UPSTREAM.refused(text, &error.to_string()))
    });
    let targets: Vec<Target> = targets.collect::<Result<_, _>>()?;
    let is_said = !targets.is_empty();
    Ok(is_said.then(|| Setting::new(targets, Origin::new(UPSTREAM.0))))
}

fn stub_domain(text: &str) -> Result<Setting<StubDomain>, ConfigError> {
    let parsed = StubDomain::parse(text.trim());
    let parsed = parsed.map_err(|error| STUB_DOMAIN.refused(text, &error.to_string()))?;
    Ok(Setting::new(parsed, Origin::new(STUB_DOMAIN.0)))
}

fn ttl(text: &str) -> Result<Setting<u32>, ConfigError> {
    let number = TTL.number(text)?;
    if number > TTL_MAX {
        return Err(TTL.wrong("is too long", text, format!("at most {TTL_MAX}, an hour")));
    }
    Ok(Setting::new(number, Origin::new(TTL.0)))
}

impl Flag {
    fn domain(self, text: &str) -> Result<Name, ConfigError> {
        let name = Name::from_text(text).map(|name| name.to_lowercase());
        match name {
            Ok(name) if name.as_wire().len() > 1 => Ok(name),
            Ok(_) => Err(self.wrong("is the root", text, "write a domain, such as cluster.local")),
            Err(error) => Err(self.wrong("is no domain", text, error.to_string())),
        }
    }

    /// An error of a reader that says its hint on a line of its own.
    fn refused(self, value: &str, error: &str) -> ConfigError {
        let (problem, hint) = error.split_once("\nhint: ").unwrap_or((error, ""));
        let hint = if hint.is_empty() { problem } else { hint };
        self.wrong("cannot be used", value, hint)
    }
}
