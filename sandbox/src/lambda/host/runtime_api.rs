//! The Lambda Runtime API (2018-06-01): what a function's process talks to.
//!
//! Each process has a listener of its own on the loopback interface, as each execution environment
//! has on AWS. The process asks for the next event, which may take for ever, and posts what came of
//! it. Others of this machine can find the listener as well: pages in a browser, other users, other
//! functions. Every connection is asked for whose it is, and every request for signs of a browser
//! ([`super::runtime_api_guard`]).

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinHandle;

use super::process::Process;
use super::runtime_api_guard as guard;

/// The largest answer of a function, in bytes.
pub(super) const MAX_RESPONSE: usize = 6 * 1024 * 1024 + 100;

/// How many connections a process may have at once; the runtimes of AWS use one or two.
const MAX_CONNECTIONS: usize = 32;

/// How many connections of strangers are told at once why they are refused; the others are closed.
/// They take no place of the function's.
const MAX_REFUSALS: usize = 8;

/// How long such a connection may last.
const REFUSAL_PATIENCE: Duration = Duration::from_secs(2);

/// How long a new connection may take until its first request is there, and every body until its end.
const PATIENCE: Duration = Duration::from_secs(30);

/// The largest head of a request, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// An event for the function.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) request_id: String,
    pub(super) event: Bytes,
    /// Milliseconds since the epoch.
    pub(super) deadline: u128,
    pub(super) invoked_arn: String,
    pub(super) trace_id: String,
}

/// What the process said.
#[derive(Debug)]
pub(super) enum Signal {
    /// It asks for an event: its initialisation, or its last invocation, is over.
    Ready,
    /// The event was taken by the process.
    Taken,
    /// It could not initialise; the document says why.
    InitError(Bytes),
    /// It answers.
    Response(Bytes),
    /// Its answer is too large.
    TooLarge,
    /// It failed; the document says why.
    Error(Bytes),
}

/// The listener of one process; gone when dropped.
#[derive(Debug)]
pub(super) struct RuntimeApi {
    pub(super) address: SocketAddr,
    pub(super) jobs: mpsc::Sender<Job>,
    pub(super) signals: mpsc::UnboundedReceiver<Signal>,
    /// The process that is listened for, once it is there.
    owner: watch::Sender<Option<Weak<Process>>>,
    serving: JoinHandle<()>,
}

struct Shared {
    address: SocketAddr,
    jobs: tokio::sync::Mutex<mpsc::Receiver<Job>>,
    signals: mpsc::UnboundedSender<Signal>,
    /// The invocation that has not been answered yet.
    current: Mutex<Option<String>>,
}

impl RuntimeApi {
    pub(super) async fn listen() -> io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let address = listener.local_addr()?;
        let (jobs, receive_jobs) = mpsc::channel(1);
        let (send_signals, signals) = mpsc::unbounded_channel();
        let (owner, wait_for_owner) = watch::channel(None);
        let shared = Arc::new(Shared {
            address,
            jobs: tokio::sync::Mutex::new(receive_jobs),
            signals: send_signals,
            current: Mutex::default(),
        });
        Ok(Self {
            address,
            jobs,
            signals,
            owner,
            serving: tokio::spawn(serve(listener, wait_for_owner, shared)),
        })
    }

    /// From now on connections of `process` are served.
    pub(super) fn belongs_to(&self, process: &Arc<Process>) {
        self.owner.send_replace(Some(Arc::downgrade(process)));
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

type Owner = watch::Receiver<Option<Weak<Process>>>;

/// Accepts connections once it is known whose they may be: those that come earlier wait in the
/// kernel. Whose a connection is, is looked up before it gets a place, so strangers hold none of the
/// function's.
async fn serve(listener: TcpListener, mut owner: Owner, shared: Arc<Shared>) {
    let process = match owner.wait_for(Option::is_some).await {
        Ok(process) => process.clone().unwrap_or_default(),
        Err(_) => return,
    };
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let refusals = Arc::new(Semaphore::new(MAX_REFUSALS));
    // Connections live in this set, so that they go with the listener.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection to the Runtime API could not be accepted");
                tokio::task::yield_now().await;
                continue;
            }
        };
        while connections.try_join_next().is_some() {}
        let Some(process) = process.upgrade() else {
            return;
        };
        let whose = guard::peer(peer, shared.address, &process);
        drop(process);
        let refused = whose.refusal();
        let kind = if refused.is_some() {
            &refusals
        } else {
            &places
        };
        let Ok(place) = kind.clone().try_acquire_owned() else {
            tracing::warn!(%peer, ?whose, "too many connections to a Runtime API: one is closed");
            continue;
        };
        match refused {
            Some(why) => connections.spawn(refuse(stream, why, REFUSAL_PATIENCE, place)),
            None => connections.spawn(connection(stream, shared.clone(), place)),
        };
    }
}

/// Tells a stranger why it is refused, if it asks within `patience`.
async fn refuse(
    stream: TcpStream,
    why: &'static str,
    patience: Duration,
    _place: OwnedSemaphorePermit,
) {
    let service =
        service_fn(move |_| async move { Ok::<_, Infallible>(error(403, "Forbidden", why)) });
    let serving = hyper::server::conn::http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    if let Ok(Err(error)) = tokio::time::timeout(patience, serving).await {
        tracing::debug!(%error, "a refused connection to the Runtime API ended early");
    }
}

/// Serves one connection of the function.
async fn connection(stream: TcpStream, shared: Arc<Shared>, _place: OwnedSemaphorePermit) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let heard = Arc::new(Notify::new());
    let asked = heard.clone();
    let service = service_fn(move |request| {
        asked.notify_one();
        let shared = shared.clone();
        async move { Ok::<_, Infallible>(shared.answer(request).await) }
    });
    let serving = hyper::server::conn::http1::Builder::new()
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(serving);
    let first = tokio::time::timeout(PATIENCE, heard.notified());
    let served = tokio::select! {
        biased;
        served = &mut serving => served,
        first = first => match first {
            Ok(()) => serving.await,
            Err(_) => return,
        },
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection to the Runtime API ended early");
    }
}

type Reply = Response<Full<Bytes>>;

impl Shared {
    async fn answer(&self, request: Request<Incoming>) -> Reply {
        if let Err(why) = guard::request(request.headers(), self.address) {
            tracing::warn!(why, "a request to a Runtime API is refused");
            // Where whose a connection is cannot be known, this gives its place back.
            let mut refusal = error(403, "Forbidden", &why);
            let close = http::HeaderValue::from_static("close");
            refusal
                .headers_mut()
                .insert(http::header::CONNECTION, close);
            return refusal;
        }
        let path = request.uri().path().to_owned();
        let method = request.method().clone();
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match (&method, &parts[..]) {
            (&Method::GET, ["2018-06-01", "runtime", "invocation", "next"]) => self.next().await,
            (&Method::POST, ["2018-06-01", "runtime", "invocation", id, "response"]) => {
                match (self.finish(id), body(request).await) {
                    (false, _) => unknown_id(),
                    (true, Some(body)) => self.accept(Signal::Response(body)),
                    (true, None) => {
                        self.say(Signal::TooLarge);
                        error(413, "RequestEntityTooLarge", "the answer is too large")
                    }
                }
            }
            (&Method::POST, ["2018-06-01", "runtime", "invocation", id, "error"]) => {
                match (self.finish(id), body(request).await) {
                    (false, _) => unknown_id(),
                    (true, document) => self.accept(Signal::Error(document.unwrap_or_default())),
                }
            }
            (&Method::POST, ["2018-06-01", "runtime", "init", "error"]) => {
                let document = body(request).await.unwrap_or_default();
                self.accept(Signal::InitError(document))
            }
            _ => error(
                404,
                "NotFound",
                &format!("{method} {path} is not part of the Runtime API"),
            ),
        }
    }

    async fn next(&self) -> Reply {
        self.say(Signal::Ready);
        let Some(job) = self.jobs.lock().await.recv().await else {
            return error(500, "Closed", "the function has been taken down");
        };
        *self.current() = Some(job.request_id.clone());
        self.say(Signal::Taken);
        Response::builder()
            .header("content-type", "application/json")
            .header("lambda-runtime-aws-request-id", &job.request_id)
            .header("lambda-runtime-deadline-ms", job.deadline.to_string())
            .header("lambda-runtime-invoked-function-arn", &job.invoked_arn)
            .header("lambda-runtime-trace-id", &job.trace_id)
            .body(Full::new(job.event))
            .unwrap_or_else(|broken| error(500, "Internal", &broken.to_string()))
    }

    /// Whether `id` is the invocation at work; it is not any more.
    fn finish(&self, id: &str) -> bool {
        let mut current = self.current();
        let matches = current.as_deref() == Some(id);
        if matches {
            *current = None;
        }
        matches
    }

    fn current(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(&self, signal: Signal) -> Reply {
        self.say(signal);
        document(202, &json!({"status": "OK"}))
    }

    fn say(&self, signal: Signal) {
        // Nobody listens when the function is being taken down.
        let _ = self.signals.send(signal);
    }
}

/// The whole body; `None` when it is too large or does not come.
async fn body(request: Request<Incoming>) -> Option<Bytes> {
    let limited = Limited::new(request.into_body(), MAX_RESPONSE);
    tokio::time::timeout(PATIENCE, limited.collect())
        .await
        .ok()?
        .ok()
        .map(http_body_util::Collected::to_bytes)
}

fn unknown_id() -> Reply {
    error(
        400,
        "InvalidRequestID",
        "this invocation is not at work here",
    )
}

fn error(status: u16, kind: &str, message: &str) -> Reply {
    document(status, &json!({"errorType": kind, "errorMessage": message}))
}

fn document(status: u16, value: &serde_json::Value) -> Reply {
    let mut response = Response::new(Full::new(Bytes::from(value.to_string())));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static("application/json"),
    );
    response
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    /// A connection's two ends, and a place.
    async fn connected() -> (TcpStream, TcpStream, OwnedSemaphorePermit, Arc<Semaphore>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await;
        let (server, _) = listener.accept().await.unwrap();
        let places = Arc::new(Semaphore::new(1));
        let place = places.clone().try_acquire_owned().unwrap();
        (client.unwrap(), server, place, places)
    }

    #[tokio::test]
    async fn stranger_that_asks_nothing_gives_its_place_back() {
        let (_client, server, place, places) = connected().await;
        refuse(server, "not yours", Duration::ZERO, place).await;
        assert_eq!(places.available_permits(), 1);
    }

    #[tokio::test]
    async fn stranger_that_asks_is_told_why_and_gives_its_place_back() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut client, server, place, places) = connected().await;
        let refused = tokio::spawn(refuse(server, "not yours", Duration::MAX, place));
        client
            .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            .await
            .unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
        assert!(answer.contains("not yours"), "{answer}");
        refused.await.unwrap();
        assert_eq!(places.available_permits(), 1);
    }
}
