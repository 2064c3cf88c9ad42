//! Accounts that already hold things. Nothing foreign differs afterwards, whether the lab came or was refused.

use std::path::Path;
use std::time::Duration;

use driftlab::error::Kind;
use sandbox::config::Latency;
use sandbox::protocol::Operation;
use sandbox::service::Service;
use serde_json::json;
use trials::expected::{flaws_of_ready, output, stack};
use trials::furnish::{self, NEIGHBOUR, Team};
use trials::trial::{deployed, in_lab, in_world};
use trials::world::quick;
use trials::{ACCOUNT, Census, Lab, STACK, World};

/// Every command that changes something is refused, says what is in the way, and changes nothing.
async fn refused(world: &World, package: &Path, in_the_way: &[&str]) {
    let before = Census::of(world).await;
    let lab = Lab::new(world, package);
    let told = lab.run(&["deploy"]).await;
    assert_eq!(told.kind(), Some(Kind::Refused), "{}", told.text);
    for what in in_the_way {
        assert!(told.failure().contains(what), "{what}: {}", told.failure());
    }
    assert_eq!(before.since(world).await, "");
    let told = lab.ok(&["cleanup"]).await;
    assert_eq!(told.document["removed"], json!([]), "{}", told.text);
    assert_eq!(before.since(world).await, "");
}

/// The lab comes and goes, beside whatever is there.
async fn comes_and_goes(world: &World, package: &Path) {
    let before = Census::of(world).await;
    let lab = Lab::new(world, package);
    lab.ok(&["deploy"]).await;
    assert_eq!(
        lab.ok(&["simulate-incident"]).await.document["healed"],
        true
    );
    lab.ok(&["cleanup"]).await;
    assert_eq!(before.since(world).await, "");
}

#[test]
fn a_recorder_of_everything_is_in_the_way() {
    in_world(quick(), async |world, package| {
        let team = Team {
            running: true,
            bucket_of: ACCOUNT,
        };
        team.moves_in(world).await;
        refused(
            world,
            package,
            &["recorder `security-team`", "channel `security-team`"],
        )
        .await;
    });
}

#[test]
fn a_recorder_that_is_stopped_is_in_the_way() {
    in_world(quick(), async |world, package| {
        let team = Team {
            running: false,
            bucket_of: ACCOUNT,
        };
        team.moves_in(world).await;
        refused(world, package, &["recorder `security-team`"]).await;
    });
}

#[test]
fn a_channel_to_somebody_elses_bucket_is_in_the_way() {
    in_world(quick(), async |world, package| {
        let team = Team {
            running: true,
            bucket_of: NEIGHBOUR,
        };
        team.moves_in(world).await;
        refused(world, package, &["security-team-history"]).await;
    });
}

#[test]
fn roles_of_our_names_are_in_the_way_and_others_can_be_chosen() {
    in_world(quick(), async |world, package| {
        furnish::role(world, "AwsConfigRole", "config.amazonaws.com").await;
        furnish::role(world, "AwsConfigLambdaSGRole", "lambda.amazonaws.com").await;
        refused(
            world,
            package,
            &["role `AwsConfigRole`", "role `AwsConfigLambdaSGRole`"],
        )
        .await;
        let before = Census::of(world).await;
        let lab = Lab::new(world, package);
        let renamed = [
            "deploy",
            "--parameter=ConfigRoleName=OurConfigRole",
            "--parameter=FunctionRoleName=OurFunctionRole",
        ];
        lab.ok(&renamed).await;
        assert_eq!(flaws_of_ready(world).await, Vec::<String>::new());
        lab.ok(&["cleanup"]).await;
        assert_eq!(before.since(world).await, "");
    });
}

#[test]
fn fifty_rules_of_others_are_left_alone() {
    in_world(quick(), async |world, package| {
        let team = Team {
            running: true,
            bucket_of: ACCOUNT,
        };
        team.moves_in(world).await;
        furnish::fifty_rules(world, package).await;
        refused(world, package, &["recorder `security-team`"]).await;
        // Rules outlive their recorder.
        let recorder = json!({"ConfigurationRecorderName": Team::RECORDER});
        furnish::config(world, "StopConfigurationRecorder", recorder.clone()).await;
        let channel = json!({"DeliveryChannelName": Team::RECORDER});
        furnish::config(world, "DeleteDeliveryChannel", channel).await;
        furnish::config(world, "DeleteConfigurationRecorder", recorder).await;
        comes_and_goes(world, package).await;
    });
}

/// While nothing was recorded the group has drifted, so the last verdict is a good one and wrong. Whoever reads that alone
/// would be done before AWS Config has seen the group.
#[test]
fn a_good_verdict_on_a_group_that_has_drifted_is_not_believed() {
    deployed(quick(), async |world, lab| {
        let recorder = json!({"ConfigurationRecorderName": "default"});
        furnish::config(world, "StopConfigurationRecorder", recorder).await;
        let group = output(&stack(world).await, "LabSecurityGroupId").unwrap();
        let open = json!({"GroupId": group, "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 22,
            "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]});
        world
            .call(Service::Ec2, "AuthorizeSecurityGroupIngress", open)
            .await;
        let late = Latency::Fixed(Duration::from_millis(300));
        world.sandbox.set_config_latency(late);
        let told = lab.ok(&["deploy"]).await;
        let flaws = flaws_of_ready(world).await;
        assert_eq!(flaws, Vec::<String>::new(), "{}", told.text);
    });
}

/// A bucket that bears the lab's tag and that its stack does not know is told, and goes once no stack stands for it.
#[test]
fn what_is_left_is_told_and_goes_the_next_time() {
    in_lab(quick(), async |world, lab| {
        let before = Census::of(world).await;
        lab.ok(&["deploy"]).await;
        let tags = json!({"TagSet": [{"Key": "driftlab:lab", "Value": STACK}]});
        for (operation, input) in [
            ("CreateBucket", json!({"Bucket": "strayed"})),
            (
                "PutBucketTagging",
                json!({"Bucket": "strayed", "Tagging": tags}),
            ),
        ] {
            world.text(&Operation::new(operation, input)).await.unwrap();
        }
        let told = lab.run(&["cleanup"]).await;
        assert_eq!(told.kind(), Some(Kind::Leftovers), "{}", told.text);
        assert_eq!(told.document["leftovers"], json!(["bucket `strayed`"]));
        lab.ok(&["cleanup"]).await;
        assert_eq!(before.since(world).await, "");
    });
}

/// A template that cannot be made, or not be changed.
const BAD: &str = "Resources: {Bad: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: 2}}}";
const GOOD: &str = "Resources: {Good: {Type: AWS::Logs::LogGroup, DeletionPolicy: Retain, Properties: {LogGroupName: theirs}}}";

/// Makes a stack of somebody else that has the lab's name, in a state.
async fn foreign_stack(world: &World, status: &str) {
    let create = |template: &str, more: serde_json::Value| {
        let mut input = json!({"StackName": STACK, "TemplateBody": template});
        for (name, value) in more.as_object().into_iter().flatten() {
            input[name] = value.clone();
        }
        input
    };
    let cloudformation = Service::CloudFormation;
    let (operation, input) = match status {
        "CREATE_COMPLETE" => ("CreateStack", create(GOOD, json!({}))),
        "ROLLBACK_COMPLETE" => ("CreateStack", create(BAD, json!({}))),
        "CREATE_FAILED" => (
            "CreateStack",
            create(BAD, json!({"OnFailure": "DO_NOTHING"})),
        ),
        "REVIEW_IN_PROGRESS" => (
            "CreateChangeSet",
            create(
                GOOD,
                json!({"ChangeSetName": "theirs", "ChangeSetType": "CREATE"}),
            ),
        ),
        other => panic!("no way to {other} is known"),
    };
    world.call(cloudformation, operation, input).await;
    world.idle().await;
    assert_eq!(stack(world).await["StackStatus"], status);
}

#[test]
fn somebody_elses_stack_of_our_name_is_never_touched_whatever_its_state() {
    for status in [
        "CREATE_COMPLETE",
        "ROLLBACK_COMPLETE",
        "CREATE_FAILED",
        "REVIEW_IN_PROGRESS",
    ] {
        in_lab(quick(), async |world, lab| {
            foreign_stack(world, status).await;
            let before = Census::of(world).await;
            for command in ["deploy", "cleanup"] {
                let told = lab.run(&[command]).await;
                assert_eq!(told.kind(), Some(Kind::Refused), "{status}: {}", told.text);
                assert!(told.failure().contains("was not made by driftlab"));
                assert_eq!(before.since(world).await, "", "{status}");
            }
        });
    }
}

/// How the lab's own stack comes into each state: which command dies right after its decisive call, and what CloudFormation
/// is then not allowed to do.
struct Plight {
    status: &'static str,
    /// Whether the lab was ready before.
    ready: bool,
    command: &'static [&'static str],
    denied: &'static [(&'static str, &'static str)],
}

const PLIGHTS: [Plight; 7] = [
    Plight {
        status: "CREATE_COMPLETE",
        ready: false,
        command: &["deploy"],
        denied: &[],
    },
    Plight {
        status: "ROLLBACK_COMPLETE",
        ready: false,
        command: &["deploy"],
        denied: &[("lambda", "CreateFunction")],
    },
    Plight {
        status: "ROLLBACK_FAILED",
        ready: false,
        command: &["deploy"],
        denied: &[("lambda", "CreateFunction"), ("s3", "DeleteBucket")],
    },
    Plight {
        status: "UPDATE_ROLLBACK_COMPLETE",
        ready: true,
        command: &["deploy", "--parameter=LogRetentionDays=30"],
        denied: &[("logs", "PutRetentionPolicy")],
    },
    Plight {
        status: "UPDATE_COMPLETE",
        ready: true,
        command: &["deploy", "--parameter=LogRetentionDays=30"],
        denied: &[],
    },
    Plight {
        status: "DELETE_FAILED",
        ready: true,
        command: &["cleanup"],
        denied: &[("ec2", "DeleteVpc")],
    },
    Plight {
        status: "UPDATE_ROLLBACK_FAILED",
        ready: true,
        command: &[
            "deploy",
            "--parameter=LogRetentionDays=30",
            "--email=other@example.com",
        ],
        denied: &[
            ("sns", "Subscribe"),
            ("logs", "PutRetentionPolicy"),
            ("logs", "PutRetentionPolicy"),
        ],
    },
];

/// The calls that set CloudFormation to work.
const DECISIVE: [(&str, &str); 4] = [
    ("cloudformation", "CreateStack"),
    ("cloudformation", "ExecuteChangeSet"),
    ("cloudformation", "UpdateStack"),
    ("cloudformation", "DeleteStack"),
];

async fn own_stack(world: &World, package: &Path, plight: &Plight) {
    let lab = Lab::new(world, package);
    if plight.ready {
        lab.ok(&["deploy"]).await;
        world.idle().await;
    }
    furnish::silence_after(world, &DECISIVE);
    furnish::deny_cloudformation(world, plight.denied);
    let told = lab.run_until_killed(plight.command).await;
    assert!(
        told.is_none(),
        "{}: it was not killed: {told:?}",
        plight.status
    );
    world.idle().await;
    world.sandbox.faults.clear();
    assert_eq!(stack(world).await["StackStatus"], plight.status);
}

#[test]
fn a_lab_whose_stack_is_in_any_state_is_deployed_by_the_same_command() {
    for plight in PLIGHTS {
        in_world(quick(), async |world, package| {
            let before = Census::of(world).await;
            own_stack(world, package, &plight).await;
            let lab = Lab::new(world, package);
            lab.ok(&["deploy"]).await;
            assert_eq!(flaws_of_ready(world).await, Vec::<String>::new());
            lab.ok(&["cleanup"]).await;
            assert_eq!(before.since(world).await, "", "{}", plight.status);
        });
    }
}

#[test]
fn a_lab_whose_stack_is_in_any_state_is_removed() {
    for plight in PLIGHTS {
        in_world(quick(), async |world, package| {
            let before = Census::of(world).await;
            own_stack(world, package, &plight).await;
            Lab::new(world, package).ok(&["cleanup"]).await;
            assert_eq!(before.since(world).await, "", "{}", plight.status);
        });
    }
}
