//! Requests of tests, signed by AWS's own signer (`aws-sigv4`), so that verifier and signer share no code.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::time::{Duration, SystemTime};

use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
    SigningParams, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::caller::Credentials;
use crate::clock::Timestamp;
use crate::protocol::HttpRequest;

/// Signs as a client would that has these keys and calls this service.
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    pub(crate) credentials: Credentials,
    pub(crate) region: String,
    pub(crate) service: String,
    pub(crate) at: SystemTime,
    /// For how long; `None` signs in the header.
    pub(crate) presign: Option<Duration>,
    /// What the signature says of the body in place of its hash, for example `UNSIGNED-PAYLOAD`.
    pub(crate) payload: Option<&'static str>,
}

impl Signer {
    /// Signs in the header, now.
    pub(crate) fn new(credentials: Credentials, service: &str) -> Self {
        Self {
            credentials,
            region: "us-east-1".to_owned(),
            service: service.to_owned(),
            at: SystemTime::now(),
            presign: None,
            payload: None,
        }
    }

    pub(crate) fn at(mut self, moment: Timestamp) -> Self {
        self.at = moment.into();
        self
    }

    /// Adds a signature to a request, whose host is `localhost` unless it has one.
    pub(crate) fn sign(&self, request: &mut HttpRequest) {
        let headers = &mut request.headers;
        headers
            .entry("host")
            .or_insert(HeaderValue::from_static("localhost"));
        let mut url = format!("http://localhost{}", request.path);
        if !request.query.is_empty() {
            url = format!("{url}?{}", request.query);
        }
        let body = match self.payload {
            Some(text) => SignableBody::Precomputed(text.to_owned()),
            None if self.presign.is_some() && self.service == "s3" => SignableBody::UnsignedPayload,
            None => SignableBody::Bytes(&request.body),
        };
        let texts = request.headers.iter();
        let texts = texts.map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
        let signable = SignableRequest::new(request.method.as_str(), url, texts, body).unwrap();
        let identity = self.identity();
        let (instructions, _) = sign(signable, &self.params(&identity))
            .unwrap()
            .into_parts();
        for (name, value) in instructions.headers() {
            set(request, name, value);
        }
        for (name, value) in instructions.params() {
            let separator = if request.query.is_empty() { "" } else { "&" };
            let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
            request
                .query
                .push_str(&format!("{separator}{name}={value}"));
        }
    }

    pub(crate) fn identity(&self) -> Identity {
        let Credentials {
            access_key_id,
            secret_access_key,
            session_token,
            ..
        } = self.credentials.clone();
        let token = Some(session_token).filter(|token| !token.is_empty());
        aws_credential_types::Credentials::new(
            access_key_id,
            secret_access_key,
            token,
            None,
            "test",
        )
        .into()
    }

    pub(crate) fn params<'a>(&'a self, identity: &'a Identity) -> SigningParams<'a> {
        self.v4(identity).into()
    }

    pub(crate) fn v4<'a>(
        &'a self,
        identity: &'a Identity,
    ) -> v4::SigningParams<'a, SigningSettings> {
        let mut settings = SigningSettings::default();
        if self.service == "s3" {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        }
        if let Some(time) = self.presign {
            settings.signature_location = SignatureLocation::QueryParams;
            settings.expires_in = Some(time);
        }
        v4::SigningParams::builder()
            .identity(identity)
            .region(&self.region)
            .name(&self.service)
            .time(self.at)
            .settings(settings)
            .build()
            .unwrap()
    }
}

/// A request without a signature.
pub(crate) fn request(method: Method, path: &str, query: &str, body: &str) -> HttpRequest {
    HttpRequest {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        headers: HeaderMap::new(),
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

/// Sets a header.
pub(crate) fn set(request: &mut HttpRequest, name: &str, value: &str) {
    let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
    request
        .headers
        .insert(name, HeaderValue::from_str(value).unwrap());
}
