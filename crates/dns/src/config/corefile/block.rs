//! What does one server block of a Corefile say?

use std::net::SocketAddr;
use std::sync::Arc;

use super::super::forward_rule::ForwardRule;
use super::super::kubernetes::Kubernetes;
use super::super::notice::{Notices, Origin, Setting, quoted};
use super::super::upstream::Target;
use super::super::{Log, LogClass, ServerSettings, ZoneConfig};
use super::address::{AddressError, ServerAddress, listen_address, server_addresses};
use super::report::Report;
use super::tree::Line;
use super::{ZONES_MAX, cache, forward, hosts, kubernetes, rewrite};

/// Rules of each kind (forward, rewrite, transfer, log) of one block. More are ignored, with a notice.
pub const RULES_MAX: usize = 256;

/// A server block: what is done with questions for its zones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerBlock {
    /// Its zones, and where they are served.
    pub addresses: Vec<ServerAddress>,
    /// What holds for these zones; without forward rules, and without entries from files of hosts.
    pub config: ZoneConfig,
    /// The forward rules.
    pub forwards: Vec<Forward>,
    /// What is served from the cluster's objects.
    pub kubernetes: Option<Kubernetes>,
    /// What holds for the whole server.
    pub server: ServerSettings,
    /// Where it begins.
    pub origin: Origin,
}

/// A forward rule and whom it names. The rule itself has no upstreams yet: files may list some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// The rule, without upstreams.
    pub rule: ForwardRule,
    /// Servers and files of servers, in the order given.
    pub targets: Vec<Target>,
    /// The name that certificates of upstreams over TLS must show, unless they have one of their own.
    pub tls_server_name: Option<Arc<str>>,
}

impl ServerBlock {
    pub(super) fn read(line: &Line, notices: &mut Notices) -> Self {
        let mut block = Self {
            addresses: addresses(line, notices),
            config: ZoneConfig::new(line.origin.clone()),
            forwards: Vec::new(),
            kubernetes: None,
            server: ServerSettings::default(),
            origin: line.origin.clone(),
        };
        let mut seen = Vec::new();
        for plugin in &line.body {
            let name = plugin.name();
            // CoreDNS refuses such a file; the first use is as good a guess as any.
            if seen.contains(&name) && !matches!(name, "forward" | "rewrite" | "log" | "transfer") {
                let message = format!("{name} is used twice in a block, the second is ignored");
                notices.add(&plugin.origin, message);
                continue;
            }
            seen.push(name);
            block.plugin(plugin, notices);
        }
        block
    }

    /// The files that it names.
    pub(super) fn files(&self) -> impl Iterator<Item = Arc<str>> {
        let targets = self.forwards.iter().flat_map(|forward| &forward.targets);
        let servers = targets.filter_map(|target| match target {
            Target::File(path) => Some(Arc::clone(path)),
            Target::Upstream(_) => None,
        });
        servers.chain(self.config.hosts.iter().filter_map(|hosts| hosts.file.clone()))
    }

    fn plugin(&mut self, line: &Line, notices: &mut Notices) {
        match line.name() {
            "kubernetes" => {
                let zones = self.addresses.iter().map(|address| Arc::clone(&address.zone));
                let kubernetes = kubernetes::read(line, zones.collect(), notices);
                self.config.cluster_zones.clone_from(&kubernetes.zones.value);
                self.kubernetes = Some(kubernetes);
            }
            "forward" if self.forwards.len() < RULES_MAX => {
                self.forwards.extend(forward::read(line, notices));
                if self.forwards.len() > RULES_MAX {
                    self.forwards.truncate(RULES_MAX);
                    notices.add(&line.origin, format!("rules beyond {RULES_MAX} are ignored"));
                }
            }
            "rewrite" if self.config.rewrites.len() < RULES_MAX => {
                self.config.rewrites.extend(rewrite::read(line, notices));
            }
            "transfer" if self.config.transfers.len() < RULES_MAX => {
                self.config.transfers.extend(kubernetes::read_transfer(line, notices));
            }
            "log" if self.config.logs.len() < RULES_MAX => {
                self.config.logs.push(log(line, notices));
            }
            "forward" | "rewrite" | "transfer" | "log" => {
                notices.add(&line.origin, format!("rules beyond {RULES_MAX} are ignored"));
            }
            "cache" => self.config.cache = Some(cache::read(line, notices)),
            "hosts" => self.config.hosts = Some(Arc::new(hosts::read(line, notices))),
            "bufsize" => {
                if let Some(bufsize) = bufsize(line, notices) {
                    self.config.bufsize = Setting::new(bufsize, line.origin.clone());
                }
            }
            "minimal" => self.config.is_minimal = true,
            "local" => self.config.answers_localhost = true,
            "nsid" => self.config.nsid = Some(line.arguments().join(" ").into()),
            _ => self.server_plugin(line, notices),
        }
    }

    /// Plugins about the whole server, and those that have nothing to say to ours.
    fn server_plugin(&mut self, line: &Line, notices: &mut Notices) {
        let origin = || line.origin.clone();
        match line.name() {
            "health" => {
                self.server.health = listen(line, "health", ":8080", notices);
                for option in &line.body {
                    let mut report = Report { plugin: "health", notices };
                    match option.name() {
                        "lameduck" => {
                            let lameduck = report.duration(option);
                            self.server.lameduck =
                                lameduck.map(|value| Setting::new(value, option.origin.clone()));
                        }
                        _ => report.unknown(option),
                    }
                }
            }
            "ready" => self.server.ready = listen(line, "ready", ":8181", notices),
            "prometheus" => {
                self.server.metrics = listen(line, "prometheus", "localhost:9153", notices);
            }
            "autopath" => {
                self.server.autopath = Some(Setting::new(true, origin()));
                if line.arguments().last().is_none_or(|of| of != "@kubernetes") {
                    let says = "is taken as @kubernetes: the search path of pods is completed";
                    Report { plugin: "autopath", notices }.say(line, says);
                }
            }
            "loadbalance" => {
                if !matches!(line.arguments(), [] | [_])
                    || line.arguments().iter().any(|policy| policy != "round_robin")
                {
                    let says = "is not understood, ignored: the order of addresses is drawn";
                    Report { plugin: "loadbalance", notices }.say(line, says);
                }
            }
            // Failures are told, loops are found, changes are read, and ANY is short: always.
            "errors" | "loop" | "reload" | "any" => {}
            name => {
                let message = format!(
                    "plugin {} is not understood, ignored: {}",
                    quoted(name),
                    consequence(name)
                );
                notices.add(&line.origin, message);
            }
        }
    }
}

/// What follows from a plugin that is not there.
fn consequence(name: &str) -> &'static str {
    match name {
        "template" | "whoami" | "erratic" | "chaos" | "header" => "its answers are not given",
        "file" | "auto" | "secondary" | "etcd" | "route53" | "azure" | "clouddns" | "sign"
        | "k8s_external" | "federation" | "root" | "nomad" => "its zones are not served",
        "acl" | "cancel" | "tsig" => "no question is refused or cut off by it",
        "view" => "the block holds for every client",
        "dns64" => "no AAAA is made from an A",
        "dnssec" => "answers are not signed",
        "proxy" | "grpc" | "alternate" | "fanout" => "nobody is asked by it, forward does that",
        "bind" | "tls" | "multisocket" | "quic" | "https" | "proxyproto" => {
            "where and how to listen is said by flags"
        }
        "dnstap" | "trace" | "debug" | "pprof" | "metadata" | "geoip" => "answers are the same",
        _ => "names are answered without it",
    }
}

fn addresses(line: &Line, notices: &mut Notices) -> Vec<ServerAddress> {
    let mut addresses: Vec<ServerAddress> = Vec::new();
    let words = line.words.iter().flat_map(|word| word.split(',')).filter(|word| !word.is_empty());
    for word in words {
        let says = match server_addresses(word) {
            Ok(more) if addresses.len() + more.len() <= ZONES_MAX => {
                addresses.extend(more);
                continue;
            }
            Ok(_) => {
                notices.add(&line.origin, format!("zones beyond {ZONES_MAX} are ignored"));
                return addresses;
            }
            Err(AddressError::Scheme) => {
                "is not served, ignored: only plain DNS is (hint: dns://, or no scheme)"
            }
            Err(AddressError::Port) => "has a wrong port, ignored",
            Err(AddressError::Zone) => "is no zone, ignored",
        };
        notices.add(&line.origin, format!("server block: {} {says}", quoted(word)));
    }
    addresses
}

fn listen(
    line: &Line,
    plugin: &'static str,
    default: &str,
    notices: &mut Notices,
) -> Option<Setting<SocketAddr>> {
    let text = line.arguments().first().map_or(default, String::as_str);
    let address = listen_address(text);
    if address.is_none() {
        Report { plugin, notices }.wants(line, "an address with a port, like :8080");
    }
    address.map(|address| Setting::new(address, line.origin.clone()))
}

fn bufsize(line: &Line, notices: &mut Notices) -> Option<u16> {
    if line.arguments().is_empty() {
        return Some(1232);
    }
    Report { plugin: "bufsize", notices }.number(line, 512..=4096)
}

/// `log [ZONE...] [FORMAT] { class CLASS... }`. A format has braces or a blank.
fn log(line: &Line, notices: &mut Notices) -> Log {
    let mut report = Report { plugin: "log", notices };
    let is_format = |word: &&String| word.contains(['{', ' ']);
    let (formats, zones): (Vec<&String>, Vec<&String>) =
        line.arguments().iter().partition(is_format);
    if !formats.is_empty() {
        report.say(line, "has a format, which is ignored: there is one form of log lines");
    }
    let zones: Vec<String> = zones.into_iter().cloned().collect();
    let zones = report.zones(line, &zones);
    let mut classes = Vec::new();
    for option in &line.body {
        if option.name() != "class" {
            report.unknown(option);
            continue;
        }
        for word in option.arguments() {
            match word.as_str() {
                "all" => classes.push(LogClass::All),
                "success" => classes.push(LogClass::Success),
                "denial" => classes.push(LogClass::Denial),
                "error" => classes.push(LogClass::Error),
                _ => report.wants(option, "all, success, denial or error"),
            }
        }
    }
    if classes.is_empty() {
        classes.push(LogClass::All);
    }
    Log { zones, classes, origin: line.origin.clone() }
}
