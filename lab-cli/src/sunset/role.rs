//! The role that the schedules work with: no more rights than their calls need, and what CloudFormation needs to delete the
//! stack in its name. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{OWNER_TAG, role_arn, role_name};
use crate::aws::{RoleRequest, Tags};
use crate::permissions::{Names, Needed, Sid, stack};
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

/// The role with its policies. It reaches what bears any of these names: a lab that is given other ones has both until it is
/// done. The last ones are those that it shall have, and say which boundary the role has.
pub(super) fn request(place: &Place, names: &[Names], tags: &Tags) -> RoleRequest {
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
        policy: policy(place, names).to_string(),
        boundary: names.last().and_then(|names| names.boundary.clone()),
        tags: tags.clone(),
        name,
    }
}

/// Its rights, each with the statement that gives it, but for the last one.
fn rights() -> impl Iterator<Item = (&'static str, Sid)> {
    CALLS.iter().copied().chain(stack::removing())
}

/// With this it takes its own policy away at the end.
const LAST: &str = "iam:DeleteRolePolicy";

/// What a permissions boundary has to let through for it.
pub fn needed(place: &Place, names: &Names) -> BTreeSet<Needed> {
    let each = |action: &str, resource| Needed {
        action: action.to_owned(),
        resource,
        context: Vec::new(),
    };
    let many = rights().flat_map(|(action, sid)| {
        let resources = sid.resources(names).into_iter();
        resources.map(move |resource| each(action, resource))
    });
    many.chain([each(LAST, role_arn(place))]).collect()
}

fn policy(place: &Place, names: &[Names]) -> Value {
    let mut allowed: BTreeMap<Sid, BTreeSet<&str>> = BTreeMap::new();
    for (action, sid) in rights() {
        allowed.entry(sid).or_default().insert(action);
    }
    let mut statements: Vec<Value> = allowed
        .into_iter()
        .map(|(sid, actions)| {
            let resources: BTreeSet<_> = names.iter().flat_map(|it| sid.resources(it)).collect();
            let mut statement = json!({
                "Sid": format!("{sid:?}"),
                "Effect": "Allow",
                "Action": actions,
                "Resource": resources,
            });
            // They follow from the stack, which keeps its name.
            for condition in names.iter().flat_map(|it| sid.conditions(it)) {
                statement["Condition"][condition.operator] =
                    json!({ condition.key: condition.value });
            }
            statement
        })
        .collect();
    statements.push(json!({
        "Sid": "GiveUpOwnRights",
        "Effect": "Allow",
        "Action": LAST,
        "Resource": role_arn(place),
    }));
    json!({"Version": "2012-10-17", "Statement": statements})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::fixtures::nothing;

    fn named(parameters: &[(&str, &str)]) -> Names {
        let parameters = parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Names::of(&nothing().place, &parameters)
    }

    fn other_names() -> Names {
        named(&[
            ("ConfigRoleName", "BlueConfig"),
            ("FunctionRoleName", "BlueFunction"),
            ("FunctionName", "blue_function"),
            ("LogGroupName", "blue_log"),
            ("TopicName", "blue-topic"),
            ("DeliveryBucketName", "blue-bucket"),
        ])
    }

    #[test]
    fn both_names_are_within_reach_while_a_lab_gets_others() {
        let place = nothing().place;
        let (old, new) = (named(&[]), other_names());
        let reached = |names: &[Names]| -> BTreeSet<String> {
            let policy = policy(&place, names);
            let statements = policy["Statement"].as_array().into_iter().flatten();
            statements
                .flat_map(|each| each["Resource"].as_array().cloned().unwrap_or_default())
                .filter_map(|resource| resource.as_str().map(str::to_owned))
                .collect()
        };
        let either = [&old, &new].map(|names| reached(std::slice::from_ref(names)));
        assert!(!either[0].is_subset(&either[1]) && !either[1].is_subset(&either[0]));
        assert_eq!(
            reached(&[old.clone(), new.clone()]),
            &either[0] | &either[1]
        );
        // One condition holds for both.
        for sid in Sid::ALL {
            assert_eq!(sid.conditions(&old), sid.conditions(&new), "{sid:?}");
        }
        // IAM's limit for all inline policies of a role.
        assert!(policy(&place, &[old, new]).to_string().len() < 10_240);
    }

    #[test]
    fn a_boundary_has_to_let_through_all_of_its_policy() {
        let (place, names) = (nothing().place, named(&[]));
        let needed: BTreeSet<_> = needed(&place, &names)
            .into_iter()
            .map(|each| (each.action, each.resource))
            .collect();
        let texts = |value: &Value| -> Vec<String> {
            let one = value.as_str().map(|it| vec![it.to_owned()]);
            one.unwrap_or_else(|| {
                let several = value.as_array().into_iter().flatten();
                let texts = several.filter_map(Value::as_str);
                texts.map(str::to_owned).collect()
            })
        };
        let mut allowed = BTreeSet::new();
        let policy = policy(&place, &[names]);
        for statement in policy["Statement"].as_array().into_iter().flatten() {
            for action in texts(&statement["Action"]) {
                for resource in texts(&statement["Resource"]) {
                    allowed.insert((action.clone(), resource));
                }
            }
        }
        assert_eq!(needed, allowed);
    }

    #[test]
    fn it_can_take_away_and_nothing_else() {
        let policy = policy(&nothing().place, &[named(&[])]);
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
