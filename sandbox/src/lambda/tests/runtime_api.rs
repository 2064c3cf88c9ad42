//! Who is served at a function's Runtime API.

use std::io::Read as _;
use std::path::Path;

use serde_json::json;
use tokio::net::TcpStream;

use super::function;
use super::isolation::{held, lab, seen_by};

#[tokio::test]
async fn runtime_api_serves_its_function_and_no_browser() {
    let lab = lab().await;
    let api = seen_by(&lab).await["AWS_LAMBDA_RUNTIME_API"].clone();
    let api = api.as_str().unwrap();
    for header in ["origin: https://evil.example", "sec-fetch-site: cross-site"] {
        let (_, answer, _) = lab.invoke(json!({"do": "request", "header": header})).await;
        let answer = answer.as_str().unwrap();
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
        assert!(answer.contains("comes from a browser"), "{answer}");
    }
    // This test is the same user on the same machine, but not the function.
    if !held("whose a connection is", Path::new("/proc/net/tcp").exists()) {
        return;
    }
    let api = api.to_owned();
    let stolen = tokio::task::spawn_blocking(move || {
        function::exchange_with(&api, "GET", "invocation/next", b"", "accept: */*")
    });
    let answer = stolen.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    assert!(
        answer.contains("not of one of the function's processes"),
        "{answer}"
    );
    let (failed, answer, _) = lab.invoke(json!({"secret": 1})).await;
    assert!(!failed);
    assert_eq!(answer["event"], json!({"secret": 1}));
}

#[tokio::test]
async fn strangers_connections_take_no_place_of_the_function() {
    if !held("whose a connection is", Path::new("/proc/net/tcp").exists()) {
        return;
    }
    let lab = lab().await;
    let api = seen_by(&lab).await["AWS_LAMBDA_RUNTIME_API"].clone();
    let mut strangers = Vec::new();
    for _ in 0..100 {
        let stranger = TcpStream::connect(api.as_str().unwrap()).await;
        strangers.push(stranger.unwrap());
    }
    // The connection that answers is behind all of these.
    let (failed, answer, tail) = lab.invoke(json!({"still": "served"})).await;
    assert!(!failed, "{answer} {tail}");
    assert_eq!(answer["event"], json!({"still": "served"}));
    // Few of them are waited for; the others were closed without a word. A read does not wait.
    let closed = strangers.into_iter().filter_map(|stranger| {
        let read = stranger.into_std().unwrap().read(&mut [0]);
        (read.ok() == Some(0)).then_some(())
    });
    assert!(closed.count() >= 92);
}
