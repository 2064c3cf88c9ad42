//! Functions, permissions, tags: what is accepted and how the rest is refused.

use serde_json::json;

use super::{Lab, ROLE, creation, package, zipped};
use crate::lambda::{Invoker, may_invoke};

#[tokio::test]
async fn a_function_is_made_shown_changed_and_deleted() {
    let lab = Lab::new().await;
    let code = package(b"#!/bin/sh\n", 0o755);
    let made = lab
        .create(&code, json!({"Tags": {"driftlab:lab": "x"}}))
        .await;
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:f";
    assert_eq!(made["FunctionArn"], arn);
    assert_eq!(made["CodeSize"], code.len());
    assert_eq!(made["Timeout"], 3);
    let shown = lab.ok("GetFunction", json!({"FunctionName": arn})).await;
    assert_eq!(shown["Configuration"], made);
    assert_eq!(shown["Tags"]["driftlab:lab"], "x");
    let update =
        json!({"FunctionName": "f", "Timeout": 300, "Environment": {"Variables": {"KEY": "v"}}});
    let changed = lab.ok("UpdateFunctionConfiguration", update).await;
    assert_eq!(changed["Timeout"], 300);
    assert_eq!(changed["MemorySize"], 128);
    assert_eq!(changed["Environment"]["Variables"]["KEY"], "v");
    assert_ne!(changed["RevisionId"], made["RevisionId"]);
    let listed = lab.ok("ListFunctions", json!({})).await;
    assert_eq!(listed["Functions"].as_array().unwrap().len(), 1);
    lab.ok("DeleteFunction", json!({"FunctionName": "f"})).await;
    for name in ["GetFunction", "DeleteFunction", "GetPolicy", "Invoke"] {
        let code = lab.code(name, json!({"FunctionName": "f"})).await;
        assert_eq!(code, "404 ResourceNotFoundException", "{name}");
    }
}

#[tokio::test]
async fn what_lambda_does_not_take_is_refused_with_its_own_codes() {
    let lab = Lab::new().await;
    lab.role("Foreign", json!({"Service": "ec2.amazonaws.com"}))
        .await;
    let code = package(b"#!/bin/sh\n", 0o755);
    let invalid = "400 InvalidParameterValueException";
    for more in [
        json!({"Role": "arn:aws:iam::123456789012:role/Missing"}),
        json!({"Role": "arn:aws:iam::123456789012:role/Foreign"}),
        json!({"Role": "R"}),
        json!({"Runtime": "cobol"}),
        json!({"Handler": ""}),
        json!({"Architectures": ["mips"]}),
        json!({"Environment": {"Variables": {"AWS_REGION": "x"}}}),
        json!({"Environment": {"Variables": {"1A": "x"}}}),
        json!({"LoggingConfig": {"LogGroup": "a b"}}),
        json!({"FunctionName": "a b"}),
        json!({"Code": {}}),
        json!({"Code": {"ZipFile": "bm8gemlw"}}),
        json!({"Code": {"S3Bucket": "nowhere-at-all", "S3Key": "k.zip"}}),
    ] {
        let refused = lab
            .code("CreateFunction", creation(&code, more.clone()))
            .await;
        assert_eq!(refused, invalid, "{more}");
    }
    for more in [
        json!({"Timeout": 0}),
        json!({"Timeout": 901}),
        json!({"MemorySize": 127}),
    ] {
        let refused = lab
            .code("CreateFunction", creation(&code, more.clone()))
            .await;
        assert_eq!(refused, "400 ValidationException", "{more}");
    }
    for more in [
        json!({"Runtime": "nodejs22.x"}),
        json!({"Layers": ["arn:aws:lambda:us-east-1:1:layer:x:1"]}),
        json!({"VpcConfig": {"SubnetIds": ["subnet-1"]}}),
    ] {
        let refused = lab
            .code("CreateFunction", creation(&code, more.clone()))
            .await;
        assert_eq!(refused, "501 NotImplemented", "{more}");
    }
    lab.create(&code, json!({"VpcConfig": {"SubnetIds": []}, "Layers": []}))
        .await;
    let again = lab.code("CreateFunction", creation(&code, json!({}))).await;
    assert_eq!(again, "409 ResourceConflictException");
    let stale = json!({"FunctionName": "f", "RevisionId": "old"});
    let refused = lab.code("UpdateFunctionConfiguration", stale).await;
    assert_eq!(refused, "412 PreconditionFailedException");
}

#[tokio::test]
async fn a_package_cannot_leave_its_directory() {
    let lab = Lab::new().await;
    for name in ["../outside", "/etc/outside", "a/../../outside"] {
        let code = zipped(name, b"x", 0o644);
        let refused = lab.code("CreateFunction", creation(&code, json!({}))).await;
        assert_eq!(refused, "400 InvalidParameterValueException", "{name}");
    }
}

#[tokio::test]
async fn a_service_may_invoke_only_with_a_permission_for_its_account() {
    let lab = Lab::new().await;
    lab.create(&package(b"#!/bin/sh\n", 0o755), json!({})).await;
    let may = |account: &str| {
        let invoker = Invoker {
            principal: "config.amazonaws.com",
            source_account: crate::ids::AccountId::parse(account).unwrap(),
            source_arn: Some(
                "arn:aws:config:us-east-1:123456789012:config-rule/config-rule-x".to_owned(),
            ),
        };
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:f";
        lab.enter(|call| may_invoke(call, arn, &invoker))
    };
    assert_eq!(
        may("123456789012").unwrap_err().code,
        "AccessDeniedException"
    );
    let permission = json!({
        "FunctionName": "f", "StatementId": "config", "Action": "lambda:InvokeFunction",
        "Principal": "config.amazonaws.com", "SourceAccount": "123456789012",
    });
    lab.ok("AddPermission", permission.clone()).await;
    may("123456789012").unwrap();
    assert_eq!(
        may("210987654321").unwrap_err().code,
        "AccessDeniedException"
    );
    let again = lab.code("AddPermission", permission).await;
    assert_eq!(again, "409 ResourceConflictException");
    let policy = lab.ok("GetPolicy", json!({"FunctionName": "f"})).await;
    assert!(
        policy["Policy"]
            .as_str()
            .unwrap()
            .contains("AWS:SourceAccount")
    );
    let removal = json!({"FunctionName": "f", "StatementId": "config"});
    lab.ok("RemovePermission", removal.clone()).await;
    assert_eq!(
        lab.code("RemovePermission", removal).await,
        "404 ResourceNotFoundException"
    );
    assert_eq!(
        may("123456789012").unwrap_err().code,
        "AccessDeniedException"
    );
}

#[tokio::test]
async fn reservations_leave_something_for_the_others() {
    let lab = Lab::new().await;
    lab.create(&package(b"#!/bin/sh\n", 0o755), json!({"Role": ROLE}))
        .await;
    let reserve = |n: i64| json!({"FunctionName": "f", "ReservedConcurrentExecutions": n});
    let refused = lab.code("PutFunctionConcurrency", reserve(901)).await;
    assert_eq!(refused, "400 InvalidParameterValueException");
    lab.ok("PutFunctionConcurrency", reserve(0)).await;
    let throttled = lab.code("Invoke", json!({"FunctionName": "f"})).await;
    assert_eq!(throttled, "429 TooManyRequestsException");
    let settings = lab.ok("GetAccountSettings", json!({})).await;
    assert_eq!(
        settings["AccountLimit"]["UnreservedConcurrentExecutions"],
        1000
    );
}
