//! What schedules do, and when.

use super::*;

#[tokio::test]
async fn a_schedule_that_runs_once_runs_once_and_goes() {
    let world = World::with_role(json!("logs:CreateLogGroup")).await;
    let once = json!({"ScheduleExpression": world.at(3600), "ActionAfterCompletion": "DELETE"});
    world.schedule("once", once).await.unwrap();
    world.seconds(3598).await;
    assert_eq!(world.ends("CreateLogGroup"), [""; 0]);
    world.get("once").await.unwrap();
    world.seconds(2).await;
    assert_eq!(world.ends("CreateLogGroup"), ["ok"]);
    assert_eq!(
        world.get("once").await.unwrap_err().code,
        "ResourceNotFoundException"
    );
    // Without that wish it stays, and does nothing more.
    let once = json!({"ScheduleExpression": world.at(60)});
    world.schedule("stays", once).await.unwrap();
    world.seconds(60).await;
    world.seconds(86_400).await;
    world.get("stays").await.unwrap();
    let ends = world.ends("CreateLogGroup");
    assert!(
        ends.len() > 1
            && ends[1..]
                .iter()
                .all(|end| end == "ResourceAlreadyExistsException")
    );
}

#[tokio::test]
async fn a_rate_runs_from_its_start_to_its_end() {
    let world = World::with_role(json!("logs:*")).await;
    let change = json!({"StartDate": world.epoch(600), "EndDate": world.epoch(1300),
        "ActionAfterCompletion": "DELETE", "Target": {"RetryPolicy": {"MaximumRetryAttempts": 0}}});
    world.schedule("often", change).await.unwrap();
    world.seconds(599).await;
    assert_eq!(world.ends("CreateLogGroup").len(), 0);
    for expected in [1, 1, 2, 2, 3, 3, 3] {
        world.seconds(150).await;
        assert_eq!(world.ends("CreateLogGroup").len(), expected);
    }
    assert!(world.get("often").await.is_err());
    // A schedule that waits for its time is no work under way.
    assert!(world.sandbox.engine.is_idle());
}

#[tokio::test]
async fn a_rate_without_a_start_begins_at_once() {
    let world = World::with_role(json!("logs:*")).await;
    world.schedule("often", json!({})).await.unwrap();
    world.seconds(0).await;
    assert_eq!(world.ends("CreateLogGroup"), ["ok"]);
    // Neither a disabled schedule nor a deleted one runs.
    let mut off = wish("often");
    merge(&mut off, json!({"State": "DISABLED"}));
    world.ok("UpdateSchedule", off).await;
    world.seconds(300).await;
    let on = json!({"ScheduleExpression": "rate(1 hour)", "StartDate": world.epoch(60)});
    let mut input = wish("often");
    merge(&mut input, on);
    world.ok("UpdateSchedule", input).await;
    world.seconds(60).await;
    assert_eq!(world.ends("CreateLogGroup").len(), 2);
    let name = json!({"Name": "often"});
    world.ok("DeleteSchedule", name).await;
    world.seconds(3600).await;
    assert_eq!(world.ends("CreateLogGroup").len(), 2);
}

#[tokio::test]
async fn the_roles_policies_decide_and_a_failure_is_tried_again() {
    let world = World::with_role(json!("logs:DescribeLogGroups")).await;
    let change = json!({"ScheduleExpression": world.at(60), "ActionAfterCompletion": "DELETE",
        "Target": {"RetryPolicy": {"MaximumRetryAttempts": 3}}});
    world.schedule("denied", change).await.unwrap();
    world.seconds(60).await;
    assert_eq!(world.ends("CreateLogGroup"), ["AccessDeniedException"]);
    // After one second, then two more: the wait doubles.
    world.seconds(1).await;
    world.seconds(1).await;
    assert_eq!(world.ends("CreateLogGroup").len(), 2);
    world.allow_driver(json!("logs:CreateLogGroup")).await;
    world.seconds(1).await;
    assert_eq!(world.ends("CreateLogGroup")[2], "ok");
    assert!(world.get("denied").await.is_err());
    let calls = world.sandbox.journal.list(&Query::default()).calls;
    let made = calls
        .iter()
        .find(|call| call.operation == "CreateLogGroup")
        .unwrap();
    assert!(
        made.principal
            .starts_with("arn:aws:sts::123456789012:assumed-role/driver/")
    );
}

#[tokio::test]
async fn it_gives_up_after_so_many_attempts_or_so_long() {
    for (policy, attempts) in [
        (json!({"MaximumRetryAttempts": 0}), 1),
        (json!({"MaximumRetryAttempts": 2}), 3),
        // After 1, 3, 7, 15 and 31 seconds, but not after 63.
        (json!({"MaximumEventAgeInSeconds": 60}), 6),
    ] {
        let world = World::with_role(json!("logs:DescribeLogGroups")).await;
        let change = json!({"ScheduleExpression": world.at(60), "ActionAfterCompletion": "DELETE",
            "Target": {"RetryPolicy": policy}});
        world.schedule("denied", change).await.unwrap();
        for _ in 0..200 {
            world.seconds(1).await;
        }
        assert_eq!(world.ends("CreateLogGroup").len(), attempts, "{policy}");
        assert!(world.get("denied").await.is_err());
    }
}

#[tokio::test]
async fn a_role_that_no_longer_trusts_the_service_is_not_worked_with() {
    let world = World::with_role(json!("logs:*")).await;
    let change = json!({"ScheduleExpression": world.at(60)});
    world.schedule("once", change).await.unwrap();
    let closed = trust(json!({"Service": "lambda.amazonaws.com"}));
    let input = json!({"RoleName": "driver", "PolicyDocument": closed});
    world
        .of(Service::Iam)
        .ok("UpdateAssumeRolePolicy", input)
        .await;
    world.seconds(60).await;
    assert_eq!(world.ends("CreateLogGroup").len(), 0);
}

#[tokio::test]
async fn faults_strike_the_calls_of_schedules() {
    let world = World::with_role(json!("logs:*")).await;
    let fault = json!([{"service": "logs", "operation": "CreateLogGroup", "caller": "role",
        "count": 1, "fault": "throttling"}]);
    let fault = serde_json::from_value(fault).unwrap();
    world
        .sandbox
        .faults
        .add(world.sandbox.clock.now(), fault)
        .unwrap();
    let change = json!({"ScheduleExpression": world.at(60)});
    world.schedule("once", change).await.unwrap();
    world.seconds(60).await;
    world.seconds(1).await;
    assert_eq!(world.ends("CreateLogGroup"), ["ThrottlingException", "ok"]);
}

#[tokio::test]
async fn the_input_may_name_the_run() {
    let world = World::with_role(json!("logs:*")).await;
    let at = world.at(60);
    let input = json!({"LogGroupName": "/<aws.scheduler.attempt-number>/of",
        "Tags": {"when": "<aws.scheduler.scheduled-time>"}});
    let change = json!({"ScheduleExpression": at, "Target": {"Input": input.to_string()}});
    world.schedule("once", change).await.unwrap();
    world.seconds(60).await;
    let groups = world
        .of(Service::Logs)
        .ok("DescribeLogGroups", json!({}))
        .await;
    assert_eq!(groups["logGroups"][0]["logGroupName"], "/1/of");
    let arn = "arn:aws:logs:us-east-1:123456789012:log-group:/1/of";
    let tags = json!({"resourceArn": arn});
    let tags = world
        .of(Service::Logs)
        .ok("ListTagsForResource", tags)
        .await;
    let when = tags["tags"]["WHEN"]
        .as_str()
        .or(tags["tags"]["when"].as_str());
    assert_eq!(
        when.map(|when| format!("at({})", when.trim_end_matches('Z'))),
        Some(at)
    );
}
