//! Change sets: what is foreseen, and what comes of it.

use super::*;

impl World {
    /// Makes a change set, waits, and answers with its description.
    async fn change_set(&self, stack: &str, name: &str, template: &str, more: Value) -> Value {
        let mut input = json!({
            "StackName": stack,
            "ChangeSetName": name,
            "TemplateBody": template,
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
        });
        for (key, value) in more.as_object().unwrap() {
            input[key] = value.clone();
        }
        let made = self.ok("CreateChangeSet", input).await;
        self.idle().await;
        self.described(&made["Id"]).await
    }

    async fn described(&self, id: &Value) -> Value {
        let input = json!({"ChangeSetName": id, "IncludePropertyValues": true});
        self.ok("DescribeChangeSet", input).await
    }

    async fn execute(&self, set: &Value) -> Result<(), ApiError> {
        let input = json!({"ChangeSetName": set["ChangeSetId"]});
        self.call("ExecuteChangeSet", input).await?;
        self.idle().await;
        Ok(())
    }
}

fn change<'s>(set: &'s Value, logical_id: &str) -> &'s Value {
    let changes = set["Changes"].as_array().unwrap();
    let found = changes
        .iter()
        .find(|change| change["ResourceChange"]["LogicalResourceId"] == logical_id);
    &found.unwrap_or_else(|| panic!("{logical_id} is not in {set}"))["ResourceChange"]
}

#[tokio::test]
async fn a_stack_can_begin_as_a_change_set() {
    let world = World::new();
    let set = world
        .change_set(
            "s",
            "first",
            &group(HTTP, "14"),
            json!({"ChangeSetType": "CREATE"}),
        )
        .await;
    assert_eq!(set["Status"], "CREATE_COMPLETE");
    assert_eq!(set["ExecutionStatus"], "AVAILABLE");
    assert_eq!(change(&set, "Group")["Action"], "Add");
    assert_eq!(set["Changes"].as_array().unwrap().len(), 2);
    assert_eq!(world.status("s").await, "REVIEW_IN_PROGRESS");
    assert!(world.leftovers().await.is_empty());
    let refused = world.update("s", &group(HTTP, "7")).await.unwrap_err();
    assert!(
        refused
            .message
            .ends_with("is in REVIEW_IN_PROGRESS state and can not be updated.")
    );

    world.execute(&set).await.unwrap();
    assert_eq!(world.status("s").await, "CREATE_COMPLETE");
    assert_eq!(ports(&world, "s").await, [80]);
    let events = world.events("s").await;
    assert_eq!(events[0].0, "REVIEW_IN_PROGRESS s");
    assert_eq!(events[1].0, "CREATE_IN_PROGRESS s");
    let done = world.described(&set["ChangeSetId"]).await;
    assert_eq!(done["ExecutionStatus"], "EXECUTE_COMPLETE");
    assert_eq!(done["Status"], "CREATE_COMPLETE");
    let again = world.execute(&set).await.unwrap_err();
    assert_eq!(again.code, "InvalidChangeSetStatus");
    assert!(
        again
            .message
            .ends_with("cannot be executed in its current execution status of [EXECUTE_COMPLETE]")
    );
    assert_eq!(world.delete("s").await, "DELETE_COMPLETE");
}

#[tokio::test]
async fn a_stack_under_review_can_be_deleted_and_takes_its_change_sets_along() {
    let world = World::new();
    let more = json!({"ChangeSetType": "CREATE"});
    let set = world
        .change_set("s", "first", &group(HTTP, "14"), more.clone())
        .await;
    assert_eq!(world.delete("s").await, "DELETE_COMPLETE");
    let gone = world
        .refusal(
            "DescribeChangeSet",
            json!({"ChangeSetName": set["ChangeSetId"]}),
        )
        .await;
    assert_eq!((gone.status, &*gone.code), (404, "ChangeSetNotFound"));
    let set = world
        .change_set("s", "first", &group(HTTP, "2"), more)
        .await;
    world.execute(&set).await.unwrap();
    assert_eq!(world.status("s").await, "ROLLBACK_COMPLETE");
    let failed = world.described(&set["ChangeSetId"]).await;
    assert_eq!(failed["ExecutionStatus"], "EXECUTE_FAILED");
}

#[tokio::test]
async fn a_change_set_without_changes_fails_and_cannot_be_executed() {
    let world = World::new();
    world.create("s", &group(HTTP, "14")).await;
    let set = world
        .change_set("s", "same", &group(HTTP, "14"), json!({}))
        .await;
    assert_eq!(set["Status"], "FAILED");
    assert_eq!(set["ExecutionStatus"], "UNAVAILABLE");
    assert_eq!(
        set["StatusReason"],
        "The submitted information didn't contain changes. Submit different information to create a change set."
    );
    let refused = world.execute(&set).await.unwrap_err();
    assert!(
        refused
            .message
            .ends_with("cannot be executed in its current status of [FAILED]"),
        "{refused}"
    );
    // The template's text differs, what it says does not.
    let commented = format!("# the same\n{}", group(HTTP, "14"));
    let set = world
        .change_set("s", "comment", &commented, json!({}))
        .await;
    assert_eq!(set["StatusReason"], "No updates are to be performed.");
}

#[tokio::test]
async fn replacements_are_foreseen_and_what_refers_to_them() {
    let world = World::new();
    let template = "
Parameters: {Why: {Type: String, Default: a group}, Days: {Type: Number, Default: 14}}
Resources:
  Group: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: !Ref Why}}
  Rule: {Type: AWS::EC2::SecurityGroupIngress, Properties: {GroupId: !Ref Group, IpProtocol: tcp, FromPort: 80, ToPort: 80, CidrIp: 10.0.0.0/8}}
  Lines: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: !Ref Days}}
  Topic: {Type: AWS::SNS::Topic}
";
    world.create("s", template).await;
    let parameters = |why: &str, days: &str| {
        json!({"Parameters": [
            {"ParameterKey": "Why", "ParameterValue": why},
            {"ParameterKey": "Days", "ParameterValue": days},
        ]})
    };
    let set = world
        .change_set("s", "days", template, parameters("a group", "7"))
        .await;
    let lines = change(&set, "Lines");
    assert_eq!(lines["Replacement"], "False");
    assert_eq!(lines["Scope"], json!(["Properties"]));
    let detail = &lines["Details"][0];
    assert_eq!(detail["ChangeSource"], "ParameterReference");
    assert_eq!(detail["CausingEntity"], "Days");
    assert_eq!(detail["Target"]["Path"], "/Properties/RetentionInDays");
    assert_eq!(detail["Target"]["BeforeValue"], "14");
    assert_eq!(detail["Target"]["AfterValue"], "7");
    assert_eq!(lines["Details"][1]["Evaluation"], "Dynamic");
    assert_eq!(set["Changes"].as_array().unwrap().len(), 1);

    let without = template.replace("  Topic: {Type: AWS::SNS::Topic}\n", "");
    let set = world
        .change_set("s", "why", &without, parameters("another", "14"))
        .await;
    assert_eq!(change(&set, "Group")["Replacement"], "True");
    assert_eq!(change(&set, "Group")["PolicyAction"], "ReplaceAndDelete");
    let rule = change(&set, "Rule");
    assert_eq!(rule["Replacement"], "Conditional");
    assert_eq!(rule["Details"][0]["ChangeSource"], "ResourceReference");
    assert_eq!(rule["Details"][0]["CausingEntity"], "Group");
    assert_eq!(
        rule["Details"][0]["Target"]["AfterValue"],
        "{{changeSet:KNOWN_AFTER_APPLY}}"
    );
    let topic = change(&set, "Topic");
    assert_eq!(
        (&topic["Action"], &topic["PolicyAction"]),
        (&json!("Remove"), &json!("Delete"))
    );

    let before = world.physical("s", "Group").await;
    world.execute(&set).await.unwrap();
    assert_eq!(world.status("s").await, "UPDATE_COMPLETE");
    assert_ne!(world.physical("s", "Group").await, before);
    let left = world.ok("ListChangeSets", json!({"StackName": "s"})).await;
    assert_eq!(left["Summaries"], json!([]), "the other one is gone too");
}

#[tokio::test]
async fn stack_tags_are_changes_of_every_resource_that_bears_them() {
    let world = World::new();
    world.create("s", &group(HTTP, "14")).await;
    let more = json!({"Tags": [{"Key": "team", "Value": "blue"}]});
    let set = world
        .change_set("s", "tags", &group(HTTP, "14"), more)
        .await;
    let change = change(&set, "Group");
    assert_eq!(change["Scope"], json!(["Tags"]));
    assert_eq!(change["Details"][0]["Target"]["Attribute"], "Tags");
    assert_eq!(change["Replacement"], "False");
}

#[tokio::test]
async fn a_change_set_is_obsolete_once_the_stack_was_changed() {
    let world = World::new();
    world.create("s", &group(HTTP, "14")).await;
    let set = world
        .change_set("s", "c", &group(HTTPS, "14"), json!({}))
        .await;
    world.update("s", &group(HTTP, "7")).await.unwrap();
    let set = world.described(&set["ChangeSetId"]).await;
    assert_eq!(set["ExecutionStatus"], "OBSOLETE");
    let refused = world.execute(&set).await.unwrap_err();
    assert_eq!(refused.code, "InvalidChangeSetStatus");
    world
        .ok(
            "DeleteChangeSet",
            json!({"ChangeSetName": "c", "StackName": "s"}),
        )
        .await;
    let gone = world
        .refusal(
            "DescribeChangeSet",
            json!({"ChangeSetName": "c", "StackName": "s"}),
        )
        .await;
    assert_eq!(gone.code, "ChangeSetNotFound");
}

#[tokio::test]
async fn what_cannot_be_a_change_set_is_refused() {
    let world = World::new();
    let ask = async |stack: &str, name: &str, kind: &str| {
        let input = json!({
            "StackName": stack,
            "ChangeSetName": name,
            "ChangeSetType": kind,
            "TemplateBody": group(HTTPS, "14"),
        });
        let answer = world.call("CreateChangeSet", input).await;
        answer.map_err(|error| error.to_string())
    };
    world.create("s", &group(HTTP, "14")).await;
    assert_eq!(
        ask("no", "c", "UPDATE").await.unwrap_err(),
        "ValidationError: Stack [no] does not exist"
    );
    assert_eq!(
        ask("s", "c", "CREATE").await.unwrap_err(),
        "ValidationError: Stack [s] already exists and cannot be created again with the changeSet [c]."
    );
    assert!(
        ask("s", "c", "IMPORT")
            .await
            .unwrap_err()
            .starts_with("NotImplemented")
    );
    assert!(
        ask("s", "1c", "UPDATE")
            .await
            .unwrap_err()
            .contains("changeSetName")
    );
    ask("s", "c", "UPDATE").await.unwrap();
    assert!(
        ask("s", "c", "UPDATE")
            .await
            .unwrap_err()
            .starts_with("AlreadyExistsException")
    );
}

/// A secret parameter reaches the resource and is shown nowhere, also not inside a longer text.
#[tokio::test]
async fn secrets_are_not_shown() {
    let world = World::new();
    let template = "
Parameters: {Word: {Type: String, NoEcho: true}}
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties: {TopicName: notices, DisplayName: !Sub 'say ${Word}'}
";
    let word =
        |value: &str| json!({"Parameters": [{"ParameterKey": "Word", "ParameterValue": value}]});
    let mut first = word("sesame");
    first["ChangeSetType"] = "CREATE".into();
    let set = world.change_set("s", "first", template, first).await;
    world.execute(&set).await.unwrap();
    let topic = json!({"TopicArn": "arn:aws:sns:us-east-1:123456789012:notices"});
    let attributes = world.of(Sns).ok("GetTopicAttributes", topic).await;
    assert!(attributes.to_string().contains("say sesame"));
    let second = world
        .change_set("s", "second", template, word("simsim"))
        .await;
    assert!(change(&second, "Topic").to_string().contains("say ****"));
    let events = world
        .ok("DescribeStackEvents", json!({"StackName": "s"}))
        .await;
    assert!(events.to_string().contains("say ****"));
    for shown in [&set, &second, &events] {
        for secret in ["sesame", "simsim"] {
            assert!(!shown.to_string().contains(secret), "{shown}");
        }
    }
}
