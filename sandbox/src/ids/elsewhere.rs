//! An ARN that names another account or region is nobody's own resource of that name: each service says
//! so in its own words, and nothing of one's own is read, changed or deleted.
//!
//! Sources: Lambda and SNS as recorded on AWS by LocalStack (8b9a79f0: `test_function_arns` and
//! `test_get_function_wrong_region` of 2025-11-25, `test_cross_region_access` of 2025-05-28); Parameter
//! Store by the user guide's page on shared parameters. The others are inferred: what cannot be seen
//! from here does not exist here.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use serde_json::{Value, json};

use crate::service::Service;
use crate::testing::{ACCOUNT, World, zipped};

const OTHER: &str = "210987654321";

/// One thing of each service, all named `own`.
async fn furnished() -> World {
    let world: World = World::start(Service::Lambda);
    world
        .role("r", json!({"Service": "lambda.amazonaws.com"}))
        .await;
    world.ok("CreateFunction", function("own")).await;
    let parameter = json!({"Name": "own", "Value": "v", "Type": "String"});
    world.of(Service::Ssm).ok("PutParameter", parameter).await;
    let group = json!({"logGroupName": "own"});
    world.of(Service::Logs).ok("CreateLogGroup", group).await;
    world
        .of(Service::Sns)
        .ok("CreateTopic", json!({"Name": "own"}))
        .await;
    let rule = json!({"Name": "own", "EventPattern": r#"{"source":["aws.ec2"]}"#});
    world.of(Service::Events).ok("PutRule", rule).await;
    let template = r#"{"Resources":{"G":{"Type":"AWS::Logs::LogGroup"}}}"#;
    let stack = json!({"StackName": "own", "TemplateBody": template});
    world
        .of(Service::CloudFormation)
        .ok("CreateStack", stack)
        .await;
    world.idle().await;
    world
}

fn function(name: &str) -> Value {
    use base64::Engine as _;
    let zip = base64::prelude::BASE64_STANDARD.encode(zipped("bootstrap", b"x", 0o755));
    json!({"FunctionName": name, "Runtime": "provided.al2023", "Handler": "h",
        "Role": format!("arn:aws:iam::{ACCOUNT}:role/r"), "Code": {"ZipFile": zip}})
}

/// Asks for the own thing by an ARN of `account` and `region`; answers the code of each refusal.
async fn codes(world: &World, account: &str, region: &str) -> Vec<(&'static str, String)> {
    let arn =
        |service: &str, resource: &str| format!("arn:aws:{service}:{region}:{account}:{resource}");
    let named = |member: &str, arn: String| json!({ member: arn });
    let lambda = || arn("lambda", "function:own");
    let secret = world.of(Service::SecretsManager);
    let made = json!({"Name": format!("s{account}{region}"), "SecretString": "v"});
    let secret_arn = secret.ok("CreateSecret", made).await["ARN"]
        .as_str()
        .unwrap()
        .to_owned();
    let secret_arn = secret_arn
        .replace(ACCOUNT, account)
        .replace("us-east-1", region);
    let stacks = world.of(Service::CloudFormation);
    let stack = stacks
        .ok("DescribeStacks", json!({"StackName": "own"}))
        .await;
    let stack = stack["Stacks"][0]["StackId"].as_str().unwrap();
    let stack = || stack.replace(ACCOUNT, account).replace("us-east-1", region);
    let tags = |arn| json!({"TopicArn": arn, "Message": "m"});
    let calls = [
        (
            Service::Lambda,
            "GetFunction",
            named("FunctionName", lambda()),
        ),
        (Service::Lambda, "Invoke", named("FunctionName", lambda())),
        (
            Service::Lambda,
            "DeleteFunction",
            named("FunctionName", lambda()),
        ),
        (
            Service::Lambda,
            "CreateFunction",
            function(&arn("lambda", "function:new")),
        ),
        (
            Service::Ssm,
            "GetParameter",
            named("Name", arn("ssm", "parameter/own")),
        ),
        (
            Service::Logs,
            "FilterLogEvents",
            named("logGroupIdentifier", arn("logs", "log-group:own")),
        ),
        (Service::Sns, "Publish", tags(arn("sns", "own"))),
        (
            Service::Sns,
            "DeleteTopic",
            named("TopicArn", arn("sns", "own")),
        ),
        (
            Service::Events,
            "ListTagsForResource",
            named("ResourceARN", arn("events", "rule/own")),
        ),
        (
            Service::SecretsManager,
            "GetSecretValue",
            named("SecretId", secret_arn),
        ),
        (
            Service::CloudFormation,
            "DescribeStacks",
            named("StackName", stack()),
        ),
        (
            Service::CloudFormation,
            "DeleteStack",
            named("StackName", stack()),
        ),
    ];
    let mut codes = Vec::new();
    for (service, name, input) in calls {
        let code = match world.of(service).call(name, input).await {
            Ok(_) => "accepted".to_owned(),
            Err(error) => error.code.into_owned(),
        };
        codes.push((name, code));
    }
    codes
}

async fn assert_nothing_changed(world: &World) {
    let functions = world.ok("ListFunctions", json!({})).await;
    assert_eq!(functions["Functions"].as_array().unwrap().len(), 1);
    let topics = world.of(Service::Sns).ok("ListTopics", json!({})).await;
    assert_eq!(topics["Topics"].as_array().unwrap().len(), 1);
    let stack = json!({"StackName": "own"});
    let stack = world
        .of(Service::CloudFormation)
        .ok("DescribeStacks", stack)
        .await;
    assert_eq!(stack["Stacks"][0]["StackStatus"], "CREATE_COMPLETE");
}

#[tokio::test]
async fn arn_of_another_account_is_refused_by_each_service() {
    let world = furnished().await;
    let expected = [
        ("GetFunction", "AccessDeniedException"),
        ("Invoke", "AccessDeniedException"),
        ("DeleteFunction", "AccessDeniedException"),
        ("CreateFunction", "AccessDeniedException"),
        ("GetParameter", "AccessDeniedException"),
        ("FilterLogEvents", "ResourceNotFoundException"),
        ("Publish", "AuthorizationError"),
        ("DeleteTopic", "AuthorizationError"),
        ("ListTagsForResource", "ResourceNotFoundException"),
        ("GetSecretValue", "ResourceNotFoundException"),
        ("DescribeStacks", "ValidationError"),
        ("DeleteStack", "ValidationError"),
    ];
    let codes = codes(&world, OTHER, "us-east-1").await;
    assert_eq!(codes, expected.map(|(name, code)| (name, code.to_owned())));
    let partial = json!({"FunctionName": format!("{OTHER}:function:own")});
    assert_eq!(
        world.refused("GetFunction", partial).await,
        "AccessDeniedException"
    );
    let many = json!({"Names": [format!("arn:aws:ssm:us-east-1:{OTHER}:parameter/own")]});
    let ssm = world.of(Service::Ssm);
    assert_eq!(
        ssm.refused("GetParameters", many).await,
        "AccessDeniedException"
    );
    assert_nothing_changed(&world).await;
}

#[tokio::test]
async fn arn_of_another_region_is_refused_by_each_service() {
    let world = furnished().await;
    let expected = [
        ("GetFunction", "ResourceNotFoundException"),
        ("Invoke", "ResourceNotFoundException"),
        ("DeleteFunction", "ResourceNotFoundException"),
        ("CreateFunction", "ResourceNotFoundException"),
        ("GetParameter", "ParameterNotFound"),
        ("FilterLogEvents", "ResourceNotFoundException"),
        ("Publish", "InvalidParameter"),
        ("DeleteTopic", "InvalidParameter"),
        ("ListTagsForResource", "ResourceNotFoundException"),
        ("GetSecretValue", "ResourceNotFoundException"),
        ("DescribeStacks", "ValidationError"),
        ("DeleteStack", "ValidationError"),
    ];
    let codes = codes(&world, ACCOUNT, "eu-west-1").await;
    assert_eq!(codes, expected.map(|(name, code)| (name, code.to_owned())));
    let arn = format!("arn:aws:lambda:eu-west-1:{ACCOUNT}:function:own");
    let error = world
        .refusal("GetFunction", json!({"FunctionName": arn}))
        .await;
    assert_eq!(
        error.message,
        "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"
    );
    assert_nothing_changed(&world).await;
}

#[tokio::test]
async fn arn_of_this_account_and_region_names_the_own_thing() {
    let world = furnished().await;
    for name in [
        format!("{ACCOUNT}:function:own"),
        "function:own".to_owned(),
        format!("arn:aws:lambda:us-east-1:{ACCOUNT}:function:own"),
    ] {
        world.ok("GetFunction", json!({"FunctionName": name})).await;
    }
    let no_account = json!({"FunctionName": "invalid:function:own"});
    let code = world.refused("GetFunction", no_account).await;
    assert_eq!(code, "InvalidParameterValueException");
    let arn = format!("arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/own");
    let ssm = world.of(Service::Ssm);
    let found = ssm.ok("GetParameter", json!({"Name": arn})).await;
    assert_eq!(found["Parameter"]["Value"], "v");
    let arn = format!("arn:aws:logs:us-east-1:{ACCOUNT}:log-group:own");
    let logs = world.of(Service::Logs);
    logs.ok("FilterLogEvents", json!({"logGroupIdentifier": arn}))
        .await;
}
