//! Rules are asked, started and deleted.

use super::*;

#[tokio::test]
async fn a_failed_invocation_is_made_three_times() {
    let world = World::new(&[GROUP]);
    world.add_rule(
        "EC2SecurityGroup",
        &json!({"ComplianceResourceTypes": [GROUP]}),
    );
    let start = world.sandbox.clock.now();
    world.enter(|call| observe(call, Change::Created, group(SG, &[80])));
    for minutes in [0, 1, 3] {
        let at = start + time::Duration::minutes(minutes);
        world
            .until("an attempt", |state| {
                state.rules["EC2SecurityGroup"].activity.invocation_failed == Some(at)
            })
            .await;
        world
            .sandbox
            .clock
            .advance(Duration::from_secs(if minutes == 0 { 60 } else { 120 }));
    }
    world.idle().await;
    assert_eq!(world.failures(), Some(start + time::Duration::minutes(3)));
    // One token for all three: it stands for the event, and they are the same event.
    let status = world
        .ok("DescribeConfigRuleEvaluationStatus", json!({}))
        .await;
    assert!(status["ConfigRulesEvaluationStatus"][0]["LastErrorCode"].is_string());
}

#[tokio::test]
async fn a_rule_hears_only_of_its_scope() {
    let world = World::new(&[GROUP]);
    world.add_rule("other", &json!({"TagKey": "lab", "TagValue": "no"}));
    world.enter(|call| observe(call, Change::Created, group(SG, &[80])));
    world.idle().await;
    assert_eq!(world.failures(), None);
}

#[tokio::test]
async fn a_rule_is_deleting_before_it_is_gone() {
    let world = World::new(&[GROUP]);
    world.add_rule("EC2SecurityGroup", &json!({}));
    let name = json!({"ConfigRuleName": "EC2SecurityGroup"});
    world.ok("DeleteConfigRule", name.clone()).await;
    assert_eq!(
        world.refused("DeleteConfigRule", name.clone()).await,
        "ResourceInUseException"
    );
    assert_eq!(
        world.refused("DeleteEvaluationResults", name.clone()).await,
        "ResourceInUseException"
    );
    let again = json!({"ConfigRuleNames": ["EC2SecurityGroup"]});
    assert_eq!(
        world
            .refused("StartConfigRulesEvaluation", again.clone())
            .await,
        "ResourceInUseException"
    );
    let put = json!({"ConfigRule": {"ConfigRuleName": "EC2SecurityGroup", "Source": {"Owner": "CUSTOM_LAMBDA",
        "SourceIdentifier": "arn:aws:lambda:us-east-1:123456789012:function:none",
        "SourceDetails": [{"EventSource": "aws.config", "MessageType": "ConfigurationItemChangeNotification"}]}}});
    assert_eq!(
        world.refused("PutConfigRule", put).await,
        "ResourceInUseException"
    );
    let rules = world.ok("DescribeConfigRules", again.clone()).await;
    assert_eq!(rules["ConfigRules"][0]["ConfigRuleState"], "DELETING");
    world.sandbox.clock.advance(Duration::from_secs(1));
    world.idle().await;
    assert_eq!(
        world.refused("DescribeConfigRules", again).await,
        "NoSuchConfigRuleException"
    );
    assert_eq!(
        world.refused("DeleteConfigRule", name).await,
        "NoSuchConfigRuleException"
    );
}

#[tokio::test]
async fn rules_are_started_once_a_minute_and_not_while_they_run() {
    let world = World::new(&[GROUP]);
    world.enter(|call| observe(call, Change::Created, group(SG, &[80])));
    world.idle().await;
    world.add_rule("EC2SecurityGroup", &json!({}));
    let names = json!({"ConfigRuleNames": ["EC2SecurityGroup"]});
    world.ok("StartConfigRulesEvaluation", names.clone()).await;
    // The engine has had no chance to run: this test has one thread and has not waited.
    assert_eq!(
        world
            .refused("StartConfigRulesEvaluation", names.clone())
            .await,
        "ResourceInUseException"
    );
    let rules = world.ok("DescribeConfigRules", json!({})).await;
    assert_eq!(rules["ConfigRules"][0]["ConfigRuleState"], "EVALUATING");
    world
        .until("the evaluation", |state| {
            state.rules["EC2SecurityGroup"].running == 0
        })
        .await;
    assert_eq!(
        world
            .refused("StartConfigRulesEvaluation", names.clone())
            .await,
        "LimitExceededException"
    );
    world.sandbox.clock.advance(Duration::from_secs(60));
    world.ok("StartConfigRulesEvaluation", names).await;
    let many: Vec<String> = (0..26).map(|n| n.to_string()).collect();
    let refused = world
        .refused(
            "StartConfigRulesEvaluation",
            json!({"ConfigRuleNames": many}),
        )
        .await;
    assert_eq!(refused, "ValidationException");
}
