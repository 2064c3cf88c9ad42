//! `--enforce-iam`: the policies of every caller count.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::sync::Arc;

use serde_json::{Value, json};

use crate::caller::Caller;
use crate::error::ApiError;
use crate::ids::{AccountId, Region};
use crate::sandbox::{Sandbox, Settings, Target};
use crate::service::Service;

const ACCOUNT: &str = "123456789012";
const DIANA: &str = "arn:aws:iam::123456789012:user/diana";

struct World {
    sandbox: Arc<Sandbox>,
}

impl World {
    fn new(enforce_iam: bool) -> Self {
        let settings = Settings {
            enforce_iam,
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
            AccountId::parse(ACCOUNT).unwrap(),
            Region::parse("us-east-1").unwrap(),
            caller,
        );
        self.sandbox
            .perform_value(&target, service, name, input)
            .await
    }

    async fn ok(&self, service: Service, name: &str, input: Value) -> Value {
        self.call(Caller::Operator, service, name, input)
            .await
            .unwrap()
    }

    async fn diana(&self, service: Service, name: &str, input: Value) -> Result<Value, ApiError> {
        let caller = Caller::User {
            name: "diana".to_owned(),
        };
        self.call(caller, service, name, input).await
    }

    /// The code with which diana is refused.
    async fn refused(&self, service: Service, name: &str, input: Value) -> String {
        let refused = self.diana(service, name, input).await;
        refused.unwrap_err().code.into_owned()
    }

    async fn with_diana(enforce_iam: bool) -> Self {
        let world = Self::new(enforce_iam);
        world
            .ok(Service::Iam, "CreateUser", json!({"UserName": "diana"}))
            .await;
        world
    }

    async fn let_diana(&self, name: &str, effect: &str, action: Value, more: Value) {
        let mut statement = json!({"Effect": effect, "Action": action, "Resource": "*"});
        for (member, value) in more.as_object().unwrap() {
            statement[member] = value.clone();
        }
        let document = json!({"Version": "2012-10-17", "Statement": [statement]});
        let input = json!({"UserName": "diana", "PolicyName": name,
            "PolicyDocument": document.to_string()});
        self.ok(Service::Iam, "PutUserPolicy", input).await;
    }

    async fn role(&self, principal: Value, action: &str) {
        let trust = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]});
        let input = json!({"RoleName": "R", "AssumeRolePolicyDocument": trust.to_string()});
        self.ok(Service::Iam, "CreateRole", input).await;
        let document = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": action, "Resource": "*"}]});
        let input = json!({"RoleName": "R", "PolicyName": "p",
            "PolicyDocument": document.to_string()});
        self.ok(Service::Iam, "PutRolePolicy", input).await;
    }

    /// Makes a stack with one security group as diana; how it ended.
    async fn stack(&self, name: &str, role: Option<&str>) -> Result<(String, String), ApiError> {
        let group = json!({"Type": "AWS::EC2::SecurityGroup",
            "Properties": {"GroupDescription": "g"}});
        self.stack_of(name, role, group).await
    }

    /// The same with one resource of any kind.
    async fn stack_of(
        &self,
        name: &str,
        role: Option<&str>,
        resource: Value,
    ) -> Result<(String, String), ApiError> {
        let template = json!({"Resources": {"It": resource}});
        let mut input = json!({"StackName": name, "TemplateBody": template.to_string()});
        if let Some(role) = role {
            input["RoleARN"] = json!(role);
        }
        self.diana(Service::CloudFormation, "CreateStack", input)
            .await?;
        while !self.sandbox.engine.is_idle() {
            tokio::task::yield_now().await;
        }
        let shown = self.ok(
            Service::CloudFormation,
            "DescribeStacks",
            json!({"StackName": name}),
        );
        let events = self.ok(
            Service::CloudFormation,
            "DescribeStackEvents",
            json!({"StackName": name}),
        );
        let status = shown.await["Stacks"][0]["StackStatus"].clone();
        let events = events.await["StackEvents"].to_string();
        Ok((status.as_str().unwrap().to_owned(), events))
    }
}

#[tokio::test]
async fn a_users_life() {
    let world = World::with_diana(false).await;
    let twice = world
        .call(
            Caller::Operator,
            Service::Iam,
            "CreateUser",
            json!({"UserName": "Diana"}),
        )
        .await;
    assert_eq!(twice.unwrap_err().code, "EntityAlreadyExists");
    let name = json!({"UserName": "diana"});
    let made = world
        .ok(Service::Iam, "CreateAccessKey", name.clone())
        .await;
    let id = made["AccessKey"]["AccessKeyId"].as_str().unwrap();
    let opens = || {
        let now = world.sandbox.clock.now();
        world.sandbox.keys.lookup(id, now).map(|(_, caller)| caller)
    };
    let diana = Caller::User {
        name: "diana".to_owned(),
    };
    assert_eq!(opens(), Some(diana));
    let identity = world.diana(Service::Sts, "GetCallerIdentity", json!({}));
    assert_eq!(identity.await.unwrap()["Arn"], DIANA);
    let own = world.diana(Service::Iam, "GetUser", json!({})).await;
    assert_eq!(own.unwrap()["User"]["Arn"], DIANA);
    for (status, usable) in [("Inactive", false), ("Active", true)] {
        let input = json!({"UserName": "diana", "AccessKeyId": id, "Status": status});
        world.ok(Service::Iam, "UpdateAccessKey", input).await;
        assert_eq!(opens().is_some(), usable);
    }
    let delete = world.call(Caller::Operator, Service::Iam, "DeleteUser", name.clone());
    assert_eq!(delete.await.unwrap_err().code, "DeleteConflict");
    let input = json!({"UserName": "diana", "AccessKeyId": id});
    world.ok(Service::Iam, "DeleteAccessKey", input).await;
    assert_eq!(opens(), None);
    world.ok(Service::Iam, "DeleteUser", name.clone()).await;
    let gone = world.call(Caller::Operator, Service::Iam, "GetUser", name);
    assert_eq!(gone.await.unwrap_err().code, "NoSuchEntity");
}

#[tokio::test]
async fn without_enforcement_a_user_may_do_everything() {
    let world = World::with_diana(false).await;
    world
        .diana(Service::Ec2, "DescribeVpcs", json!({}))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_users_policies_decide() {
    let world = World::with_diana(true).await;
    let vpcs = ("DescribeVpcs", json!({}));
    assert_eq!(
        world.refused(Service::Ec2, vpcs.0, vpcs.1.clone()).await,
        "UnauthorizedOperation"
    );
    let rules = world.refused(Service::Config, "DescribeConfigRules", json!({}));
    assert_eq!(rules.await, "AccessDeniedException");
    let readonly = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let unknown = json!({"UserName": "diana", "PolicyArn": format!("{readonly}X")});
    let unknown = world.call(Caller::Operator, Service::Iam, "AttachUserPolicy", unknown);
    assert_eq!(unknown.await.unwrap_err().code, "NoSuchEntity");

    world
        .let_diana("see", "Allow", json!("ec2:Describe*"), json!({}))
        .await;
    world
        .diana(Service::Ec2, vpcs.0, vpcs.1.clone())
        .await
        .unwrap();
    let shown = world
        .diana(Service::Ec2, "DescribeSecurityGroups", json!({}))
        .await
        .unwrap();
    let group = &shown["securityGroupInfo"][0];
    let vpc = group["vpcId"].as_str().unwrap();
    let open = json!({"GroupId": group["groupId"], "IpPermissions": [{"IpProtocol": "tcp",
        "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]});
    let authorize = "AuthorizeSecurityGroupIngress";
    let in_vpc = |vpc: &str| {
        let arn = format!("arn:aws:ec2:us-east-1:{ACCOUNT}:vpc/{vpc}");
        json!({"Condition": {"ArnEquals": {"ec2:Vpc": arn}}})
    };
    world
        .let_diana("open", "Allow", json!("ec2:Authorize*"), in_vpc("vpc-0"))
        .await;
    assert_eq!(
        world.refused(Service::Ec2, authorize, open.clone()).await,
        "UnauthorizedOperation"
    );
    world
        .let_diana("open", "Allow", json!("ec2:Authorize*"), in_vpc(vpc))
        .await;
    world
        .diana(Service::Ec2, authorize, open.clone())
        .await
        .unwrap();
    let only_diana = json!({"Condition": {"StringEquals": {"aws:username": "diana"}}});
    world
        .let_diana("no", "Deny", json!("ec2:DescribeVpcs"), only_diana)
        .await;
    assert_eq!(
        world.refused(Service::Ec2, vpcs.0, vpcs.1).await,
        "UnauthorizedOperation"
    );
    let simulated = json!({"PolicySourceArn": DIANA,
        "ActionNames": ["ec2:DescribeSubnets", "ec2:DeleteVpc", "ec2:DescribeVpcs"],
        "ContextEntries": [{"ContextKeyName": "aws:username", "ContextKeyType": "string", "ContextKeyValues": ["diana"]}]});
    let simulated = world.ok(Service::Iam, "SimulatePrincipalPolicy", simulated);
    let results = simulated.await["EvaluationResults"].clone();
    let decisions = results.as_array().unwrap().iter();
    let decisions: Vec<_> = decisions
        .map(|result| result["EvalDecision"].as_str().unwrap())
        .collect();
    assert_eq!(decisions, ["allowed", "implicitDeny", "explicitDeny"]);
}

#[tokio::test]
async fn even_an_operator_is_denied_by_a_resource() {
    for (enforce, allowed) in [(false, true), (true, false)] {
        let world = World::new(enforce);
        world
            .ok(Service::S3, "CreateBucket", json!({"Bucket": "closed"}))
            .await;
        let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*",
            "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::closed"}]});
        let mut put = crate::protocol::Operation::new(
            "PutBucketPolicy",
            json!({"Bucket": "closed", "Policy": policy.to_string()}),
        );
        put.body = bytes::Bytes::from(policy.to_string());
        let target = Target::new(
            AccountId::parse(ACCOUNT).unwrap(),
            Region::parse("us-east-1").unwrap(),
            Caller::Operator,
        );
        world
            .sandbox
            .perform(&target, Service::S3, &put)
            .await
            .unwrap();
        let list = json!({"Bucket": "closed"});
        let listed = world.call(Caller::Operator, Service::S3, "ListObjectsV2", list);
        assert_eq!(listed.await.is_ok(), allowed, "enforced: {enforce}");
    }
}

#[tokio::test]
async fn a_stack_is_made_with_the_rights_of_who_asks_for_it() {
    let world = World::with_diana(true).await;
    let create = json!("cloudformation:CreateStack");
    world.let_diana("stack", "Allow", create, json!({})).await;
    let (status, events) = world.stack("one", None).await.unwrap();
    assert_eq!(status, "ROLLBACK_COMPLETE");
    assert!(events.contains("ec2:CreateSecurityGroup"), "{events}");
    // The history tells who asked, and who acted.
    let attributes =
        json!([{"AttributeKey": "EventName", "AttributeValue": "CreateSecurityGroup"}]);
    let input = json!({ "LookupAttributes": attributes });
    let found = world.ok(Service::CloudTrail, "LookupEvents", input).await;
    let record = found["Events"][0]["CloudTrailEvent"].as_str().unwrap();
    let record: Value = serde_json::from_str(record).unwrap();
    assert_eq!(record["errorCode"], "Client.UnauthorizedOperation");
    assert_eq!(record["userIdentity"]["userName"], "diana");
    let cloudformation = "cloudformation.amazonaws.com";
    assert_eq!(record["userIdentity"]["invokedBy"], cloudformation);
    assert_eq!(record["sourceIPAddress"], cloudformation);

    world
        .role(json!({"Service": "cloudformation.amazonaws.com"}), "ec2:*")
        .await;
    let role = format!("arn:aws:iam::{ACCOUNT}:role/R");
    let refused = world.stack("two", Some(&role)).await.unwrap_err();
    assert!(refused.message.contains("iam:PassRole"), "{refused}");
    let to_cloudformation = json!({"Resource": role, "Condition":
        {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}});
    world
        .let_diana("pass", "Allow", json!("iam:PassRole"), to_cloudformation)
        .await;
    let (status, events) = world.stack("two", Some(&role)).await.unwrap();
    assert_eq!(status, "CREATE_COMPLETE", "{events}");

    world
        .let_diana("ec2", "Allow", json!("ec2:*"), json!({}))
        .await;
    let (status, events) = world.stack("three", None).await.unwrap();
    assert_eq!(status, "CREATE_COMPLETE", "{events}");
}

#[tokio::test]
async fn what_is_allowed_through_cloudformation_is_not_allowed_directly() {
    let world = World::with_diana(true).await;
    let create = json!("cloudformation:CreateStack");
    world.let_diana("stack", "Allow", create, json!({})).await;
    let via = json!({"Condition": {"ForAnyValue:StringEquals":
        {"aws:CalledVia": "cloudformation.amazonaws.com"}}});
    world.let_diana("ec2", "Allow", json!("ec2:*"), via).await;
    assert_eq!(
        world.refused(Service::Ec2, "DescribeVpcs", json!({})).await,
        "UnauthorizedOperation"
    );
    let (status, events) = world.stack("one", None).await.unwrap();
    assert_eq!(status, "CREATE_COMPLETE", "{events}");
}

#[tokio::test]
async fn a_stack_needs_the_right_to_look_at_what_it_makes() {
    let world = World::with_diana(true).await;
    for action in ["cloudformation:*", "ec2:*"] {
        world
            .let_diana(&action[..3], "Allow", json!(action), json!({}))
            .await;
    }
    world
        .let_diana("no", "Deny", json!("ec2:DescribeVpcAttribute"), json!({}))
        .await;
    let vpc = json!({"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}});
    let (status, events) = world.stack_of("one", None, vpc).await.unwrap();
    assert_eq!(status, "ROLLBACK_COMPLETE");
    assert!(events.contains("ec2:DescribeVpcAttribute"), "{events}");
}

#[tokio::test]
async fn who_makes_something_with_tags_must_be_allowed_to_tag_it() {
    let world = World::with_diana(true).await;
    world
        .let_diana("make", "Allow", json!("sns:CreateTopic"), json!({}))
        .await;
    let plain = json!({"Name": "plain"});
    world
        .diana(Service::Sns, "CreateTopic", plain)
        .await
        .unwrap();
    let tagged = json!({"Name": "tagged", "Tags": [{"Key": "k", "Value": "v"}]});
    let refused = world.diana(Service::Sns, "CreateTopic", tagged).await;
    let refused = refused.unwrap_err();
    assert!(refused.message.contains("sns:TagResource"), "{refused}");
}

#[tokio::test]
async fn that_an_object_is_missing_is_for_those_to_know_who_may_list_its_bucket() {
    let world = World::with_diana(true).await;
    world
        .ok(Service::S3, "CreateBucket", json!({"Bucket": "box"}))
        .await;
    world
        .let_diana("get", "Allow", json!("s3:GetObject"), json!({}))
        .await;
    let missing = json!({"Bucket": "box", "Key": "k"});
    let head = |world| World::diana(world, Service::S3, "HeadObject", missing.clone());
    assert_eq!(head(&world).await.unwrap_err().code, "AccessDenied");
    world
        .let_diana("list", "Allow", json!("s3:ListBucket"), json!({}))
        .await;
    assert_eq!(head(&world).await.unwrap_err().code, "NoSuchKey");
}

#[tokio::test]
async fn a_trust_policy_that_names_a_user_is_enough() {
    let role = format!("arn:aws:iam::{ACCOUNT}:role/R");
    let assume = json!({"RoleArn": role, "RoleSessionName": "session"});
    let named = World::with_diana(true).await;
    named.role(json!({"AWS": DIANA}), "ec2:*").await;
    named
        .diana(Service::Sts, "AssumeRole", assume.clone())
        .await
        .unwrap();
    // Where the trust policy names the account, the user's own policies must allow it, too.
    let account = World::with_diana(true).await;
    account.role(json!({"AWS": ACCOUNT}), "ec2:*").await;
    let refused = account.refused(Service::Sts, "AssumeRole", assume.clone());
    assert_eq!(refused.await, "AccessDenied");
    account
        .let_diana("assume", "Allow", json!("sts:AssumeRole"), json!({}))
        .await;
    account
        .diana(Service::Sts, "AssumeRole", assume)
        .await
        .unwrap();
}
