//! How is a DNS started that runs alone?

use agent::config::Config;

use crate::arguments::DnsArguments;
use crate::failure::Failure;
use crate::{logging, node};

pub(crate) fn run(arguments: DnsArguments) -> Result<(), Failure> {
    let config = Config::try_from(arguments.flags)
        .map_err(|error| Failure::usage(error.to_string(), error.hint))?;
    logging::start(config.log_format);
    agent::run_dns(config).map_err(node::failure)
}
