//! What is refused unless somebody insists, and what companies demand.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use driftlab::error::Kind;
use driftlab::permissions::Part;
use sandbox::caller::Caller;
use sandbox::service::Service;
use serde_json::json;
use std::collections::BTreeSet;
use trials::census::Thing;
use trials::expected::{flaws_of_healed, flaws_of_ready};
use trials::furnish::{boundary, user};
use trials::trial::{in_lab, in_world};
use trials::world::{quick, strict};
use trials::{ACCOUNT, Census, Lab, Options, REGION};

use super::doctor::names;

#[test]
fn a_wider_scope_needs_the_accounts_id_and_then_works() {
    in_lab(quick(), async |world, lab| {
        let before = Census::of(world).await;
        for more in [&[][..], &["--confirm-account", "210987654321"]] {
            let mut line = vec!["deploy", "--scope", "account"];
            line.extend(more);
            let told = lab.run(&line).await;
            assert_eq!(told.kind(), Some(Kind::Refused), "{}", told.text);
            assert!(told.failure().contains(ACCOUNT), "{}", told.failure());
        }
        assert_eq!(before.since(world).await, "");

        let confirmed = ["deploy", "--scope", "account", "--account", ACCOUNT];
        lab.ok(&confirmed).await;
        // A group that the lab did not make, in the default VPC: now it is within reach, and is put right.
        let group = json!({"GroupName": "elsewhere", "GroupDescription": "of somebody else"});
        let group = world.call(Service::Ec2, "CreateSecurityGroup", group).await["groupId"].clone();
        let open = json!({"GroupId": group, "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 22,
            "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]});
        world
            .call(Service::Ec2, "AuthorizeSecurityGroupIngress", open)
            .await;
        world.idle().await;
        let shown = json!({ "GroupId": [group] });
        let shown = world
            .call(Service::Ec2, "DescribeSecurityGroups", shown)
            .await;
        let rules = shown["securityGroupInfo"][0]["ipPermissions"].to_string();
        assert!(
            rules.contains("443") && !rules.contains("\"fromPort\":22"),
            "{rules}"
        );

        // Back to the lab's VPC: the role's reach shrinks with the scope.
        lab.ok(&["deploy"]).await;
        let role = json!({"RoleName": "AwsConfigLambdaSGRole",
            "PolicyName": "awsconfig_lambda_ec2_sg_role_policy"});
        let policy = world.call(Service::Iam, "GetRolePolicy", role).await;
        assert!(policy.to_string().contains("Vpc"), "{policy}");
        lab.ok(&["cleanup"]).await;
    });
}

/// An operator without any right to make roles, networks or functions, who may pass one role to CloudFormation.
#[test]
fn who_may_only_pass_cloudformations_role_deploys_and_cleans_up() {
    in_world(strict(), async |world, package| {
        let boundary = boundary(world, "boundary").await;
        let template = include_str!("../../../templates/cfn-role.yaml");
        let stack = json!({"StackName": "role", "TemplateBody": template,
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
            "Parameters": [{"ParameterKey": "PermissionsBoundaryArn", "ParameterValue": boundary}]});
        world
            .call(Service::CloudFormation, "CreateStack", stack)
            .await;
        world.idle().await;
        let role = format!("arn:aws:iam::{ACCOUNT}:role/driftlab-cloudformation");
        let pass = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Action": "iam:PassRole", "Resource": role,
            "Condition": {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}}]});
        let documents = [
            Part::Operator.document(&names()).text(),
            Part::Doctor.document(&names()).text(),
            pass.to_string(),
        ];
        let key = user(world, "ann", &documents).await;
        let lab = Lab::with_key(world, package, &key);
        let before = Census::of(world).await;

        // Without the role the operator may not, and hears of it before anything is made.
        let told = lab.run(&["deploy"]).await;
        assert_eq!(told.kind(), Some(Kind::Refused), "{}", told.text);
        assert!(
            told.failure().contains("`ec2:CreateVpc`"),
            "{}",
            told.failure()
        );
        // Without the boundary that the role demands, the stack fails with the reason.
        let told = lab.run(&["deploy", "--cfn-role", &role]).await;
        assert!(told.result.is_err(), "{}", told.text);
        assert!(
            told.failure().contains("iam:CreateRole"),
            "{}",
            told.failure()
        );
        assert_eq!(before.since(world).await, "");

        let line = [
            "deploy",
            "--cfn-role",
            &role,
            "--permissions-boundary",
            &boundary,
        ];
        lab.ok(&line).await;
        assert_eq!(flaws_of_ready(world).await, Vec::<String>::new());
        lab.ok(&["simulate-incident"]).await;
        assert_eq!(flaws_of_healed(world).await, Vec::<String>::new());
        // The stack keeps its role, so clean-up does not name it.
        lab.ok(&["cleanup"]).await;
        assert_eq!(before.since(world).await, "");
    });
}

#[test]
fn a_boundary_that_withholds_what_the_roles_need_is_told_before_and_after() {
    in_lab(quick(), async |world, lab| {
        let narrow = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Effect": "Deny", "Action": "ec2:RevokeSecurityGroupIngress", "Resource": "*"}]});
        let policy = json!({"PolicyName": "narrow", "PolicyDocument": narrow.to_string()});
        let policy = world.call(Service::Iam, "CreatePolicy", policy).await;
        let arn = policy["Policy"]["Arn"].as_str().unwrap().to_owned();
        let told = lab.ok(&["deploy", "--permissions-boundary", &arn]).await;
        assert!(
            told.text
                .contains("does not let through `ec2:RevokeSecurityGroupIngress`"),
            "{}",
            told.text
        );
        let told = lab.run(&["simulate-incident", "--timeout", "5s"]).await;
        assert!(told.result.is_err(), "{}", told.text);
        let shown = json!({"logGroupName": "awsconfig_lambda_security_group"});
        let logged = world.call(Service::Logs, "FilterLogEvents", shown).await;
        assert!(
            logged.to_string().contains("permissions boundary"),
            "{logged}"
        );
        lab.ok(&["cleanup"]).await;
        let absent = format!("arn:aws:iam::{ACCOUNT}:policy/absent");
        let told = lab
            .run(&["deploy", "--permissions-boundary", &absent])
            .await;
        assert_eq!(told.kind(), Some(Kind::Refused), "{}", told.text);
        assert!(told.failure().contains(&absent), "{}", told.failure());
    });
}

/// Everything in the account that can bear a tag and that the stack made bears the stack's, in every partition.
#[test]
fn everything_that_is_made_bears_the_labs_tags() {
    in_lab(quick(), async |world, lab| {
        let told = lab.ok(&["deploy", "--tag", "course=sec101"]).await;
        let delivery = told.document["delivery_bucket"].as_str().unwrap();
        let list = |answer: &serde_json::Value| answer.to_string();
        let role = |name: &str| json!({ "RoleName": name });
        let topic = format!("arn:aws:sns:{REGION}:{ACCOUNT}:ust-trial-config-topic");
        let group =
            format!("arn:aws:logs:{REGION}:{ACCOUNT}:log-group:awsconfig_lambda_security_group");
        let function =
            format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:evaluate_remediate_security_group");
        let mut tags = vec![
            world
                .call(Service::Iam, "ListRoleTags", role("AwsConfigRole"))
                .await,
            world
                .call(Service::Iam, "ListRoleTags", role("AwsConfigLambdaSGRole"))
                .await,
            world
                .call(
                    Service::Sns,
                    "ListTagsForResource",
                    json!({"ResourceArn": topic}),
                )
                .await,
            world
                .call(
                    Service::Logs,
                    "ListTagsForResource",
                    json!({"resourceArn": group}),
                )
                .await,
            world
                .call(Service::Lambda, "ListTags", json!({"Resource": function}))
                .await,
        ];
        for (operation, member, arn) in [
            ("DescribeConfigRules", "ConfigRules", "ConfigRuleArn"),
            (
                "DescribeConfigurationRecorders",
                "ConfigurationRecorders",
                "arn",
            ),
        ] {
            let described = world.call(Service::Config, operation, json!({})).await;
            let arn = described[member][0][arn].clone();
            let found = json!({ "ResourceArn": arn });
            tags.push(
                world
                    .call(Service::Config, "ListTagsForResource", found)
                    .await,
            );
        }
        for kind in [
            "vpc",
            "subnet",
            "internet-gateway",
            "route-table",
            "security-group",
        ] {
            let filter = json!({"Filter": [{"Name": "resource-type", "Value": [kind]}]});
            tags.push(world.call(Service::Ec2, "DescribeTags", filter).await);
        }
        for found in &tags {
            let found = list(found);
            assert!(found.contains("driftlab:lab"), "{found}");
            assert!(found.contains("sec101"), "{found}");
        }
        let code = "driftlab-code-123456789012-us-east-1-lab-environment";
        for bucket in [code, delivery] {
            let get =
                sandbox::protocol::Operation::new("GetBucketTagging", json!({"Bucket": bucket}));
            let found = world.text(&get).await.unwrap();
            assert!(
                found.contains("driftlab:lab") && found.contains("sec101"),
                "{found}"
            );
        }
        lab.ok(&["cleanup"]).await;
    });
}

/// What cannot carry tags of its own, by the operation that lists it, and why.
const WITHOUT_TAGS: [(&str, &str); 6] = [
    (
        "DescribeConfigurationRecorderStatus",
        "the state of the recorder, which has tags",
    ),
    (
        "DescribeDeliveryChannels",
        "AWS Config tags recorders and rules, not channels",
    ),
    (
        "DescribeRetentionConfigurations",
        "a setting of the account",
    ),
    ("ListSchedules", "Scheduler tags groups of schedules only"),
    (
        "DescribeSecurityGroupRules",
        "CloudFormation tags groups, not their rules",
    ),
    // The two that are meant come with a VPC; those that the stack makes are looked up by their tag.
    (
        "default",
        "EC2 makes the default group and the main route table of a VPC itself",
    ),
];

/// Whether EC2 made a thing by itself, with the VPC.
fn came_with_the_vpc(thing: &Thing, shown: &str) -> bool {
    match thing.listed_by.as_str() {
        "DescribeSecurityGroups" => shown.contains(r#""groupName":"default""#),
        "DescribeRouteTables" => shown.contains(r#""main":true"#),
        _ => false,
    }
}

#[test]
fn everything_that_is_made_tells_its_lab_its_owner_and_its_end() {
    in_lab(quick(), async |world, lab| {
        let options = Options::furnish(world).await;
        let before = Census::of(world).await;
        let all = options.all();
        let deploy: Vec<_> = ["deploy", "--no-wait"]
            .into_iter()
            .chain(all.iter().map(String::as_str))
            .collect();
        // The second deployment gives what is there already an end.
        for (more, tags) in [
            (&[][..], &["driftlab:lab", "driftlab:owner"][..]),
            (
                &["--ttl", "3h"],
                &["driftlab:lab", "driftlab:owner", "driftlab:expires"],
            ),
        ] {
            lab.ok(&[&deploy[..], more].concat()).await;
            world.idle().await;
            let mut excused = BTreeSet::new();
            for (thing, shown) in before.added(&Census::of(world).await) {
                let excuse = if came_with_the_vpc(&thing, &shown) {
                    "default"
                } else {
                    thing.listed_by.as_str()
                };
                if let Some((excuse, _)) = WITHOUT_TAGS.iter().find(|(known, _)| *known == excuse) {
                    excused.insert(*excuse);
                    continue;
                }
                for tag in tags {
                    assert!(shown.contains(tag), "{thing:?} has no {tag}: {shown}");
                }
            }
            let mut expected: BTreeSet<_> = WITHOUT_TAGS.iter().map(|(known, _)| *known).collect();
            if more.is_empty() {
                expected.remove("ListSchedules");
            }
            assert_eq!(excused, expected, "an excuse that nothing needs");
        }
    });
}

/// Without `--allow-root` the account's root user changes nothing, and looks at what it wants.
#[test]
fn the_root_user_changes_nothing_unless_it_insists() {
    in_world(strict(), async |world, package| {
        let root = Lab::with_key(world, package, &format!("{ACCOUNT}-root"));
        let empty = Census::of(world).await;
        let told = root.run(&["doctor"]).await;
        assert_eq!(told.kind(), Some(Kind::Refused), "{}", told.text);
        for command in [
            &["deploy", "--ttl", "3h"][..],
            &["simulate-incident"],
            &["extend", "--by", "1h"],
            &["cleanup"],
        ] {
            let before = Census::of(world).await;
            let mark = world.mark();
            for dry in [&[][..], &["--plan"]] {
                if !dry.is_empty() && !["deploy", "cleanup"].contains(&command[0]) {
                    continue;
                }
                let told = root.run(&[command, dry].concat()).await;
                assert_eq!(told.kind(), Some(Kind::Refused), "{}", told.text);
                let said = told.failure();
                assert!(
                    said.contains(&format!("arn:aws:iam::{ACCOUNT}:root"))
                        && said.contains("--allow-root"),
                    "{said}"
                );
            }
            let calls = world.calls_after(mark).into_iter();
            let own = calls.filter(|call| call.caller == Some(Caller::Root));
            let asked: BTreeSet<_> = own.map(|call| call.operation.clone()).collect();
            assert_eq!(asked, BTreeSet::from(["GetCallerIdentity".to_owned()]));
            assert_eq!(before.since(world).await, "");

            root.ok(&[command, &["--allow-root"]].concat()).await;
            match command[0] {
                "deploy" => assert_eq!(flaws_of_ready(world).await, Vec::<String>::new()),
                "simulate-incident" => {
                    assert_eq!(flaws_of_healed(world).await, Vec::<String>::new());
                    let told = root.ok(&["status"]).await;
                    assert_eq!(told.document["owner"], "root");
                }
                _ => {}
            }
        }
        assert_eq!(empty.since(world).await, "");
    });
}
