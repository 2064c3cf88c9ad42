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

/// Decodes the body of a request for which [`is_chunked`] holds. Every trailer that the request announces must be there.
///
/// # Errors
/// `IncompleteBody`, `MalformedTrailerError`.
pub(crate) fn decode_request(request: &HttpRequest) -> Result<Decoded, ApiError> {
    let length = request
        .header("x-amz-decoded-content-length")
        .and_then(|length| length.parse().ok());
    let decoded = decode(&request.body, length)?;
    let announced = request.header("x-amz-trailer").unwrap_or_default();
    for name in announced.split(',').map(str::trim) {
        let is_there = |(sent, _): &(String, String)| sent.eq_ignore_ascii_case(name);
        if !name.is_empty() && !decoded.trailers.iter().any(is_there) {
            return Err(ApiError::bad(
                "MalformedTrailerError",
                "The request contained trailing data that was not well-formed or did not conform to our published schema.",
            ));
        }
    }
    Ok(decoded)
}

/// Decodes `<hex size>[;chunk-signature=…]\r\n<data>\r\n … 0\r\n<trailers>\r\n`. `length` is
/// `x-amz-decoded-content-length`.
fn decode(raw: &Bytes, length: Option<usize>) -> Result<Decoded, ApiError> {
    let mut rest: &[u8] = raw;
    let mut body = BytesMut::with_capacity(length.unwrap_or(0).min(raw.len()));
    let mut chunks = Vec::new();
    loop {
        let line = take_line(&mut rest).ok_or_else(incomplete)?;
        let (digits, extension) = line.split_once(';').unwrap_or((line, ""));
        let size = usize::from_str_radix(digits.trim(), 16).map_err(|_| incomplete())?;
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
        if let Some((name, value)) = line.split_once(':') {
            trailers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    if length.is_some_and(|length| length != body.len()) {
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

fn incomplete() -> ApiError {
    ApiError::bad("IncompleteBody", "The request body terminated unexpectedly")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(raw: &'static [u8], length: usize) -> Result<Decoded, ApiError> {
        decode(&Bytes::from_static(raw), Some(length))
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
            let error = decode(&Bytes::copy_from_slice(raw), Some(5)).expect_err("broken");
            assert_eq!(error.code, "IncompleteBody");
        }
    }
}
