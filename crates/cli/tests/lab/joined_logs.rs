//! Does a container run only while its words are kept?

use std::fs;

use serde_json::json;
use testkit::control_plane::ControlPlane;

use crate::control_plane::get;
use crate::joined::joined;

/// What it would do is seen in a folder of the host.
const POD: &str = r#"
apiVersion: v1
kind: Pod
metadata: {name: mute}
spec:
  terminationGracePeriodSeconds: 0
  volumes: [{name: host, hostPath: {path: FOLDER}}]
  containers:
  - name: c
    image: x
    command: [sh, -c, "echo >> /host/ran; echo ahoy; exec sleep 1000"]
    volumeMounts: [{name: host, mountPath: /host}]
"#;

#[test]
fn a_container_does_not_begin_before_its_words_can_be_kept() {
    if host::skip::without_root() {
        return;
    }
    let Some(control_plane) = ControlPlane::up() else { return };
    let lab = joined(&control_plane);
    let own = format!("/run/pogu/lab/{}/pods/default/mute", lab.name);
    let in_the_way = format!("{own}/c.0.followed");
    fs::create_dir_all(&in_the_way).unwrap();
    let host = lab.path("host");
    fs::create_dir(&host).unwrap();
    control_plane.apply(&POD.replace("FOLDER", &host.display().to_string()));
    let waiting = json!({
        "reason": "CreateContainerError",
        "message": "cannot keep its words: Is a directory (os error 21)",
    });
    lab.await_that("it does not say what is wrong", |_| {
        let pod = get(&control_plane, "pod mute");
        pod["status"]["containerStatuses"][0]["state"]["waiting"] == waiting
    });
    assert!(!host.join("ran").exists(), "it has begun nevertheless");
    fs::remove_dir(&in_the_way).unwrap();
    control_plane.kubectl("wait --for=condition=Ready pod/mute --timeout=60s");
    assert_eq!(control_plane.kubectl("logs mute"), "ahoy\n");
    assert_eq!(fs::read_to_string(host.join("ran")).unwrap(), "\n");
}
