//! Versions, aliases and everything that can be said about them.

use serde_json::json;

use super::{Lab, client_package};

const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";

#[tokio::test]
async fn a_version_stays_what_it_was() {
    let lab = Lab::new().await;
    let first = json!({"Variables": {"WHICH": "first"}});
    let created = lab
        .create(
            &client_package(),
            json!({"Timeout": 30, "Environment": first, "Publish": true}),
        )
        .await;
    assert_eq!(created["Version"], "1");
    let publish = json!({"FunctionName": "f", "Description": "again"});
    let same = lab.ok("PublishVersion", publish.clone()).await;
    assert_eq!(same["Version"], "1", "nothing changed");
    let second = json!({"FunctionName": "f", "Environment": {"Variables": {"WHICH": "second"}}});
    lab.ok("UpdateFunctionConfiguration", second).await;
    let published = lab.ok("PublishVersion", publish).await;
    assert_eq!(published["Version"], "2");
    assert_eq!(published["FunctionArn"], format!("{ARN}:2"));
    assert_eq!(published["Description"], "again");
    for (name, which, version) in [
        ("f:1", "first", "1"),
        ("f:2", "second", "2"),
        ("f:$LATEST", "second", "$LATEST"),
        (ARN, "second", "$LATEST"),
    ] {
        let (_, seen, tail) = lab.invoke_as(name, json!({"do": "environment"})).await;
        assert_eq!(seen["WHICH"], which, "{name}");
        assert_eq!(seen["AWS_LAMBDA_FUNCTION_VERSION"], version);
        assert!(tail.contains(&format!("Version: {version}\n")), "{tail}");
    }
    let listed = lab
        .ok("ListVersionsByFunction", json!({"FunctionName": "f"}))
        .await;
    let numbers: Vec<_> = listed["Versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| version["Version"].as_str().unwrap())
        .collect();
    assert_eq!(numbers, ["$LATEST", "1", "2"]);
    lab.ok("DeleteFunction", json!({"FunctionName": "f:1"}))
        .await;
    let gone = lab.code("Invoke", json!({"FunctionName": "f:1"})).await;
    assert_eq!(gone, "404 ResourceNotFoundException");
    // A number is never given twice.
    let third = json!({"FunctionName": "f", "Timeout": 29});
    lab.ok("UpdateFunctionConfiguration", third).await;
    let next = lab.ok("PublishVersion", json!({"FunctionName": "f"})).await;
    assert_eq!(next["Version"], "3");
}

#[tokio::test]
async fn an_alias_leads_where_it_points() {
    let lab = Lab::new().await;
    lab.create(&client_package(), json!({"Timeout": 30, "Publish": true}))
        .await;
    let alias =
        |version: &str| json!({"FunctionName": "f", "Name": "live", "FunctionVersion": version});
    let missing = lab.code("CreateAlias", alias("7")).await;
    assert_eq!(missing, "404 ResourceNotFoundException");
    let made = lab.ok("CreateAlias", alias("1")).await;
    assert_eq!(made["AliasArn"], format!("{ARN}:live"));
    let again = lab.code("CreateAlias", alias("1")).await;
    assert_eq!(again, "409 ResourceConflictException");
    let number = json!({"FunctionName": "f", "Name": "12", "FunctionVersion": "1"});
    assert_eq!(
        lab.code("CreateAlias", number).await,
        "400 InvalidParameterValueException"
    );
    let (_, seen, _) = lab.invoke_as("f:live", json!({"do": "environment"})).await;
    assert_eq!(seen["AWS_LAMBDA_FUNCTION_VERSION"], "1");
    let shown = lab
        .ok(
            "GetFunctionConfiguration",
            json!({"FunctionName": "f:live"}),
        )
        .await;
    assert_eq!(shown["Version"], "1");
    assert_eq!(shown["FunctionArn"], format!("{ARN}:live"));
    let pointed_at = json!({"FunctionName": "f", "Qualifier": "1"});
    assert_eq!(
        lab.code("DeleteFunction", pointed_at).await,
        "409 ResourceConflictException"
    );
    let moved = lab.ok("UpdateAlias", alias("$LATEST")).await;
    assert_eq!(moved["FunctionVersion"], "$LATEST");
    let stale = json!({"FunctionName": "f", "Name": "live", "RevisionId": made["RevisionId"]});
    assert_eq!(
        lab.code("UpdateAlias", stale).await,
        "412 PreconditionFailedException"
    );
    let name = json!({"FunctionName": "f", "Name": "live"});
    lab.ok("DeleteAlias", name.clone()).await;
    lab.ok("DeleteAlias", name.clone()).await;
    assert_eq!(
        lab.code("GetAlias", name).await,
        "404 ResourceNotFoundException"
    );
}

#[tokio::test]
async fn an_alias_can_share_its_invocations_between_two_versions() {
    let lab = Lab::new().await;
    lab.create(&client_package(), json!({"Timeout": 30, "Publish": true}))
        .await;
    let change = json!({"FunctionName": "f", "MemorySize": 256});
    lab.ok("UpdateFunctionConfiguration", change).await;
    lab.ok("PublishVersion", json!({"FunctionName": "f"})).await;
    let all = json!({"FunctionName": "f", "Name": "live", "FunctionVersion": "1",
        "RoutingConfig": {"AdditionalVersionWeights": {"2": 1.0}}});
    lab.ok("CreateAlias", all).await;
    let (_, seen, _) = lab.invoke_as("f:live", json!({"do": "environment"})).await;
    assert_eq!(seen["AWS_LAMBDA_FUNCTION_VERSION"], "2");
    let back = json!({"FunctionName": "f", "Name": "live", "RoutingConfig": {}});
    lab.ok("UpdateAlias", back).await;
    let (_, seen, _) = lab.invoke_as("f:live", json!({"do": "environment"})).await;
    assert_eq!(seen["AWS_LAMBDA_FUNCTION_VERSION"], "1");
}

#[tokio::test]
async fn every_qualifier_has_a_policy_of_its_own() {
    let lab = Lab::new().await;
    lab.create(&client_package(), json!({"Publish": true}))
        .await;
    let permission = |qualifier: Option<&str>| {
        let mut input = json!({"FunctionName": "f", "StatementId": "s", "Principal": "config.amazonaws.com",
            "Action": "lambda:InvokeFunction", "SourceAccount": "123456789012"});
        if let Some(qualifier) = qualifier {
            input["Qualifier"] = json!(qualifier);
        }
        input
    };
    let may = |name: &str| {
        let invoker = crate::lambda::Invoker {
            principal: "config.amazonaws.com",
            source_account: lab.target.account.clone(),
            source_arn: None,
        };
        lab.enter(|call| crate::lambda::may_invoke(call, name, &invoker))
            .is_ok()
    };
    lab.ok("AddPermission", permission(Some("1"))).await;
    assert!(may("f:1") && !may("f"));
    assert_eq!(
        lab.code("AddPermission", permission(Some("$LATEST"))).await,
        "400 InvalidParameterValueException"
    );
    lab.ok("AddPermission", permission(None)).await;
    assert!(may("f") && may("f:$LATEST"));
}
