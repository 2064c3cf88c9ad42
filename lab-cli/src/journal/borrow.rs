//! Borrowing a recorder: what the lab needs of it, and what giving it back means. All of it pure.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use crate::aws::{
    CONTINUOUS, ModeOverride, RECORDED_TYPE, Recorder, RecorderDescription, RecordingGroup,
    RecordingMode, Strategy,
};

/// What was there before the lab, and is used by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Borrowed {
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    /// The ARN of who borrowed it.
    pub by: String,
    /// The recorder.
    pub recorder: Option<BorrowedRecorder>,
    /// The delivery channel, which is never changed.
    pub channel: Option<Value>,
    /// The retention in days, which is never changed.
    pub retention: Option<i32>,
}

/// A recorder as it was, and as the lab needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BorrowedRecorder {
    /// AWS Config's description of it before it was touched.
    pub before: Value,
    /// Whether it was running.
    pub recording: bool,
    /// What the lab has it record.
    pub group: Option<RecordingGroup>,
    /// How often.
    pub mode: Option<RecordingMode>,
}

impl BorrowedRecorder {
    /// Its name.
    pub fn name(&self) -> &str {
        self.before
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// Borrows a recorder as it is now. If it is on loan already, what it was before is what giving it back now would make
    /// of it: whatever its owner changed meanwhile is the owner's wish.
    pub fn of(now: &Recorder, earlier: Option<&Self>) -> Self {
        let (before, recording) = match earlier.filter(|earlier| earlier.name() == now.it.name) {
            Some(earlier) => {
                let back = giving_back(earlier, now);
                (back.raw, back.recording)
            }
            None => (now.raw.clone(), now.recording),
        };
        let wide = widened(&now.it);
        Self {
            before,
            recording,
            group: wide.recording_group,
            mode: wide.recording_mode,
        }
    }
}

const EXCLUSION: &str = "EXCLUSION_BY_RESOURCE_TYPES";
const INCLUSION: &str = "INCLUSION_BY_RESOURCE_TYPES";
const EVERYTHING: &str = "ALL_SUPPORTED_RESOURCE_TYPES";
const DAILY: &str = "DAILY";

/// The same recorder, so that it records security groups continuously, and otherwise what it did. Unchanged when it does so
/// already.
pub fn widened(it: &RecorderDescription) -> RecorderDescription {
    RecorderDescription {
        recording_group: it.recording_group.as_ref().map(wide_group),
        recording_mode: it.recording_mode.as_ref().map(wide_mode),
        ..it.clone()
    }
}

fn strategy(group: &RecordingGroup) -> &'static str {
    let excluded = group
        .exclusion_by_resource_types
        .as_ref()
        .is_some_and(|exclusion| !exclusion.resource_types.is_empty());
    let asked = group.recording_strategy.as_ref();
    match asked.and_then(|strategy| strategy.use_only.as_deref()) {
        Some(EXCLUSION) => EXCLUSION,
        _ if group.all_supported => EVERYTHING,
        _ if excluded && group.resource_types.is_empty() => EXCLUSION,
        _ => INCLUSION,
    }
}

fn wide_group(group: &RecordingGroup) -> RecordingGroup {
    let ours = |name: &String| name == RECORDED_TYPE;
    let mut wide = group.clone();
    match strategy(group) {
        EXCLUSION => {
            let Some(exclusion) = &mut wide.exclusion_by_resource_types else {
                return wide;
            };
            if !exclusion.resource_types.iter().any(ours) {
                return wide;
            }
            exclusion.resource_types.retain(|name| !ours(name));
            if exclusion.resource_types.is_empty() {
                // To leave out nothing is no strategy of its own. Global types are recorded while only others are left out.
                wide = RecordingGroup {
                    all_supported: true,
                    include_global_resource_types: true,
                    recording_strategy: Some(Strategy {
                        use_only: Some(EVERYTHING.to_owned()),
                    }),
                    ..RecordingGroup::default()
                };
            }
        }
        EVERYTHING => {}
        _ => {
            if !wide.resource_types.iter().any(ours) {
                wide.resource_types.push(RECORDED_TYPE.to_owned());
            }
        }
    }
    wide
}

fn wide_mode(mode: &RecordingMode) -> RecordingMode {
    let ours = |name: &String| name == RECORDED_TYPE;
    let exception = mode
        .recording_mode_overrides
        .iter()
        .find(|other| other.resource_types.iter().any(ours));
    let frequency = exception.map_or(&mode.recording_frequency, |other| {
        &other.recording_frequency
    });
    let mut wide = mode.clone();
    if frequency != DAILY {
        return wide;
    }
    let exceptions = &mut wide.recording_mode_overrides;
    for other in exceptions.iter_mut() {
        other.resource_types.retain(|name| !ours(name));
    }
    exceptions.retain(|other| !other.resource_types.is_empty());
    if mode.recording_frequency != DAILY {
        return wide;
    }
    match exceptions
        .iter_mut()
        .find(|other| other.recording_frequency == CONTINUOUS)
    {
        Some(other) => other.resource_types.push(RECORDED_TYPE.to_owned()),
        None => {
            // There is room for one exception only; a daily one says nothing where everything is daily.
            *exceptions = vec![ModeOverride {
                description: Some("driftlab needs security groups at once".to_owned()),
                resource_types: vec![RECORDED_TYPE.to_owned()],
                recording_frequency: CONTINUOUS.to_owned(),
            }];
        }
    }
    wide
}

/// What giving a recorder back means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivingBack {
    /// What it shall be.
    pub it: RecorderDescription,
    /// The description that AWS Config will give of it then.
    pub raw: Value,
    /// Whether it shall be running.
    pub recording: bool,
    /// Whether it differs from that now, apart from whether it is running.
    pub differs: bool,
    /// What its owner changed while it was on loan, which stays: names of members of the description.
    pub theirs: Vec<&'static str>,
}

/// What a borrowed recorder has to become: each part that is as the lab made it becomes what it was; each part that
/// somebody else has changed since is theirs and stays.
pub fn giving_back(loan: &BorrowedRecorder, now: &Recorder) -> GivingBack {
    let mut raw = now.raw.clone();
    let mut theirs = Vec::new();
    let before = RecorderDescription::from_raw(&loan.before).unwrap_or_default();
    let group_is_ours = same_group(now.it.recording_group.as_ref(), loan.group.as_ref());
    let group_was_so = same_group(
        now.it.recording_group.as_ref(),
        before.recording_group.as_ref(),
    );
    let mode_is_ours = same_mode(now.it.recording_mode.as_ref(), loan.mode.as_ref());
    let mode_was_so = same_mode(
        now.it.recording_mode.as_ref(),
        before.recording_mode.as_ref(),
    );
    for (member, is_ours, was_so) in [
        ("recordingGroup", group_is_ours, group_was_so),
        ("recordingMode", mode_is_ours, mode_was_so),
    ] {
        if is_ours || was_so {
            put_back(&mut raw, &loan.before, member);
        } else {
            theirs.push(member);
        }
    }
    if before.role_arn != now.it.role_arn {
        theirs.push("roleARN");
    }
    // The lab starts it and never stops it: one that stands still was stopped by somebody else, or is given back already.
    let recording = now.recording && loan.recording;
    let it = RecorderDescription::from_raw(&raw).unwrap_or_else(|_| now.it.clone());
    GivingBack {
        differs: !same_group(it.recording_group.as_ref(), now.it.recording_group.as_ref())
            || !same_mode(it.recording_mode.as_ref(), now.it.recording_mode.as_ref()),
        it,
        raw,
        recording,
        theirs,
    }
}

fn put_back(raw: &mut Value, before: &Value, member: &str) {
    if let Some(object) = raw.as_object_mut() {
        match before.get(member) {
            Some(value) => object.insert(member.to_owned(), value.clone()),
            None => object.remove(member),
        };
    }
}

/// Whether two groups record the same, whatever AWS Config adds to a description.
fn same_group(a: Option<&RecordingGroup>, b: Option<&RecordingGroup>) -> bool {
    let normal = |group: Option<&RecordingGroup>| {
        let everything = RecordingGroup {
            all_supported: true,
            ..RecordingGroup::default()
        };
        let group = group.unwrap_or(&everything);
        let mut included = group.resource_types.clone();
        included.sort();
        let exclusion = group.exclusion_by_resource_types.clone();
        let mut excluded = exclusion.unwrap_or_default().resource_types;
        excluded.sort();
        let global = group.include_global_resource_types;
        (strategy(group), global, included, excluded)
    };
    normal(a) == normal(b)
}

fn same_mode(a: Option<&RecordingMode>, b: Option<&RecordingMode>) -> bool {
    let continuous = RecordingMode {
        recording_frequency: CONTINUOUS.to_owned(),
        ..RecordingMode::default()
    };
    let (a, b) = (a.unwrap_or(&continuous), b.unwrap_or(&continuous));
    let sorted = |mode: &RecordingMode| {
        let mut exceptions = mode.recording_mode_overrides.clone();
        for other in &mut exceptions {
            other.resource_types.sort();
        }
        exceptions
    };
    a.recording_frequency == b.recording_frequency && sorted(a) == sorted(b)
}

/// The members of a recorder's description that this program does not know and so could not put back.
pub fn unknown_fields(raw: &Value) -> Vec<String> {
    let known = RecorderDescription::from_raw(raw)
        .ok()
        .and_then(|it| serde_json::to_value(it).ok())
        .unwrap_or_default();
    let mut unknown = Vec::new();
    missing("", raw, &known, &mut unknown);
    unknown
}

fn missing(path: &str, raw: &Value, known: &Value, found: &mut Vec<String>) {
    match (raw, known) {
        (Value::Null, _) => {}
        (Value::Object(raw), known) => {
            for (name, value) in raw {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                match known.get(name) {
                    Some(known) => missing(&path, value, known, found),
                    None if value.is_null() => {}
                    None => found.push(path),
                }
            }
        }
        (Value::Array(raw), Value::Array(known)) => {
            for (value, known) in raw.iter().zip(known) {
                missing(path, value, known, found);
            }
        }
        _ => {}
    }
}
