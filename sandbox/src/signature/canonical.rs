//! The canonical form of a request, over which it is signed.

use std::fmt::Write as _;

use percent_encoding::percent_decode_str;

use super::claim::Claim;
use crate::protocol::HttpRequest;
use crate::service::Service;

/// The whole canonical request; `payload` is the last line.
pub(super) fn request(
    service: Service,
    request: &HttpRequest,
    claim: &Claim,
    payload: &str,
) -> String {
    let mut text = String::with_capacity(1024);
    text.push_str(request.method.as_str());
    text.push('\n');
    path(&mut text, service, &request.path);
    text.push('\n');
    query(&mut text, &request.query);
    text.push('\n');
    headers(&mut text, request, &claim.signed_headers);
    text.push('\n');
    for (at, name) in claim.signed_headers.iter().enumerate() {
        if at > 0 {
            text.push(';');
        }
        text.push_str(name);
    }
    text.push('\n');
    text.push_str(payload);
    text
}

/// S3 takes the path as it is meant, decoded; the others take it as it was sent, without dots and empty segments, and
/// encode it once more.
fn path(out: &mut String, service: Service, path: &str) {
    if path == "/" || path.is_empty() {
        out.push('/');
    } else if service == Service::S3 {
        let decoded: Vec<u8> = percent_decode_str(path).collect();
        encode(out, &decoded, true);
    } else {
        encode(out, normalized(path).as_bytes(), true);
    }
}

/// The path without `.`, `..` and empty segments (RFC 3986, 5.2.4); a slash at the end stays.
fn normalized(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    let mut out = String::with_capacity(path.len());
    for segment in &kept {
        out.push('/');
        out.push_str(segment);
    }
    let ends_open = ["/", "/.", "/.."].iter().any(|end| path.ends_with(end));
    if ends_open || kept.is_empty() {
        out.push('/');
    }
    out
}

/// The parameters, decoded and encoded again, in order; without the signature itself.
fn query(out: &mut String, query: &str) {
    if query.is_empty() {
        return;
    }
    let encoded = |text: &str| {
        // A plus is a space here, as in every form.
        let text = text.replace('+', " ");
        let decoded: Vec<u8> = percent_decode_str(&text).collect();
        let mut encoded = String::with_capacity(text.len());
        encode(&mut encoded, &decoded, false);
        encoded
    };
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (encoded(name), encoded(value))
        })
        .filter(|(name, _)| name != "X-Amz-Signature")
        .collect();
    pairs.sort_unstable();
    for (at, (name, value)) in pairs.iter().enumerate() {
        if at > 0 {
            out.push('&');
        }
        out.push_str(name);
        out.push('=');
        out.push_str(value);
    }
}

/// The signed headers, each in a line. One that is absent counts as empty, so that its signature cannot hold.
fn headers(out: &mut String, request: &HttpRequest, signed: &[String]) {
    for name in signed {
        out.push_str(name);
        out.push(':');
        let values = request.headers.get_all(name.as_str());
        for (at, value) in values.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            let value = String::from_utf8_lossy(value.as_bytes());
            trimmed(out, &value);
        }
        out.push('\n');
    }
}

/// Without space at the ends, and one space for several in the middle.
fn trimmed(out: &mut String, value: &str) {
    let value = value.trim();
    if !value.contains("  ") && !value.contains('\t') {
        out.push_str(value);
        return;
    }
    for (at, word) in value.split_whitespace().enumerate() {
        if at > 0 {
            out.push(' ');
        }
        out.push_str(word);
    }
}

/// Encodes everything but the unreserved characters of RFC 3986 (and slashes, in paths).
pub(super) fn encode(out: &mut String, bytes: &[u8], keeps_slash: bool) {
    for byte in bytes {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(*byte));
            }
            b'/' if keeps_slash => out.push('/'),
            _ => {
                // Writing into a string cannot fail.
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
}
