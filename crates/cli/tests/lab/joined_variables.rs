//! Are containers of a joined lab told what a cluster's are told?

use testkit::control_plane::ControlPlane;

use crate::control_plane::get;
use crate::joined::joined;

const OBJECTS: &str = r#"
apiVersion: v1
kind: ConfigMap
metadata: {name: shop}
data: {colour: blue}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {word: sesame}
---
apiVersion: v1
kind: Service
metadata: {name: back-end}
spec: {clusterIP: 10.96.7.7, ports: [{name: http, port: 80}, {port: 53, protocol: UDP, name: dns}]}
---
apiVersion: v1
kind: Pod
metadata: {name: told, labels: {app: told}}
spec:
  terminationGracePeriodSeconds: 0
  restartPolicy: Never
  containers:
  - name: c
    image: x
    resources: {limits: {memory: 64Mi}}
    command: [sh, -c, 'env | grep -e ^T_ -e ^BACK_ -e ^KUBERNETES_SERVICE_ | sort; echo "$(T_ALL)"']
    envFrom:
    - {prefix: T_, configMapRef: {name: shop}}
    - {prefix: T_, configMapRef: {name: nowhere, optional: true}}
    env:
    - {name: T_WORD, valueFrom: {secretKeyRef: {name: keys, key: word}}}
    - {name: T_NONE, valueFrom: {secretKeyRef: {name: keys, key: none, optional: true}}}
    - {name: T_APP, valueFrom: {fieldRef: {fieldPath: "metadata.labels['app']"}}}
    - {name: T_MIB, valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: 1Mi}}}
    - {name: T_ALL, value: "$(T_colour) $(T_WORD) $(BACK_END_SERVICE_HOST)"}
---
apiVersion: v1
kind: Pod
metadata: {name: untold}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: c
    image: x
    command: [sh, -c, 'echo $COLOUR; exec sleep 1000']
    env: [{name: COLOUR, valueFrom: {configMapKeyRef: {name: later, key: colour}}}]
"#;

#[test]
fn containers_are_told_what_the_api_server_knows() {
    if host::skip::without_root() {
        return;
    }
    let Some(control_plane) = ControlPlane::up() else { return };
    let lab = joined(&control_plane);
    control_plane.apply(OBJECTS);
    control_plane.kubectl("wait --for=jsonpath={.status.phase}=Succeeded pod/told --timeout=30s");
    let expected = "\
BACK_END_PORT=tcp://10.96.7.7:80
BACK_END_PORT_53_UDP=udp://10.96.7.7:53
BACK_END_PORT_53_UDP_ADDR=10.96.7.7
BACK_END_PORT_53_UDP_PORT=53
BACK_END_PORT_53_UDP_PROTO=udp
BACK_END_PORT_80_TCP=tcp://10.96.7.7:80
BACK_END_PORT_80_TCP_ADDR=10.96.7.7
BACK_END_PORT_80_TCP_PORT=80
BACK_END_PORT_80_TCP_PROTO=tcp
BACK_END_SERVICE_HOST=10.96.7.7
BACK_END_SERVICE_PORT=80
BACK_END_SERVICE_PORT_DNS=53
BACK_END_SERVICE_PORT_HTTP=80
KUBERNETES_SERVICE_HOST=10.96.0.1
KUBERNETES_SERVICE_PORT=443
KUBERNETES_SERVICE_PORT_HTTPS=443
T_ALL=blue sesame 10.96.7.7
T_APP=told
T_MIB=64
T_WORD=sesame
T_colour=blue
blue sesame 10.96.7.7
";
    assert_eq!(control_plane.kubectl("logs told"), expected);
    let waits = || get(&control_plane, "pod untold")["status"]["containerStatuses"][0].clone();
    lab.await_that("it does not say what is missing", |_| {
        waits()["state"]["waiting"]["reason"] == "CreateContainerConfigError"
    });
    assert_eq!(waits()["state"]["waiting"]["message"], "configmap \"later\" not found");
    assert_eq!(waits()["restartCount"], 0);
    control_plane.kubectl("create configmap later --from-literal=colour=red");
    control_plane.kubectl("wait --for=condition=Ready pod/untold --timeout=30s");
    assert_eq!(control_plane.kubectl("logs untold"), "red\n");
}
