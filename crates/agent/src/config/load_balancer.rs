//! Whose Services of type LoadBalancer are ours: flags that agents and controllers share.

use clap::Args;
use model::Way;

use super::value::{ConfigError, Flag};

const CLASS: Flag = Flag("--load-balancer-class");

/// As typed.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub struct LoadBalancerFlags {
    /// Take part in giving Services of type LoadBalancer their addresses and in answering for these;
    /// reads AddressPools, MetalLB's pools and advertisements, and all Nodes
    #[arg(long, help_heading = "Load balancer")]
    pub load_balancer: bool,

    /// The class of Services that name none: `pogu.dev/vip`, `pogu.dev/node-ip`, `pogu.dev/node-port`,
    /// or `none` to leave them to others
    #[arg(
        long,
        value_name = "CLASS",
        default_value = "pogu.dev/vip",
        requires = "load_balancer",
        help_heading = "Load balancer"
    )]
    pub load_balancer_class: String,
}

/// What somebody does about Services of type LoadBalancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadBalancerConfig {
    /// The way of Services that name no class; absent where they are somebody else's.
    pub default_way: Option<Way>,
}

impl LoadBalancerFlags {
    /// Absent where these Services are left alone.
    ///
    /// # Errors
    /// There is no such class.
    pub fn read(&self) -> Result<Option<LoadBalancerConfig>, ConfigError> {
        let class = self.load_balancer_class.as_str();
        let default_way = match Way::of(Some(class), None) {
            None if class != "none" => {
                let classes = Way::ALL.map(Way::class).join(", ");
                return Err(CLASS.wrong("is unknown", class, format!("one of {classes}, none")));
            }
            way => way,
        };
        Ok(self.load_balancer.then_some(LoadBalancerConfig { default_way }))
    }
}
