//! The fast path: what EventBridge tells of a call to EC2, seconds after it was made.
//!
//! Shape: CloudTrail's record inside EventBridge's envelope (`detail-type` "AWS API Call via
//! CloudTrail"). AWS Config tells of the same change later, with a result token; here is none, so
//! nothing is reported.

use crate::doubt::rules_of_call;
use crate::event::EventError;
use crate::ids::{AccountId, GroupId};
use crate::json::{Json, Object, member};
use crate::plan::{Directed, Direction};
use crate::timestamp::Timestamp;
use std::collections::BTreeSet;

/// The calls that change the rules of a group, or make one.
pub const CALLS: [&str; 6] = [
    "AuthorizeSecurityGroupIngress",
    "RevokeSecurityGroupIngress",
    "AuthorizeSecurityGroupEgress",
    "RevokeSecurityGroupEgress",
    "ModifySecurityGroupRules",
    "CreateSecurityGroup",
];

/// A call that changed a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiCall {
    /// Like `AuthorizeSecurityGroupIngress`; one of [`CALLS`].
    pub name: String,
    /// The account in which it was made.
    pub account_id: AccountId,
    /// The group.
    pub group: GroupId,
    /// When.
    pub at: Timestamp,
    /// The rules that the call added, as far as they are understood: a witness against a reading that
    /// does not show them, nothing else.
    pub added: BTreeSet<Directed>,
}

/// What an event of the fast path asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Look at the group.
    Call(ApiCall),
    /// The call was refused and changed nothing; EC2's code.
    Refused(String),
}

/// Whether this is an event of EventBridge's, not of Config's.
#[must_use]
pub fn is_api_call(event: &Json<'_>) -> bool {
    member(event, "detail-type").is_some()
}

impl Heard {
    /// Reads the function's input.
    ///
    /// # Errors
    /// [`EventError`], which names the field.
    pub fn from_value(event: &Json<'_>) -> Result<Self, EventError> {
        let text = |field: &'static str, value: Option<&Json<'_>>| {
            let text = value.and_then(Json::as_str).filter(|text| !text.is_empty());
            text.map(str::to_owned).ok_or(EventError::Field {
                field,
                expected: "a non-empty string",
            })
        };
        let kind = text("detail-type", member(event, "detail-type"))?;
        if kind != "AWS API Call via CloudTrail" {
            return Err(EventError::NotSupported(shown(&kind)));
        }
        let empty = Object::default();
        let detail = member(event, "detail").and_then(Json::as_object);
        let detail = detail.ok_or(EventError::Field {
            field: "detail",
            expected: "an object",
        })?;
        let source = text("detail.eventSource", detail.get("eventSource"))?;
        let name = text("detail.eventName", detail.get("eventName"))?;
        if source != "ec2.amazonaws.com" || !CALLS.contains(&name.as_str()) {
            return Err(EventError::NotSupported(shown(&format!("{source} {name}"))));
        }
        if let Some(code) = detail.get("errorCode").and_then(Json::as_str) {
            return Ok(Self::Refused(shown(code)));
        }
        let account_id = text("account", member(event, "account"))?
            .parse()
            .map_err(EventError::Account)?;
        let at = text("detail.eventTime", detail.get("eventTime"))?;
        let at = at.parse().map_err(|source| EventError::Time {
            field: "detail.eventTime",
            source,
        })?;
        let part = |name: &str| detail.get(name).and_then(Json::as_object).unwrap_or(&empty);
        let (asked, answered) = (part("requestParameters"), part("responseElements"));
        let group = group_of(asked, answered).ok_or(EventError::Field {
            field: "detail.requestParameters.groupId",
            expected: "the id of a security group",
        })?;
        let group = group.parse().map_err(EventError::Group)?;
        let direction = match name.as_str() {
            "AuthorizeSecurityGroupIngress" => Some(Direction::Ingress),
            "AuthorizeSecurityGroupEgress" => Some(Direction::Egress),
            // `ModifySecurityGroupRules` names rules by their ids, and what becomes of them in another shape.
            _ => None,
        };
        let added = direction.zip(asked.get("ipPermissions"));
        let added = added.map(|(direction, permissions)| {
            let rules = rules_of_call(permissions).into_iter();
            rules.map(|rule| (direction, rule)).collect()
        });
        Ok(Self::Call(ApiCall {
            account_id,
            group,
            at,
            added: added.unwrap_or_default(),
            name,
        }))
    }
}

/// The group of a call. A group that was named by its name is found in the answer, and so is a new one.
fn group_of<'a>(asked: &'a Object<'_>, answered: &'a Object<'_>) -> Option<&'a str> {
    let id = |value: &'a Json<'_>, name: &str| member(value, name).and_then(Json::as_str);
    let wrapped = asked.get("ModifySecurityGroupRulesRequest");
    let direct = asked
        .get("groupId")
        .and_then(Json::as_str)
        .or_else(|| id(wrapped?, "GroupId"))
        .or_else(|| answered.get("groupId").and_then(Json::as_str));
    direct.or_else(|| {
        ["securityGroupRuleSet", "revokedSecurityGroupRuleSet"]
            .iter()
            .filter_map(|set| member(answered.get(set)?, "items")?.as_array()?.first())
            .find_map(|rule| id(rule, "groupId"))
    })
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use serde_json::{Value, json};

    fn event(name: &str, asked: &Value, answered: &Value) -> Value {
        json!({
            "version": "0", "id": "1", "detail-type": "AWS API Call via CloudTrail", "source": "aws.ec2",
            "account": "123456789012", "time": "2026-11-22T08:00:00Z", "region": "us-east-1", "resources": [],
            "detail": {
                "eventVersion": "1.08", "eventSource": "ec2.amazonaws.com", "eventName": name,
                "eventTime": "2026-11-22T08:00:00Z",
                "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/eve"},
                "requestParameters": asked, "responseElements": answered
            }
        })
    }

    fn authorize() -> Value {
        let permissions = json!({"items": [{"ipProtocol": "tcp", "fromPort": 465, "toPort": 465, "groups": {},
            "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]}, "ipv6Ranges": {}, "prefixListIds": {}}]});
        event(
            "AuthorizeSecurityGroupIngress",
            &json!({"groupId": "sg-0a", "ipPermissions": permissions}),
            &json!({"_return": true}),
        )
    }

    #[test]
    fn an_authorization() {
        let Heard::Call(call) = Heard::from_value(&(&authorize()).into()).unwrap() else {
            unreachable!("it succeeded")
        };
        assert_eq!(call.group.as_str(), "sg-0a");
        let rule = "tcp:465:0.0.0.0/0".parse().unwrap();
        assert_eq!(call.added, [(Direction::Ingress, rule)].into());
        assert_eq!(call.at.to_string(), "2026-11-22T08:00:00.000Z");
    }

    /// F1: the group is found wherever CloudTrail tells it.
    #[test]
    fn every_call_names_its_group() {
        let rules = json!({"items": [{"groupId": "sg-0a", "isEgress": false}]});
        for (name, asked, answered) in [
            (
                "RevokeSecurityGroupIngress",
                json!({"groupId": "sg-0a"}),
                json!({"_return": true}),
            ),
            (
                "RevokeSecurityGroupIngress",
                json!({"groupName": "default"}),
                json!({"revokedSecurityGroupRuleSet": rules}),
            ),
            (
                "AuthorizeSecurityGroupEgress",
                json!({"groupId": "sg-0a"}),
                Value::Null,
            ),
            (
                "RevokeSecurityGroupEgress",
                json!({"groupId": "sg-0a"}),
                Value::Null,
            ),
            (
                "AuthorizeSecurityGroupIngress",
                json!({"groupName": "default"}),
                json!({"securityGroupRuleSet": rules}),
            ),
            (
                "ModifySecurityGroupRules",
                json!({"ModifySecurityGroupRulesRequest": {"GroupId": "sg-0a"}}),
                json!({"_return": true}),
            ),
            (
                "ModifySecurityGroupRules",
                json!({"groupId": "sg-0a"}),
                json!({"_return": true}),
            ),
            (
                "CreateSecurityGroup",
                json!({"groupName": "new"}),
                json!({"groupId": "sg-0a"}),
            ),
        ] {
            let heard = Heard::from_value(&(&event(name, &asked, &answered)).into()).unwrap();
            assert!(
                matches!(heard, Heard::Call(call) if call.group.as_str() == "sg-0a"),
                "{name} {asked}"
            );
        }
    }

    /// F1: a call that was refused changed nothing.
    #[test]
    fn a_call_that_was_refused() {
        let mut refused = authorize();
        refused["detail"]["errorCode"] = "Client.UnauthorizedOperation".into();
        let heard = Heard::from_value(&(&refused).into()).unwrap();
        assert_eq!(
            heard,
            Heard::Refused("Client.UnauthorizedOperation".to_owned())
        );
    }

    /// E2: what is missing or malformed is named.
    #[test]
    fn what_is_not_understood_is_named() {
        for (pointer, value, field) in [
            (
                "/detail-type",
                json!("EC2 Instance State-change Notification"),
                "EC2 Instance",
            ),
            ("/detail-type", json!(7), "`detail-type`"),
            ("/detail", Value::Null, "`detail`"),
            ("/account", json!("me"), "`accountId`"),
            (
                "/detail/eventSource",
                json!("s3.amazonaws.com"),
                "s3.amazonaws.com",
            ),
            ("/detail/eventName", json!("RunInstances"), "RunInstances"),
            ("/detail/eventName", Value::Null, "`detail.eventName`"),
            ("/detail/eventTime", json!("today"), "`detail.eventTime`"),
            (
                "/detail/requestParameters",
                Value::Null,
                "`detail.requestParameters.groupId`",
            ),
            (
                "/detail/requestParameters/groupId",
                json!("sg-1&x"),
                "security group",
            ),
        ] {
            let mut event = authorize();
            *event.pointer_mut(pointer).unwrap() = value;
            let error = Heard::from_value(&(&event).into()).unwrap_err().to_string();
            assert!(error.contains(field), "{pointer}: {error}");
        }
        assert!(
            is_api_call(&(&authorize()).into())
                && !is_api_call(&(&json!({"invokingEvent": "{}"})).into())
        );
    }
}
