//! What is refused, and in which words.

use super::*;

#[tokio::test]
async fn roles_must_be_acknowledged() {
    let world = World::new();
    let named = "Resources: {R: {Type: AWS::IAM::Role, Properties: {RoleName: R, AssumeRolePolicyDocument: {}}}}";
    let unnamed =
        "Resources: {R: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}}}}";
    let refusal = async |template: &str, capabilities: &[&str]| {
        let input =
            json!({"StackName": "s", "TemplateBody": template, "Capabilities": capabilities});
        world
            .call("CreateStack", input)
            .await
            .map_err(|error| error.to_string())
    };
    assert_eq!(
        refusal(named, &["CAPABILITY_IAM"]).await.unwrap_err(),
        "InsufficientCapabilitiesException: Requires capabilities : [CAPABILITY_NAMED_IAM]"
    );
    assert_eq!(
        refusal(unnamed, &[]).await.unwrap_err(),
        "InsufficientCapabilitiesException: Requires capabilities : [CAPABILITY_IAM]"
    );
    assert!(refusal(unnamed, &["CAPABILITY_IAM"]).await.is_ok());
}

#[tokio::test]
async fn properties_are_checked() {
    let world = World::new();
    for (name, properties, expected) in [
        (
            "a",
            "{CidrBlok: 10.0.0.0/16}",
            "extraneous key [CidrBlok] is not permitted",
        ),
        (
            "b",
            "{EnableDnsSupport: true}",
            "required key [CidrBlock] not found",
        ),
        (
            "c",
            "{CidrBlock: 10.0.0.0/16, EnableDnsSupport: maybe}",
            "#/EnableDnsSupport: expected type: Boolean",
        ),
        (
            "d",
            "{CidrBlock: 10.0.0.0/33}",
            "Service: Ec2, Status Code: 400",
        ),
    ] {
        let template =
            format!("Resources: {{V: {{Type: AWS::EC2::VPC, Properties: {properties}}}}}");
        assert_eq!(world.create(name, &template).await, "ROLLBACK_COMPLETE");
        let reason = world.reason(name, "CREATE_FAILED V").await;
        assert!(reason.contains(expected), "{reason}");
    }
    assert_eq!(world.leftovers().await, [""; 0]);
}

#[tokio::test]
async fn templates_are_refused_before_anything_is_made() {
    let world = World::new();
    for (template, expected) in [
        (
            "Resources: {}",
            "Template format error: At least one Resources member must be defined.",
        ),
        (
            "{}",
            "Template format error: At least one Resources member must be defined.",
        ),
        (
            "Resources: {A: {Type: AWS::No::Such}}",
            "Template format error: Unrecognized resource types: [AWS::No::Such] (the sandbox implements the types of its README only)",
        ),
        (
            "Resource: {}\nResources: {A: {Type: AWS::SNS::Topic}}",
            "Invalid template property or properties [Resource]",
        ),
        (
            "Resources: {A: {Type: AWS::SNS::Topic, DependsOn: B}}",
            "Template format error: Unresolved resource dependencies [B] in the Resources block of the template",
        ),
        (
            "Resources: {A: {Type: AWS::SNS::Topic, DependsOn: B}, B: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Ref A}}}",
            "Circular dependency between resources: [A, B]",
        ),
        (
            "Conditions: {No: !Equals [a, b]}\nResources: {A: {Type: AWS::SNS::Topic, Condition: 'No'}, B: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Ref A}}}",
            "Template format error: Unresolved resource dependencies [A] in the Resources block of the template",
        ),
        (
            "Resources: {A: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Ref B}}}",
            "Template format error: Unresolved resource dependencies [B] in the Resources block of the template",
        ),
    ] {
        let input = json!({"StackName": "s", "TemplateBody": template});
        let refused = world.refusal("CreateStack", input).await;
        assert_eq!(
            (refused.code.as_ref(), refused.message.as_str()),
            ("ValidationError", expected)
        );
    }
    let none = world.ok("ListStacks", json!({})).await;
    assert_eq!(none["StackSummaries"], json!([]));
}

#[tokio::test]
async fn a_role_makes_only_what_it_may() {
    let world = World::new();
    let trust = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Service": "cloudformation.amazonaws.com"}, "Action": "sts:AssumeRole"}});
    let role = json!({"RoleName": "Maker", "AssumeRolePolicyDocument": trust.to_string()});
    let arn = world.of(Iam).ok("CreateRole", role).await["Role"]["Arn"]
        .as_str()
        .unwrap()
        .to_owned();
    let allowed = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}});
    let policy =
        json!({"RoleName": "Maker", "PolicyName": "P", "PolicyDocument": allowed.to_string()});
    world.of(Iam).ok("PutRolePolicy", policy).await;
    let status = world
        .create_with("s", &group(HTTP, "14"), json!({"RoleARN": arn}))
        .await;
    assert_eq!(status, "ROLLBACK_COMPLETE");
    let reason = world.reason("s", "CREATE_FAILED Lines").await;
    assert!(
        reason.contains(
            "assumed-role/Maker/AWSCloudFormation is not authorized to perform: logs:CreateLogGroup"
        ),
        "{reason}"
    );
    assert!(
        reason.ends_with("HandlerErrorCode: AccessDenied)"),
        "{reason}"
    );
}

#[tokio::test]
async fn what_is_there_already_is_not_taken_over() {
    let world = World::new();
    let bucket = json!({"Bucket": "mine"});
    world.of(S3).ok("CreateBucket", bucket.clone()).await;
    world
        .of(Sns)
        .ok("CreateTopic", json!({"Name": "mine"}))
        .await;
    let policy = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::mine/*"}});
    let put = json!({"Bucket": "mine", "Policy": policy.to_string()});
    world.of(S3).ok("PutBucketPolicy", put).await;
    for (name, resource, expected) in [
        (
            "a",
            "{Type: AWS::S3::Bucket, Properties: {BucketName: mine}}".to_owned(),
            "\"mine already exists\"",
        ),
        (
            "b",
            "{Type: AWS::SNS::Topic, Properties: {TopicName: mine}}".to_owned(),
            "'arn:aws:sns:us-east-1:123456789012:mine' already exists.",
        ),
        (
            "c",
            format!(
                "{{Type: AWS::S3::BucketPolicy, Properties: {{Bucket: mine, PolicyDocument: {policy}}}}}"
            ),
            "The bucket policy already exists on bucket mine.",
        ),
    ] {
        let template = format!("Resources: {{R: {resource}}}");
        assert_eq!(world.create(name, &template).await, "ROLLBACK_COMPLETE");
        let reason = world.reason(name, "CREATE_FAILED R").await;
        assert!(
            reason.contains(expected) && reason.ends_with("HandlerErrorCode: AlreadyExists)"),
            "{reason}"
        );
    }
    // And taking the stacks back has taken nothing of it away.
    let left = world.leftovers().await;
    assert!(
        left.contains(&"mine".to_owned())
            && left.contains(&"arn:aws:sns:us-east-1:123456789012:mine".to_owned()),
        "{left:?}"
    );
    let policy = world.enter(|call| crate::s3::policy(call, "mine"));
    assert!(policy.unwrap().is_some());
}
