#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::*;
use crate::aws::{Channel, Recorder, StackDescription, Tags};
use crate::output::failure;
use crate::spec::{RETENTION_DAYS, TAG};
use crate::state::fixtures::{STACK, converged, nothing, ours, spec};
use crate::state::{Named, Observed, ObservedChannel, Tagged};
use crate::teardown::Removal;

fn stack(observed: &mut Observed) -> &mut StackDescription {
    &mut observed.stack.as_mut().unwrap().description
}

fn check(change: impl FnOnce(&mut Observed), expect: &str) {
    let mut observed = converged();
    change(&mut observed);
    assert_eq!(conflicts(&observed), [], "no conflict is expected here");
    let shown = plan(&spec(), &observed).unwrap().to_string();
    assert_eq!(shown.trim_end(), expect);
}

#[test]
fn a_fresh_account_gets_everything() {
    let plan = plan(&spec(), &nothing()).unwrap();
    insta::assert_snapshot!(plan.to_string(), @r"
    + code bucket `driftlab-code-123456789012-us-east-1-lab-environment`
    + package `ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad.zip` (3 bytes)
    + stack `lab-environment`
    + configuration recorder `default`
    + delivery channel `default`
    ~ configuration recorder `default` (start it)
    + retention of configuration history (2557 days)
    + rule `EC2SecurityGroup`
    ");
    let json = serde_json::to_value(&plan).unwrap();
    assert_eq!(json["changes"][2]["change"], "create-stack");
    assert_eq!(json["changes"][2]["stack"], STACK);
}

#[test]
fn a_deployed_lab_needs_nothing() {
    check(|_| {}, "nothing to change");
    assert!(plan(&spec(), &converged()).unwrap().is_empty());
}

#[test]
fn only_what_differs_is_changed_and_the_plan_says_why() {
    check(
        |lab| {
            stack(lab)
                .parameters
                .insert("CodeS3Key".into(), "old.zip".into());
            lab.package_present = false;
        },
        "+ package `ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad.zip` (3 bytes)\n\
         ~ stack `lab-environment` (the function's package)",
    );
    check(
        |lab| {
            lab.stack.as_mut().unwrap().template = "other".into();
            stack(lab)
                .parameters
                .insert("ConfigRoleName".into(), "Other".into());
        },
        "~ stack `lab-environment` (its template, `ConfigRoleName`)",
    );
    check(
        |lab| lab.function.as_mut().unwrap().code_sha256 = Some("theirs".into()),
        "~ code of function `heal` (it is not our package)",
    );
    check(
        |lab| lab.recorders[0].it.recording = false,
        "~ configuration recorder `default` (start it)",
    );
    check(
        |lab| lab.recorders[0].it.all_supported = true,
        "~ configuration recorder `default` (what it records)",
    );
    check(
        |lab| lab.channels[0].channel.topic_arn = None,
        "~ delivery channel `default` (its topic)",
    );
    check(
        |lab| lab.rule.as_mut().unwrap().it.parameters = Some(r#"{"debug":"false"}"#.into()),
        "~ rule `EC2SecurityGroup` (its parameters)",
    );
    check(|lab| lab.rule = None, "+ rule `EC2SecurityGroup`");
    check(
        |lab| lab.recorders[0].tags.clear(),
        "~ configuration recorder `default` (its tags)",
    );
}

#[test]
fn what_an_interrupted_deployment_left_is_completed() {
    check(
        |lab| {
            lab.channels.clear();
            lab.rule = None;
            lab.retention = None;
            lab.recorders[0].it.recording = false;
        },
        "+ delivery channel `default`\n\
         ~ configuration recorder `default` (start it)\n\
         + retention of configuration history (2557 days)\n\
         + rule `EC2SecurityGroup`",
    );
}

#[test]
fn a_stack_that_cannot_be_used_is_made_anew() {
    check(
        |lab| {
            stack(lab).status = "ROLLBACK_COMPLETE".into();
            lab.function = None;
        },
        "- stack `lab-environment` (ROLLBACK_COMPLETE)\n\
         + stack `lab-environment`\n\
         ~ configuration recorder `default` (its stack is made anew)\n\
         ~ delivery channel `default` (its stack is made anew)\n\
         ~ rule `EC2SecurityGroup` (its stack is made anew)",
    );
}

#[test]
fn a_retention_of_somebody_else_is_kept_and_said_so() {
    for days in [365, RETENTION_DAYS] {
        let mut lab = converged();
        lab.retention = Some(days);
        lab.code_bucket = Some(ours());
        let plan = plan(&spec(), &lab).unwrap();
        assert!(plan.is_empty());
        assert_eq!(
            plan.to_string(),
            format!(
                "nothing to change\n= retention of configuration history, {days} days \
                 (not set by this lab, so neither changed nor removed)\n"
            )
        );
    }
}

#[test]
fn that_the_retention_is_ours_is_noted_before_it_is_set() {
    check(
        |lab| {
            lab.retention = None;
            lab.code_bucket = Some(ours());
        },
        "~ code bucket `driftlab-code-123456789012-us-east-1-lab-environment` (note that the retention is ours)\n\
         + retention of configuration history (2557 days)",
    );
}

#[test]
fn a_code_bucket_that_was_only_begun_is_made_again() {
    check(
        |lab| lab.code_bucket = Some(Tags::new()),
        "+ code bucket `driftlab-code-123456789012-us-east-1-lab-environment`\n\
         = retention of configuration history, 2557 days (not set by this lab, so neither changed nor removed)",
    );
}

fn refused(change: impl FnOnce(&mut Observed)) -> String {
    let mut observed = nothing();
    change(&mut observed);
    let error = refusal(&conflicts(&observed)).expect("a conflict is expected here");
    assert_eq!(error.kind(), crate::error::Kind::Refused);
    failure(&error)
}

#[test]
fn a_recorder_and_channel_of_somebody_else_are_never_overwritten() {
    let shown = refused(|account| {
        account.recorders = vec![Tagged {
            it: Recorder {
                name: "default".into(),
                role_arn: "arn:their-role".into(),
                ..Recorder::default()
            },
            tags: Tags::new(),
        }];
        account.channels = vec![ObservedChannel {
            channel: Channel {
                name: "default".into(),
                bucket: "theirs".into(),
                topic_arn: None,
            },
            bucket_tags: None,
        }];
    });
    insta::assert_snapshot!(shown, @r"
    error: nothing was changed, because configuration recorder `default` records with `arn:their-role`, which is not this lab's; and delivery channel `default` delivers to `theirs`, which is not this lab's
    hint: deploy in another region with `--region`: AWS Config has one recorder and one channel for each
    hint: or, if nobody needs them, stop and delete the recorder and the channel of this region yourself first
    ");
}

#[test]
fn names_that_are_taken_are_refused_before_anything_is_made() {
    let shown = refused(|account| {
        account.named = vec![Named {
            kind: "role",
            name: "AwsConfigRole".into(),
            parameter: "ConfigRoleName",
            tags: [(TAG.to_owned(), "another-lab".to_owned())].into(),
        }];
        account.rule = Some(Tagged::default());
    });
    insta::assert_snapshot!(shown, @r"
    error: nothing was changed, because role `AwsConfigRole` exists and is not this lab's; and rule `EC2SecurityGroup` is not this lab's
    hint: give the lab's role another name with `--parameter ConfigRoleName=…`
    hint: or, if nobody needs it, delete the role yourself first
    hint: deploy in another region with `--region`
    hint: or, if nobody needs it, delete the rule `EC2SecurityGroup` yourself first
    ");
}

#[test]
fn a_stack_made_by_hand_is_not_taken_over() {
    let mut lab = converged();
    stack(&mut lab).tags.clear();
    assert_eq!(
        conflicts(&lab),
        [Conflict::ForeignStack {
            stack: STACK.into()
        }]
    );
    stack(&mut lab).tags = ours();
    stack(&mut lab).status = "UPDATE_ROLLBACK_FAILED".into();
    assert!(matches!(conflicts(&lab)[..], [Conflict::StuckStack { .. }]));
}

#[test]
fn recorder_and_rule_are_known_by_the_stack_too_when_their_tags_are_gone() {
    let mut lab = converged();
    lab.recorders[0].tags.clear();
    lab.rule.as_mut().unwrap().tags.clear();
    lab.channels[0].bucket_tags = Some(Tags::new());
    assert_eq!(conflicts(&lab), []);
    lab.recorders[0].it.role_arn = "arn:their-role".into();
    lab.rule.as_mut().unwrap().it.source = Some("arn:their-function".into());
    lab.channels[0].channel.bucket = "theirs".into();
    assert_eq!(conflicts(&lab).len(), 3);
}

#[test]
fn removing_follows_the_order_that_aws_accepts() {
    let lab = converged();
    let removal = Removal::of(&lab, &[]);
    insta::assert_snapshot!(removal.to_string(), @r"
    - rule `EC2SecurityGroup`
    - delivery channel `default`
    - configuration recorder `default`
    - retention of configuration history (2557 days)
    - everything in the delivery bucket `delivery`
    - stack `lab-environment`
    - code bucket `driftlab-code-123456789012-us-east-1-lab-environment`
    ");
    assert!(Removal::of(&nothing(), &[]).is_empty());
}

#[test]
fn what_is_not_ours_is_kept_and_what_no_stack_owns_is_removed() {
    let mut lab = nothing();
    lab.recorders = vec![Tagged::default()];
    lab.retention = Some(365);
    lab.named = vec![
        Named {
            kind: "log group",
            name: "ours".into(),
            parameter: "LogGroupName",
            tags: ours(),
        },
        Named {
            kind: "role",
            name: "AwsConfigRole".into(),
            parameter: "ConfigRoleName",
            tags: Tags::new(),
        },
    ];
    let removal = Removal::of(&lab, &["delivery".to_owned(), lab.place.code_bucket()]);
    insta::assert_snapshot!(removal.to_string(), @r"
    - log group `ours`
    - bucket `delivery`
    = configuration recorder `` (not this lab's)
    = retention of configuration history, 365 days (not this lab's)
    ");
}
