//! Do containers of a joined lab have the volumes that a cluster's have?

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use testkit::control_plane::ControlPlane;

use crate::control_plane::get;
use crate::joined::joined;

const OBJECTS: &str = r##"
apiVersion: v1
kind: ConfigMap
metadata: {name: shop}
data: {colour: blue, size: large}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {word: sesame}
---
apiVersion: v1
kind: Pod
metadata: {name: storage, annotations: {why: 'to "see"'}}
spec:
  terminationGracePeriodSeconds: 0
  volumes:
  - {name: shared, emptyDir: {}}
  - {name: shop, configMap: {name: shop, defaultMode: 0400}}
  - name: one
    projected:
      sources:
      - configMap: {name: shop, items: [{key: size, path: deep/size}]}
      - secret: {name: keys}
      - downwardAPI: {items: [{path: notes, fieldRef: {fieldPath: metadata.annotations}}]}
  - {name: none, secret: {secretName: nowhere, optional: true}}
  - {name: etc, hostPath: {path: /etc, type: Directory}}
  - {name: own, hostPath: {path: /pogu-has-no-such-folder, type: DirectoryOrCreate}}
  initContainers:
  - name: first
    image: x
    command: [sh, -c, 'echo "#!/bin/sh" > /tools/say; echo echo ahoy >> /tools/say; chmod +x /tools/say']
    volumeMounts: [{name: shared, mountPath: /tools, subPath: bin}]
  containers:
  - name: c
    image: x
    command: [sh, -c, 'say; exec sleep 1000']
    env: [{name: PATH, value: "/berth/bin:/usr/sbin:/usr/bin:/sbin:/bin"}]
    volumeMounts:
    - {name: shared, mountPath: /berth}
    - {name: shop, mountPath: /etc/shop}
    - {name: shop, mountPath: /berth/colour, subPath: colour}
    - {name: one, mountPath: /one}
    - {name: none, mountPath: /none}
    - {name: etc, mountPath: /host/etc, readOnly: true}
    - {name: own, mountPath: /own}
---
apiVersion: v1
kind: Pod
metadata: {name: covers}
spec:
  terminationGracePeriodSeconds: 0
  volumes: [{name: empty, emptyDir: {}}]
  containers:
  - name: run
    image: x
    command: &account
    - sh
    - -c
    - cat /var/run/secrets/kubernetes.io/serviceaccount/namespace; ls /run; exec sleep 1000
    volumeMounts: [{name: empty, mountPath: /run}]
  - name: linked
    image: x
    command: *account
    volumeMounts: [{name: empty, mountPath: /var/run}]
---
apiVersion: v1
kind: Pod
metadata: {name: waits}
spec:
  terminationGracePeriodSeconds: 0
  volumes: [{name: v, configMap: {name: later}}]
  containers:
  - {name: c, image: x, command: [sleep, "1000"], volumeMounts: [{name: v, mountPath: /v}]}
"##;

#[test]
fn containers_see_their_volumes_and_the_host_does_not() {
    if host::skip::without_root() {
        return;
    }
    let Some(control_plane) = ControlPlane::up() else { return };
    let lab = joined(&control_plane);
    control_plane.apply(OBJECTS);
    control_plane.kubectl("wait --for=condition=Ready pod/storage --timeout=30s");
    let see = |script: &str| {
        control_plane.kubectl_told(&["exec", "storage", "--", "sh", "-c", script], "")
    };
    assert_eq!(control_plane.kubectl("logs storage"), "ahoy\n");
    let colours = see("cat /etc/shop/colour /berth/colour; ls /etc/shop");
    assert_eq!(colours, "bluebluecolour\nsize\n");
    assert_eq!(
        see("stat -L -c %a /etc/shop/colour; ls /one /none"),
        "400\n/none:\n\n/one:\ndeep\nnotes\nword\n"
    );
    let one = see("cat /one/deep/size /one/word; echo; grep why /one/notes");
    assert_eq!(one, "largesesame\nwhy=\"to \\\"see\\\"\"\n");
    let refused = "touch /etc/shop/x /host/etc/x 2>/dev/null || echo refused; test -s /host/etc/passwd && echo there";
    assert_eq!(see(refused), "refused\nthere\n");
    assert_eq!(see("echo mine > /own/x; cat /own/x; cat /etc/hostname"), "mine\nstorage\n");
    for place in ["/berth", "/etc/shop", "/own", "/pogu-has-no-such-folder"] {
        assert!(!Path::new(place).exists(), "the host has {place}");
    }
    // Nobody else on the host reads what is secret.
    let volumes = format!("/run/pogu/lab/{}/pods/default/storage/volumes", lab.name);
    assert_eq!(fs::metadata(&volumes).unwrap().permissions().mode() & 0o777, 0o700);
    // News reach the files, those of parts of a volume excepted.
    control_plane.kubectl("patch configmap shop -p {\"data\":{\"colour\":\"red\",\"size\":null}}");
    lab.await_that("the volume does not change", |_| {
        see("cat /etc/shop/colour; ls /etc/shop; cat /berth/colour") == "redcolour\nblue"
    });
    let message = || {
        let pod = get(&control_plane, "pod waits");
        pod["status"]["containerStatuses"][0]["state"]["waiting"].clone()
    };
    let expected = serde_json::json!({
        "reason": "ContainerCreating",
        "message": "MountVolume.SetUp failed for volume \"v\" : configmap \"later\" not found",
    });
    lab.await_that("it does not say what is missing", |_| message() == expected);
    control_plane.kubectl("create configmap later --from-literal=a=b");
    control_plane.kubectl("wait --for=condition=Ready pod/waits --timeout=30s");
    // A volume that covers the lab's own folder covers no other volume.
    control_plane.kubectl("wait --for=condition=Ready pod/covers --timeout=30s");
    for container in ["run", "linked"] {
        let log = control_plane.kubectl(&format!("logs covers -c {container}"));
        assert_eq!(log, "defaultsecrets\n", "{container}");
    }
    // The account of a pod is known to it, and to nobody else.
    let account = "cd /var/run/secrets/kubernetes.io/serviceaccount; ls; cat namespace; \
                   grep -c BEGIN ca.crt; wc -c < token | grep -c ...";
    assert_eq!(see(account), "ca.crt\nnamespace\ntoken\ndefault1\n1\n");
    assert!(!Path::new("/run/secrets/kubernetes.io").exists());
}
