//! What is told to somebody who may not, or no longer, or not yet?

use crate::control_plane::ControlPlane;
use crate::reader::Reader;

/// All rules but the one for EndpointSlices.
const ROLE: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: pogu}
rules:
- {apiGroups: [''], resources: [services, nodes, pods, namespaces, configmaps], verbs: [list, watch]}
- {apiGroups: [networking.k8s.io], resources: [servicecidrs], verbs: [list, watch]}
- {apiGroups: [multicluster.x-k8s.io], resources: [serviceimports], verbs: [list, watch]}
RULE
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: pogu}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: pogu}
subjects: [{kind: User, name: pogu}]
";

#[test]
fn a_role_without_a_rule_is_told_which_one_and_goes_on_when_it_has_it() {
    let Some(server) = ControlPlane::up() else { return };
    server.apply(&ROLE.replace("RULE", ""));
    let mut reader = Reader::start(server.user("pogu", "1h"));
    reader.until("the refusal is told", |reader| reader.trouble("endpointslices").is_some());
    assert_eq!(
        reader.trouble("endpointslices").as_deref(),
        Some(
            "not allowed to watch endpointslices: endpointslices.discovery.k8s.io is forbidden: \
             User \"pogu\" cannot watch resource \"endpointslices\" in API group \
             \"discovery.k8s.io\" at the cluster scope\n\
             hint: a ClusterRole that is bound to this user needs the rule apiGroups: \
             [\"discovery.k8s.io\"], resources: [\"endpointslices\"], verbs: [\"list\", \"watch\"]"
        )
    );
    reader.until("all others are followed", |reader| {
        reader.state().collections.iter().filter(|it| !it.is_read).count() == 1
    });
    assert!(!reader.is_synced);
    let rule =
        "- {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list, watch]}";
    server.apply(&ROLE.replace("RULE", rule));
    reader.until("all is read", |reader| reader.is_synced);
}

#[test]
fn a_certificate_that_has_expired_is_told_and_its_successor_is_found() {
    let Some(server) = ControlPlane::up() else { return };
    let rule =
        "- {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list, watch]}";
    server.apply(&ROLE.replace("RULE", rule));
    let mut reader = Reader::start(server.user("pogu", "-1h"));
    reader.until("the refusal is told", |reader| reader.state().away.is_some());
    assert_eq!(
        reader.state().away.map(|away| away.reason).as_deref(),
        Some(
            "the API server does not accept our credentials: Unauthorized\n\
             hint: the token or certificate has expired, or belongs to another cluster"
        )
    );
    server.user("pogu", "1h");
    reader.until("all is read", |reader| reader.is_synced);
}
