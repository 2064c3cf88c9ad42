//! What is refused before it is understood: a request that a web page brings about, or a name that
//! was made to lead here.
//!
//! Every web page can send requests to the loopback interface. It cannot read the answers, but a form
//! or an image needs none. So a request is let in by what browsers themselves say of it, and by the
//! name that it was sent to. Each check covers what the others leave open:
//!
//! - `Host` stops a name that an attacker has resolve to 127.0.0.1 (DNS rebinding): to the browser such
//!   a page is of the same origin, so nothing else is wrong with its requests.
//! - `Sec-Fetch-Site` stops requests that carry neither `Origin` nor `Referer`: images and links of a
//!   page that asks for no referrer.
//! - `Origin` and `Referer` stop browsers that do not send `Sec-Fetch-Site`: Safari before 16.4, and all of
//!   them to a name of `--allow-host`, as they send it to HTTPS and to the loopback interface alone.
//! - Credentials in the query are all that a form or a link can bring along. Only presigned S3 objects
//!   need them, and nobody presigns a POST of one.
//! - `OPTIONS` is never granted, and no answer has an `Access-Control` header, so no page can send
//!   what needs a preflight: `Authorization`, JSON, `PUT`, `DELETE`.

pub(crate) mod headers;
mod host;
mod query;
mod refusal;

use http::header::{HOST, HeaderMap, HeaderName, ORIGIN, REFERER, UPGRADE};
use http::request::Parts;
use http::{HeaderValue, Method};

pub use self::host::HostName;
pub(crate) use self::refusal::Refused;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
const SEC_WEBSOCKET_KEY: HeaderName = HeaderName::from_static("sec-websocket-key");

/// The links in mails. They are clicked in a web mail program too, which is another site; each carries
/// a token of its own.
const LINKS: [&str; 2] = ["/_sandbox/confirm", "/_sandbox/unsubscribe"];

/// Says whether a request may be read any further; `allowed` are the names beside the loopback ones.
///
/// # Errors
/// Why it may not.
pub(crate) fn check(allowed: &[HostName], head: &Parts) -> Result<(), Refused> {
    // A request to a proxy names its server here, and `Host` does not count then (RFC 9112, 3.2.2).
    if head.uri.scheme().is_some() || head.uri.authority().is_some() {
        return Err(Refused::Proxy);
    }
    let host = host::check(allowed, &head.headers)?;
    if head.method == Method::OPTIONS {
        return Err(Refused::Preflight);
    }
    if is_websocket(&head.headers) {
        return Err(Refused::WebSocket);
    }
    let clicked = is_clicked_link(head);
    if !clicked {
        check_site(&head.headers)?;
    }
    let own = format!("http://{host}");
    for origin in head.headers.get_all(ORIGIN) {
        if !is(origin, |text| text.eq_ignore_ascii_case(&own)) {
            return Err(Refused::Origin(shown(origin)));
        }
    }
    if !clicked {
        for referer in head.headers.get_all(REFERER) {
            if !is(referer, |text| is_below(text, &own)) {
                return Err(Refused::Referer(shown(referer)));
            }
        }
    }
    query::check(head)
}

/// Whether a person's click leads to a link of a mail: the whole page goes there, and nothing that
/// another site says is shown beside it.
fn is_clicked_link(head: &Parts) -> bool {
    let says = |name: &HeaderName, value: &str| {
        let mut all = head.headers.get_all(name).iter();
        all.next().is_some_and(|first| first == value) && all.next().is_none()
    };
    head.method == Method::GET
        && LINKS.contains(&head.uri.path())
        && says(&SEC_FETCH_MODE, "navigate")
        && says(&SEC_FETCH_DEST, "document")
}

fn check_site(headers: &HeaderMap) -> Result<(), Refused> {
    for site in headers.get_all(SEC_FETCH_SITE) {
        // `same-site` is another port of this machine, or another name below the same domain.
        if site != "none" && site != "same-origin" {
            return Err(Refused::Site(shown(site)));
        }
    }
    Ok(())
}

/// `Upgrade: h2c`, which some HTTP clients offer, is left unanswered like any other offer.
fn is_websocket(headers: &HeaderMap) -> bool {
    headers.contains_key(SEC_WEBSOCKET_KEY)
        || headers.get_all(UPGRADE).iter().any(|value| {
            is(value, |text| {
                text.to_ascii_lowercase().contains("websocket")
            })
        })
}

/// Whether an address is one of the origin's own.
fn is_below(address: &str, origin: &str) -> bool {
    address
        .get(..origin.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(origin))
        && matches!(address.as_bytes().get(origin.len()), None | Some(b'/'))
}

/// Whether a header's value is text and passes; what is no text never does.
fn is(value: &HeaderValue, passes: impl FnOnce(&str) -> bool) -> bool {
    value.to_str().is_ok_and(passes)
}

/// A header's value as a message may repeat it.
fn shown(value: &HeaderValue) -> String {
    const LONGEST: usize = 200;
    let text = String::from_utf8_lossy(value.as_bytes());
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST)
        .collect()
}

/// The one value of a header that a request must have exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, ()> {
    let mut all = headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (first, None) => Ok(first),
        (_, Some(_)) => Err(()),
    }
}

#[cfg(test)]
mod tests;
