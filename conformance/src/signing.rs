//! Signatures of AWS's own code (`aws-sigv4`), so that the sandbox's own verification is held by another implementation.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
    SigningError, SigningParams, SigningSettings, UriPathNormalizationMode,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;

use crate::REGION;

/// An access key and what its holder signs with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// An account's id for its operator, else as it was issued.
    pub access_key_id: String,
    /// The secret half.
    pub secret_access_key: String,
    /// Sessions have one, long-lived keys do not.
    pub session_token: Option<String>,
}

impl Keys {
    /// A pair without a session.
    pub fn pair(access_key_id: &str, secret_access_key: &str) -> Self {
        Self {
            access_key_id: access_key_id.to_owned(),
            secret_access_key: secret_access_key.to_owned(),
            session_token: None,
        }
    }

    /// The same for an SDK.
    pub fn for_sdk(&self) -> Credentials {
        Credentials::new(
            &self.access_key_id,
            &self.secret_access_key,
            self.session_token.clone(),
            None,
            "conformance",
        )
    }
}

/// A request that has no signature yet.
#[derive(Debug, Clone, Copy)]
pub struct Unsigned<'a> {
    /// For example `POST`.
    pub method: &'a str,
    /// With scheme, host, encoded path and query.
    pub url: &'a str,
    /// The name in the credential scope.
    pub service: &'a str,
    /// All but `Host`, which follows from the URL.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body; what stands for it where it is not signed as it is.
    pub body: Payload<'a>,
}

/// How a body enters the signature.
#[derive(Debug, Clone, Copy)]
pub enum Payload<'a> {
    /// By its hash.
    Bytes(&'a [u8]),
    /// As these words of S3, like `UNSIGNED-PAYLOAD`.
    Words(&'a str),
}

impl Payload<'_> {
    fn signable(&self) -> SignableBody<'_> {
        match self {
            Payload::Bytes(bytes) => SignableBody::Bytes(bytes),
            Payload::Words(words) => SignableBody::Precomputed((*words).to_owned()),
        }
    }
}

/// The headers that make `unsigned` a signed request: name and value.
///
/// # Errors
/// When the URL or a header is nothing that could be sent.
pub fn sign(
    unsigned: &Unsigned<'_>,
    keys: &Keys,
    at: SystemTime,
) -> Result<Vec<(String, String)>, SigningError> {
    let made = instructions(unsigned, keys, at, settings(unsigned.service))?;
    let headers = made.headers();
    Ok(headers
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect())
}

/// The URL that whoever holds it may use until `expires`.
///
/// # Errors
/// When the URL or a header is nothing that could be sent.
pub fn presign(
    unsigned: &Unsigned<'_>,
    keys: &Keys,
    at: SystemTime,
    expires: Duration,
) -> Result<String, SigningError> {
    let mut settings = settings(unsigned.service);
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(expires);
    let made = instructions(unsigned, keys, at, settings)?;
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(made.params())
        .finish();
    let joint = if unsigned.url.contains('?') { '&' } else { '?' };
    Ok(format!("{}{joint}{query}", unsigned.url))
}

/// As AWS's SDKs have them: S3 takes paths as they are, and wants the payload's hash as a header.
fn settings(service: &str) -> SigningSettings {
    let mut settings = SigningSettings::default();
    if service == "s3" {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    }
    settings
}

fn instructions(
    unsigned: &Unsigned<'_>,
    keys: &Keys,
    at: SystemTime,
    settings: SigningSettings,
) -> Result<aws_sigv4::http_request::SigningInstructions, SigningError> {
    let identity: Identity = keys.for_sdk().into();
    let params: SigningParams<'_> = v4::SigningParams::builder()
        .identity(&identity)
        .region(REGION)
        .name(unsigned.service)
        .time(at)
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let request = SignableRequest::new(
        unsigned.method,
        unsigned.url,
        unsigned.headers.iter().copied(),
        unsigned.body.signable(),
    )?;
    let (instructions, _) = aws_sigv4::http_request::sign(request, &params)?.into_parts();
    Ok(instructions)
}
