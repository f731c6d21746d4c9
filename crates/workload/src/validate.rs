//! Which Pods and Deployments would the API server refuse, and why?

use std::collections::BTreeSet;

use model::{Object, Rejection};

use crate::api::{
    Container, Deployment, IntOrPercent, Pod, PodSpec, Probe, RestartPolicy, Stop, StrategyType,
};
use crate::environment::is_known_field_path;

/// A Pod or a Deployment in the words of rejections.
pub(crate) fn named(kind: &str, namespace: &str, name: &str) -> Object {
    Object::Other { kind: kind.into(), name: format!("{namespace}/{name}").into() }
}

struct Report {
    object: Object,
    found: Vec<Rejection>,
}

impl Report {
    fn reject(&mut self, field: impl Into<String>, reason: impl Into<String>) {
        self.found.push(Rejection::new(self.object.clone(), field, reason));
    }
}

pub(crate) fn pod(pod: &Pod) -> Vec<Rejection> {
    let (namespace, name) = (&pod.metadata.namespace, &pod.metadata.name);
    let mut report = Report { object: named("Pod", namespace, name), found: Vec::new() };
    judge_names(name, namespace, &mut report);
    judge_spec(&pod.spec, "spec", &mut report);
    report.found
}

pub(crate) fn deployment(deployment: &Deployment) -> Vec<Rejection> {
    let (namespace, name) = (&deployment.metadata.namespace, &deployment.metadata.name);
    let mut report = Report { object: named("Deployment", namespace, name), found: Vec::new() };
    judge_names(name, namespace, &mut report);
    let spec = &deployment.spec;
    let selector = &spec.selector;
    if selector.match_labels.is_empty() && selector.match_expressions.is_empty() {
        report.reject("spec.selector", "expected matchLabels or matchExpressions, found none");
    } else if !selector.matches(&spec.template.metadata.labels) {
        report.reject(
            "spec.template.metadata.labels",
            "expected labels that spec.selector selects; copy its matchLabels here",
        );
    }
    if spec.template.spec.restart_policy != RestartPolicy::Always {
        report.reject("spec.template.spec.restartPolicy", "expected Always in a Deployment");
    }
    if spec.strategy.kind == StrategyType::Recreate && spec.strategy.rolling_update.is_some() {
        report.reject("spec.strategy.rollingUpdate", "expected only where type is RollingUpdate");
    }
    judge_rolling_update(deployment, &mut report);
    judge_spec(&spec.template.spec, "spec.template.spec", &mut report);
    report.found
}

fn judge_rolling_update(deployment: &Deployment, report: &mut Report) {
    let Some(rolling) = &deployment.spec.strategy.rolling_update else { return };
    let is_zero = |bound: Option<IntOrPercent>| {
        matches!(bound, Some(IntOrPercent::Int(0) | IntOrPercent::Percent(0)))
    };
    let field = "spec.strategy.rollingUpdate.maxUnavailable";
    if is_zero(rolling.max_surge) && is_zero(rolling.max_unavailable) {
        report.reject(field, "expected more than 0 where maxSurge is 0: nothing could be replaced");
    }
    if let Some(IntOrPercent::Percent(percent @ 101..)) = rolling.max_unavailable {
        report.reject(field, format!("expected at most 100%, found {percent}%"));
    }
}

fn judge_names(name: &str, namespace: &str, report: &mut Report) {
    let is_name = name.len() <= 253 && name.split('.').all(is_label);
    if !is_name {
        report
            .reject("metadata.name", format!("expected a DNS name in lower case, found {name:?}"));
    }
    if !is_label(namespace) {
        report.reject(
            "metadata.namespace",
            format!("expected a DNS label in lower case, found {namespace:?}"),
        );
    }
}

fn is_label(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(is_inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn judge_spec(spec: &PodSpec, path: &str, report: &mut Report) {
    if spec.containers.is_empty() {
        report.reject(format!("{path}.containers"), "expected at least one container, found none");
    }
    for (field, label) in [("hostname", &spec.hostname), ("subdomain", &spec.subdomain)] {
        if let Some(label) = label.as_ref().filter(|label| !is_label(label)) {
            report.reject(
                format!("{path}.{field}"),
                format!("expected a DNS label in lower case, found {label:?}"),
            );
        }
    }
    if spec.dns_policy == crate::api::DnsPolicy::None && spec.dns_config.nameservers.is_empty() {
        report.reject(
            format!("{path}.dnsConfig.nameservers"),
            "expected at least one nameserver where dnsPolicy is None, found none",
        );
    }
    let bounds = [
        ("nameservers", spec.dns_config.nameservers.len(), 3),
        ("searches", spec.dns_config.searches.len(), 32),
    ];
    for (field, found, max) in bounds {
        if found > max {
            report.reject(
                format!("{path}.dnsConfig.{field}"),
                format!("expected at most {max}, found {found}"),
            );
        }
    }
    let mut names = BTreeSet::new();
    let lists = [("initContainers", &spec.init_containers), ("containers", &spec.containers)];
    for (list, containers) in lists {
        for (index, container) in containers.iter().enumerate() {
            let path = format!("{path}.{list}[{index}]");
            if !is_label(&container.name) {
                let name = &container.name;
                report.reject(
                    format!("{path}.name"),
                    format!("expected a DNS label in lower case, found {name:?}"),
                );
            } else if !names.insert(&container.name) {
                let name = &container.name;
                report.reject(
                    format!("{path}.name"),
                    format!("expected each name once, found {name} again"),
                );
            }
            let is_init = list == "initContainers" && !container.is_sidecar();
            judge_container(container, &path, is_init, report);
        }
    }
}

fn judge_container(container: &Container, path: &str, is_init: bool, report: &mut Report) {
    if container.image.is_empty() && container.command.is_empty() {
        report.reject(format!("{path}.image"), "expected an image, found none");
    }
    judge_env(container, path, report);
    judge_env_from(container, path, report);
    judge_ports(container, path, report);
    let probes = [
        ("startupProbe", &container.startup_probe, true),
        ("livenessProbe", &container.liveness_probe, true),
        ("readinessProbe", &container.readiness_probe, false),
    ];
    for (field, probe, kills) in probes {
        let Some(probe) = probe else { continue };
        let path = format!("{path}.{field}");
        if is_init {
            report.reject(path, "expected no probe of an init container without restartPolicy");
        } else {
            judge_probe(probe, &path, kills, container, report);
        }
    }
    if let Some(stop) = &container.lifecycle.pre_stop {
        judge_stop(stop, &format!("{path}.lifecycle.preStop"), container, report);
    }
}

fn judge_env(container: &Container, path: &str, report: &mut Report) {
    for (index, env) in container.env.iter().enumerate() {
        let path = format!("{path}.env[{index}]");
        if env.name.is_empty() || env.name.contains('=') {
            let name = &env.name;
            report.reject(
                format!("{path}.name"),
                format!("expected a name without =, found {name:?}"),
            );
        }
        let Some(source) = &env.value_from else { continue };
        if !env.value.is_empty() {
            report.reject(format!("{path}.valueFrom"), "expected value or valueFrom, found both");
        }
        match &source.field_ref {
            None if source.resource_field_ref.is_some() => {}
            None => report.reject(
                format!("{path}.valueFrom"),
                "expected a fieldRef: there are no Secrets and ConfigMaps here; write a value",
            ),
            Some(field) if !is_known_field_path(&field.field_path) => report.reject(
                format!("{path}.valueFrom.fieldRef.fieldPath"),
                format!(
                    "expected a field such as metadata.name or status.podIP, found {:?}",
                    field.field_path
                ),
            ),
            Some(_) => {}
        }
    }
}

fn judge_env_from(container: &Container, path: &str, report: &mut Report) {
    for (index, from) in container.env_from.iter().enumerate() {
        let map = from.config_map_ref.as_ref().is_some_and(|it| !it.optional);
        if map || from.secret_ref.as_ref().is_some_and(|it| !it.optional) {
            report.reject(
                format!("{path}.envFrom[{index}]"),
                "expected an optional one: there are no Secrets and ConfigMaps here; write env",
            );
        }
    }
}

fn judge_ports(container: &Container, path: &str, report: &mut Report) {
    let (mut names, mut numbers) = (BTreeSet::new(), BTreeSet::new());
    for (index, port) in container.ports.iter().enumerate() {
        let path = format!("{path}.ports[{index}]");
        let name = &port.name;
        if !name.is_empty() {
            if !is_port_name(name) {
                report.reject(
                    format!("{path}.name"),
                    format!(
                        "expected at most 15 of a-z, 0-9 and inner -, with a letter, found {name:?}"
                    ),
                );
            } else if !names.insert(name) {
                report.reject(
                    format!("{path}.name"),
                    format!("expected each name once, found {name} again"),
                );
            }
        }
        let protocol = model::Protocol::from(port.protocol);
        if !numbers.insert((port.container_port, protocol)) {
            let number = port.container_port;
            report
                .reject(path, format!("expected each port once, found {number}/{protocol} again"));
        }
    }
}

fn is_port_name(text: &str) -> bool {
    text.len() <= 15
        && is_label(text)
        && !text.contains("--")
        && text.bytes().any(|byte| byte.is_ascii_lowercase())
}

fn judge_probe(probe: &Probe, path: &str, kills: bool, container: &Container, report: &mut Report) {
    let actions = [
        probe.http_get.is_some(),
        probe.tcp_socket.is_some(),
        probe.exec.is_some(),
        probe.grpc.is_some(),
    ];
    judge_actions(&actions, "httpGet, tcpSocket, exec and grpc", path, report);
    if kills && probe.success_threshold.is_some_and(|threshold| threshold.get() != 1) {
        report.reject(
            format!("{path}.successThreshold"),
            "expected 1: only a readinessProbe may ask for more",
        );
    }
    if !kills && probe.termination_grace_period_seconds.is_some() {
        report.reject(
            format!("{path}.terminationGracePeriodSeconds"),
            "expected none: a readinessProbe ends no container",
        );
    }
    if kills && probe.termination_grace_period_seconds == Some(0) {
        report.reject(
            format!("{path}.terminationGracePeriodSeconds"),
            "expected at least 1, found 0",
        );
    }
    let named = [
        ("httpGet", probe.http_get.as_ref().map(|action| &action.port)),
        ("tcpSocket", probe.tcp_socket.as_ref().map(|action| &action.port)),
    ];
    for (action, port) in named {
        judge_port(port, &format!("{path}.{action}.port"), container, report);
    }
}

fn judge_stop(stop: &Stop, path: &str, container: &Container, report: &mut Report) {
    let actions = [stop.exec.is_some(), stop.http_get.is_some(), stop.sleep.is_some()];
    judge_actions(&actions, "exec, httpGet and sleep", path, report);
    let port = stop.http_get.as_ref().map(|action| &action.port);
    judge_port(port, &format!("{path}.httpGet.port"), container, report);
}

fn judge_actions(set: &[bool], words: &str, path: &str, report: &mut Report) {
    let found = set.iter().filter(|is_set| **is_set).count();
    if found != 1 {
        report.reject(path, format!("expected one of {words}, found {found}"));
    }
}

fn judge_port(
    port: Option<&crate::api::Port>,
    path: &str,
    container: &Container,
    report: &mut Report,
) {
    let Some(port) = port else { return };
    if port.number(container).is_none() {
        report.reject(path, format!("expected a port of this container by its name, found {port}"));
    }
}
