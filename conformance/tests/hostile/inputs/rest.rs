//! Requests whose path says what is asked for: S3, Lambda, and the sandbox itself.

use fastrand::Rng;

use super::{Place, encoded, request};
use crate::values;

/// A path that may climb; nothing in it ends the request line.
fn path(rng: &mut Rng) -> String {
    let mut path = String::new();
    for _ in 0..rng.usize(1..5) {
        path.push('/');
        match rng.u8(..9) {
            0 => path.push_str(".."),
            1 => path.push_str("%2e%2e"),
            2 => path.push_str("%00"),
            3 => path.push_str("%zz%"),
            4 => path.push_str("bucket"),
            5 => path.push_str(&encoded(&values::text(rng))),
            6 => path.push_str("%ff%fe"),
            7 => path.push_str("..%2f..%2f..%2ftmp%2fescaped"),
            _ => path.push_str("key"),
        }
    }
    path
}

pub(super) fn s3(place: &Place, rng: &mut Rng) -> Vec<u8> {
    const SUBRESOURCES: [&str; 16] = [
        "",
        "?policy",
        "?versioning",
        "?tagging",
        "?lifecycle",
        "?encryption",
        "?delete",
        "?versions",
        "?acl",
        "?location",
        "?publicAccessBlock",
        "?list-type=2&max-keys=-1",
        "?list-type=2&continuation-token=%ff",
        "?uploads",
        "?versionId=é",
        "?ownershipControls",
    ];
    let method = rng
        .choice(["GET", "PUT", "POST", "DELETE", "HEAD", "PATCH"])
        .unwrap_or("");
    let bucket = if rng.bool() { "/bucket" } else { "" };
    let path = format!(
        "{bucket}{}{}",
        path(rng),
        rng.choice(SUBRESOURCES).unwrap_or("")
    );
    let tag = rng.choice([
        "Delete",
        "VersioningConfiguration",
        "Tagging",
        "LifecycleConfiguration",
        "CreateBucketConfiguration",
    ]);
    let tag = tag.unwrap_or("");
    let body = match rng.u8(..7) {
        0 => format!("<{tag}>").repeat(rng.usize(..3_000)),
        1 => "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\">]><x>&c;&c;&c;&c;</x>".to_owned(),
        2 => format!("<{tag}><Object><Key>{}</Key></Object></{tag}>", values::text(rng)),
        3 => "<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><x>&y;</x>".to_owned(),
        4 => values::policy(rng),
        5 => format!("5;chunk-signature=x\r\nhello\r\n{:x};\r\n", rng.u64(..)),
        _ => values::text(rng),
    };
    let more: &[(&str, &str)] = match rng.u8(..6) {
        0 => &[
            ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
            ("x-amz-decoded-content-length", "5"),
        ],
        1 => &[("content-md5", "nonsense")],
        2 => &[("range", "bytes=9-1")],
        3 => &[
            ("x-amz-checksum-crc32", "AAAA"),
            ("x-amz-sdk-checksum-algorithm", "CRC32"),
        ],
        4 => &[
            ("content-encoding", "aws-chunked"),
            ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        ],
        _ => &[],
    };
    request(place, method, &path, "s3", more, body.as_bytes(), rng)
}

pub(super) fn lambda(place: &Place, rng: &mut Rng) -> Vec<u8> {
    let name = encoded(&values::text(rng));
    let paths = [
        "/2015-03-31/functions".to_owned(),
        format!("/2015-03-31/functions/{name}"),
        format!("/2015-03-31/functions/{name}/code"),
        format!("/2015-03-31/functions/{name}/configuration"),
        format!("/2015-03-31/functions/{name}/policy"),
        format!("/2015-03-31/functions/{name}/invocations"),
        format!("/2017-10-31/functions/{name}/concurrency"),
        format!("/2017-03-31/tags/{name}"),
        path(rng),
    ];
    let path = rng.choice(&paths).cloned().unwrap_or_default();
    let method = rng.choice(["GET", "PUT", "POST", "DELETE"]).unwrap_or("");
    let body = if rng.u8(..5) == 0 {
        values::text(rng)
    } else {
        values::object(rng, 0)
    };
    request(
        place,
        method,
        &path,
        "lambda",
        &[("content-type", "application/json")],
        body.as_bytes(),
        rng,
    )
}

/// Not the clock: time that has moved by centuries breaks the sandbox's own deadlines, and the address is private.
pub(super) fn admin(place: &Place, rng: &mut Rng) -> Vec<u8> {
    let at = rng.choice([
        "health",
        "inbox",
        "confirm",
        "unsubscribe",
        "nothing",
        "..",
        "calls",
        "faults",
    ]);
    let method = rng.choice(["GET", "POST", "PUT", "DELETE"]).unwrap_or("");
    let query = format!(
        "account={}&to={}&TopicArn={}&Token={}&SubscriptionArn={}",
        encoded(&values::text(rng)),
        encoded(&values::text(rng)),
        encoded(&values::text(rng)),
        encoded(&values::text(rng)),
        encoded(&values::text(rng))
    );
    let body = values::text(rng);
    let mut bytes = format!(
        "{method} /_sandbox/{}?{query} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
        at.unwrap_or(""),
        place.address,
        place.secret.bearer(),
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body.as_bytes());
    bytes
}
