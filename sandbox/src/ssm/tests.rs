//! What a scenario cannot say: quotas, who may, what the journal keeps, what CloudFormation makes.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::sync::Arc;

use serde_json::{Value, json};

use super::name::Wanted;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::ids::{AccountId, Region};
use crate::journal::Query;
use crate::sandbox::{Sandbox, Settings, Target};
use crate::service::Service;

struct World {
    sandbox: Arc<Sandbox>,
}

impl World {
    fn new() -> Self {
        let settings = Settings {
            enforce_iam: true,
            ..Settings::default()
        };
        Self {
            sandbox: Sandbox::start(settings),
        }
    }

    async fn call(
        &self,
        caller: Caller,
        service: Service,
        name: &str,
        input: Value,
    ) -> Result<Value, ApiError> {
        let target = Target::new(
            AccountId::parse("123456789012").unwrap(),
            Region::parse("us-east-1").unwrap(),
            caller,
        );
        self.sandbox
            .perform_value(&target, service, name, input)
            .await
    }

    async fn ssm(&self, name: &str, input: Value) -> Result<Value, ApiError> {
        self.call(Caller::Operator, Service::Ssm, name, input).await
    }

    async fn put(&self, name: &str, value: &str) {
        let input = json!({"Name": name, "Value": value, "Type": "SecureString"});
        self.ssm("PutParameter", input).await.unwrap();
    }

    /// A user that may do `action` on `resource`.
    async fn user(&self, action: &str, resource: &str) -> Caller {
        let iam =
            |name: &'static str, input| self.call(Caller::Operator, Service::Iam, name, input);
        iam("CreateUser", json!({"UserName": "diana"}))
            .await
            .unwrap();
        let document = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": action, "Resource": resource}]});
        let input =
            json!({"UserName": "diana", "PolicyName": "p", "PolicyDocument": document.to_string()});
        iam("PutUserPolicy", input).await.unwrap();
        Caller::User {
            name: "diana".to_owned(),
        }
    }
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

#[tokio::test]
async fn a_hundred_versions_are_kept() {
    let world = World::new();
    world.put("p", "0").await;
    for number in 1..=100 {
        let input = json!({"Name": "p", "Value": number.to_string(), "Overwrite": true});
        let answer = world.ssm("PutParameter", input).await.unwrap();
        assert_eq!(answer["Version"], number + 1);
    }
    let first = world.ssm("GetParameter", json!({"Name": "p:1"})).await;
    assert_eq!(first.unwrap_err().code, "ParameterVersionNotFound");
    let second = json!({"Name": "p:2", "WithDecryption": true});
    let second = world.ssm("GetParameter", second).await.unwrap();
    assert_eq!(second["Parameter"]["Value"], "1");
}

#[tokio::test]
async fn reading_needs_permission_for_that_parameter() {
    let world = World::new();
    world
        .put("/lab/hook", "https://hooks.example/T0/secret")
        .await;
    world
        .put("/other/hook", "https://hooks.example/T1/secret")
        .await;
    let resource = "arn:aws:ssm:us-east-1:123456789012:parameter/lab/*";
    let diana = world.user("ssm:GetParameter*", resource).await;
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
        let answer = world
            .call(diana.clone(), Service::Ssm, operation, input.clone())
            .await;
        match answer {
            Ok(_) => assert!(allowed, "{operation} {input}"),
            Err(error) => {
                assert!(!allowed, "{operation} {input}: {error}");
                assert_eq!((error.status, &*error.code), (400, "AccessDeniedException"));
            }
        }
    }
}

#[tokio::test]
async fn no_secret_is_written_down() {
    let world = World::new();
    world.put("/lab/hook", "hunter2").await;
    let sealed = world
        .ssm("GetParameter", json!({"Name": "/lab/hook"}))
        .await
        .unwrap();
    assert!(!sealed.to_string().contains("hunter2"));
    let tags = json!({"ResourceType": "Parameter", "ResourceId": "/lab/hook", "Tags": [{"Key": "a", "Value": "seen"}]});
    world.ssm("AddTagsToResource", tags).await.unwrap();
    let open = json!({"Name": "/lab/hook", "WithDecryption": true});
    let open = world.ssm("GetParameter", open).await.unwrap();
    assert_eq!(open["Parameter"]["Value"], "hunter2");
    let taken = json!({"Name": "/lab/hook", "Value": "hunter2", "Type": "SecureString", "Overwrite": true, "AllowedPattern": "^h$"});
    let refused = world.ssm("PutParameter", taken).await.unwrap_err();
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
    let world = World::new();
    let cfn = |name: &'static str, input| {
        world.call(Caller::Operator, Service::CloudFormation, name, input)
    };
    let settle = || async {
        while !world.sandbox.engine.is_idle() {
            tokio::task::yield_now().await;
        }
    };
    let template = |value: &str, kind: &str| {
        let parameter = json!({"Type": "AWS::SSM::Parameter",
            "Properties": {"Name": "/lab/policy", "Type": kind, "Value": value}});
        let outputs = json!({"Value": {"Value": {"Fn::GetAtt": ["P", "Value"]}}, "Name": {"Value": {"Ref": "P"}}});
        json!({"Resources": {"P": parameter}, "Outputs": outputs}).to_string()
    };
    let tags = json!([{"Key": "team", "Value": "blue"}]);
    let create = json!({"StackName": "s", "TemplateBody": template("one", "String"), "Tags": tags});
    cfn("CreateStack", create).await.unwrap();
    settle().await;
    let update = json!({"StackName": "s", "TemplateBody": template("two", "String"), "Tags": [{"Key": "team", "Value": "red"}]});
    cfn("UpdateStack", update).await.unwrap();
    settle().await;
    let events = cfn("DescribeStackEvents", json!({"StackName": "s"}))
        .await
        .unwrap();
    let shown = cfn("DescribeStacks", json!({"StackName": "s"}))
        .await
        .unwrap();
    assert_eq!(
        shown["Stacks"][0]["StackStatus"], "UPDATE_COMPLETE",
        "{events}"
    );
    assert!(
        shown.to_string().contains("\"OutputValue\":\"two\""),
        "{shown}"
    );
    let found = world
        .ssm("GetParameter", json!({"Name": "/lab/policy"}))
        .await
        .unwrap();
    assert_eq!(
        (&found["Parameter"]["Value"], &found["Parameter"]["Version"]),
        (&json!("two"), &json!(2))
    );
    let tags = json!({"ResourceType": "Parameter", "ResourceId": "/lab/policy"});
    let tags = world
        .ssm("ListTagsForResource", tags)
        .await
        .unwrap()
        .to_string();
    assert!(tags.contains("red") && !tags.contains("blue"), "{tags}");
    assert!(tags.contains("aws:cloudformation:stack-name"), "{tags}");
    cfn("DeleteStack", json!({"StackName": "s"})).await.unwrap();
    settle().await;
    let gone = world
        .ssm("GetParameter", json!({"Name": "/lab/policy"}))
        .await;
    assert_eq!(gone.unwrap_err().code, "ParameterNotFound");

    let secret = json!({"StackName": "t", "TemplateBody": template("x", "SecureString")});
    cfn("CreateStack", secret).await.unwrap();
    settle().await;
    let shown = cfn("DescribeStacks", json!({"StackName": "t"}))
        .await
        .unwrap();
    assert_eq!(shown["Stacks"][0]["StackStatus"], "ROLLBACK_COMPLETE");
}
