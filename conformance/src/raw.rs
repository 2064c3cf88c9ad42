//! HTTP without an SDK: what the other clients cannot say, and nothing in between.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::REGION;

/// A client with a pool of connections.
#[derive(Debug, Clone)]
pub struct Http {
    client: Client<HttpConnector, Full<Bytes>>,
    endpoint: String,
}

impl Http {
    /// A client of the sandbox at `endpoint`.
    pub fn new(endpoint: &str) -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            endpoint: endpoint.to_owned(),
        }
    }

    /// A call of a service that speaks the query protocol or EC2's dialect of it. Answers with status and body.
    pub async fn query(
        &self,
        account: &str,
        service: &str,
        parameters: &[(String, String)],
    ) -> (u16, String) {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters)
            .finish();
        let kind = "application/x-www-form-urlencoded";
        let headers = [("content-type", kind)];
        self.send("POST", "/", account, service, &headers, body)
            .await
    }

    /// A call of a service that speaks JSON 1.1; `target` is like `StarlingDoveService.PutConfigRule`.
    pub async fn json(&self, account: &str, service: &str, target: &str, input: &Value) -> Value {
        match self.try_json(account, service, target, input).await {
            Some((200, answer)) => answer,
            other => panic!("{target}: {other:?}"),
        }
    }

    /// Like [`Http::json`], with the status; `None` when the connection ends without an answer.
    pub async fn try_json(
        &self,
        account: &str,
        service: &str,
        target: &str,
        input: &Value,
    ) -> Option<(u16, Value)> {
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", target),
        ];
        let (status, body) = self
            .try_send("POST", "/", account, service, &headers, input.to_string())
            .await?;
        Some((status, serde_json::from_str(&body).unwrap()))
    }

    /// Any request. The sandbox reads account, region and service from the credential and checks no signature.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        account: &str,
        service: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> (u16, String) {
        let answer = self
            .try_send(method, path, account, service, headers, body)
            .await;
        answer.unwrap_or_else(|| panic!("{method} {path} was not answered"))
    }

    /// Like [`Http::send`]; `None` when the connection ends without an answer.
    pub async fn try_send(
        &self,
        method: &str,
        path: &str,
        account: &str,
        service: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Option<(u16, String)> {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.endpoint))
            .header("authorization", authorization(account, service));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::from(body))).unwrap();
        let response = self.client.request(request).await.ok()?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.ok()?.to_bytes();
        Some((status, String::from_utf8_lossy(&body).into_owned()))
    }
}

/// The header that says who calls which service.
pub fn authorization(account: &str, service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential={account}/20260101/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}
