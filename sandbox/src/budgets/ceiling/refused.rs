//! What is refused, dropped or made room for where there is no more.

use super::*;

#[tokio::test]
async fn state_over_the_budget_is_refused_by_each_service_and_deletion_makes_room() {
    let budgets = Budgets {
        state_bytes: Bytes(128 * KIB),
        ..Budgets::default()
    };
    let world = world(Service::Ssm, budgets);
    let put = |number: u32| json!({"Name": format!("p{number}"), "Type": "String", "Value": "x".repeat(4_000)});
    let mut made = 0;
    let error = loop {
        match world.call("PutParameter", put(made)).await {
            Ok(_) => made += 1,
            Err(error) => break error,
        }
        assert!(made < 100, "nothing is refused");
    };
    assert_eq!(error.code, "ParameterLimitExceeded");
    assert!(error.message.contains("--state-bytes is 128KiB"), "{error}");
    assert!((20..32).contains(&made), "{made}");
    assert!(held(&world, Kind::State) <= 128 * KIB);
    let policy = json!({"RoleName": "r", "AssumeRolePolicyDocument": "x".repeat(9_000)});
    full(
        &world.of(Service::Iam),
        "CreateRole",
        policy,
        "LimitExceeded",
        "--state-bytes",
    )
    .await;
    // Looking is never refused, and neither is taking away.
    world.ok("GetParameter", json!({"Name": "p0"})).await;
    for number in 0..10 {
        world
            .ok("DeleteParameter", json!({"Name": format!("p{number}")}))
            .await;
    }
    world.ok("PutParameter", put(made)).await;
}

#[tokio::test]
async fn deleted_stacks_are_forgotten_before_a_new_one_is_refused() {
    let budgets = Budgets {
        state_bytes: Bytes(96 * KIB),
        ..Budgets::default()
    };
    let world = world(Service::CloudFormation, budgets);
    let template = json!({"Resources": {"T": {"Type": "AWS::SNS::Topic"}}});
    for number in 0..100 {
        let input = json!({"StackName": "s", "TemplateBody": template.to_string(),
            "Tags": [{"Key": "n", "Value": format!("{number}{}", "x".repeat(200))}]});
        world.ok("CreateStack", input).await;
        world.idle().await;
        world.ok("DeleteStack", json!({"StackName": "s"})).await;
        world.idle().await;
    }
    assert!(forgotten(&world, Kind::State) > 50);
    let kept = world.ok("ListStacks", json!({})).await;
    assert!(!kept["StackSummaries"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn accounts_over_the_limit_are_refused_and_looking_at_them_makes_none() {
    let budgets = Budgets {
        max_accounts: 2,
        ..Budgets::default()
    };
    let world = world(Service::Logs, budgets);
    for account in [ACCOUNT, "210987654321"] {
        world
            .in_account(account)
            .ok("CreateLogGroup", json!({"logGroupName": "g"}))
            .await;
    }
    for number in 0..1_000 {
        let world = world.in_account(&format!("3333{number:08}"));
        full(
            &world,
            "CreateLogGroup",
            json!({"logGroupName": "g"}),
            "LimitExceededException",
            "--max-accounts",
        )
        .await;
        // As the pages of `/_sandbox/` look.
        world.enter(|call| assert_eq!(call.here().logs.held(), 0));
    }
    assert_eq!(world.sandbox.count_accounts(), 2);
    world
        .ok("DeleteLogGroup", json!({"logGroupName": "g"}))
        .await;
}

#[tokio::test]
async fn total_of_all_accounts_is_a_ceiling_too() {
    let budgets = Budgets {
        total_bytes: Bytes(64 * KIB),
        ..Budgets::default()
    };
    let world = world(Service::Logs, budgets);
    let now = epoch_millis(world.sandbox.clock.now());
    for account in ["111111111111", "222222222222"] {
        let world = world.in_account(account);
        world
            .ok("CreateLogGroup", json!({"logGroupName": "g"}))
            .await;
        world
            .ok(
                "CreateLogStream",
                json!({"logGroupName": "g", "logStreamName": "s"}),
            )
            .await;
    }
    let put = async |account: &str| {
        let input = json!({"logGroupName": "g", "logStreamName": "s",
            "logEvents": [{"timestamp": now, "message": "x".repeat(1_000)}]});
        world.in_account(account).ok("PutLogEvents", input).await;
    };
    put("222222222222").await;
    for _ in 0..200 {
        put("111111111111").await;
    }
    let total = world.sandbox.ledger.held().total();
    // The last event that fitted began below the ceiling.
    assert!((60 * KIB..66 * KIB).contains(&total), "{total}");
    let quiet = world.in_account("222222222222");
    let kept = quiet
        .ok("FilterLogEvents", json!({"logGroupName": "g"}))
        .await;
    assert_eq!(
        kept["events"].as_array().unwrap().len(),
        1,
        "the quiet account lost nothing"
    );
    // More than the sixteenth that the loud account freed last.
    let role = json!({"RoleName": "r", "AssumeRolePolicyDocument": "x".repeat(9_000)});
    let iam = quiet.of(Service::Iam);
    full(&iam, "CreateRole", role, "LimitExceeded", "--total-bytes").await;
}

/// Two rules hear of each call of their function, so that each call makes two more.
#[tokio::test]
async fn events_over_the_budget_are_dropped_and_counted() {
    let budgets = Budgets {
        max_tasks: 50,
        ..Budgets::default()
    };
    let world = world(Service::Events, budgets);
    // Only what may be delivered is queued.
    let lambda = world.of(Service::Lambda);
    lambda
        .role("r", json!({"Service": "lambda.amazonaws.com"}))
        .await;
    let create = json!({"FunctionName": "f", "Runtime": "provided.al2023", "Handler": "h",
        "Role": format!("arn:aws:iam::{ACCOUNT}:role/r"), "Code": code(1)});
    lambda.ok("CreateFunction", create).await;
    let permission = json!({"FunctionName": "f", "StatementId": "s",
        "Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com"});
    lambda.ok("AddPermission", permission).await;
    let function = format!("arn:aws:lambda:us-east-1:{ACCOUNT}:function:f");
    for rule in ["a", "b"] {
        let input = json!({"Name": rule, "EventPattern": r#"{"source":["aws.sns"]}"#});
        world.ok("PutRule", input).await;
        let targets = json!({"Rule": rule, "Targets": [{"Id": "1", "Arn": function}]});
        world.ok("PutTargets", targets).await;
    }
    // Nothing is run before this test lets others work, so all of it waits.
    let sns = world.of(Service::Sns);
    world.enter(|call| {
        for number in 0..200 {
            let operation = Operation::new("CreateTopic", json!({"Name": format!("t{number}")}));
            Service::Sns.dispatch(call, &operation).unwrap();
        }
    });
    for number in 0..200 {
        sns.ok("CreateTopic", json!({"Name": format!("u{number}")}))
            .await;
    }
    assert!(world.sandbox.ledger.dropped_events() > 0);
    assert!(world.sandbox.engine.tasks() <= 51);
    lambda
        .ok("DeleteFunction", json!({"FunctionName": "f"}))
        .await;
    world.calm().await;
    assert_eq!(
        world.sandbox.queued.bytes(),
        0,
        "what was delivered or given up counts no more"
    );
}
