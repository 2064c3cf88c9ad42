//! The `aws-chunked` body encoding: what SDKs send when a checksum follows the body as a trailer.

use bytes::{Bytes, BytesMut};

use crate::error::ApiError;

/// The plain body, with the trailers in the order they came.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) body: Bytes,
    pub(super) trailers: Vec<(String, String)>,
}

/// Decodes `<hex size>[;chunk-signature=…]\r\n<data>\r\n … 0\r\n<trailers>\r\n`. Signatures are not
/// checked, as nowhere in the sandbox. `length` is `x-amz-decoded-content-length`.
pub(super) fn decode(raw: &Bytes, length: Option<usize>) -> Result<Decoded, ApiError> {
    let mut rest: &[u8] = raw;
    let mut body = BytesMut::with_capacity(length.unwrap_or(0).min(raw.len()));
    loop {
        let line = take_line(&mut rest).ok_or_else(incomplete)?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(digits, 16).map_err(|_| incomplete())?;
        if size == 0 {
            break;
        }
        // Checked, because the size is the client's word.
        let end = size.checked_add(2).filter(|end| *end <= rest.len());
        let end = end.ok_or_else(incomplete)?;
        if &rest[size..end] != b"\r\n" {
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
