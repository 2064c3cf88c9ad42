//! One request, as soon as all of it is there.

use std::io::{self, Error, ErrorKind};

/// What a function asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: Vec<u8>,
}

/// Takes the first request off `received`; `None` while it is not complete.
pub(crate) fn take(received: &mut Vec<u8>) -> io::Result<Option<Request>> {
    let odd = |what: String| Error::new(ErrorKind::InvalidData, what);
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Request::new(&mut headers);
    let parsed = head.parse(received).map_err(|e| odd(e.to_string()))?;
    let httparse::Status::Complete(start) = parsed else {
        return Ok(None);
    };
    let mut length = 0;
    for header in head.headers.iter() {
        if header.name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(odd("a body without a length".to_owned()));
        }
        if header.name.eq_ignore_ascii_case("content-length") {
            let text = String::from_utf8_lossy(header.value);
            length = text
                .parse()
                .map_err(|_| odd(format!("`{text}` is no length")))?;
        }
    }
    let end = start + length;
    if received.len() < end {
        return Ok(None);
    }
    let request = Request {
        method: head.method.unwrap_or_default().to_owned(),
        path: head.path.unwrap_or_default().to_owned(),
        body: received[start..end].to_vec(),
    };
    received.drain(..end);
    Ok(Some(request))
}

/// An answer; `headers` are whole lines.
pub(crate) fn answer(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn a_request_is_taken_when_all_of_it_is_there() {
        let text = b"POST /a HTTP/1.1\r\nContent-Length: 4\r\n\r\nnullGET /b HTTP/1.1\r\n\r\n";
        let first = text.len() - "GET /b HTTP/1.1\r\n\r\n".len();
        for cut in 0..first {
            let mut received = text[..cut].to_vec();
            assert_eq!(take(&mut received).unwrap(), None, "{cut}");
            assert_eq!(received.len(), cut);
        }
        let mut received = text.to_vec();
        let request = take(&mut received).unwrap().unwrap();
        assert_eq!((request.method, request.path), ("POST".into(), "/a".into()));
        assert_eq!(request.body, b"null");
        let request = take(&mut received).unwrap().unwrap();
        assert_eq!((request.method, request.path), ("GET".into(), "/b".into()));
        assert_eq!(take(&mut received).unwrap(), None);
    }

    #[test]
    fn what_cannot_be_measured_is_refused() {
        for text in [
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: four\r\n\r\n",
            "hello\r\n\r\n",
        ] {
            assert!(take(&mut text.as_bytes().to_vec()).is_err(), "{text}");
        }
    }
}
