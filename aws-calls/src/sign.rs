//! Signature Version 4 over one POST request.
//!
//! Written here because it is the greater part of a call's processor time: the SDK's signer serves every kind of request
//! and derives its key anew for each. What all our requests have in common leaves little of it, with ring's
//! assembler and a key that is kept for the day. The tests hold every signature against the SDK's own.
//!
//! Specification: "Create a signed AWS API request" of the IAM user guide.

use aws_credential_types::Credentials;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, InvalidHeaderValue, USER_AGENT};
use http::{Request, Uri};
use http_body_util::Full;
use remediator_core::Timestamp;
use ring::digest::{SHA256, digest};
use ring::hmac::{self, HMAC_SHA256, Tag};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

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

/// Signs for one region.
#[derive(Debug)]
pub(crate) struct Signer {
    region: String,
    /// By service: a key is good for a day and a secret.
    keys: Mutex<BTreeMap<&'static str, DayKey>>,
}

#[derive(Debug)]
struct DayKey {
    date: String,
    access_key_id: String,
    key: hmac::Key,
}

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

impl Signer {
    pub(crate) fn new(region: String) -> Self {
        Self {
            region,
            keys: Mutex::default(),
        }
    }

    /// Signs `unsigned` at `time`.
    ///
    /// # Errors
    /// Where the credentials, the endpoint's path or the region cannot stand in a header.
    pub(crate) fn sign(
        &self,
        unsigned: &Unsigned,
        credentials: &Credentials,
        time: Timestamp,
    ) -> Result<Request<Full<Bytes>>, InvalidHeaderValue> {
        let Unsigned {
            uri,
            service,
            content_type,
            target,
            body,
        } = unsigned;
        let moment = basic(time);
        let date = &moment[..8];
        let scope = format!("{date}/{}/{service}/aws4_request", self.region);

        let host = host(uri);
        let token = credentials.session_token();
        // In the order of their names, as the signature has them.
        let headers = [
            ("content-type", Some(*content_type)),
            ("host", Some(host.as_str())),
            ("x-amz-date", Some(moment.as_str())),
            ("x-amz-security-token", token),
            ("x-amz-target", *target),
        ];
        let headers = || {
            headers
                .iter()
                .filter_map(|(name, value)| Some((*name, (*value)?)))
        };
        let names = headers()
            .map(|(name, _)| name)
            .collect::<Vec<_>>()
            .join(";");

        let mut canonical = String::with_capacity(1024);
        canonical.push_str("POST\n");
        canonical.push_str(&path(uri));
        canonical.push_str("\n\n");
        for (name, value) in headers() {
            canonical.extend([name, ":", value.trim(), "\n"]);
        }
        canonical.extend(["\n", &names, "\n"]);
        push_hex(&mut canonical, digest(&SHA256, body).as_ref());

        let mut text = format!("{ALGORITHM}\n{moment}\n{scope}\n");
        push_hex(&mut text, digest(&SHA256, canonical.as_bytes()).as_ref());
        let access_key_id = credentials.access_key_id();
        let mut authorization = format!(
            "{ALGORITHM} Credential={access_key_id}/{scope}, SignedHeaders={names}, Signature="
        );
        let signature = self.tag(service, credentials, date, text.as_bytes());
        push_hex(&mut authorization, signature.as_ref());

        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = uri.clone();
        let map = request.headers_mut();
        map.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        // Not signed; CloudTrail shows it beside every call.
        const AGENT: &str = concat!("drift-lab/", env!("CARGO_PKG_VERSION"));
        map.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        if let Some(target) = target {
            map.insert("x-amz-target", HeaderValue::from_static(target));
        }
        map.insert("x-amz-date", HeaderValue::try_from(&moment)?);
        if let Some(token) = token {
            map.insert("x-amz-security-token", secret(token)?);
        }
        map.insert(AUTHORIZATION, secret(&authorization)?);
        Ok(request)
    }

    /// The signature itself, under the day's key.
    fn tag(
        &self,
        service: &'static str,
        credentials: &Credentials,
        date: &str,
        text: &[u8],
    ) -> Tag {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let known = keys.get(service).filter(|known| {
            known.date == date && known.access_key_id == credentials.access_key_id()
        });
        if let Some(known) = known {
            return hmac::sign(&known.key, text);
        }
        let secret = format!("AWS4{}", credentials.secret_access_key());
        let mut key = hmac::Key::new(HMAC_SHA256, secret.as_bytes());
        for part in [date, &self.region, service, "aws4_request"] {
            key = hmac::Key::new(HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref());
        }
        let tag = hmac::sign(&key, text);
        let known = DayKey {
            date: date.to_owned(),
            access_key_id: credentials.access_key_id().to_owned(),
            key,
        };
        keys.insert(service, known);
        tag
    }
}

/// `20261122T080000Z`: the moment without what separates its parts, and without milliseconds.
fn basic(time: Timestamp) -> String {
    let mut text = time.to_string();
    text.truncate("2026-11-22T08:00:00".len());
    text.retain(|c| c != '-' && c != ':');
    text.push('Z');
    text
}

/// The host as the client writes it into the request: with its port, unless the scheme implies it.
fn host(uri: &Uri) -> String {
    let host = uri.host().unwrap_or_default();
    match (uri.port_u16(), uri.scheme_str()) {
        (None, _) | (Some(443), Some("https")) | (Some(80), Some("http")) => host.to_owned(),
        (Some(port), _) => format!("{host}:{port}"),
    }
}

/// The path, with everything escaped (once more, where it is already) that is neither unreserved nor a slash.
fn path(uri: &Uri) -> String {
    let mut path = String::with_capacity(uri.path().len());
    for byte in uri.path().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => {
                path.push(char::from(byte));
            }
            _ => {
                // Writing into a string cannot fail.
                let _ = write!(path, "%{byte:02X}");
            }
        }
    }
    path
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    text.extend(bytes.iter().flat_map(|byte| {
        [byte >> 4, byte & 15].map(|digit| char::from(DIGITS[usize::from(digit)]))
    }));
}

/// A value that is not shown where headers are.
fn secret(text: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    let mut value = HeaderValue::from_str(text)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use aws_sigv4::http_request::{
        SignableBody, SignableRequest, SigningParams, SigningSettings, sign,
    };
    use aws_sigv4::sign::v4;
    use aws_smithy_runtime_api::client::identity::Identity;
    use std::time::{Duration, UNIX_EPOCH};

    /// The same request with the signature of AWS's own code.
    fn by_the_sdk(
        unsigned: &Unsigned,
        credentials: &Credentials,
        region: &str,
        time: Timestamp,
    ) -> Request<()> {
        let mut request = Request::post(unsigned.uri.clone()).body(()).unwrap();
        let identity: Identity = credentials.clone().into();
        let millis = u64::try_from(time.as_millis()).unwrap();
        let params: SigningParams<'_> = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(unsigned.service)
            .time(UNIX_EPOCH + Duration::from_millis(millis))
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let uri = unsigned.uri.to_string();
        let headers = [("content-type", unsigned.content_type)]
            .into_iter()
            .chain(unsigned.target.map(|target| ("x-amz-target", target)));
        let body = SignableBody::Bytes(&unsigned.body);
        let signable = SignableRequest::new("POST", uri.as_str(), headers, body).unwrap();
        let (instructions, _) = sign(signable, &params).unwrap().into_parts();
        instructions.apply_to_request_http1x(&mut request);
        request
    }

    /// One signer for all of them, so that a key which is kept for too long would be found out.
    #[test]
    fn every_signature_is_the_sdks() {
        let long = "t/+=".repeat(200);
        let keys = [
            Credentials::new("AKID", "secret", None, None, "test"),
            Credentials::new("ASIA", "other/secret+", Some(long), None, "test"),
        ];
        let uris = [
            "https://ec2.us-east-1.amazonaws.com/",
            "https://ec2.us-east-1.amazonaws.com:443/",
            "http://127.0.0.1:4566/",
            "http://127.0.0.1:80/",
            "https://example.org:80/a/proxy~x/%7Ey/p:q/",
            "https://[::1]:8443/",
        ];
        let [morning, night, next_day] = [
            "2026-11-22T08:00:00.999Z",
            "2026-11-22T23:59:59.000Z",
            "2026-11-23T00:00:00.000Z",
        ]
        .map(|time| time.parse::<Timestamp>().unwrap());
        // One after the other: other keys on the same day, and another day with the same keys.
        let turns = [
            (&keys[0], morning),
            (&keys[1], morning),
            (&keys[1], night),
            (&keys[1], next_day),
            (&keys[0], next_day),
        ];
        let kinds = [
            (
                "ec2",
                "application/x-www-form-urlencoded; charset=utf-8",
                None,
            ),
            (
                "config",
                "application/x-amz-json-1.1",
                Some("StarlingDoveService.PutEvaluations"),
            ),
        ];
        let region = "us-east-1";
        let signer = Signer::new(region.to_owned());
        let mut seen = std::collections::BTreeSet::new();
        for (credentials, time) in turns {
            for uri in uris {
                for (service, content_type, target) in kinds {
                    for body in ["", "Action=A&Version=1"] {
                        let unsigned = Unsigned {
                            uri: uri.parse().unwrap(),
                            service,
                            content_type,
                            target,
                            body: Bytes::from_static(body.as_bytes()),
                        };
                        let ours = signer.sign(&unsigned, credentials, time).unwrap();
                        let theirs = by_the_sdk(&unsigned, credentials, region, time);
                        for (name, value) in theirs.headers() {
                            assert_eq!(
                                ours.headers().get(name),
                                Some(value),
                                "{name} {unsigned:?}"
                            );
                        }
                        seen.insert(ours.headers()[AUTHORIZATION].to_str().unwrap().to_owned());
                    }
                }
            }
        }
        // Two of the six endpoints have the same host and path, and so the same signature, as another each.
        assert_eq!(seen.len(), 5 * 5 * 2 * 2);
    }

    #[test]
    fn what_cannot_stand_in_a_header_is_refused() {
        let unsigned = Unsigned {
            uri: Uri::from_static("https://example.org/"),
            service: "ec2",
            content_type: "text/plain",
            target: None,
            body: Bytes::new(),
        };
        let time = Timestamp::from_millis(0);
        for (id, token) in [("A\nB", None), ("A", Some("t\r\nx: y".to_owned()))] {
            let credentials = Credentials::new(id, "secret", token, None, "test");
            let signer = Signer::new("us-east-1".to_owned());
            assert!(signer.sign(&unsigned, &credentials, time).is_err());
        }
    }

    #[test]
    fn what_is_secret_is_not_shown() {
        let token = Some("hidden-token".to_owned());
        let credentials = Credentials::new("AKID", "hidden-secret", token, None, "test");
        let unsigned = Unsigned {
            uri: Uri::from_static("https://example.org/"),
            service: "ec2",
            content_type: "text/plain",
            target: None,
            body: Bytes::new(),
        };
        let signer = Signer::new("us-east-1".to_owned());
        let request = signer.sign(&unsigned, &credentials, Timestamp::from_millis(0));
        let shown = format!("{:?} {signer:?}", request.unwrap());
        assert!(
            !shown.contains("hidden") && !shown.contains("Signature="),
            "{shown}"
        );
    }
}
