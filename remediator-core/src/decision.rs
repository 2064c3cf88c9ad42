//! What an event asks for.

use crate::SECURITY_GROUP;
use crate::evaluation::Annotation;
use crate::event::{Event, Item, ItemStatus, Message};
use crate::ids::{GroupId, IdError};
use crate::plan::Directed;
use crate::rule::Rule;
use crate::timestamp::Timestamp;
use std::collections::BTreeSet;

/// What to do about an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Read the live group, compare, and repair it if the policy says so.
    Remediate {
        /// The group.
        group: GroupId,
        /// What the event knows of it.
        witness: Witness,
    },
    /// Judge every group in scope.
    Sweep {
        /// When the message was made.
        created: Timestamp,
    },
    /// Tell Config that the rule does not apply, so that no stale verdict lives on.
    ReportNotApplicable {
        /// Type of the resource, as in the event.
        resource_type: String,
        /// Id of the resource, as in the event.
        resource_id: String,
        /// Why.
        annotation: Annotation,
        /// When the item was captured.
        captured: Timestamp,
    },
}

/// What an event shows of a group: enough to doubt a reading, never to act upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// When it was true.
    pub at: Timestamp,
    /// Rules that there were.
    pub shown: BTreeSet<Directed>,
    /// Rules that there were, inbound or outbound: the event does not say which.
    pub either: BTreeSet<Rule>,
    /// Whether the group had just been made.
    pub is_new: bool,
}

/// A security group whose id is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`resourceId` of the configuration item is not usable")]
pub struct DecisionError(#[source] IdError);

/// Decides by the event alone; whether a live group is in scope is asked after it was read.
///
/// # Errors
/// [`DecisionError`] where the item of a security group does not name one.
pub fn decide(event: &Event) -> Result<Decision, DecisionError> {
    let Item {
        resource_type,
        resource_id,
        status,
        captured,
        shown,
        location: _,
    } = match &event.message {
        Message::Change(item) => item,
        Message::Sweep { created } => return Ok(Decision::Sweep { created: *created }),
    };
    let not_applicable = |annotation| Decision::ReportNotApplicable {
        resource_type: resource_type.clone(),
        resource_id: resource_id.clone(),
        annotation,
        captured: *captured,
    };
    if resource_type != SECURITY_GROUP {
        return Ok(not_applicable(Annotation::wrong_type(resource_type)));
    }
    match status {
        ItemStatus::Deleted => Ok(not_applicable(Annotation::deleted())),
        ItemStatus::Other(status) => Ok(not_applicable(Annotation::not_judged(status))),
        ItemStatus::Ok | ItemStatus::Discovered if event.left_scope => {
            Ok(not_applicable(Annotation::left_scope()))
        }
        ItemStatus::Ok | ItemStatus::Discovered => Ok(Decision::Remediate {
            group: resource_id.parse().map_err(DecisionError)?,
            witness: Witness {
                at: *captured,
                shown: shown.clone(),
                either: BTreeSet::new(),
                is_new: *status == ItemStatus::Discovered,
            },
        }),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use crate::event::tests::{event, invoking};

    fn decision(kind: &str, status: &str, left_scope: bool) -> Decision {
        let mut invoking = invoking();
        invoking["configurationItem"]["resourceType"] = kind.into();
        invoking["configurationItem"]["configurationItemStatus"] = status.into();
        let mut event = event(&invoking);
        event["eventLeftScope"] = left_scope.into();
        decide(&Event::from_json(&event.to_string()).unwrap()).unwrap()
    }

    fn check(kind: &str, status: &str, left_scope: bool, expect: &str) {
        let shown = match decision(kind, status, left_scope) {
            Decision::Remediate { group, witness: _ } => format!("remediate {group}"),
            Decision::Sweep { created: _ } => "sweep".to_owned(),
            Decision::ReportNotApplicable {
                resource_type: _,
                resource_id: _,
                annotation,
                captured: _,
            } => annotation.to_string(),
        };
        assert_eq!(shown, expect, "{kind} {status} {left_scope}");
    }

    /// E1: only a live, recorded group that is in the rule's scope is acted on.
    #[test]
    fn every_status_has_its_answer() {
        let deleted = "The configurationItem was deleted and therefore cannot be validated.";
        check(
            SECURITY_GROUP,
            "OK",
            false,
            "remediate sg-0123456789abcdef0",
        );
        check(
            SECURITY_GROUP,
            "ResourceDiscovered",
            false,
            "remediate sg-0123456789abcdef0",
        );
        check(SECURITY_GROUP, "ResourceDeleted", false, deleted);
        check(SECURITY_GROUP, "ResourceDeletedNotRecorded", false, deleted);
        check(SECURITY_GROUP, "ResourceDeleted", true, deleted);
        check(
            SECURITY_GROUP,
            "ResourceNotRecorded",
            false,
            "The configurationItem has status ResourceNotRecorded and therefore is not validated.",
        );
        check(
            SECURITY_GROUP,
            "OK",
            true,
            "The resource left the scope of the rule and therefore is not validated.",
        );
        check(
            SECURITY_GROUP,
            "ResourceDiscovered",
            true,
            "The resource left the scope of the rule and therefore is not validated.",
        );
        check(
            "AWS::EC2::Instance",
            "OK",
            false,
            "The rule doesn't apply to resources of type AWS::EC2::Instance.",
        );
    }

    #[test]
    fn an_id_that_is_none_is_an_error() {
        let mut invoking = invoking();
        invoking["configurationItem"]["resourceId"] = "sg-1&Action=DeleteSecurityGroup".into();
        let error = decide(&Event::from_json(&event(&invoking).to_string()).unwrap()).unwrap_err();
        assert!(error.to_string().contains("resourceId"));
    }
}
