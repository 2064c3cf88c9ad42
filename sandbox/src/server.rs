//! HTTP on the loopback interface, and nowhere else.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

use crate::admin;
use crate::clock::http_date;
use crate::error::ApiError;
use crate::gateway::{self, Hangup};
use crate::guard;
use crate::protocol::{HttpRequest, HttpResponse, Protocol, encode_error};
use crate::sandbox::Sandbox;

/// The largest body that is read: Lambda takes packages of 50 MB directly, as base64.
const MAX_BODY: usize = 72 * 1024 * 1024;

/// A client that sends no complete header within this time is let go.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// Binds the loopback interface; `port` 0 takes any free one. Nothing is served yet.
///
/// # Errors
/// When the port is taken or may not be bound.
pub async fn bind(sandbox: &Sandbox, port: u16) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    sandbox.set_endpoint(format!("http://{}", listener.local_addr()?));
    Ok(listener)
}

/// Serves until the future is dropped.
pub async fn serve(sandbox: Arc<Sandbox>, listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(connection(sandbox.clone(), stream));
            }
            // Usually out of file descriptors: give connections a chance to close.
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

async fn connection(sandbox: Arc<Sandbox>, stream: TcpStream) {
    // Answers are small and come in one piece: waiting for more would only add latency.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let service = service_fn(move |request| {
        let sandbox = sandbox.clone();
        // An error makes hyper close the connection without a word.
        async move { respond(&sandbox, request).await }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Answers one request, if it may be read at all.
async fn respond(
    sandbox: &Arc<Sandbox>,
    request: hyper::Request<Incoming>,
) -> Result<HttpResponse, Hangup> {
    let (parts, body) = request.into_parts();
    let mut response = match admit(sandbox, &parts) {
        Ok(()) => read_and_answer(sandbox, parts, body).await?,
        Err(refusal) => refusal,
    };
    guard::headers::protect(&mut response);
    Ok(response)
}

/// Says by its head alone whether a request may be read.
///
/// # Errors
/// The answer to one that may not.
#[expect(clippy::result_large_err, reason = "the answer is sent as it stands")]
fn admit(sandbox: &Sandbox, head: &Parts) -> Result<(), HttpResponse> {
    guard::check(&sandbox.settings.allowed_hosts, head).map_err(|refused| {
        tracing::debug!(%refused, method = %head.method, "refused unread");
        refused.answer(head.uri.path())
    })?;
    admin::admit(&sandbox.secret, head)
}

async fn read_and_answer(
    sandbox: &Arc<Sandbox>,
    parts: Parts,
    body: Incoming,
) -> Result<HttpResponse, Hangup> {
    let body = match read(body).await {
        Ok(body) => body,
        Err(error) => return Ok(encode_error(Protocol::RestXml, &error, "-")),
    };
    let request = HttpRequest {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
    };
    let mut response = gateway::answer(sandbox, request).await?;
    // Clients that go by the endpoint's time are to find the one that is stepped here.
    if let Ok(date) = http::HeaderValue::from_str(&http_date(sandbox.clock.now())) {
        response.headers_mut().insert(http::header::DATE, date);
    }
    Ok(response)
}

async fn read(body: Incoming) -> Result<Bytes, ApiError> {
    match Limited::new(body, MAX_BODY).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) => Err(ApiError::new(
            413,
            "RequestEntityTooLarge",
            format!("the request body could not be read: {error}"),
        )),
    }
}
