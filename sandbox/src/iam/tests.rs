//! IAM through the front door.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use serde_json::{Value, json};

use super::*;
use crate::service::Service;
use crate::testing;
use crate::testing::session_of;

#[derive(Clone, Default)]
struct Rights;

type World = testing::World<Rights>;

impl World {
    fn new() -> Self {
        Self::start(Service::Iam)
    }

    /// A role that functions of this account may assume.
    async fn lambdas_role(&self, name: &str) {
        self.ok(
            "CreateRole",
            json!({"RoleName": name, "AssumeRolePolicyDocument": TRUST}),
        )
        .await;
    }

    fn decide(&self, access: &Access) -> Decision {
        let caller = session_of("R");
        self.enter(|call| decide(call.account, &caller, access))
    }
}

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:SourceAccount":"123456789012"}}}]}"#;
const READ: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"}]}"#;
const BASIC: &str = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";

#[tokio::test]
async fn a_roles_life() {
    let world = World::new();
    let made = world
        .ok(
            "CreateRole",
            json!({"RoleName": "R", "Path": "/lab/", "AssumeRolePolicyDocument": TRUST, "Tags": [{"Key": "driftlab:lab", "Value": "x"}]}),
        )
        .await;
    assert_eq!(made["Role"]["Arn"], "arn:aws:iam::123456789012:role/lab/R");
    let got = world.ok("GetRole", json!({"RoleName": "R"})).await;
    let encoded = got["Role"]["AssumeRolePolicyDocument"].as_str().unwrap();
    assert!(encoded.starts_with("%7B%22Version%22%3A%222012-10-17%22%2C"));
    assert_eq!(
        got["Role"]["Tags"],
        json!([{"Key": "driftlab:lab", "Value": "x"}])
    );
    let taken = world.code(
        "CreateRole",
        json!({"RoleName": "r", "AssumeRolePolicyDocument": TRUST}),
    );
    assert_eq!(taken.await, "409 EntityAlreadyExists");

    world
        .ok(
            "PutRolePolicy",
            json!({"RoleName": "R", "PolicyName": "P", "PolicyDocument": READ}),
        )
        .await;
    world
        .ok(
            "AttachRolePolicy",
            json!({"RoleName": "R", "PolicyArn": BASIC}),
        )
        .await;
    let conflict = "409 DeleteConflict";
    assert_eq!(
        world.code("DeleteRole", json!({"RoleName": "R"})).await,
        conflict
    );
    world
        .ok(
            "DetachRolePolicy",
            json!({"RoleName": "R", "PolicyArn": BASIC}),
        )
        .await;
    assert_eq!(
        world.code("DeleteRole", json!({"RoleName": "R"})).await,
        conflict
    );
    world
        .ok(
            "DeleteRolePolicy",
            json!({"RoleName": "R", "PolicyName": "P"}),
        )
        .await;
    world.ok("DeleteRole", json!({"RoleName": "R"})).await;
    let gone = "404 NoSuchEntity";
    assert_eq!(world.code("GetRole", json!({"RoleName": "R"})).await, gone);
}

#[tokio::test]
async fn errors_have_aws_codes() {
    let world = World::new();
    world.lambdas_role("R").await;
    let gone = "404 NoSuchEntity";
    let unknown = "arn:aws:iam::aws:policy/service-role/AWSConfigRole";
    assert_eq!(
        world
            .code(
                "AttachRolePolicy",
                json!({"RoleName": "R", "PolicyArn": unknown})
            )
            .await,
        gone
    );
    assert_eq!(
        world
            .code(
                "DetachRolePolicy",
                json!({"RoleName": "R", "PolicyArn": BASIC})
            )
            .await,
        gone
    );
    assert_eq!(
        world
            .code("GetRolePolicy", json!({"RoleName": "R", "PolicyName": "P"}))
            .await,
        gone
    );
    assert_eq!(
        world
            .code(
                "PutRolePolicy",
                json!({"RoleName": "X", "PolicyName": "P", "PolicyDocument": READ})
            )
            .await,
        gone
    );
    let malformed = "400 MalformedPolicyDocument";
    assert_eq!(
        world
            .code(
                "PutRolePolicy",
                json!({"RoleName": "R", "PolicyName": "P", "PolicyDocument": TRUST})
            )
            .await,
        malformed
    );
    assert_eq!(
        world
            .code(
                "CreateRole",
                json!({"RoleName": "S", "AssumeRolePolicyDocument": "{"})
            )
            .await,
        malformed
    );
    let invalid = "400 ValidationError";
    assert_eq!(
        world
            .code(
                "CreateRole",
                json!({"RoleName": "a b", "AssumeRolePolicyDocument": TRUST})
            )
            .await,
        invalid
    );
    assert_eq!(world.code("GetRole", json!({})).await, invalid);
    assert_eq!(
        world.code("CreateGroup", json!({"GroupName": "g"})).await,
        "501 NotImplemented"
    );
    assert_eq!(
        world
            .code("GetRole", json!({"RoleName": "R", "Colour": "red"}))
            .await,
        "501 NotImplemented"
    );
}

#[tokio::test]
async fn managed_policies_of_the_account() {
    let world = World::new();
    world.lambdas_role("R").await;
    let made = world
        .ok(
            "CreatePolicy",
            json!({"PolicyName": "P", "PolicyDocument": READ}),
        )
        .await;
    let arn = made["Policy"]["Arn"].as_str().unwrap();
    assert_eq!(arn, "arn:aws:iam::123456789012:policy/P");
    world
        .ok(
            "AttachRolePolicy",
            json!({"RoleName": "R", "PolicyArn": arn}),
        )
        .await;
    assert_eq!(
        world.decide(&Access::anywhere("ec2", "DescribeVpcs")),
        Decision::Allowed
    );
    assert_eq!(
        world.code("DeletePolicy", json!({"PolicyArn": arn})).await,
        "409 DeleteConflict"
    );
    let entities = world
        .ok("ListEntitiesForPolicy", json!({"PolicyArn": arn}))
        .await;
    assert_eq!(entities["PolicyRoles"][0]["RoleName"], "R");
    let local = world.ok("ListPolicies", json!({"Scope": "Local"})).await;
    assert_eq!(local["Policies"].as_array().unwrap().len(), 1);
    world
        .ok(
            "DetachRolePolicy",
            json!({"RoleName": "R", "PolicyArn": arn}),
        )
        .await;
    world.ok("DeletePolicy", json!({"PolicyArn": arn})).await;
    assert!(matches!(
        world.decide(&Access::anywhere("ec2", "DescribeVpcs")),
        Decision::Denied(why) if why == "no identity-based policy allows the ec2:DescribeVpcs action"
    ));
}

#[tokio::test]
async fn the_version_in_force_decides() {
    let world = World::new();
    world.lambdas_role("R").await;
    let arn = "arn:aws:iam::123456789012:policy/P";
    let read = Access::anywhere("ec2", "DescribeVpcs");
    world
        .ok(
            "CreatePolicy",
            json!({"PolicyName": "P", "PolicyDocument": READ}),
        )
        .await;
    world
        .ok(
            "AttachRolePolicy",
            json!({"RoleName": "R", "PolicyArn": arn}),
        )
        .await;
    let denying = READ.replace("Allow", "Deny");
    let made = world
        .ok(
            "CreatePolicyVersion",
            json!({"PolicyArn": arn, "PolicyDocument": denying}),
        )
        .await;
    assert_eq!(made["PolicyVersion"]["VersionId"], "v2");
    assert_eq!(world.decide(&read), Decision::Allowed);
    world
        .ok(
            "SetDefaultPolicyVersion",
            json!({"PolicyArn": arn, "VersionId": "v2"}),
        )
        .await;
    assert!(matches!(world.decide(&read), Decision::Denied(_)));
    let conflict = "409 DeleteConflict";
    assert_eq!(
        world
            .code(
                "DeletePolicyVersion",
                json!({"PolicyArn": arn, "VersionId": "v2"})
            )
            .await,
        conflict
    );
    world
        .ok(
            "DetachRolePolicy",
            json!({"RoleName": "R", "PolicyArn": arn}),
        )
        .await;
    assert_eq!(
        world.code("DeletePolicy", json!({"PolicyArn": arn})).await,
        conflict
    );
    world
        .ok(
            "DeletePolicyVersion",
            json!({"PolicyArn": arn, "VersionId": "v1"}),
        )
        .await;
    let next = world
        .ok(
            "CreatePolicyVersion",
            json!({"PolicyArn": arn, "PolicyDocument": READ}),
        )
        .await;
    assert_eq!(next["PolicyVersion"]["VersionId"], "v3");
    let listed = world
        .ok("ListPolicyVersions", json!({"PolicyArn": arn}))
        .await;
    assert_eq!(listed["Versions"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn pages_cover_everything_once() {
    let world = World::new();
    for i in 0..7 {
        world.lambdas_role(&format!("role{i}")).await;
    }
    let mut seen = Vec::new();
    let mut marker = Value::Null;
    loop {
        let page = world
            .ok("ListRoles", json!({"MaxItems": "3", "Marker": marker}))
            .await;
        seen.extend(
            page["Roles"]
                .as_array()
                .unwrap()
                .iter()
                .map(|role| role["RoleName"].clone()),
        );
        if page["IsTruncated"] == false {
            break;
        }
        marker = page["Marker"].clone();
    }
    assert_eq!(
        seen,
        (0..7)
            .map(|i| json!(format!("role{i}")))
            .collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_boundary_limits_and_grants_nothing() {
    let world = World::new();
    world
        .ok(
            "CreatePolicy",
            json!({"PolicyName": "B", "PolicyDocument": READ}),
        )
        .await;
    world
        .ok(
            "CreateRole",
            json!({"RoleName": "R", "AssumeRolePolicyDocument": TRUST, "PermissionsBoundary": "arn:aws:iam::123456789012:policy/B"}),
        )
        .await;
    let describe = Access::anywhere("ec2", "DescribeVpcs");
    assert!(matches!(world.decide(&describe), Decision::Denied(_)));
    let admin = "arn:aws:iam::aws:policy/AdministratorAccess";
    world
        .ok(
            "AttachRolePolicy",
            json!({"RoleName": "R", "PolicyArn": admin}),
        )
        .await;
    assert_eq!(world.decide(&describe), Decision::Allowed);
    assert!(matches!(
        world.decide(&Access::anywhere("ec2", "CreateVpc")),
        Decision::Denied(_)
    ));
}

#[tokio::test]
async fn a_boundary_can_be_set_and_taken_away() {
    let world = World::new();
    let boundary = json!({"PolicyName": "B", "PolicyDocument": READ});
    world.ok("CreatePolicy", boundary).await;
    world.lambdas_role("R").await;
    let admin = "arn:aws:iam::aws:policy/AdministratorAccess";
    let attach = json!({"RoleName": "R", "PolicyArn": admin});
    world.ok("AttachRolePolicy", attach).await;
    let make = Access::anywhere("ec2", "CreateVpc");
    assert_eq!(world.decide(&make), Decision::Allowed);
    let put = json!({"RoleName": "R", "PermissionsBoundary": "arn:aws:iam::123456789012:policy/B"});
    world.ok("PutRolePermissionsBoundary", put).await;
    assert!(matches!(world.decide(&make), Decision::Denied(_)));
    let simulate = json!({"PolicySourceArn": "arn:aws:iam::123456789012:role/R", "ActionNames": ["ec2:CreateVpc"]});
    let simulated = world.ok("SimulatePrincipalPolicy", simulate).await;
    let detail = &simulated["EvaluationResults"][0]["PermissionsBoundaryDecisionDetail"];
    assert_eq!(detail["AllowedByPermissionsBoundary"], json!(false));
    let role = json!({"RoleName": "R"});
    world
        .ok("DeleteRolePermissionsBoundary", role.clone())
        .await;
    assert_eq!(world.decide(&make), Decision::Allowed);
    let missing = "404 NoSuchEntity";
    let again = world.code("DeleteRolePermissionsBoundary", role).await;
    assert_eq!(again, missing);
    let absent =
        json!({"RoleName": "R", "PermissionsBoundary": "arn:aws:iam::123456789012:policy/C"});
    let refused = world.code("PutRolePermissionsBoundary", absent).await;
    assert_eq!(refused, missing);
}

#[tokio::test]
async fn who_may_assume_a_role() {
    let world = World::new();
    world.lambdas_role("R").await;
    let assumable =
        |arn: &str, principal: &str| world.enter(|call| assumable(call.account, arn, principal));
    let arn = "arn:aws:iam::123456789012:role/R";
    assert_eq!(assumable(arn, "lambda.amazonaws.com"), Ok(()));
    assert!(
        assumable(arn, "config.amazonaws.com")
            .unwrap_err()
            .contains("trust policy")
    );
    assert!(
        assumable("arn:aws:iam::123456789012:role/S", "lambda.amazonaws.com")
            .unwrap_err()
            .contains("does not exist")
    );
    assert!(assumable("arn:aws:iam::210987654321:role/R", "lambda.amazonaws.com").is_err());
    // The condition on the source account is looked at.
    world
        .ok(
            "UpdateAssumeRolePolicy",
            json!({"RoleName": "R", "PolicyDocument": TRUST.replace("123456789012", "210987654321")}),
        )
        .await;
    assert!(assumable(arn, "lambda.amazonaws.com").is_err());
}

#[tokio::test]
async fn a_role_session_is_refused_in_the_words_of_aws() {
    let world = World::new();
    world.lambdas_role("R").await;
    let session = world.by(session_of("R"));
    let list = || session.call("ListRoles", json!({}));
    let error = list().await.unwrap_err();
    assert_eq!((error.status, &*error.code), (403, "AccessDenied"));
    assert_eq!(
        error.message,
        "User: arn:aws:sts::123456789012:assumed-role/R/f is not authorized to perform: iam:ListRoles on resource: * because no identity-based policy allows the iam:ListRoles action"
    );
    let document = |effect: &str| {
        json!({"Version": "2012-10-17", "Statement": {"Effect": effect, "Action": "iam:List*", "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "true"}, "StringEquals": {"aws:RequestedRegion": "us-east-1"}}}})
        .to_string()
    };
    let put = |name: &'static str, effect: &'static str| {
        world.ok(
            "PutRolePolicy",
            json!({"RoleName": "R", "PolicyName": name, "PolicyDocument": document(effect)}),
        )
    };
    put("allow", "Allow").await;
    list().await.unwrap();
    put("deny", "Deny").await;
    assert!(
        list()
            .await
            .unwrap_err()
            .message
            .ends_with("with an explicit deny in an identity-based policy")
    );
}

#[tokio::test]
async fn simulation_agrees_with_the_evaluation() {
    let world = World::new();
    world.lambdas_role("R").await;
    world
        .ok(
            "PutRolePolicy",
            json!({"RoleName": "R", "PolicyName": "P", "PolicyDocument": READ}),
        )
        .await;
    let answer = world
        .ok(
            "SimulatePrincipalPolicy",
            json!({"PolicySourceArn": "arn:aws:iam::123456789012:role/R", "ActionNames": ["ec2:DescribeVpcs", "ec2:CreateVpc"]}),
        )
        .await;
    let decisions: Vec<_> = answer["EvaluationResults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["EvalDecision"].clone())
        .collect();
    assert_eq!(decisions, [json!("allowed"), json!("implicitDeny")]);
}

#[tokio::test]
async fn accounts_do_not_see_each_other() {
    let world = World::new();
    world.lambdas_role("R").await;
    let other = world.in_account("210987654321");
    let roles = other.ok("ListRoles", json!({})).await;
    assert_eq!(roles["Roles"], json!([]));
}

/// moto, verified on AWS (0af643a5): the case of a tag's key does not count, and a name is no ARN.
#[tokio::test]
async fn tags_and_arns_are_refused_in_iams_words() {
    let world: World = World::start(Service::Iam);
    world
        .role("r", json!({"Service": "lambda.amazonaws.com"}))
        .await;
    for (tags, code) in [
        (
            json!([{"Key": "Foo", "Value": "1"}, {"Key": "foo", "Value": "2"}]),
            "400 InvalidInput",
        ),
        (
            json!([{"Key": "NOWAY!", "Value": "1"}]),
            "400 ValidationError",
        ),
    ] {
        let input = json!({"RoleName": "r", "Tags": tags});
        assert_eq!(world.code("TagRole", input).await, code);
    }
    for (arn, code) in [
        ("no-arn-but-a-very-long-name", "400 InvalidInput"),
        (
            "arn:aws:iam::aws:policy/AWSLambdaExecute",
            "404 NoSuchEntity",
        ),
        (
            "arn:aws:iam::123456789012:policy/absent",
            "404 NoSuchEntity",
        ),
    ] {
        let input = json!({"RoleName": "r", "PolicyArn": arn});
        assert_eq!(world.code("AttachRolePolicy", input).await, code, "{arn}");
    }
}
