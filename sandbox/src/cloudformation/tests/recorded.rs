//! What others recorded on AWS: LocalStack's tests (8b9a79f0) and those of moto that are marked as verified on AWS (0af643a5).

use super::*;

fn topics(properties: &Value) -> String {
    json!({"Resources": {"T": {"Type": "AWS::SNS::Topic", "Properties": properties}}}).to_string()
}

async fn set_for(
    world: &World,
    stack: &str,
    kind: &str,
    template: String,
) -> Result<Value, ApiError> {
    let input = json!({"StackName": stack, "ChangeSetName": "same", "ChangeSetType": kind, "TemplateBody": template});
    let made = world.call("CreateChangeSet", input).await?;
    world.idle().await;
    Ok(made)
}

/// LocalStack: 67 tests use the name again; the list is from 2025-09, the description by ARN from 2023-11.
#[tokio::test]
async fn change_set_that_was_executed_is_gone_but_by_its_arn() {
    let world = World::new();
    let made = set_for(&world, "s", "CREATE", topics(&json!({"DisplayName": "a"})))
        .await
        .unwrap();
    let by_arn = json!({"ChangeSetName": made["Id"]});
    world.ok("ExecuteChangeSet", by_arn.clone()).await;
    world.idle().await;
    let listed = world.ok("ListChangeSets", json!({"StackName": "s"})).await;
    assert_eq!(listed["Summaries"], json!([]));
    let by_name = json!({"StackName": "s", "ChangeSetName": "same"});
    let missing = world.refusal("DescribeChangeSet", by_name).await;
    assert_eq!(missing.code, "ChangeSetNotFound");
    let stack = world.stack("s").await;
    assert_eq!(stack["ChangeSetId"], made["Id"]);
    assert!(stack["LastUpdatedTime"].is_string(), "{stack}");

    let again = set_for(&world, "s", "UPDATE", topics(&json!({"DisplayName": "b"})))
        .await
        .unwrap();
    world
        .ok("ExecuteChangeSet", json!({"ChangeSetName": again["Id"]}))
        .await;
    world.idle().await;
    world.delete("s").await;
    for id in [&made["Id"], &again["Id"]] {
        let known = world
            .ok("DescribeChangeSet", json!({"ChangeSetName": id}))
            .await;
        assert_eq!(known["ExecutionStatus"], "EXECUTE_COMPLETE");
    }
}

/// LocalStack, moto: a client that reads `stack["Outputs"]` fails on AWS where there are none.
#[tokio::test]
async fn stack_without_outputs_parameters_and_capabilities_has_no_such_members() {
    let world = World::new();
    let input = json!({"StackName": "s", "TemplateBody": topics(&json!({}))});
    world.ok("CreateStack", input).await;
    world.idle().await;
    let stack = world.stack("s").await;
    for member in [
        "Outputs",
        "Parameters",
        "Capabilities",
        "ChangeSetId",
        "DeletionTime",
    ] {
        assert!(stack[member].is_null(), "{member}: {stack}");
    }
}

/// LocalStack: a stack that was rolled back has the time at which that began.
#[tokio::test]
async fn stack_that_was_rolled_back_has_a_time_of_deletion() {
    let world = World::new();
    let template = json!({"Resources": {"A": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "not a name"}}}});
    assert_eq!(
        world.create("s", &template.to_string()).await,
        "ROLLBACK_COMPLETE"
    );
    assert!(world.stack("s").await["DeletionTime"].is_string());
}

/// LocalStack: the same stack, and the change set that waited can no more be executed.
#[tokio::test]
async fn stack_in_review_may_be_made_by_create_stack() {
    let world = World::new();
    let set = set_for(&world, "s", "CREATE", topics(&json!({})))
        .await
        .unwrap();
    let bad = json!({"StackName": "s", "TemplateBody": topics(&json!({})), "OnFailure": "EXPLODE"});
    world.refusal("CreateStack", bad).await;
    assert_eq!(
        world.status("s").await,
        "REVIEW_IN_PROGRESS",
        "nothing is lost"
    );
    let input = json!({"StackName": "s", "TemplateBody": topics(&json!({}))});
    let made = world.ok("CreateStack", input).await;
    assert_eq!(made["StackId"], set["StackId"]);
    world.idle().await;
    assert_eq!(world.status("s").await, "CREATE_COMPLETE");
    let known = world
        .ok("DescribeChangeSet", json!({"ChangeSetName": set["Id"]}))
        .await;
    assert_eq!(known["ExecutionStatus"], "OBSOLETE");
}

/// moto (verified), LocalStack (2023-06, eight tests).
#[tokio::test]
async fn template_whose_conditions_leave_no_resource_makes_a_stack() {
    let world = World::new();
    let mut template = json!({
        "Conditions": {"Never": {"Fn::Equals": ["a", "b"]}},
        "Resources": {"A": {"Type": "AWS::SNS::Topic", "Condition": "Never"}},
    });
    assert_eq!(
        world.create("s", &template.to_string()).await,
        "CREATE_COMPLETE"
    );
    assert_eq!(world.leftovers().await, [""; 0]);
    assert_eq!(world.delete("s").await, "DELETE_COMPLETE");
    template["Outputs"] = json!({"O": {"Value": {"Ref": "A"}}});
    let input = json!({"StackName": "t", "TemplateBody": template.to_string()});
    let refused = world.refusal("CreateStack", input).await;
    assert!(
        refused
            .message
            .ends_with("Unresolved resource dependencies [A] in the Outputs block of the template"),
        "{}",
        refused.message
    );
    template["Outputs"]["O"]["Condition"] = "Never".into();
    assert_eq!(
        world.create("t", &template.to_string()).await,
        "CREATE_COMPLETE"
    );
}

/// LocalStack (2023-06) of change sets; of stacks by inference.
#[tokio::test]
async fn key_that_a_mapping_lacks_is_told_before_anything_is_made() {
    let world = World::new();
    let template = |key: &str| {
        json!({
            "Mappings": {"M": {"A": {"S": "a", "L": ["b", "c"]}}},
            "Conditions": {"Never": {"Fn::Equals": ["a", "b"]}},
            "Resources": {"T": {"Type": "AWS::SNS::Topic", "Properties": {
                "DisplayName": {"Fn::If": ["Never", {"Fn::FindInMap": ["M", "Z", "S"]}, {"Fn::FindInMap": ["M", key, "S"]}]},
            }}},
        })
        .to_string()
    };
    for operation in ["CreateStack", "CreateChangeSet"] {
        let input = json!({"StackName": "s", "ChangeSetName": "c", "ChangeSetType": "CREATE", "TemplateBody": template("C")});
        let refused = world.refusal(operation, input).await;
        assert_eq!(
            refused.message,
            "Template error: Unable to get mapping for M::C::S"
        );
    }
    world
        .refusal("DescribeStacks", json!({"StackName": "s"}))
        .await;
    assert_eq!(world.create("s", &template("A")).await, "CREATE_COMPLETE");
}

#[tokio::test]
async fn attribute_of_a_mapping_is_a_text_or_a_list() {
    let world = World::new();
    for value in [
        json!({"T": "a"}),
        json!({"Ref": "AWS::Region"}),
        json!([{"a": "b"}]),
    ] {
        let template = json!({
            "Mappings": {"M": {"A": {"S": value}}},
            "Resources": {"T": {"Type": "AWS::SNS::Topic"}},
        });
        let input = json!({"StackName": "s", "TemplateBody": template.to_string()});
        let refused = world.refusal("CreateStack", input).await;
        assert_eq!(
            refused.message,
            "Template format error: Every Mappings attribute must be a String or a List."
        );
    }
}

/// LocalStack (2024-04): made a stack of it.
#[tokio::test]
async fn template_in_json_with_a_comma_too_many_is_read_as_yaml() {
    let world = World::new();
    let template = r#"{"Resources": {"T": {"Type": "AWS::SNS::Topic",},},}"#;
    assert_eq!(world.create("s", template).await, "CREATE_COMPLETE");
    let input = json!({"StackName": "t", "TemplateBody": r#"{"Resources": {"T": "#});
    let refused = world.refusal("CreateStack", input).await;
    assert!(
        refused.message.contains("JSON not well-formed"),
        "{}",
        refused.message
    );
}

/// LocalStack and moto, the messages.
#[tokio::test]
async fn requests_that_lack_something_are_refused_in_awss_words() {
    let world = World::new();
    let parameter = json!({"Parameters": {"K": {"Type": "String", "Default": "a"}}, "Resources": {"T": {"Type": "AWS::SNS::Topic"}}});
    world.create("k", &parameter.to_string()).await;
    for (operation, input, told) in [
        (
            "GetTemplate",
            json!({}),
            "StackName is required if ChangeSetName is not specified.",
        ),
        (
            "DescribeStackResource",
            json!({"StackName": "zz", "LogicalResourceId": "A"}),
            "Stack 'zz' does not exist",
        ),
        (
            "CreateStack",
            json!({"StackName": "r", "TemplateBody": r#"{"Resources": ""}"#}),
            "Template format error: Any Resources member must be an object.",
        ),
        (
            "UpdateStack",
            json!({"StackName": "k", "UsePreviousTemplate": true,
                "Parameters": [{"ParameterKey": "K", "UsePreviousValue": true, "ParameterValue": "n"}]}),
            "Invalid input for parameter key K. Cannot specify usePreviousValue as true and non empty value for a parameter",
        ),
    ] {
        let refused = world.refusal(operation, input).await;
        assert_eq!(refused.message, told, "{operation}");
    }
}
