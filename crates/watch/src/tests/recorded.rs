//! Is it understood what a real API server once sent as Protocol Buffers, whole, cut and broken?
//!
//! Recorded from version 1.36: one EndpointSlice that is listed, annotated and deleted, the two pages
//! of another list, a watch from a version that is forgotten, and a request for what is not there.

use std::collections::BTreeSet;

use ingest::api::{Kind, Object, Status};
use proptest::prelude::*;

use super::api_server::{Rig, end_of_list, line, page, refused, slice, told};
use crate::api_server::decode::status;
use crate::api_server::failure::Failure;
use crate::api_server::follower::Request;
use crate::api_server::form::{Form, Messages};
use crate::event::Event;

const SLICES: &[u8] = include_bytes!("recorded/slices.watch");
const EXPIRED: &[u8] = include_bytes!("recorded/expired.watch");
const FIRST_PAGE: &[u8] = include_bytes!("recorded/slices.first_page");
const LAST_PAGE: &[u8] = include_bytes!("recorded/slices.last_page");
const NOT_FOUND: &[u8] = include_bytes!("recorded/not_found.status");

/// As an endpoint has it, and not the copy in an annotation.
const ADDRESS: &[u8] = b"\n\x0a10.244.0.7";

/// Hears what comes in these parts, up to the first failure.
fn hear(rig: &mut Rig, parts: &[&[u8]]) -> (Vec<Event>, Option<Failure>) {
    let (mut messages, mut events) = (Messages::of(Form::Protobuf), Vec::new());
    for part in parts {
        let heard = messages.push(part, |message| {
            events.append(&mut rig.follower.hear(Form::Protobuf, message)?);
            Ok(())
        });
        if let Err(failure) = heard {
            return (events, Some(failure));
        }
    }
    (events, None)
}

/// The same bytes, but for these that stand somewhere in them.
fn replaced(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    assert_eq!(old.len(), new.len(), "lengths are told before");
    let at = bytes.windows(old.len()).rposition(|it| it == old).expect("it stands there");
    [&bytes[..at], new, &bytes[at + old.len()..]].concat()
}

fn watch(version: &str) -> Request {
    Request::Watch { resource_version: version.to_owned() }
}

#[test]
fn a_recorded_stream_is_a_list_and_its_changes() {
    let mut rig = Rig::new(Kind::EndpointSlice);
    rig.begin();
    let (events, failure) = hear(&mut rig, &[SLICES]);
    assert_eq!(
        (told(&events), failure),
        (["+shop/a", "+shop/a", "-shop/a"].map(str::to_owned).to_vec(), None)
    );
    let Event::Applied(object) = &events[1] else { panic!("{events:?}") };
    let expected = r#"{
        "metadata": {
            "name": "a", "namespace": "shop", "uid": "8f0c5a73-6d4f-4cae-b63d-f9c2dd244b53", "resourceVersion": "242", "generation": 1,
            "creationTimestamp": "2026-11-30T21:11:00Z",
            "labels": {"kubernetes.io/service-name": "a"}, "annotations": {"seen": "yes"}
        },
        "addressType": "IPv4",
        "endpoints": [{
            "addresses": ["10.244.0.7"], "conditions": {"ready": true}, "nodeName": "one",
            "targetRef": {"kind": "Pod", "namespace": "shop", "name": "a-0"}
        }],
        "ports": [{"name": "", "port": 8080, "protocol": "TCP"}]
    }"#;
    assert_eq!(
        **object,
        Object::EndpointSlice(serde_json::from_str(expected).expect("it is good"))
    );
    assert!(rig.follower.is_read());
    rig.end(None);
    assert_eq!(rig.begin(), watch("243"));
}

#[test]
fn recorded_pages_are_a_list() {
    let mut rig = Rig::new(Kind::EndpointSlice);
    rig.begin();
    rig.end(Some(&refused(422)));
    rig.begin();
    let events = rig.follower.hear_page(Form::Protobuf, FIRST_PAGE).expect("it is good");
    assert_eq!((told(&events), rig.follower.is_read()), (vec!["+shop/a".to_owned()], false));
    let after = "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MjQ1LCJzdGFydCI6Ii9hXHUwMDAwIn0".to_owned();
    assert_eq!(rig.begin(), Request::Page { after: Some(after), limit: 500 });
    let events = rig.follower.hear_page(Form::Protobuf, LAST_PAGE).expect("it is good");
    assert_eq!((told(&events), rig.follower.is_read()), (vec!["+shop/b".to_owned()], true));
    assert_eq!(rig.begin(), watch("245"));
}

#[test]
fn an_answer_that_is_no_list_is_no_empty_list() {
    let mut rig = Rig::new(Kind::EndpointSlice);
    rig.begin();
    rig.end(Some(&refused(422)));
    rig.begin();
    let because = |reason: &str| Err(Failure::Malformed(reason.to_owned()));
    let mut heard =
        |form, bytes: &[u8]| rig.follower.hear_page(form, bytes).map(|events| told(&events));
    assert_eq!(heard(Form::Json, b"{}"), because("expected a list with a resourceVersion"));
    assert_eq!(
        heard(Form::Protobuf, NOT_FOUND),
        because("expected EndpointSliceList of discovery.k8s.io/v1, found \"Status\" of \"v1\"")
    );
    assert!(!rig.follower.is_read());
}

#[test]
fn a_recorded_refusal_is_one() {
    let mut rig = Rig::new(Kind::EndpointSlice);
    rig.begin();
    hear(&mut rig, &[SLICES]);
    rig.end(None);
    rig.begin();
    let (events, failure) = hear(&mut rig, &[EXPIRED]);
    let message = "too old resource version: 1 (245)".to_owned();
    let expired = Status { code: 410, reason: "Expired".to_owned(), message };
    let expected = Failure::Refused { status: expired, retry_after: None };
    assert_eq!((events.len(), failure.as_ref()), (0, Some(&expected)));
    assert_eq!(rig.end(failure.as_ref()), (0, vec![]));
    assert_eq!(rig.begin(), Request::Stream);

    let message = "nodes \"none\" not found".to_owned();
    let expected = Status { code: 404, reason: "NotFound".to_owned(), message };
    assert_eq!(status(Form::Protobuf, NOT_FOUND), Ok(expected));
}

#[test]
fn an_object_of_which_only_the_name_can_be_read_stays_what_it_was() {
    let mut rig = Rig::new(Kind::EndpointSlice);
    rig.begin();
    // What tells of the deletion is broken in it, too: it still names the object.
    let broken = replaced(SLICES, ADDRESS, b"\n\x0a10.244.0.\xff");
    let broken = replaced(&broken, ADDRESS, b"\n\x0a10.244.0.\xff");
    let (events, failure) = hear(&mut rig, &[&broken]);
    let path = "API server: EndpointSlice shop/a";
    let expected = [
        "+shop/a".to_owned(),
        format!("rejected {path}"),
        format!("repaired {path}"),
        "-shop/a".to_owned(),
    ];
    assert_eq!((told(&events), failure), (expected.to_vec(), None));
    let Event::FileRejected { rejections, .. } = &events[1] else { panic!("{events:?}") };
    assert_eq!(rejections[0].reason, "EndpointSlice: field 2.1: expected text in UTF-8");
}

#[test]
fn what_cannot_be_read_ends_the_watch_and_its_successor_begins_where_it_was_good() {
    let malformed = |parts: &[&[u8]]| {
        let mut rig = Rig::new(Kind::EndpointSlice);
        rig.begin();
        hear(&mut rig, &[SLICES]);
        rig.end(None);
        rig.begin();
        let (events, failure) = hear(&mut rig, parts);
        assert_eq!(events.len(), 0);
        rig.end(failure.as_ref());
        assert_eq!(rig.begin(), watch("243"));
        failure
    };
    let because = |reason: &str| Some(Failure::Malformed(reason.to_owned()));
    assert_eq!(
        malformed(&[b"\0\0\0\x05hello"]),
        because("a message of a watch: field 13: no field is of wire type 4")
    );
    assert_eq!(malformed(&[b"\0\0\0\0"]), because("expected a type of watch event, found \"\""));
    assert_eq!(
        malformed(&[&replaced(EXPIRED, b"k8s\0", b"k9s\0")]),
        because("expected the four bytes before a message of the API")
    );
    assert_eq!(
        malformed(&[&replaced(EXPIRED, b"Status", b"Statue")]),
        because("expected Status of v1, found \"Statue\" of \"v1\"")
    );
    // A server that says that it sends frames, and sends JSON: its first bytes are a length.
    assert_eq!(malformed(&[b"{\"type\":\"ADDED\"}\n"]), Some(Failure::TooLong));
}

#[test]
fn objects_of_another_kind_than_was_asked_for_are_refused() {
    let mut rig = Rig::new(Kind::Service);
    rig.begin();
    let reason = "expected Service of v1, found \"EndpointSlice\" of \"discovery.k8s.io/v1\"";
    let (events, failure) = hear(&mut rig, &[SLICES]);
    assert_eq!((events.len(), failure), (0, Some(Failure::Malformed(reason.to_owned()))));
}

proptest! {
    #[test]
    fn where_a_recorded_stream_is_cut_does_not_matter(at in 0..=SLICES.len()) {
        let mut rig = Rig::new(Kind::EndpointSlice);
        rig.begin();
        let (events, failure) = hear(&mut rig, &[&SLICES[..at], &SLICES[at..]]);
        prop_assert_eq!((told(&events).join(" "), failure), ("+shop/a +shop/a -shop/a".to_owned(), None));
    }

    #[test]
    fn after_whatever_came_a_new_list_says_what_there_is(
        changes in proptest::collection::vec((0..SLICES.len(), any::<u8>()), 1..4),
    ) {
        let mut bytes = SLICES.to_vec();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        let mut rig = Rig::new(Kind::EndpointSlice);
        rig.begin();
        let (mut events, failure) = hear(&mut rig, &[&bytes]);
        rig.end(failure.as_ref());
        rig.begin();
        rig.end(Some(&refused(410)));
        // By whatever form.
        events.extend(match rig.begin() {
            Request::Page { .. } => {
                let page = page(&[slice("z", 7)], 9, "");
                rig.follower.hear_page(Form::Json, page.as_bytes()).expect("it is good")
            }
            Request::Stream | Request::Watch { .. } => {
                let messages = [line("ADDED", &slice("z", 7)), end_of_list(9)];
                let heard = messages.map(|it| rig.follower.hear(Form::Json, it.as_bytes()));
                heard.into_iter().flat_map(|events| events.expect("it is good")).collect()
            }
        });
        let mut held = BTreeSet::new();
        for event in events {
            match event {
                Event::Applied(object) => {
                    // No server lets a namespace be called so, and nobody here expects it.
                    prop_assume!(!object.metadata().namespace.contains('/'));
                    held.insert(object.key());
                }
                // Also of what was never more than rejected.
                Event::Deleted(key) => drop(held.remove(&key)),
                Event::FileRejected { .. } | Event::FileRepaired { .. } | Event::Synced => {}
            }
        }
        let names: Vec<String> = held.iter().map(ToString::to_string).collect();
        prop_assert_eq!(names, ["EndpointSlice shop/z"]);
    }
}
