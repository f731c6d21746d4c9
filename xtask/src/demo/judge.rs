//! Was it as it must be?

use serde_json::Value;

use super::rows::{Row, Sees};

/// What a trace that was tried says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) happened: String,
    pub(crate) saw: String,
    pub(crate) problems: Vec<String>,
}

impl Judged {
    pub(crate) fn is_ok(&self) -> bool {
        self.problems.is_empty()
    }
}

pub(crate) fn judge(row: &Row, trace: &Value) -> Judged {
    let empty = Vec::new();
    let list = |field: &str| trace[field].as_array().unwrap_or(&empty);
    let seen = list("observations");
    let mut problems: Vec<String> = list("differences")
        .iter()
        .map(|it| format!("foretold {}, observed {}", it["foretold"], it["observed"]))
        .collect();
    let outcome = trace["verdict"]["outcome"].as_str().unwrap_or_default();
    if outcome != row.outcome {
        problems.push(format!("foretold is {outcome}, not {}", row.outcome));
    }
    if seen.is_empty() != (row.sees == Sees::NotTried) {
        let what = if seen.is_empty() { "nothing was tried" } else { "something was tried" };
        problems.push(what.to_owned());
    }
    let expected = if row.sees == Sees::Nobody { "refused" } else { "answered" };
    for it in seen {
        let (reaction, client, server) = (&it["reaction"], address(&it["from"]), server_saw(it));
        if reaction != expected {
            problems.push(format!("it was {reaction}, not {expected}"));
        }
        let is_as_must = match row.sees {
            Sees::Client => server.is_some() && server == client,
            // On the node itself, the node's address is the client's too.
            Sees::Node => server.is_some() && (server != client || row.from.starts_with("node/")),
            Sees::Nobody | Sees::NotTried => server.is_none(),
        };
        if !is_as_must {
            problems.push(format!("the server saw {server:?}, and the client is {client:?}"));
        }
    }
    problems.dedup();
    let happened = if seen.is_empty() { outcome.to_owned() } else { happened(seen) };
    Judged { happened, saw: saw(seen), problems }
}

fn address(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    text.rsplit_once(':').map(|(address, _)| address.trim_matches(['[', ']']).to_owned())
}

fn server_saw(observation: &Value) -> Option<String> {
    address(&observation["server"]["client"])
}

/// `12 answered by 3 pods`
fn happened(seen: &[Value]) -> String {
    let answered = seen.iter().filter(|it| it["reaction"] == "answered").count();
    let mut servers: Vec<&str> =
        seen.iter().filter_map(|it| it["server"]["pod"].as_str()).collect();
    servers.sort_unstable();
    servers.dedup();
    match (answered, servers.as_slice()) {
        (0, _) => {
            seen.first().and_then(|it| it["reaction"].as_str()).unwrap_or("nothing").to_owned()
        }
        (n, [only]) => format!("{n} answered by {only}"),
        (n, servers) => format!("{n} answered by {} pods", servers.len()),
    }
}

fn saw(seen: &[Value]) -> String {
    let mut all: Vec<String> = seen.iter().filter_map(server_saw).collect();
    all.sort_unstable();
    all.dedup();
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::rows::ROWS;
    use super::*;

    fn row(kind: &str) -> &'static Row {
        ROWS.iter().find(|row| row.kind == kind).expect("a row of the demo")
    }

    fn seen(client: &str) -> Value {
        json!({"from": "172.30.0.1:4000", "to": "172.30.0.11:30080", "reaction": "answered",
               "server": {"pod": "shop/a", "client": client}})
    }

    fn trace(outcome: &str, seen: &[Value]) -> Value {
        json!({"verdict": {"outcome": outcome}, "observations": seen})
    }

    #[test]
    fn what_must_be_is_ok_and_said_in_short() {
        let judged = judge(
            row("NodePort"),
            &trace("forward", &[seen("172.30.0.11:5"), seen("172.30.0.11:6")]),
        );
        let expected = Judged {
            happened: "2 answered by shop/a".to_owned(),
            saw: "172.30.0.11".to_owned(),
            problems: Vec::new(),
        };
        assert_eq!(judged, expected);
    }

    #[test]
    fn everything_else_is_a_problem() {
        let problems = |kind: &str, trace: &Value| judge(row(kind), trace).problems;
        let kept = trace("forward", &[seen("172.30.0.1:5")]);
        let expected =
            "the server saw Some(\"172.30.0.1\"), and the client is Some(\"172.30.0.1\")";
        assert_eq!(problems("NodePort", &kept), [expected]);
        assert_eq!(problems("NodePort", &trace("forward", &[])), ["nothing was tried"]);
        let refused = json!({"from": "172.30.0.1:4000", "reaction": "refused"});
        assert_eq!(problems("no endpoints", &trace("reject", &[refused])), Vec::<String>::new());
        assert_eq!(problems("a name", &trace("resolved", &[])), Vec::<String>::new());
        let expected = ["foretold is reject, not forward", "nothing was tried"];
        assert_eq!(problems("UDP", &trace("reject", &[])), expected);
        let mut different = trace("forward", &[seen("172.30.0.11:5")]);
        different["differences"] = json!([{"foretold": "a", "observed": "b"}]);
        assert_eq!(problems("NodePort", &different), ["foretold \"a\", observed \"b\""]);
    }
}
