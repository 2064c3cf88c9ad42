//! Rules that are asked by the clock, and when changes are recorded.

use super::deployed::{FUNCTION, code};
use super::*;

const HOUR: Duration = Duration::from_secs(3600);

fn source(details: &Value) -> Value {
    json!({"Source": {"Owner": "CUSTOM_LAMBDA", "SourceIdentifier": FUNCTION, "SourceDetails": [details]}})
}

#[tokio::test]
async fn a_scheduled_rule_is_asked_by_the_clock_about_no_item() {
    let world = World::listening().await;
    world.topic().await;
    let by_clock = source(
        &json!({"EventSource": "aws.config", "MessageType": "ScheduledNotification",
        "MaximumExecutionFrequency": "One_Hour"}),
    );
    world.rule(&by_clock).await.unwrap();
    let rules = world.ok("DescribeConfigRules", json!({})).await;
    let detail = &rules["ConfigRules"][0]["Source"]["SourceDetails"][0];
    assert_eq!(detail["MaximumExecutionFrequency"], "One_Hour");
    // It begins by itself.
    let events = world.events().await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["eventLeftScope"], false);
    let now = crate::clock::iso8601(world.sandbox.clock.now());
    assert_eq!(
        events[0]["invokingEvent"],
        json!({"awsAccountId": "123456789012", "messageType": "ScheduledNotification",
            "notificationCreationTime": now, "recordVersion": "1.0"})
    );
    // Changes do not concern it.
    world.enter(|call| observe(call, Change::Created, group(SG, &[80])));
    world.sandbox.clock.advance(HOUR - Duration::from_millis(1));
    assert_eq!(world.events().await.len(), 1);
    world.sandbox.clock.advance(Duration::from_millis(1));
    assert_eq!(world.events().await.len(), 2);
    let names = json!({"ConfigRuleNames": ["EC2SecurityGroup"]});
    world.ok("StartConfigRulesEvaluation", names).await;
    assert_eq!(world.events().await.len(), 3);
    let told = world.messages("ConfigRulesEvaluationStarted").await;
    assert_eq!(told.len(), 3);
    assert_eq!(told[0].1["configRuleNames"], json!(["EC2SecurityGroup"]));
    assert_eq!(
        told[0].0,
        "[AWS Config:us-east-1] Config Rules Evaluation Started for Account 123456789012"
    );
    // Its answers count like all others.
    let token = &world.events().await[2]["resultToken"];
    let evaluation = evaluation("COMPLIANT", world.sandbox.clock.now());
    let input = json!({"ResultToken": token, "Evaluations": [evaluation]});
    world.ok("PutEvaluations", input).await;
    // It goes on without a recorder, until it is changed or deleted.
    world
        .ok(
            "StopConfigurationRecorder",
            json!({"ConfigurationRecorderName": "default"}),
        )
        .await;
    world.sandbox.clock.advance(HOUR);
    assert_eq!(world.events().await.len(), 4);
    let daily =
        source(&json!({"EventSource": "aws.config", "MessageType": "ScheduledNotification"}));
    world.rule(&daily).await.unwrap();
    assert_eq!(world.events().await.len(), 5);
    world.sandbox.clock.advance(HOUR * 23);
    assert_eq!(world.events().await.len(), 5);
    world.sandbox.clock.advance(HOUR);
    assert_eq!(world.events().await.len(), 6);
    world
        .ok(
            "DeleteConfigRule",
            json!({"ConfigRuleName": "EC2SecurityGroup"}),
        )
        .await;
    world.sandbox.clock.advance(HOUR * 24);
    assert_eq!(world.events().await.len(), 6);
}

#[tokio::test]
async fn a_step_over_several_turns_makes_all_of_them_at_their_times() {
    let world = World::listening().await;
    let by_clock = source(
        &json!({"MessageType": "ScheduledNotification", "MaximumExecutionFrequency": "One_Hour"}),
    );
    world.rule(&by_clock).await.unwrap();
    let start = world.sandbox.clock.now();
    world.idle().await;
    world.sandbox.clock.advance(HOUR * 3);
    let events = world.events().await;
    let times: Vec<&Value> = events
        .iter()
        .map(|event| &event["invokingEvent"]["notificationCreationTime"])
        .collect();
    let expected: Vec<Value> = (0..=3)
        .map(|turn| json!(crate::clock::iso8601(start + HOUR * turn)))
        .collect();
    assert_eq!(times, expected.iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_rule_can_follow_the_snapshots() {
    let world = World::listening().await;
    let mut rule = source(
        &json!({"EventSource": "aws.config", "MessageType": "ConfigurationSnapshotDeliveryCompleted"}),
    );
    rule["MaximumExecutionFrequency"] = json!("Three_Hours");
    world.rule(&rule).await.unwrap();
    let names = json!({"ConfigRuleNames": ["EC2SecurityGroup"]});
    assert_eq!(
        world.refused("StartConfigRulesEvaluation", names).await,
        "NotImplemented"
    );
    world
        .channel(&json!({"configSnapshotDeliveryProperties": {"deliveryFrequency": "One_Hour"}}))
        .await
        .unwrap();
    for (hour, expected) in [(1, 1), (2, 1), (3, 1), (4, 2)] {
        world.sandbox.clock.advance(HOUR);
        let events = world.events().await;
        assert_eq!(events.len(), expected, "after {hour} hours");
        let event = &events[0]["invokingEvent"];
        assert_eq!(
            event["messageType"],
            "ConfigurationSnapshotDeliveryCompleted"
        );
        assert!(
            event["s3ObjectKey"]
                .as_str()
                .unwrap()
                .contains("/ConfigSnapshot/")
        );
    }
}

#[tokio::test]
async fn frequencies_belong_to_what_has_them() {
    let world = World::deployed().await;
    for (detail, expected) in [
        (
            json!({"MessageType": "ScheduledNotification", "MaximumExecutionFrequency": "Hourly"}),
            "ValidationException",
        ),
        (
            json!({"MessageType": "ConfigurationItemChangeNotification", "MaximumExecutionFrequency": "One_Hour"}),
            "InvalidParameterValueException",
        ),
        (
            json!({"MessageType": "Whenever"}),
            "InvalidParameterValueException",
        ),
    ] {
        assert_eq!(
            code(world.rule(&source(&detail)).await),
            expected,
            "{detail}"
        );
    }
}

#[tokio::test]
async fn a_changing_latency_changes_no_order() {
    let uniform = Latency::Uniform(Duration::from_secs(5), Duration::from_secs(60));
    let world = World::with(
        &[GROUP],
        Settings {
            config_latency: uniform,
            ..Settings::default()
        },
    );
    let ports: Vec<u16> = (1..=100).collect();
    for port in &ports {
        if *port == 50 {
            world.sandbox.set_config_latency(Latency::default());
        }
        world.enter(|call| observe(call, Change::Modified, group(SG, &[*port])));
        world.sandbox.clock.advance(Duration::from_millis(10));
    }
    world
        .until("the first items", |state| !state.promised.is_empty())
        .await;
    assert!(world.statuses().is_empty());
    world.sandbox.clock.advance(Duration::from_secs(60));
    world.idle().await;
    let recorded: Vec<Value> = world.state(|state| {
        assert!(state.promised.is_empty());
        let items = state.history.of(&ResourceKey::new(GROUP, SG));
        items
            .iter()
            .map(|item| item.configuration["ipPermissions"][0].clone())
            .collect()
    });
    assert_eq!(json!(recorded), json!(ports));
}

#[tokio::test]
async fn daily_recording_keeps_only_how_the_day_ends() {
    let world = World::deployed().await;
    let input = json!({"ConfigurationRecorder": {"name": "default", "roleARN": super::deployed::ROLE,
        "recordingGroup": {"resourceTypes": [GROUP]}, "recordingMode": {"recordingFrequency": "DAILY"}}});
    world.ok("PutConfigurationRecorder", input).await;
    let recorders = world.ok("DescribeConfigurationRecorders", json!({})).await;
    assert_eq!(
        recorders["ConfigurationRecorders"][0]["recordingMode"]["recordingFrequency"],
        "DAILY"
    );
    world.start_recorder().await;
    let day = async || {
        world.idle().await;
        world.sandbox.clock.advance(HOUR * 24);
        world.idle().await;
    };
    let change =
        |change: Change, ports: &[u16]| world.enter(|call| observe(call, change, group(SG, ports)));
    change(Change::Created, &[80]);
    change(Change::Modified, &[80, 465]);
    world.idle().await;
    assert!(world.statuses().is_empty());
    day().await;
    assert_eq!(world.statuses(), ["ResourceDiscovered"]);
    world.state(|state| {
        let item = state.history.latest(&ResourceKey::new(GROUP, SG)).unwrap();
        assert_eq!(item.configuration["ipPermissions"], json!([80, 465]));
    });
    // A day that ends as it began leaves nothing, and so does a resource that did not live to its end.
    change(Change::Modified, &[22]);
    change(Change::Modified, &[80, 465]);
    world.enter(|call| {
        observe(call, Change::Created, group("sg-short", &[]));
        observe(call, Change::Deleted, group("sg-short", &[]));
    });
    day().await;
    assert_eq!(world.statuses().len(), 1);
    assert!(world.state(|state| {
        state
            .history
            .of(&ResourceKey::new(GROUP, "sg-short"))
            .is_empty()
    }));
    change(Change::Deleted, &[80, 465]);
    day().await;
    assert_eq!(world.statuses(), ["ResourceDiscovered", "ResourceDeleted"]);
}

#[tokio::test]
async fn the_latency_changes_at_run_time() {
    let world = World::new(&[GROUP]);
    let set = async |value: &str| {
        let request = crate::protocol::HttpRequest {
            method: http::Method::POST,
            path: "/_sandbox/config-latency".to_owned(),
            query: format!("value={value}"),
            headers: http::HeaderMap::new(),
            body: bytes::Bytes::new(),
        };
        crate::admin::answer(&world.sandbox, "config-latency", &request)
            .await
            .status()
    };
    assert_eq!(set("90s").await, 200);
    world.enter(|call| observe(call, Change::Created, group(SG, &[80])));
    assert_eq!(set("soon").await, 400);
    world.sandbox.clock.advance(Duration::from_secs(89));
    tokio::task::yield_now().await;
    assert!(world.statuses().is_empty());
    world.sandbox.clock.advance(Duration::from_secs(1));
    world.idle().await;
    assert_eq!(world.statuses().len(), 1);
    assert_eq!(set("like-aws").await, 200);
    assert_eq!(world.sandbox.config_latency(), Latency::LikeAws);
}

#[tokio::test]
async fn ten_thousand_changes_are_ten_thousand_items_in_order_however_long_each_takes() {
    let settings = Settings {
        config_latency: Latency::LikeAws,
        ..Settings::default()
    };
    let world = World::with(&[GROUP], settings);
    for number in 0..10_000_u16 {
        world.enter(|call| observe(call, Change::Modified, group(SG, &[number])));
    }
    world.sandbox.clock.advance(Duration::from_secs(900));
    world.idle().await;
    let recorded: Vec<Value> = world.state(|state| {
        let items = state.history.of(&ResourceKey::new(GROUP, SG));
        items
            .iter()
            .map(|item| item.configuration["ipPermissions"][0].clone())
            .collect()
    });
    assert_eq!(json!(recorded), json!((0..10_000).collect::<Vec<_>>()));
}
