//! How is the agent started from its arguments?

use agent::TableName;
use agent::config::Config;

use crate::arguments::{AgentAction, AgentArguments};
use crate::failure::{Failure, write_out};
use crate::logging;

pub(crate) fn run(arguments: AgentArguments) -> Result<(), Failure> {
    match (arguments.action, arguments.flags) {
        (Some(AgentAction::Cleanup(cleanup)), _) => {
            let removed = agent::cleanup(cleanup.kube_proxy).map_err(failure)?;
            report(&removed)
        }
        (None, Some(flags)) => {
            let config = Config::try_from(flags)
                .map_err(|error| Failure::usage(error.to_string(), error.hint))?;
            logging::start(config.log_format);
            agent::run(config).map_err(failure)
        }
        (None, None) => Err(Failure::usage(
            "missing argument: --manifests <DIR>, --node-name <NAME>",
            "--help tells all arguments, with examples",
        )),
    }
}

fn report(removed: &[TableName]) -> Result<(), Failure> {
    if removed.is_empty() {
        return write_out("nothing to remove\n");
    }
    let lines =
        removed.iter().map(|table| format!("removed table {} {}\n", table.family, table.name));
    write_out(&lines.collect::<String>())
}

fn failure(failure: agent::Failure) -> Failure {
    Failure { what: failure.to_string(), hint: failure.hint(), ..Failure::told() }
}
