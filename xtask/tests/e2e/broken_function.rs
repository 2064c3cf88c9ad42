//! A function that cannot repair: the judge must say so, and why.

use std::fs;

use crate::client::query;
use crate::support::{ACCOUNT, Place, STACK, package, template};

const ROLE: &str = "AwsConfigLambdaSGRole";
const POLICY: &str = "awsconfig_lambda_ec2_sg_role_policy";

#[test]
fn a_role_that_may_not_revoke_is_not_healed() {
    let place = Place::new();
    let whole = fs::read_to_string(template()).unwrap();
    let lame: String = whole
        .lines()
        .filter(|line| !line.contains("- ec2:RevokeSecurityGroupIngress"))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_ne!(whole, lame);
    let lame = place.file("lame.yaml", &lame);

    place
        .xtask(&[
            "deploy",
            "--template",
            &lame,
            "--package",
            package().to_str().unwrap(),
        ])
        .ok();
    let ran = place
        .xtask(&["simulate-incident", "--timeout", "10s", "--output", "json"])
        .exits(4);
    let judged = ran.json();
    assert_eq!(judged["healed"], false);
    let reason = judged["reason"].as_str().unwrap();
    assert!(
        reason.contains("UnauthorizedOperation")
            || reason.contains("revoke_security_group_ingress failure"),
        "{reason}"
    );
    assert!(
        ran.stderr.contains(reason) || ran.stderr.contains("not healed"),
        "{}",
        ran.stderr
    );
    let cleaned = place.xtask(&["cleanup", "--output", "json"]).ok().json();
    assert_eq!(cleaned["leftovers"].as_array().unwrap().len(), 0);
}

#[test]
fn a_permission_that_is_taken_away_later_is_noticed() {
    let place = Place::new();
    place.xtask(&["deploy"]).ok();
    let client = place.client();
    let nothing = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"config:PutEvaluations","Resource":"*"}]}"#;
    let (status, body) = query(
        &client,
        ACCOUNT,
        "iam",
        &[
            ("Action", "PutRolePolicy"),
            ("Version", "2010-05-08"),
            ("RoleName", ROLE),
            ("PolicyName", POLICY),
            ("PolicyDocument", nothing),
        ],
    );
    assert_eq!(status, 200, "{body}");
    let judged = place
        .xtask(&["simulate-incident", "--timeout", "10s", "--output", "json"])
        .exits(4)
        .json();
    assert_eq!(judged["healed"], false);
    assert!(judged["reason"].is_string());
    // What a broken lab leaves behind is removed like any other.
    let cleaned = place.xtask(&["cleanup", "--output", "json"]).ok().json();
    assert_eq!(cleaned["leftovers"].as_array().unwrap().len(), 0);
    let (status, body) = query(
        &client,
        ACCOUNT,
        "cloudformation",
        &[
            ("Action", "DescribeStacks"),
            ("Version", "2010-05-15"),
            ("StackName", STACK),
        ],
    );
    assert_eq!(status, 400, "{body}");
}
