//! What is asked of an API server next, after which answers?

use std::time::{Duration, Instant};

use ingest::api::{Kind, Object, ObjectKey};
use model::NodeName;

use crate::api_server::collection::{Collection, Wanted};
use crate::api_server::failure::Failure;
use crate::api_server::follower::{Follower, Request};
use crate::api_server::form::Form;
use crate::event::Event;
use ingest::api::Status;

/// A follower in virtual time, where all chances are the largest.
pub(super) struct Rig {
    pub(super) follower: Follower,
    now: Instant,
}

/// What a batch says, in few words.
pub(super) fn told(events: &[Event]) -> Vec<String> {
    let name = |key: &ObjectKey| format!("{}/{}", key.namespace, key.name);
    let one = |event: &Event| match event {
        Event::Applied(object) => format!("+{}", name(&object.key())),
        Event::Deleted(key) => format!("-{}", name(key)),
        Event::FileRejected { path, .. } => format!("rejected {path}"),
        Event::FileRepaired { path } => format!("repaired {path}"),
        Event::Synced => "synced".to_owned(),
    };
    events.iter().map(one).collect()
}

pub(super) fn slice(name: &str, version: u32) -> String {
    format!(
        r#"{{"metadata":{{"name":"{name}","namespace":"shop","resourceVersion":"{version}"}},"addressType":"IPv4","endpoints":[],"ports":[]}}"#
    )
}

pub(super) fn line(kind: &str, object: &str) -> String {
    format!(r#"{{"type":"{kind}","object":{object}}}"#)
}

fn bookmark(version: u32) -> String {
    line("BOOKMARK", &format!(r#"{{"metadata":{{"resourceVersion":"{version}"}}}}"#))
}

pub(super) fn end_of_list(version: u32) -> String {
    let mark = r#""annotations":{"k8s.io/initial-events-end":"true"}"#;
    line("BOOKMARK", &format!(r#"{{"metadata":{{"resourceVersion":"{version}",{mark}}}}}"#))
}

pub(super) fn page(objects: &[String], version: u32, next: &str) -> String {
    let objects = objects.join(",");
    format!(
        r#"{{"metadata":{{"resourceVersion":"{version}","continue":"{next}"}},"items":[{objects}]}}"#
    )
}

fn watch(version: &str) -> Request {
    Request::Watch { resource_version: version.to_owned() }
}

fn first_page() -> Request {
    Request::Page { after: None, limit: 500 }
}

pub(super) fn refused(code: u16) -> Failure {
    let status = Status { code, reason: String::new(), message: "no".to_owned() };
    Failure::Refused { status, retry_after: None }
}

fn collection(kind: Kind) -> Collection {
    let wanted =
        Wanted { dataplane: true, names: true, node: None, all_pods: false, addresses: false };
    wanted.collections().into_iter().find(|it| it.kind == kind).expect("it is wanted")
}

impl Rig {
    #[expect(clippy::disallowed_methods, reason = "some moment to count from")]
    pub(super) fn new(kind: Kind) -> Self {
        Self { follower: Follower::new(collection(kind)), now: Instant::now() }
    }

    pub(super) fn begin(&mut self) -> Request {
        self.follower.begin(self.now)
    }

    fn hear(&mut self, lines: &[String]) -> Vec<String> {
        let mut events = Vec::new();
        for line in lines {
            events
                .extend(self.follower.hear(Form::Json, line.as_bytes()).expect("the line is good"));
        }
        told(&events)
    }

    fn hear_page(&mut self, page: &str) -> Vec<String> {
        told(&self.follower.hear_page(Form::Json, page.as_bytes()).expect("the page is good"))
    }

    /// Ends the request; gives how long the next one waits, and what the end told.
    pub(super) fn end(&mut self, failure: Option<&Failure>) -> (u128, Vec<String>) {
        let events = self.follower.end(failure, self.now, 1.0);
        let at = self.follower.not_before().unwrap_or(self.now);
        let wait = at.saturating_duration_since(self.now).as_millis();
        self.now = at;
        (wait, told(&events))
    }
}

#[test]
fn a_streaming_list_becomes_a_watch_that_is_resumed_where_it_was_heard_last() {
    let mut rig = Rig::new(Kind::EndpointSlice);
    assert_eq!(rig.begin(), Request::Stream);
    let list = [line("ADDED", &slice("a", 7)), line("ADDED", &slice("b", 8))];
    assert_eq!(rig.hear(&list), ["+shop/a", "+shop/b"]);
    assert!(!rig.follower.is_read());
    assert_eq!(rig.hear(&[end_of_list(9)]), [""; 0]);
    assert!(rig.follower.is_read());
    assert_eq!(rig.hear(&[line("MODIFIED", &slice("a", 10)), bookmark(12)]), ["+shop/a"]);
    assert_eq!(rig.end(None), (0, vec![]));
    assert_eq!(rig.begin(), watch("12"));
    assert_eq!(rig.hear(&[line("DELETED", &slice("a", 15))]), ["-shop/a"]);
    assert_eq!(rig.end(None), (0, vec![]));
    assert_eq!(rig.begin(), watch("15"));
}

#[test]
fn a_server_without_streaming_lists_is_asked_for_pages() {
    let mut rig = Rig::new(Kind::EndpointSlice);
    assert_eq!(rig.begin(), Request::Stream);
    assert_eq!(rig.end(Some(&refused(422))), (0, vec![]));
    assert_eq!(rig.begin(), first_page());
    assert_eq!(rig.hear_page(&page(&[slice("a", 7)], 9, "more")), ["+shop/a"]);
    assert!(!rig.follower.is_read());
    assert_eq!(rig.end(None), (0, vec![]));
    assert_eq!(rig.begin(), Request::Page { after: Some("more".to_owned()), limit: 500 });
    assert_eq!(rig.hear_page(&page(&[slice("b", 8)], 9, "")), ["+shop/b"]);
    assert!(rig.follower.is_read());
    assert_eq!(rig.end(None), (0, vec![]));
    assert_eq!(rig.begin(), watch("9"));
}

#[test]
fn a_new_list_tells_what_differs_and_nothing_else() {
    let mut rig = Rig::new(Kind::EndpointSlice);
    rig.begin();
    let list = ["a", "b", "c"].map(|name| line("ADDED", &slice(name, 7)));
    rig.hear(&list);
    rig.hear(&[end_of_list(9)]);
    assert_eq!(rig.end(Some(&refused(410))), (0, vec![]));
    assert_eq!(rig.begin(), Request::Stream);
    let list = [("a", 7), ("b", 11), ("d", 12)];
    let list = list.map(|(name, version)| line("ADDED", &slice(name, version)));
    assert_eq!(rig.hear(&list), ["+shop/b", "+shop/d"]);
    assert_eq!(rig.hear(&[end_of_list(13)]), ["-shop/c"]);
}

#[test]
fn objects_of_another_cluster_are_others_though_name_and_version_are_the_same() {
    let mut rig = Rig::new(Kind::EndpointSlice);
    rig.begin();
    let broken = slice("b", 8).replace("[]", "7");
    rig.hear(&[line("ADDED", &slice("a", 7)), line("ADDED", &broken), end_of_list(9)]);
    rig.follower.list_anew();
    assert_eq!(rig.begin(), Request::Stream);
    let other = slice("a", 7).replace("IPv4", "IPv6");
    let events =
        rig.follower.hear(Form::Json, line("ADDED", &other).as_bytes()).expect("it is good");
    let [Event::Applied(object)] = &events[..] else { panic!("{events:?}") };
    let Object::EndpointSlice(found) = &**object else { panic!("{object:?}") };
    assert_eq!(found.address_type, "IPv6");
    let told = rig.hear(&[line("ADDED", &broken), end_of_list(9)]);
    assert_eq!(told, ["rejected API server: EndpointSlice shop/b"]);
    // Of the same cluster it is the same.
    rig.end(Some(&refused(410)));
    rig.begin();
    assert_eq!(rig.hear(&[line("ADDED", &other), line("ADDED", &broken), end_of_list(9)]), [""; 0]);
}

#[test]
fn a_list_that_breaks_off_deletes_nothing_and_begins_anew() {
    let mut rig = Rig::new(Kind::EndpointSlice);
    rig.begin();
    rig.hear(&[line("ADDED", &slice("a", 7)), line("ADDED", &slice("b", 7)), end_of_list(9)]);
    rig.end(Some(&refused(410)));
    rig.begin();
    assert_eq!(rig.hear(&[line("ADDED", &slice("a", 7))]), [""; 0]);
    let broken = Failure::Unreachable("reset".to_owned());
    assert_eq!(rig.end(Some(&broken)), (200, vec![]));
    assert_eq!(rig.begin(), Request::Stream);
    assert_eq!(rig.hear(&[line("ADDED", &slice("b", 7)), end_of_list(9)]), ["-shop/a"]);
}

#[test]
fn an_error_in_a_watch_is_the_same_as_one_before_it() {
    let mut rig = Rig::new(Kind::EndpointSlice);
    rig.begin();
    rig.hear(&[end_of_list(9)]);
    let error = r#"{"kind":"Status","code":410,"reason":"Expired","message":"too old"}"#;
    let failure =
        rig.follower.hear(Form::Json, line("ERROR", error).as_bytes()).expect_err("an error");
    let status = Status { code: 410, reason: "Expired".to_owned(), message: "too old".to_owned() };
    assert_eq!(failure, Failure::Refused { status, retry_after: None });
    assert_eq!(rig.end(Some(&failure)), (0, vec![]));
    assert_eq!(rig.begin(), Request::Stream);
}

#[test]
fn failures_in_a_row_wait_longer_and_keep_the_version() {
    let mut rig = Rig::new(Kind::EndpointSlice);
    rig.begin();
    rig.hear(&[end_of_list(9)]);
    let lost = Failure::Unreachable("refused".to_owned());
    let waits: Vec<u128> = (0..9).map(|_| rig.end(Some(&lost)).0).collect();
    assert_eq!(waits, [200, 400, 800, 1000, 1000, 1000, 1000, 1000, 1000]);
    assert_eq!(rig.begin(), watch("9"));
    rig.hear(&[bookmark(10)]);
    assert_eq!(rig.end(Some(&lost)), (200, vec![]));
}

#[test]
fn a_version_that_is_refused_again_and_again_ends_in_a_new_list() {
    let mut rig = Rig::new(Kind::EndpointSlice);
    rig.begin();
    rig.hear(&[end_of_list(9)]);
    let requests: Vec<Request> = (0..6)
        .map(|_| {
            rig.end(Some(&refused(504)));
            rig.begin()
        })
        .collect();
    let mut expected = vec![watch("9"); 5];
    expected.push(Request::Stream);
    assert_eq!(requests, expected);
}

#[test]
fn a_server_that_asks_for_patience_gets_it() {
    let mut rig = Rig::new(Kind::EndpointSlice);
    rig.begin();
    let Failure::Refused { status, .. } = refused(429) else { panic!("it is refused") };
    let failure = Failure::Refused { status, retry_after: Some(Duration::from_secs(3)) };
    assert_eq!(rig.end(Some(&failure)), (3_200, vec![]));
}

#[test]
fn a_watch_that_ends_at_once_is_not_begun_again_at_once() {
    let mut rig = Rig::new(Kind::EndpointSlice);
    rig.begin();
    rig.hear(&[end_of_list(9)]);
    assert_eq!(rig.end(None), (0, vec![]));
    rig.begin();
    assert_eq!(rig.end(None), (200, vec![]));
    rig.begin();
    assert_eq!(rig.end(None), (400, vec![]));
    rig.begin();
    rig.now += Duration::from_secs(300);
    assert_eq!(rig.end(None), (0, vec![]));
}

#[test]
fn pages_that_are_too_long_get_shorter() {
    let mut rig = Rig::new(Kind::EndpointSlice);
    rig.begin();
    rig.end(Some(&refused(400)));
    let limits: Vec<Request> = (0..10)
        .map(|_| {
            rig.end(Some(&Failure::TooLong));
            rig.begin()
        })
        .collect();
    let expected = [250, 125, 62, 31, 15, 7, 3, 1, 1, 1];
    assert_eq!(limits, expected.map(|limit| Request::Page { after: None, limit }));
}

#[test]
fn a_kind_that_nobody_installed_is_read_and_looked_for_again() {
    let mut rig = Rig::new(Kind::ServiceImport);
    let request = rig.begin();
    assert_eq!(
        rig.follower.target(&request, 0.0),
        "/apis/multicluster.x-k8s.io/v1beta1/serviceimports?watch=1&allowWatchBookmarks=true\
         &timeoutSeconds=300&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
    );
    assert_eq!(rig.end(Some(&refused(404))), (0, vec![]));
    let request = rig.begin();
    assert_eq!(
        rig.follower.target(&request, 0.0),
        "/apis/multicluster.x-k8s.io/v1alpha1/serviceimports?watch=1&allowWatchBookmarks=true\
         &timeoutSeconds=300&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
    );
    assert_eq!(rig.end(Some(&refused(404))), (30_000, vec![]));
    assert!(rig.follower.is_read() && rig.follower.is_absent());
    rig.begin();
    assert_eq!(rig.hear(&[line("ADDED", &slice("a", 7)), end_of_list(9)]), ["+shop/a"]);
    assert!(!rig.follower.is_absent());
}

#[test]
fn objects_of_a_kind_that_is_missing_are_gone_when_it_still_is_a_moment_later() {
    let mut rig = Rig::new(Kind::ServiceImport);
    rig.begin();
    rig.hear(&[line("ADDED", &slice("a", 7)), end_of_list(9)]);
    assert_eq!(rig.end(Some(&refused(404))), (0, vec![]));
    assert_eq!(rig.end(Some(&refused(404))), (5_000, vec![]));
    assert_eq!(rig.end(Some(&refused(404))), (0, vec![]));
    assert_eq!(rig.end(Some(&refused(404))), (30_000, vec!["-shop/a".to_owned()]));
}

#[test]
fn an_object_that_cannot_be_read_stays_what_it_was_and_says_so_once() {
    let mut rig = Rig::new(Kind::EndpointSlice);
    rig.begin();
    rig.hear(&[line("ADDED", &slice("a", 7)), end_of_list(9)]);
    let broken = |version| slice("a", version).replace("[]", "7");
    let path = "API server: EndpointSlice shop/a";
    assert_eq!(rig.hear(&[line("MODIFIED", &broken(10))]), [format!("rejected {path}")]);
    rig.end(Some(&refused(410)));
    rig.begin();
    assert_eq!(rig.hear(&[line("ADDED", &broken(10)), end_of_list(11)]), [""; 0]);
    let good = [line("MODIFIED", &slice("a", 12))];
    assert_eq!(rig.hear(&good), [format!("repaired {path}"), "+shop/a".to_owned()]);
}

#[test]
fn what_is_asked_for_follows_from_what_the_program_is_for() {
    let targets = |wanted: &Wanted| -> Vec<String> {
        let request = first_page();
        wanted.collections().iter().map(|it| it.target(&request, false, 0.0)).collect()
    };
    let node = Some(NodeName::new("a"));
    let agent = Wanted { dataplane: true, names: true, node, all_pods: false, addresses: false };
    let config_maps = "/api/v1/namespaces/kube-system/configmaps?fieldSelector=metadata.name%3D";
    assert_eq!(
        targets(&agent),
        [
            "/api/v1/services?limit=500",
            "/apis/discovery.k8s.io/v1/endpointslices?limit=500",
            "/api/v1/nodes?fieldSelector=metadata.name%3Da&limit=500",
            "/apis/networking.k8s.io/v1/servicecidrs?limit=500",
            "/api/v1/pods?fieldSelector=spec.nodeName%3Da&limit=500",
            "/api/v1/namespaces?limit=500",
            "/apis/multicluster.x-k8s.io/v1beta1/serviceimports?limit=500",
            &format!("{config_maps}kube-dns&limit=500"),
            &format!("{config_maps}coredns&limit=500"),
            &format!("{config_maps}coredns-custom&limit=500"),
        ]
    );
    let with_addresses = Wanted { addresses: true, ..agent.clone() };
    let more = |wanted: &Wanted| -> Vec<String> {
        targets(wanted).into_iter().filter(|it| !targets(&agent).contains(it)).collect()
    };
    assert_eq!(
        more(&with_addresses),
        [
            "/api/v1/nodes?limit=500",
            "/apis/pogu.dev/v1alpha1/addresspools?limit=500",
            "/apis/metallb.io/v1beta1/ipaddresspools?limit=500",
            "/apis/metallb.io/v1beta1/l2advertisements?limit=500",
        ]
    );
    assert_eq!(targets(&with_addresses).len(), targets(&agent).len() + 3);
    let without_names = Wanted { names: false, ..agent.clone() };
    assert_eq!(
        targets(&without_names),
        [
            "/api/v1/services?labelSelector=%21service.kubernetes.io%2Fservice-proxy-name\
             &fieldSelector=spec.clusterIP%21%3DNone&limit=500",
            "/apis/discovery.k8s.io/v1/endpointslices\
             ?labelSelector=%21service.kubernetes.io%2Fheadless&limit=500",
            "/api/v1/nodes?fieldSelector=metadata.name%3Da&limit=500",
            "/apis/networking.k8s.io/v1/servicecidrs?limit=500",
            "/api/v1/pods?fieldSelector=spec.nodeName%3Da&limit=500",
        ]
    );
}

#[test]
fn a_role_that_lacks_a_verb_is_told_which_rule_is_missing() {
    let message = "endpointslices.discovery.k8s.io is forbidden";
    let status = Status { code: 403, reason: "Forbidden".to_owned(), message: message.to_owned() };
    let failure = Failure::Refused { status, retry_after: None };
    assert_eq!(
        failure.describe(&collection(Kind::EndpointSlice), &Request::Stream),
        "not allowed to watch endpointslices: endpointslices.discovery.k8s.io is forbidden\n\
         hint: a ClusterRole that is bound to this user needs the rule apiGroups: \
         [\"discovery.k8s.io\"], resources: [\"endpointslices\"], verbs: [\"list\", \"watch\"]"
    );
}
