//! Heads of requests: what is odd about headers, lengths and credentials.

use fastrand::Rng;

use super::{Place, authorization, encoded, request};
use crate::values;

pub(super) fn headers(place: &Place, rng: &mut Rng) -> Vec<u8> {
    let more: Vec<(String, String)> = match rng.u8(..5) {
        0 => vec![("x".to_owned(), "a".repeat(rng.usize(..200_000)))],
        1 => (0..rng.usize(..500))
            .map(|i| (format!("x-{i}"), "y".to_owned()))
            .collect(),
        2 => vec![("no colon".to_owned(), String::new())],
        3 => vec![(
            "x-amz-target".to_owned(),
            values::text(rng).replace(['\r', '\n'], " "),
        )],
        _ => vec![("n".repeat(rng.usize(..70_000)), "y".to_owned())],
    };
    let more: Vec<(&str, &str)> = more
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    request(place, "POST", "/", "config", &more, b"{}", rng)
}

pub(super) fn lengths(place: &Place, rng: &mut Rng) -> Vec<u8> {
    let length = match rng.u8(..8) {
        0 => "content-length: 5000".to_owned(),
        1 => "content-length: -1".to_owned(),
        2 => "content-length: 99999999999999999999999".to_owned(),
        3 => "content-length: 3\r\ncontent-length: 4".to_owned(),
        4 => "transfer-encoding: chunked".to_owned(),
        5 => "transfer-encoding: chunked\r\ncontent-length: 3".to_owned(),
        6 => "content-length: 18446744073709551615".to_owned(),
        _ => "transfer-encoding: gzip, chunked".to_owned(),
    };
    let body = [
        "abc",
        "3\r\nabc\r\n0\r\n\r\n",
        "ffffffffffffffff\r\nabc",
        "-3\r\nabc\r\n",
        "",
    ];
    let body = rng.choice(body).unwrap_or("");
    let authorization = authorization("123456789012", "ec2");
    format!(
        "POST / HTTP/1.1\r\nhost: {}\r\nauthorization: {authorization}\r\n{length}\r\n\r\n{body}",
        place.address
    )
    .into_bytes()
}

pub(super) fn who(place: &Place, rng: &mut Rng) -> Vec<u8> {
    let text = values::text(rng).replace(['\r', '\n', '\0'], " ");
    let header = match rng.u8(..6) {
        0 => text,
        1 => format!("AWS4-HMAC-SHA256 Credential={text}"),
        2 => format!("AWS4-HMAC-SHA256 Credential={text}/{text}/{text}/ec2/aws4_request, x"),
        3 => format!("AWS4-HMAC-SHA256 Credential=123456789012/x/{text}/iam/aws4_request"),
        4 => format!("AWS4-HMAC-SHA256 Credential=123456789012/x/us-east-1/{text}/aws4_request"),
        _ => "AWS4-HMAC-SHA256 Credential=////".to_owned(),
    };
    format!(
        "POST /?X-Amz-Credential={} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nauthorization: {header}\r\ncontent-length: 0\r\n\r\n",
        encoded(&values::text(rng)),
        place.address
    )
    .into_bytes()
}
