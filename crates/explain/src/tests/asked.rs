//! A cluster of a scenario, and questions to the agents of its nodes.

use std::path::Path;

use model::{Node, NodeName, NodeTable, Rejection};
use testkit::{Cluster, Scenario, Tables};

use crate::{ClusterDns, Question, Refusal, Trace, View, explain};

/// The cluster that the sections of a scenario describe, and the table of each of its nodes.
pub(super) struct Asked {
    cluster: Cluster,
    tables: Tables,
}

impl Asked {
    pub(super) fn new(sections: &str) -> Self {
        let text = format!("goal: explain\n\n{sections}");
        let scenario = Scenario::parse(Path::new("asked.txt"), &text).expect("a scenario");
        let cluster = scenario.steps.first().expect("a scenario has a step").cluster.clone();
        let mut tables = Tables::new(cluster.nodes.keys().cloned().collect());
        tables.follow(&cluster, &mut |_, _| {});
        Self { cluster, tables }
    }

    pub(super) fn table(&self, node: &str) -> &NodeTable {
        self.tables.node(&NodeName::new(node)).expect("a node of the cluster")
    }

    /// As the agent of the node answers, with this cluster DNS.
    pub(super) fn ask_dns(
        &self,
        node: &str,
        dns: &ClusterDns,
        question: &Question,
    ) -> Result<Trace, Refusal> {
        ask_with(&self.cluster, self.table(node), dns, question)
    }

    /// As the agent of the node answers.
    pub(super) fn ask(&self, node: &str, question: &Question) -> Result<Trace, Refusal> {
        ask(&self.cluster, self.table(node), question)
    }
}

/// As the agent with this table answers.
pub(super) fn ask(
    cluster: &Cluster,
    table: &NodeTable,
    question: &Question,
) -> Result<Trace, Refusal> {
    ask_with(cluster, table, &shipped(table), question)
}

/// The cluster DNS as clusters ship it.
pub(super) fn shipped(table: &NodeTable) -> ClusterDns {
    ClusterDns::as_shipped("cluster.local", table.cluster()).expect("a domain")
}

/// The same, with a cluster DNS that is set otherwise.
pub(super) fn ask_with(
    cluster: &Cluster,
    table: &NodeTable,
    dns: &ClusterDns,
    question: &Question,
) -> Result<Trace, Refusal> {
    let mut rejections: Vec<Rejection> = table.cluster().rejections.to_vec();
    rejections.extend(table.rejections());
    let view = View {
        here: table,
        other_node: &|node: &Node| cluster.context(node, table.cluster()),
        rejections: &rejections,
        dns,
        agent: None,
        addresses: None,
    };
    explain(&view, question)
}

/// The words of a command line: `[--from WHO] [--namespace NS] [--via IF] [-4|-6] TARGET`.
pub(super) fn question(words: &str) -> Question {
    let mut question = Question::default();
    let mut words = words.split_whitespace();
    while let Some(word) = words.next() {
        let mut value = || words.next().expect("a flag has a value").to_owned();
        match word {
            "--from" => question.from = Some(value()),
            "--namespace" => question.namespace = Some(value()),
            "--via" => question.via = Some(value()),
            "-4" => question.family = Some(model::Family::V4),
            "-6" => question.family = Some(model::Family::V6),
            target => target.clone_into(&mut question.target),
        }
    }
    question
}
