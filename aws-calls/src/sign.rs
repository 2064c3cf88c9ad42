//! Signature Version 4 over one POST request.

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SigningParams, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::Full;
use std::error::Error;
use std::time::SystemTime;

/// What is sent, apart from the signature.
#[derive(Debug, Clone)]
pub(crate) struct Unsigned {
    pub(crate) uri: Uri,
    pub(crate) service: &'static str,
    pub(crate) content_type: &'static str,
    /// `X-Amz-Target`, for services that speak AWS JSON.
    pub(crate) target: Option<&'static str>,
    pub(crate) body: Bytes,
}

/// Signs `unsigned` for `region` at `time`.
pub(crate) fn signed(
    unsigned: &Unsigned,
    credentials: &Credentials,
    region: &str,
    time: SystemTime,
) -> Result<Request<Full<Bytes>>, Box<dyn Error + Send + Sync>> {
    let mut builder = Request::post(unsigned.uri.clone())
        .header("content-type", unsigned.content_type)
        // Not signed; CloudTrail shows it beside every call.
        .header(
            "user-agent",
            concat!("drift-lab/", env!("CARGO_PKG_VERSION")),
        );
    if let Some(target) = unsigned.target {
        builder = builder.header("x-amz-target", target);
    }
    let mut request = builder.body(Full::new(unsigned.body.clone()))?;
    let identity: Identity = credentials.clone().into();
    let params: SigningParams<'_> = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(unsigned.service)
        .time(time)
        .settings(SigningSettings::default())
        .build()?
        .into();
    let uri = unsigned.uri.to_string();
    let headers = [("content-type", unsigned.content_type)]
        .into_iter()
        .chain(unsigned.target.map(|target| ("x-amz-target", target)));
    let signable = SignableRequest::new(
        "POST",
        uri.as_str(),
        headers,
        SignableBody::Bytes(&unsigned.body),
    )?;
    let (instructions, _signature) = sign(signable, &params)?.into_parts();
    instructions.apply_to_request_http1x(&mut request);
    Ok(request)
}
