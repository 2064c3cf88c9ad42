//! What is not AWS, for scenarios: the service `sandbox` stands for `/_sandbox/…`.

use serde_json::{Value, json};

use crate::raw::Http;
use crate::world::World;
use crate::{Reply, Request};

/// Calls the admin endpoint; every player does it the same way.
pub(crate) async fn call(world: &World, request: &Request) -> Reply {
    let input = &request.input;
    let text = |name: &str| input[name].as_str().unwrap_or_default().to_owned();
    let (method, path, body) = match request.operation.as_str() {
        "SetFaults" => ("POST", "faults".to_owned(), input["faults"].to_string()),
        "ListFaults" => ("GET", "faults".to_owned(), String::new()),
        "ClearFaults" => ("DELETE", "faults".to_owned(), String::new()),
        "Health" => ("GET", "health".to_owned(), String::new()),
        "Inbox" => (
            "GET",
            format!("inbox?account={}", request.keys.access_key_id),
            String::new(),
        ),
        "Calls" => (
            "GET",
            format!("calls?account={}", request.keys.access_key_id),
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
    let answer = Http::new(world).admin(method, &path, body).await;
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
