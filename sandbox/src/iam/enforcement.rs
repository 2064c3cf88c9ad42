//! `--enforce-iam`: the policies of every caller count.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::protocol::Operation;
use crate::sandbox::Settings;
use crate::service::Service;
use crate::testing;
use crate::testing::{ACCOUNT, user};

const DIANA: &str = "arn:aws:iam::123456789012:user/diana";

#[derive(Clone, Default)]
struct Diana;

/// Called by the operator; what the user diana does is said.
type World = testing::World<Diana>;

impl World {
    fn new(enforce_iam: bool) -> Self {
        let settings = Settings {
            enforce_iam,
            ..Settings::default()
        };
        Self::start_with(Service::Iam, settings)
    }

    fn by_diana(&self, service: Service) -> Self {
        self.of(service).by(user("diana"))
    }

    async fn with_diana(enforce_iam: bool) -> Self {
        let world = Self::new(enforce_iam);
        world.ok("CreateUser", json!({"UserName": "diana"})).await;
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
        self.ok("PutUserPolicy", input).await;
    }

    /// The role `R` that `principal` may assume and that may do `action`.
    async fn role_for(&self, principal: Value, action: &str) {
        self.role("R", principal).await;
        self.allow("R", json!(action), json!("*")).await;
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
        self.by_diana(Service::CloudFormation)
            .call("CreateStack", input)
            .await?;
        self.idle().await;
        let shown = self
            .of(Service::CloudFormation)
            .ok("DescribeStacks", json!({"StackName": name}))
            .await;
        let events = self
            .of(Service::CloudFormation)
            .ok("DescribeStackEvents", json!({"StackName": name}))
            .await;
        let status = shown["Stacks"][0]["StackStatus"].clone();
        let events = events["StackEvents"].to_string();
        Ok((status.as_str().unwrap().to_owned(), events))
    }
}

#[tokio::test]
async fn a_users_life() {
    let world = World::with_diana(false).await;
    let twice = world
        .refused("CreateUser", json!({"UserName": "Diana"}))
        .await;
    assert_eq!(twice, "EntityAlreadyExists");
    let name = json!({"UserName": "diana"});
    let made = world.ok("CreateAccessKey", name.clone()).await;
    let id = made["AccessKey"]["AccessKeyId"].as_str().unwrap();
    let opens = || {
        let now = world.sandbox.clock.now();
        world.sandbox.keys.lookup(id, now).map(|(_, caller)| caller)
    };
    assert_eq!(opens(), Some(user("diana")));
    let identity = world
        .by_diana(Service::Sts)
        .call("GetCallerIdentity", json!({}))
        .await;
    assert_eq!(identity.unwrap()["Arn"], DIANA);
    let own = world
        .by_diana(Service::Iam)
        .call("GetUser", json!({}))
        .await;
    assert_eq!(own.unwrap()["User"]["Arn"], DIANA);
    for (status, usable) in [("Inactive", false), ("Active", true)] {
        let input = json!({"UserName": "diana", "AccessKeyId": id, "Status": status});
        world.ok("UpdateAccessKey", input).await;
        assert_eq!(opens().is_some(), usable);
    }
    let delete = world.call("DeleteUser", name.clone());
    assert_eq!(delete.await.unwrap_err().code, "DeleteConflict");
    let input = json!({"UserName": "diana", "AccessKeyId": id});
    world.ok("DeleteAccessKey", input).await;
    assert_eq!(opens(), None);
    world.ok("DeleteUser", name.clone()).await;
    let gone = world.call("GetUser", name);
    assert_eq!(gone.await.unwrap_err().code, "NoSuchEntity");
}

#[tokio::test]
async fn without_enforcement_a_user_may_do_everything() {
    let world = World::with_diana(false).await;
    world
        .by_diana(Service::Ec2)
        .ok("DescribeVpcs", json!({}))
        .await;
}

#[tokio::test]
async fn a_users_policies_decide() {
    let world = World::with_diana(true).await;
    let vpcs = ("DescribeVpcs", json!({}));
    assert_eq!(
        world
            .by_diana(Service::Ec2)
            .refused(vpcs.0, vpcs.1.clone())
            .await,
        "UnauthorizedOperation"
    );
    let rules = world
        .by_diana(Service::Config)
        .refused("DescribeConfigRules", json!({}))
        .await;
    assert_eq!(rules, "AccessDeniedException");
    let readonly = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let unknown = json!({"UserName": "diana", "PolicyArn": format!("{readonly}X")});
    let unknown = world.call("AttachUserPolicy", unknown);
    assert_eq!(unknown.await.unwrap_err().code, "NoSuchEntity");

    world
        .let_diana("see", "Allow", json!("ec2:Describe*"), json!({}))
        .await;
    world
        .by_diana(Service::Ec2)
        .ok(vpcs.0, vpcs.1.clone())
        .await;
    let shown = world
        .by_diana(Service::Ec2)
        .ok("DescribeSecurityGroups", json!({}))
        .await;
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
        world
            .by_diana(Service::Ec2)
            .refused(authorize, open.clone())
            .await,
        "UnauthorizedOperation"
    );
    world
        .let_diana("open", "Allow", json!("ec2:Authorize*"), in_vpc(vpc))
        .await;
    world
        .by_diana(Service::Ec2)
        .ok(authorize, open.clone())
        .await;
    let only_diana = json!({"Condition": {"StringEquals": {"aws:username": "diana"}}});
    world
        .let_diana("no", "Deny", json!("ec2:DescribeVpcs"), only_diana)
        .await;
    assert_eq!(
        world.by_diana(Service::Ec2).refused(vpcs.0, vpcs.1).await,
        "UnauthorizedOperation"
    );
    let simulated = json!({"PolicySourceArn": DIANA,
        "ActionNames": ["ec2:DescribeSubnets", "ec2:DeleteVpc", "ec2:DescribeVpcs"],
        "ContextEntries": [{"ContextKeyName": "aws:username", "ContextKeyType": "string", "ContextKeyValues": ["diana"]}]});
    let simulated = world.ok("SimulatePrincipalPolicy", simulated);
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
            .of(Service::S3)
            .ok("CreateBucket", json!({"Bucket": "closed"}))
            .await;
        let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*",
            "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::closed"}]});
        let mut put = Operation::new(
            "PutBucketPolicy",
            json!({"Bucket": "closed", "Policy": policy.to_string()}),
        );
        put.body = bytes::Bytes::from(policy.to_string());
        world.of(Service::S3).perform(&put).await.unwrap();
        let list = json!({"Bucket": "closed"});
        let listed = world.of(Service::S3).call("ListObjectsV2", list).await;
        assert_eq!(listed.is_ok(), allowed, "enforced: {enforce}");
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
    let found = world
        .of(Service::CloudTrail)
        .ok("LookupEvents", input)
        .await;
    let record = found["Events"][0]["CloudTrailEvent"].as_str().unwrap();
    let record: Value = serde_json::from_str(record).unwrap();
    assert_eq!(record["errorCode"], "Client.UnauthorizedOperation");
    assert_eq!(record["userIdentity"]["userName"], "diana");
    let cloudformation = "cloudformation.amazonaws.com";
    assert_eq!(record["userIdentity"]["invokedBy"], cloudformation);
    assert_eq!(record["sourceIPAddress"], cloudformation);

    world
        .role_for(json!({"Service": "cloudformation.amazonaws.com"}), "ec2:*")
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
        world
            .by_diana(Service::Ec2)
            .refused("DescribeVpcs", json!({}))
            .await,
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
    world.by_diana(Service::Sns).ok("CreateTopic", plain).await;
    let tagged = json!({"Name": "tagged", "Tags": [{"Key": "k", "Value": "v"}]});
    let refused = world
        .by_diana(Service::Sns)
        .call("CreateTopic", tagged)
        .await;
    let refused = refused.unwrap_err();
    assert!(refused.message.contains("sns:TagResource"), "{refused}");
}

#[tokio::test]
async fn that_an_object_is_missing_is_for_those_to_know_who_may_list_its_bucket() {
    let world = World::with_diana(true).await;
    world
        .of(Service::S3)
        .ok("CreateBucket", json!({"Bucket": "box"}))
        .await;
    world
        .let_diana("get", "Allow", json!("s3:GetObject"), json!({}))
        .await;
    let missing = json!({"Bucket": "box", "Key": "k"});
    let objects = world.by_diana(Service::S3);
    let head = || objects.call("HeadObject", missing.clone());
    assert_eq!(head().await.unwrap_err().code, "AccessDenied");
    world
        .let_diana("list", "Allow", json!("s3:ListBucket"), json!({}))
        .await;
    assert_eq!(head().await.unwrap_err().code, "NoSuchKey");
}

#[tokio::test]
async fn a_trust_policy_that_names_a_user_is_enough() {
    let role = format!("arn:aws:iam::{ACCOUNT}:role/R");
    let assume = json!({"RoleArn": role, "RoleSessionName": "session"});
    let named = World::with_diana(true).await;
    named.role_for(json!({"AWS": DIANA}), "ec2:*").await;
    named
        .by_diana(Service::Sts)
        .ok("AssumeRole", assume.clone())
        .await;
    // Where the trust policy names the account, the user's own policies must allow it, too.
    let account = World::with_diana(true).await;
    account.role_for(json!({"AWS": ACCOUNT}), "ec2:*").await;
    let refused = account
        .by_diana(Service::Sts)
        .refused("AssumeRole", assume.clone())
        .await;
    assert_eq!(refused, "AccessDenied");
    account
        .let_diana("assume", "Allow", json!("sts:AssumeRole"), json!({}))
        .await;
    account
        .by_diana(Service::Sts)
        .ok("AssumeRole", assume)
        .await;
}
