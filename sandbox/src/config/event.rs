//! The event that a custom rule's function receives.

use serde_json::{Value, json};

use super::place::Place;
use super::rule::Rule;

/// The version of the event format.
const EVENT_VERSION: &str = "1.0";

/// The whole event. `invokingEvent` and `ruleParameters` are strings that hold JSON.
pub(super) fn rule_event(
    place: &Place,
    rule: &Rule,
    execution_role: &str,
    invoking_event: &str,
    left_scope: bool,
    token: &str,
) -> Value {
    json!({
        "version": EVENT_VERSION,
        "invokingEvent": invoking_event,
        "ruleParameters": rule.input_parameters,
        "resultToken": token,
        "eventLeftScope": left_scope,
        "executionRoleArn": execution_role,
        "configRuleArn": rule.arn,
        "configRuleName": rule.name,
        "configRuleId": rule.id,
        "accountId": place.account.as_str(),
        "evaluationMode": "DETECTIVE",
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use crate::clock::Timestamp;
    use crate::config::item::Status;
    use crate::config::notice;
    use crate::config::tests::{item, place};

    fn keys(value: &Value) -> Vec<&str> {
        value
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect()
    }

    #[test]
    fn the_event_has_the_shape_that_functions_receive_on_aws() {
        let place = place();
        let arn = "arn:aws:config:us-east-1:123456789012:config-rule/config-rule-abc123";
        let mut rule = Rule::new(
            "EC2SecurityGroup",
            "config-rule-abc123",
            arn,
            Timestamp::UNIX_EPOCH,
        );
        rule.input_parameters = r#"{"debug":"true"}"#.to_owned();
        let group = item(Status::Ok, json!({"groupId": "sg-0123456789abcdef0"}));
        let notice = notice::of_state(&place, &group, group.captured);
        let event = rule_event(
            &place,
            &rule,
            "arn:aws:iam::123456789012:role/r",
            &notice.body,
            false,
            "token",
        );
        assert_eq!(
            keys(&event),
            [
                "accountId",
                "configRuleArn",
                "configRuleId",
                "configRuleName",
                "evaluationMode",
                "eventLeftScope",
                "executionRoleArn",
                "invokingEvent",
                "resultToken",
                "ruleParameters",
                "version",
            ]
        );
        assert_eq!(event["ruleParameters"], r#"{"debug":"true"}"#);
        assert_eq!(
            (&event["version"], &event["evaluationMode"]),
            (&json!("1.0"), &json!("DETECTIVE"))
        );
        let invoking: Value =
            serde_json::from_str(event["invokingEvent"].as_str().unwrap()).unwrap();
        assert_eq!(
            keys(&invoking),
            [
                "configurationItem",
                "configurationItemDiff",
                "messageType",
                "notificationCreationTime",
                "recordVersion",
            ]
        );
        assert_eq!(invoking["configurationItemDiff"], Value::Null);
        let group = &invoking["configurationItem"];
        assert_eq!(group["configuration"]["groupId"], "sg-0123456789abcdef0");
        assert_eq!(
            group["configurationItemCaptureTime"],
            "1970-01-01T00:00:00.000Z"
        );
        assert_eq!(group["configurationStateId"], 0);
        assert_eq!(group["awsAccountId"], "123456789012");
    }

    #[test]
    fn a_deleted_resource_has_no_configuration() {
        let place = place();
        let gone = item(Status::Deleted, Value::Null);
        let notice = notice::of_change(&place, None, &gone, gone.captured);
        let body: Value = serde_json::from_str(&notice.body).unwrap();
        assert_eq!(
            body["configurationItem"]["configurationItemStatus"],
            "ResourceDeleted"
        );
        assert_eq!(body["configurationItem"]["configuration"], Value::Null);
        assert_eq!(body["configurationItem"]["availabilityZone"], Value::Null);
    }
}
