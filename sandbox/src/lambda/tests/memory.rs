//! The memory that a function has.

use serde_json::json;

use super::{Lab, client_package};

#[tokio::test]
async fn a_function_that_needs_more_memory_than_it_has_is_killed() {
    if !std::path::Path::new("/proc/self/status").exists() {
        return;
    }
    let lab = Lab::new().await;
    lab.create(&client_package(), json!({"Timeout": 60})).await;
    let (failed, answer, tail) = lab.invoke(json!({"do": "fill", "megabytes": 60})).await;
    assert!(!failed, "{answer}");
    let used = tail.split("Max Memory Used: ").nth(1).unwrap();
    let used: u64 = used.split(' ').next().unwrap().parse().unwrap();
    assert!((60..128).contains(&used), "{tail}");
    let (failed, document, tail) = lab.invoke(json!({"do": "fill", "megabytes": 400})).await;
    assert!(failed);
    assert_eq!(document["errorType"], "Runtime.ExitError");
    let message = document["errorMessage"].as_str().unwrap();
    assert!(
        message.ends_with("Error: Runtime exited with error: signal: killed"),
        "{message}"
    );
    assert!(tail.contains("Max Memory Used: 128 MB"), "{tail}");
    // With more memory the same function does it.
    let more = json!({"FunctionName": "f", "MemorySize": 1024});
    lab.ok("UpdateFunctionConfiguration", more).await;
    let (failed, ..) = lab.invoke(json!({"do": "fill", "megabytes": 400})).await;
    assert!(!failed);
}
