//! What is not AWS, for scenarios: the service `sandbox` stands for `/_sandbox/…`.

use serde_json::{Value, json};

use crate::raw::Http;
use crate::{ACCOUNT, Reply, Request};

/// Calls the admin endpoint; every player does it the same way.
pub(crate) async fn call(endpoint: &str, request: &Request) -> Reply {
    let input = &request.input;
    let text = |name: &str| input[name].as_str().unwrap_or_default().to_owned();
    let (method, path, body) = match request.operation.as_str() {
        "SetFaults" => ("POST", "faults".to_owned(), input["faults"].to_string()),
        "ListFaults" => ("GET", "faults".to_owned(), String::new()),
        "ClearFaults" => ("DELETE", "faults".to_owned(), String::new()),
        "Health" => ("GET", "health".to_owned(), String::new()),
        "Inbox" => (
            "GET",
            format!("inbox?account={}", request.access_key),
            String::new(),
        ),
        "Calls" => (
            "GET",
            format!("calls?account={}", request.access_key),
            String::new(),
        ),
        "ConfigLatency" => (
            "POST",
            format!("config-latency?value={}", text("value")),
            String::new(),
        ),
        "Confirm" => ("GET", format!("confirm?{}", text("query")), String::new()),
        other => panic!("the sandbox itself has no `{other}`"),
    };
    let path = format!("/_sandbox/{path}");
    let answer = Http::new(endpoint)
        .try_send(method, &path, ACCOUNT, "none", &[], body)
        .await;
    let Some((status, body)) = answer else {
        return Reply::no_answer("the admin endpoint did not answer");
    };
    let body: Value = serde_json::from_str(&body).unwrap();
    if status < 300 {
        Reply::Output(body)
    } else {
        Reply::Error {
            code: format!("HTTP {status}"),
            message: body["error"]
                .as_str()
                .map_or_else(|| json!(body).to_string(), str::to_owned),
        }
    }
}
