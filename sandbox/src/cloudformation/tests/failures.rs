//! What stays of an operation that fails, and the ways out.

use super::*;

impl World {
    /// Performs an operation on the stack, waits, and answers with its status.
    async fn act(&self, operation: &str, input: Value) -> Result<String, ApiError> {
        let name = input["StackName"].as_str().unwrap().to_owned();
        self.call(operation, input).await?;
        self.idle().await;
        Ok(self.status(&name).await)
    }
}

const MANY: &str = "
Resources:
  Bad: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: 2}}
  Behind: {Type: AWS::SNS::Topic, DependsOn: Bad}
  Other: {Type: AWS::Logs::LogGroup}
  Topic: {Type: AWS::SNS::Topic}
";

#[tokio::test]
async fn resources_are_made_side_by_side_and_cancelled_when_one_fails() {
    let world = World::new();
    assert_eq!(world.create("s", MANY).await, "ROLLBACK_COMPLETE");
    let events = world.events("s").await;
    let started: Vec<&str> = events[1..4].iter().map(|(what, _)| what.as_str()).collect();
    assert_eq!(
        started,
        [
            "CREATE_IN_PROGRESS Bad",
            "CREATE_IN_PROGRESS Other",
            "CREATE_IN_PROGRESS Topic"
        ]
    );
    assert!(!events.iter().any(|(what, _)| what.ends_with("Behind")));
    assert_eq!(
        world.reason("s", "CREATE_FAILED Other").await,
        "Resource creation cancelled"
    );
    assert_eq!(
        world.reason("s", "ROLLBACK_IN_PROGRESS s").await,
        "The following resource(s) failed to create: [Bad, Other, Topic]. Rollback requested by user."
    );
    assert!(world.leftovers().await.is_empty());
}

#[tokio::test]
async fn without_rollback_everything_else_is_made_and_an_update_goes_on_from_there() {
    let world = World::new();
    let preserve = json!({"DisableRollback": true});
    assert_eq!(
        world.create_with("s", MANY, preserve).await,
        "CREATE_FAILED"
    );
    assert_eq!(
        world.stack("s").await["StackStatusReason"],
        "The following resource(s) failed to create: [Bad]. "
    );
    let topic = world.physical("s", "Topic").await;

    let good = MANY.replace("RetentionInDays: 2", "RetentionInDays: 3");
    let refused = world.update("s", &good).await.unwrap_err();
    assert_eq!(
        refused.message,
        "This stack is currently in a non-terminal [CREATE_FAILED] state. To update the stack from this state, please use the disable-rollback parameter with update-stack API. To rollback to the last known good state, use the rollback-stack API"
    );
    let again = json!({"StackName": "s", "TemplateBody": MANY, "DisableRollback": true});
    assert_eq!(
        world.act("UpdateStack", again).await.unwrap(),
        "UPDATE_FAILED"
    );
    let fixed = json!({"StackName": "s", "TemplateBody": good, "DisableRollback": true});
    assert_eq!(
        world.act("UpdateStack", fixed).await.unwrap(),
        "UPDATE_COMPLETE"
    );
    assert_eq!(world.physical("s", "Topic").await, topic);
    assert!(!world.physical("s", "Behind").await.is_empty());
    assert_eq!(world.delete("s").await, "DELETE_COMPLETE");
    assert!(world.leftovers().await.is_empty());
}

#[tokio::test]
async fn a_failed_creation_can_be_rolled_back_later() {
    let world = World::new();
    let more = json!({"OnFailure": "DO_NOTHING"});
    assert_eq!(world.create_with("s", MANY, more).await, "CREATE_FAILED");
    let input = json!({"StackName": "s", "TemplateBody": MANY, "DisableRollback": true});
    let refused = world.act("UpdateStack", input).await.unwrap_err();
    assert!(
        refused
            .message
            .contains("because it contains [on-failure: DO_NOTHING]")
    );
    let name = json!({"StackName": "s"});
    assert_eq!(
        world.act("RollbackStack", name).await.unwrap(),
        "ROLLBACK_COMPLETE"
    );
    assert!(world.leftovers().await.is_empty());
}

#[tokio::test]
async fn a_failed_update_goes_on_or_back() {
    let world = World::new();
    world.create("s", &group(HTTP, "14")).await;
    let fails =
        json!({"StackName": "s", "TemplateBody": group(HTTPS, "2"), "DisableRollback": true});
    assert_eq!(
        world.act("UpdateStack", fails.clone()).await.unwrap(),
        "UPDATE_FAILED"
    );
    // What could be changed stays changed; what failed is what it was.
    assert_eq!(ports(&world, "s").await, [443]);
    assert!(
        world
            .reason("s", "UPDATE_FAILED Lines")
            .await
            .contains("retentionInDays")
    );
    let name = json!({"StackName": "s"});
    assert_eq!(
        world.act("RollbackStack", name).await.unwrap(),
        "UPDATE_ROLLBACK_COMPLETE"
    );
    assert_eq!(ports(&world, "s").await, [80]);

    world.act("UpdateStack", fails).await.unwrap();
    let works =
        json!({"StackName": "s", "TemplateBody": group(HTTPS, "7"), "DisableRollback": true});
    assert_eq!(
        world.act("UpdateStack", works).await.unwrap(),
        "UPDATE_COMPLETE"
    );
    assert_eq!(ports(&world, "s").await, [443]);
    let refused = world
        .act("RollbackStack", json!({"StackName": "s"}))
        .await
        .unwrap_err();
    assert_eq!(refused.code, "ValidationError");
}

#[tokio::test]
async fn a_rollback_that_fails_can_be_continued() {
    let world = World::new();
    world.create("s", &group(HTTP, "14")).await;
    let fails =
        json!({"StackName": "s", "TemplateBody": group(HTTPS, "2"), "DisableRollback": true});
    world.act("UpdateStack", fails).await.unwrap();
    let id = world.physical("s", "Group").await;
    world
        .of(Ec2)
        .ok("DeleteSecurityGroup", json!({"GroupId": id}))
        .await;
    let name = json!({"StackName": "s"});
    assert_eq!(
        world.act("RollbackStack", name.clone()).await.unwrap(),
        "UPDATE_ROLLBACK_FAILED"
    );
    let refused = world.update("s", &group(HTTP, "7")).await.unwrap_err();
    assert!(
        refused
            .message
            .ends_with("is in UPDATE_ROLLBACK_FAILED state and can not be updated.")
    );
    assert_eq!(
        world
            .act("ContinueUpdateRollback", name.clone())
            .await
            .unwrap(),
        "UPDATE_ROLLBACK_FAILED",
        "the group is still gone"
    );
    let wrong = json!({"StackName": "s", "ResourcesToSkip": ["Lines"]});
    world
        .act("ContinueUpdateRollback", wrong)
        .await
        .unwrap_err();
    let skip = json!({"StackName": "s", "ResourcesToSkip": ["Group"]});
    assert_eq!(
        world.act("ContinueUpdateRollback", skip).await.unwrap(),
        "UPDATE_ROLLBACK_COMPLETE"
    );
    let refused = world.act("ContinueUpdateRollback", name).await.unwrap_err();
    assert_eq!(refused.code, "ValidationError");
    assert_eq!(world.delete("s").await, "DELETE_COMPLETE");
    assert!(world.leftovers().await.is_empty());
}

#[tokio::test]
async fn what_others_import_is_neither_changed_nor_taken_away() {
    let world = World::new();
    world.create("s", &group(HTTP, "14")).await;
    let importer = "Resources: {Rule: {Type: AWS::EC2::SecurityGroupIngress, Properties: {GroupId: !ImportValue s-group, IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 10.0.0.0/8}}}";
    assert_eq!(world.create("t", importer).await, "CREATE_COMPLETE");
    let replaced = group(HTTP, "14").replace("a group", "another group");
    assert_eq!(
        world.update("s", &replaced).await.unwrap(),
        "UPDATE_ROLLBACK_COMPLETE"
    );
    assert_eq!(
        world.reason("s", "UPDATE_ROLLBACK_IN_PROGRESS s").await,
        "Cannot update export s-group as it is in use by t."
    );
    let without = group(HTTP, "14");
    let without = without.split("Outputs:").next().unwrap();
    assert_eq!(
        world.update("s", without).await.unwrap(),
        "UPDATE_ROLLBACK_COMPLETE"
    );
    assert_eq!(
        world.reason("s", "UPDATE_ROLLBACK_IN_PROGRESS s").await,
        "Delete canceled. Cannot delete export s-group as it is in use by t."
    );
    assert_eq!(world.delete("t").await, "DELETE_COMPLETE");
    assert_eq!(world.update("s", without).await.unwrap(), "UPDATE_COMPLETE");
}
