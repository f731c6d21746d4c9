//! How is a Deployment written?

use std::collections::BTreeMap;

use ingest::api::Metadata;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::lenient::nullable;
use super::pod::PodSpec;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Deployment {
    #[serde(deserialize_with = "nullable")]
    pub metadata: Metadata,
    #[serde(deserialize_with = "nullable")]
    pub spec: DeploymentSpec,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DeploymentSpec {
    /// One when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
    #[serde(deserialize_with = "nullable")]
    pub selector: LabelSelector,
    #[serde(deserialize_with = "nullable")]
    pub template: PodTemplate,
    #[serde(deserialize_with = "nullable")]
    pub strategy: Strategy,
    #[serde(deserialize_with = "nullable")]
    pub min_ready_seconds: u32,
    #[serde(deserialize_with = "nullable")]
    pub paused: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodTemplate {
    #[serde(deserialize_with = "nullable")]
    pub metadata: Metadata,
    #[serde(deserialize_with = "nullable")]
    pub spec: PodSpec,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LabelSelector {
    #[serde(deserialize_with = "nullable")]
    pub match_labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub match_expressions: Vec<Requirement>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirement {
    pub key: String,
    pub operator: SelectorOperator,
    #[serde(default, deserialize_with = "nullable")]
    pub values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SelectorOperator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

impl LabelSelector {
    /// All conditions hold. An empty selector selects everything.
    #[must_use]
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let has = |requirement: &Requirement| match labels.get(&requirement.key) {
            Some(value) => match requirement.operator {
                SelectorOperator::In => requirement.values.contains(value),
                SelectorOperator::NotIn => !requirement.values.contains(value),
                SelectorOperator::Exists => true,
                SelectorOperator::DoesNotExist => false,
            },
            None => matches!(
                requirement.operator,
                SelectorOperator::NotIn | SelectorOperator::DoesNotExist
            ),
        };
        self.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
            && self.match_expressions.iter().all(has)
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Strategy {
    #[serde(rename = "type", deserialize_with = "nullable")]
    pub kind: StrategyType,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rolling_update: Option<RollingUpdate>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum StrategyType {
    #[default]
    RollingUpdate,
    Recreate,
}

/// A quarter each when absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RollingUpdate {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_surge: Option<IntOrPercent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_unavailable: Option<IntOrPercent>,
}

/// So many Pods, or such a part of the replicas: `2` or `25%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntOrPercent {
    Int(u32),
    Percent(u32),
}

impl<'de> Deserialize<'de> for IntOrPercent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected a number such as 2 or a percentage such as 25%")]
        enum Written {
            Int(u32),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Int(number) => Ok(Self::Int(number)),
            Written::Text(text) => text
                .strip_suffix('%')
                .and_then(|digits| digits.parse().ok())
                .map(Self::Percent)
                .ok_or_else(|| {
                    D::Error::custom(format!(
                        "expected a number such as 2 or a percentage such as 25%, found {text:?}"
                    ))
                }),
        }
    }
}

impl Serialize for IntOrPercent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Int(number) => serializer.serialize_u32(*number),
            Self::Percent(percent) => serializer.collect_str(&format_args!("{percent}%")),
        }
    }
}
