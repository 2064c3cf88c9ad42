//! What gets in, through the real program and over a bare socket: each way in is refused with its reason, before a
//! byte of its body is there, and leaves no trace; and nothing that is answered is a page of the sandbox's origin.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

mod process;

use process::Sandbox;

/// Only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// The credential scope that a browser's form put into the query, and what it made.
const FORM: &str = "/?Action=CreateSecurityGroup&GroupName=g&GroupDescription=g&X-Amz-Credential=123456789012%2F20260101%2Fus-east-1%2Fec2%2Faws4_request";

/// An answer as it came over the wire.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    /// The value of a header that is there at most once.
    fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.head.lines().filter_map(|line| {
            let (known, value) = line.split_once(": ")?;
            known.eq_ignore_ascii_case(name).then_some(value)
        });
        let value = found.next();
        assert!(
            found.next().is_none(),
            "{name} is there twice: {}",
            self.head
        );
        value
    }
}

/// Sends a request line, header lines (`{address}` is the sandbox's) and a body, and reads until the sandbox closes.
fn send(sandbox: &Sandbox, line: &str, headers: &[&str], body: &str) -> Answer {
    let mut stream = TcpStream::connect(&sandbox.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut request = format!("{line} HTTP/1.1\r\nconnection: close\r\n");
    for header in headers {
        request.push_str(&header.replace("{address}", &sandbox.address));
        request.push_str("\r\n");
    }
    write!(stream, "{request}\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer to {request}: {answer}"));
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

fn admin(sandbox: &Sandbox, line: &str) -> Answer {
    let bearer = format!("authorization: Bearer {}", sandbox.bearer);
    let headers = ["host: {address}", "content-length: 0", &bearer];
    send(sandbox, line, &headers, "")
}

/// Every call that the sandbox has written down.
fn calls(sandbox: &Sandbox) -> Value {
    let answer = admin(sandbox, "GET /_sandbox/calls");
    assert_eq!(answer.status, 200, "{answer:?}");
    serde_json::from_str::<Value>(&answer.body).unwrap()["calls"].take()
}

#[test]
fn each_way_in_is_refused_unread_and_leaves_no_trace() {
    let sandbox = Sandbox::start(&[]);
    let own = "host: {address}";
    let ways: &[(&str, &[&str], &str)] = &[
        ("POST /", &["host: evil.example"], "--allow-host"),
        (
            "POST /",
            &["host: localhost.evil.example:4566"],
            "--allow-host",
        ),
        ("POST /", &["host: 0.0.0.0:4566"], "--allow-host"),
        ("POST http://evil.example/", &[own], "no proxy"),
        (
            "POST /",
            &[own, "sec-fetch-site: cross-site"],
            "Sec-Fetch-Site",
        ),
        (
            "POST /",
            &[own, "sec-fetch-site: same-site"],
            "Sec-Fetch-Site",
        ),
        ("POST /", &[own, "origin: null"], "Origin"),
        ("POST /", &[own, "origin: http://evil.example"], "Origin"),
        (
            "POST /",
            &[own, "referer: http://evil.example/page"],
            "Referer",
        ),
        (&format!("POST {FORM}"), &[own], "a POST"),
        (&format!("GET {FORM}"), &[own], "an object in S3 alone"),
        (
            "OPTIONS /",
            &[own, "access-control-request-method: PUT"],
            "preflight",
        ),
        (
            "GET /",
            &[own, "connection: upgrade", "upgrade: websocket"],
            "WebSocket",
        ),
    ];
    for (line, headers, reason) in ways {
        // A body that never comes: who waits for it answers nothing. With `Expect` the connection is not
        // kept for it either.
        let mut all = vec!["content-length: 1000000", "expect: 100-continue"];
        all.extend_from_slice(headers);
        let answer = send(&sandbox, line, &all, "");
        assert_eq!(answer.status, 403, "{line}: {answer:?}");
        assert!(
            answer.body.contains("<Code>RefusedBySandbox</Code>"),
            "{answer:?}"
        );
        assert!(answer.body.contains(reason), "{line}: {answer:?}");
        // What is not AWS is behind the same guard, the bearer's secret or not.
        let (method, path) = line.split_once(' ').unwrap();
        if path == "/" {
            let bearer = format!("authorization: Bearer {}", sandbox.bearer);
            all.push(&bearer);
            let line = format!("{method} /_sandbox/faults");
            let answer = send(&sandbox, &line, &all, "");
            assert_eq!(answer.status, 403, "{line}: {answer:?}");
            assert_eq!(answer.header("content-type"), Some("application/json"));
            assert!(answer.body.contains(reason), "{line}: {answer:?}");
        }
    }
    for headers in [vec![], vec!["host: {address}", "host: {address}"]] {
        assert_eq!(send(&sandbox, "GET /", &headers, "").status, 400);
    }
    assert_eq!(calls(&sandbox), json!([]));
    // The list does hold what was let in.
    assert_eq!(send(&sandbox, "GET /", &[own], "").status, 403);
    assert_eq!(calls(&sandbox).as_array().unwrap().len(), 1);
}

#[test]
fn bearer_is_asked_for_before_the_body() {
    let sandbox = Sandbox::start(&[]);
    let headers = [
        "host: {address}",
        "content-length: 1000000",
        "expect: 100-continue",
    ];
    for line in ["POST /_sandbox/faults", "POST /_sandbox/webhooks/w"] {
        let answer = send(&sandbox, line, &headers, "");
        assert_eq!(answer.status, 401, "{answer:?}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        for word in ["DRIFTLAB_SANDBOX_SECRET", "sandbox env"] {
            assert!(answer.body.contains(word), "{answer:?}");
        }
    }
    let health = send(&sandbox, "GET /_sandbox/health", &["host: {address}"], "");
    assert_eq!(health.status, 200);
    assert!(!health.body.contains(&sandbox.bearer));
}

#[test]
fn webhook_takes_posts_at_the_address_that_its_owner_is_shown() {
    let sandbox = Sandbox::start(&[]);
    let shown = admin(&sandbox, "GET /_sandbox/webhooks/w");
    let shown: Value = serde_json::from_str(&shown.body).unwrap();
    let url = shown["url"].as_str().unwrap();
    let path = url.split_once(&sandbox.address).unwrap().1;
    let headers = ["host: {address}", "content-length: 5"];
    let posted = send(
        &sandbox,
        &format!("POST {path}?status=201"),
        &headers,
        "hello",
    );
    assert_eq!((posted.status, posted.body.as_str()), (201, "ok"));
    let listed = admin(&sandbox, "GET /_sandbox/webhooks/w");
    let listed: Value = serde_json::from_str(&listed.body).unwrap();
    assert_eq!(listed["posts"][0]["body"], "hello");
    let other = path.replace("/w/", "/v/");
    let refused = send(&sandbox, &format!("POST {other}"), &headers, "hello");
    assert_eq!(refused.status, 401);
}

#[test]
fn allow_host_lets_one_more_name_in() {
    let sandbox = Sandbox::start_with(&["--allow-host", "Lab.Example"], &[]);
    let health = |host: &str| send(&sandbox, "GET /_sandbox/health", &[host], "").status;
    assert_eq!(health("host: lab.example:80"), 200);
    assert_eq!(health("host: other.example"), 403);
    let bad = Command::new(env!("CARGO_BIN_EXE_driftlab-sandbox"))
        .args(["--allow-host", "*"])
        .output()
        .unwrap();
    assert_eq!(bad.status.code(), Some(2));
}

#[test]
fn no_answer_is_a_page_of_the_sandboxs_origin() {
    let sandbox = Sandbox::start(&[]);
    let own = "host: {address}";
    let answers = [
        send(&sandbox, "GET /_sandbox/health", &[own], ""),
        send(&sandbox, "GET /_sandbox/%3Cscript%3E", &[own], ""),
        send(
            &sandbox,
            "GET /_sandbox/confirm?Token=%3Cscript%3E",
            &[own],
            "",
        ),
        send(&sandbox, "GET /_sandbox/unsubscribe?Token=x", &[own], ""),
        send(&sandbox, "GET /%3Cscript%3E", &[own], ""),
        send(
            &sandbox,
            "GET /?Action=%3Cscript%3E",
            &["host: <script>"],
            "",
        ),
        send(&sandbox, "OPTIONS /", &[own], ""),
        admin(&sandbox, "GET /_sandbox/calls"),
        admin(&sandbox, "GET /_sandbox/nothing"),
        admin(&sandbox, "POST /_sandbox/webhooks/w?status=404"),
    ];
    for answer in answers {
        let header = |name: &str| answer.header(name).unwrap_or_default();
        assert_eq!(
            header("content-security-policy"),
            "default-src 'none'; sandbox; frame-ancestors 'none'",
            "{answer:?}"
        );
        assert_eq!(header("x-content-type-options"), "nosniff", "{answer:?}");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("cache-control"), "no-store");
        let head = answer.head.to_ascii_lowercase();
        assert!(!head.contains("access-control-"), "{answer:?}");
        assert!(!header("content-type").contains("html"), "{answer:?}");
    }
}
