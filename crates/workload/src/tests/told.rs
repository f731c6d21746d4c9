//! What are containers told of other objects, and what is said of those that are absent?

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::api::Pod;
use crate::{
    Content, Known, Missing, PodFields, Reference, VolumeKind, environment, references,
    volume_files,
};

const POD: &str = r#"{
    "metadata": {"name": "web", "namespace": "shop", "uid": "u"},
    "spec": {
        "containers": [{"name": "c",
            "envFrom": [{"prefix": "P_", "configMapRef": {"name": "all"}}],
            "env": [
                {"name": "ONE", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "word"}}},
                {"name": "BOTH", "value": "$(P_a)-$(ONE)"}]}],
        "volumes": [
            {"name": "v", "projected": {"defaultMode": 256, "sources": [
                {"configMap": {"name": "all", "items": [{"key": "a", "path": "x/y", "mode": 292}]}},
                {"configMap": {"name": "maybe", "optional": true}},
                {"serviceAccountToken": {"path": "token", "expirationSeconds": 60}}]}},
            {"name": "e", "emptyDir": {}},
            {"name": "p", "persistentVolumeClaim": {"claimName": "c"}}]}}"#;

fn pod() -> Pod {
    serde_json::from_str(POD).expect("the test's Pod")
}

fn map(name: &str) -> Reference {
    Reference::ConfigMap { namespace: "shop".to_owned(), name: name.to_owned() }
}

fn secret() -> Reference {
    Reference::Secret { namespace: "shop".to_owned(), name: "keys".to_owned() }
}

fn token() -> Reference {
    Reference::Token {
        namespace: "shop".to_owned(),
        account: "default".to_owned(),
        pod: "web".to_owned(),
        uid: "u".to_owned(),
        audience: String::new(),
        // Nobody gives less.
        seconds: 600,
    }
}

/// What the API server says: keys and values, or why there are none.
type Said<'a> = (Reference, Result<&'a [(&'a str, &'a str)], &'a str>);

fn known(contents: &[Said<'_>]) -> Known {
    let content = |pairs: &&[(&str, &str)]| -> Arc<Content> {
        let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), value.as_bytes().to_vec());
        Arc::new(pairs.iter().map(pair).collect())
    };
    let found = contents.iter().map(|(reference, found)| {
        let absent = |why: &&str| Missing::Absent((*why).to_owned());
        let found = found.as_ref().map(content).map_err(absent);
        (reference.clone(), found)
    });
    Known { contents: found.collect(), ..Known::nothing() }
}

fn fields() -> PodFields {
    PodFields { uid: "u".to_owned(), ..PodFields::default() }
}

#[test]
fn a_pod_needs_all_that_it_refers_to() {
    assert_eq!(references(&pod()), [map("all"), map("maybe"), secret(), token()].into());
}

#[test]
fn a_container_is_told_when_all_is_known_and_else_what_is_absent() {
    let pod = pod();
    let told = |known: &Known| environment(&pod, &pod.spec.containers[0], &fields(), known);
    let all: Said<'_> = (map("all"), Ok(&[("a", "1"), ("b", "2")]));
    assert_eq!(told(&Known::default()), Err(Missing::Unread("the list of Services")));
    assert_eq!(told(&known(&[])), Err(Missing::Unread("a ConfigMap")));
    let without = known(&[all.clone(), (secret(), Err("secret \"keys\" not found"))]);
    assert_eq!(told(&without), Err(Missing::Absent("secret \"keys\" not found".to_owned())));
    let without = known(&[all.clone(), (secret(), Ok(&[]))]);
    let why = "couldn't find key word in Secret shop/keys".to_owned();
    assert_eq!(told(&without), Err(Missing::Absent(why)));
    let whole = known(&[all, (secret(), Ok(&[("word", "sesame")]))]);
    let expected = [("BOTH", "1-sesame"), ("ONE", "sesame"), ("P_a", "1"), ("P_b", "2")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(told(&whole), Ok(expected.to_vec()));
}

#[test]
fn a_volume_holds_files_of_all_its_sources() {
    let pod = pod();
    let kinds: Vec<VolumeKind> = pod.spec.volumes.iter().map(VolumeKind::of).collect();
    let other = VolumeKind::Other("persistentVolumeClaim".to_owned());
    assert_eq!(kinds[1..], [VolumeKind::Empty, other]);
    let VolumeKind::Files { sources, mode } = &kinds[0] else { panic!("no files: {kinds:?}") };
    let made = |known: &Known| volume_files(sources, *mode, &pod, &fields(), known);
    let absent: Said<'_> = (map("maybe"), Err("configmap \"maybe\" not found"));
    let all: Said<'_> = (map("all"), Ok(&[("a", "1"), ("b", "2")]));
    let signed: Said<'_> = (token(), Ok(&[("token", "t")]));
    let whole = known(&[all, absent.clone(), signed.clone()]);
    let files: BTreeMap<String, (String, u32)> = made(&whole)
        .expect("all is known")
        .into_iter()
        .map(|(path, file)| (path, (String::from_utf8(file.bytes).expect("text"), file.mode)))
        .collect();
    let expected = [("token", ("t", 0o400)), ("x/y", ("1", 0o444))];
    let expected = expected.map(|(path, (text, mode))| (path.to_owned(), (text.to_owned(), mode)));
    assert_eq!(files, expected.into());
    // What is not shown is not absent.
    let mut refused = whole;
    let why = Missing::Unreadable("configmap \"maybe\" cannot be read".to_owned());
    refused.contents.insert(map("maybe"), Err(why.clone()));
    assert_eq!(made(&refused), Err(why));
    let without = known(&[(map("all"), Ok(&[("b", "2")])), absent, signed]);
    let why = "all has no key a, to which the volume refers".to_owned();
    assert_eq!(made(&without), Err(Missing::Absent(why)));
}

#[test]
fn what_people_write_of_volumes_and_resources_is_read() {
    let pod = super::pod(
        "{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {
          containers: [{name: c, image: a, stdin: true,
            resources: {limits: {cpu: 0.5, memory: 64Mi, pods: 3}, requests: null},
            volumeMounts: [{name: v, mountPath: /v, readOnly: null}]}],
          volumes: [{name: v, configMap: {name: m, defaultMode: '0400'}}, {name: e},
            {name: f, emptyDir: {medium: Memory}}, {name: s, secret: {secretName: x, items: null}}]}}",
    );
    let limits = &pod.spec.containers[0].resources.limits;
    let limits: Vec<&str> = limits.values().map(|it| it.0.as_str()).collect();
    assert_eq!(limits, ["0.5", "64Mi", "3"]);
    let files = |is_secret, name: &str, mode| {
        let keys = crate::api::Keys { name: name.to_owned(), ..crate::api::Keys::default() };
        VolumeKind::Files { sources: vec![crate::Source::Keys { is_secret, keys }], mode }
    };
    let kinds: Vec<VolumeKind> = pod.spec.volumes.iter().map(VolumeKind::of).collect();
    let expected =
        [files(false, "m", 0o400), VolumeKind::Empty, VolumeKind::Empty, files(true, "x", 0o644)];
    assert_eq!(kinds, expected);
}
