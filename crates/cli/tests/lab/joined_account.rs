//! Do programs in pods of a joined lab reach the API server as a cluster's do?

use testkit::control_plane::ControlPlane;

use crate::joined::joined;

#[test]
fn a_pod_asks_the_api_server_as_its_own_account() {
    if host::skip::without_root() {
        return;
    }
    let Some(control_plane) = ControlPlane::up() else { return };
    let lab = joined(&control_plane);
    let kubectl = control_plane.program().with_file_name("kubectl").display().to_string();
    // Its home has no kubeconfig: all that it knows is what a kubelet gives it.
    control_plane.apply(&format!(
        r#"
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: reader}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}}
subjects: [{{kind: ServiceAccount, name: default, namespace: default}}]
---
apiVersion: v1
kind: Pod
metadata: {{name: reader}}
spec:
  terminationGracePeriodSeconds: 0
  volumes: [{{name: home, emptyDir: {{}}}}]
  containers:
  - name: c
    image: x
    command: [sleep, "1000"]
    env: [{{name: HOME, value: /berth/reader}}, {{name: KUBECTL, value: {kubectl}}}]
    volumeMounts: [{{name: home, mountPath: /berth/reader}}]
"#
    ));
    control_plane.kubectl("wait --for=condition=Ready pod/reader --timeout=30s");
    let see = |script: &str| {
        let words = ["exec", "reader", "--", "sh", "-c", script];
        control_plane.kubectl_told(&words, "")
    };
    lab.await_that("pods are not led to the API server", |_| {
        // Nobody has told the node's agent of it in the first moment.
        let script = "$KUBECTL get --raw=/readyz >/dev/null 2>&1 && echo ok || true";
        see(script) == "ok\n"
    });
    assert_eq!(see("$KUBECTL get pods -o name"), "pod/reader\n");
    assert_eq!(see("$KUBECTL auth can-i create pods || true"), "no\n");
    assert_eq!(
        see("$KUBECTL auth whoami -o jsonpath={.status.userInfo.username}"),
        "system:serviceaccount:default:default"
    );
    let slices = "get endpointslices -l kubernetes.io/service-name=kubernetes -o name";
    lab.says(&["lab", "down"]);
    assert_eq!(control_plane.kubectl(slices), "");
}
