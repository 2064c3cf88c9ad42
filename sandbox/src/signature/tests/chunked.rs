//! Bodies in signed chunks, signed by AWS's signer.

use aws_sigv4::sign::v4::{sign_chunk, sign_trailer};
use aws_smithy_runtime_api::http::Headers;
use bytes::Bytes;

use super::*;

const CHUNKS: [&str; 3] = ["hello ", "world", ""];
const SIGNED: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
const WITH_TRAILER: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";

/// An upload in chunks; `trailer` signs a checksum behind them.
fn upload(bench: &Bench, payload: &'static str, trailer: bool) -> HttpRequest {
    let mut client = bench.client("s3");
    client.payload = Some(payload);
    let mut made = request(Method::PUT, "/bucket/key", "", "");
    set(&mut made, "content-encoding", "aws-chunked");
    set(&mut made, "x-amz-decoded-content-length", "11");
    if trailer {
        set(&mut made, "x-amz-trailer", "x-amz-checksum-crc32");
    }
    client.sign(&mut made);
    let header = made.header("authorization").unwrap();
    let (_, signature) = header.rsplit_once('=').unwrap();
    let mut signature = signature.to_owned();
    let identity = client.identity();
    let params = client.v4(&identity);
    let mut body = String::new();
    for chunk in CHUNKS {
        let data = Bytes::from_static(chunk.as_bytes());
        let signed = sign_chunk(&data, &signature, &params).unwrap();
        signature = signed.signature().to_owned();
        let size = chunk.len();
        body.push_str(&format!("{size:x};chunk-signature={signature}\r\n"));
        if size > 0 {
            body.push_str(&format!("{chunk}\r\n"));
        }
    }
    if trailer {
        let mut headers = Headers::new();
        headers.insert("x-amz-checksum-crc32", "DUoRhQ==");
        let signed = sign_trailer(&headers, &signature, &params).unwrap();
        let signature = signed.signature();
        body.push_str(&format!(
            "x-amz-checksum-crc32:DUoRhQ==\r\nx-amz-trailer-signature:{signature}\r\n"
        ));
    }
    body.push_str("\r\n");
    made.body = body.into();
    made
}

fn changed(made: &HttpRequest, from: &str, to: &str) -> HttpRequest {
    let body = std::str::from_utf8(&made.body).unwrap();
    let body = body.replacen(from, to, 1);
    assert_ne!(body.as_bytes(), &made.body[..], "nothing to change");
    HttpRequest {
        method: made.method.clone(),
        path: made.path.clone(),
        query: made.query.clone(),
        headers: made.headers.clone(),
        body: body.into(),
    }
}

#[test]
fn chunks_signed_by_the_sdk_are_taken() {
    let bench = Bench::new();
    for (payload, trailer) in [(SIGNED, false), (WITH_TRAILER, true)] {
        let made = upload(&bench, payload, trailer);
        assert_eq!(bench.verify(&made), Ok(Caller::Operator), "{payload}");
    }
}

#[test]
fn chunks_changed_are_refused() {
    let bench = Bench::new();
    let plain = upload(&bench, SIGNED, false);
    let signatures: Vec<&str> = std::str::from_utf8(&plain.body)
        .unwrap()
        .split("chunk-signature=")
        .skip(1)
        .map(|rest| &rest[..64])
        .collect();
    for (from, to) in [
        ("hello", "jello"),
        (signatures[0], signatures[1]),
        (signatures[2], signatures[1]),
        (";chunk-signature", ";signature"),
    ] {
        let refusal = bench.verify(&changed(&plain, from, to));
        assert_eq!(refusal, Err(Refusal::Mismatch), "{from}");
    }
    let signed = upload(&bench, WITH_TRAILER, true);
    let body = std::str::from_utf8(&signed.body).unwrap();
    let (_, trailer_signature) = body.split_once("DUoRhQ==\r\n").unwrap();
    for (from, to) in [("DUoRhQ==", "DUoRhA=="), (trailer_signature, "\r\n")] {
        let refusal = bench.verify(&changed(&signed, from, to));
        assert_eq!(refusal, Err(Refusal::Mismatch), "{from}");
    }
    // Announced, and not there; there, and not announced; behind the end; of another size; cut off.
    for (from, to, code) in [
        (
            "x-amz-trailer-signature",
            "x-amz-meta-a:b\r\nx-amz-trailer-signature",
            "MalformedTrailerError",
        ),
        (trailer_signature, "\r\nmore\r\n", "MalformedTrailerError"),
        ("5;chunk", "+5;chunk", "IncompleteBody"),
        (
            "x-amz-checksum-crc32:DUoRhQ==\r\n",
            "",
            "MalformedTrailerError",
        ),
        ("world", "wor", "IncompleteBody"),
    ] {
        let refusal = bench.verify(&changed(&signed, from, to)).unwrap_err();
        assert_eq!(refusal.answer(Service::S3).code, code);
    }
}

/// A trailer that is announced, which is signed, and that nothing vouches for.
#[test]
fn trailer_of_a_stream_without_trailer_signatures_is_refused() {
    let bench = Bench::new();
    let made = upload(&bench, SIGNED, true);
    assert_eq!(bench.verify(&made), Err(Refusal::Mismatch));
}

/// versitygw (5d9d5480, `ParseDecodedContentLength`): a stream says how long it is without its chunks.
#[test]
fn chunks_without_their_length_are_refused() {
    let bench = Bench::new();
    let mut client = bench.client("s3");
    client.payload = Some(SIGNED);
    let mut made = request(Method::PUT, "/bucket/key", "", "0\r\n\r\n");
    client.sign(&mut made);
    let refusal = bench.verify(&made).unwrap_err();
    let answer = refusal.answer(Service::S3);
    assert_eq!(
        (answer.status, &*answer.code),
        (411, "MissingContentLength")
    );
}
