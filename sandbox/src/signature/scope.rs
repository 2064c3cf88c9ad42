//! What a request says of itself before anything is proven: which key, region and service.

use super::refusal::Refusal;
use crate::protocol::HttpRequest;

/// The algorithm of signature version 4.
pub(super) const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What ends every credential scope.
pub(super) const TERMINATOR: &str = "aws4_request";

/// Where the signature stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Mechanism {
    /// Version 4 in the header `Authorization`.
    #[default]
    Header,
    /// Version 4 in the query.
    Query,
    /// Version 2 in the query; S3 only.
    LegacyQuery,
}

/// The credential scope of a request: what it claims, not who sent it.
#[derive(Debug, Default, Clone)]
pub(crate) struct Scope {
    pub(crate) mechanism: Mechanism,
    /// `key/date/region/service/aws4_request` as it was sent; empty for version 2.
    pub(super) credential: String,
    pub(crate) access_key: String,
    /// `YYYYMMDD`; empty for version 2.
    pub(super) date: String,
    /// Empty for version 2, which has none.
    pub(crate) region: String,
    pub(crate) service: String,
    pub(super) terminator: String,
    /// What else stands in the header; `None` where it does not, and for the query.
    pub(super) signed_headers: Option<String>,
    pub(super) signature: Option<String>,
}

impl Scope {
    /// Reads the scope; nothing of it is checked but its form.
    ///
    /// # Errors
    /// When there are no credentials, more than one kind, or none that can be told apart.
    pub(crate) fn of(request: &HttpRequest) -> Result<Self, Refusal> {
        let mut headers = request.headers.get_all(http::header::AUTHORIZATION).iter();
        let (header, second) = (headers.next(), headers.next());
        // Whoever stands between might go by the other one.
        if second.is_some() {
            return Err(Refusal::Twice);
        }
        // Looked into only where it may hold credentials: to parse a query costs more than all the rest.
        let query = ["X-Amz-", "AWSAccessKeyId", "Signature"]
            .iter()
            .any(|name| request.query.contains(name));
        let pairs = if query {
            request.query_pairs()
        } else {
            Vec::new()
        };
        let get = |wanted: &str| {
            let found = pairs.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.as_str())
        };
        let presigned = ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature"]
            .iter()
            .any(|name| get(name).is_some());
        let legacy = ["AWSAccessKeyId", "Signature"]
            .iter()
            .any(|name| get(name).is_some());
        match (header, presigned, legacy) {
            (None, false, false) => Err(Refusal::Missing),
            (Some(value), false, false) => {
                let value = value.to_str().map_err(|_| Refusal::Missing)?;
                Self::in_header(value)
            }
            (None, true, false) => match get("X-Amz-Algorithm") {
                Some(other) if other != ALGORITHM => Err(Refusal::Algorithm(other.to_owned())),
                _ => {
                    let credential = get("X-Amz-Credential").ok_or(Refusal::QueryIncomplete)?;
                    Self::parse(Mechanism::Query, credential)
                }
            },
            (None, false, true) => {
                let access_key = get("AWSAccessKeyId").ok_or(Refusal::LegacyIncomplete)?;
                Ok(Self {
                    mechanism: Mechanism::LegacyQuery,
                    access_key: access_key.to_owned(),
                    service: "s3".to_owned(),
                    ..Self::default()
                })
            }
            _ => Err(Refusal::Twice),
        }
    }

    fn in_header(value: &str) -> Result<Self, Refusal> {
        let (algorithm, parts) = value.split_once(' ').unwrap_or((value, ""));
        if algorithm != ALGORITHM {
            return Err(Refusal::Algorithm(algorithm.to_owned()));
        }
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for part in parts.split(',').map(str::trim) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let place = match name {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut signed_headers,
                "Signature" => &mut signature,
                _ => continue,
            };
            if place.replace(value).is_some() {
                return Err(Refusal::Repeated(name.to_owned()));
            }
        }
        let credential = credential.ok_or(Refusal::Incomplete(vec!["Credential"]))?;
        Ok(Self {
            signed_headers: signed_headers.map(str::to_owned),
            signature: signature.map(str::to_owned),
            ..Self::parse(Mechanism::Header, credential)?
        })
    }

    fn parse(mechanism: Mechanism, credential: &str) -> Result<Self, Refusal> {
        let mut parts = credential.split('/');
        let mut next = || parts.next().filter(|part| !part.is_empty());
        let (Some(access_key), Some(date), Some(region), Some(service), Some(terminator), None) =
            (next(), next(), next(), next(), next(), parts.next())
        else {
            return Err(Refusal::Credential {
                mechanism,
                got: credential.to_owned(),
            });
        };
        Ok(Self {
            mechanism,
            credential: credential.to_owned(),
            access_key: access_key.to_owned(),
            date: date.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            terminator: terminator.to_owned(),
            signed_headers: None,
            signature: None,
        })
    }
}
