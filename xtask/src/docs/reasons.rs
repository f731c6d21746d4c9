//! What does the reference page of reasons say?

use std::fmt::Write as _;

use model::{DropReason, RejectReason};

const INTRODUCTION: &str = "\
# Reasons

Every packet that is refused is refused for one of these reasons. They are the labels of metrics,
the verdicts of scenarios and the words of explanations. This page is generated from the registry
in the crate `model`: run `cargo xtask docs` after a change there.
";

const DROPPED: &str = "
## Dropped

The packet vanishes; the client waits until it gives up.

| reason | meaning |
|---|---|
";

const REJECTED: &str = "
## Rejected

The client is told at once: ICMP port unreachable, or its IPv6 twin.

| reason | meaning |
|---|---|
";

pub(super) fn render() -> String {
    let mut page = String::from(INTRODUCTION);
    page.push_str(DROPPED);
    for reason in DropReason::ALL {
        row(&mut page, reason.as_str(), reason.text());
    }
    page.push_str(REJECTED);
    for reason in RejectReason::ALL {
        row(&mut page, reason.as_str(), reason.text());
    }
    page
}

fn row(page: &mut String, reason: &str, text: &str) {
    writeln!(page, "| `{reason}` | {text} |").expect("writing to a String does not fail");
}
