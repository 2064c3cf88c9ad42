//! The `aws-chunked` body encoding: what SDKs send when a checksum follows the body as a trailer, or when each chunk is
//! signed.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::HttpRequest;
use crate::error::ApiError;

/// The plain body, with the trailers in the order they came.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) body: Bytes,
    /// Names in lower case.
    pub(crate) trailers: Vec<(String, String)>,
    /// The chunks, the empty last one included.
    pub(crate) chunks: Vec<Chunk>,
}

/// One chunk of the encoded body.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) signature: Option<String>,
    /// Where its data stands in the encoded body.
    pub(crate) data: Range<usize>,
}

/// Whether the body of a request is encoded like this.
pub(crate) fn is_chunked(request: &HttpRequest) -> bool {
    let streaming = request
        .header("x-amz-content-sha256")
        .is_some_and(|hash| hash.starts_with("STREAMING-"));
    let encoding = request.header("content-encoding").unwrap_or_default();
    streaming || encoding.split(',').any(|name| name.trim() == "aws-chunked")
}

/// The trailer that signs the others. It is not announced.
pub(crate) const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";

/// Decodes the body of a request for which [`is_chunked`] holds. Every trailer that the request announces must be there,
/// and no other. Codes as versitygw (5d9d5480, `s3api/utils/`) copies them from S3.
///
/// # Errors
/// `MissingContentLength`, `IncompleteBody`, `MalformedTrailerError`.
pub(crate) fn decode_request(request: &HttpRequest) -> Result<Decoded, ApiError> {
    let length = request
        .header("x-amz-decoded-content-length")
        .and_then(|length| length.parse().ok());
    let length = length.ok_or_else(|| {
        ApiError::new(
            411,
            "MissingContentLength",
            "You must provide the Content-Length HTTP header.",
        )
    })?;
    let decoded = decode(&request.body, length)?;
    let announced = request.header("x-amz-trailer").unwrap_or_default();
    let announced = announced.split(',').map(str::trim);
    let mut announced: Vec<&str> = announced.filter(|name| !name.is_empty()).collect();
    for (sent, _) in &decoded.trailers {
        let place = announced
            .iter()
            .position(|name| name.eq_ignore_ascii_case(sent));
        match place {
            Some(place) => drop(announced.swap_remove(place)),
            None if sent == TRAILER_SIGNATURE => {}
            None => return Err(malformed_trailer()),
        }
    }
    match announced.is_empty() {
        true => Ok(decoded),
        false => Err(malformed_trailer()),
    }
}

/// Decodes `<hex size>[;chunk-signature=…]\r\n<data>\r\n … 0\r\n<trailers>\r\n`. `length` is
/// `x-amz-decoded-content-length`.
fn decode(raw: &Bytes, length: usize) -> Result<Decoded, ApiError> {
    let mut rest: &[u8] = raw;
    let mut body = BytesMut::with_capacity(length.min(raw.len()));
    let mut chunks = Vec::new();
    loop {
        let line = take_line(&mut rest).ok_or_else(incomplete)?;
        let (digits, extension) = line.split_once(';').unwrap_or((line, ""));
        let digits = digits.trim();
        // Not `+5`, which the parser would take.
        let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let size = usize::from_str_radix(digits, 16).ok().filter(|_| is_hex);
        let size = size.ok_or_else(incomplete)?;
        let start = raw.len() - rest.len();
        let signature = extension.trim().strip_prefix("chunk-signature=");
        // Checked, because the size is the client's word.
        let end = size.checked_add(2).ok_or_else(incomplete)?;
        chunks.push(Chunk {
            signature: signature.map(str::to_owned),
            data: start..start.saturating_add(size),
        });
        if size == 0 {
            break;
        }
        if end > rest.len() || &rest[size..end] != b"\r\n" {
            return Err(incomplete());
        }
        body.extend_from_slice(&rest[..size]);
        rest = &rest[end..];
    }
    let mut trailers = Vec::new();
    while let Some(line) = take_line(&mut rest).filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or_else(malformed_trailer)?;
        trailers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
    }
    // What stands behind the end, or in a line that is none, is in nobody's signature.
    if !rest.trim_ascii().is_empty() {
        return Err(malformed_trailer());
    }
    if length != body.len() {
        return Err(incomplete());
    }
    Ok(Decoded {
        body: body.freeze(),
        trailers,
        chunks,
    })
}

fn take_line<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
    let line = std::str::from_utf8(&rest[..end]).ok()?;
    *rest = &rest[end + 2..];
    Some(line)
}

fn malformed_trailer() -> ApiError {
    ApiError::bad(
        "MalformedTrailerError",
        "The request contained trailing data that was not well-formed or did not conform to our published schema.",
    )
}

fn incomplete() -> ApiError {
    ApiError::bad("IncompleteBody", "The request body terminated unexpectedly")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(raw: &'static [u8], length: usize) -> Result<Decoded, ApiError> {
        decode(&Bytes::from_static(raw), length)
    }

    #[test]
    fn chunks_with_signatures_and_a_trailer() {
        let plain = decoded(
            b"5;chunk-signature=ab\r\nhello\r\n1\r\n!\r\n0\r\nx-amz-checksum-crc32:NjowIA==\r\n\r\n",
            6,
        )
        .expect("well formed");
        assert_eq!(&plain.body[..], b"hello!");
        assert_eq!(
            plain.trailers,
            [("x-amz-checksum-crc32".to_owned(), "NjowIA==".to_owned())]
        );
        assert!(decoded(b"0\r\n\r\n", 0).expect("empty").body.is_empty());
    }

    #[test]
    fn broken_chunks_are_refused() {
        for raw in [
            &b""[..],
            b"5\r\nhel",
            b"zz\r\nhello\r\n0\r\n\r\n",
            b"ffffffffffffffff\r\nhello\r\n",
            b"5\r\nhelloXX0\r\n\r\n",
            b"4\r\nhell\r\n0\r\n\r\n",
        ] {
            let error = decode(&Bytes::copy_from_slice(raw), 5).expect_err("broken");
            assert_eq!(error.code, "IncompleteBody");
        }
    }

    #[test]
    fn sizes_that_do_not_add_up_are_refused() {
        for (raw, length) in [
            (&b"5\r\nhello\r\n0\r\n\r\n"[..], 4),
            (b"5\r\nhello\r\n0\r\n\r\n", 6),
            (b"+5\r\nhello\r\n0\r\n\r\n", 5),
            (b"-5\r\nhello\r\n0\r\n\r\n", 5),
            (b"\r\nhello\r\n0\r\n\r\n", 5),
            (b"5\r\nhello\r\n", 5),
        ] {
            let error = decode(&Bytes::copy_from_slice(raw), length).expect_err("broken");
            assert_eq!(error.code, "IncompleteBody", "{length}");
        }
    }

    #[test]
    fn what_stands_behind_the_end_is_refused() {
        for raw in [
            &b"0\r\n\r\nmore"[..],
            b"0\r\nno trailer\r\n\r\n",
            b"0\r\nx-amz-checksum-crc32:AAAAAA==",
            b"0\r\nx-amz-checksum-crc32:\xff\r\n\r\n",
        ] {
            let error = decode(&Bytes::copy_from_slice(raw), 0).expect_err("broken");
            assert_eq!(error.code, "MalformedTrailerError");
        }
        // Some clients say the end twice, others not at all.
        for raw in [&b"0\r\n"[..], b"0\r\n\r\n\r\n"] {
            assert!(decode(&Bytes::copy_from_slice(raw), 0).is_ok());
        }
    }

    #[test]
    fn trailers_are_those_that_were_announced() {
        let body = "0\r\nx-amz-checksum-crc32:AAAAAA==\r\nx-amz-trailer-signature:s\r\n\r\n";
        let sent = |length: Option<&'static str>, announced: &'static str| {
            let mut headers = http::HeaderMap::new();
            headers.insert("x-amz-trailer", http::HeaderValue::from_static(announced));
            if let Some(length) = length {
                let length = http::HeaderValue::from_static(length);
                headers.insert("x-amz-decoded-content-length", length);
            }
            let request = HttpRequest {
                method: http::Method::PUT,
                path: "/bucket/key".to_owned(),
                query: String::new(),
                headers,
                body: Bytes::from_static(body.as_bytes()),
            };
            decode_request(&request).map_err(|error| (error.status, error.code))
        };
        assert!(sent(Some("0"), "X-Amz-Checksum-Crc32").is_ok());
        for announced in [
            "",
            "x-amz-checksum-sha1",
            "x-amz-checksum-crc32, x-amz-checksum-sha1",
        ] {
            let refused = sent(Some("0"), announced).expect_err(announced);
            assert_eq!(
                refused,
                (400, "MalformedTrailerError".into()),
                "{announced}"
            );
        }
        for length in [None, Some(""), Some("-1"), Some("much")] {
            let refused = sent(length, "x-amz-checksum-crc32").expect_err("no length");
            assert_eq!(refused, (411, "MissingContentLength".into()), "{length:?}");
        }
    }
}
