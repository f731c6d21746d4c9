//! How does the text become a scenario?

use std::path::Path;

use ingest::api::{Kind, ObjectKey};
use model::NodeName;

use super::cluster::cluster;
use super::error::{ParseError, Problem};
use super::query::queries;
use super::text::{Line, Section, sections};
use super::{ExpectedRejection, Scenario, Step, change, packet};
use crate::cluster::Cluster;

type At<T> = Result<T, (usize, Problem)>;

pub(super) fn scenario(path: &Path, text: &str) -> Result<Scenario, ParseError> {
    read(path, text).map_err(|(line, problem)| ParseError { path: path.to_owned(), line, problem })
}

fn read(path: &Path, text: &str) -> At<Scenario> {
    let (goal, sections) = sections(text)?;
    let Some(first) = sections.first() else {
        return Err((1, Problem::Missing("-- cluster --")));
    };
    let mut steps = vec![Step {
        title: String::new(),
        line: first.line,
        cluster: Cluster::default(),
        packets: Vec::new(),
        queries: Vec::new(),
        rejections: Vec::new(),
    }];
    for section in &sections {
        let step = match section.header.strip_prefix("then: ") {
            None => steps.last_mut(),
            Some(title) => {
                let last = steps.last().expect("the first step is made above");
                let next = Step {
                    title: title.to_owned(),
                    line: section.line,
                    packets: Vec::new(),
                    queries: Vec::new(),
                    ..last.clone()
                };
                steps.push(next);
                steps.last_mut()
            }
        };
        fill(step.expect("the first step is made above"), section)?;
    }
    for step in &steps {
        step.cluster.objects().map_err(|problem| (step.line, problem))?;
    }
    Ok(Scenario { path: path.to_owned(), goal: goal.to_owned(), steps })
}

/// A section's meaning is its header's, `then` or not; that of a change is its packets'.
fn fill(step: &mut Step, section: &Section<'_>) -> At<()> {
    let (is_then, header) = match section.header.strip_prefix("then: ") {
        Some(header) => (true, header),
        None => (false, section.header),
    };
    match header {
        "cluster" => cluster(&mut step.cluster, &section.body),
        "objects.yaml" => {
            let text: Vec<&str> = section.body.iter().map(|line| line.raw).collect();
            step.cluster.add_manifests(&text.join("\n"));
            Ok(())
        }
        "packets" if !is_then => packets(step, &section.body),
        "queries" if !is_then => {
            step.queries.extend(queries(&step.cluster, &section.body)?);
            Ok(())
        }
        "rejections" if !is_then => rejections(step, &section.body),
        changes if is_then => {
            change::apply(&mut step.cluster, changes).map_err(|problem| (section.line, problem))?;
            packets(step, &section.body)
        }
        _ => Err((
            section.line,
            Problem::expected(
                "cluster, objects.yaml, packets, queries, rejections or then: CHANGE",
                header,
            ),
        )),
    }
}

fn packets(step: &mut Step, body: &[Line<'_>]) -> At<()> {
    for line in body {
        let words: Vec<&str> = line.content().split_whitespace().collect();
        if words.is_empty() {
            continue;
        }
        let packet = packet::packet(line.number, &words).map_err(|it| (line.number, it))?;
        if !has_node(&step.cluster, &packet.node) {
            let name = packet.node.to_string();
            return Err((line.number, Problem::NoSuch { kind: "node", name }));
        }
        step.packets.push(packet);
    }
    Ok(())
}

fn has_node(cluster: &Cluster, name: &NodeName) -> bool {
    let is_it = |key: &ObjectKey| key.kind == Kind::Node && key.name == *name.0;
    cluster.nodes.contains_key(name) || cluster.manifests.keys().any(is_it)
}

/// The section replaces the list that a step takes over from the one before.
fn rejections(step: &mut Step, body: &[Line<'_>]) -> At<()> {
    step.rejections.clear();
    for line in body {
        let text = line.content();
        if text.is_empty() {
            continue;
        }
        if !text.contains(": ") {
            return Err((line.number, Problem::expected("OBJECT FIELD: REASON", text)));
        }
        step.rejections.push(ExpectedRejection { line: line.number, text: text.to_owned() });
    }
    Ok(())
}
