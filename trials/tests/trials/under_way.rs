//! Stacks that CloudFormation is at work on while a command begins: somebody else's run, or one whose end nobody has seen.
//!
//! The stack is held in its state by a call of CloudFormation that takes a minute of the sandbox's clock. As soon as the
//! command under trial follows the stack's events, which it does only when it has decided to wait, the minute passes.

use std::path::Path;
use std::time::Duration;

use driftlab::error::Kind;
use sandbox::caller::Caller;
use sandbox::faults::{CallerKind, Fault, Rule};
use sandbox::service::Service;
use serde_json::json;
use trials::expected::{flaws_of_ready, stack};
use trials::lab::beside;
use trials::trial::{in_lab, in_world};
use trials::world::quick;
use trials::{Census, Lab, STACK, Told, World, furnish};

/// How long the call takes that keeps CloudFormation at work.
const HOLD: Duration = Duration::from_secs(60);

/// How the lab's own stack comes into a state: what ends right after it has set CloudFormation to work, what CloudFormation
/// is then not allowed, and which of its calls takes its time, after so many that do not.
struct UnderWay {
    status: &'static str,
    /// Whether the lab was ready before.
    ready: bool,
    command: &'static [&'static str],
    denied: &'static [(&'static str, &'static str)],
    slow: (&'static str, &'static str, u64),
}

const OWN: [UnderWay; 7] = [
    UnderWay {
        status: "CREATE_IN_PROGRESS",
        ready: false,
        command: &["deploy"],
        denied: &[],
        slow: ("lambda", "CreateFunction", 0),
    },
    UnderWay {
        status: "ROLLBACK_IN_PROGRESS",
        ready: false,
        command: &["deploy"],
        denied: &[("lambda", "CreateFunction")],
        slow: ("iam", "DeleteRole", 0),
    },
    UnderWay {
        status: "UPDATE_IN_PROGRESS",
        ready: true,
        command: &["deploy", "--parameter=LogRetentionDays=30"],
        denied: &[],
        slow: ("logs", "PutRetentionPolicy", 0),
    },
    UnderWay {
        status: "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        ready: true,
        command: &["deploy", "--parameter=LogGroupName=/aws/lambda/renamed"],
        denied: &[],
        slow: ("logs", "DeleteLogGroup", 0),
    },
    UnderWay {
        status: "UPDATE_ROLLBACK_IN_PROGRESS",
        ready: true,
        command: &[
            "deploy",
            "--parameter=LogRetentionDays=30",
            "--email=other@example.com",
        ],
        denied: &[("sns", "Subscribe")],
        slow: ("logs", "PutRetentionPolicy", 1),
    },
    UnderWay {
        status: "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        ready: true,
        command: &[
            "deploy",
            "--parameter=LogGroupName=/aws/lambda/renamed",
            "--email=other@example.com",
        ],
        denied: &[("sns", "Subscribe")],
        slow: ("logs", "DeleteLogGroup", 0),
    },
    UnderWay {
        status: "DELETE_IN_PROGRESS",
        ready: true,
        command: &["cleanup"],
        denied: &[],
        slow: ("ec2", "DeleteVpc", 0),
    },
];

/// Has a call of CloudFormation take its time; answers the number of the rule.
fn slow(world: &World, (service, operation, skip): (&str, &str, u64)) -> u64 {
    let hold_ms = HOLD.as_millis().try_into().unwrap();
    world.strike(Rule {
        caller: Some(CallerKind::Service),
        skip,
        count: Some(1),
        ..Rule::new(service, operation, Fault::Slow { hold_ms })
    })
}

/// Waits until the slow call is being made, and the stack is in a state: it stays there for as long as the clock lets it.
async fn comes_to(world: &World, status: &str, slow: u64) {
    let held = || {
        let rules = world.sandbox.faults.list(world.sandbox.clock.now());
        rules.iter().any(|rule| rule.id == slow && rule.struck > 0)
    };
    let reached = async {
        while !held() || stack(world).await["StackStatus"] != status {
            tokio::task::yield_now().await;
        }
    };
    if tokio::time::timeout(Duration::from_secs(30), reached)
        .await
        .is_err()
    {
        panic!("not {status}: {}", stack(world).await["StackStatus"]);
    }
}

/// Runs a command that finds CloudFormation at work, which goes on as soon as the command waits for it.
async fn meets(world: &World, lab: &Lab<'_>, arguments: &[&str]) -> Told {
    let mark = world.mark();
    let follows = || {
        world.calls_after(mark).iter().any(|call| {
            call.operation == "DescribeStackEvents" && call.caller == Some(Caller::Operator)
        })
    };
    let told = beside(lab.run(arguments), async {
        world.until(follows).await;
        world.sandbox.clock.advance(HOLD);
    });
    told.await
}

async fn own(world: &World, package: &Path, under_way: &UnderWay) {
    let UnderWay {
        status,
        ready,
        command,
        denied,
        slow: call,
    } = under_way;
    let lab = Lab::new(world, package);
    if *ready {
        lab.ok(&["deploy"]).await;
        world.idle().await;
    }
    furnish::silence_after(
        world,
        &[
            ("cloudformation", "ExecuteChangeSet"),
            ("cloudformation", "DeleteStack"),
        ],
    );
    furnish::deny_cloudformation(world, denied);
    let slow = slow(world, *call);
    let told = lab.run_until_killed(command).await;
    assert!(told.is_none(), "{status}: it was not killed: {told:?}");
    comes_to(world, status, slow).await;
    world.sandbox.faults.clear();
}

/// The command waits, says for what, and succeeds.
fn waited_for(told: &Told, status: &str) {
    assert!(
        told.result.is_ok(),
        "{status}: {}{}",
        told.text,
        told.failure()
    );
    let said = format!("the stack `{STACK}` is being changed already: {status}");
    assert!(told.text.contains(&said), "{status}: {}", told.text);
}

#[test]
fn a_lab_whose_stack_is_under_way_is_deployed_once_it_is_at_rest() {
    for under_way in OWN {
        let status = under_way.status;
        in_world(quick(), async |world, package| {
            let before = Census::of(world).await;
            own(world, package, &under_way).await;
            let lab = Lab::new(world, package);
            waited_for(&meets(world, &lab, &["deploy"]).await, status);
            let flaws = flaws_of_ready(world).await;
            assert_eq!(flaws, Vec::<String>::new(), "{status}");
            lab.ok(&["cleanup"]).await;
            let left = before.since(world).await;
            assert_eq!(left, "", "{status}");
        });
    }
}

#[test]
fn a_lab_whose_stack_is_under_way_is_removed_once_it_is_at_rest() {
    for under_way in OWN {
        let status = under_way.status;
        in_world(quick(), async |world, package| {
            let before = Census::of(world).await;
            own(world, package, &under_way).await;
            let lab = Lab::new(world, package);
            waited_for(&meets(world, &lab, &["cleanup"]).await, status);
            let left = before.since(world).await;
            assert_eq!(left, "", "{status}");
        });
    }
}

/// Somebody else's stack of the lab's name, by the status that it is held in.
async fn foreign(world: &World, status: &str) {
    let template = |days: u32, bad: &str| {
        let group =
            "{Type: AWS::Logs::LogGroup, Properties: {LogGroupName: theirs, RetentionInDays: ";
        json!({"StackName": STACK, "TemplateBody": format!("Resources: {{Group: {group}{days}}}}}{bad}}}")})
    };
    let bad = ", Bad: {Type: AWS::Logs::LogGroup, DependsOn: Group}";
    let cloudformation = Service::CloudFormation;
    let (operation, input, call) = match status {
        "CREATE_IN_PROGRESS" => (
            "CreateStack",
            template(1, ""),
            ("logs", "CreateLogGroup", 0),
        ),
        "UPDATE_IN_PROGRESS" => (
            "UpdateStack",
            template(3, ""),
            ("logs", "PutRetentionPolicy", 0),
        ),
        "UPDATE_ROLLBACK_IN_PROGRESS" => (
            "UpdateStack",
            template(3, bad),
            ("logs", "PutRetentionPolicy", 1),
        ),
        "DELETE_IN_PROGRESS" => (
            "DeleteStack",
            json!({"StackName": STACK}),
            ("logs", "DeleteLogGroup", 0),
        ),
        other => panic!("no way to {other} is known"),
    };
    if operation != "CreateStack" {
        world
            .call(cloudformation, "CreateStack", template(1, ""))
            .await;
        world.idle().await;
    }
    if status.contains("ROLLBACK") {
        furnish::deny_cloudformation(world, &[("logs", "CreateLogGroup")]);
    }
    let slow = slow(world, call);
    world.call(cloudformation, operation, input).await;
    comes_to(world, status, slow).await;
    world.sandbox.faults.clear();
}

#[test]
fn somebody_elses_stack_of_our_name_is_left_to_whoever_changes_it() {
    for status in [
        "CREATE_IN_PROGRESS",
        "UPDATE_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
    ] {
        for command in ["deploy", "cleanup"] {
            in_world(quick(), async |world, package| {
                foreign(world, status).await;
                let mark = world.mark();
                let told = meets(world, &Lab::new(world, package), &[command]).await;
                assert_eq!(told.kind(), Some(Kind::Refused), "{status}: {}", told.text);
                assert!(told.failure().contains("was not made by driftlab"));
                let changes = world.changes_after(mark);
                assert_eq!(changes, Vec::<String>::new(), "{command} during {status}");
            });
        }
    }
}

#[test]
fn a_name_that_somebody_elses_stack_gives_free_is_waited_for() {
    in_lab(quick(), async |world, lab| {
        let before = Census::of(world).await;
        foreign(world, "DELETE_IN_PROGRESS").await;
        waited_for(&meets(world, lab, &["deploy"]).await, "DELETE_IN_PROGRESS");
        let flaws = flaws_of_ready(world).await;
        assert_eq!(flaws, Vec::<String>::new());
        lab.ok(&["cleanup"]).await;
        assert_eq!(before.since(world).await, "");
    });
}
