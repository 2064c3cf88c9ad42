//! The role that the schedules work with: no more rights than their calls need, and what CloudFormation needs to delete the
//! stack in its name. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{OWNER_TAG, role_arn, role_name};
use crate::aws::{RoleRequest, Tags};
use crate::permissions::{Names, Sid, stack};
use crate::spec::boundary_of;
use crate::state::Place;

/// The name of its one policy.
pub(super) const POLICY_NAME: &str = "remove-the-lab";

/// What the schedules call themselves.
const CALLS: &[(&str, Sid)] = &[
    ("cloudformation:DeleteStack", Sid::OwnStack),
    ("config:StopConfigurationRecorder", Sid::Recorder),
    ("config:DeleteConfigurationRecorder", Sid::Recorder),
    ("config:DeleteDeliveryChannel", Sid::ChannelAndRetention),
    (
        "config:DeleteRetentionConfiguration",
        Sid::ChannelAndRetention,
    ),
    ("config:DeleteConfigRule", Sid::Rule),
    ("s3:PutLifecycleConfiguration", Sid::EmptyBuckets),
    ("s3:DeleteBucket", Sid::EmptyBuckets),
];

/// The role with its policies.
pub(super) fn request(
    place: &Place,
    parameters: &BTreeMap<String, String>,
    tags: &Tags,
) -> RoleRequest {
    let name = role_name(place);
    let group = format!(
        "arn:{}:scheduler:{}:{}:schedule-group/default",
        place.partition(),
        place.region,
        place.account()
    );
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": place.account()},
            "ArnEquals": {"aws:SourceArn": group},
        },
    }]});
    let owner = tags.get(OWNER_TAG).map_or("somebody", String::as_str);
    RoleRequest {
        description: format!(
            "Schedules remove the lab {} of {owner} with this role",
            place.stack
        ),
        trust: trust.to_string(),
        policy_name: POLICY_NAME.to_owned(),
        policy: policy(place, parameters).to_string(),
        boundary: boundary_of(parameters).map(str::to_owned),
        tags: tags.clone(),
        name,
    }
}

fn policy(place: &Place, parameters: &BTreeMap<String, String>) -> Value {
    let names = Names::of(place, parameters);
    let mut allowed: BTreeMap<Sid, BTreeSet<&str>> = BTreeMap::new();
    for (action, sid) in CALLS.iter().copied().chain(stack::removing()) {
        allowed.entry(sid).or_default().insert(action);
    }
    let mut statements: Vec<Value> = allowed
        .into_iter()
        .map(|(sid, actions)| {
            let mut statement = json!({
                "Sid": format!("{sid:?}"),
                "Effect": "Allow",
                "Action": actions,
                "Resource": sid.resources(&names),
            });
            for condition in sid.conditions(&names) {
                statement["Condition"][condition.operator] =
                    json!({ condition.key: condition.value });
            }
            statement
        })
        .collect();
    statements.push(json!({
        "Sid": "GiveUpOwnRights",
        "Effect": "Allow",
        "Action": "iam:DeleteRolePolicy",
        "Resource": role_arn(place),
    }));
    json!({"Version": "2012-10-17", "Statement": statements})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::fixtures::nothing;

    #[test]
    fn it_can_take_away_and_nothing_else() {
        let policy = policy(&nothing().place, &BTreeMap::new());
        // IAM's limit for all inline policies of a role.
        assert!(policy.to_string().len() < 10_240);
        let statements = policy["Statement"].as_array().into_iter().flatten();
        for statement in statements {
            let actions = statement["Action"].as_array().into_iter().flatten();
            for action in actions.filter_map(Value::as_str) {
                let (_, name) = action.split_once(':').unwrap_or_default();
                let makes = [
                    "Create",
                    "Authorize",
                    "Attach",
                    "Associate",
                    "Pass",
                    "Update",
                    "Invoke",
                ];
                assert!(!makes.iter().any(|verb| name.starts_with(verb)), "{action}");
                let puts = name.starts_with("Put") && action != "s3:PutLifecycleConfiguration";
                assert!(!puts, "{action}");
            }
        }
    }
}
