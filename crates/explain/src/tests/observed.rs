//! Is what happened told from what was foretold?

use std::net::IpAddr;

use crate::{
    Answer, AnswerWay, Certainty, Difference, Endpoint, Frontend, Hop, Object, Observation,
    Outcome, Reaction, Server, Source, SourceWhy, Stage, State, Trace, Verdict,
};

const NODE: &str = "172.30.0.11";
const CLIENT: &str = "172.30.0.1:4000";

fn trace(outcome: Outcome, is_rewritten: bool) -> Trace {
    let endpoint = |address: &str, pod: &str| Endpoint {
        address: address.parse().unwrap(),
        probability: 0.5,
        node: Some("node-1".to_owned()),
        pod: Some(pod.to_owned()),
        state: State::Ready,
        source: Source {
            is_rewritten,
            why: if is_rewritten { SourceWhy::PolicyCluster } else { SourceWhy::PolicyLocal },
            seen: None,
        },
        answer: Answer { way: AnswerWay::ThroughNode, node: None },
    };
    let hop = |stage: Stage| Hop {
        stage,
        node: None,
        says: String::new(),
        origins: Vec::new(),
        certainty: Certainty::Expected,
        change: None,
    };
    Trace {
        api_version: String::new(),
        kind: String::new(),
        target: String::new(),
        from: String::new(),
        hops: vec![hop(Stage::From), hop(Stage::Frontend), hop(Stage::Source)],
        verdict: Verdict {
            outcome,
            says: String::new(),
            reason: None,
            node: Some("node-1".to_owned()),
            frontend: Some(Frontend {
                address: "172.30.0.11:30080".parse().unwrap(),
                protocol: "TCP".to_owned(),
                kind: "NodePort".to_owned(),
                service: Object::new("Service", "shop/web"),
                port_name: String::new(),
            }),
            affinity_seconds: None,
            endpoints: vec![
                endpoint("10.244.1.2:8080", "shop/a"),
                endpoint("10.244.2.2:8080", "shop/b"),
            ],
        },
        warnings: Vec::new(),
        dns_questions: Vec::new(),
        observations: Vec::new(),
        differences: Vec::new(),
    }
}

fn seen(reaction: Reaction, endpoint: &str, source: &str, pod: &str) -> Observation {
    Observation {
        from: Some(CLIENT.parse().unwrap()),
        to: "172.30.0.11:30080".parse().unwrap(),
        protocol: "TCP".to_owned(),
        reaction,
        error: String::new(),
        endpoint: endpoint.parse().ok(),
        source: source.parse().ok(),
        server: (!pod.is_empty()).then(|| Server {
            pod: pod.to_owned(),
            client: format!("{source}:5").parse().unwrap(),
        }),
    }
}

fn differences(trace: &mut Trace, seen: Vec<Observation>) -> Vec<String> {
    let node: IpAddr = NODE.parse().unwrap();
    trace.observe(seen, &[node]);
    trace.differences.iter().map(Difference::to_string).collect()
}

#[test]
fn what_agrees_is_observed_but_for_what_no_connection_shows() {
    let mut rewritten = trace(Outcome::Forward, true);
    let one = seen(Reaction::Answered, "10.244.1.2:8080", NODE, "shop/a");
    let silent_server = seen(Reaction::Answered, "10.244.2.2:8080", NODE, "");
    assert_eq!(differences(&mut rewritten, vec![one, silent_server]), Vec::<String>::new());
    let sure: Vec<Certainty> = rewritten.hops.iter().map(|hop| hop.certainty).collect();
    assert_eq!(sure, [Certainty::Expected, Certainty::Observed, Certainty::Observed]);
    let mut kept = trace(Outcome::Forward, false);
    let one = seen(Reaction::Answered, "10.244.1.2:8080", "172.30.0.1", "shop/a");
    assert_eq!(differences(&mut kept, vec![one]), Vec::<String>::new());
    for (outcome, reaction) in
        [(Outcome::Drop, Reaction::Silent), (Outcome::Reject, Reaction::Refused)]
    {
        let mut trace = trace(outcome, false);
        assert_eq!(differences(&mut trace, vec![seen(reaction, "", "", "")]), Vec::<String>::new());
    }
}

#[test]
fn each_kind_of_difference_is_told_once_and_nothing_is_observed() {
    let mut trace_ = trace(Outcome::Forward, true);
    let other = || seen(Reaction::Answered, "10.244.3.2:8080", NODE, "shop/c");
    let kept = seen(Reaction::Answered, "10.244.1.2:8080", "172.30.0.1", "shop/a");
    let refused = seen(Reaction::Refused, "", "", "");
    let told = differences(&mut trace_, vec![other(), other(), kept, refused]);
    assert_eq!(
        told,
        [
            "choose: foretold was one of 10.244.1.2:8080, 10.244.2.2:8080, but observed 10.244.3.2:8080",
            "choose: foretold was one of 10.244.1.2:8080, 10.244.2.2:8080, but observed pod shop/c",
            "source: foretold was an address of the node, but observed 172.30.0.1",
            "policy: foretold was answered, but observed refused",
        ]
    );
    assert!(trace_.hops.iter().all(|hop| hop.certainty == Certainty::Expected));
    let mut kept = trace(Outcome::Forward, false);
    let told = differences(&mut kept, vec![seen(Reaction::Answered, "10.244.1.2:8080", NODE, "")]);
    let expected =
        "source: foretold was the client's own address, 172.30.0.1, but observed 172.30.0.11";
    assert_eq!(told, [expected]);
    let mut dropped = trace(Outcome::Drop, false);
    let told = differences(&mut dropped, vec![seen(Reaction::Answered, "", "", "")]);
    assert_eq!(told, ["policy: foretold was silence, but observed answered"]);
}
