//! Service Quotas from Rust: `aws-calls` for what it can say, and by hand for all else. The SDK's crate for it would bring a
//! second generation of the SDK's own runtime.

use serde_json::Value;

use crate::raw::Http;
use crate::world::World;
use crate::{Reply, Request};

pub(super) async fn call(client: &aws_calls::Client, world: &World, request: &Request) -> Reply {
    let Request {
        operation, input, ..
    } = request;
    // Our client always asks for whole pages and follows them; that it can read them is known now. The scenario asks for more
    // than it keeps, so the answer itself follows.
    if let ("ListServiceQuotas", Some(service)) = (
        operation.as_str(),
        input.get("ServiceCode").and_then(Value::as_str),
    ) && let Err(error) = client.service_quotas(service).await
    {
        return Reply::Error {
            code: error.code().unwrap_or("no code").to_owned(),
            message: error.message().unwrap_or_default().to_owned(),
        };
    }
    let target = format!("ServiceQuotasV20190624.{operation}");
    let headers = [
        ("content-type", "application/x-amz-json-1.1"),
        ("x-amz-target", target.as_str()),
    ];
    let (status, body) = Http::new(world)
        .send(
            "POST",
            "/",
            &request.keys,
            "servicequotas",
            &headers,
            input.to_string(),
        )
        .await;
    let answer: Value = serde_json::from_str(&body).unwrap();
    if status < 300 {
        return Reply::Output(answer);
    }
    let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
    let code = text("__type");
    Reply::Error {
        code: code.rsplit('#').next().unwrap_or_default().to_owned(),
        message: text("message"),
    }
}
