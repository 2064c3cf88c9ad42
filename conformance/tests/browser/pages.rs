//! The attacker's own pages, and what arrives of their attempts.

use std::collections::BTreeMap;

use bytes::Bytes;
use conformance::tap::Arrival;
use http::request::Parts;
use http::{Response, StatusCode};
use http_body_util::Full;

/// What is below `/attack/`.
pub(crate) fn own(parts: &Parts) -> Option<Response<Full<Bytes>>> {
    let page = parts.uri.path().strip_prefix("/attack/")?;
    let parameters = parameters(parts.uri.query().unwrap_or_default());
    let parameter = |name: &str| parameters.get(name).map_or("", String::as_str);
    Some(match page {
        "page" | "navigate" => said(
            "text/html",
            "<!doctype html><title>attack</title><body><script src=/attack/attacks.js></script>",
        ),
        "attacks.js" => said("text/javascript", include_str!("attacks.js")),
        "worker.js" => said("text/javascript", include_str!("worker.js")),
        // The browser reports what this page is not permitted to do, to whatever address the page names.
        "csp" => {
            let mut response = said("text/html", "<img src=http://x.invalid/>");
            let policy = format!("default-src 'none'; report-uri {}", parameter("report"));
            let headers = response.headers_mut();
            headers.insert("content-security-policy", policy.parse().unwrap());
            response
        }
        // Opens the pages of all origins.
        "start" => {
            let pages: Vec<&str> = parameter("pages").split(' ').collect();
            let pages = serde_json::to_string(&pages).unwrap();
            let open = format!(
                "<script>for (const page of {pages}) window.open(page, '', 'popup')</script>"
            );
            said("text/html", &open)
        }
        "report" => said("text/plain", ""),
        _ => {
            let mut nothing = said("text/plain", "");
            *nothing.status_mut() = StatusCode::NOT_FOUND;
            nothing
        }
    })
}

fn said(kind: &str, body: &str) -> Response<Full<Bytes>> {
    Response::builder()
        .header("content-type", kind)
        .body(Full::new(Bytes::from(body.to_owned())))
        .unwrap()
}

/// The attempt that a request belongs to, like `evil-img`; `None` for the attacker's own pages.
pub(crate) fn attempt(arrival: &Arrival) -> Option<&str> {
    if arrival.path.starts_with("/attack/") {
        return None;
    }
    let (_, rest) = arrival.query.split_once("try-")?;
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    Some(&rest[..end.unwrap_or(rest.len())])
}

/// What a page reports to have read: the attempt, and how it ended.
pub(crate) fn report(arrival: &Arrival) -> Option<(String, String)> {
    if arrival.path != "/attack/report" {
        return None;
    }
    let mut parameters = parameters(&arrival.query);
    Some((parameters.remove("name")?, parameters.remove("read")?))
}

fn parameters(query: &str) -> BTreeMap<String, String> {
    form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}
