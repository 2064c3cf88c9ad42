//! CloudTrail: what has been asked for, as the account's event history shows it.
//!
//! Events are told from the journal of calls when somebody asks; management events only, and only of
//! services that the sandbox has. They can be looked up at once (AWS: "within about fifteen minutes").

use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::clock::{Timestamp, epoch_seconds};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::iam::Access;
use crate::journal::{Entry, Query};
use crate::listing::PageSize;
use crate::protocol::Operation;
use crate::sandbox::{Call, Outcome};

mod parameters;
mod record;
mod resources;
#[cfg(test)]
mod tests;

pub(crate) use self::record::{identity, record};

/// Events that `LookupEvents` shows at once at most, and unless asked for fewer.
const PAGE: usize = 50;

pub(crate) fn dispatch(call: &mut Call<'_>, operation: &Operation) -> Result<Outcome, ApiError> {
    let answer = match operation.name.as_str() {
        "LookupEvents" => lookup(call, &operation.input),
        name => Err(ApiError::not_implemented("cloudtrail", name)),
    }?;
    Ok(answer.into())
}

pub(crate) fn required_access(_call: &mut Call<'_>, operation: &Operation) -> Vec<Access> {
    vec![Access::anywhere("cloudtrail", &operation.name)]
}

fn lookup(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let wanted = Wanted::read(input)?;
    let query = Query {
        account: Some(call.account.id.clone()),
        region: Some(call.region.clone()),
        since: wanted.start,
        after: 0,
    };
    let found = call.sandbox.journal.list(&query);
    // Newest first. The token is the number of the last event shown.
    let mut rest = found
        .calls
        .iter()
        .rev()
        .filter(|entry| wanted.before.is_none_or(|before| entry.number < before))
        // A read that is to be late knows nothing of what came after its moment.
        .filter(|entry| entry.at <= call.now)
        .filter(|entry| wanted.end.is_none_or(|end| entry.at <= end))
        .filter(|entry| record::is_event(entry))
        .filter(|entry| (wanted.attribute.as_ref()).is_none_or(|attribute| attribute.is_of(entry)));
    let mut last = 0;
    let mut events = Vec::new();
    for entry in rest.by_ref().take(wanted.max) {
        last = entry.number;
        events.extend(shown(entry));
    }
    let mut answer = json!({ "Events": events });
    if rest.next().is_some() {
        answer["NextToken"] = json!(last.to_string());
    }
    Ok(answer)
}

/// An event as it is listed; `None` for calls of which CloudTrail does not tell.
fn shown(entry: &Entry) -> Option<Value> {
    let record = record(entry)?;
    let mut event = json!({
        "EventId": record["eventID"],
        "EventName": record["eventName"],
        "ReadOnly": entry.read_only().to_string(),
        "EventTime": epoch_seconds(entry.at),
        "EventSource": record["eventSource"],
        "Resources": resources::of(entry),
        "CloudTrailEvent": record.to_string(),
    });
    if let Some(access_key) = entry.origin.access_key() {
        event["AccessKeyId"] = json!(access_key);
    }
    if let Some(name) = record::user_name(entry) {
        event["Username"] = json!(name);
    }
    Some(event)
}

struct Wanted {
    attribute: Option<Attribute>,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    max: usize,
    /// Older than this number.
    before: Option<u64>,
}

impl Wanted {
    fn read(input: &Value) -> Result<Self, ApiError> {
        let attribute = match input.list("LookupAttributes") {
            [] => None,
            [one] => Some(Attribute::read(one)?),
            _ => {
                return Err(invalid_attribute(
                    "You can only specify one lookup attribute.",
                ));
            }
        };
        if let Some(category) = input.text("EventCategory") {
            let what = format!("LookupEvents with EventCategory {category}");
            return Err(ApiError::not_implemented("cloudtrail", &what));
        }
        let start = moment(input, "StartTime")?;
        let end = moment(input, "EndTime")?;
        if let (Some(start), Some(end)) = (start, end)
            && start > end
        {
            return Err(ApiError::bad(
                "InvalidTimeRangeException",
                "The end time must be later than the start time.",
            ));
        }
        let max = PageSize::up_to(PAGE).of(input, "MaxResults", |_| {
            ApiError::bad(
                "InvalidMaxResultsException",
                format!("MaxResults must be between 1 and {PAGE}."),
            )
        })?;
        let before = match input.text("NextToken") {
            None => None,
            Some(token) => Some(token.parse().map_err(|_| {
                ApiError::bad("InvalidNextTokenException", "The next token is invalid.")
            })?),
        };
        Ok(Self {
            attribute,
            start,
            end,
            max,
            before,
        })
    }
}

/// A moment: seconds since the epoch, with a fraction.
fn moment(input: &Value, name: &str) -> Result<Option<Timestamp>, ApiError> {
    let Some(value) = input.field(name) else {
        return Ok(None);
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a moment outside of i64 milliseconds is refused by the clock's own range"
    )]
    let millis = value.as_f64().map(|seconds| (seconds * 1000.0) as i64);
    millis
        .and_then(|millis| {
            OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).ok()
        })
        .map(Some)
        .ok_or_else(|| {
            ApiError::bad(
                "InvalidTimeRangeException",
                format!("{name} is no moment: {value}"),
            )
        })
}

/// What an event must have.
struct Attribute {
    key: Key,
    value: String,
}

#[derive(Clone, Copy)]
enum Key {
    EventId,
    EventName,
    ReadOnly,
    Username,
    EventSource,
    AccessKeyId,
    ResourceName,
    ResourceType,
}

impl Attribute {
    fn read(given: &Value) -> Result<Self, ApiError> {
        let key = match given.text("AttributeKey").unwrap_or_default() {
            "EventId" => Key::EventId,
            "EventName" => Key::EventName,
            "ReadOnly" => Key::ReadOnly,
            "Username" => Key::Username,
            "EventSource" => Key::EventSource,
            "AccessKeyId" => Key::AccessKeyId,
            "ResourceName" => Key::ResourceName,
            "ResourceType" => Key::ResourceType,
            other => {
                return Err(invalid_attribute(format!(
                    "`{other}` is not a lookup attribute."
                )));
            }
        };
        let value = given
            .text("AttributeValue")
            .filter(|value| !value.is_empty())
            .ok_or_else(|| invalid_attribute("A lookup attribute must have a value."))?;
        Ok(Self {
            key,
            value: value.to_owned(),
        })
    }

    /// Looked up before the event is written out: most are not wanted.
    fn is_of(&self, entry: &Entry) -> bool {
        let wanted = self.value.as_str();
        let any_resource = |member: &str| {
            let resources = resources::of(entry);
            let mut resources = resources.as_array().into_iter().flatten();
            resources.any(|resource| resource.text(member) == Some(wanted))
        };
        match self.key {
            Key::EventId => entry.event_id == wanted,
            Key::EventName => record::event_name(entry) == wanted,
            Key::ReadOnly => entry.read_only().to_string() == wanted,
            Key::Username => record::user_name(entry).as_deref() == Some(wanted),
            Key::EventSource => record::event_source(entry) == wanted,
            Key::AccessKeyId => entry.origin.access_key() == Some(wanted),
            Key::ResourceName => any_resource("ResourceName"),
            Key::ResourceType => any_resource("ResourceType"),
        }
    }
}

fn invalid_attribute(message: impl Into<String>) -> ApiError {
    ApiError::bad("InvalidLookupAttributesException", message)
}
