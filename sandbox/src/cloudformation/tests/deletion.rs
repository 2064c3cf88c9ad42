//! Taking stacks away, asked for or not.

use super::*;

#[tokio::test]
async fn a_full_bucket_stops_the_deletion_until_it_is_empty_or_given_up() {
    let world = World::new();
    world.package().await;
    let template = "Resources: {B: {Type: AWS::S3::Bucket, Properties: {BucketName: full}}, T: {Type: AWS::Logs::LogGroup, DependsOn: B}}";
    assert_eq!(world.create("s", template).await, "CREATE_COMPLETE");
    let mut put = Operation::new("PutObject", json!({"Bucket": "full", "Key": "x"}));
    put.body = Bytes::from_static(b"x");
    world.of(S3).perform(&put).await.unwrap();

    assert_eq!(world.delete("s").await, "DELETE_FAILED");
    let reason = world.reason("s", "DELETE_FAILED B").await;
    assert!(
        reason.contains("not empty") && reason.contains("Service: S3, Status Code: 409"),
        "{reason}"
    );
    assert_eq!(
        world.stack("s").await["StackStatusReason"],
        "The following resource(s) failed to delete: [B]. "
    );

    let retain = json!({"StackName": "s", "RetainResources": ["B"]});
    let id = world.stack("s").await["StackId"]
        .as_str()
        .unwrap()
        .to_owned();
    world.ok("DeleteStack", retain).await;
    world.idle().await;
    assert_eq!(world.status(&id).await, "DELETE_COMPLETE");
    assert_eq!(world.leftovers().await, ["full"]);
    world.ok("DeleteStack", json!({"StackName": "s"})).await;
}

#[tokio::test]
async fn an_export_is_unique_and_stays_while_it_is_used() {
    let world = World::new();
    assert_eq!(
        world.create("a", &group(HTTP, "14")).await,
        "CREATE_COMPLETE"
    );
    let importing = "
Resources:
  Rule:
    Type: AWS::EC2::SecurityGroupIngress
    Properties: {GroupId: !ImportValue a-group, IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 10.0.0.0/8}
";
    assert_eq!(world.create("b", importing).await, "CREATE_COMPLETE");
    assert_eq!(ports(&world, "a").await.len(), 2);
    assert_eq!(world.delete("a").await, "DELETE_FAILED");
    assert_eq!(
        world.stack("a").await["StackStatusReason"],
        "Delete canceled. Cannot delete export a-group as it is in use by b."
    );
    let other = group(HTTP, "14").replace("${AWS::StackName}", "a");
    assert_eq!(world.create("c", &other).await, "ROLLBACK_COMPLETE");
    assert_eq!(world.delete("b").await, "DELETE_COMPLETE");
    assert_eq!(ports(&world, "a").await, [80]);
    assert_eq!(world.delete("a").await, "DELETE_COMPLETE");
    assert_eq!(world.create("d", importing).await, "ROLLBACK_COMPLETE");
    assert_eq!(
        world.reason("d", "CREATE_FAILED Rule").await,
        "No export named a-group found"
    );
}

#[tokio::test]
async fn failure_is_handled_as_the_caller_asked() {
    let world = World::new();
    let failing = group(HTTP, "2");
    assert_eq!(
        world
            .create_with("a", &failing, json!({"OnFailure": "DO_NOTHING"}))
            .await,
        "CREATE_FAILED"
    );
    assert_eq!(ports(&world, "a").await, [80]);
    assert_eq!(
        world
            .create_with("b", &failing, json!({"OnFailure": "DELETE"}))
            .await,
        "DELETE_COMPLETE"
    );
    assert_eq!(world.delete("a").await, "DELETE_COMPLETE");
    assert_eq!(world.leftovers().await, [""; 0]);
}

#[tokio::test]
async fn a_protected_stack_stays() {
    let world = World::new();
    let protected = json!({"EnableTerminationProtection": true});
    world.create_with("s", &group(HTTP, "14"), protected).await;
    let delete = json!({"StackName": "s"});
    let refused = world.refusal("DeleteStack", delete).await;
    assert_eq!(
        refused.to_string(),
        "ValidationError: Stack [s] cannot be deleted while TerminationProtection is enabled"
    );
    let off = json!({"StackName": "s", "EnableTerminationProtection": "false"});
    world.ok("UpdateTerminationProtection", off).await;
    assert_eq!(world.delete("s").await, "DELETE_COMPLETE");
}

#[tokio::test]
async fn deleting_a_stack_that_is_being_made_takes_back_what_there_is() {
    let world = World::new();
    let input = json!({"StackName": "s", "TemplateBody": group(HTTP, "14")});
    let made = world.ok("CreateStack", input).await;
    world.ok("DeleteStack", json!({"StackName": "s"})).await;
    world.idle().await;
    assert_eq!(
        world.status(made["StackId"].as_str().unwrap()).await,
        "DELETE_COMPLETE"
    );
    assert_eq!(world.leftovers().await, [""; 0]);
}

#[tokio::test]
async fn a_stack_that_cannot_be_deleted_is_forced_to_go() {
    let world = World::new();
    let template = json!({"Resources": {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "full"}},
        "Topic": {"Type": "AWS::SNS::Topic"}}});
    world.create("s", &template.to_string()).await;
    let force = json!({"StackName": "s", "DeletionMode": "FORCE_DELETE_STACK"});
    let early = world.refused("DeleteStack", force.clone()).await;
    assert_eq!(early, "ValidationError");
    let put = crate::protocol::Operation::new("PutObject", json!({"Bucket": "full", "Key": "k"}));
    world.of(S3).perform(&put).await.unwrap();
    assert_eq!(world.delete("s").await, "DELETE_FAILED");
    let stack = world.stack("s").await["StackId"].clone();
    world.ok("DeleteStack", force).await;
    world.idle().await;
    assert_eq!(
        world.status(stack.as_str().unwrap()).await,
        "DELETE_COMPLETE"
    );
    // The bucket is left to its owner.
    let there = crate::protocol::Operation::new("HeadBucket", json!({"Bucket": "full"}));
    world.of(S3).perform(&there).await.unwrap();
}

#[tokio::test]
async fn a_deleted_stack_is_shown_and_nothing_more() {
    let world = World::new();
    world.create("s", &group(HTTP, "14")).await;
    let id = world.stack("s").await["StackId"].clone();
    world.delete("s").await;
    let named = json!({"StackName": id});
    let shown = world.ok("DescribeStacks", named.clone()).await;
    assert_eq!(shown["Stacks"][0]["StackStatus"], "DELETE_COMPLETE");
    for operation in [
        "UpdateStack",
        "ListChangeSets",
        "DetectStackDrift",
        "RollbackStack",
    ] {
        let refused = world.refusal(operation, named.clone()).await;
        let expected = format!("Stack [{}] does not exist", id.as_str().unwrap());
        assert_eq!(refused.message, expected, "{operation}");
    }
}
