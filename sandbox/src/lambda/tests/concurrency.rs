//! How much runs at once, and what happens to the rest.

use std::time::Duration;

use serde_json::json;

use super::{Lab, client_package};
use crate::sandbox::Settings;

#[tokio::test]
async fn a_reservation_is_a_limit_for_the_function_and_for_nobody_else() {
    let lab = Lab::new().await;
    let code = client_package();
    lab.create(&code, json!({"Timeout": 1})).await;
    lab.create(&code, json!({"FunctionName": "other", "Timeout": 30}))
        .await;
    let reserve = json!({"FunctionName": "f", "ReservedConcurrentExecutions": 1});
    lab.ok("PutFunctionConcurrency", reserve).await;
    let busy = lab.invoke(json!({"do": "hang"}));
    let meanwhile = async {
        lab.logged("START", 1).await;
        let refused = lab.refusal("Invoke", json!({"FunctionName": "f"})).await;
        assert_eq!(
            (refused.status, &*refused.code),
            (429, "TooManyRequestsException")
        );
        assert_eq!(
            refused.reason,
            Some("ReservedFunctionConcurrentInvocationLimitExceeded")
        );
        assert!(!lab.invoke_as("other", json!({})).await.0);
    };
    let ((timed_out, ..), ()) = tokio::join!(busy, meanwhile);
    assert!(timed_out);
    // The place is free again.
    assert!(!lab.invoke(json!({})).await.0);
}

#[tokio::test]
async fn the_account_has_a_limit_of_its_own_and_throttled_events_wait() {
    let lab = Lab::with(Settings {
        lambda_concurrency: Some(1),
        ..Settings::default()
    })
    .await;
    let settings = lab.ok("GetAccountSettings", json!({})).await;
    assert_eq!(settings["AccountLimit"]["ConcurrentExecutions"], 1);
    let code = client_package();
    lab.create(&code, json!({"Timeout": 1})).await;
    lab.create(&code, json!({"FunctionName": "other", "Timeout": 30}))
        .await;
    let busy = lab.invoke(json!({"do": "hang"}));
    let meanwhile = async {
        lab.logged("START", 1).await;
        let refused = lab
            .refusal("Invoke", json!({"FunctionName": "other"}))
            .await;
        assert_eq!(refused.reason, Some("ConcurrentInvocationLimitExceeded"));
        lab.invoke_later("other", json!({"do": "print"})).await;
    };
    tokio::join!(busy, meanwhile);
    // However often it was tried while there was no room, it is run, and run once.
    while !lab.sandbox.engine.is_idle() {
        lab.sandbox.clock.advance(Duration::from_secs(300));
        tokio::task::yield_now().await;
    }
    assert_eq!(lab.log("printed 0").await.len(), 1);
}
