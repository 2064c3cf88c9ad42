//! Who may ask for what under `/_sandbox/`.

use http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, Method};
use serde_json::json;

use super::reply;
use crate::protocol::HttpResponse;
use crate::secret::Secret;
use crate::webhooks;

/// What a request must show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs<'a> {
    /// Nothing: that the sandbox is alive is no secret.
    Nothing,
    /// The token of the mail that it stands in, which is looked at with the subscription.
    Token,
    /// The token of this webhook, which a function knows because it knows the address; or the bearer's secret.
    Webhook { name: &'a str, token: &'a str },
    /// The secret as `Authorization: Bearer …`.
    Bearer,
}

impl<'a> Needs<'a> {
    fn of(method: &Method, path: &'a str) -> Self {
        match (method, path) {
            (&Method::GET, "health") => Self::Nothing,
            (&Method::GET, "confirm" | "unsubscribe") => Self::Token,
            (&Method::POST, path) => path
                .strip_prefix("webhooks/")
                .and_then(|rest| rest.split_once('/'))
                .map_or(Self::Bearer, |(name, token)| Self::Webhook { name, token }),
            _ => Self::Bearer,
        }
    }
}

/// Says by its head whether a request to `/_sandbox/` may be read; any other request may.
///
/// # Errors
/// The answer to one that may not.
#[expect(clippy::result_large_err, reason = "the answer is sent as it stands")]
pub(crate) fn admit(secret: &Secret, head: &Parts) -> Result<(), HttpResponse> {
    let Some(path) = head.uri.path().strip_prefix("/_sandbox/") else {
        return Ok(());
    };
    let admitted = match Needs::of(&head.method, path) {
        Needs::Nothing | Needs::Token => true,
        Needs::Webhook { name, token } => {
            secret.verify(webhooks::PURPOSE, name, token) || has_bearer(secret, &head.headers)
        }
        Needs::Bearer => has_bearer(secret, &head.headers),
    };
    if admitted {
        Ok(())
    } else {
        Err(unauthorised(&head.method, path))
    }
}

/// Whether there is one `Authorization`, and it is the right one. The scheme's case does not matter (RFC 9110, 11.1).
fn has_bearer(secret: &Secret, headers: &HeaderMap) -> bool {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (all.next(), all.next()) else {
        return false;
    };
    value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .is_some_and(|(scheme, token)| {
            scheme.eq_ignore_ascii_case("Bearer") && secret.verify_bearer(token.trim_ascii())
        })
}

fn unauthorised(method: &Method, path: &str) -> HttpResponse {
    // The rest of a webhook's address may be a secret that is only nearly right.
    let what = match path.strip_prefix("webhooks/") {
        Some(rest) => format!("webhooks/{}", rest.split('/').next().unwrap_or_default()),
        None => path.to_owned(),
    };
    let hint = if what.starts_with("webhooks/") && *method == Method::POST {
        format!("; `GET /_sandbox/{what}` answers the address that takes posts without it")
    } else {
        String::new()
    };
    let error = format!(
        "`{method} /_sandbox/{what}` needs the header `Authorization: Bearer $DRIFTLAB_SANDBOX_SECRET`; `cargo xtask sandbox env` prints that variable, and it is `bearer` in the state file that the sandbox names when it is ready{hint}"
    );
    let mut response = reply(401, &json!({"error": error}));
    response
        .headers_mut()
        .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use http::Request;

    fn check(method: &str, path: &str, authorization: &[&str], expect: u16) {
        let secret = Secret::from([7; 32]);
        let mut request = Request::builder().method(method).uri(path);
        for value in authorization {
            request = request.header(AUTHORIZATION, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        let status = match admit(&secret, &head) {
            Ok(()) => 200,
            Err(refusal) => {
                assert_eq!(refusal.headers()[WWW_AUTHENTICATE], "Bearer");
                refusal.status().as_u16()
            }
        };
        assert_eq!(status, expect, "{method} {path} {authorization:?}");
    }

    #[test]
    fn admit_each_path_needs_what_it_should() {
        let secret = Secret::from([7; 32]);
        let bearer = format!("Bearer {}", secret.bearer());
        let open = [
            ("GET", "/_sandbox/health"),
            ("GET", "/_sandbox/confirm?Token=x"),
            ("GET", "/_sandbox/unsubscribe?Token=x"),
            ("POST", "/"),
            ("GET", "/_sandboxes/key"),
        ];
        for (method, path) in open {
            check(method, path, &[], 200);
        }
        let closed = [
            ("POST", "/_sandbox/health"),
            ("GET", "/_sandbox/health/"),
            ("HEAD", "/_sandbox/confirm"),
            ("POST", "/_sandbox/unsubscribe"),
            ("GET", "/_sandbox/credentials?account=123456789012"),
            ("POST", "/_sandbox/clock/freeze"),
            ("POST", "/_sandbox/clock/advance?seconds=1"),
            ("POST", "/_sandbox/config-latency?value=1s"),
            ("POST", "/_sandbox/call-latency?value=1s"),
            ("GET", "/_sandbox/inbox?account=123456789012"),
            ("GET", "/_sandbox/calls"),
            ("GET", "/_sandbox/faults"),
            ("POST", "/_sandbox/faults"),
            ("DELETE", "/_sandbox/faults"),
            ("GET", "/_sandbox/webhooks/w"),
            ("POST", "/_sandbox/webhooks/w"),
            ("DELETE", "/_sandbox/webhooks/w"),
            ("GET", "/_sandbox/"),
            ("GET", "/_sandbox/nothing"),
        ];
        for (method, path) in closed {
            check(method, path, &[], 401);
            check(method, path, &[&bearer], 200);
        }
    }

    #[test]
    fn bearer_wrong_repeated_or_of_another_scheme_is_refused() {
        let right = Secret::from([7; 32]).bearer();
        let path = "/_sandbox/calls";
        check("GET", path, &[&format!("bearer  {right}")], 200);
        let bearer = format!("Bearer {right}");
        let wrong = [
            vec![right.clone()],
            vec![format!("Basic {right}")],
            vec![format!("Bearer {}", Secret::from([8; 32]).bearer())],
            vec![format!("Bearer {}", &right[..42])],
            vec![format!("Bearer {right} {right}")],
            vec!["Bearer ".to_owned()],
            vec![bearer.clone(), bearer],
        ];
        for values in wrong {
            let values: Vec<_> = values.iter().map(String::as_str).collect();
            check("GET", path, &values, 401);
        }
    }

    #[test]
    fn webhook_takes_posts_with_its_own_token() {
        let secret = Secret::from([7; 32]);
        let token = secret.derive(webhooks::PURPOSE, "w");
        let path = format!("/_sandbox/webhooks/w/{token}");
        check("POST", &path, &[], 200);
        check("POST", &format!("{path}?status=500"), &[], 200);
        check("GET", &path, &[], 401);
        check("DELETE", &path, &[], 401);
        check("POST", &format!("/_sandbox/webhooks/v/{token}"), &[], 401);
        check("POST", &format!("{path}/x"), &[], 401);
        check("POST", "/_sandbox/webhooks/w/", &[], 401);
        let (head, ()) = Request::post(format!("/_sandbox/webhooks/v/{token}"))
            .body(())
            .unwrap()
            .into_parts();
        let refusal = admit(&secret, &head).unwrap_err();
        assert!(!format!("{refusal:?}").contains(&token));
    }
}
