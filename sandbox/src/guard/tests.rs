//! One row a way in: what a request says of itself, and whether it is read any further.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use http::Request;
use http_body_util::BodyExt as _;

use super::*;

const HOST: (&str, &str) = ("host", "127.0.0.1:4566");

/// The message is looked at where it matters; `None` is let in.
fn check_all(method: &str, target: &str, headers: &[(&str, &str)], expect: Option<&str>) {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (head, ()) = request.body(()).unwrap().into_parts();
    let allowed = ["Host.Docker.Internal".parse().unwrap()];
    let refused = check(&allowed, &head).err().map(|why| why.to_string());
    let about = format!("{method} {target} {headers:?}: {refused:?}");
    match (expect, &refused) {
        (None, None) => {}
        (Some(word), Some(why)) => assert!(why.contains(word), "{about}"),
        _ => panic!("{about}"),
    }
}

fn check_get(headers: &[(&str, &str)], expect: Option<&str>) {
    let mut all = vec![HOST];
    all.extend_from_slice(headers);
    check_all("GET", "/", &all, expect);
}

#[test]
fn host_of_the_loopback_interface_or_a_flag_is_let_in() {
    for host in [
        "127.0.0.1",
        "127.0.0.1:4566",
        "127.0.0.1:9",
        "127.1.2.3:4566",
        "127.255.255.254",
        "localhost",
        "LocalHost:4566",
        "[::1]",
        "[::1]:4566",
        "[0:0:0:0:0:0:0:1]:4566",
        "host.docker.internal:4566",
        "HOST.docker.internal",
    ] {
        check_all("POST", "/", &[("host", host)], None);
    }
}

#[test]
fn host_of_another_name_is_refused() {
    for host in [
        "evil.example",
        "evil.example:4566",
        "sandbox.evil.example:4566",
        "127.0.0.1.evil.example",
        "localhost.evil.example:4566",
        "localhost.",
        "127.0.0.1.",
        "bucket.localhost:4566",
        "bucket.127.0.0.1:4566",
        "other.host.docker.internal",
        "host.docker.internal.evil.example",
        "0.0.0.0:4566",
        "10.0.0.1:4566",
        "169.254.169.254",
        "127.1",
        "127.0.0.01",
        "2130706433",
        "0x7f000001",
        "[::]:4566",
        "[fe80::1]:4566",
        "[::ffff:127.0.0.1]:4566",
        "s3.us-east-1.amazonaws.com",
    ] {
        check_all("POST", "/", &[("host", host)], Some("--allow-host"));
    }
}

#[test]
fn host_that_is_none_is_refused() {
    for host in [
        "",
        ":4566",
        "user@127.0.0.1:4566",
        "127.0.0.1@evil.example",
        "127.0.0.1, evil.example",
        "127.0.0.1 evil.example",
        "http://127.0.0.1",
        "127.0.0.1/",
        "127.0.0.1:",
        "127.0.0.1:4566:80",
        "127.0.0.1:port",
        "%6c%6fcalhost",
        "[::1",
        "[::1]4566",
        "[::1%25lo]",
        "[127.0.0.1]",
        "::1",
    ] {
        check_all("POST", "/", &[("host", host)], Some("is no host name"));
    }
    check_all("POST", "/", &[], Some("no host"));
    let twice = [HOST, ("host", "evil.example")];
    check_all("POST", "/", &twice, Some("several hosts"));
    check_all("POST", "/", &[HOST, HOST], Some("several hosts"));
    let mut bytes = HeaderMap::new();
    bytes.insert(
        http::header::HOST,
        HeaderValue::from_bytes(b"\xe4").unwrap(),
    );
    assert!(matches!(host::check(&[], &bytes), Err(Refused::BadHost(_))));
}

#[test]
fn target_of_a_proxy_is_refused() {
    for (method, target) in [
        ("GET", "http://127.0.0.1:4566/"),
        ("POST", "http://evil.example/"),
        ("CONNECT", "127.0.0.1:4566"),
    ] {
        check_all(method, target, &[HOST], Some("no proxy"));
    }
}

#[test]
fn browser_says_that_another_site_asks_is_refused() {
    for site in ["cross-site", "same-site", "Same-Origin", "", "unheard-of"] {
        check_get(&[("sec-fetch-site", site)], Some("Sec-Fetch-Site"));
    }
    for site in ["none", "same-origin"] {
        check_get(&[("sec-fetch-site", site)], None);
    }
    let both = [("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")];
    check_get(&both, Some("Sec-Fetch-Site"));
}

#[test]
fn origin_that_is_foreign_is_refused() {
    for origin in [
        "null",
        "",
        "http://evil.example",
        "https://127.0.0.1:4566",
        "http://127.0.0.1",
        "http://127.0.0.1:45660",
        "http://localhost:4566",
        "http://127.0.0.1:4566/",
        "http://127.0.0.1:4566.evil.example",
        "file://",
        "chrome-extension://abcdefgh",
    ] {
        check_get(&[("origin", origin)], Some("Origin"));
    }
    check_get(&[("origin", "http://127.0.0.1:4566")], None);
    let both = [
        ("origin", "http://127.0.0.1:4566"),
        ("origin", "http://evil.example"),
    ];
    check_get(&both, Some("Origin"));
    let console = [
        ("host", "localhost:8000"),
        ("origin", "http://LOCALHOST:8000"),
    ];
    check_all("POST", "/", &console, None);
}

#[test]
fn referer_that_is_foreign_is_refused() {
    for referer in [
        "",
        "http://evil.example/",
        "https://127.0.0.1:4566/",
        "http://127.0.0.1:45660/",
        "http://127.0.0.1:4566.evil.example/",
        "http://127.0.0.1:4566@evil.example/",
        "http://127.0.0.1/",
        "about:blank",
    ] {
        check_get(&[("referer", referer)], Some("Referer"));
    }
    for referer in ["http://127.0.0.1:4566", "http://127.0.0.1:4566/bucket/key"] {
        check_get(&[("referer", referer)], None);
    }
}

#[test]
fn preflight_and_websocket_are_refused() {
    let preflight = [HOST, ("access-control-request-method", "PUT")];
    check_all("OPTIONS", "/bucket/key", &preflight, Some("preflight"));
    check_all("OPTIONS", "*", &[HOST], Some("preflight"));
    let upgrade = [("connection", "Upgrade"), ("upgrade", "WebSocket")];
    check_get(&upgrade, Some("WebSocket"));
    check_get(&[("upgrade", "h2c, websocket")], Some("WebSocket"));
    check_get(&[("sec-websocket-key", "AAAA")], Some("WebSocket"));
    // What clients in Java offer on plain HTTP, and do without.
    check_get(&[("upgrade", "h2c")], None);
}

#[test]
fn link_of_a_mail_may_be_followed_from_another_site_and_nothing_else_may() {
    let navigation = [
        HOST,
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
        ("referer", "https://mail.example/"),
    ];
    let confirm = "/_sandbox/confirm?Token=x";
    check_all("GET", confirm, &navigation, None);
    check_all("GET", "/_sandbox/unsubscribe?Token=x", &navigation, None);
    let site = Some("Sec-Fetch-Site");
    check_all("POST", confirm, &navigation, site);
    for target in [
        "/",
        "/_sandbox/health",
        "/_sandbox/confirm/",
        "/_sandbox/calls",
    ] {
        check_all("GET", target, &navigation, site);
    }
    for (index, value) in [
        (2, "no-cors"),
        (2, "cors"),
        (3, "iframe"),
        (3, "image"),
        (3, "empty"),
    ] {
        let mut other = navigation;
        other[index].1 = value;
        check_all("GET", confirm, &other, site);
    }
    let mut foreign = navigation.to_vec();
    foreign.push(("origin", "null"));
    check_all("GET", confirm, &foreign, Some("Origin"));
    let mut twice = navigation.to_vec();
    twice.push(("sec-fetch-dest", "iframe"));
    check_all("GET", confirm, &twice, site);
    let mut rebound = navigation;
    rebound[0].1 = "evil.example";
    check_all("GET", confirm, &rebound, Some("--allow-host"));
}

#[test]
fn credentials_in_the_query_are_let_in_for_objects_alone() {
    let v4 = |service: &str| {
        format!(
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=123456789012%2F20260101%2Fus-east-1%2F{service}%2Faws4_request&X-Amz-Signature=0"
        )
    };
    let (s3, ec2) = (v4("s3"), v4("ec2"));
    let v2 = "AWSAccessKeyId=123456789012&Signature=0&Expires=1";
    let check = |method: &str, target: &str, expect: Option<&str>| {
        check_all(method, target, &[HOST], expect);
    };
    for method in ["GET", "HEAD", "PUT", "DELETE"] {
        for query in [&s3, v2] {
            check(method, &format!("/bucket/key?{query}"), None);
            check(method, &format!("/bucket/a/b?{query}"), None);
        }
    }
    let object = Some("an object in S3 alone");
    for query in [&s3, v2] {
        for path in [
            "/",
            "/bucket",
            "/bucket/",
            "//key",
            "/_sandbox/calls",
            "/_sandbox/confirm",
        ] {
            check("GET", &format!("{path}?{query}"), object);
        }
        check("PATCH", &format!("/bucket/key?{query}"), object);
        let post = Some("a POST");
        check("POST", &format!("/bucket/key?{query}"), post);
        check("POST", &format!("/?{query}"), post);
    }
    // The form that makes a stack, and its siblings.
    check(
        "POST",
        &format!("/?{}", v4("cloudformation")),
        Some("a POST"),
    );
    check("GET", &format!("/?Action=DescribeVpcs&{ec2}"), object);
    check(
        "PUT",
        &format!("/2015-03-31/functions?{}", v4("lambda")),
        object,
    );
    check(
        "GET",
        &format!("/2015-03-31/functions/f?{}", v4("lambda")),
        object,
    );
    check("GET", &format!("/bucket/key?{s3}&{ec2}"), object);
    check("GET", &format!("/bucket/key?{v2}&{ec2}"), object);
    for query in [
        "X-Amz-Credential=123456789012",
        "x-amz-credential=a/b/c/s3",
        "X%2DAmz%2DCredential=a/b/c/s3",
        "X-Amz-Signature=0",
        "X-Amz-Security-Token=0",
        "X-Amz-Algorithm=AWS4-HMAC-SHA256",
        "AWSAccessKeyId=123456789012",
        "awsaccesskeyid=123456789012",
        "Signature=0",
        "SignatureVersion=2",
        "SignatureMethod=HmacSHA256",
    ] {
        check("GET", &format!("/?Action=DescribeVpcs&{query}"), object);
    }
    check("GET", "/?Action=DescribeVpcs&Version=2016-11-15", None);
    check("POST", "/_sandbox/webhooks/w?status=500", None);
}

#[test]
fn allow_host_takes_one_name_without_a_port() {
    for bad in [
        "",
        "*",
        "*.example",
        "a:80",
        "a b",
        "http://a",
        "[::1]",
        "a/b",
    ] {
        assert!(bad.parse::<HostName>().is_err(), "{bad}");
    }
}

#[tokio::test]
async fn refusal_is_read_by_people_and_clients() {
    let why = Refused::ForeignHost("<evil>&".to_owned());
    let answer = why.answer("/");
    assert_eq!(answer.status(), 403);
    assert_eq!(answer.headers()["x-amzn-errortype"], "RefusedBySandbox");
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let body = String::from_utf8(body.to_vec()).unwrap();
    let document = roxmltree::Document::parse(&body).unwrap();
    let text = |name: &str| {
        let found = document.descendants().find(|node| node.has_tag_name(name));
        found.and_then(|node| node.text()).map(str::to_owned)
    };
    assert_eq!(text("Code").as_deref(), Some("RefusedBySandbox"));
    assert_eq!(text("Message"), Some(why.to_string()));
    let own = why.answer("/_sandbox/calls");
    assert_eq!(own.headers()["content-type"], "application/json");
    assert_eq!(Refused::NoHost.answer("/").status(), 400);
}

#[test]
fn protect_wins_over_what_a_service_has_set_but_its_caching() {
    use crate::protocol::respond;
    let mut stored = respond(200, "text/html", "<script>");
    for name in [
        "content-security-policy",
        "cache-control",
        "referrer-policy",
    ] {
        stored
            .headers_mut()
            .insert(name, HeaderValue::from_static("own"));
    }
    stored.extensions_mut().insert(headers::OwnCaching);
    headers::protect(&mut stored);
    let header = |name: &str| stored.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(
        header("content-security-policy"),
        "default-src 'none'; sandbox; frame-ancestors 'none'"
    );
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("cross-origin-resource-policy"), "same-origin");
    assert_eq!(header("referrer-policy"), "no-referrer");
    assert_eq!(header("cache-control"), "own");
    let mut other = respond(200, "application/json", "{}");
    headers::protect(&mut other);
    assert_eq!(other.headers()["cache-control"], "no-store");
}
