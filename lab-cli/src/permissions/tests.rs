//! The tables against the source, the template and the published files.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::document::LONGEST;
use super::*;
use crate::spec::TEMPLATE;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// `"service:Operation"` wherever it stands in a source.
fn operations_in(text: &str) -> BTreeSet<String> {
    let is_operation = |text: &&str| {
        text.split_once(':').is_some_and(|(service, name)| {
            !service.is_empty()
                && service
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
                && name.starts_with(|c: char| c.is_ascii_uppercase())
                && name.bytes().all(|b| b.is_ascii_alphanumeric())
        })
    };
    text.split('"')
        .filter(is_operation)
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_call_in_the_source_is_declared_and_the_other_way_round() {
    let mut made = BTreeSet::new();
    let mut folders = vec![here("src/aws")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            // What tests make up is no call.
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            made.append(&mut operations_in(code));
        }
    }
    let declared: BTreeSet<_> = CALLS.iter().map(|call| call.operation.to_owned()).collect();
    assert_eq!(made, declared);
    assert_eq!(
        declared.len(),
        CALLS.len(),
        "an operation is declared twice"
    );
}

#[test]
fn every_type_of_the_template_is_declared_and_the_other_way_round() {
    let used: BTreeSet<_> = TEMPLATE
        .lines()
        .filter_map(|line| line.strip_prefix("    Type: "))
        .filter(|kind| kind.starts_with("AWS::"))
        .collect();
    assert_eq!(used, stack::kinds().collect());
}

#[test]
fn the_published_policies_are_those_of_the_code() {
    for part in Part::ALL {
        let path = here("../templates").join(part.file());
        let document = part.document(&Names::published());
        let published = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            published == document.text(),
            "`templates/{}` is stale: write it anew with `cargo xtask policies`",
            part.file()
        );
    }
}

#[test]
fn the_template_of_cloudformations_role_has_the_published_policy() {
    let template = std::fs::read_to_string(here("../templates/cfn-role.yaml")).unwrap();
    let (_, rest) = template.split_once("PolicyDocument: !Sub |\n").unwrap();
    let policy: String = rest
        .lines()
        .map_while(|line| line.strip_prefix("            "))
        .map(|line| line.to_owned() + "\n")
        .collect();
    assert_eq!(policy, Part::CfnRole.document(&Names::published()).text());
}

#[test]
fn every_policy_is_short_enough_for_iam() {
    for part in Part::ALL {
        // A region and an account are shorter than what stands for them.
        let length = part.document(&Names::published()).length();
        assert!(length <= LONGEST, "{part:?} has {length} characters");
    }
}

#[test]
fn a_statement_belongs_to_the_side_whose_actions_it_has() {
    for part in Part::ALL {
        for sid in part.permissions().into_keys() {
            let programs = matches!(part, Part::Operator | Part::Doctor | Part::Plan);
            assert_eq!(sid.is_stacks(), !programs, "{sid:?}");
        }
    }
    let used: BTreeSet<_> = Part::ALL
        .iter()
        .flat_map(|part| part.permissions().into_keys())
        .collect();
    let all: BTreeSet<_> = Sid::ALL.iter().copied().collect();
    assert_eq!(used, all);
}

#[test]
fn names_of_ones_own_are_in_the_policies() {
    let own = BTreeMap::from([
        ("ConfigRoleName".to_owned(), "BlueConfig".to_owned()),
        ("TopicName".to_owned(), "blue-topic".to_owned()),
    ]);
    let names = Names::new("aws-cn", "cn-north-1", "123456789012", "blue-lab", &own);
    let text =
        Part::Operator.document(&names).text() + &Part::OperatorStack.document(&names).text();
    for arn in [
        "arn:aws-cn:iam::123456789012:role/BlueConfig",
        "arn:aws-cn:sns:cn-north-1:123456789012:blue-topic",
        "arn:aws-cn:s3:::driftlab-code-123456789012-cn-north-1-blue-lab/*",
        "arn:aws-cn:cloudformation:cn-north-1:123456789012:stack/blue-lab/*",
    ] {
        assert!(text.contains(arn), "{arn}");
    }
    assert!(!text.contains("${"), "{text}");
}

/// Whoever opens a pull request decides what is planned, so that nothing of it may change, start or hand over anything.
#[test]
fn a_plan_may_look_and_make_a_change_set_and_nothing_else() {
    let looks = |action: &&str| {
        let (_, name) = action.split_once(':').unwrap();
        ["Describe", "Get", "List"]
            .iter()
            .any(|verb| name.starts_with(verb))
    };
    let plan = Part::Plan.document(&Names::published());
    let others: Vec<_> = plan
        .actions()
        .into_iter()
        .filter(|action| !looks(action))
        .collect();
    assert_eq!(
        others,
        [
            "cloudformation:CreateChangeSet",
            "cloudformation:DeleteChangeSet"
        ]
    );
    let operator = Part::Operator.document(&Names::published()).actions();
    assert!(plan.actions().is_subset(&operator));
}

/// Whoever may make roles and pass them to a service has every right of the account, unless a boundary is demanded.
#[test]
fn where_a_boundary_is_demanded_roles_get_rights_with_it_only() {
    const BOUNDARY: &str = "arn:aws:iam::123456789012:policy/a-boundary-with-a-name";
    let with = BTreeMap::from([("PermissionsBoundaryArn".to_owned(), BOUNDARY.to_owned())]);
    let names = Names::new(
        "aws",
        "ap-southeast-1",
        "123456789012",
        "lab-environment",
        &with,
    );
    for part in Part::ALL {
        let document = part.document(&names);
        assert!(document.length() <= LONGEST, "{part:?}");
        let document: serde_json::Value = serde_json::from_str(&document.text()).unwrap();
        for statement in document["Statement"].as_array().unwrap() {
            let actions = statement["Action"].to_string();
            let gives = actions.contains("iam:CreateRole") || actions.contains("iam:PutRolePolicy");
            let demanded = &statement["Condition"]["StringEquals"]["iam:PermissionsBoundary"];
            assert_eq!(demanded == BOUNDARY, gives, "{part:?}: {statement}");
        }
    }
    // A simulation has to be told which boundary the role would get.
    let told = ("iam:PermissionsBoundary".to_owned(), BOUNDARY.to_owned());
    let needed = needed(&[Feature::Deploy], &names, |_| false, false);
    let makes = needed.iter().filter(|each| each.action == "iam:CreateRole");
    assert!(makes.clone().count() > 0 && makes.clone().all(|each| each.context.contains(&told)));
}

#[test]
fn what_a_command_needs_is_what_its_calls_need() {
    let names = Names::published();
    let actions = |features: &[Feature], with_role| -> BTreeSet<_> {
        needed(features, &names, |_| false, with_role)
            .into_iter()
            .map(|each| each.action)
            .collect()
    };
    let logs = actions(&[Feature::Logs], false);
    assert!(logs.contains("logs:FilterLogEvents") && !logs.contains("s3:PutObject"));
    let deploy = actions(&[Feature::Deploy], false);
    assert!(deploy.contains("ec2:CreateVpc") && deploy.contains("s3:PutObject"));
    assert!(!actions(&[Feature::Deploy], true).contains("ec2:CreateVpc"));
    let chosen = |chosen: &[Choice]| {
        needed(&[Feature::Deploy], &names, |it| chosen.contains(&it), false)
            .iter()
            .any(|each| each.action == "events:PutRule")
    };
    assert!(chosen(&[Choice::FastPath]) && !chosen(&[]));
}
