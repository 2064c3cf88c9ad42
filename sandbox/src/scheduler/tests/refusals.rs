//! What Scheduler does not take.

use super::*;

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let world = World::with_role(json!("logs:*")).await;
    let sdk =
        |rest: &str| json!({"Target": {"Arn": format!("arn:aws:scheduler:::aws-sdk:{rest}")}});
    let cases = [
        (
            json!({"ScheduleExpression": "every day"}),
            "ValidationException",
        ),
        (
            json!({"ScheduleExpression": world.at(-60)}),
            "NotImplemented",
        ),
        (
            json!({"ScheduleExpressionTimezone": "Europe/Vienna"}),
            "NotImplemented",
        ),
        (
            json!({"ScheduleExpression": "rate(9223372036854775807 minutes)"}),
            "ValidationException",
        ),
        (json!({"StartDate": 1e300}), "SerializationException"),
        (json!({"EndDate": -1e300}), "SerializationException"),
        (json!({"EndDate": world.epoch(-1)}), "ValidationException"),
        (
            json!({"StartDate": world.epoch(60), "EndDate": world.epoch(30)}),
            "ValidationException",
        ),
        (
            json!({"FlexibleTimeWindow": {"Mode": "SOMETIMES"}}),
            "ValidationException",
        ),
        (
            json!({"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}),
            "ValidationException",
        ),
        (json!({"State": "PAUSED"}), "ValidationException"),
        (
            json!({"ActionAfterCompletion": "KEEP"}),
            "ValidationException",
        ),
        (json!({"GroupName": "nowhere"}), "ResourceNotFoundException"),
        (json!({"Name": "not a name"}), "ValidationException"),
        (
            json!({"KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/k"}),
            "NotImplemented",
        ),
        (
            json!({"Target": {"DeadLetterConfig": {"Arn": "arn:aws:sqs:us-east-1:123456789012:q"}}}),
            "NotImplemented",
        ),
        (
            json!({"Target": {"Arn": "arn:aws:lambda:us-east-1:123456789012:function:f"}}),
            "NotImplemented",
        ),
        (
            json!({"Target": {"Input": Value::Null}}),
            "ValidationException",
        ),
        (
            json!({"Target": {"Input": "not JSON"}}),
            "ValidationException",
        ),
        (
            json!({"Target": {"RetryPolicy": {"MaximumRetryAttempts": 186}}}),
            "ValidationException",
        ),
        (
            json!({"Target": {"RetryPolicy": {"MaximumEventAgeInSeconds": 59}}}),
            "ValidationException",
        ),
        (
            sdk("cloudwatchlogs:describeLogGroups"),
            "ValidationException",
        ),
        (sdk("s3:listBuckets"), "ValidationException"),
        (sdk("cloudwatchlogs:CreateLogGroup"), "ValidationException"),
        (sdk("logs:createLogGroup"), "ValidationException"),
        (sdk("rds:stopDBInstance"), "NotImplemented"),
        (sdk("cloudwatchlogs"), "ValidationException"),
    ];
    for (change, code) in cases {
        let shown = change.to_string();
        let refused = world.schedule("s", change).await;
        assert_eq!(
            refused.map_err(|error| error.code.into_owned()),
            Err(code.to_owned()),
            "{shown}"
        );
    }
    let with_place = "arn:aws:scheduler:us-east-1:123456789012:aws-sdk:s3:putObject";
    let refused = world
        .schedule("s", json!({"Target": {"Arn": with_place}}))
        .await;
    let message = "scheduler is not a supported service for a target.";
    assert_eq!(refused.unwrap_err().message, message);
    world.schedule("s", json!({})).await.unwrap();
}

/// The last moment of the calendar has none after it, wherever in its window a run would be.
#[tokio::test]
async fn schedule_at_the_end_of_the_calendar_waits() {
    let world = World::with_role(json!("logs:*")).await;
    let window = json!({"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 1440});
    let last =
        json!({"ScheduleExpression": "at(9999-12-31T23:59:59)", "FlexibleTimeWindow": window});
    // Each has a delay of its own, which is nothing for one of 86,401 alone.
    for name in ["a", "b", "c"] {
        world.schedule(name, last.clone()).await.unwrap();
    }
    let longest = json!({"ScheduleExpression": "rate(100000000000000 days)",
        "StartDate": 253_402_300_799_i64});
    world.schedule("d", longest).await.unwrap();
    world.schedule("e", json!({})).await.unwrap();
}

#[tokio::test]
async fn the_role_must_let_the_service_work_with_it() {
    let world = World::with_role(json!("logs:*")).await;
    world
        .role_if(
            "closed",
            json!({"StringEquals": {"aws:SourceAccount": "999999999999"}}),
        )
        .await;
    for role in ["closed", "nobody"] {
        let arn = format!("arn:aws:iam::{ACCOUNT}:role/{role}");
        let refused = world
            .schedule("s", json!({"Target": {"RoleArn": arn}}))
            .await;
        let message = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.";
        assert_eq!(refused.unwrap_err().message, message);
    }
    // The trust policy of the good one names the default group.
    let group = json!({"Name": "g"});
    world.ok("CreateScheduleGroup", group).await;
    let refused = world
        .schedule("s", json!({"GroupName": "g"}))
        .await
        .unwrap_err();
    assert_eq!(refused.code, "ValidationException");
}

#[tokio::test]
async fn the_same_token_makes_one_schedule() {
    let world = World::with_role(json!("logs:*")).await;
    let token = json!({"ClientToken": "t-1", "ScheduleExpression": world.at(60)});
    let first = world.schedule("s", token.clone()).await.unwrap();
    assert_eq!(world.schedule("s", token.clone()).await.unwrap(), first);
    assert_eq!(
        first["ScheduleArn"],
        "arn:aws:scheduler:us-east-1:123456789012:schedule/default/s"
    );
    for other in [json!({"ClientToken": "t-2"}), json!({})] {
        let refused = world.schedule("s", other).await.unwrap_err();
        assert_eq!((refused.status, &*refused.code), (409, "ConflictException"));
    }
    world.seconds(60).await;
    assert_eq!(world.schedule("s", token).await.unwrap(), first);
    assert_eq!(world.ends("CreateLogGroup"), ["ok"]);
}

#[tokio::test]
async fn who_makes_a_schedule_must_be_allowed_to_pass_its_role() {
    let strict = World::enforcing(Service::Scheduler);
    strict
        .role_if(
            "driver",
            json!({"StringEquals": {"aws:SourceAccount": ACCOUNT}}),
        )
        .await;
    strict
        .of(Service::Iam)
        .ok("CreateUser", json!({"UserName": "diana"}))
        .await;
    let allow = |pass: bool| {
        let mut actions = vec!["scheduler:*"];
        actions.extend(pass.then_some("iam:PassRole"));
        let policy = allowing(json!(actions), json!("*"));
        json!({"UserName": "diana", "PolicyName": "p", "PolicyDocument": policy})
    };
    let diana = strict.by(user("diana"));
    for (pass, expected) in [(false, Some("AccessDeniedException")), (true, None)] {
        strict
            .of(Service::Iam)
            .ok("PutUserPolicy", allow(pass))
            .await;
        let made = diana.call("CreateSchedule", wish("s")).await;
        assert_eq!(
            made.err().map(|error| error.code.into_owned()),
            expected.map(str::to_owned)
        );
    }
}
