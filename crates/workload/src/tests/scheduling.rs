//! Is a Pod kept from the nodes that it may not run on, and let onto the others?

use std::collections::BTreeMap;

use model::NodeName;

use crate::api::{Pod, Taint};
use crate::{SchedulableNode, Unschedulable, schedule};

fn node(name: &str, labels: &[(&str, &str)], taint: Option<(&str, &str)>) -> SchedulableNode {
    let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let taint_of = |(key, effect): (&str, &str)| Taint {
        key: key.to_owned(),
        value: String::new(),
        effect: effect.to_owned(),
    };
    SchedulableNode {
        name: NodeName::new(name),
        labels: labels.collect::<BTreeMap<_, _>>(),
        taints: taint.map(taint_of).into_iter().collect(),
    }
}

fn pod(spec: &str) -> Pod {
    serde_json::from_str(&format!("{{\"spec\":{{{spec}}}}}")).expect("a Pod")
}

/// Of three nodes: where a Pod goes whose spec holds this, in JSON.
fn place(spec: &str) -> Result<String, Unschedulable> {
    let nodes = [
        node("a", &[("cpus", "2")], Some(("gone", "NoExecute"))),
        node("b", &[("cpus", "4")], Some(("gpu", "NoSchedule"))),
        node("c", &[("cpus", "8")], Some(("slow", "PreferNoSchedule"))),
    ];
    schedule(&pod(spec), &nodes, &[]).map(|name| name.to_string())
}

fn required(term: &str) -> String {
    format!(
        "\"affinity\":{{\"nodeAffinity\":{{\"requiredDuringSchedulingIgnoredDuringExecution\":\
         {{\"nodeSelectorTerms\":[{term}]}}}}}}"
    )
}

#[test]
fn only_tolerated_taints_let_a_pod_in() {
    let at = |name: &str| Ok(name.to_owned());
    let cases = [
        ("", at("c")),
        (r#""tolerations":[{"operator":"Exists"}]"#, at("a")),
        (r#""tolerations":[{"key":"gpu","operator":"Exists","effect":"NoExecute"}]"#, at("c")),
        (r#""tolerations":[{"key":"gpu","effect":"NoSchedule"}]"#, at("b")),
        (r#""tolerations":[{"key":"gpu","value":"x","effect":"NoSchedule"}]"#, at("c")),
        (
            r#""nodeSelector":{"cpus":"4"}"#,
            Err(Unschedulable::NotTolerated("gpu:NoSchedule".to_owned())),
        ),
    ];
    for (spec, expected) in cases {
        assert_eq!(place(spec), expected, "{spec}");
    }
}

/// As the controller of DaemonSets names the node of each of its Pods.
#[test]
fn a_required_affinity_names_nodes_by_name_or_label() {
    let tolerant = r#""tolerations":[{"operator":"Exists"}],"#;
    let cases = [
        (r#"{"matchFields":[{"key":"metadata.name","operator":"In","values":["b"]}]}"#, Ok("b")),
        (r#"{"matchExpressions":[{"key":"cpus","operator":"Gt","values":["4"]}]}"#, Ok("c")),
        (r#"{"matchExpressions":[{"key":"cpus","operator":"NotIn","values":["2"]}]}"#, Ok("b")),
        (r#"{"matchExpressions":[{"key":"disk","operator":"Exists"}]},{}"#, Err(())),
        (
            r#"{"matchExpressions":[{"key":"disk","operator":"Exists"}]},
               {"matchExpressions":[{"key":"disk","operator":"DoesNotExist"}]}"#,
            Ok("a"),
        ),
    ];
    for (term, expected) in cases {
        let expected = expected.map(str::to_owned).map_err(|()| Unschedulable::NotAdmitted);
        assert_eq!(place(&(tolerant.to_owned() + &required(term))), expected, "{term}");
    }
}
