//! The Lambda Runtime API (2018-06-01): what a function's process talks to.
//!
//! Each process has a listener of its own on the loopback interface, as each execution environment
//! has on AWS. The process asks for the next event, which may take for ever, and posts what came of
//! it.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// The largest answer of a function, in bytes.
pub(super) const MAX_RESPONSE: usize = 6 * 1024 * 1024 + 100;

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
    serving: JoinHandle<()>,
}

struct Shared {
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
        let shared = Arc::new(Shared {
            jobs: tokio::sync::Mutex::new(receive_jobs),
            signals: send_signals,
            current: Mutex::default(),
        });
        Ok(Self {
            address,
            jobs,
            signals,
            serving: tokio::spawn(serve(listener, shared)),
        })
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    // Connections live in this set, so that they go with the listener.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection to the Runtime API could not be accepted");
                tokio::task::yield_now().await;
                continue;
            }
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let shared = shared.clone();
        let service = service_fn(move |request| {
            let shared = shared.clone();
            async move { Ok::<_, Infallible>(shared.answer(request).await) }
        });
        connections.spawn(async move {
            let served = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
            if let Err(error) = served {
                tracing::debug!(%error, "a connection to the Runtime API ended early");
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

type Reply = Response<Full<Bytes>>;

impl Shared {
    async fn answer(&self, request: Request<Incoming>) -> Reply {
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
    limited
        .collect()
        .await
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
