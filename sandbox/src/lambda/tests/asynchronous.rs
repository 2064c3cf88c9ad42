//! What becomes of events that were accepted.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Lab, client_package};
use crate::service::Service;

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function";

/// A lab whose functions may write to a topic and to each other; answers the topic.
async fn lab_with_topic() -> (Lab, String) {
    let lab = Lab::new().await;
    let made = lab
        .of(Service::Sns)
        .ok("CreateTopic", json!({"Name": "ends"}))
        .await;
    let topic = made["TopicArn"].as_str().unwrap().to_owned();
    let tell = json!(["sns:Publish", "lambda:InvokeFunction"]);
    let to = json!([topic, format!("{FUNCTION}:listener")]);
    lab.allow("R", tell, to).await;
    let input = json!({"TopicArn": topic, "Protocol": "email", "Endpoint": "class@example.com"});
    lab.of(Service::Sns).ok("Subscribe", input).await;
    let mail = inbox(&lab).pop().unwrap();
    let token = mail.split("Token=").nth(1).unwrap();
    let token = token.split(['&', '\n', '"']).next().unwrap();
    let input = json!({"TopicArn": topic, "Token": token.trim()});
    lab.of(Service::Sns).ok("ConfirmSubscription", input).await;
    (lab, topic)
}

fn inbox(lab: &Lab) -> Vec<String> {
    lab.enter(|call| {
        let mails = call.here().sns.inbox.iter();
        mails.map(|mail| mail.body.clone()).collect()
    })
}

/// The document in the last mail.
fn last_record(lab: &Lab) -> Value {
    let mail = inbox(lab).pop().unwrap();
    let mut documents = serde_json::Deserializer::from_str(&mail).into_iter::<Value>();
    documents.next().unwrap().unwrap()
}

#[tokio::test]
async fn whoever_wants_to_know_hears_of_the_end() {
    let (lab, topic) = lab_with_topic().await;
    let code = client_package();
    lab.create(&code, json!({"Timeout": 30})).await;
    lab.create(&code, json!({"FunctionName": "listener", "Timeout": 30}))
        .await;
    let config = json!({"FunctionName": "f", "MaximumRetryAttempts": 0, "DestinationConfig": {
        "OnFailure": {"Destination": topic},
        "OnSuccess": {"Destination": format!("{FUNCTION}:listener")},
    }});
    let put = lab.ok("PutFunctionEventInvokeConfig", config).await;
    assert_eq!(put["FunctionArn"], format!("{FUNCTION}:f:$LATEST"));
    lab.invoke_later("f", json!({"do": "fail"})).await;
    lab.idle().await;
    let record = last_record(&lab);
    assert_eq!(record["version"], "1.0");
    let context = &record["requestContext"];
    assert_eq!(context["condition"], "RetriesExhausted");
    assert_eq!(context["approximateInvokeCount"], 1);
    assert_eq!(context["functionArn"], format!("{FUNCTION}:f:$LATEST"));
    assert_eq!(record["requestPayload"], json!({"do": "fail"}));
    assert_eq!(record["responseContext"]["functionError"], "Unhandled");
    assert_eq!(record["responseContext"]["executedVersion"], "$LATEST");
    assert_eq!(record["responsePayload"]["errorMessage"], "on purpose");
    let before = lab.log("REPORT").await.len();
    lab.invoke_later("f", json!({})).await;
    lab.idle().await;
    assert_eq!(
        lab.log("REPORT").await.len(),
        before + 2,
        "f and its listener"
    );
}

#[tokio::test]
async fn an_event_that_is_too_old_or_may_not_run_is_given_up() {
    let (lab, topic) = lab_with_topic().await;
    lab.create(
        &client_package(),
        json!({"Timeout": 30, "DeadLetterConfig": {"TargetArn": topic}}),
    )
    .await;
    let config = json!({"FunctionName": "f", "MaximumEventAgeInSeconds": 60, "DestinationConfig": {
        "OnFailure": {"Destination": topic},
    }});
    lab.ok("PutFunctionEventInvokeConfig", config).await;
    lab.sandbox.clock.freeze();
    lab.invoke_later("f", json!({"do": "fail"})).await;
    lab.logged("REPORT", 1).await;
    while !lab.sandbox.engine.is_idle() {
        lab.sandbox.clock.advance(Duration::from_secs(61));
        tokio::task::yield_now().await;
    }
    // The record and the event itself.
    let mails = inbox(&lab);
    let ends = &mails[mails.len() - 2..];
    assert!(ends[0].contains("EventAgeExceeded"), "{ends:?}");
    assert!(ends[1].contains(r#"{"do":"fail"}"#), "{ends:?}");
    let stop = json!({"FunctionName": "f", "ReservedConcurrentExecutions": 0});
    lab.ok("PutFunctionConcurrency", stop).await;
    let runs = lab.log("REPORT").await.len();
    lab.invoke_later("f", json!({})).await;
    lab.idle().await;
    let mails = inbox(&lab);
    assert!(mails[mails.len() - 2].contains("ZeroReservedConcurrency"));
    assert_eq!(lab.log("REPORT").await.len(), runs);
}

#[tokio::test]
async fn what_cannot_be_told_is_refused_at_once() {
    let (lab, topic) = lab_with_topic().await;
    let code = client_package();
    lab.create(&code, json!({})).await;
    let config = |destination: &str| json!({"FunctionName": "f", "DestinationConfig": {"OnFailure": {"Destination": destination}}});
    for (destination, expected) in [
        (
            "arn:aws:sqs:us-east-1:123456789012:queue",
            "501 NotImplemented",
        ),
        (
            "arn:aws:sns:eu-west-1:123456789012:ends",
            "501 NotImplemented",
        ),
        (
            "arn:aws:sns:us-east-1:123456789012:nobody",
            "400 InvalidParameterValueException",
        ),
        // The role may not invoke it.
        (
            &format!("{FUNCTION}:f"),
            "400 InvalidParameterValueException",
        ),
        ("nonsense", "400 InvalidParameterValueException"),
    ] {
        let refused = lab
            .code("PutFunctionEventInvokeConfig", config(destination))
            .await;
        assert_eq!(refused, expected, "{destination}");
    }
    let missing = json!({"FunctionName": "f"});
    for name in [
        "GetFunctionEventInvokeConfig",
        "UpdateFunctionEventInvokeConfig",
        "DeleteFunctionEventInvokeConfig",
    ] {
        let refused = lab.code(name, missing.clone()).await;
        assert_eq!(refused, "404 ResourceNotFoundException", "{name}");
    }
    for wrong in [
        json!({"FunctionName": "f", "MaximumRetryAttempts": 3}),
        json!({"FunctionName": "f", "MaximumEventAgeInSeconds": 59}),
    ] {
        let refused = lab.code("PutFunctionEventInvokeConfig", wrong).await;
        assert_eq!(refused, "400 InvalidParameterValueException");
    }
    let queue = json!({"TargetArn": "arn:aws:sqs:us-east-1:123456789012:queue"});
    let refused = lab
        .code(
            "UpdateFunctionConfiguration",
            json!({"FunctionName": "f", "DeadLetterConfig": queue}),
        )
        .await;
    assert_eq!(refused, "501 NotImplemented");
    lab.ok("PutFunctionEventInvokeConfig", config(&topic)).await;
    let more = json!({"FunctionName": "f", "MaximumRetryAttempts": 1});
    let updated = lab.ok("UpdateFunctionEventInvokeConfig", more).await;
    assert_eq!(
        updated["DestinationConfig"]["OnFailure"]["Destination"],
        topic
    );
    assert_eq!(updated["MaximumRetryAttempts"], 1);
    let listed = lab
        .ok("ListFunctionEventInvokeConfigs", missing.clone())
        .await;
    assert_eq!(listed["FunctionEventInvokeConfigs"], json!([updated]));
    lab.ok("DeleteFunctionEventInvokeConfig", missing).await;
}

#[tokio::test]
async fn what_a_service_invokes_is_repeated_and_told_of_as_well() {
    let (lab, topic) = lab_with_topic().await;
    lab.create(&client_package(), json!({"Timeout": 30})).await;
    let config = json!({"FunctionName": "f", "MaximumRetryAttempts": 1, "DestinationConfig": {
        "OnFailure": {"Destination": topic},
    }});
    lab.ok("PutFunctionEventInvokeConfig", config).await;
    let permission = json!({"FunctionName": "f", "StatementId": "config", "Action": "lambda:InvokeFunction",
        "Principal": "config.amazonaws.com"});
    lab.ok("AddPermission", permission).await;
    let invoker = crate::lambda::Invoker {
        principal: "config.amazonaws.com",
        source_account: lab.target.account.clone(),
        source_arn: None,
    };
    let event: bytes::Bytes = r#"{"do": "fail"}"#.into();
    let (account, region) = (&lab.target.account, &lab.target.region);
    let told = inbox(&lab).len();
    let mut waits = Vec::new();
    for attempts in 1..=2 {
        let ended =
            crate::lambda::invoke(&lab.sandbox, account, region, "f", event.clone(), &invoker)
                .await
                .unwrap();
        waits.push(lab.enter(|call| crate::lambda::after(call, "f", &event, attempts, &ended)));
    }
    assert_eq!(waits, [Some(time::Duration::minutes(1)), None]);
    assert_eq!(inbox(&lab).len(), told + 1);
    let context = &last_record(&lab)["requestContext"];
    assert_eq!(context["condition"], "RetriesExhausted");
    assert_eq!(context["approximateInvokeCount"], 2);
}
