#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::*;
use crate::aws::Identity;
use crate::doctor::facts::{
    Boundary, Concurrency, Known, Measured, Permissions, Reason, Unseen, Withheld,
};
use crate::doctor::quotas::{BUCKETS, GROUPS, RULES, VPCS};
use crate::doctor::{Caller, Severity};
use crate::plan::Conflict;
use crate::state::Place;

fn unseen() -> Unseen {
    Unseen {
        why: "`x:Look` answered AccessDenied: no".to_owned(),
        denied: true,
    }
}

/// An account in which nothing is in the way.
fn facts() -> Facts {
    let place = Place {
        identity: Identity {
            account: "123456789012".to_owned(),
            arn: "arn:aws:iam::123456789012:user/ann".to_owned(),
        },
        region: "us-east-1".to_owned(),
        stack: "lab-environment".to_owned(),
    };
    Facts {
        caller: Caller::of(&place.identity.arn),
        place,
        endpoint: None,
        permissions: Permissions::Simulated {
            checked: 90,
            missing: BTreeMap::new(),
        },
        stack: Ok(None),
        conflicts: Some(Ok(Vec::new())),
        retention: Some(Ok(None)),
        quotas: vec![
            measured(VPCS, Ok(5), Ok(1)),
            measured(GROUPS, Ok(2500), Ok(3)),
            measured(BUCKETS, Ok(10_000), Ok(12)),
            measured(RULES, Ok(1000), Ok(50)),
        ],
        concurrency: Ok(Concurrency {
            limit: 1000,
            unreserved: 900,
        }),
        boundary: None,
        unconfirmed: None,
    }
}

fn measured(quota: crate::doctor::quotas::Quota, limit: Known<u64>, used: Known<u64>) -> Measured {
    Measured { quota, limit, used }
}

/// What is not well, in one line each: severity, subject, fact.
fn trouble(facts: &Facts) -> String {
    let mut text = String::new();
    for finding in judge(facts) {
        let Finding {
            severity,
            about,
            what,
            why,
            todo,
        } = finding;
        if severity == Severity::Ok {
            continue;
        }
        assert!(!why.is_empty(), "{what}: why does it matter?");
        assert!(
            severity < Severity::Warning || !todo.is_empty() || about == "stack",
            "{what}: what is to be done?"
        );
        writeln!(text, "{} {about}: {what}", severity.as_str()).unwrap();
    }
    text
}

#[track_caller]
fn check(change: impl FnOnce(&mut Facts), expected: &str) {
    let mut facts = facts();
    change(&mut facts);
    assert_eq!(trouble(&facts).trim_end(), expected);
}

#[test]
fn an_ordinary_account_has_no_trouble() {
    check(|_| {}, "");
    // What is well is said too, about every subject.
    let about: Vec<_> = judge(&facts()).iter().map(|each| each.about).collect();
    assert_eq!(
        about,
        [
            "identity",
            "permissions",
            "stack",
            "names",
            "retention",
            "quotas",
            "concurrency"
        ]
    );
}

#[test]
fn the_root_user_is_a_blocker() {
    check(
        |facts| {
            facts.place.identity.arn = "arn:aws:iam::123456789012:root".to_owned();
            facts.caller = Caller::Root;
            facts.permissions = Permissions::Root;
        },
        "blocker identity: arn:aws:iam::123456789012:root in account 123456789012, us-east-1: this is the account's root user",
    );
}

#[test]
fn missing_permissions_are_named_with_the_reason() {
    check(
        |facts| {
            let missing = [
                ("s3:PutObject", Reason::NotAllowed),
                ("ec2:CreateVpc", Reason::NotAllowed),
                ("iam:CreateRole", Reason::Organization),
                ("iam:PassRole", Reason::Boundary),
                ("sns:Subscribe", Reason::Denied),
            ];
            facts.permissions = Permissions::Simulated {
                checked: 90,
                missing: missing.map(|(action, why)| (action.to_owned(), why)).into(),
            };
        },
        "blocker permissions: no policy allows 2 of 90 permissions that are needed: `ec2:CreateVpc`, `s3:PutObject`\n\
         blocker permissions: a policy denies 1 of 90 permissions that are needed: `sns:Subscribe`\n\
         blocker permissions: your permissions boundary does not let through 1 of 90 permissions that are needed: `iam:PassRole`\n\
         blocker permissions: a policy of the organization does not let through 1 of 90 permissions that are needed: `iam:CreateRole`",
    );
}

#[test]
fn where_nothing_can_be_simulated_dry_runs_speak() {
    check(
        |facts| {
            facts.permissions = Permissions::Rehearsed {
                why: unseen(),
                allowed: vec!["ec2:CreateVpc"],
                denied: vec!["ec2:CreateInternetGateway"],
            };
        },
        "note permissions: permissions could not be simulated: `x:Look` answered AccessDenied: no\n\
         warning permissions: EC2 denies `ec2:CreateInternetGateway` without CloudFormation, dry runs say",
    );
}

#[test]
fn what_is_in_the_way_blocks_with_its_ways_forward() {
    let conflicts = [
        Conflict::ForeignStack {
            stack: "lab-environment".to_owned(),
            from_template: false,
        },
        Conflict::Recorder {
            name: "default".to_owned(),
            role_arn: "arn:aws:iam::123456789012:role/security".to_owned(),
            lab: None,
        },
        Conflict::Rule { lab: None },
        Conflict::Name {
            kind: "role",
            name: "AwsConfigRole".to_owned(),
            parameter: "ConfigRoleName",
            own: false,
            lab: None,
        },
    ];
    for conflict in conflicts {
        let mut facts = facts();
        let said = conflict.to_string();
        facts.conflicts = Some(Ok(vec![conflict]));
        let findings = judge(&facts);
        let found = findings.iter().find(|each| each.what == said).unwrap();
        assert_eq!(found.severity, Severity::Blocker, "{said}");
        assert!(!found.todo.is_empty() && !found.why.is_empty(), "{said}");
    }
    check(
        |facts| facts.conflicts = Some(Err(unseen())),
        "blocker names: it cannot be seen what is there: `x:Look` answered AccessDenied: no",
    );
}

#[test]
fn a_stack_is_judged_by_what_can_be_done_with_it() {
    for (status, expected) in [
        ("CREATE_COMPLETE", Severity::Ok),
        ("UPDATE_IN_PROGRESS", Severity::Note),
        ("ROLLBACK_COMPLETE", Severity::Note),
        ("DELETE_FAILED", Severity::Note),
        ("UPDATE_ROLLBACK_FAILED", Severity::Warning),
    ] {
        let mut facts = facts();
        facts.stack = Ok(Some(status.to_owned()));
        let findings = judge(&facts);
        let stack = findings.iter().find(|each| each.about == "stack").unwrap();
        assert_eq!(stack.severity, expected, "{status}");
    }
}

#[test]
fn a_quota_counts_only_where_something_is_made() {
    let full = |facts: &mut Facts| {
        facts.quotas = vec![
            measured(VPCS, Ok(5), Ok(5)),
            measured(GROUPS, Ok(2500), Ok(2499)),
            measured(RULES, Ok(1000), Ok(999)),
        ];
    };
    check(
        full,
        "blocker quotas: 5 of 5 VPCs in the region, and the lab needs 1\n\
         blocker quotas: 2499 of 2500 security groups in the region, and the lab needs 2",
    );
    check(
        |facts| {
            full(facts);
            facts.stack = Ok(Some("UPDATE_COMPLETE".to_owned()));
        },
        "",
    );
}

#[test]
fn a_quota_that_is_not_known_is_no_blocker() {
    check(
        |facts| {
            facts.quotas = vec![
                measured(VPCS, Err(unseen()), Ok(5)),
                measured(GROUPS, Ok(2500), Err(unseen())),
                measured(BUCKETS, Err(unseen()), Ok(12)),
            ];
        },
        "warning quotas: 5 of 5 VPCs in the region by default, and the lab needs 1\n\
         note quotas: security groups in the region could not be counted: `x:Look` answered AccessDenied: no\n\
         note quotas: AWS's defaults are assumed for VPCs in the region, buckets in the account: `x:Look` answered AccessDenied: no",
    );
}

#[test]
fn a_function_needs_room_to_run() {
    let with = |limit, unreserved| {
        move |facts: &mut Facts| facts.concurrency = Ok(Concurrency { limit, unreserved })
    };
    check(
        with(1000, 0),
        "blocker concurrency: Lambda runs 1000 invocations at once, 0 of them unreserved",
    );
    check(
        with(10, 10),
        "note concurrency: Lambda runs 10 invocations at once, 10 of them unreserved",
    );
}

#[test]
fn a_boundary_is_asked_what_it_leaves_the_roles() {
    let arn = "arn:aws:iam::123456789012:policy/limit";
    let with = |withholds| {
        move |facts: &mut Facts| {
            facts.boundary = Some(Boundary {
                arn: arn.to_owned(),
                withholds,
            });
        }
    };
    check(with(Ok(Some(BTreeSet::new()))), "");
    check(
        with(Ok(None)),
        "blocker boundary: there is no policy `arn:aws:iam::123456789012:policy/limit`",
    );
    check(
        with(Ok(Some(BTreeSet::from([
            Withheld {
                action: "config:PutEvaluations".to_owned(),
                on: None,
            },
            Withheld {
                action: "ssm:GetParameter".to_owned(),
                on: Some("arn:aws:ssm:us-east-1:123456789012:parameter/webhook".to_owned()),
            },
        ])))),
        "warning boundary: `arn:aws:iam::123456789012:policy/limit` does not let through `config:PutEvaluations`, \
         `ssm:GetParameter` on `arn:aws:ssm:us-east-1:123456789012:parameter/webhook`",
    );
    check(
        with(Err(unseen())),
        "note boundary: `arn:aws:iam::123456789012:policy/limit` could not be looked at: `x:Look` answered AccessDenied: no",
    );
}

#[test]
fn retention_and_mailbox_are_notes() {
    check(
        |facts| {
            facts.retention = Some(Ok(Some(90)));
            facts.unconfirmed = Some(Ok(vec!["ann@example.com".to_owned()]));
        },
        "note retention: AWS Config keeps history for 90 days\n\
         note mail: ann@example.com has not confirmed the subscription",
    );
}

#[test]
fn the_cost_follows_from_the_groups_that_are_there() {
    let three = cost(&facts());
    // Three that are there, and two that the lab brings.
    assert_eq!(three.groups, Some(5));
    assert!((three.once_usd.unwrap() - 0.02).abs() < 1e-9);
    assert_eq!(
        three.to_string(),
        "about $0.020 once, for 5 security groups in the region; then $0.004 for each change to one: $0.00 on a day without changes, $0.08 on a day with 10 incidents"
    );
    let mut facts = facts();
    facts.stack = Ok(Some("CREATE_COMPLETE".to_owned()));
    assert_eq!(cost(&facts).groups, Some(3));
    facts.quotas.clear();
    let unknown = cost(&facts);
    assert_eq!((unknown.groups, unknown.once_usd), (None, None));
    assert!(unknown.to_string().starts_with("$0.004 once for each"));
}
