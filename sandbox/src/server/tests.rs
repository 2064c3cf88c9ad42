#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::request::{Destination, MAX_HEAD, check_head};
use super::{Server, Times};
use crate::budgets::{Budgets, Bytes};
use crate::sandbox::{Sandbox, Settings};
use crate::service::Service;

/// Short, so that what must be waited for comes soon; nothing here measures them.
const SHORT: Times = Times {
    head: Duration::from_millis(200),
    stalled: Duration::from_millis(200),
    whole: Duration::from_secs(60),
    room: Duration::from_millis(100),
    shortly: Duration::from_millis(100),
};

fn server(times: Times, budgets: Budgets) -> Arc<Server> {
    let settings = Settings {
        budgets,
        ..Settings::default()
    };
    Arc::new(Server::new(Sandbox::start(settings), times))
}

/// A connection to the server.
fn connect(server: &Arc<Server>) -> DuplexStream {
    let (client, stream) = tokio::io::duplex(1 << 20);
    server.take(stream);
    client
}

/// What the server says until it closes.
async fn rest(client: &mut DuplexStream) -> String {
    let mut said = String::new();
    client.read_to_string(&mut said).await.unwrap();
    said
}

/// The head of an answer and as much of its body as comes with it.
async fn answer(client: &mut DuplexStream) -> String {
    let mut said = vec![0; 1 << 16];
    let read = client.read(&mut said).await.unwrap();
    String::from_utf8_lossy(&said[..read]).into_owned()
}

fn signed(service: &str) -> String {
    format!(
        "authorization: AWS4-HMAC-SHA256 Credential=123456789012/20261130/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0\r\n"
    )
}

const HEALTH: &[u8] = b"GET /_sandbox/health HTTP/1.1\r\nhost: localhost\r\n\r\n";

#[tokio::test]
async fn body_larger_than_its_service_takes_is_refused_from_its_head_in_the_services_own_words() {
    let server = server(Times::default(), Budgets::default());
    for (service, target, limit, status, code) in [
        (
            "s3",
            "PUT /b/k",
            75_497_472,
            400,
            "<Code>EntityTooLarge</Code>",
        ),
        (
            "lambda",
            "POST /2015-03-31/functions/f/invocations",
            6_291_456,
            413,
            "RequestEntityTooLargeException",
        ),
        (
            "lambda",
            "POST /2015-03-31/functions",
            75_497_472,
            413,
            "RequestEntityTooLargeException",
        ),
        ("logs", "POST /", 8_388_608, 413, "RequestEntityTooLarge"),
        (
            "iam",
            "POST /",
            4_194_304,
            413,
            "<Code>RequestEntityTooLarge</Code>",
        ),
        (
            "nothing",
            "POST /",
            4_194_304,
            413,
            "<Code>RequestEntityTooLarge</Code>",
        ),
    ] {
        let mut client = connect(&server);
        let head = format!(
            "{target} HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\n{}content-length: {}\r\n\r\n",
            signed(service),
            limit + 1,
        );
        client.write_all(head.as_bytes()).await.unwrap();
        // Not one byte of the body was sent: the head alone decides.
        let said = rest(&mut client).await;
        assert!(
            said.starts_with(&format!("HTTP/1.1 {status} ")),
            "{service}: {said}"
        );
        assert!(
            said.contains(code) && said.contains(&limit.to_string()),
            "{service}: {said}"
        );
    }
}

#[tokio::test]
async fn body_without_length_is_cut_off_at_the_limit() {
    let server = server(Times::default(), Budgets::default());
    let mut client = connect(&server);
    let head = format!(
        "POST / HTTP/1.1\r\nhost: localhost\r\n{}transfer-encoding: chunked\r\n\r\n",
        signed("sns")
    );
    client.write_all(head.as_bytes()).await.unwrap();
    let chunk = [
        b"80000\r\n".to_vec(),
        vec![b'x'; 0x8_0000],
        b"\r\n".to_vec(),
    ]
    .concat();
    for _ in 0..9 {
        client.write_all(&chunk).await.unwrap();
    }
    let said = answer(&mut client).await;
    assert!(said.starts_with("HTTP/1.1 413 "), "{said}");
    assert!(said.contains("more than 4194304 bytes"), "{said}");
}

#[tokio::test]
async fn body_that_stands_still_is_answered_408() {
    let server = server(SHORT, Budgets::default());
    let mut client = connect(&server);
    let head = format!(
        "POST / HTTP/1.1\r\nhost: localhost\r\n{}content-length: 10\r\n\r\nhalf",
        signed("sns")
    );
    client.write_all(head.as_bytes()).await.unwrap();
    let said = rest(&mut client).await;
    assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
    assert!(said.contains("<Code>RequestTimeout</Code>"), "{said}");
}

#[tokio::test]
async fn head_that_is_not_ended_is_answered_408_and_an_idle_connection_closed_without_a_word() {
    let server = server(SHORT, Budgets::default());
    let mut slow = connect(&server);
    slow.write_all(b"GET /_sandbox/health HTTP/1.1\r\nhost: loc")
        .await
        .unwrap();
    let mut idle = connect(&server);
    let said = rest(&mut slow).await;
    assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
    assert!(
        said.contains("\r\ncontent-security-policy: default-src 'none';"),
        "{said}"
    );
    assert!(said.contains("<Code>RequestTimeout</Code>"), "{said}");
    assert_eq!(rest(&mut idle).await, "");
    let mut used = connect(&server);
    used.write_all(HEALTH).await.unwrap();
    let said = rest(&mut used).await;
    assert!(
        said.starts_with("HTTP/1.1 200 ") && said.matches("HTTP/1.1").count() == 1,
        "{said}"
    );
}

#[tokio::test]
async fn head_that_is_too_large_is_answered_431() {
    let server = server(Times::default(), Budgets::default());
    // Ours with a text, hyper's own bounds (its buffer, a hundred headers) without.
    let large = format!("x-large: {}\r\n", "x".repeat(MAX_HEAD));
    let larger = format!("x-large: {}\r\n", "x".repeat(8 * MAX_HEAD));
    for (headers, text) in [(large, "16384"), (larger, ""), ("a: b\r\n".repeat(101), "")] {
        let mut client = connect(&server);
        let head = format!("GET /_sandbox/health HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n");
        client.write_all(head.as_bytes()).await.unwrap();
        let said = answer(&mut client).await;
        assert!(
            said.starts_with("HTTP/1.1 431 ") && said.contains(text),
            "{said}"
        );
    }
    let fits = "x".repeat(MAX_HEAD - "/".len() - "x: \r\n".len());
    for (value, good) in [(fits.clone(), true), (fits + "x", false)] {
        let (head, ()) = Request::get("/")
            .header("x", value)
            .body(())
            .unwrap()
            .into_parts();
        assert_eq!(check_head(&head).is_ok(), good);
    }
}

/// A class uploads 72 MB each, all at once: what has no room waits, then is told to come again.
#[tokio::test]
async fn bodies_beyond_the_room_are_answered_503_and_small_ones_need_none() {
    let budgets = Budgets {
        body_bytes: Bytes(1 << 20),
        ..Budgets::default()
    };
    let server = server(
        Times {
            room: SHORT.room,
            ..Times::default()
        },
        budgets,
    );
    let upload = |size: usize| {
        format!(
            "PUT /b/k HTTP/1.1\r\nhost: localhost\r\n{}content-length: {size}\r\n\r\n",
            signed("s3")
        )
    };
    let mut first = connect(&server);
    first.write_all(upload(700_000).as_bytes()).await.unwrap();
    first.write_all(&[0; 1_000]).await.unwrap();
    crate::testing::until("the first body has its room", || {
        server.room.free() < 400 << 10
    })
    .await;
    let mut second = connect(&server);
    second.write_all(upload(700_000).as_bytes()).await.unwrap();
    let said = answer(&mut second).await;
    assert!(said.starts_with("HTTP/1.1 503 "), "{said}");
    assert!(
        said.contains("<Code>SlowDown</Code>") && said.contains("--body-bytes"),
        "{said}"
    );
    let mut small = connect(&server);
    small.write_all(upload(60_000).as_bytes()).await.unwrap();
    small.write_all(&[0; 60_000]).await.unwrap();
    assert!(answer(&mut small).await.starts_with("HTTP/1.1 40"));
    first.write_all(&[0; 699_000]).await.unwrap();
    assert!(answer(&mut first).await.starts_with("HTTP/1.1 40"));
    crate::testing::until("the room is free again", || server.room.free() == 1 << 20).await;
}

#[tokio::test]
async fn connections_beyond_the_limit_take_the_place_of_idle_ones_or_are_answered_503() {
    let budgets = Budgets {
        max_connections: 2,
        ..Budgets::default()
    };
    let server = server(Times::default(), budgets);
    let mut clients = Vec::new();
    for _ in 0..20 {
        let mut client = connect(&server);
        client.write_all(HEALTH).await.unwrap();
        assert!(answer(&mut client).await.starts_with("HTTP/1.1 200 "));
        clients.push(client);
        crate::testing::until("the answer is sent", || server.connections.idle() > 0).await;
    }
    assert_eq!(server.connections.count(), 2);
    assert_eq!(rest(&mut clients[0]).await, "", "the oldest gave way");
    let head = format!(
        "POST / HTTP/1.1\r\nhost: localhost\r\n{}content-length: 10\r\n\r\n",
        signed("sns")
    );
    let mut working = Vec::new();
    for _ in 0..2 {
        let mut client = connect(&server);
        client.write_all(head.as_bytes()).await.unwrap();
        working.push(client);
    }
    crate::testing::until("both are at work", || server.connections.idle() == 0).await;
    let mut turned_away = connect(&server);
    turned_away.write_all(head.as_bytes()).await.unwrap();
    let said = answer(&mut turned_away).await;
    assert!(
        said.starts_with("HTTP/1.1 503 ") && said.contains("--max-connections"),
        "{said}"
    );
    let mut health = connect(&server);
    health.write_all(HEALTH).await.unwrap();
    assert!(rest(&mut health).await.starts_with("HTTP/1.1 200 "));
    working[0].write_all(b"Action=X12").await.unwrap();
    assert!(answer(&mut working[0]).await.starts_with("HTTP/1.1 "));
}

#[test]
fn destination_is_told_from_the_head() {
    let of = |head: http::request::Builder| Destination::of(&head.body(()).unwrap().into_parts().0);
    let v4 = "AWS4-HMAC-SHA256 Credential=AKIA/20261130/us-east-1/lambda/aws4_request, SignedHeaders=host";
    let lambda = Destination::Service(Service::Lambda);
    let s3 = Destination::Service(Service::S3);
    assert_eq!(of(Request::get("/").header("authorization", v4)), lambda);
    let presigned = "/b/k?X-Amz-Credential=AKIA%2F20261130%2Fus-east-1%2Fs3%2Faws4_request";
    assert_eq!(of(Request::put(presigned)), s3);
    assert_eq!(of(Request::put("/b/k?AWSAccessKeyId=AKIA&Signature=x")), s3);
    assert_eq!(
        of(Request::put("/b/k").header("authorization", "AWS AKIA:x")),
        s3
    );
    assert_eq!(
        of(Request::post("/_sandbox/faults").header("authorization", v4)),
        Destination::Own
    );
    assert_eq!(of(Request::post("/")), Destination::Unknown);
    assert_eq!(
        of(Request::post("/").header("authorization", "Bearer x")),
        Destination::Unknown
    );
}
