//! HTTP on the loopback interface, and nowhere else.
//!
//! Nobody can take more than a share of it: heads and bodies have sizes and times ([`request`],
//! [`body`]), connections a number ([`connections`]).

mod body;
mod connections;
mod request;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use self::body::Room;
use self::connections::{Connections, Seat};
use self::request::Destination;
use crate::admin;
use crate::clock::http_date;
use crate::gateway::{self, Hangup};
use crate::guard;
use crate::protocol::{HttpRequest, HttpResponse, respond};
use crate::sandbox::Sandbox;

/// hyper's buffer for a head; what is larger it refuses by itself, without a text.
const HEAD_BUFFER: usize = 4 * request::MAX_HEAD;

/// Connections beyond all others, for as long as it takes to say that there are too many.
const OVERFLOW: usize = 64;

/// How long the server waits for clients.
#[derive(Debug, Clone, Copy)]
struct Times {
    /// For a complete head; a connection that is idle for as long is closed.
    head: Duration,
    /// For the next piece of a body: S3 gives up after some 20 seconds too.
    stalled: Duration,
    /// For a whole body: 72 MB at two megabits per second.
    whole: Duration,
    /// For room for a body, before its client is told to come again.
    room: Duration,
    /// For the request of a connection beyond the limit, and for what a closing one still sends.
    shortly: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(30),
            stalled: Duration::from_secs(20),
            whole: Duration::from_secs(300),
            room: Duration::from_secs(10),
            shortly: Duration::from_secs(2),
        }
    }
}

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
    let server = Arc::new(Server::new(sandbox, Times::default()));
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Answers are small and come in one piece: waiting for more would only add latency.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY could not be set");
                }
                server.take(stream);
            }
            // Usually out of file descriptors: give connections a chance to close.
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// What all connections share.
struct Server {
    sandbox: Arc<Sandbox>,
    connections: Arc<Connections>,
    overflow: Arc<Semaphore>,
    room: Room,
    times: Times,
}

impl Server {
    fn new(sandbox: Arc<Sandbox>, times: Times) -> Self {
        let budgets = &sandbox.settings.budgets;
        Self {
            connections: Arc::new(Connections::new(budgets.max_connections)),
            overflow: Arc::new(Semaphore::new(OVERFLOW)),
            room: Room::new(budgets.body_bytes.0, times),
            times,
            sandbox,
        }
    }

    /// Serves a connection, or says on it that there are too many.
    fn take(self: &Arc<Self>, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
        let server = self.clone();
        if let Some(seat) = self.connections.seat() {
            tokio::spawn(server.connection(stream, seat));
            return;
        }
        // Beyond even this, closing is all that is left.
        if let Ok(permit) = self.overflow.clone().try_acquire_owned() {
            tokio::spawn(async move {
                server.turn_away(stream).await;
                drop(permit);
            });
        }
    }

    async fn connection(
        self: Arc<Self>,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        seat: Seat,
    ) {
        let service = service_fn(|request| async {
            // An error makes hyper close the connection without a word.
            let _work = seat.begin().ok_or(Hangup)?;
            self.respond(request).await
        });
        let mut served = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.times.head)
            .max_buf_size(HEAD_BUFFER)
            .serve_connection(TokioIo::new(stream), service);
        let ended = tokio::select! {
            ended = &mut served => ended,
            () = seat.must_go() => {
                Pin::new(&mut served).graceful_shutdown();
                // What was answered already may still be on its way.
                match timeout(self.times.shortly, &mut served).await {
                    Ok(ended) => ended,
                    Err(_) => return,
                }
            }
        };
        let Err(error) = ended else { return };
        tracing::debug!(%error, "a connection ended early");
        if error.is_timeout() {
            let parts = served.into_parts();
            // An idle connection is closed without a word; hyper says nothing to a slow one either.
            if !parts.read_buf.is_empty() {
                let told = slow_head(parts.io.into_inner(), self.times.head);
                // Who sends nothing may read nothing either.
                let _ = timeout(self.times.shortly, told).await;
            }
        }
    }

    /// Answers one request on a connection that has no place: `health` as ever, anything else with
    /// a 503 that clients try again after.
    async fn turn_away(&self, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
        let service = service_fn(|request: hyper::Request<Incoming>| async {
            if request.uri().path() == "/_sandbox/health" {
                return self.respond(request).await;
            }
            let (head, body) = request.into_parts();
            self.drain(&head, body);
            let mut response = match admit(&self.sandbox, &head) {
                Ok(()) => Destination::of(&head).refuse(&Destination::of(&head).busy(
                    "as many connections as --max-connections allows are at work; close some, or start the sandbox with more",
                )),
                Err(refusal) => refusal,
            };
            guard::headers::protect(&mut response);
            Ok(response)
        });
        let served = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.times.shortly)
            .keep_alive(false)
            .max_buf_size(HEAD_BUFFER)
            .serve_connection(TokioIo::new(stream), service)
            .await;
        if let Err(error) = served {
            tracing::debug!(%error, "a connection that was turned away ended early");
        }
    }

    /// Answers one request, if it may be read at all.
    async fn respond(&self, request: hyper::Request<Incoming>) -> Result<HttpResponse, Hangup> {
        let (head, body) = request.into_parts();
        let mut response = match admit(&self.sandbox, &head) {
            Ok(()) => self.read_and_answer(head, body).await?,
            Err(refusal) => {
                self.drain(&head, body);
                refusal
            }
        };
        guard::headers::protect(&mut response);
        Ok(response)
    }

    /// Takes a body that nobody reads off the connection: closing with it unread would reset the
    /// connection under the answer. A client that waits for `100 Continue` has sent nothing yet.
    fn drain(&self, head: &Parts, body: Incoming) {
        if !head.headers.contains_key(http::header::EXPECT) {
            tokio::spawn(body::drain(body, self.times.stalled));
        }
    }

    async fn read_and_answer(
        &self,
        head: Parts,
        mut body: Incoming,
    ) -> Result<HttpResponse, Hangup> {
        let sandbox = &self.sandbox;
        let to = Destination::of(&head);
        let read = match request::check_head(&head) {
            Ok(()) => body::read(&self.room, to, to.max_body(&head), &mut body).await,
            Err(error) => Err(error),
        };
        let read = match read {
            Ok(read) => read,
            Err(error) => {
                tracing::debug!(%error, "a request was not read");
                if error.status != 408 {
                    self.drain(&head, body);
                }
                return Ok(to.refuse(&error));
            }
        };
        let request = HttpRequest {
            method: head.method,
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            headers: head.headers,
            body: read.bytes.clone(),
        };
        let mut response = gateway::answer(sandbox, request).await?;
        // Clients that go by the endpoint's time are to find the one that is stepped here.
        if let Ok(date) = http::HeaderValue::from_str(&http_date(sandbox.clock.now())) {
            response.headers_mut().insert(http::header::DATE, date);
        }
        Ok(response)
    }
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

/// Answers a head that was begun and not ended.
async fn slow_head(mut stream: impl AsyncWrite + Unpin, waited: Duration) {
    let text = format!(
        "<Error><Code>RequestTimeout</Code><Message>the head of the request did not come within {} s</Message></Error>",
        waited.as_secs_f32()
    );
    let mut response = respond(408, "application/xml", text.clone());
    guard::headers::protect(&mut response);
    let mut answer = format!(
        "HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: {}\r\n",
        text.len()
    );
    for (name, value) in response.headers() {
        // All of them are written in the program.
        let value = value.to_str().unwrap_or_default();
        answer.push_str(&format!("{name}: {value}\r\n"));
    }
    answer.push_str(&format!("\r\n{text}"));
    let written = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    };
    if let Err(error) = written.await {
        tracing::debug!(%error, "a slow client could not be told");
    }
}

#[cfg(test)]
mod tests;
