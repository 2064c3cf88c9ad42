#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::*;
use crate::aws::{
    ChangeSetSummary, Channel, PropertyChange, Recorder, RecorderDescription, RecordingGroup,
    RecordingMode, ResourceChange, StackDescription, Tags,
};
use crate::journal::{Doubt, Seen, Unverified};
use crate::output::failure;
use crate::spec::{RETENTION_DAYS, TAG};
use crate::state::fixtures::{STACK, converged, nothing, ours, recorder, spec};
use crate::state::{Named, Observed, ObservedChannel, ObservedStack, Tagged};
use crate::teardown::Removal;

fn stack(observed: &mut Observed) -> &mut StackDescription {
    &mut observed.stack.as_mut().unwrap().description
}

fn check(change: impl FnOnce(&mut Observed), expect: &str) {
    let mut observed = converged();
    change(&mut observed);
    assert_eq!(
        conflicts(&observed, false),
        [],
        "no conflict is expected here"
    );
    let shown = plan(&spec(), &observed).unwrap().to_string();
    assert_eq!(shown.trim_end(), expect);
}

const NEW_RULE: &str = "+ rule `EC2SecurityGroup`\n    function: arn:function\n    description: Restrict inbound ports to HTTP and HTTPS\n    scope: AWS::EC2::SecurityGroup\n    triggers: ConfigurationItemChangeNotification, OversizedConfigurationItemChangeNotification\n    parameter baseline: ipv4\n    parameter debug: true\n    parameter mode: enforce\n    parameter scope: vpc:vpc-1";

#[test]
fn a_fresh_account_gets_everything() {
    let plan = plan(&spec(), &nothing()).unwrap();
    insta::assert_snapshot!(plan.to_string(), @r"
    + code bucket `driftlab-code-123456789012-us-east-1-lab-environment`
    + package `ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad.zip` (3 bytes)
    + stack `lab-environment`
    + configuration recorder `default`
        role: that of the new stack
        records: AWS::EC2::SecurityGroup
        how often: continuously
    + delivery channel `default`
        bucket: that of the new stack
        topic: that of the new stack
    ~ configuration recorder `default` (start it)
    + retention of configuration history (2557 days)
    + rule `EC2SecurityGroup`
        function: that of the new stack
        description: Restrict inbound ports to HTTP and HTTPS
        scope: AWS::EC2::SecurityGroup
        triggers: ConfigurationItemChangeNotification, OversizedConfigurationItemChangeNotification
        parameter baseline: ipv4
        parameter debug: true
        parameter mode: enforce
        parameter scope: vpc:that of the new stack
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
        |lab| lab.recorders[0].it.it.recording_group = None,
        "~ configuration recorder `default`\n    records: every regional type → AWS::EC2::SecurityGroup",
    );
    check(
        |lab| lab.channels[0].channel.topic_arn = None,
        "~ delivery channel `default`\n    topic: arn:topic",
    );
    check(
        |lab| lab.rule.as_mut().unwrap().it.parameters = Some(r#"{"debug":"false"}"#.into()),
        "~ rule `EC2SecurityGroup`\n    parameter baseline: ipv4\n    parameter debug: false → true\n    parameter mode: enforce\n    parameter scope: vpc:vpc-1",
    );
    check(|lab| lab.rule = None, NEW_RULE);
    check(
        |lab| lab.recorders[0].tags.clear(),
        "~ configuration recorder `default`\n    tag driftlab:lab: lab-environment",
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
        &format!(
            "+ delivery channel `default`\n    bucket: delivery\n    topic: arn:topic\n\
             ~ configuration recorder `default` (start it)\n\
             + retention of configuration history (2557 days)\n\
             {NEW_RULE}"
        ),
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
         ~ configuration recorder `default`\n    role: arn:config-role → that of the new stack\n\
         ~ delivery channel `default`\n    bucket: delivery → that of the new stack\n\
         ~ rule `EC2SecurityGroup`\n    function: arn:function → that of the new stack",
    );
}

#[test]
fn a_retention_of_somebody_else_is_kept_and_said_so() {
    for days in [365, RETENTION_DAYS] {
        let mut lab = converged();
        lab.retention = Some(days);
        lab.journal = Seen::Absent;
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
fn a_code_bucket_that_was_only_begun_is_made_again() {
    check(
        |lab| lab.code_bucket = Some(Tags::new()),
        "+ code bucket `driftlab-code-123456789012-us-east-1-lab-environment`",
    );
}

/// A recorder that the security team set up.
fn theirs() -> Recorder {
    recorder(RecorderDescription {
        name: "default".into(),
        role_arn: "arn:their-role".into(),
        ..RecorderDescription::default()
    })
}

fn refused(change: impl FnOnce(&mut Observed)) -> String {
    let mut observed = nothing();
    change(&mut observed);
    let error = refusal(&conflicts(&observed, false)).expect("a conflict is expected here");
    assert_eq!(error.kind(), crate::error::Kind::Refused);
    failure(&error)
}

#[test]
fn a_recorder_and_channel_of_somebody_else_are_never_overwritten() {
    let shown = refused(|account| {
        account.recorders = vec![Tagged {
            it: theirs(),
            tags: Tags::new(),
        }];
        account.channels = vec![ObservedChannel {
            channel: Channel {
                name: "default".into(),
                bucket: "theirs".into(),
                ..Channel::default()
            },
            bucket_tags: None,
        }];
    });
    insta::assert_snapshot!(shown, @r"
    error: nothing was changed, because configuration recorder `default` records with `arn:their-role`, which is not this lab's; and delivery channel `default` delivers to `theirs`, which is not this lab's
    hint: deploy in another region with `--region`: AWS Config has one recorder and one channel for each
    hint: or borrow what is there with `--adopt`: the recorder is widened only as far as the lab needs, the channel stays as it is, and clean-up gives them back as they were
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
    error: nothing was changed, because role `AwsConfigRole` exists and is that of the lab `another-lab`; and rule `EC2SecurityGroup` is not this lab's
    hint: give the lab's role another name with `--parameter ConfigRoleName=…`
    hint: deploy in another region with `--region`
    hint: or ask the owner of the rule `EC2SecurityGroup`: each name is there once in a region
    ");
}

#[test]
fn what_belongs_to_another_lab_names_it_and_is_not_to_be_deleted() {
    let theirs_too = || Tags::from([(TAG.to_owned(), "another-lab".to_owned())]);
    let shown = refused(|account| {
        account.recorders = vec![Tagged {
            it: theirs(),
            tags: theirs_too(),
        }];
        account.rule = Some(Tagged {
            tags: theirs_too(),
            ..Tagged::default()
        });
    });
    assert_eq!(
        shown.matches("that of the lab `another-lab`").count(),
        2,
        "{shown}"
    );
    assert!(shown.contains("`--stack another-lab`"), "{shown}");
    for harm in ["delete", "--adopt"] {
        assert!(!shown.contains(harm), "{shown}");
    }
}

/// Only what was made from the lab's template may become a lab; a lab whose stack lives in another region is no remainder.
#[test]
fn hint_never_hands_over_what_is_no_lab_and_never_deletes_what_may_live() {
    let mut lab = converged();
    stack(&mut lab).tags.clear();
    let hint = |lab: &Observed| failure(&refusal(&conflicts(lab, false)).unwrap());
    assert!(
        hint(&lab).contains("driftlab:lab=lab-environment"),
        "{}",
        hint(&lab)
    );
    stack(&mut lab).outputs.clear();
    assert!(!hint(&lab).contains("driftlab:lab="), "{}", hint(&lab));
    let shown = refused(|account| {
        account.named = vec![Named {
            kind: "role",
            name: "AwsConfigRole".into(),
            parameter: "ConfigRoleName",
            tags: ours(),
        }];
    });
    assert!(
        shown.contains("another region") && !shown.contains("delete"),
        "{shown}"
    );
}

#[test]
fn a_stack_made_by_hand_is_not_taken_over() {
    let mut lab = converged();
    stack(&mut lab).tags.clear();
    assert_eq!(
        conflicts(&lab, false),
        [Conflict::ForeignStack {
            stack: STACK.into(),
            from_template: true,
        }]
    );
}

#[test]
fn recorder_and_rule_are_known_by_the_stack_too_when_their_tags_are_gone() {
    let mut lab = converged();
    lab.recorders[0].tags.clear();
    lab.rule.as_mut().unwrap().tags.clear();
    lab.channels[0].bucket_tags = Some(Tags::new());
    assert_eq!(conflicts(&lab, false), []);
    lab.recorders[0].it.it.role_arn = "arn:their-role".into();
    lab.rule.as_mut().unwrap().it.source = Some("arn:their-function".into());
    lab.channels[0].channel.bucket = "theirs".into();
    assert_eq!(conflicts(&lab, false).len(), 3);
}

#[test]
fn removing_follows_the_order_that_aws_accepts() {
    let lab = converged();
    let removal = Removal::of(&lab, &[]);
    insta::assert_snapshot!(removal.to_string(), @r"
    - rule `EC2SecurityGroup`
    - delivery channel `default`
    - configuration recorder `default`
    - retention of configuration history
        days: 2557 → none set, so AWS Config keeps 2557
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

/// An account in which somebody else records buckets, now and then, and stands still.
fn foreign(account: &mut Observed) {
    account.recorders = vec![Tagged {
        it: recorder(RecorderDescription {
            recording_group: Some(RecordingGroup {
                resource_types: vec!["AWS::S3::Bucket".into()],
                ..RecordingGroup::default()
            }),
            recording_mode: Some(RecordingMode {
                recording_frequency: "DAILY".into(),
                recording_mode_overrides: Vec::new(),
            }),
            ..theirs().it
        }),
        tags: Tags::new(),
    }];
    account.channels = vec![ObservedChannel {
        channel: Channel {
            name: "theirs".into(),
            bucket: "their-bucket".into(),
            raw: serde_json::json!({"name": "theirs", "s3BucketName": "their-bucket"}),
            ..Channel::default()
        },
        bucket_tags: Some(Tags::new()),
    }];
    account.retention = Some(365);
}

#[test]
fn what_is_borrowed_is_widened_no_further_than_needed_and_noted_before() {
    let mut lab = converged();
    foreign(&mut lab);
    assert_eq!(conflicts(&lab, false).len(), 2);
    assert_eq!(conflicts(&lab, true), []);
    let plan = plan(&spec(), &lab).unwrap();
    insta::assert_snapshot!(plan.to_string(), @r"
    & configuration recorder `default`, borrowed
        records: AWS::S3::Bucket → AWS::S3::Bucket, AWS::EC2::SecurityGroup
        how often: daily → daily, but AWS::EC2::SecurityGroup continuously
    & delivery channel `theirs`, borrowed as it is: it delivers to `their-bucket`, and the lab's topic is told nothing
    ~ configuration recorder `default` (start it)
    = retention of configuration history, 365 days (not set by this lab, so neither changed nor removed)
    ");
    let mut journal = lab.journal.journal().unwrap().clone();
    plan.note(&lab, "arn:me", OffsetDateTime::UNIX_EPOCH, &mut journal);
    let borrowed = journal.borrowed.as_ref().unwrap();
    assert_eq!(
        borrowed.recorder.as_ref().unwrap().before,
        lab.recorders[0].it.raw
    );
    assert_eq!(
        borrowed.channel.as_ref(),
        Some(&lab.channels[0].channel.raw)
    );
    assert_eq!(borrowed.retention, Some(365));

    // From then on the journal is the consent.
    lab.journal = Seen::Read(Box::new(journal), "\"etag\"".into());
    assert_eq!(conflicts(&lab, false), []);
    let wide = Singletons::new(&spec(), &lab, &lab.outputs().unwrap().unwrap());
    assert!(wide.borrowed && wide.channel.is_none());
    lab.recorders[0].it = Recorder {
        recording: true,
        ..recorder(wide.recorder)
    };
    let plan = super::plan(&spec(), &lab).unwrap();
    insta::assert_snapshot!(plan.to_string(), @r"
    nothing to change
    = configuration recorder `default` (borrowed; clean-up gives it back as it was)
    = delivery channel `theirs` (borrowed as it is: it delivers to `their-bucket`, and the lab's topic is told nothing)
    = retention of configuration history, 365 days (not set by this lab, so neither changed nor removed)
    ");
    insta::assert_snapshot!(Removal::of(&lab, &[]).to_string(), @r"
    - rule `EC2SecurityGroup`
    & configuration recorder `default`, given back
        records: AWS::S3::Bucket, AWS::EC2::SecurityGroup → AWS::S3::Bucket
        how often: daily, but AWS::EC2::SecurityGroup continuously → daily
        state: recording → stopped
    - everything in the delivery bucket `delivery`
    - stack `lab-environment`
    - code bucket `driftlab-code-123456789012-us-east-1-lab-environment`
    = delivery channel `theirs` (not this lab's)
    = retention of configuration history, 365 days (not this lab's)
    ");
}

#[test]
fn without_a_journal_what_was_borrowed_stays_and_clean_up_says_what_it_cannot_know() {
    let mut lab = converged();
    foreign(&mut lab);
    lab.journal = Seen::Absent;
    insta::assert_snapshot!(Removal::of(&lab, &[]).to_string(), @r"
    - rule `EC2SecurityGroup`
    - everything in the delivery bucket `delivery`
    - stack `lab-environment`
    - code bucket `driftlab-code-123456789012-us-east-1-lab-environment`
    = configuration recorder `default` (not this lab's)
    = delivery channel `theirs` (not this lab's)
    = retention of configuration history, 365 days (not this lab's)
    ? the journal is lost, so nobody knows whether the configuration recorder `default` was widened or started for the lab: it stays as it is, recording AWS::S3::Bucket daily (stopped)
    ? the journal is lost, so nobody knows whether the lab set the retention of configuration history: it stays at 365 days
    ");
}

#[test]
fn a_recorder_with_something_unknown_is_not_borrowed() {
    let mut lab = nothing();
    foreign(&mut lab);
    lab.recorders[0].it.raw["recordingGroup"]["exceptOnSundays"] = true.into();
    let error = refusal(&conflicts(&lab, true)).unwrap();
    insta::assert_snapshot!(failure(&error), @r"
    error: nothing was changed, because configuration recorder `default` has something that could not be given back: `recordingGroup.exceptOnSundays`
    hint: deploy in another region with `--region`
    hint: or use a newer driftlab, which may know it
    ");
}

#[test]
fn a_stack_is_put_right_before_anything_else_is_planned() {
    for status in ["UPDATE_ROLLBACK_FAILED", "UPDATE_FAILED"] {
        let mut lab = converged();
        stack(&mut lab).status = status.into();
        lab.package_present = false;
        let plan = plan(&spec(), &lab).unwrap();
        assert!(plan.clears_the_way());
        assert_eq!(
            plan.to_string(),
            format!(
                "+ package `{}` (3 bytes)\n\
                 ~ stack `lab-environment` (it is {status}: back to what it was, and planned anew from there)\n",
                spec().package.key()
            )
        );
    }
}

#[test]
fn an_empty_stack_under_review_is_ours_unless_somebody_elses_change_set_waits_in_it() {
    let mut lab = nothing();
    let set = |name: &str| ChangeSetSummary {
        id: "arn:set".into(),
        name: name.into(),
        created: None,
    };
    lab.stack = Some(ObservedStack {
        description: StackDescription {
            name: STACK.into(),
            status: "REVIEW_IN_PROGRESS".into(),
            ..StackDescription::default()
        },
        change_sets: vec![set("driftlab-0123456789abcdef")],
        ..ObservedStack::default()
    });
    assert_eq!(conflicts(&lab, false), []);
    assert_eq!(plan(&spec(), &lab).unwrap().makes_stack(), Some(true));
    assert!(Removal::of(&lab, &[]).stack.is_some());
    lab.stack.as_mut().unwrap().change_sets.push(set("theirs"));
    assert_eq!(conflicts(&lab, false).len(), 1);
    assert!(Removal::of(&lab, &[]).stack.is_none());
}

#[test]
fn what_cloudformation_foresees_is_shown_resource_by_resource() {
    let mut lab = converged();
    stack(&mut lab)
        .parameters
        .insert("FunctionName".into(), "old".into());
    let mut plan = plan(&spec(), &lab).unwrap();
    let change = |action: &str, kind: &str, replacement: Option<&str>| ResourceChange {
        action: action.into(),
        logical_id: "Thing".into(),
        physical_id: (action != "Add").then(|| "thing-1".into()),
        resource_type: kind.into(),
        replacement: replacement.map(str::to_owned),
        details: replacement
            .map(|_| PropertyChange {
                attribute: "Properties".into(),
                name: Some("FunctionName".into()),
                recreation: Some("Always".into()),
            })
            .into_iter()
            .collect(),
    };
    plan.foresee(Some(vec![
        change("Add", "AWS::SNS::Topic", None),
        change("Modify", "AWS::Lambda::Function", Some("True")),
        change("Modify", "AWS::Lambda::Permission", Some("Conditional")),
        change("Modify", "AWS::IAM::Role", Some("False")),
        change("Remove", "AWS::EC2::VPC", None),
    ]));
    insta::assert_snapshot!(plan.to_string(), @r"
    ~ stack `lab-environment` (`FunctionName`)
        + AWS::SNS::Topic Thing
        ~ AWS::Lambda::Function Thing `thing-1`, made anew (FunctionName)
        ~ AWS::Lambda::Permission Thing `thing-1`, perhaps made anew (FunctionName)
        ~ AWS::IAM::Role Thing `thing-1` (FunctionName)
        - AWS::EC2::VPC Thing `thing-1`
    ");
    // And when it finds nothing to do, there is nothing to do.
    plan.foresee(None);
    assert!(plan.is_empty());
}

/// A lab that borrowed the recorder of [`foreign`], whose journal says so and is not verified.
fn unverified(doubt: Doubt) -> Observed {
    let mut lab = converged();
    foreign(&mut lab);
    let mut journal = lab.journal.journal().unwrap().clone();
    let plan = plan(&spec(), &lab).unwrap();
    plan.note(&lab, "arn:me", OffsetDateTime::UNIX_EPOCH, &mut journal);
    journal.retention = Some(365);
    let wide = Singletons::new(&spec(), &lab, &lab.outputs().unwrap().unwrap());
    lab.recorders[0].it = Recorder {
        recording: true,
        ..recorder(wide.recorder)
    };
    lab.journal = Seen::Unverified(Box::new(Unverified {
        digest: journal.digest(),
        claim: Some(journal),
        etag: "\"etag\"".into(),
        doubt,
    }));
    lab
}

#[test]
fn unverified_journal_changes_nothing_of_what_is_borrowed_and_its_words_are_shown() {
    for doubt in [Doubt::NoDigest, Doubt::DigestGone, Doubt::OtherDigest] {
        let lab = unverified(doubt);
        let removal = Removal::of(&lab, &[]);
        assert_eq!(removal.give_back, None, "{doubt:?}");
        assert_eq!(removal.retention, None, "{doubt:?}");
        assert!(removal.stack.is_some() && removal.rule.is_some());
        let shown = removal.to_string();
        let digest = &lab.journal.unverified().unwrap().digest;
        for line in [
            "= configuration recorder `default` (not this lab's)",
            "= retention of configuration history, 365 days (not this lab's)",
            &format!("? the journal is not verified: {doubt}"),
            "        records: AWS::S3::Bucket, AWS::EC2::SecurityGroup → AWS::S3::Bucket",
            "        state: recording → stopped",
            "    it says that the lab set the retention of 365 days, which stays as it is",
            &format!("`--restore-from-unverified-journal={digest}`"),
        ] {
            assert!(shown.contains(line), "{doubt:?}: {line}\n{shown}");
        }
        // Where nothing says that it was forged, it alone tells how the recorder was.
        let kept = doubt == Doubt::NoDigest;
        assert_eq!(removal.kept_bucket.is_some(), kept, "{shown}");
        assert_eq!(removal.code_bucket.is_none(), kept, "{shown}");
    }
}

#[test]
fn journal_of_an_older_driftlab_is_enough_to_deploy_and_not_to_take_the_retention_away() {
    let lab = unverified(Doubt::NoDigest);
    assert_eq!(conflicts(&lab, false), []);
    let lab = unverified(Doubt::OtherDigest);
    assert_eq!(conflicts(&lab, false).len(), 2);
    assert_eq!(unverified(Doubt::NoDigest).own_retention(), None);
}
