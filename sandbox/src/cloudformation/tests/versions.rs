//! Versions and aliases of functions in a template.

use super::*;

const TEMPLATE: &str = "
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties: {AssumeRolePolicyDocument: {Version: '2012-10-17', Statement: {Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}}}
  Function:
    Type: AWS::Lambda::Function
    Properties: {Description: one, Role: !GetAtt Role.Arn, Runtime: provided.al2023, Handler: bootstrap, Code: {S3Bucket: code, S3Key: f.zip}}
  First: {Type: AWS::Lambda::Version, Properties: {FunctionName: !Ref Function}}
  Live: {Type: AWS::Lambda::Alias, Properties: {FunctionName: !Ref Function, Name: live, FunctionVersion: !GetAtt First.Version}}
Outputs: {Live: {Value: !Ref Live}, Number: {Value: !GetAtt First.Version}}
";

#[tokio::test]
async fn an_alias_moves_from_version_to_version() {
    let world = World::new();
    world.package().await;
    let status = world.create("s", TEMPLATE).await;
    assert_eq!(status, "CREATE_COMPLETE", "{:?}", world.events("s").await);
    assert_eq!(world.output("s", "Number").await, "1");
    let function = world.physical("s", "Function").await;
    assert_eq!(
        world.output("s", "Live").await,
        format!("arn:aws:lambda:us-east-1:123456789012:function:{function}:live")
    );

    // A second version of the same thing is refused, as on AWS.
    let second = "  Second: {Type: AWS::Lambda::Version, DependsOn: First, Properties: {FunctionName: !Ref Function}}\nOutputs:";
    let same = TEMPLATE.replace("Outputs:", second);
    assert_eq!(
        world.update("s", &same).await.unwrap(),
        "UPDATE_ROLLBACK_COMPLETE"
    );
    let reason = world.reason("s", "CREATE_FAILED Second").await;
    assert!(
        reason.contains("A version for this Lambda function exists ( 1 )"),
        "{reason}"
    );

    let moved = same.replace("Description: one", "Timeout: 7").replace(
        "FunctionVersion: !GetAtt First.Version",
        "FunctionVersion: !GetAtt Second.Version",
    );
    let status = world.update("s", &moved).await.unwrap();
    assert_eq!(status, "UPDATE_COMPLETE", "{:?}", world.events("s").await);
    let alias = world
        .of(Lambda)
        .ok(
            "GetAlias",
            json!({"FunctionName": function, "Name": "live"}),
        )
        .await;
    assert_eq!(alias["FunctionVersion"], "2");
    assert_eq!(world.delete("s").await, "DELETE_COMPLETE");
    assert!(world.leftovers().await.is_empty());
}
