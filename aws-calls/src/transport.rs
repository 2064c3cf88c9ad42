//! One pooled HTTP client for every service.

use crate::ahead::Ahead;
use crate::config::Timeouts;
use crate::ops::ClientError;
use crate::trust;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::error::Error;
use std::path::Path;
use std::time::Duration;

type Cause = Box<dyn Error + Send + Sync>;

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Connections, kept open between calls.
#[derive(Debug, Clone)]
pub(crate) struct Transport {
    connector: Ahead<HttpsConnector<HttpConnector>>,
    client: Client<Ahead<HttpsConnector<HttpConnector>>, Full<Bytes>>,
    attempt: Duration,
}

/// An answer larger than this is not an answer to our questions; a page of 1,000 full groups
/// stays well below.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// AWS closes connections after tens of idle seconds without our noticing while Lambda keeps the
/// process frozen; a new connection costs less than a request lost on an old one.
const IDLE: Duration = Duration::from_secs(20);

/// No answer within the time for one attempt.
#[derive(Debug, thiserror::Error)]
#[error("no complete answer within {0:?}")]
pub(crate) struct AttemptTimeout(Duration);

impl Transport {
    pub(crate) fn new(timeouts: Timeouts, ca_bundle: Option<&Path>) -> Result<Self, ClientError> {
        let mut http = HttpConnector::new();
        // The TLS connector above it decides which schemes are allowed.
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(timeouts.connect));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(trust::config(ca_bundle)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let connector = Ahead::new(connector, IDLE);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .build(connector.clone());
        Ok(Self {
            connector,
            client,
            attempt: timeouts.attempt,
        })
    }

    /// Sends one request and reads the whole answer, within `patience`.
    pub(crate) async fn send(
        &self,
        request: Request<Full<Bytes>>,
        patience: Duration,
    ) -> Result<Answer, Cause> {
        let exchange = async {
            let response = self.client.request(request).await?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, MAX_BODY).collect().await?.to_bytes();
            Ok(Answer {
                status: parts.status,
                headers: parts.headers,
                body,
            })
        };
        within(patience, exchange).await
    }

    /// Opens a connection to `uri`'s server and keeps it for a request to come.
    pub(crate) async fn open(&self, uri: &Uri) -> Result<(), Cause> {
        within(self.attempt, self.connector.open(uri)).await
    }

    /// Gives up what was opened and not used: where one connection is dead, what was opened with it may be as dead, and a
    /// later attempt shall not have to find that out.
    pub(crate) fn forget(&self) {
        self.connector.forget();
    }
}

async fn within<T>(
    patience: Duration,
    attempt: impl Future<Output = Result<T, Cause>>,
) -> Result<T, Cause> {
    match tokio::time::timeout(patience, attempt).await {
        Ok(result) => result,
        Err(_elapsed) => Err(Box::new(AttemptTimeout(patience))),
    }
}
