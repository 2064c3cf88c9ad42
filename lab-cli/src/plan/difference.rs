//! What differs, field by field.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::aws::{
    CONTINUOUS, Channel, RECORDED_TYPE, RecorderDescription, RecordingGroup, RecordingMode,
    RuleDescription, RuleRequest, TRIGGERS, Tags,
};
use crate::output::inline;
use crate::spec::TAG;

/// One field as it is and as it shall be. `None` means that there is nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What it is, in words: "role".
    pub field: String,
    /// As it is.
    pub now: Option<String>,
    /// As it shall be.
    pub wanted: Option<String>,
}

impl Difference {
    /// A field that shall be other than it is.
    pub fn new(field: &str, now: Option<&str>, wanted: Option<&str>) -> Self {
        Self {
            field: field.to_owned(),
            now: now.map(str::to_owned),
            wanted: wanted.map(str::to_owned),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, now, wanted } = self;
        // What is there now, the name of a parameter included, may have been written by anybody.
        let field = inline(field);
        let [now, wanted] = [now, wanted].map(|value| value.as_deref().map(inline));
        match (now, wanted) {
            (None, Some(wanted)) => write!(f, "{field}: {wanted}"),
            (Some(now), Some(wanted)) => write!(f, "{field}: {now} → {wanted}"),
            (Some(now), None) => write!(f, "{field}: {now} → none"),
            (None, None) => write!(f, "{field}: none"),
        }
    }
}

/// Collects fields of which two texts differ.
#[derive(Debug, Default)]
struct Fields(Vec<Difference>);

impl Fields {
    fn compare(&mut self, field: &str, now: Option<&str>, wanted: Option<&str>) {
        if now != wanted {
            self.0.push(Difference::new(field, now, wanted));
        }
    }
}

/// What a group records, in words.
pub(crate) fn group_in_words(group: Option<&RecordingGroup>) -> String {
    let Some(group) = group else {
        return "every regional type".to_owned();
    };
    let excluded = group.exclusion_by_resource_types.as_ref();
    match excluded.filter(|excluded| !excluded.resource_types.is_empty()) {
        Some(excluded) => format!("every type but {}", excluded.resource_types.join(", ")),
        None if group.all_supported && group.include_global_resource_types => {
            "every type, global ones included".to_owned()
        }
        None if group.all_supported => "every regional type".to_owned(),
        None => group.resource_types.join(", "),
    }
}

/// How often a recorder records, in words.
pub(crate) fn mode_in_words(mode: Option<&RecordingMode>) -> String {
    let pace = |frequency: &str| match frequency {
        CONTINUOUS => "continuously".to_owned(),
        "DAILY" => "daily".to_owned(),
        other => other.to_owned(),
    };
    let Some(mode) = mode else {
        return pace(CONTINUOUS);
    };
    let mut words = pace(&mode.recording_frequency);
    for other in &mode.recording_mode_overrides {
        words.push_str(&format!(
            ", but {} {}",
            other.resource_types.join(", "),
            pace(&other.recording_frequency)
        ));
    }
    words
}

/// What differs of a recorder. A recorder that is not there has nothing.
pub(crate) fn of_recorder(
    now: Option<&RecorderDescription>,
    wanted: &RecorderDescription,
) -> Vec<Difference> {
    let mut fields = Fields::default();
    fields.compare(
        "role",
        now.map(|it| it.role_arn.as_str()),
        Some(&wanted.role_arn),
    );
    let group = now.map(|it| group_in_words(it.recording_group.as_ref()));
    fields.compare(
        "records",
        group.as_deref(),
        Some(&group_in_words(wanted.recording_group.as_ref())),
    );
    let mode = now.map(|it| mode_in_words(it.recording_mode.as_ref()));
    fields.compare(
        "how often",
        mode.as_deref(),
        Some(&mode_in_words(wanted.recording_mode.as_ref())),
    );
    fields.0
}

/// What differs of a channel.
pub(crate) fn of_channel(now: Option<&Channel>, wanted: &Channel) -> Vec<Difference> {
    let mut fields = Fields::default();
    let bucket = now.map(|channel| channel.bucket.as_str());
    fields.compare("bucket", bucket, Some(&wanted.bucket));
    let topic = now.and_then(|channel| channel.topic_arn.as_deref());
    fields.compare("topic", topic, wanted.topic_arn.as_deref());
    fields.0
}

/// What differs of a rule.
pub(crate) fn of_rule(now: Option<&RuleDescription>, wanted: &RuleRequest) -> Vec<Difference> {
    let mut fields = Fields::default();
    let text = |field: fn(&RuleDescription) -> Option<&str>| now.and_then(field);
    fields.compare(
        "function",
        text(|rule| rule.source.as_deref()),
        Some(&wanted.function_arn),
    );
    fields.compare(
        "description",
        text(|rule| rule.description.as_deref()),
        Some(&wanted.description),
    );
    let scope = now.map(|rule| rule.scope.join(", "));
    fields.compare("scope", scope.as_deref(), Some(RECORDED_TYPE));
    let triggers = now.map(|rule| &rule.triggers);
    let complete =
        triggers.is_some_and(|found| TRIGGERS.iter().all(|t| found.iter().any(|f| f == t)));
    if !complete {
        let now = triggers.map(|triggers| triggers.join(", "));
        fields.0.push(Difference {
            field: "triggers".to_owned(),
            now,
            wanted: Some(TRIGGERS.join(", ")),
        });
    }
    let found = now.map(|rule| rule.parameters.as_deref().unwrap_or("{}"));
    parameters(&mut fields, found, &wanted.parameters);
    fields.0
}

/// Parameters are compared one by one: they are an object of strings, kept as its text.
fn parameters(fields: &mut Fields, now: Option<&str>, wanted: &str) {
    let read = |text: &str| match serde_json::from_str(text) {
        Ok(Value::Object(members)) => Some(members),
        Ok(_) | Err(_) => None,
    };
    let (found, wished) = (now.and_then(read), read(wanted));
    let (Some(wished), true) = (wished, now.is_none() || found.is_some()) else {
        fields.compare("parameters", now, Some(wanted));
        return;
    };
    let found = found.unwrap_or_default();
    let text = |value: Option<&Value>| {
        value.map(|value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    };
    let names: BTreeSet<_> = found.keys().chain(wished.keys()).collect();
    for name in names {
        let (now, wanted) = (text(found.get(name)), text(wished.get(name)));
        fields.compare(
            &format!("parameter {name}"),
            now.as_deref(),
            wanted.as_deref(),
        );
    }
}

/// The tag that says whose something is.
pub(crate) fn of_tag(now: &Tags, stack: &str) -> Option<Difference> {
    let found = now.get(TAG).map(String::as_str);
    (found != Some(stack)).then(|| Difference::new(&format!("tag {TAG}"), found, Some(stack)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_one_line_whatever_is_there() {
        let evil = "x\n- stack `lab`\u{1b}[2J";
        let difference = Difference::new(&format!("parameter {evil}"), Some(evil), Some("y"));
        assert_eq!(
            difference.to_string(),
            "parameter x\\n- stack `lab`^[[2J: x\\n- stack `lab`^[[2J → y"
        );
    }
}
