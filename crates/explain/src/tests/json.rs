//! Is the JSON what its page says, and does it come back whole?

use super::asked::{Asked, question};
use crate::{Certainty, KernelHolds, NoAnswer, Style, Trace, WarningKind};

const CLUSTER: &str = "\
-- cluster --
agent detect-local=cluster-cidr
node a addr=192.168.0.1 pods=10.1.0.0/24
node b addr=192.168.0.2 pods=10.2.0.0/24
service shop/web type=NodePort cluster=10.96.0.10
  port http 80/TCP -> 8080 node=30080
  endpoint 10.1.0.5 on a ready
  endpoint 10.2.0.5 on b unready

";

fn trace() -> Trace {
    let words = "--from 198.51.100.9 192.168.0.1:30080";
    Asked::new(CLUSTER).ask("a", &question(words)).expect("an answer")
}

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/explain.md");

/// The page shows this very text, so that nobody parses another one. `UPDATE_EXPECT=1` writes it.
#[test]
fn the_page_shows_a_trace_as_it_is() {
    let page = std::fs::read_to_string(PAGE).expect("the page");
    let (before, rest) = page.split_once("```json\n").expect("an example");
    let (_, after) = rest.split_once("\n```").expect("the end of the example");
    let json = serde_json::to_string_pretty(&trace()).expect("it can be written");
    let current = format!("{before}```json\n{json}\n```{after}");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(PAGE, &current).expect("the page can be written");
    }
    let kept = std::fs::read_to_string(PAGE).expect("the page");
    assert_eq!(kept, current, "UPDATE_EXPECT=1 makes it anew");
}

/// Every word that a program may meet stands there.
#[test]
fn the_page_names_every_warning() {
    let page = std::fs::read_to_string(PAGE).expect("the page");
    let (_, page) = page.split_once("## Warnings").expect("the warnings");
    let (page, _) = page.split_once("## ").expect("what follows");
    for kind in WarningKind::ALL {
        let word = serde_json::to_string(&kind).expect("it can be written");
        let row = format!("| `{}` |", word.trim_matches('"'));
        assert_eq!(page.matches(&row).count(), 1, "{row}");
    }
}

#[test]
fn the_page_names_every_reason_of_no_answer() {
    let page = std::fs::read_to_string(PAGE).expect("the page");
    let (_, rows) = page.split_once("| reason | meaning |\n|---|---|\n").expect("the table");
    let rows = rows.lines().take_while(|row| row.starts_with('|'));
    let firsts = rows.filter_map(|row| row.split('|').nth(1));
    let mut told: Vec<&str> = firsts
        .flat_map(|first| first.split(','))
        .map(|word| word.trim().trim_matches('`'))
        .collect();
    let words = NoAnswer::ALL.map(|reason| serde_json::to_string(&reason).expect("a word"));
    let mut expected: Vec<&str> = words.iter().map(|word| word.trim_matches('"')).collect();
    told.sort_unstable();
    expected.sort_unstable();
    assert_eq!(told, expected);
}

#[test]
fn what_is_written_can_be_read() {
    let trace = trace();
    let json = serde_json::to_string(&trace).expect("it can be written");
    let read: Trace = serde_json::from_str(&json).expect("it can be read");
    assert_eq!(read, trace);
}

fn certainties(trace: &Trace) -> Vec<(&'static str, Certainty)> {
    trace.hops.iter().map(|hop| (hop.stage.as_str(), hop.certainty)).collect()
}

#[test]
fn what_the_kernel_holds_is_programmed() {
    let mut confirmed = trace();
    confirmed.confirm("a", &KernelHolds::AsPlanned);
    let (expected, programmed) = (Certainty::Expected, Certainty::Programmed);
    assert_eq!(
        certainties(&confirmed),
        [
            ("from", expected),
            ("arrive", expected),
            ("frontend", programmed),
            ("policy", programmed),
            ("choose", programmed),
            ("source", programmed),
            ("deliver", expected),
            ("answer", expected),
        ]
    );
    let mut other = trace();
    other.confirm("b", &KernelHolds::AsPlanned);
    assert_eq!(other, trace());
}

#[test]
fn what_the_kernel_does_not_hold_is_warned_of() {
    let mut doubted = trace();
    doubted.confirm("a", &KernelHolds::Otherwise("2 elements are missing".to_owned()));
    assert_eq!(certainties(&doubted), certainties(&trace()));
    let says: Vec<&str> = doubted
        .warnings
        .iter()
        .filter(|warning| warning.kind == WarningKind::NotProgrammed)
        .map(|warning| &*warning.says)
        .collect();
    assert_eq!(
        says,
        ["the kernel of node a does not hold what was planned: 2 elements are missing; what \
          happens may differ until the agent has repaired it"]
    );
}

#[test]
fn colours_change_no_letter() {
    let coloured = trace().to_text(Style::Coloured);
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').expect("a colour ends in m").1;
    }
    plain.push_str(rest);
    let plain: String = plain.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    assert_ne!(coloured, plain);
    assert_eq!(plain, trace().to_text(Style::Plain));
}
