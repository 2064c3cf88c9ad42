//! HTTP without an SDK: what the other clients cannot say, and nothing in between.

use std::time::SystemTime;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::signing::{Keys, Payload, Unsigned, sign};
use crate::world::World;

/// A client with a pool of connections.
#[derive(Debug, Clone)]
pub struct Http {
    client: Client<HttpConnector, Full<Bytes>>,
    endpoint: String,
    bearer: String,
}

impl Http {
    /// A client of the sandbox of `world`.
    pub fn new(world: &World) -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            endpoint: world.endpoint().to_owned(),
            bearer: world.secret.bearer(),
        }
    }

    /// A call of a service that speaks the query protocol or EC2's dialect of it. Answers with status and body.
    pub async fn query(
        &self,
        keys: &Keys,
        service: &str,
        parameters: &[(String, String)],
    ) -> (u16, String) {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters)
            .finish();
        let kind = "application/x-www-form-urlencoded";
        let headers = [("content-type", kind)];
        self.send("POST", "/", keys, service, &headers, body).await
    }

    /// A call of a service that speaks JSON 1.1; `target` is like `StarlingDoveService.PutConfigRule`.
    pub async fn json(&self, keys: &Keys, service: &str, target: &str, input: &Value) -> Value {
        match self.try_json(keys, service, target, input).await {
            Some((200, answer)) => answer,
            other => panic!("{target}: {other:?}"),
        }
    }

    /// Like [`Http::json`], with the status; `None` when the connection ends without an answer.
    pub async fn try_json(
        &self,
        keys: &Keys,
        service: &str,
        target: &str,
        input: &Value,
    ) -> Option<(u16, Value)> {
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", target),
        ];
        let (status, body) = self
            .try_send("POST", "/", keys, service, &headers, input.to_string())
            .await?;
        Some((status, serde_json::from_str(&body).unwrap()))
    }

    /// Any request, signed with `keys` for `service`.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        keys: &Keys,
        service: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> (u16, String) {
        let answer = self
            .try_send(method, path, keys, service, headers, body)
            .await;
        answer.unwrap_or_else(|| panic!("{method} {path} was not answered"))
    }

    /// Like [`Http::send`]; `None` when the connection ends without an answer.
    pub async fn try_send(
        &self,
        method: &str,
        path: &str,
        keys: &Keys,
        service: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Option<(u16, String)> {
        let unsigned = Unsigned {
            method,
            url: &format!("{}{path}", self.endpoint),
            service,
            headers,
            body: Payload::Bytes(body.as_bytes()),
        };
        let signature = sign(&unsigned, keys, SystemTime::now()).unwrap();
        let mut request = http::Request::builder().method(method).uri(unsigned.url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        for (name, value) in &signature {
            request = request.header(name, value);
        }
        self.exchange(request, body).await
    }

    /// A request to `/_sandbox/…`, whose `path` is what stands behind that.
    pub async fn admin(&self, method: &str, path: &str, body: String) -> Option<(u16, String)> {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{}/_sandbox/{path}", self.endpoint))
            .header("authorization", format!("Bearer {}", self.bearer));
        self.exchange(request, body).await
    }

    async fn exchange(
        &self,
        request: http::request::Builder,
        body: String,
    ) -> Option<(u16, String)> {
        let request = request.body(Full::new(Bytes::from(body))).unwrap();
        let response = self.client.request(request).await.ok()?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.ok()?.to_bytes();
        Some((status, String::from_utf8_lossy(&body).into_owned()))
    }
}
