//! Is a kind of object one that has no meaning in a lab, or a slip?

use workload::manifest::Ignored;

use crate::source::Notice;

/// Kinds that people keep beside their Services, and that a lab does without.
const KNOWN: &[&str] = &[
    "APIService",
    "ClusterRole",
    "ClusterRoleBinding",
    "ConfigMap",
    "ControllerRevision",
    "CronJob",
    "CustomResourceDefinition",
    "DaemonSet",
    "Endpoints",
    "Event",
    "HorizontalPodAutoscaler",
    "Ingress",
    "IngressClass",
    "Job",
    "Lease",
    "LimitRange",
    "MutatingWebhookConfiguration",
    "NetworkPolicy",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "PodDisruptionBudget",
    "PodTemplate",
    "PriorityClass",
    "ReplicaSet",
    "ReplicationController",
    "ResourceQuota",
    "Role",
    "RoleBinding",
    "RuntimeClass",
    "Secret",
    "ServiceAccount",
    "StatefulSet",
    "StorageClass",
    "ValidatingWebhookConfiguration",
];

/// Kinds that a lab makes something of.
const USED: [&str; 7] =
    ["Pod", "Deployment", "Service", "EndpointSlice", "Node", "ServiceCIDR", "Namespace"];

pub(crate) fn notice(origin: &str, ignored: &Ignored) -> Notice {
    let Ignored { kind, name } = ignored;
    if KNOWN.contains(&kind.as_str()) {
        let text = format!("{origin}: {kind} {name}: has no meaning in a lab, and is left out");
        return Notice { text, hint: None, is_error: false };
    }
    let all = USED.iter().chain(KNOWN);
    let nearest = all.map(|known| (distance(kind, known), *known)).min();
    let hint = match nearest {
        Some((distance, known)) if distance <= 2 => format!("did you mean {known}?"),
        Some(_) | None => format!("a lab knows {}", USED.join(", ")),
    };
    Notice::error(format!("{origin}: unknown kind: {kind} {name}"), hint)
}

/// How many letters must be changed, added or taken away.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (at, letter) in a.chars().enumerate() {
        let mut next = vec![at + 1];
        for (index, other) in b.iter().enumerate() {
            let above = row.get(index + 1).copied().unwrap_or(usize::MAX - 1);
            let diagonal = row.get(index).copied().unwrap_or(usize::MAX - 1);
            let left = next.last().copied().unwrap_or(usize::MAX - 1);
            let replaced = diagonal + usize::from(*other != letter);
            next.push(replaced.min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(kind: &str) -> (String, Option<String>, bool) {
        let ignored = Ignored { kind: kind.to_owned(), name: "web".to_owned() };
        let Notice { text, hint, is_error } = notice("shop.yaml", &ignored);
        (text, hint, is_error)
    }

    #[test]
    fn a_slip_is_told_from_what_has_no_meaning() {
        let known = "shop.yaml: Secret web: has no meaning in a lab, and is left out";
        assert_eq!(told("Secret"), (known.to_owned(), None, false));
        let slip = "shop.yaml: unknown kind: Deploymnet web".to_owned();
        assert_eq!(told("Deploymnet"), (slip, Some("did you mean Deployment?".to_owned()), true));
        let other = "shop.yaml: unknown kind: Certificate web".to_owned();
        let hint =
            "a lab knows Pod, Deployment, Service, EndpointSlice, Node, ServiceCIDR, Namespace";
        assert_eq!(told("Certificate"), (other, Some(hint.to_owned()), true));
    }
}
