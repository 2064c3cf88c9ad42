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
    /// The ARN of the user or of the role's session; the service where one acted by itself; a user of IAM Identity
    /// Center by the id, beside the type.
    pub principal: String,
    /// The identity that the holder of the role has set and that its sessions keep (`sourceIdentity`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_identity: Option<String>,
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
        let named = |name: &&str| text(member(identity, name)?);
        let on_behalf_of =
            member(identity, "onBehalfOf").and_then(|of| text(member(of, "userId")?));
        let principal = ["arn", "invokedBy", "principalId"].iter().find_map(named);
        let principal = match (principal, named(&"type"), on_behalf_of) {
            (Some(principal), _, _) => principal,
            (None, Some(kind), Some(user)) => cut(&format!("{kind} {user}")),
            (None, kind, user) => user.or(kind)?,
        };
        let session = member(identity, "sessionContext");
        Some(Self {
            principal,
            source_identity: session.and_then(|session| text(member(session, "sourceIdentity")?)),
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
            source_identity,
            source,
            call,
            event_id,
            at: _,
        } = self;
        f.write_str(principal)?;
        if let Some(identity) = source_identity {
            write!(f, " as {identity}")?;
        }
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

    /// G2: a user of IAM Identity Center has no ARN, only an id (CloudTrail guide, "CloudTrail userIdentity element").
    #[test]
    fn user_of_identity_center_is_named_by_its_id() {
        let event = json!({"detail-type": "AWS API Call via CloudTrail", "detail": {
            "eventName": "AuthorizeSecurityGroupIngress", "eventID": "e-3",
            "userIdentity": {"type": "IdentityCenterUser", "accountId": "123456789012", "credentialId": "c",
                "onBehalfOf": {"userId": "544894e8-0000", "identityStoreArn": "arn:aws:identitystore::1:identitystore/d-1"}}}});
        let actor = Actor::from_event(&(&event).into()).unwrap();
        assert_eq!(actor.principal, "IdentityCenterUser 544894e8-0000");
    }

    /// G2: who holds a role's session may be told by `sourceIdentity` alone (IAM guide, "Monitor and control actions
    /// taken with assumed roles").
    #[test]
    fn source_identity_of_a_session_is_told() {
        let mut event = json!({"detail-type": "AWS API Call via CloudTrail", "detail": {
            "eventName": "AuthorizeSecurityGroupIngress", "eventID": "e-4",
            "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::123456789012:assumed-role/r/s",
                "sessionContext": {"sessionIssuer": {}, "sourceIdentity": "jane\nrevoking"}}}});
        let actor = Actor::from_event(&(&event).into()).unwrap();
        assert_eq!(
            actor.to_string(),
            "arn:aws:sts::123456789012:assumed-role/r/s as jane revoking (AuthorizeSecurityGroupIngress, CloudTrail event e-4)"
        );
        assert_eq!(
            serde_json::to_value(&actor).unwrap()["source_identity"],
            "jane revoking"
        );
        event["detail"]["userIdentity"]["sessionContext"]["sourceIdentity"] = json!("");
        let actor = Actor::from_event(&(&event).into()).unwrap();
        assert!(
            serde_json::to_value(&actor)
                .unwrap()
                .get("source_identity")
                .is_none()
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
