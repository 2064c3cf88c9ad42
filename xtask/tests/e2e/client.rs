//! A client of a sandbox: a bare one of the AWS Query protocol, and one of what is not AWS.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
    SigningInstructions, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use serde_json::Value;

use crate::support::REGION;

/// A sandbox, and what opens it.
pub(crate) struct Client {
    pub(crate) endpoint: String,
    bearer: String,
}

impl Client {
    /// Of the sandbox that said this when it was ready.
    pub(crate) fn of(ready: &Value) -> Self {
        let file = Path::new(ready["state_file"].as_str().unwrap());
        let state: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        Self {
            endpoint: ready["endpoint"].as_str().unwrap().to_owned(),
            bearer: state["bearer"].as_str().unwrap().to_owned(),
        }
    }

    fn host(&self) -> &str {
        self.endpoint.strip_prefix("http://").unwrap()
    }

    /// The secret half of the key of an account's operator.
    pub(crate) fn secret(&self, account: &str) -> String {
        let pair = admin(self, "GET", &format!("credentials?account={account}"), "");
        pair["secret_access_key"].as_str().unwrap().to_owned()
    }

    /// Sends a request with these header lines; answers with status, head and body.
    pub(crate) fn send(
        &self,
        method: &str,
        target: &str,
        headers: &str,
        body: &str,
    ) -> (u16, String, String) {
        let mut stream = TcpStream::connect(self.host()).unwrap();
        write!(
            stream,
            "{method} {target} HTTP/1.0\r\nHost: {}\r\nContent-Length: {}\r\n{headers}\r\n{body}",
            self.host(),
            body.len(),
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_owned(), body.to_owned())
    }
}

/// One call of a service that speaks the AWS Query protocol, signed by an account's operator.
pub(crate) fn query(
    client: &Client,
    account: &str,
    service: &str,
    parameters: &[(&str, &str)],
) -> (u16, String) {
    let body: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    let body = body.join("&");
    let kind = "application/x-www-form-urlencoded";
    let (status, _, body) = signed(client, account, service, ("POST", "/"), kind, &body);
    (status, body)
}

/// One request with its signature in the head, of an account's operator; answers with status, head and body.
pub(crate) fn signed(
    client: &Client,
    account: &str,
    service: &str,
    (method, target): (&str, &str),
    kind: &str,
    body: &str,
) -> (u16, String, String) {
    let mut settings = SigningSettings::default();
    if service == "s3" {
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    let url = format!("{}{target}", client.endpoint);
    let headers = [("host", client.host()), ("content-type", kind)];
    let signable = SignableBody::Bytes(body.as_bytes());
    let request = SignableRequest::new(method, url, headers.into_iter(), signable).unwrap();
    let signature = sign_as(client, account, service, settings, request);
    let mut headers = format!("Content-Type: {kind}\r\n");
    for (name, value) in signature.headers() {
        headers.push_str(&format!("{name}: {value}\r\n"));
    }
    client.send(method, target, &headers, body)
}

/// The target of a presigned request for an object, of an account's operator.
pub(crate) fn presigned(client: &Client, account: &str, method: &str, path: &str) -> String {
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(Duration::from_secs(900));
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    let url = format!("{}{path}", client.endpoint);
    let headers = [("host", client.host())];
    let request = SignableRequest::new(
        method,
        url,
        headers.into_iter(),
        SignableBody::UnsignedPayload,
    )
    .unwrap();
    let signature = sign_as(client, account, "s3", settings, request);
    let query: Vec<String> = signature
        .params()
        .iter()
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    format!("{path}?{}", query.join("&"))
}

fn sign_as(
    client: &Client,
    account: &str,
    service: &str,
    settings: SigningSettings,
    request: SignableRequest<'_>,
) -> SigningInstructions {
    let identity: Identity =
        Credentials::new(account, client.secret(account), None, None, "e2e").into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(REGION)
        .name(service)
        .time(SystemTime::now())
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let (signature, _) = sign(request, &parameters).unwrap().into_parts();
    signature
}

/// One request to what is not AWS in the sandbox, which must succeed.
pub(crate) fn admin(client: &Client, method: &str, path: &str, body: &str) -> Value {
    let authorization = format!("Authorization: Bearer {}\r\n", client.bearer);
    let target = format!("/_sandbox/{path}");
    let (status, head, body) = client.send(method, &target, &authorization, body);
    assert_eq!(status, 200, "{head}\n{body}");
    serde_json::from_str(&body).unwrap()
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// The contents of each `<name>…</name>` in an answer.
pub(crate) fn elements<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(open.as_str())
        .skip(1)
        .filter_map(|rest| rest.split(close.as_str()).next())
        .collect()
}

/// The security groups that an account sees.
pub(crate) fn group_names(client: &Client, account: &str) -> Vec<String> {
    let (status, body) = query(
        client,
        account,
        "ec2",
        &[
            ("Action", "DescribeSecurityGroups"),
            ("Version", "2016-11-15"),
        ],
    );
    assert_eq!(status, 200, "{body}");
    elements(&body, "groupName")
        .into_iter()
        .map(str::to_owned)
        .collect()
}
