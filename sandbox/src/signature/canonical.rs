//! The canonical form of a request, over which it is signed.

use std::borrow::Cow;
use std::fmt::Write as _;

use percent_encoding::percent_decode_str;

use super::claim::Claim;
use super::sent::Sent;
use crate::protocol::HttpRequest;
use crate::service::Service;

/// The whole canonical request; `path` is [the path's](path), `payload` the last line.
pub(super) fn request(
    request: &HttpRequest,
    sent: &Sent<'_>,
    claim: &Claim,
    (path, payload): (&str, &str),
) -> String {
    let mut text = String::with_capacity(1024);
    text.push_str(request.method.as_str());
    text.push('\n');
    text.push_str(path);
    text.push('\n');
    query(&mut text, &request.query);
    text.push('\n');
    headers(&mut text, sent, &claim.signed_headers);
    text.push('\n');
    text.push_str(&claim.signed_headers);
    text.push('\n');
    text.push_str(payload);
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
fn headers(out: &mut String, sent: &Sent<'_>, signed: &str) {
    for name in signed.split(';') {
        out.push_str(name);
        out.push(':');
        for (at, value) in sent.all(name).enumerate() {
            if at > 0 {
                out.push(',');
            }
            trimmed(out, &String::from_utf8_lossy(value));
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
