//! A proxy in front of a sandbox that writes down every request and the answer's status.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A request that arrived, and how it was answered.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// For example `POST`.
    pub method: String,
    /// The path, as it was sent.
    pub path: String,
    /// Behind the `?`; empty without one.
    pub query: String,
    /// As they were sent.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// The answer's.
    pub status: StatusCode,
    /// The answer's headers.
    pub answered: HeaderMap,
}

impl Arrival {
    /// A header of the request; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap_or_default())
    }

    /// Sends the same request again, but only with the headers that `keeps`, and answers with the status.
    pub async fn replay(&self, to: SocketAddr, keeps: fn(&str) -> bool) -> StatusCode {
        let target = match self.query.as_str() {
            "" => self.path.clone(),
            query => format!("{}?{query}", self.path),
        };
        let mut request = Request::builder().method(&*self.method).uri(target);
        for (name, value) in self.headers.iter().filter(|(name, _)| keeps(name.as_str())) {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(self.body.clone())).unwrap();
        pass_on(to, request).await.unwrap().status()
    }
}

/// What a tap answers itself; `None` for all else.
pub type Own = fn(&Parts) -> Option<Response<Full<Bytes>>>;

/// The proxy; it ends when it is dropped.
#[derive(Debug)]
pub struct Tap {
    /// Where it listens.
    pub address: SocketAddr,
    state: Arc<State>,
    server: tokio::task::JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    upstream: Option<SocketAddr>,
    own: Own,
    arrived: Mutex<Vec<Arrival>>,
    news: watch::Sender<()>,
}

impl Tap {
    /// A tap that passes on to `upstream` what `own` does not answer. Without an upstream it answers like a server that
    /// knows nothing.
    pub async fn start(upstream: Option<SocketAddr>, own: Own) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let state = Arc::new(State {
            upstream,
            own,
            arrived: Mutex::default(),
            news: watch::Sender::new(()),
        });
        Self {
            address: listener.local_addr().unwrap(),
            server: tokio::spawn(serve(listener, state.clone())),
            state,
        }
    }

    /// All that has arrived, in the order of the answers.
    pub fn arrived(&self) -> Vec<Arrival> {
        self.state.arrived.lock().unwrap().clone()
    }

    /// Waits until `enough` has arrived.
    pub async fn wait_until(&self, enough: impl Fn(&[Arrival]) -> bool) {
        let mut news = self.state.news.subscribe();
        while !enough(&self.state.arrived.lock().unwrap()) {
            news.changed().await.unwrap();
        }
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let state = state.clone();
        let service = hyper::service::service_fn(move |request| {
            let state = state.clone();
            async move { answer(&state, request).await }
        });
        tokio::spawn(async move {
            // A client that hangs up in the middle is no failure.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

/// The error, which closes the connection, means that the sandbox did not answer.
async fn answer(
    state: &State,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let response = match ((state.own)(&parts), state.upstream) {
        (Some(own), _) => own,
        (None, Some(upstream)) => {
            let mut passed = Request::builder()
                .method(&parts.method)
                .uri(parts.uri.clone());
            for (name, value) in &parts.headers {
                passed = passed.header(name, value);
            }
            pass_on(upstream, passed.body(Full::new(body.clone())).unwrap()).await?
        }
        (None, None) => {
            let mut nothing = Response::new(Full::new(Bytes::from_static(b"nothing is here")));
            *nothing.status_mut() = StatusCode::NOT_FOUND;
            nothing
        }
    };
    state.arrived.lock().unwrap().push(Arrival {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
        status: response.status(),
        answered: response.headers().clone(),
    });
    state.news.send_replace(());
    Ok(response)
}

async fn pass_on(
    upstream: SocketAddr,
    request: Request<Full<Bytes>>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let stream = TcpStream::connect(upstream).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let (parts, body) = sender.send_request(request).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    drop(sender);
    driver.abort();
    Ok(Response::from_parts(parts, Full::new(body)))
}
