//! How is the agent started from its arguments?

use agent::Removed;
use agent::config::Config;

use crate::arguments::{AgentAction, AgentArguments};
use crate::failure::{Failure, write_out};
use crate::logging;

pub(crate) fn run(arguments: AgentArguments) -> Result<(), Failure> {
    match (arguments.action, arguments.flags) {
        (Some(AgentAction::Cleanup(cleanup)), _) => {
            let of = if cleanup.kube_proxy {
                agent::Leavings::KubeProxy
            } else {
                agent::Leavings::Agent
            };
            let removed = agent::cleanup(of).map_err(failure)?;
            report(&removed)
        }
        (None, Some(flags)) => {
            let config = Config::try_from(flags)
                .map_err(|error| Failure::usage(error.to_string(), error.hint))?;
            logging::start(config.log_format);
            agent::run(config).map_err(failure)
        }
        (None, None) => Err(Failure::usage(
            "missing argument: --node-name <NAME>, <--manifests <DIR>|--kubeconfig <FILE>|--in-cluster>",
            "--help tells all arguments, with examples",
        )),
    }
}

fn report(removed: &Removed) -> Result<(), Failure> {
    let tables = removed.tables.iter();
    let tables = tables.map(|table| format!("removed table {} {}\n", table.family, table.name));
    let links = removed.links.iter().map(|link| format!("removed link {link}\n"));
    let lines: String = tables.chain(links).collect();
    write_out(if lines.is_empty() { "nothing to remove\n" } else { &lines })
}

pub(crate) fn failure(failure: agent::Failure) -> Failure {
    Failure { what: failure.to_string(), hint: failure.hint(), ..Failure::told() }
}
