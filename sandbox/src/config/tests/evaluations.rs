//! What functions report.

use super::*;

#[tokio::test]
async fn evaluations_need_a_token_that_was_issued() {
    let world = World::new(&[GROUP]);
    world.add_rule("EC2SecurityGroup", &json!({}));
    let now = world.sandbox.clock.now();
    let put =
        |token: &str, evaluations: Value| json!({"ResultToken": token, "Evaluations": evaluations});
    let one = evaluation("COMPLIANT", now);
    let check = async |input: Value, code: &str| {
        assert_eq!(world.refused("PutEvaluations", input).await, code);
    };
    check(put("made up", json!([one])), "InvalidResultTokenException").await;
    let token = world.token();
    let mut bad = one.clone();
    bad["ComplianceType"] = json!("INSUFFICIENT_DATA");
    check(put(&token, json!([bad])), "InvalidParameterValueException").await;
    bad["ComplianceType"] = json!("FINE");
    check(put(&token, json!([bad])), "ValidationException").await;
    let mut long = one.clone();
    long["Annotation"] = json!("ä".repeat(257));
    check(put(&token, json!([long])), "ValidationException").await;
    long["Annotation"] = json!("");
    check(put(&token, json!([long])), "ValidationException").await;
    check(
        put(&token, json!(vec![one.clone(); 101])),
        "ValidationException",
    )
    .await;
    check(
        json!({"TestMode": true, "Evaluations": []}),
        "ValidationException",
    )
    .await;

    world
        .ok(
            "PutEvaluations",
            json!({"ResultToken": "x", "TestMode": true, "Evaluations": [one]}),
        )
        .await;
    assert!(world.state(|state| state.rules["EC2SecurityGroup"].results.is_empty()));
    let answer = world
        .ok("PutEvaluations", put(&token, json!(vec![one.clone(); 100])))
        .await;
    assert_eq!(answer, json!({"FailedEvaluations": []}));
    world
        .ok(
            "DeleteConfigRule",
            json!({"ConfigRuleName": "EC2SecurityGroup"}),
        )
        .await;
    check(put(&token, json!([one])), "NoSuchConfigRuleException").await;
}

#[tokio::test]
async fn newer_evaluations_win_and_deleted_resources_leave_none() {
    let world = World::new(&[GROUP, crate::config::recording_group::RESOURCE_COMPLIANCE]);
    world.add_rule("EC2SecurityGroup", &json!({}));
    let (now, token) = (world.sandbox.clock.now(), world.token());
    let report = async |compliance: &str, at: Timestamp| {
        let input = json!({"ResultToken": token, "Evaluations": [evaluation(compliance, at)]});
        world.ok("PutEvaluations", input).await;
        let input = json!({"ConfigRuleName": "EC2SecurityGroup"});
        let details = world.ok("GetComplianceDetailsByConfigRule", input).await;
        details["EvaluationResults"][0]["ComplianceType"]
            .as_str()
            .map(str::to_owned)
    };
    let later = now + time::Duration::seconds(1);
    assert_eq!(
        report("NON_COMPLIANT", later).await.as_deref(),
        Some("NON_COMPLIANT")
    );
    assert_eq!(
        report("COMPLIANT", now).await.as_deref(),
        Some("NON_COMPLIANT"),
        "older"
    );
    assert_eq!(
        report("COMPLIANT", later).await.as_deref(),
        Some("COMPLIANT"),
        "the same moment, said later"
    );
    let standing = world.ok("DescribeComplianceByConfigRule", json!({})).await;
    assert_eq!(
        standing["ComplianceByConfigRules"][0]["Compliance"]["ComplianceType"],
        "COMPLIANT"
    );

    world.enter(|call| observe(call, Change::Deleted, group(SG, &[])));
    world
        .until("the deletion", |state| {
            state.history.has_left(&ResourceKey::new(GROUP, SG))
        })
        .await;
    assert_eq!(
        report("NOT_APPLICABLE", later + time::Duration::seconds(1)).await,
        None
    );
    let standing = world.ok("DescribeComplianceByConfigRule", json!({})).await;
    assert_eq!(
        standing["ComplianceByConfigRules"][0]["Compliance"]["ComplianceType"],
        "INSUFFICIENT_DATA"
    );

    // Compliance is recorded too, so its history is kept: bad, good, gone.
    let history = world
        .ok("GetResourceConfigHistory", json!({
            "resourceType": "AWS::Config::ResourceCompliance", "resourceId": format!("{GROUP}/{SG}"),
            "chronologicalOrder": "Forward"})).await;
    let seen: Vec<&str> = history["configurationItems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["configurationItemStatus"].as_str().unwrap())
        .collect();
    assert_eq!(seen, ["ResourceDiscovered", "OK", "ResourceDeleted"]);
    let first = history["configurationItems"][0]["configuration"]
        .as_str()
        .unwrap();
    assert!(
        first.contains(r#""complianceType":"NON_COMPLIANT""#),
        "{first}"
    );
}
