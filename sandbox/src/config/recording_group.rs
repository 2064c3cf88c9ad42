//! What a recorder records.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::page::{one_of, validation};
use crate::error::ApiError;
use crate::fields::Fields;

/// Compliance as a resource of its own: recording it keeps the compliance history.
pub(super) const RESOURCE_COMPLIANCE: &str = "AWS::Config::ResourceCompliance";

/// The types that belong to no region, recorded only when asked for.
const GLOBAL_TYPES: [&str; 4] = [
    "AWS::IAM::Group",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::IAM::User",
];

const STRATEGIES: [&str; 3] = [
    "ALL_SUPPORTED_RESOURCE_TYPES",
    "INCLUSION_BY_RESOURCE_TYPES",
    "EXCLUSION_BY_RESOURCE_TYPES",
];

/// Every value of the API model's `ResourceType`, one a line.
static KNOWN_TYPES: LazyLock<BTreeSet<&'static str>> =
    LazyLock::new(|| include_str!("resource-types.txt").lines().collect());

/// Whether Config knows the resource type.
pub(super) fn is_resource_type(name: &str) -> bool {
    KNOWN_TYPES.contains(name)
}

/// Which resource types are recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RecordingGroup {
    /// Everything that Config supports, global types only when asked for.
    All { global: bool },
    /// Only these.
    Only(Vec<String>),
    /// Everything but these.
    Except(Vec<String>),
}

impl RecordingGroup {
    /// Reads `recordingGroup`; absent means everything that is not global.
    pub(super) fn parse(input: Option<&Value>) -> Result<Self, ApiError> {
        let Some(input) = input else {
            return Ok(Self::All { global: false });
        };
        let all = input.flag("allSupported")?.unwrap_or(false);
        let global = input.flag("includeGlobalResourceTypes")?.unwrap_or(false);
        let included = types(input)?;
        let excluded = match input.field("exclusionByResourceTypes") {
            Some(exclusion) => types(exclusion)?,
            None => Vec::new(),
        };
        let strategy = input
            .field("recordingStrategy")
            .and_then(|strategy| strategy.text("useOnly"));
        if let Some(strategy) = strategy {
            one_of(
                strategy,
                "configurationRecorder.recordingGroup.recordingStrategy.useOnly",
                &STRATEGIES,
            )?;
        }
        let refuse = |why: &str| Err(ApiError::bad("InvalidRecordingGroupException", why));
        if global && !all {
            return refuse(
                "The recording group provided is not valid: includeGlobalResourceTypes needs allSupported.",
            );
        }
        match (all, included.is_empty(), excluded.is_empty(), strategy) {
            (true, true, true, None | Some("ALL_SUPPORTED_RESOURCE_TYPES")) => {
                Ok(Self::All { global })
            }
            (false, false, true, None | Some("INCLUSION_BY_RESOURCE_TYPES")) => {
                Ok(Self::Only(included))
            }
            (false, true, false, Some("EXCLUSION_BY_RESOURCE_TYPES")) => Ok(Self::Except(excluded)),
            (false, true, true, _) => {
                refuse("The recording group provided is not valid: it names nothing to record.")
            }
            _ => refuse(
                "The recording group provided is not valid: allSupported, resourceTypes, exclusionByResourceTypes and recordingStrategy contradict each other.",
            ),
        }
    }

    /// Whether resources of the type are recorded.
    pub(super) fn records(&self, resource_type: &str) -> bool {
        match self {
            Self::All { global } => *global || !GLOBAL_TYPES.contains(&resource_type),
            Self::Only(types) => types.iter().any(|name| name == resource_type),
            Self::Except(types) => types.iter().all(|name| name != resource_type),
        }
    }

    /// As `DescribeConfigurationRecorders` shows it: complete, whatever was left out when it was put.
    pub(super) fn to_json(&self) -> Value {
        let (all, global, included, excluded, strategy): (_, _, &[String], &[String], _) =
            match self {
                Self::All { global } => (true, *global, &[], &[], STRATEGIES[0]),
                Self::Only(types) => (false, false, types, &[], STRATEGIES[1]),
                Self::Except(types) => (false, false, &[], types, STRATEGIES[2]),
            };
        json!({
            "allSupported": all,
            "includeGlobalResourceTypes": global,
            "resourceTypes": included,
            "exclusionByResourceTypes": {"resourceTypes": excluded},
            "recordingStrategy": {"useOnly": strategy},
        })
    }
}

fn types(input: &Value) -> Result<Vec<String>, ApiError> {
    let types = input.texts("resourceTypes");
    match types.iter().find(|name| !is_resource_type(name)) {
        Some(unknown) => Err(validation(format!(
            "1 validation error detected: Value '[{unknown}]' at 'configurationRecorder.recordingGroup.resourceTypes' failed to satisfy constraint: Member must satisfy enum value set"
        ))),
        None => Ok(types),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn check(input: &Value, expect: Result<RecordingGroup, &str>) {
        let parsed = RecordingGroup::parse(Some(input)).map_err(|error| error.code.into_owned());
        assert_eq!(parsed, expect.map_err(str::to_owned), "{input}");
    }

    #[test]
    fn contradictions_are_refused() {
        let group = "AWS::EC2::SecurityGroup";
        let lab = RecordingGroup::Only(vec![group.to_owned()]);
        let invalid = Err("InvalidRecordingGroupException");
        check(&json!({"resourceTypes": [group]}), Ok(lab.clone()));
        check(
            &json!({"allSupported": false, "includeGlobalResourceTypes": false, "resourceTypes": [group],
                "recordingStrategy": {"useOnly": "INCLUSION_BY_RESOURCE_TYPES"}}),
            Ok(lab.clone()),
        );
        // What is described can be put again.
        check(&lab.to_json(), Ok(lab));
        check(&json!({}), invalid.clone());
        check(
            &json!({"allSupported": true, "resourceTypes": [group]}),
            invalid.clone(),
        );
        check(
            &json!({"allSupported": true, "recordingStrategy": {"useOnly": "EXCLUSION_BY_RESOURCE_TYPES"}}),
            invalid.clone(),
        );
        check(
            &json!({"includeGlobalResourceTypes": true, "resourceTypes": [group]}),
            invalid,
        );
        check(
            &json!({"resourceTypes": ["AWS::EC2::SecurityGroups"]}),
            Err("ValidationException"),
        );
    }

    #[test]
    fn a_group_records_what_it_says() {
        let all = RecordingGroup::parse(None).unwrap();
        assert!(all.records(RESOURCE_COMPLIANCE) && !all.records("AWS::IAM::Role"));
        let only = RecordingGroup::Only(vec!["AWS::EC2::SecurityGroup".to_owned()]);
        assert!(only.records("AWS::EC2::SecurityGroup") && !only.records("AWS::EC2::VPC"));
    }
}
