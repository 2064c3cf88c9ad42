//! A valid request as a client sent it, ready to be changed and signed again.

use std::time::SystemTime;

use conformance::signing::{Keys, Payload, Unsigned, sign};
use conformance::tap::Arrival;

use super::inputs::Place;

/// Headers that are made anew: of the connection, of the signature, and of the client's own bookkeeping.
const MADE_ANEW: [&str; 11] = [
    "accept-encoding",
    "amz-sdk-invocation-id",
    "amz-sdk-request",
    "authorization",
    "connection",
    "content-length",
    "host",
    "user-agent",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-user-agent",
];

/// A request without its signature.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    /// Name and value.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// The name in the credential scope.
    pub(crate) service: String,
    pub(crate) keys: Keys,
}

impl Wire {
    /// What was sent, if it was a signed call of AWS's API.
    pub(crate) fn of(arrival: &Arrival, place: &Place) -> Option<Self> {
        let (_, credential) = arrival.header("authorization").split_once("Credential=")?;
        let mut scope = credential.split([',', ' ']).next()?.split('/');
        let (access_key, service) = (scope.next()?, scope.nth(2)?);
        let headers = arrival.headers.iter().filter_map(|(name, value)| {
            let value = value.to_str().ok()?.to_owned();
            // S3 says of streams what they are; a hash belongs to the body that it was made of.
            let stays = match name.as_str() {
                "x-amz-content-sha256" => value.len() != 64,
                name => !MADE_ANEW.contains(&name),
            };
            stays.then(|| (name.to_string(), value))
        });
        let token = arrival.header("x-amz-security-token");
        Some(Self {
            method: arrival.method.clone(),
            path: arrival.path.clone(),
            query: arrival.query.clone(),
            headers: headers.collect(),
            body: arrival.body.to_vec(),
            service: service.to_owned(),
            keys: Keys {
                session_token: (!token.is_empty()).then(|| token.to_owned()),
                ..place.keys(access_key)
            },
        })
    }

    /// A header's value; empty without one.
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// Path and query.
    pub(crate) fn target(&self) -> String {
        match self.query.as_str() {
            "" => self.path.clone(),
            query => format!("{}?{query}", self.path),
        }
    }

    /// The headers of a right signature; `None` where no client could sign such a request.
    pub(crate) fn signature(&self, place: &Place) -> Option<Vec<(String, String)>> {
        let streamed = self.header("x-amz-content-sha256").to_owned();
        let headers: Vec<(&str, &str)> = self
            .headers
            .iter()
            // The signer adds it.
            .filter(|(name, _)| name != "x-amz-content-sha256")
            .map(|(name, value)| (&**name, &**value))
            .collect();
        let unsigned = Unsigned {
            method: &self.method,
            url: &format!("http://{}{}", place.address, self.target()),
            service: &self.service,
            headers: &headers,
            body: if streamed.is_empty() {
                Payload::Bytes(&self.body)
            } else {
                Payload::Words(&streamed)
            },
        };
        sign(&unsigned, &self.keys, SystemTime::now()).ok()
    }

    /// As it is sent, with these headers for its signature.
    pub(crate) fn bytes(&self, place: &Place, signature: &[(String, String)]) -> Vec<u8> {
        let mut bytes = format!(
            "{} {} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n",
            self.method,
            self.target(),
            place.address,
            self.body.len()
        )
        .into_bytes();
        let own = self.headers.iter();
        let own = own.filter(|(name, _)| !signature.iter().any(|(known, _)| known == name));
        for (name, value) in own.chain(signature) {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }
}
