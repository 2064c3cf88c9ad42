//! The messages that Config writes: to rules, and to the channel's topic.

use std::sync::Arc;

use serde_json::{Value, json};

use super::diff::diff;
use super::item::{Item, ResourceKey, Status};
use super::place::Place;
use super::rule::{Evaluation, Rule};
use crate::clock::{Timestamp, iso8601};

/// SNS allows 100 characters in a subject; Config cuts longer ones and says so.
const SUBJECT_LIMIT: usize = 100;

/// The largest item that Config sends as a whole: 256 KB, the size of an SNS message.
const LIMIT: usize = 256 * 1024;

/// The type of the message that stands for a larger one.
pub(super) const OVERSIZED: &str = "OversizedConfigurationItemChangeNotification";

/// The same when the larger one could not be put into the bucket either.
pub(super) const UNDELIVERED: &str = "OversizedConfigurationItemChangeDeliveryFailed";

/// What happened to a resource, as rules receive it (`invokingEvent`) and as the topic does.
#[derive(Debug, Clone)]
pub(super) struct Notice {
    /// `ConfigurationItemChangeNotification`, or the oversized variant.
    pub(super) message_type: &'static str,
    /// JSON text, shared by everybody who hears of it.
    pub(super) body: Arc<str>,
    /// What the difference says about the item; null where there is none.
    change_type: Value,
}

impl Notice {
    /// Whether it is small enough to be sent.
    pub(super) fn fits(&self) -> bool {
        self.body.len() <= LIMIT
    }
}

/// The notice of a new item.
pub(super) fn of_change(
    place: &Place,
    previous: Option<&Item>,
    item: &Item,
    now: Timestamp,
) -> Notice {
    of_item(place, item, diff(previous, item), now)
}

/// The notice of an item that is evaluated again: nothing changed, so there is no difference.
pub(super) fn of_state(place: &Place, item: &Item, now: Timestamp) -> Notice {
    of_item(place, item, Value::Null, now)
}

fn of_item(place: &Place, item: &Item, diff: Value, now: Timestamp) -> Notice {
    let change_type = diff["changeType"].clone();
    let message_type = "ConfigurationItemChangeNotification";
    let body = json!({
        "configurationItemDiff": diff,
        "configurationItem": item.to_event(place),
        "notificationCreationTime": iso8601(now),
        "messageType": message_type,
        "recordVersion": "1.3",
    });
    Notice {
        message_type,
        body: body.to_string().into(),
        change_type,
    }
}

/// What is sent instead of a notice that is too large; `delivery` says where the whole one is.
pub(super) fn summary(
    place: &Place,
    item: &Item,
    whole: &Notice,
    delivery: &Value,
    message_type: &'static str,
    now: Timestamp,
) -> Notice {
    let mut summary = item.to_summary(place);
    summary.insert("changeType".to_owned(), whole.change_type.clone());
    let body = json!({
        "configurationItemSummary": summary,
        "s3DeliverySummary": delivery,
        "notificationCreationTime": iso8601(now),
        "messageType": message_type,
        "recordVersion": "1.0",
    });
    Notice {
        message_type,
        body: body.to_string().into(),
        change_type: whole.change_type.clone(),
    }
}

/// The subject under which an item is streamed.
pub(super) fn change_subject(place: &Place, item: &Item) -> String {
    let what = match item.status {
        Status::Discovered => "Created",
        Status::Ok | Status::NotRecorded => "Updated",
        Status::Deleted | Status::DeletedNotRecorded => "Deleted",
    };
    subject(
        place,
        &format!(
            "{} {} {what} in Account {}",
            item.key.resource_type, item.key.resource_id, place.account
        ),
    )
}

/// The subject under which a changed compliance is streamed.
pub(super) fn compliance_subject(
    place: &Place,
    rule: &Rule,
    key: &ResourceKey,
    new: &Evaluation,
) -> String {
    subject(
        place,
        &format!(
            "{} {} is {} with {} in Account {}",
            key.resource_type,
            key.resource_id,
            new.compliance.name(),
            rule.name,
            place.account
        ),
    )
}

/// The message about a changed compliance.
pub(super) fn of_compliance(
    place: &Place,
    rule: &Rule,
    key: &ResourceKey,
    old: Option<&Evaluation>,
    new: &Evaluation,
    now: Timestamp,
) -> String {
    json!({
        "awsAccountId": place.account.as_str(),
        "configRuleName": rule.name,
        "configRuleARN": rule.arn,
        "resourceType": key.resource_type,
        "resourceId": key.resource_id,
        "awsRegion": place.region.as_str(),
        "newEvaluationResult": result(rule, key, new),
        "oldEvaluationResult": old.map(|old| result(rule, key, old)),
        "notificationCreationTime": iso8601(now),
        "messageType": "ComplianceChangeNotification",
        "recordVersion": "1.0",
    })
    .to_string()
}

fn result(rule: &Rule, key: &ResourceKey, evaluation: &Evaluation) -> Value {
    json!({
        "evaluationResultIdentifier": {
            "evaluationResultQualifier": {
                "configRuleName": rule.name,
                "resourceType": key.resource_type,
                "resourceId": key.resource_id,
                "evaluationMode": "DETECTIVE",
            },
            "orderingTimestamp": iso8601(evaluation.ordering),
        },
        "complianceType": evaluation.compliance.name(),
        "resultRecordedTime": iso8601(evaluation.recorded),
        "configRuleInvokedTime": iso8601(evaluation.invoked),
        "annotation": evaluation.annotation,
        "resultToken": null,
    })
}

fn subject(place: &Place, rest: &str) -> String {
    let whole = format!("[AWS Config:{}] {rest}", place.region);
    if whole.chars().count() <= SUBJECT_LIMIT {
        return whole;
    }
    let mut cut: String = whole.chars().take(SUBJECT_LIMIT - 3).collect();
    cut.push_str("...");
    cut
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use crate::config::tests::place;

    #[test]
    fn subjects_are_cut_as_aws_cuts_them() {
        // The example of the AWS Config Developer Guide, "Example Compliance Change Notification".
        let place = Place {
            region: crate::ids::Region::parse("us-east-2").unwrap(),
            ..place()
        };
        assert_eq!(
            subject(
                &place,
                "AWS::::Account 123456789012 is COMPLIANT with cloudtrail-enabled in Account 123456789012"
            ),
            "[AWS Config:us-east-2] AWS::::Account 123456789012 is COMPLIANT with cloudtrail-enabled in Accoun..."
        );
    }

    #[test]
    fn a_compliance_change_carries_both_results() {
        use crate::config::rule::Compliance;
        let arn = "arn:aws:config:us-east-1:123456789012:config-rule/config-rule-abc123";
        let rule = Rule::new(
            "EC2SecurityGroup",
            "config-rule-abc123",
            arn,
            Timestamp::UNIX_EPOCH,
        );
        let key = ResourceKey::new("AWS::EC2::SecurityGroup", "sg-0123456789abcdef0");
        let evaluation = |compliance| Evaluation {
            compliance,
            annotation: None,
            ordering: Timestamp::UNIX_EPOCH,
            recorded: Timestamp::UNIX_EPOCH,
            invoked: Timestamp::UNIX_EPOCH,
        };
        let (bad, good) = (
            evaluation(Compliance::NonCompliant),
            evaluation(Compliance::Compliant),
        );
        let body = |old| -> Value {
            let text = of_compliance(&place(), &rule, &key, old, &good, Timestamp::UNIX_EPOCH);
            serde_json::from_str(&text).unwrap()
        };
        assert_eq!(body(None)["oldEvaluationResult"], Value::Null);
        let body = body(Some(&bad));
        assert_eq!(body["messageType"], "ComplianceChangeNotification");
        assert_eq!(body["resourceType"], "AWS::EC2::SecurityGroup");
        assert_eq!(body["configRuleARN"], arn);
        assert_eq!(
            body["oldEvaluationResult"]["complianceType"],
            "NON_COMPLIANT"
        );
        let new = &body["newEvaluationResult"];
        assert_eq!(new["complianceType"], "COMPLIANT");
        assert_eq!(new["resultRecordedTime"], "1970-01-01T00:00:00.000Z");
        let qualifier = &new["evaluationResultIdentifier"]["evaluationResultQualifier"];
        assert_eq!(qualifier["configRuleName"], "EC2SecurityGroup");
    }
}
