//! Inputs: bytes that are sent to the sandbox as they are.

mod calls;
mod heads;
mod names;
mod rest;
mod template;

use std::time::SystemTime;

use conformance::REGION;
use conformance::signing::{Keys, Payload, Unsigned, sign};
use conformance::world::World;
use fastrand::Rng;
use sandbox::secret::Secret;

/// Where inputs go, and what they are signed with.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// `127.0.0.1:port`.
    pub(crate) address: String,
    /// What the operators' keys are derived from.
    pub(crate) secret: Secret,
}

impl Place {
    /// The sandbox itself, whatever stands in front of it.
    pub(crate) fn of(world: &World) -> Self {
        Self {
            address: world.listens_at().to_string(),
            secret: world.secret.clone(),
        }
    }

    /// The pair of an access key, for operators and for what was issued alike.
    pub(crate) fn keys(&self, access_key_id: &str) -> Keys {
        Keys::pair(access_key_id, &self.secret.access_key(access_key_id))
    }
}

/// Input number `number`; the same for the same `seed` but for address, date and signature.
pub(crate) fn make(seed: u64, number: u64, place: &Place) -> Vec<u8> {
    let mut rng = Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number);
    let rng = &mut rng;
    match number % 16 {
        0 => (0..rng.usize(..2_000)).map(|_| rng.u8(..)).collect(),
        1 => heads::headers(place, rng),
        2 => heads::lengths(place, rng),
        3 => heads::who(place, rng),
        4..=6 => calls::form(place, rng),
        7 => template::make(place, rng),
        8 | 9 => calls::json(place, rng),
        10 | 11 => rest::s3(place, rng),
        12 | 13 => rest::lambda(place, rng),
        14 => rest::admin(place, rng),
        _ => {
            // Any of the above with some bytes changed.
            let mut input = make(seed ^ 0xff, rng.u64(..) / 16 * 16 + rng.u64(3..14), place);
            for _ in 0..rng.usize(1..8) {
                let at = rng.usize(..input.len());
                input[at] = rng.u8(..);
            }
            input
        }
    }
}

fn account(rng: &mut Rng) -> String {
    format!("{:012}", 100_000_000_000 + rng.u64(..16))
}

/// A request with a right signature; where no client could sign it, with a wrong one.
fn request(
    place: &Place,
    method: &str,
    path: &str,
    service: &str,
    more: &[(&str, &str)],
    body: &[u8],
    rng: &mut Rng,
) -> Vec<u8> {
    let address = &place.address;
    let keys = place.keys(&account(rng));
    let unsigned = Unsigned {
        method,
        url: &format!("http://{address}{path}"),
        service,
        headers: more,
        body: Payload::Bytes(body),
    };
    let signature = match sign(&unsigned, &keys, SystemTime::now()) {
        Ok(headers) => headers,
        Err(_) => vec![(
            "authorization".to_owned(),
            authorization(&keys.access_key_id, service),
        )],
    };
    let mut bytes = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    )
    .into_bytes();
    let signature = signature.iter().map(|(name, value)| (&**name, &**value));
    for (name, value) in more.iter().copied().chain(signature) {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}

/// The header that says who calls which service, with a signature that is none.
fn authorization(account: &str, service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential={account}/20260101/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

const FORM: [(&str, &str); 1] = [("content-type", "application/x-www-form-urlencoded")];
