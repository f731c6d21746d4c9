//! Which conditions are written, in virtual time.

use std::time::Duration;

use host::clock::monotonic;
use ingest::api::{Kind, Object, ObjectKey};
use model::ServiceName;
use serde_json::json;

use crate::conditions::{Conditions, Writing};
use crate::problem::Problem;

fn service(conditions: serde_json::Value) -> Object {
    let value = json!({
        "metadata": {"namespace": "shop", "name": "web"},
        "status": {"conditions": conditions},
    });
    Object::Service(serde_json::from_value(value).unwrap())
}

fn ours(message: &str) -> Object {
    service(json!([
        {"type": "other.example/Ready", "status": "True", "reason": "Ready", "message": ""},
        {"type": "pogu.dev/Accepted", "status": "False", "reason": "InvalidFields", "message": message,
            "lastTransitionTime": SINCE},
    ]))
}

fn problem(text: &str) -> Problem {
    let object =
        ObjectKey { kind: Kind::Service, namespace: "shop".to_owned(), name: "web".to_owned() };
    Problem { object, text: text.to_owned() }
}

const SINCE: &str = "2026-11-25T09:00:00Z";

fn writing(message: Option<&str>, since: Option<&str>) -> Writing {
    let (message, since) = (message.map(str::to_owned), since.map(str::to_owned));
    Writing { service: ServiceName::new("shop", "web"), message, since }
}

#[test]
fn a_service_is_written_when_it_differs_and_only_then() {
    let (mut conditions, now) = (Conditions::default(), monotonic());
    conditions.see(&service(json!([])));
    assert_eq!(conditions.due(now), []);
    conditions.want(&[problem("spec.a: 1"), problem("spec.b: 2")]);
    assert_eq!(conditions.due(now), [writing(Some("spec.a: 1; spec.b: 2"), None)]);
    conditions.see(&ours("spec.a: 1; spec.b: 2"));
    assert_eq!(conditions.due(now), []);
    conditions.want(&[problem("spec.b: 2")]);
    assert_eq!(conditions.due(now), [writing(Some("spec.b: 2"), Some(SINCE))]);
    conditions.want(&[]);
    assert_eq!(conditions.due(now), [writing(None, Some(SINCE))]);
    conditions.see(&service(json!([])));
    assert_eq!(conditions.due(now), []);
}

#[test]
fn what_is_being_written_is_not_written_twice_but_again_when_it_does_not_come_back() {
    let (mut conditions, now) = (Conditions::default(), monotonic());
    conditions.see(&service(json!([])));
    conditions.want(&[problem("spec.a: 1")]);
    conditions.tried(&writing(Some("spec.a: 1"), None), now);
    assert_eq!(conditions.due(now), []);
    let patience = Duration::from_secs(10);
    assert_eq!(conditions.next_due(), Some(now + patience));
    assert_eq!(conditions.due(now + patience), [writing(Some("spec.a: 1"), None)]);
    // What is wanted otherwise does not wait.
    conditions.want(&[problem("spec.a: 2")]);
    assert_eq!(conditions.due(now), [writing(Some("spec.a: 2"), None)]);
}

#[test]
fn what_could_not_be_written_is_tried_again_soon_and_then_less_often() {
    let (mut conditions, mut now) = (Conditions::default(), monotonic());
    let writing = writing(Some("spec.a: 1"), None);
    conditions.see(&service(json!([])));
    conditions.want(&[problem("spec.a: 1")]);
    let mut pauses = Vec::new();
    for _ in 0..10 {
        conditions.tried(&writing, now);
        conditions.failed(&writing, now);
        let due = conditions.next_due().unwrap();
        pauses.push((due - now).as_millis());
        now = due;
        assert_eq!(conditions.due(now), std::slice::from_ref(&writing));
    }
    let doubled = [200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000];
    assert_eq!(pauses, doubled);
    conditions.written(&writing, now);
    conditions.failed(&writing, now);
    assert_eq!(conditions.next_due(), Some(now + Duration::from_millis(200)));
}

#[test]
fn services_that_are_gone_and_other_kinds_are_not_written() {
    let (mut conditions, now) = (Conditions::default(), monotonic());
    conditions.want(&[problem("spec.a: 1")]);
    assert_eq!(conditions.due(now), []);
    conditions.see(&ours("spec.a: 0"));
    conditions.forget(&ServiceName::new("shop", "web"));
    assert_eq!(conditions.due(now), []);
    conditions.see(&service(json!([])));
    let mut other = problem("spec.a: 1");
    other.object.kind = Kind::EndpointSlice;
    conditions.want(&[other]);
    assert_eq!(conditions.due(now), []);
}

#[test]
fn a_message_that_the_server_would_refuse_is_cut() {
    let (mut conditions, now) = (Conditions::default(), monotonic());
    conditions.see(&service(json!([])));
    let all: Vec<Problem> = (0..2_000).map(|at| problem(&format!("spec.포구[{at}]"))).collect();
    conditions.want(&all);
    let due = conditions.due(now);
    let message = due[0].message.as_deref().unwrap();
    assert_eq!((due.len(), message.len() <= 4_096, message.ends_with('…')), (1, true, true));
}
