//! What a scenario cannot say: quotas, who may, what the journal keeps, what CloudFormation makes.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use serde_json::json;

use super::name::Wanted;
use crate::journal::Query;
use crate::service::Service;
use crate::testing::World;

fn world() -> World {
    World::enforcing(Service::Ssm)
}

async fn put(world: &World, name: &str, value: &str) {
    let input = json!({"Name": name, "Value": value, "Type": "SecureString"});
    world.ok("PutParameter", input).await;
}

#[test]
fn a_parameter_is_named_in_four_ways() {
    let read = |given: &str| {
        let Wanted { name, selector } = Wanted::read(given);
        (name, selector)
    };
    let arn = "arn:aws:ssm:us-east-1:123456789012:parameter";
    assert_eq!(read("/a/b"), ("/a/b".to_owned(), None));
    assert_eq!(read("a:3"), ("a".to_owned(), Some("3".to_owned())));
    assert_eq!(read(&format!("{arn}/a/b")), ("/a/b".to_owned(), None));
    assert_eq!(
        read(&format!("{arn}/a:2")),
        ("a".to_owned(), Some("2".to_owned()))
    );
}

/// LocalStack (8b9a79f0, `test_ssm`) and moto: one parameter, for its ARN is one.
#[tokio::test]
async fn name_in_the_root_is_the_same_with_its_slash_and_without() {
    let world = world();
    put(&world, "plain", "1").await;
    put(&world, "/slash", "2").await;
    let arn = "arn:aws:ssm:us-east-1:123456789012:parameter";
    for (asked, shown, value) in [
        ("plain", "plain", "1"),
        ("/plain", "/plain", "1"),
        ("slash", "slash", "2"),
        ("/slash:1", "/slash", "2"),
        (&format!("{arn}/slash"), "slash", "2"),
        (&format!("{arn}/plain"), "plain", "1"),
    ] {
        let input = json!({"Name": asked, "WithDecryption": true});
        let found = world.ok("GetParameter", input).await;
        assert_eq!(found["Parameter"]["Name"], shown, "{asked}");
        assert_eq!(found["Parameter"]["Value"], value, "{asked}");
    }
    let again = json!({"Name": "/plain", "Value": "x", "Type": "String"});
    assert_eq!(
        world.code("PutParameter", again).await,
        "400 ParameterAlreadyExists"
    );
    let tag = json!({"ResourceType": "Parameter", "ResourceId": "slash", "Tags": [{"Key": "a", "Value": "b"}]});
    world.ok("AddTagsToResource", tag).await;
    let all = world.ok("DescribeParameters", json!({})).await;
    let names: Vec<_> = all["Parameters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| &each["Name"])
        .collect();
    assert_eq!(names, ["/slash", "plain"]);
    world.ok("DeleteParameter", json!({"Name": "/plain"})).await;
    assert_eq!(
        world.code("GetParameter", json!({"Name": "plain"})).await,
        "400 ParameterNotFound"
    );
}

#[tokio::test]
async fn name_that_none_can_have_is_refused_to_readers_too() {
    let world = world();
    for name in ["/a//b", "a/b", "/a/"] {
        assert_eq!(
            world.code("GetParameter", json!({"Name": name})).await,
            "400 ValidationException",
            "{name}"
        );
    }
    let secret = json!({"Name": "/aws/reference/secretsmanager/s"});
    assert_eq!(
        world.code("GetParameter", secret).await,
        "501 NotImplemented"
    );
}

#[tokio::test]
async fn a_hundred_versions_are_kept() {
    let world = world();
    put(&world, "p", "0").await;
    for number in 1..=100 {
        let input = json!({"Name": "p", "Value": number.to_string(), "Overwrite": true});
        let answer = world.ok("PutParameter", input).await;
        assert_eq!(answer["Version"], number + 1);
    }
    let first = world.refused("GetParameter", json!({"Name": "p:1"})).await;
    assert_eq!(first, "ParameterVersionNotFound");
    let second = json!({"Name": "p:2", "WithDecryption": true});
    let second = world.ok("GetParameter", second).await;
    assert_eq!(second["Parameter"]["Value"], "1");
}

#[tokio::test]
async fn reading_needs_permission_for_that_parameter() {
    let world = world();
    put(&world, "/lab/hook", "https://hooks.example/T0/secret").await;
    put(&world, "/other/hook", "https://hooks.example/T1/secret").await;
    let resource = "arn:aws:ssm:us-east-1:123456789012:parameter/lab/*";
    let diana = world
        .with_user("diana", json!("ssm:GetParameter*"), json!(resource))
        .await;
    for (operation, input, allowed) in [
        ("GetParameter", json!({"Name": "/lab/hook"}), true),
        ("GetParameter", json!({"Name": "/lab/hook:1"}), true),
        ("GetParameter", json!({"Name": "/other/hook"}), false),
        // Whether it exists is not told either.
        ("GetParameter", json!({"Name": "/other/absent"}), false),
        ("GetParameters", json!({"Names": ["/lab/hook"]}), true),
        (
            "GetParameters",
            json!({"Names": ["/lab/hook", "/other/hook"]}),
            false,
        ),
        ("GetParametersByPath", json!({"Path": "/lab/more"}), true),
        ("GetParametersByPath", json!({"Path": "/"}), false),
        ("DeleteParameter", json!({"Name": "/lab/hook"}), false),
        ("DescribeParameters", json!({}), false),
    ] {
        match diana.call(operation, input.clone()).await {
            Ok(_) => assert!(allowed, "{operation} {input}"),
            Err(error) => {
                assert!(!allowed, "{operation} {input}: {error}");
                assert_eq!((error.status, &*error.code), (400, "AccessDeniedException"));
            }
        }
    }
}

/// A key of the customer's own.
const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/0123abcd-0123-4567-89ab-0123456789ab";

#[tokio::test]
async fn a_customers_own_key_needs_permission_of_its_own() {
    let world = world();
    let hook =
        json!({"Name": "/lab/hook", "Value": "hunter2", "Type": "SecureString", "KeyId": KEY});
    world.ok("PutParameter", hook).await;
    put(&world, "/lab/plain", "hunter3").await;
    let shown = world.ok("DescribeParameters", json!({})).await;
    assert_eq!(shown["Parameters"][0]["KeyId"], KEY);
    assert_eq!(shown["Parameters"][1]["KeyId"], "alias/aws/ssm");

    let diana = world.with_user("diana", json!("ssm:*"), json!("*")).await;
    let read = json!({"Name": "/lab/hook", "WithDecryption": true});
    // AWS's own key asks for nothing, and neither does what stays encrypted.
    for input in [
        json!({"Name": "/lab/plain", "WithDecryption": true}),
        json!({"Name": "/lab/hook"}),
    ] {
        diana.ok("GetParameter", input).await;
    }
    let refused = diana.refusal("GetParameter", read.clone()).await;
    assert_eq!(
        (refused.status, &*refused.code),
        (400, "AccessDeniedException")
    );
    let named = format!("not authorized to perform: kms:Decrypt on resource: {KEY} because");
    assert!(refused.message.contains(&named), "{refused}");
    let several = json!({"Names": ["/lab/plain", "/lab/hook"], "WithDecryption": true});
    diana.refused("GetParameters", several.clone()).await;
    let below = json!({"Path": "/lab", "WithDecryption": true});
    diana.refused("GetParametersByPath", below.clone()).await;

    let arn = "arn:aws:ssm:us-east-1:123456789012:parameter/lab/hook";
    for (context, allowed) in [
        (
            json!({"kms:ViaService": "secretsmanager.us-east-1.amazonaws.com"}),
            false,
        ),
        (
            json!({"kms:EncryptionContext:PARAMETER_ARN": format!("{arn}/more")}),
            false,
        ),
        (json!({"kms:EncryptionContext:PARAMETER_ARN": arn}), true),
        (
            json!({"kms:ViaService": "ssm.us-east-1.amazonaws.com"}),
            true,
        ),
    ] {
        diana.let_use("kms:Decrypt", KEY, &context).await;
        let read = diana.call("GetParameter", read.clone()).await;
        assert_eq!(read.is_ok(), allowed, "{context}");
    }
    diana.ok("GetParameters", several).await;
    diana.ok("GetParametersByPath", below).await;
}

#[tokio::test]
async fn each_version_has_the_key_that_it_was_written_with() {
    let world = world();
    let diana = world.with_user("diana", json!("ssm:*"), json!("*")).await;
    let write = |more: serde_json::Value| {
        let mut input =
            json!({"Name": "p", "Value": "hunter2", "Type": "SecureString", "Overwrite": true});
        for (member, value) in more.as_object().into_iter().flatten() {
            input[member] = value.clone();
        }
        input
    };
    let under = write(json!({"KeyId": KEY}));
    diana.refused("PutParameter", under.clone()).await;
    diana.let_use("kms:Encrypt", KEY, &json!({})).await;
    diana.ok("PutParameter", under.clone()).await;
    // An advanced parameter is encrypted with a data key.
    let advanced = write(json!({"KeyId": KEY, "Tier": "Advanced"}));
    diana.refused("PutParameter", advanced).await;
    // Who names no key gets AWS's own.
    diana.ok("PutParameter", write(json!({}))).await;
    let read = |name: &str| json!({"Name": name, "WithDecryption": true});
    diana.refused("GetParameter", read("p:1")).await;
    diana.ok("GetParameter", read("p:2")).await;
    diana.ok("GetParameter", read("p")).await;
}

#[tokio::test]
async fn no_secret_is_written_down() {
    let world = world();
    put(&world, "/lab/hook", "hunter2").await;
    let sealed = world.ok("GetParameter", json!({"Name": "/lab/hook"})).await;
    assert!(!sealed.to_string().contains("hunter2"));
    let tags = json!({"ResourceType": "Parameter", "ResourceId": "/lab/hook", "Tags": [{"Key": "a", "Value": "seen"}]});
    world.ok("AddTagsToResource", tags).await;
    let open = json!({"Name": "/lab/hook", "WithDecryption": true});
    let open = world.ok("GetParameter", open).await;
    assert_eq!(open["Parameter"]["Value"], "hunter2");
    let taken = json!({"Name": "/lab/hook", "Value": "hunter2", "Type": "SecureString", "Overwrite": true, "AllowedPattern": "^h$"});
    let refused = world.refusal("PutParameter", taken).await;
    assert_eq!(refused.code, "ParameterPatternMismatchException");
    let told = format!(
        "{refused} {:?}",
        world.sandbox.journal.list(&Query::default())
    );
    assert!(!told.contains("hunter2"), "{told}");
    assert!(told.contains("HIDDEN_DUE_TO_SECURITY_REASONS"));
    assert!(told.contains("seen"), "a tag is no secret");
}

#[tokio::test]
async fn cloudformation_makes_changes_and_deletes_parameters() {
    let world = world();
    let stacks = world.of(Service::CloudFormation);
    let template = |value: &str, kind: &str| {
        let parameter = json!({"Type": "AWS::SSM::Parameter",
            "Properties": {"Name": "/lab/policy", "Type": kind, "Value": value}});
        let outputs = json!({"Value": {"Value": {"Fn::GetAtt": ["P", "Value"]}}, "Name": {"Value": {"Ref": "P"}}});
        json!({"Resources": {"P": parameter}, "Outputs": outputs}).to_string()
    };
    let tags = json!([{"Key": "team", "Value": "blue"}]);
    let create = json!({"StackName": "s", "TemplateBody": template("one", "String"), "Tags": tags});
    stacks.ok("CreateStack", create).await;
    world.idle().await;
    let update = json!({"StackName": "s", "TemplateBody": template("two", "String"), "Tags": [{"Key": "team", "Value": "red"}]});
    stacks.ok("UpdateStack", update).await;
    world.idle().await;
    let events = stacks
        .ok("DescribeStackEvents", json!({"StackName": "s"}))
        .await;
    let shown = stacks.ok("DescribeStacks", json!({"StackName": "s"})).await;
    assert_eq!(
        shown["Stacks"][0]["StackStatus"], "UPDATE_COMPLETE",
        "{events}"
    );
    assert!(
        shown.to_string().contains("\"OutputValue\":\"two\""),
        "{shown}"
    );
    let found = world
        .ok("GetParameter", json!({"Name": "/lab/policy"}))
        .await;
    assert_eq!(
        (&found["Parameter"]["Value"], &found["Parameter"]["Version"]),
        (&json!("two"), &json!(2))
    );
    let tags = json!({"ResourceType": "Parameter", "ResourceId": "/lab/policy"});
    let tags = world.ok("ListTagsForResource", tags).await.to_string();
    assert!(tags.contains("red") && !tags.contains("blue"), "{tags}");
    assert!(tags.contains("aws:cloudformation:stack-name"), "{tags}");
    stacks.ok("DeleteStack", json!({"StackName": "s"})).await;
    world.idle().await;
    let gone = world
        .refused("GetParameter", json!({"Name": "/lab/policy"}))
        .await;
    assert_eq!(gone, "ParameterNotFound");

    let secret = json!({"StackName": "t", "TemplateBody": template("x", "SecureString")});
    stacks.ok("CreateStack", secret).await;
    world.idle().await;
    let shown = stacks.ok("DescribeStacks", json!({"StackName": "t"})).await;
    assert_eq!(shown["Stacks"][0]["StackStatus"], "ROLLBACK_COMPLETE");
}
