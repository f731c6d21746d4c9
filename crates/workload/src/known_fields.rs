//! Is a field that nobody read one of the API, or a slip?

/// Fields of the API that have no meaning in the lab, by the struct that has them.
const POD: &[&str] = &["apiVersion", "kind", "status"];

const METADATA: &[&str] = &[
    "deletionGracePeriodSeconds",
    "finalizers",
    "generateName",
    "generation",
    "managedFields",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
];

const POD_SPEC: &[&str] = &[
    "activeDeadlineSeconds",
    "automountServiceAccountToken",
    "ephemeralContainers",
    "hostIPC",
    "hostPID",
    "hostUsers",
    "hostnameOverride",
    "imagePullSecrets",
    "os",
    "overhead",
    "preemptionPolicy",
    "priority",
    "priorityClassName",
    "readinessGates",
    "resourceClaims",
    "resources",
    "runtimeClassName",
    "schedulerName",
    "schedulingGates",
    "securityContext",
    "serviceAccount",
    "setHostnameAsFQDN",
    "shareProcessNamespace",
    "topologySpreadConstraints",
    "workloadRef",
];

const CONTAINER: &[&str] = &[
    "imagePullPolicy",
    "resizePolicy",
    "restartPolicyRules",
    "securityContext",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "volumeDevices",
];

const VALUE_SOURCES_READ: &[&str] =
    &["configMapKeyRef", "fieldRef", "resourceFieldRef", "secretKeyRef"];

const DEPLOYMENT_SPEC: &[&str] = &["progressDeadlineSeconds", "revisionHistoryLimit"];

/// Fields that are read, by the struct that has them, to find the one that was meant.
const METADATA_READ: &[&str] = &["annotations", "labels", "name", "namespace", "uid"];

const SPEC_READ: &[&str] = &[
    "affinity",
    "containers",
    "dnsConfig",
    "dnsPolicy",
    "enableServiceLinks",
    "hostAliases",
    "hostNetwork",
    "hostname",
    "initContainers",
    "minReadySeconds",
    "nodeName",
    "nodeSelector",
    "paused",
    "replicas",
    "restartPolicy",
    "selector",
    "serviceAccountName",
    "strategy",
    "subdomain",
    "template",
    "terminationGracePeriodSeconds",
    "tolerations",
    "volumes",
];

const CONTAINER_READ: &[&str] = &[
    "args",
    "command",
    "env",
    "envFrom",
    "image",
    "lifecycle",
    "livenessProbe",
    "name",
    "ports",
    "readinessProbe",
    "resources",
    "restartPolicy",
    "startupProbe",
    "stdin",
    "stdinOnce",
    "tty",
    "volumeMounts",
    "workingDir",
];

const PROBE_READ: &[&str] = &[
    "exec",
    "failureThreshold",
    "grpc",
    "httpGet",
    "initialDelaySeconds",
    "periodSeconds",
    "successThreshold",
    "tcpSocket",
    "terminationGracePeriodSeconds",
    "timeoutSeconds",
];

const ACTION_READ: &[&str] =
    &["command", "host", "httpHeaders", "path", "port", "scheme", "seconds", "service"];

/// What to say of a field that nobody read, by its path; nothing when the API has it.
pub(crate) fn judge(path: &str) -> Option<String> {
    let (parent, field) = path.rsplit_once('.').unwrap_or(("", path));
    let parent = parent.rsplit('.').next().unwrap_or_default();
    let parent = parent.split('[').next().unwrap_or_default();
    let (read, ignored): (&[&str], &[&[&str]]) = match parent {
        "" | "template" => (&["metadata", "spec"], &[POD]),
        "metadata" => (METADATA_READ, &[METADATA]),
        // Of a Pod, of a template and of a Deployment.
        "spec" => (SPEC_READ, &[POD_SPEC, DEPLOYMENT_SPEC]),
        "containers" | "initContainers" => (CONTAINER_READ, &[CONTAINER]),
        "startupProbe" | "readinessProbe" | "livenessProbe" => (PROBE_READ, &[]),
        "httpGet" | "tcpSocket" | "exec" | "grpc" | "sleep" => (ACTION_READ, &[]),
        "ports" => (&["containerPort", "hostIP", "hostPort", "name", "protocol"], &[]),
        "lifecycle" => (&["preStop"], &[&["postStart", "stopSignal"]]),
        "preStop" => (&["exec", "httpGet", "sleep"], &[&["tcpSocket"]]),
        "env" => (&["name", "value", "valueFrom"], &[]),
        "valueFrom" => (VALUE_SOURCES_READ, &[&["fileKeyRef"]]),
        "configMapKeyRef" | "secretKeyRef" => (&["key", "name", "optional"], &[]),
        "resourceFieldRef" => (&["containerName", "divisor", "resource"], &[]),
        "envFrom" => (&["configMapRef", "prefix", "secretRef"], &[]),
        "configMapRef" | "secretRef" => (&["name", "optional"], &[]),
        "resources" => (&["limits", "requests"], &[&["claims"]]),
        "volumeMounts" => (
            &["mountPath", "name", "readOnly", "subPath", "subPathExpr"],
            &[&["mountPropagation", "recursiveReadOnly"]],
        ),
        "fieldRef" => (&["fieldPath"], &[&["apiVersion"]]),
        "affinity" => (&["nodeAffinity"], &[&["podAffinity", "podAntiAffinity"]]),
        "nodeAffinity" => (
            &["requiredDuringSchedulingIgnoredDuringExecution"],
            &[&["preferredDuringSchedulingIgnoredDuringExecution"]],
        ),
        "nodeSelectorTerms" => (&["matchExpressions", "matchFields"], &[]),
        "matchFields" => (&["key", "operator", "values"], &[]),
        "tolerations" => (&["effect", "key", "operator", "value"], &[&["tolerationSeconds"]]),
        "strategy" => (&["rollingUpdate", "type"], &[]),
        "rollingUpdate" => (&["maxSurge", "maxUnavailable"], &[]),
        "selector" => (&["matchExpressions", "matchLabels"], &[]),
        "dnsConfig" => (&["nameservers", "options", "searches"], &[]),
        _ => (&[], &[]),
    };
    if ignored.iter().any(|fields| fields.contains(&field)) {
        return None;
    }
    let candidates = read.iter().chain(ignored.iter().flat_map(|fields| fields.iter()));
    Some(match ingest::manifest::nearest(field, candidates.copied()) {
        Some(meant) => format!("unknown field, ignored; did you mean {meant}?"),
        None => "unknown field, ignored".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_slips_from_fields_without_meaning() {
        let meant = |field: &str| Some(format!("unknown field, ignored; did you mean {field}?"));
        let cases = [
            ("spec.overhead", None),
            ("spec.affinity.podAntiAffinity", None),
            ("spec.tolerations[0].operater", meant("operator")),
            ("spec.template.spec.containers[0].imagePullPolicy", None),
            ("spec.containers[0].readynessProbe", meant("readinessProbe")),
            ("spec.hostnetwork", meant("hostNetwork")),
            ("spec.containers[0].volumes", Some("unknown field, ignored".to_owned())),
            ("spec.template.spec.containers[0].readinessProbe.httpget", meant("httpGet")),
            ("spec.strategy.rollingUpdate.maxSurg", meant("maxSurge")),
        ];
        for (path, expected) in cases {
            assert_eq!(judge(path), expected, "{path}");
        }
    }
}
