//! How does a lab begin, before one's eyes or in the background?

use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::time::Duration;

use agent::config::{Config, LogFormat};
use host::program::in_background;
use lab::{Listener, Notice, Settings, Status};

use super::arguments::UpArguments;
use super::{failure, images, named};
use crate::agent_flags;
use crate::failure::{Failure, write_err, write_out};
use crate::logging;

/// So long everything may take to be ready before the command that waits for it gives up.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn run(arguments: &UpArguments) -> Result<(), Failure> {
    let settings = settings(arguments)?;
    if arguments.detach {
        return detach(&settings, arguments);
    }
    logging::start(LogFormat::Text);
    let listener = Listener {
        on_left_over: Box::new(|removed| {
            write_err(&format!(
                "removed what an earlier lab of the name left: {} namespaces, {} programs\n",
                removed.namespaces, removed.programs
            ));
        }),
        on_notice: Box::new(|notice| write_err(&told(notice))),
        on_ready: Box::new(|status, elapsed| {
            drop(write_out(&summary(status, elapsed, false)));
        }),
        keeps_going: arguments.keep_going,
    };
    lab::up(settings, listener).map_err(|error| failure(&error))
}

fn told(notice: &Notice) -> String {
    let hint = notice.hint.as_ref().map(|hint| format!("hint: {hint}\n"));
    format!("pogu: {}\n{}", notice.text, hint.unwrap_or_default())
}

fn summary(status: &Status, elapsed: Duration, is_detached: bool) -> String {
    let name = match status.name.as_str() {
        "default" => String::new(),
        name => format!(" --name {name}"),
    };
    let end = if is_detached || !io::stdout().is_terminal() {
        format!("`pogu lab down{name}` removes it")
    } else {
        "^C removes it".to_owned()
    };
    format!(
        "lab {}: {} nodes and {} pods are ready after {:.1} s\n\
         `pogu lab status{name}` shows them; {end}\n",
        status.name,
        status.nodes.len(),
        status.pods.len(),
        elapsed.as_secs_f64(),
    )
}

fn settings(arguments: &UpArguments) -> Result<Settings, Failure> {
    let program = std::env::current_exe().map_err(|error| {
        Failure::new(format!("cannot find pogu itself: {error}"), "was its file moved or replaced?")
    })?;
    let mut settings = Settings::new(named(&arguments.lab.name)?, program);
    settings.files.clone_from(&arguments.files);
    settings.nodes = arguments.nodes;
    settings.kubeconfig.clone_from(&arguments.kubeconfig);
    settings.kubelet_address = arguments.kubelet_address;
    settings.has_agents = !arguments.no_agents;
    check_agent_flags(&arguments.agent_flags)?;
    settings.agent_flags.clone_from(&arguments.agent_flags);
    settings.cluster_domain.clone_from(&arguments.cluster_domain);
    if let Some(path) = &arguments.world_hosts {
        settings.world_hosts = std::fs::read_to_string(path).map_err(|error| {
            let what = format!("cannot read {}: {error}", path.display());
            Failure::new(what, "--world-hosts names a file that is written as /etc/hosts")
        })?;
    }
    settings.node_grace = Duration::from_secs(arguments.node_grace);
    settings.images = images::read(&arguments.image_files, &arguments.images)?;
    for (given, used) in [
        (&arguments.node_cidr, &mut settings.node_cidrs),
        (&arguments.pod_cidr, &mut settings.pod_cidrs),
        (&arguments.service_cidr, &mut settings.service_cidrs),
    ] {
        if !given.is_empty() {
            used.clone_from(given);
        }
    }
    one_family(arguments, &mut settings);
    settings.check().map_err(|error| Failure::usage(error.to_string(), error.hint))?;
    Ok(settings)
}

/// What an agent would refuse must not be found out by agents that end again and again.
fn check_agent_flags(flags: &[String]) -> Result<(), Failure> {
    // Those that the lab gives cannot be given twice.
    let own = ["--manifests=/", "--node-name=a", "--cluster-cidr=10.0.0.0/8"];
    let own = own.into_iter().chain(["--service-cidr=192.168.0.0/16", "--socket=/s"]);
    let own = own.chain(["--cluster-domain=a", "--resolv-conf=/r"]);
    for flag in flags {
        let parsed =
            agent_flags::parse(own.clone().chain([flag.as_str()])).map_err(|_unspecific| {
                let hint = "`pogu agent --help` lists its flags; the lab itself gives it --manifests, \
                            --node-name, --cluster-cidr, --service-cidr, --socket, --cluster-domain \
                            and --resolv-conf";
                Failure::usage(format!("--agent-flag is none of the agent's: {flag}"), hint)
            })?;
        Config::try_from(parsed).map_err(|error| Failure::usage(error.to_string(), error.hint))?;
    }
    Ok(())
}

/// A flag of one family makes the whole lab of one, as far as the others have not been given.
fn one_family(arguments: &UpArguments, settings: &mut Settings) {
    let given = [&arguments.node_cidr, &arguments.pod_cidr, &arguments.service_cidr];
    let mut single = given.into_iter().filter(|cidrs| cidrs.len() == 1).flatten();
    let Some(only) = single.next().map(|cidr| cidr.addr().is_ipv4()) else { return };
    for (given, used) in [
        (&arguments.node_cidr, &mut settings.node_cidrs),
        (&arguments.pod_cidr, &mut settings.pod_cidrs),
        (&arguments.service_cidr, &mut settings.service_cidrs),
    ] {
        if given.is_empty() {
            used.retain(|cidr| cidr.addr().is_ipv4() == only);
        }
    }
}

/// Starts the same command in the background and waits until it is ready, or has failed.
fn detach(settings: &Settings, arguments: &UpArguments) -> Result<(), Failure> {
    let began = host::clock::monotonic();
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !matches!(word.as_str(), "-d" | "--detach"))
        .collect();
    let name = &settings.name;
    let log = lab::own_log(name).map_err(|error| failure(&error))?;
    let mut started = in_background(&settings.program, &words, &log)
        .map_err(|error| Failure::new(error.to_string(), "is the machine out of memory?"))?;
    let mut last = None;
    while host::clock::monotonic() < began + PATIENCE {
        if !matches!(started.status(), Ok(None)) {
            write_err(&std::fs::read_to_string(&log).unwrap_or_default());
            return Err(Failure::told());
        }
        if let Ok(status) = super::status(name).map(|status| *status) {
            if status.pid == started.pid() && status.has_been_ready {
                write_err(&words_for_people(&log));
                return write_out(&summary(&status, host::clock::monotonic() - began, true));
            }
            last = Some(status);
        }
        host::clock::pause(Duration::from_millis(20));
    }
    let reasons = last.iter().flat_map(Status::unready);
    let reasons: Vec<String> = reasons.map(|(who, why)| format!("{who}: {why}")).collect();
    let what = format!(
        "lab {} is up, but not all of it was ready within {} s: {}",
        arguments.lab.name,
        PATIENCE.as_secs(),
        reasons.join("; ")
    );
    Err(Failure::new(what, "`pogu lab status` shows more, `pogu lab down` ends it"))
}

/// What the lab said beyond its log lines.
fn words_for_people(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let is_for_people = |line: &&str| {
        ["pogu: ", "hint: ", "removed "].iter().any(|beginning| line.starts_with(beginning))
    };
    text.lines().filter(is_for_people).map(|line| format!("{line}\n")).collect()
}
