//! The fast path: what EventBridge tells of a call to EC2, seconds after it was made.
//!
//! Shape: CloudTrail's record inside EventBridge's envelope (`detail-type` "AWS API Call via
//! CloudTrail"). AWS Config tells of the same change later, with a result token; here is none, so
//! nothing is reported.

use crate::call_rules::{Added, elements, field, unwrapped};
use crate::event::EventError;
use crate::ids::{AccountId, GroupId};
use crate::json::{Json, member};
use crate::timestamp::Timestamp;

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
    pub added: Added,
}

/// Where a call was made, as EventBridge's envelope tells. An event that was forwarded keeps its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The account.
    pub account_id: AccountId,
    /// Like `us-east-1`; `None` where the event does not say.
    pub region: Option<String>,
}

impl Origin {
    /// Reads the envelope of an event of EventBridge's.
    ///
    /// # Errors
    /// [`EventError`], which names the field.
    pub fn from_value(event: &Json<'_>) -> Result<Self, EventError> {
        let region = member(event, "region").and_then(Json::as_str);
        Ok(Self {
            account_id: text("account", member(event, "account"))?
                .parse()
                .map_err(EventError::Account)?,
            region: region.map(shown),
        })
    }
}

/// What an event of the fast path asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Look at the group.
    Call(ApiCall),
    /// The call was refused and changed nothing; EC2's code.
    Refused(String),
    /// The revocation names no group, so there is none to look at. It took nothing away, or the record does not say
    /// from which group; then AWS Config tells. The name of the call.
    Unnamed(String),
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
        let kind = text("detail-type", member(event, "detail-type"))?;
        if kind != "AWS API Call via CloudTrail" {
            return Err(EventError::NotSupported(shown(&kind)));
        }
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
        let Origin { account_id, .. } = Origin::from_value(event)?;
        let at = text("detail.eventTime", detail.get("eventTime"))?;
        let at = at.parse().map_err(|source| EventError::Time {
            field: "detail.eventTime",
            source,
        })?;
        let part = |name: &str| detail.get(name).unwrap_or(&Json::Null);
        let (asked, answered) = (part("requestParameters"), part("responseElements"));
        let Some(group) = group_of(&name, asked, answered) else {
            // By its name alone a group is asked for; which one it was, only the answer says, if a rule was taken away.
            let by_name = field(unwrapped(asked, &name, "Request"), "groupName").is_some();
            if name.starts_with("Revoke") && by_name {
                return Ok(Self::Unnamed(name));
            }
            return Err(EventError::Field {
                field: "detail.requestParameters.groupId",
                expected: "the id of a security group",
            });
        };
        let group = group.parse().map_err(EventError::Group)?;
        Ok(Self::Call(ApiCall {
            account_id,
            group,
            at,
            added: Added::of_call(&name, asked, answered),
            name,
        }))
    }
}

/// The group of a call. A group that was named by its name is found in the answer, and so is a new one.
fn group_of<'a>(name: &str, asked: &'a Json<'_>, answered: &'a Json<'_>) -> Option<&'a str> {
    let id = |value: &'a Json<'_>| field(value, "groupId").and_then(Json::as_str);
    let answered = unwrapped(answered, name, "Response");
    let of_rules = |set: &str| elements(field(answered, set)).find_map(id);
    id(unwrapped(asked, name, "Request"))
        .or_else(|| id(answered))
        .or_else(|| of_rules("securityGroupRuleSet"))
        .or_else(|| of_rules("revokedSecurityGroupRuleSet"))
}

fn text(field: &'static str, value: Option<&Json<'_>>) -> Result<String, EventError> {
    let text = value.and_then(Json::as_str).filter(|text| !text.is_empty());
    text.map(str::to_owned).ok_or(EventError::Field {
        field,
        expected: "a non-empty string",
    })
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use crate::plan::Direction;
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
        assert_eq!(call.added.rules, [(Direction::Ingress, rule)].into());
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

    /// F6: a revocation by name that matched nothing (`unknownIpPermissionSet` alone), or whose answer says nothing (a
    /// record of 2023), names no group. An authorization that names none is not understood: a port may be open.
    #[test]
    fn revocation_without_a_group_is_harmless() {
        let asked = json!({"groupName": "default", "ipPermissions": {"items": []}});
        let unknown = json!({"_return": true, "revokedSecurityGroupRuleSet": {}, "unknownIpPermissionSet": {"items": [{}]}});
        for name in ["RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress"] {
            for answered in [&unknown, &json!({"_return": true}), &Value::Null] {
                let heard = Heard::from_value(&(&event(name, &asked, answered)).into()).unwrap();
                assert_eq!(heard, Heard::Unnamed(name.to_owned()), "{answered}");
            }
        }
        for (name, asked) in [
            ("AuthorizeSecurityGroupIngress", asked),
            ("RevokeSecurityGroupIngress", json!({})),
        ] {
            let heard =
                Heard::from_value(&(&event(name, &asked, &json!({"_return": true}))).into());
            assert!(heard.is_err(), "{name} {asked}");
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
