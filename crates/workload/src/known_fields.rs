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
    "affinity",
    "automountServiceAccountToken",
    "enableServiceLinks",
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
    "tolerations",
    "topologySpreadConstraints",
    "volumes",
    "workloadRef",
];

const CONTAINER: &[&str] = &[
    "envFrom",
    "imagePullPolicy",
    "resizePolicy",
    "resources",
    "restartPolicyRules",
    "securityContext",
    "stdin",
    "stdinOnce",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "tty",
    "volumeDevices",
    "volumeMounts",
];

const DEPLOYMENT_SPEC: &[&str] = &["progressDeadlineSeconds", "revisionHistoryLimit"];

/// Every field that is read, to find the one that was meant.
const READ: &[&str] = &[
    "annotations",
    "args",
    "command",
    "containerPort",
    "containers",
    "dnsConfig",
    "dnsPolicy",
    "env",
    "exec",
    "failureThreshold",
    "fieldPath",
    "fieldRef",
    "grpc",
    "host",
    "hostAliases",
    "hostNetwork",
    "hostPort",
    "hostname",
    "hostnames",
    "httpGet",
    "httpHeaders",
    "image",
    "initContainers",
    "initialDelaySeconds",
    "ip",
    "key",
    "labels",
    "lifecycle",
    "livenessProbe",
    "matchExpressions",
    "matchLabels",
    "maxSurge",
    "maxUnavailable",
    "metadata",
    "minReadySeconds",
    "name",
    "nameservers",
    "namespace",
    "nodeName",
    "nodeSelector",
    "operator",
    "options",
    "path",
    "paused",
    "periodSeconds",
    "port",
    "ports",
    "preStop",
    "protocol",
    "readinessProbe",
    "replicas",
    "restartPolicy",
    "rollingUpdate",
    "scheme",
    "searches",
    "selector",
    "service",
    "serviceAccountName",
    "sleep",
    "spec",
    "startupProbe",
    "strategy",
    "subdomain",
    "successThreshold",
    "tcpSocket",
    "template",
    "terminationGracePeriodSeconds",
    "timeoutSeconds",
    "type",
    "uid",
    "value",
    "valueFrom",
    "values",
    "workingDir",
];

/// What to say of a field that nobody read, by its path; nothing when the API has it.
pub(crate) fn judge(path: &str) -> Option<String> {
    let (parent, field) = path.rsplit_once('.').unwrap_or(("", path));
    let parent = parent.rsplit('.').next().unwrap_or_default();
    let parent = parent.split('[').next().unwrap_or_default();
    let known: &[&[&str]] = match parent {
        "" => &[POD],
        "metadata" => &[METADATA],
        // Of a Pod, of a template and of a Deployment.
        "spec" => &[POD_SPEC, DEPLOYMENT_SPEC],
        "containers" | "initContainers" => &[CONTAINER],
        "ports" => &[&["hostIP"]],
        "lifecycle" => &[&["postStart", "stopSignal"]],
        "valueFrom" => &[&["configMapKeyRef", "resourceFieldRef", "secretKeyRef", "fileKeyRef"]],
        "fieldRef" => &[&["apiVersion"]],
        "template" => &[POD],
        _ => &[],
    };
    if known.iter().any(|fields| fields.contains(&field)) {
        return None;
    }
    let candidates = READ.iter().chain(known.iter().flat_map(|fields| fields.iter()));
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
            ("spec.volumes", None),
            ("spec.template.spec.containers[0].resources", None),
            ("spec.containers[0].readynessProbe", meant("readinessProbe")),
            ("spec.hostnetwork", meant("hostNetwork")),
            (
                "spec.containers[0].volumes",
                meant("volumeMounts").map(|_| "unknown field, ignored".to_owned()),
            ),
        ];
        for (path, expected) in cases {
            assert_eq!(judge(path), expected, "{path}");
        }
    }
}
