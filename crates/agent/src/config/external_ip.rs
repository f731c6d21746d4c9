//! Which external IPs may Services name: flags that agents and controllers share.

use clap::Args;
use ipnet::IpNet;

use super::value::{ConfigError, Flag};

/// As typed.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub struct ExternalIpFlags {
    /// The only addresses that Services may name in spec.externalIPs, or `none`; without it whoever may
    /// write a Service can lead away packets to any address [default: any]
    #[arg(long, value_name = "CIDR[,CIDR]|none", value_delimiter = ',', help_heading = "Services")]
    pub external_ip_range: Vec<String>,
}

impl ExternalIpFlags {
    /// Absent where any is served.
    ///
    /// # Errors
    /// One is no CIDR.
    pub fn read(&self) -> Result<Option<Vec<IpNet>>, ConfigError> {
        match self.external_ip_range.as_slice() {
            [] => Ok(None),
            [none] if none == "none" => Ok(Some(Vec::new())),
            ranges => Flag("--external-ip-range").cidrs(ranges).map(Some),
        }
    }
}
