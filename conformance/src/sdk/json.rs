//! Services from Rust whose SDK crates are not in the tree: JSON through the raw door. The crates would be built for a
//! handful of calls each.

use serde_json::Value;

use crate::raw::Http;
use crate::world::World;
use crate::{Reply, Request};

pub(super) async fn call(world: &World, request: &Request) -> Reply {
    let (service, operation) = (request.service.as_str(), request.operation.as_str());
    let target = match service {
        "cloudtrail" => "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101",
        "events" => "AWSEvents",
        "secretsmanager" => "secretsmanager",
        "ssm" => "AmazonSSM",
        other => panic!("`{other}` is not called without an SDK"),
    };
    let target = format!("{target}.{operation}");
    let http = Http::new(world);
    let answer = http.try_json(&request.keys, service, &target, &request.input);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match answer.await {
        None => Reply::no_answer("the connection was closed"),
        Some((status, output)) if status < 300 => Reply::Output(output),
        Some((_, error)) => Reply::Error {
            code: text(&error["__type"]),
            message: text(&error["message"]),
        },
    }
}
