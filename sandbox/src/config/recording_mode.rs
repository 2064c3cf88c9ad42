//! How often changes become items: at once, or once a day.

use serde_json::{Value, json};

use super::page::{one_of, validation};
use super::recording_group::{RESOURCE_COMPLIANCE, RecordingGroup, is_resource_type};
use crate::error::ApiError;
use crate::fields::Fields;

/// What cannot be recorded daily; where everything is recorded, these are recorded continuously
/// (API reference, `RecordingMode`).
const NEVER_DAILY: [&str; 3] = [
    RESOURCE_COMPLIANCE,
    "AWS::Config::ConformancePackCompliance",
    "AWS::Config::ConfigurationRecorder",
];

const FREQUENCIES: [&str; 2] = ["CONTINUOUS", "DAILY"];

/// Whether a day's changes of a resource are one item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RecordingMode {
    daily: bool,
    other: Option<Override>,
}

/// Types that are recorded in another way; AWS allows one such group.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Override {
    description: Option<String>,
    types: Vec<String>,
    daily: bool,
}

impl RecordingMode {
    /// Reads `recordingMode`; absent means continuous.
    pub(super) fn parse(input: Option<&Value>, group: &RecordingGroup) -> Result<Self, ApiError> {
        let Some(input) = input else {
            return Ok(Self::default());
        };
        let overrides = input.list("recordingModeOverrides");
        if overrides.len() > 1 {
            return Err(validation(
                "1 validation error detected: Value at 'configurationRecorder.recordingMode.recordingModeOverrides' failed to satisfy constraint: Member must have length less than or equal to 1",
            ));
        }
        let mode = Self {
            daily: daily(input)?,
            other: overrides.first().map(Override::parse).transpose()?,
        };
        let asked = mode.other.iter().filter(|other| other.daily);
        let mut asked: Vec<&str> = asked
            .flat_map(|other| other.types.iter().map(String::as_str))
            .collect();
        if let RecordingGroup::Only(types) = group {
            asked.extend(
                types
                    .iter()
                    .map(String::as_str)
                    .filter(|name| mode.asks_daily(name)),
            );
        }
        match asked.into_iter().find(|name| NEVER_DAILY.contains(name)) {
            Some(name) => Err(validation(format!(
                "Daily recording cannot be specified for the resource type {name}."
            ))),
            None => Ok(mode),
        }
    }

    /// Whether a type's changes are recorded once a day.
    pub(super) fn is_daily(&self, resource_type: &str) -> bool {
        self.asks_daily(resource_type) && !NEVER_DAILY.contains(&resource_type)
    }

    fn asks_daily(&self, resource_type: &str) -> bool {
        match &self.other {
            Some(other) if other.types.iter().any(|name| name == resource_type) => other.daily,
            Some(_) | None => self.daily,
        }
    }

    pub(super) fn to_json(&self) -> Value {
        let overrides: Vec<Value> = self.other.iter().map(Override::to_json).collect();
        json!({"recordingFrequency": name(self.daily), "recordingModeOverrides": overrides})
    }
}

impl Override {
    fn parse(input: &Value) -> Result<Self, ApiError> {
        let types = input.texts("resourceTypes");
        if types.is_empty() {
            return Err(validation(
                "the request must contain the parameter resourceTypes",
            ));
        }
        if let Some(unknown) = types.iter().find(|name| !is_resource_type(name)) {
            return Err(validation(format!(
                "1 validation error detected: Value '[{unknown}]' at 'configurationRecorder.recordingMode.recordingModeOverrides.member.resourceTypes' failed to satisfy constraint: Member must satisfy enum value set"
            )));
        }
        Ok(Self {
            description: input.text("description").map(str::to_owned),
            types,
            daily: daily(input)?,
        })
    }

    fn to_json(&self) -> Value {
        let mut shown =
            json!({"resourceTypes": self.types, "recordingFrequency": name(self.daily)});
        if let Some(description) = &self.description {
            shown["description"] = json!(description);
        }
        shown
    }
}

fn daily(input: &Value) -> Result<bool, ApiError> {
    let frequency = input.text("recordingFrequency").unwrap_or_default();
    let path = "configurationRecorder.recordingMode.recordingFrequency";
    one_of(frequency, path, &FREQUENCIES)?;
    Ok(frequency == FREQUENCIES[1])
}

fn name(daily: bool) -> &'static str {
    FREQUENCIES[usize::from(daily)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: &str = "AWS::EC2::SecurityGroup";

    /// Whether security groups and compliance are recorded daily, or the code of the refusal.
    fn check(group: &RecordingGroup, input: &Value, expected: Result<[bool; 2], &str>) {
        let found = RecordingMode::parse(Some(input), group)
            .map(|mode| [mode.is_daily(GROUP), mode.is_daily(RESOURCE_COMPLIANCE)])
            .map_err(|error| error.code.into_owned());
        assert_eq!(found, expected.map_err(str::to_owned), "{input}");
    }

    #[test]
    fn overrides_override_and_some_types_are_never_daily() {
        let all = RecordingGroup::All { global: false };
        let only = RecordingGroup::Only(vec![RESOURCE_COMPLIANCE.to_owned()]);
        let with = |frequency: &str, types: &[&str], other: &str| {
            json!({"recordingFrequency": frequency,
                "recordingModeOverrides": [{"resourceTypes": types, "recordingFrequency": other}]})
        };
        check(
            &all,
            &json!({"recordingFrequency": "DAILY"}),
            Ok([true, false]),
        );
        check(
            &all,
            &json!({"recordingFrequency": "CONTINUOUS"}),
            Ok([false, false]),
        );
        check(
            &all,
            &with("CONTINUOUS", &[GROUP], "DAILY"),
            Ok([true, false]),
        );
        check(
            &all,
            &with("DAILY", &[GROUP], "CONTINUOUS"),
            Ok([false, false]),
        );
        let refused = Err("ValidationException");
        check(
            &all,
            &with("CONTINUOUS", &[RESOURCE_COMPLIANCE], "DAILY"),
            refused,
        );
        check(
            &all,
            &with("CONTINUOUS", &["AWS::EC2::Group"], "DAILY"),
            refused,
        );
        check(&all, &with("CONTINUOUS", &[], "DAILY"), refused);
        check(&all, &json!({"recordingFrequency": "WEEKLY"}), refused);
        check(&only, &json!({"recordingFrequency": "DAILY"}), refused);
        check(
            &only,
            &with("DAILY", &[RESOURCE_COMPLIANCE], "CONTINUOUS"),
            Ok([true, false]),
        );
    }
}
