//! Which rule of RBAC would allow a request?

/// What would help whoever lacks a right.
pub(super) fn hint(verb: &str, target: &str, code: u16) -> String {
    let rule = if code == 403 { rule_of(target) } else { None };
    rule.map_or_else(String::new, |(group, resource)| {
        format!(
            "\nhint: a Role or ClusterRole that is bound to this user needs the rule apiGroups: \
             [\"{group}\"], resources: [\"{resource}\"], verbs: [\"{verb}\"]"
        )
    })
}

/// Parts of a Namespace itself, which stand where else a resource does.
const PARTS_OF_NAMESPACE: [&str; 2] = ["status", "finalize"];

/// Group and resource of a path, as RBAC calls them: `/apis/GROUP/VERSION/namespaces/NAME/RESOURCE`, and
/// then an object's name and a part of it.
fn rule_of(target: &str) -> Option<(&str, String)> {
    let mut parts = target.strip_prefix('/')?.split('/');
    let group = match parts.next()? {
        "api" => "",
        "apis" => parts.next()?,
        _ => return None,
    };
    let _version = parts.next()?;
    let mut resource = parts.next()?;
    if resource == "namespaces"
        && let (Some(_namespace), Some(within)) = (parts.next(), parts.next())
    {
        if group.is_empty() && PARTS_OF_NAMESPACE.contains(&within) {
            return Some((group, format!("{resource}/{within}")));
        }
        resource = within;
    }
    let _name = parts.next();
    Some((group, parts.next().map_or_else(|| resource.to_owned(), |it| format!("{resource}/{it}"))))
}

#[cfg(test)]
mod tests {
    use super::super::requests::RequestError;

    #[test]
    fn whoever_lacks_a_right_is_told_the_rule_and_nobody_else_is() {
        let refused = |target: &str, code| {
            let (target, reason, message) = (target.to_owned(), "No".to_owned(), "no".to_owned());
            RequestError::Refused { verb: "patch", target, code, reason, message }.to_string()
        };
        let told = |group: &str, resource: &str, target: &str| {
            format!(
                "cannot patch {target}: 403 No: no\nhint: a Role or ClusterRole that is bound to this \
                 user needs the rule apiGroups: [\"{group}\"], resources: [\"{resource}\"], verbs: \
                 [\"patch\"]"
            )
        };
        for (group, resource, target) in [
            ("", "services/status", "/api/v1/namespaces/shop/services/web/status"),
            ("coordination.k8s.io", "leases", "/apis/coordination.k8s.io/v1/namespaces/x/leases"),
            ("", "nodes", "/api/v1/nodes/a"),
            ("", "namespaces", "/api/v1/namespaces/shop"),
            ("", "namespaces/status", "/api/v1/namespaces/shop/status"),
            ("", "namespaces/finalize", "/api/v1/namespaces/shop/finalize"),
        ] {
            assert_eq!(refused(target, 403), told(group, resource, target));
        }
        assert_eq!(refused("/api/v1/nodes/a", 409), "cannot patch /api/v1/nodes/a: 409 No: no");
        assert_eq!(refused("/version", 403), "cannot patch /version: 403 No: no");
    }
}
