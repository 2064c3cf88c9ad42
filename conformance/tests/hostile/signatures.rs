//! Valid calls whose signature was tampered with: in the header, in a presigned URL, in the chunks of a stream.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use conformance::signing::{Payload, Unsigned, presign};
use fastrand::Rng;

use super::inputs::Place;
use super::values;
use super::wire::Wire;

/// The bytes of `seed` with a signature that is none; `None` where the change would leave a right one.
pub(crate) fn tamper(rng: &mut Rng, seed: &Wire, place: &Place) -> Option<Vec<u8>> {
    match rng.u8(..4) {
        0 => presigned(rng, seed, place),
        _ => in_header(rng, seed, place),
    }
}

/// What may stand in a header.
fn odd(rng: &mut Rng) -> String {
    let text = values::text(rng);
    let text = text
        .chars()
        .filter(|c| *c != '\r' && *c != '\n' && *c != '\0');
    text.take(3_000).collect()
}

fn in_header(rng: &mut Rng, seed: &Wire, place: &Place) -> Option<Vec<u8>> {
    let mut signature = seed.signature(place)?;
    let right = signature.clone();
    let at = rng.usize(..signature.len());
    if signature[at].0 == "authorization" {
        signature[at].1 = authorization(rng, &signature[at].1);
    } else {
        match rng.u8(..3) {
            0 => drop(signature.remove(at)),
            1 => signature[at].1 = odd(rng),
            _ => signature[at].1 = changed(rng, &signature[at].1),
        }
    }
    (signature != right).then(|| seed.bytes(place, &signature))
}

/// The header's parts: algorithm, credential, signed headers, signature.
fn authorization(rng: &mut Rng, right: &str) -> String {
    match rng.u8(..9) {
        0 => right.replace("AWS4-HMAC-SHA256", &odd(rng)),
        1 => right.replace("SignedHeaders=", &format!("SignedHeaders={};", odd(rng))),
        2 => right.replace("SignedHeaders=host;", "SignedHeaders="),
        3 => right.replace("/aws4_request", &format!("/{}", odd(rng))),
        4 => right.replace("Credential=", &format!("Credential={}/", odd(rng))),
        5 => {
            let (head, _) = right.split_once("Signature=").unwrap_or((right, ""));
            format!("{head}Signature={}", odd(rng))
        }
        6 => right.replace(", ", &format!("{}x", odd(rng))),
        7 => {
            let (head, signature) = right.split_once("Signature=").unwrap_or((right, ""));
            let reversed: String = signature.chars().rev().collect();
            // As good as never the same from behind.
            format!("{head}Signature={reversed}")
        }
        _ => changed(rng, right),
    }
}

/// One character is another one.
fn changed(rng: &mut Rng, text: &str) -> String {
    let at = rng.usize(..text.chars().count().max(1));
    let new = char::from(rng.u8(b'!'..=b'~'));
    text.chars()
        .enumerate()
        .map(|(index, c)| match index == at {
            true if c.eq_ignore_ascii_case(&new) => '~',
            true => new,
            false => c,
        })
        .collect()
}

/// In the query, with parameters that are missing, doubled, odd, or changed.
fn presigned(rng: &mut Rng, seed: &Wire, place: &Place) -> Option<Vec<u8>> {
    let mut wire = seed.clone();
    wire.headers
        .retain(|(name, _)| !name.starts_with("x-amz-content"));
    let unsigned = Unsigned {
        method: &wire.method,
        url: &format!("http://{}{}", place.address, wire.target()),
        service: &wire.service,
        headers: &[],
        body: Payload::Words("UNSIGNED-PAYLOAD"),
    };
    let expires = Duration::from_secs(rng.u64(1..3_600));
    let url = presign(&unsigned, &wire.keys, SystemTime::now(), expires).ok()?;
    let (_, query) = url.split_once('?')?;
    let mut pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let own: Vec<usize> = (0..pairs.len())
        .filter(|at| pairs[*at].0.starts_with("X-Amz-"))
        .collect();
    let at = rng.choice(own)?;
    match rng.u8(..5) {
        0 => drop(pairs.remove(at)),
        1 => {
            let (name, value) = pairs[at].clone();
            pairs.push((name, changed(rng, &value)));
        }
        2 => pairs[at].1 = values::text(rng),
        3 => pairs[at].0 = pairs[at].0.to_lowercase(),
        _ => pairs[at].1 = changed(rng, &pairs[at].1),
    }
    wire.query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&pairs)
        .finish();
    Some(wire.bytes(place, &[]))
}

/// A stream to S3 in chunks, and whether it is signed wrongly: each chunk has a signature that is none. Where the stream is
/// said to be unsigned that does not matter.
pub(crate) fn stream(rng: &mut Rng, seed: &Wire, place: &Place) -> (bool, Option<Vec<u8>>) {
    const KINDS: [&str; 4] = [
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
    ];
    let mut wire = seed.clone();
    wire.service = "s3".to_owned();
    wire.method = "PUT".to_owned();
    wire.path = "/bucket/streamed".to_owned();
    wire.query.clear();
    let data = Bytes::from(values::text(rng));
    let kind = rng.choice(KINDS).unwrap_or(KINDS[0]);
    wire.headers = vec![
        ("content-encoding".to_owned(), "aws-chunked".to_owned()),
        ("x-amz-content-sha256".to_owned(), kind.to_owned()),
        (
            "x-amz-decoded-content-length".to_owned(),
            match rng.u8(..3) {
                0 => odd(rng),
                1 => rng.u64(..).to_string(),
                _ => data.len().to_string(),
            },
        ),
        (
            "x-amz-trailer".to_owned(),
            "x-amz-checksum-crc32".to_owned(),
        ),
    ];
    let length = match rng.u8(..4) {
        0 => odd(rng),
        1 => format!("{:x}", rng.u64(..)),
        _ => format!("{:x}", data.len()),
    };
    let signature: String = match rng.u8(..3) {
        0 => odd(rng),
        1 => String::new(),
        _ => (0..64).map(|_| char::from(rng.u8(b'0'..=b'9'))).collect(),
    };
    wire.body = format!("{length};chunk-signature={signature}\r\n").into_bytes();
    wire.body.extend_from_slice(&data);
    wire.body.extend_from_slice(
        format!(
            "\r\n0;chunk-signature={signature}\r\nx-amz-checksum-crc32:{}\r\nx-amz-trailer-signature:{signature}\r\n\r\n",
            odd(rng)
        )
        .as_bytes(),
    );
    if rng.bool() {
        wire.body.truncate(rng.usize(..=wire.body.len()));
    }
    let signature = wire.signature(place);
    let input = signature.map(|signature| wire.bytes(place, &signature));
    (!kind.contains("UNSIGNED"), input)
}
