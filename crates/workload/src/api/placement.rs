//! How does a Pod say which nodes it may run on?

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::lenient::nullable;

/// What a node has that keeps Pods away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Taint {
    pub key: String,
    #[serde(deserialize_with = "nullable")]
    pub value: String,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub effect: String,
}

/// Taints that a Pod puts up with. An empty key stands for all keys, an empty effect for all effects.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Toleration {
    #[serde(deserialize_with = "nullable")]
    pub key: String,
    /// `Equal`, also when it is empty, or `Exists`.
    #[serde(deserialize_with = "nullable")]
    pub operator: String,
    #[serde(deserialize_with = "nullable")]
    pub value: String,
    #[serde(deserialize_with = "nullable")]
    pub effect: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Affinity {
    #[serde(deserialize_with = "nullable")]
    pub node_affinity: NodeAffinity,
}

/// What a node must be like. Wishes are not read: any node will do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeAffinity {
    #[serde(rename = "requiredDuringSchedulingIgnoredDuringExecution")]
    pub required: Option<NodeSelector>,
}

/// One term must be met, with all that it says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NodeSelector {
    #[serde(deserialize_with = "nullable")]
    pub node_selector_terms: Vec<NodeSelectorTerm>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NodeSelectorTerm {
    #[serde(deserialize_with = "nullable")]
    pub match_expressions: Vec<NodeRequirement>,
    /// The only field is `metadata.name`.
    #[serde(deserialize_with = "nullable")]
    pub match_fields: Vec<NodeRequirement>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeRequirement {
    pub key: String,
    /// `In`, `NotIn`, `Exists`, `DoesNotExist`, `Gt` or `Lt`.
    pub operator: String,
    #[serde(deserialize_with = "nullable")]
    pub values: Vec<String>,
}

impl Taint {
    /// Whether a Pod that does not put up with it may not come.
    fn keeps_away(&self) -> bool {
        matches!(self.effect.as_str(), "NoSchedule" | "NoExecute")
    }

    /// Whether one of these puts up with it, or it is no more than a wish.
    #[must_use]
    pub fn lets_in(&self, tolerations: &[Toleration]) -> bool {
        !self.keeps_away() || tolerations.iter().any(|it| it.tolerates(self))
    }
}

impl Toleration {
    fn tolerates(&self, taint: &Taint) -> bool {
        let is_effect = self.effect.is_empty() || self.effect == taint.effect;
        let is_key = self.key.is_empty() || self.key == taint.key;
        let is_value = self.operator == "Exists" || self.value == taint.value;
        is_effect && is_key && is_value
    }
}

impl Affinity {
    /// Whether a node of this name and these labels will do.
    #[must_use]
    pub fn admits(&self, name: &str, labels: &BTreeMap<String, String>) -> bool {
        let Some(required) = &self.node_affinity.required else { return true };
        let is_named =
            |field: &NodeRequirement| field.key == "metadata.name" && field.is_met(Some(name));
        required.node_selector_terms.iter().any(|term| {
            // A term that says nothing is met by no node.
            let says = !(term.match_expressions.is_empty() && term.match_fields.is_empty());
            let has_label =
                |it: &NodeRequirement| it.is_met(labels.get(&it.key).map(String::as_str));
            says && term.match_fields.iter().all(is_named)
                && term.match_expressions.iter().all(has_label)
        })
    }
}

impl NodeRequirement {
    fn is_met(&self, found: Option<&str>) -> bool {
        let is_one = || found.is_some_and(|found| self.values.iter().any(|it| it == found));
        let number = |text: &str| text.parse::<i64>().ok();
        let wanted = || self.values.first().and_then(|it| number(it));
        match self.operator.as_str() {
            "In" => is_one(),
            "NotIn" => !is_one(),
            "Exists" => found.is_some(),
            "DoesNotExist" => found.is_none(),
            "Gt" => found.and_then(number).zip(wanted()).is_some_and(|(found, than)| found > than),
            "Lt" => found.and_then(number).zip(wanted()).is_some_and(|(found, than)| found < than),
            _ => false,
        }
    }
}
