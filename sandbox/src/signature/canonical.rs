//! The canonical form of a request, over which it is signed.

use std::borrow::Cow;
use std::fmt::Write as _;

use percent_encoding::percent_decode_str;

use super::claim::Claim;
use super::scope::Mechanism;
use super::sent::Sent;
use crate::protocol::HttpRequest;
use crate::service::Service;

/// The whole canonical request; `path` is [the path's](path), `payload` the last line.
///
/// Bytes: two values of a header that are no text must not look the same.
pub(super) fn request(
    request: &HttpRequest,
    mechanism: Mechanism,
    sent: &Sent<'_>,
    claim: &Claim,
    (path, payload): (&str, &str),
) -> Vec<u8> {
    let mut text = String::with_capacity(1024);
    text.extend([request.method.as_str(), "\n", path, "\n"]);
    query(&mut text, mechanism, &request.query);
    text.push('\n');
    let mut text = text.into_bytes();
    headers(&mut text, sent, &claim.signed_headers);
    for part in ["\n", &claim.signed_headers, "\n", payload] {
        text.extend_from_slice(part.as_bytes());
    }
    text
}

/// The canonical path: S3 takes it as it was sent; the others leave out dots and empty segments, and encode it once more.
pub(super) fn path(service: Service, path: &str) -> Cow<'_, str> {
    if path == "/" || service == Service::S3 {
        return Cow::Borrowed(path);
    }
    let mut out = String::with_capacity(path.len());
    encode(&mut out, normalized(path).as_bytes(), true);
    Cow::Owned(out)
}

/// The path of S3 by the letter of its specification, decoded and encoded again: what clients sign that send it less
/// encoded. It names the same object. `None` where it is no different.
pub(super) fn path_encoded_again(service: Service, path: &str) -> Option<String> {
    if service != Service::S3 {
        return None;
    }
    let decoded: Vec<u8> = percent_decode_str(path).collect();
    let mut out = String::with_capacity(path.len());
    encode(&mut out, &decoded, true);
    (out != path).then_some(out)
}

/// The segments of a path without `.`, `..` and empty ones (RFC 3986, 5.2.4): what a signature vouches for, and so what a
/// request is understood by.
pub(crate) fn segments(path: &str) -> Vec<&str> {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    kept
}

/// The path of its [`segments`]; a slash at the end stays.
fn normalized(path: &str) -> String {
    let kept = segments(path);
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

/// The parameters, decoded and encoded again, in order; where the signature is one of them, without it.
fn query(out: &mut String, mechanism: Mechanism, query: &str) {
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
        .filter(|(name, _)| mechanism != Mechanism::Query || name != "X-Amz-Signature")
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
fn headers(out: &mut Vec<u8>, sent: &Sent<'_>, signed: &str) {
    for name in signed.split(';') {
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        for (at, value) in sent.all(name).enumerate() {
            if at > 0 {
                out.push(b',');
            }
            trimmed(out, value);
        }
        out.push(b'\n');
    }
}

/// Without space at the ends, and one space for several in the middle.
fn trimmed(out: &mut Vec<u8>, value: &[u8]) {
    let value = value.trim_ascii();
    // Text is searched by the standard library, which is optimised in a development build, too.
    if std::str::from_utf8(value).is_ok_and(|text| !text.contains("  ") && !text.contains('\t')) {
        out.extend_from_slice(value);
        return;
    }
    let words = value.split(u8::is_ascii_whitespace);
    let words = words.filter(|word| !word.is_empty());
    for (at, word) in words.enumerate() {
        if at > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(word);
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
