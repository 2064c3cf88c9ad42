//! What AWS Config sends to the function of a custom rule.
//!
//! Shape: the developer guide's "Example events for AWS Config rules". `invokingEvent` and
//! `ruleParameters` are strings that hold JSON.

use crate::doubt::rules_new_in_item;
use crate::ids::{AccountId, IdError, ResultToken};
use crate::json::{Json, Object, parse, payload};
use crate::plan::Directed;
use crate::policy::{Policy, PolicyError, PolicySource};
use crate::timestamp::{Timestamp, TimestampError};
use std::collections::BTreeSet;

/// What Config tells, and how to judge it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Ties the evaluations to the rule and this event.
    pub result_token: ResultToken,
    /// The rule's account.
    pub account_id: AccountId,
    /// Whether the resource has left the scope of the rule.
    pub left_scope: bool,
    /// The rule's parameters.
    pub policy: PolicySource,
    /// Whether Config asks what would be said of a resource that is planned. Such an evaluation changes nothing:
    /// guide to AWS Config, "Evaluation Mode and Trigger Types for AWS Config Rules".
    pub is_proactive: bool,
    /// What happened.
    pub message: Message,
}

/// What Config tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A resource changed.
    Change(Item),
    /// It is time to judge everything: by the clock, or because a snapshot was delivered.
    Sweep {
        /// When the message was made.
        created: Timestamp,
    },
}

/// The part of a configuration item that may be relied on.
///
/// The rules inside the item never decide what is written: they lag behind the live group. They
/// only raise a doubt about a reading that does not show them (see [`crate::doubt`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Like `AWS::EC2::SecurityGroup`.
    pub resource_type: String,
    /// Like `sg-0123456789abcdef0`.
    pub resource_id: String,
    /// What became of the resource.
    pub status: ItemStatus,
    /// When Config captured the item.
    pub captured: Timestamp,
    /// Where the resource is, as far as the item says.
    pub location: Location,
    /// The rules that the item is the first to show; none where it is a summary.
    pub shown: BTreeSet<Directed>,
}

/// `awsAccountId` and `awsRegion` of an item.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Location {
    /// The account.
    pub account_id: Option<AccountId>,
    /// Like `us-east-1`; `global` for some types.
    pub region: Option<String>,
}

/// `configurationItemStatus`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemStatus {
    /// The resource exists and was changed.
    Ok,
    /// The resource exists and was found for the first time.
    Discovered,
    /// The resource is gone (recorded or not).
    Deleted,
    /// The resource exists but is not recorded, or the status is one that AWS added later.
    /// A rule does not apply to it.
    Other(String),
}

/// An event that cannot be understood or is not supported.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// Not JSON, or not an object.
    #[error("`{field}` is not a JSON object")]
    NotAnObject {
        /// Path of the field; `event` for the whole.
        field: &'static str,
        /// The parser's complaint, where the text is not even JSON.
        source: Option<serde_json::Error>,
    },
    /// A field that is missing or of the wrong JSON type.
    #[error("`{field}` is missing or not {expected}")]
    Field {
        /// Path of the field.
        field: &'static str,
        /// The JSON type it must have.
        expected: &'static str,
    },
    /// A time that is none.
    #[error("`{field}` is not a time")]
    Time {
        /// Path of the field.
        field: &'static str,
        /// What is wrong with it.
        source: TimestampError,
    },
    /// An account id that is none.
    #[error("`accountId` is not an account")]
    Account(#[source] IdError),
    /// A group id that is none.
    #[error("the event does not name a security group")]
    Group(#[source] IdError),
    /// The rule's parameters cannot be followed.
    #[error("`ruleParameters` cannot be followed")]
    Policy(#[source] PolicyError),
    /// Something that AWS may send, but this function does not handle.
    #[error("messages of type `{0}` are not supported")]
    NotSupported(String),
}

impl Event {
    /// Reads the function's input.
    ///
    /// # Errors
    /// [`EventError`], which names the field.
    pub fn from_json(text: &str) -> Result<Self, EventError> {
        Self::from_value(&payload(text)?)
    }

    /// Reads the function's input, already parsed.
    ///
    /// # Errors
    /// [`EventError`], which names the field.
    pub fn from_value(value: &Json<'_>) -> Result<Self, EventError> {
        let event = value.as_object().ok_or(EventError::NotAnObject {
            field: "event",
            source: None,
        })?;
        // The parameters come first: a rule that cannot be followed must say so on every event.
        let policy = policy(event)?;
        let account_id = string(event, "accountId", "accountId")?;
        let account_id = account_id.parse().map_err(EventError::Account)?;
        let token = string(event, "resultToken", "resultToken")?;
        let left_scope =
            event
                .get("eventLeftScope")
                .and_then(Json::as_bool)
                .ok_or(EventError::Field {
                    field: "eventLeftScope",
                    expected: "a boolean",
                })?;
        let invoking = parse(
            "invokingEvent",
            string(event, "invokingEvent", "invokingEvent")?,
        )?;
        let invoking = invoking.as_object().ok_or(EventError::NotAnObject {
            field: "invokingEvent",
            source: None,
        })?;
        let message = message(invoking)?;
        Ok(Self {
            result_token: ResultToken::new(token),
            account_id,
            left_scope,
            policy,
            is_proactive: event.get("evaluationMode").and_then(Json::as_str) == Some("PROACTIVE"),
            message,
        })
    }
}

fn policy(event: &Object<'_>) -> Result<PolicySource, EventError> {
    match event.get("ruleParameters") {
        // Config leaves the field out for a rule without parameters.
        None | Some(Json::Null) => Ok(PolicySource::Here(Policy::default())),
        Some(Json::Str(json)) => PolicySource::from_parameters(json).map_err(EventError::Policy),
        Some(_) => Err(EventError::Field {
            field: "ruleParameters",
            expected: "a string that holds JSON",
        }),
    }
}

fn message(invoking: &Object<'_>) -> Result<Message, EventError> {
    match string(invoking, "messageType", "invokingEvent.messageType")? {
        "ConfigurationItemChangeNotification" => item(invoking, &CHANGE).map(Message::Change),
        // Too large for the message: Config sends a summary, which has all that is needed here.
        "OversizedConfigurationItemChangeNotification" => {
            item(invoking, &OVERSIZED).map(Message::Change)
        }
        "ScheduledNotification" | "ConfigurationSnapshotDeliveryCompleted" => {
            const FIELD: &str = "invokingEvent.notificationCreationTime";
            let created = string(invoking, "notificationCreationTime", FIELD)?;
            let created = created.parse().map_err(|source| EventError::Time {
                field: FIELD,
                source,
            })?;
            Ok(Message::Sweep { created })
        }
        other => Err(EventError::NotSupported(
            other.chars().filter(|c| !c.is_control()).take(80).collect(),
        )),
    }
}

fn item(invoking: &Object<'_>, names: &Names) -> Result<Item, EventError> {
    let item = invoking
        .get(names.key)
        .and_then(Json::as_object)
        .ok_or(EventError::Field {
            field: names.item,
            expected: "an object",
        })?;
    let captured = string(item, "configurationItemCaptureTime", names.captured)?;
    let captured = captured.parse().map_err(|source| EventError::Time {
        field: names.captured,
        source,
    })?;
    let status = match string(item, "configurationItemStatus", names.status)? {
        "OK" => ItemStatus::Ok,
        "ResourceDiscovered" => ItemStatus::Discovered,
        "ResourceDeleted" | "ResourceDeletedNotRecorded" => ItemStatus::Deleted,
        other => ItemStatus::Other(other.to_owned()),
    };
    let text = |name: &str| item.get(name).and_then(Json::as_str);
    Ok(Item {
        location: Location {
            account_id: text("awsAccountId")
                .map(str::parse)
                .transpose()
                .map_err(EventError::Account)?,
            region: text("awsRegion").map(|region| {
                region
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(64)
                    .collect()
            }),
        },
        resource_type: string(item, "resourceType", names.resource_type)?.to_owned(),
        resource_id: string(item, "resourceId", names.resource_id)?.to_owned(),
        status,
        captured,
        shown: item
            .get("configuration")
            .map(|shown| rules_new_in_item(shown, invoking.get("configurationItemDiff")))
            .unwrap_or_default(),
    })
}

/// Where a message of one type holds its item; the paths are for errors.
struct Names {
    key: &'static str,
    item: &'static str,
    captured: &'static str,
    status: &'static str,
    resource_type: &'static str,
    resource_id: &'static str,
}

const CHANGE: Names = Names {
    key: "configurationItem",
    item: "invokingEvent.configurationItem",
    captured: "invokingEvent.configurationItem.configurationItemCaptureTime",
    status: "invokingEvent.configurationItem.configurationItemStatus",
    resource_type: "invokingEvent.configurationItem.resourceType",
    resource_id: "invokingEvent.configurationItem.resourceId",
};

const OVERSIZED: Names = Names {
    key: "configurationItemSummary",
    item: "invokingEvent.configurationItemSummary",
    captured: "invokingEvent.configurationItemSummary.configurationItemCaptureTime",
    status: "invokingEvent.configurationItemSummary.configurationItemStatus",
    resource_type: "invokingEvent.configurationItemSummary.resourceType",
    resource_id: "invokingEvent.configurationItemSummary.resourceId",
};

fn string<'a>(
    object: &'a Object<'_>,
    key: &str,
    field: &'static str,
) -> Result<&'a str, EventError> {
    object
        .get(key)
        .and_then(Json::as_str)
        .filter(|text| !text.is_empty())
        .ok_or(EventError::Field {
            field,
            expected: "a non-empty string",
        })
}

#[cfg(test)]
pub(crate) mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use serde_json::{Value, json};

    /// A real event's shape, with the invoking event as an object so that tests can change it.
    pub(crate) fn invoking() -> Value {
        json!({
            "configurationItemDiff": null,
            "configurationItem": {
                "configurationItemVersion": "1.3",
                "configurationItemCaptureTime": "2026-11-22T08:00:00.123Z",
                "configurationStateId": 1_795_334_400_123_i64,
                "configurationItemStatus": "OK",
                "resourceType": "AWS::EC2::SecurityGroup",
                "resourceId": "sg-0123456789abcdef0",
                "awsAccountId": "123456789012",
                "awsRegion": "us-east-1",
                "configuration": {"groupId": "sg-0123456789abcdef0", "ipPermissions": []},
                "relationships": [],
                "tags": {}
            },
            "notificationCreationTime": "2026-11-22T08:00:01.000Z",
            "messageType": "ConfigurationItemChangeNotification",
            "recordVersion": "1.3"
        })
    }

    pub(crate) fn event(invoking: &Value) -> Value {
        json!({
            "version": "1.0",
            "invokingEvent": invoking.to_string(),
            "ruleParameters": "{\"debug\":\"true\"}",
            "resultToken": "token",
            "eventLeftScope": false,
            "executionRoleArn": "arn:aws:iam::123456789012:role/AwsConfigRole",
            "configRuleArn": "arn:aws:config:us-east-1:123456789012:config-rule/config-rule-0a",
            "configRuleName": "EC2SecurityGroup",
            "configRuleId": "config-rule-0a",
            "accountId": "123456789012",
            "evaluationMode": "DETECTIVE"
        })
    }

    #[test]
    fn a_change_is_read() {
        let event = Event::from_json(&event(&invoking()).to_string()).unwrap();
        assert_eq!(event.result_token.as_str(), "token");
        assert_eq!(event.account_id.as_str(), "123456789012");
        let PolicySource::Here(policy) = event.policy else {
            unreachable!("it is in the parameters")
        };
        assert!(policy.debug);
        assert!(!event.left_scope);
        let expected = Item {
            resource_type: "AWS::EC2::SecurityGroup".to_owned(),
            resource_id: "sg-0123456789abcdef0".to_owned(),
            status: ItemStatus::Ok,
            location: Location {
                account_id: Some("123456789012".parse().unwrap()),
                region: Some("us-east-1".to_owned()),
            },
            captured: Timestamp::from_millis(1_795_334_400_123),
            shown: BTreeSet::new(),
        };
        assert_eq!(event.message, Message::Change(expected));
    }

    #[test]
    fn an_oversized_change_is_read_from_its_summary() {
        let mut invoking = invoking();
        let item = invoking["configurationItem"].take();
        invoking["configurationItemSummary"] = item;
        invoking["messageType"] = "OversizedConfigurationItemChangeNotification".into();
        let event = Event::from_json(&event(&invoking).to_string()).unwrap();
        let Message::Change(item) = event.message else {
            unreachable!("it is a change")
        };
        assert_eq!(item.resource_id, "sg-0123456789abcdef0");
    }

    #[test]
    fn absent_parameters_are_the_defaults() {
        let mut event = event(&invoking());
        event.as_object_mut().unwrap().remove("ruleParameters");
        let defaults = PolicySource::Here(Policy::default());
        assert_eq!(
            Event::from_json(&event.to_string()).unwrap().policy,
            defaults
        );
    }

    fn fails(event: &Value, word: &str) {
        let error = Event::from_json(&event.to_string())
            .unwrap_err()
            .to_string();
        assert!(error.contains(word), "expected `{word}` in: {error}");
    }

    /// E2: an event that is not understood is an error that names the field.
    #[test]
    fn what_is_missing_is_named() {
        for field in [
            "invokingEvent",
            "resultToken",
            "eventLeftScope",
            "accountId",
        ] {
            let mut event = event(&invoking());
            event.as_object_mut().unwrap().remove(field);
            fails(&event, &format!("`{field}`"));
        }
        for (pointer, field) in [
            ("/messageType", "messageType"),
            ("/configurationItem", "configurationItem"),
            ("/configurationItem/resourceType", "resourceType"),
            ("/configurationItem/resourceId", "resourceId"),
            (
                "/configurationItem/configurationItemStatus",
                "configurationItemStatus",
            ),
            (
                "/configurationItem/configurationItemCaptureTime",
                "configurationItemCaptureTime",
            ),
        ] {
            let mut invoking = invoking();
            *invoking.pointer_mut(pointer).unwrap() = Value::Null;
            fails(&event(&invoking), field);
        }
    }

    #[test]
    fn what_is_malformed_is_named() {
        let mut bad = event(&invoking());
        bad["invokingEvent"] = "{".into();
        fails(&bad, "`invokingEvent`");
        bad["invokingEvent"] = invoking();
        fails(&bad, "`invokingEvent`");
        let mut bad = event(&invoking());
        bad["ruleParameters"] = json!({"debug": "true"});
        fails(&bad, "`ruleParameters`");
        bad["ruleParameters"] = "{\"colour\":\"red\"}".into();
        fails(&bad, "`ruleParameters`");
        fails(&json!([]), "`event`");
        let mut late = invoking();
        late["configurationItem"]["configurationItemCaptureTime"] = "yesterday".into();
        fails(&event(&late), "configurationItemCaptureTime");
    }

    fn without_item(kind: &str) -> Value {
        json!({
            "awsAccountId": "123456789012",
            "notificationCreationTime": "2026-11-22T08:00:01.000Z",
            "messageType": kind,
            "recordVersion": "1.0"
        })
    }

    #[test]
    fn what_comes_by_the_clock_is_about_everything() {
        for kind in [
            "ScheduledNotification",
            "ConfigurationSnapshotDeliveryCompleted",
        ] {
            let event = Event::from_json(&event(&without_item(kind)).to_string()).unwrap();
            let created = "2026-11-22T08:00:01Z".parse().unwrap();
            assert_eq!(event.message, Message::Sweep { created });
            let mut bad = without_item(kind);
            bad["notificationCreationTime"] = "now".into();
            fails(
                &self::event(&bad),
                "`invokingEvent.notificationCreationTime`",
            );
        }
    }

    /// E3: what is not supported says so.
    #[test]
    fn other_messages_are_refused_loudly() {
        for kind in ["ConfigurationHistoryDeliveryCompleted", "New"] {
            fails(
                &event(&without_item(kind)),
                &format!("`{kind}` are not supported"),
            );
        }
    }
}
