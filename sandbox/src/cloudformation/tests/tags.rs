//! The tags that CloudFormation puts on what it makes.

use super::*;

const TEMPLATE: &str = "
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties: {AssumeRolePolicyDocument: {Version: '2012-10-17', Statement: {Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}}}
  Function:
    Type: AWS::Lambda::Function
    Properties: {Role: !GetAtt Role.Arn, Runtime: provided.al2023, Handler: bootstrap, Code: {S3Bucket: code, S3Key: f.zip}}
  Topic: {Type: AWS::SNS::Topic, Properties: {Tags: [{Key: own, Value: topic}]}}
  Bucket: {Type: AWS::S3::Bucket}
  Lines: {Type: AWS::Logs::LogGroup}
";

/// The tags of every taggable resource, by logical id.
async fn tags(world: &World) -> Vec<(&'static str, Vec<(String, String)>)> {
    let mut all = Vec::new();
    for logical in ["Role", "Function", "Topic", "Lines"] {
        let id = world.physical("s", logical).await;
        let (service, operation, input, member) = match logical {
            "Role" => (Iam, "ListRoleTags", json!({"RoleName": id}), "Tags"),
            "Function" => {
                let arn = format!("arn:aws:lambda:us-east-1:123456789012:function:{id}");
                (Lambda, "ListTags", json!({"Resource": arn}), "Tags")
            }
            "Topic" => (
                Sns,
                "ListTagsForResource",
                json!({"ResourceArn": id}),
                "Tags",
            ),
            _ => {
                let arn = format!("arn:aws:logs:us-east-1:123456789012:log-group:{id}");
                (
                    Logs,
                    "ListTagsForResource",
                    json!({"resourceArn": arn}),
                    "tags",
                )
            }
        };
        let answer = world.of(service).ok(operation, input).await[member].clone();
        let mut tags: Vec<(String, String)> = match answer {
            Value::Object(tags) => tags
                .into_iter()
                .map(|(key, value)| (key, value.as_str().unwrap().to_owned()))
                .collect(),
            Value::Array(tags) => tags
                .iter()
                .map(|tag| {
                    let text = |name: &str| tag[name].as_str().unwrap().to_owned();
                    (text("Key"), text("Value"))
                })
                .collect(),
            other => panic!("{other}"),
        };
        tags.sort();
        all.push((logical, tags));
    }
    all
}

#[tokio::test]
async fn resources_say_which_stack_they_belong_to() {
    let world = World::new();
    world.package().await;
    let more = json!({"Tags": [{"Key": "team", "Value": "blue"}]});
    assert_eq!(
        world.create_with("s", TEMPLATE, more).await,
        "CREATE_COMPLETE"
    );
    let stack_id = world.stack("s").await["StackId"]
        .as_str()
        .unwrap()
        .to_owned();
    for (logical, tags) in tags(&world).await {
        let mut expected = vec![("team".to_owned(), "blue".to_owned())];
        if logical == "Topic" {
            expected.insert(0, ("own".to_owned(), "topic".to_owned()));
        }
        if logical != "Role" {
            let system = [
                ("logical-id", logical),
                ("stack-id", &stack_id),
                ("stack-name", "s"),
            ];
            let system =
                system.map(|(key, value)| (format!("aws:cloudformation:{key}"), value.to_owned()));
            expected = [&system[..], &expected].concat();
        }
        assert_eq!(tags, expected, "{logical}");
    }

    // A stack tag goes, CloudFormation's own stay.
    let input = json!({"StackName": "s", "UsePreviousTemplate": true, "Tags": [], "Capabilities": ["CAPABILITY_IAM"]});
    world.ok("UpdateStack", input).await;
    world.idle().await;
    assert_eq!(world.status("s").await, "UPDATE_COMPLETE");
    for (logical, tags) in tags(&world).await {
        assert!(!tags.iter().any(|(key, _)| key == "team"));
        assert_eq!(tags.len() >= 3, logical != "Role", "{logical} {tags:?}");
    }
}

#[tokio::test]
async fn nobody_else_sets_or_removes_the_tags_of_cloudformation() {
    let world = World::new();
    world.package().await;
    world.create("s", TEMPLATE).await;
    let bucket = world.physical("s", "Bucket").await;
    let topic = world.physical("s", "Topic").await;
    let refused = world
        .of(S3)
        .refusal(
            "PutBucketTagging",
            json!({"Bucket": bucket, "Tagging": {"TagSet": [{"Key": "a", "Value": "b"}]}}),
        )
        .await;
    assert_eq!(
        refused.to_string(),
        "InvalidTag: System tags cannot be removed by requester"
    );
    let tag = json!([{"Key": "aws:x", "Value": "b"}]);
    let refused = world
        .of(S3)
        .refusal(
            "PutBucketTagging",
            json!({"Bucket": bucket, "Tagging": {"TagSet": tag}}),
        )
        .await;
    assert_eq!(
        refused.to_string(),
        "InvalidTag: System tags cannot be added/updated by requester"
    );
    for (operation, input) in [
        ("TagResource", json!({"ResourceArn": topic, "Tags": tag})),
        (
            "UntagResource",
            json!({"ResourceArn": topic, "TagKeys": ["aws:cloudformation:stack-id"]}),
        ),
    ] {
        let refused = world.of(Sns).refusal(operation, input).await;
        assert_eq!(refused.code, "InvalidParameter", "{operation}");
    }
}
