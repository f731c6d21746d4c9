//! How is a controller started?

use ::controller::{Addresses, LeaseName, Settings, Timing};
use watch::Access;

use crate::arguments::{Bind, ControllerArguments};
use crate::failure::Failure;
use crate::logging;

pub(crate) fn run(arguments: ControllerArguments) -> Result<(), Failure> {
    let access = match arguments.source.kubeconfig {
        Some(path) => Access::Kubeconfig { path, context: arguments.context },
        None => Access::InCluster,
    };
    let external_ips = arguments.external_ips.read();
    let external_ips =
        external_ips.map_err(|error| Failure::usage(error.to_string(), error.hint))?;
    let addresses = arguments.load_balancer.read();
    let addresses = addresses.map_err(|error| Failure::usage(error.to_string(), error.hint))?;
    let addresses = addresses.map(|it| Addresses { default_way: it.default_way });
    let http = arguments.http_bind_address.into_iter().filter_map(|bind| match bind {
        Bind::Nowhere => None,
        Bind::At(address) => Some(address),
    });
    let name = arguments.identity.unwrap_or_else(host_name);
    logging::start(arguments.log_format);
    let settings = Settings {
        access,
        lease: LeaseName { namespace: arguments.lease_namespace, name: arguments.lease_name },
        name,
        external_ips,
        addresses,
        timing: Timing::default(),
        http: http.collect(),
    };
    ::controller::run(settings).map_err(|failure| {
        let hint = failure.hint();
        Failure { what: failure.to_string(), hint, ..Failure::told() }
    })
}

fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "controller".to_owned() } else { name.to_owned() }
}
