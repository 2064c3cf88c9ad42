//! Who changed a group, as CloudTrail tells it.

use crate::json::{Json, member};
use crate::log::one_line;
use serde::Serialize;
use std::fmt;

/// Somebody who made a call, and the event that tells of it.
///
/// Fields: AWS's reference "CloudTrail record contents" and "CloudTrail userIdentity element". All
/// of them are somebody else's words: they are cut and kept on one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Actor {
    /// The ARN of the user or of the role's session; the service where one acted by itself.
    pub principal: String,
    /// Whence the call came: an address, or the name of a service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Like `AuthorizeSecurityGroupIngress`.
    pub call: String,
    /// CloudTrail's id of the event.
    pub event_id: String,
    /// When, as CloudTrail writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// Longer texts are cut: the longest ARN has 2,048 characters, and nobody needs all of them in a log.
const MAX_TEXT: usize = 256;

impl Actor {
    /// Reads an `AWS API Call via CloudTrail` event; `None` for any other event.
    #[must_use]
    pub fn from_event(event: &Json<'_>) -> Option<Self> {
        if member(event, "detail-type")?.as_str()? != "AWS API Call via CloudTrail" {
            return None;
        }
        let detail = member(event, "detail")?;
        let text = |value: &Json<'_>| value.as_str().filter(|text| !text.is_empty()).map(cut);
        let identity = member(detail, "userIdentity")?;
        let principal = ["arn", "invokedBy", "principalId", "type"]
            .iter()
            .find_map(|name| text(member(identity, name)?))?;
        Some(Self {
            principal,
            source: member(detail, "sourceIPAddress").and_then(text),
            call: text(member(detail, "eventName")?)?,
            event_id: text(member(detail, "eventID")?)?,
            at: member(detail, "eventTime").and_then(text),
        })
    }
}

fn cut(text: &str) -> String {
    one_line(text).chars().take(MAX_TEXT).collect()
}

/// `arn:aws:iam::… from 203.0.113.7 (AuthorizeSecurityGroupIngress, CloudTrail event …)`
impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            principal,
            source,
            call,
            event_id,
            at: _,
        } = self;
        f.write_str(principal)?;
        if let Some(source) = source {
            write!(f, " from {source}")?;
        }
        write!(f, " ({call}, CloudTrail event {event_id})")
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use serde_json::json;

    /// G2: who opened a port is named where CloudTrail tells.
    #[test]
    fn the_caller_is_named() {
        let event = json!({"detail-type": "AWS API Call via CloudTrail", "detail": {
            "eventName": "AuthorizeSecurityGroupIngress", "eventID": "e-1", "eventTime": "2026-11-22T10:00:00Z",
            "sourceIPAddress": "203.0.113.7",
            "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/eve\nrevoking for"}}});
        let actor = Actor::from_event(&(&event).into()).unwrap();
        assert_eq!(
            actor.to_string(),
            "arn:aws:iam::123456789012:user/eve revoking for from 203.0.113.7 (AuthorizeSecurityGroupIngress, CloudTrail event e-1)"
        );
        assert_eq!(
            serde_json::to_value(&actor).unwrap()["at"],
            "2026-11-22T10:00:00Z"
        );
    }

    #[test]
    fn a_service_is_named_and_anything_else_is_nobody() {
        let mut event = json!({"detail-type": "AWS API Call via CloudTrail", "detail": {
            "eventName": "CreateSecurityGroup", "eventID": "e-2",
            "userIdentity": {"type": "AWSService", "invokedBy": "cloudformation.amazonaws.com"}}});
        let actor = Actor::from_event(&(&event).into()).unwrap();
        assert_eq!(actor.principal, "cloudformation.amazonaws.com");
        event["detail-type"] = json!("EC2 Instance State-change Notification");
        for other in [event, json!({}), json!(null), json!({"detail-type": 1})] {
            assert_eq!(Actor::from_event(&(&other).into()), None);
        }
    }
}
