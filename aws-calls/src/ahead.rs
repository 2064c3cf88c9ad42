//! Connections that are opened before there is anything to send.
//!
//! The pool of the HTTP client holds connections over which something was sent. A request sent only for that would cost
//! a round trip at every start, and an answer to read; so what was opened ahead waits here, below the pool, until it asks
//! for a connection.

use http::Uri;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tower_service::Service;

/// A connector that has connections in stock. Clones share them.
#[derive(Debug)]
pub(crate) struct Ahead<C: Service<Uri>> {
    connector: C,
    stock: Arc<Mutex<Stock<C::Response>>>,
}

impl<C: Service<Uri>> Ahead<C> {
    /// Connections for which nobody asks within `keep` are not used: the other side may have given them up. They are closed
    /// when somebody asks for a connection the next time.
    pub(crate) fn new(connector: C, keep: Duration) -> Self {
        let stock = Stock {
            keep,
            opened: Vec::new(),
        };
        Self {
            connector,
            stock: Arc::new(Mutex::new(stock)),
        }
    }

    /// Opens a connection, its TLS included, and keeps it for whoever asks for one to `uri`'s server.
    pub(crate) async fn open(&self, uri: &Uri) -> Result<(), C::Error>
    where
        C: Clone,
    {
        let mut connector = self.connector.clone();
        std::future::poll_fn(|cx| connector.poll_ready(cx)).await?;
        let connection = connector.call(uri.clone()).await?;
        let opened = Opened {
            to: uri.clone(),
            at: Instant::now(),
            connection,
        };
        let mut stock = self.stock.lock().unwrap_or_else(PoisonError::into_inner);
        stock.opened.push(opened);
        Ok(())
    }

    /// Drops whatever was opened and not asked for.
    pub(crate) fn forget(&self) {
        let mut stock = self.stock.lock().unwrap_or_else(PoisonError::into_inner);
        stock.opened.clear();
    }
}

// Derived, it would ask that connections can be cloned.
impl<C: Service<Uri> + Clone> Clone for Ahead<C> {
    fn clone(&self) -> Self {
        Self {
            connector: self.connector.clone(),
            stock: Arc::clone(&self.stock),
        }
    }
}

impl<C> Service<Uri> for Ahead<C>
where
    C: Service<Uri>,
    C::Response: Send + 'static,
    C::Error: Send + 'static,
    C::Future: Send + 'static,
{
    type Response = C::Response;
    type Error = C::Error;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, C::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), C::Error>> {
        self.connector.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let known = {
            let mut stock = self.stock.lock().unwrap_or_else(PoisonError::into_inner);
            stock.take(&uri, Instant::now())
        };
        match known {
            Some(connection) => Box::pin(std::future::ready(Ok(connection))),
            None => Box::pin(self.connector.call(uri)),
        }
    }
}

#[derive(Debug)]
struct Stock<T> {
    keep: Duration,
    opened: Vec<Opened<T>>,
}

#[derive(Debug)]
struct Opened<T> {
    to: Uri,
    at: Instant,
    connection: T,
}

impl<T> Stock<T> {
    /// One to the server of `uri`, if there is one that is young enough.
    fn take(&mut self, uri: &Uri, now: Instant) -> Option<T> {
        self.opened.retain(|opened| now < opened.at + self.keep);
        let fits = |to: &Uri| (to.scheme(), to.authority()) == (uri.scheme(), uri.authority());
        let found = self.opened.iter().position(|opened| fits(&opened.to))?;
        Some(self.opened.swap_remove(found).connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &'static str) -> Uri {
        Uri::from_static(text)
    }

    #[test]
    fn it_is_given_away_once_and_to_its_server_only() {
        let at = Instant::now();
        let opened = |to, connection| Opened { to, at, connection };
        let mut stock = Stock {
            keep: Duration::from_secs(20),
            opened: vec![
                opened(uri("https://a.example/"), 1),
                opened(uri("https://a.example:8443/"), 2),
                opened(uri("https://a.example/"), 3),
            ],
        };
        assert_eq!(stock.take(&uri("http://a.example/"), at), None);
        assert_eq!(stock.take(&uri("https://a.example:8443/any"), at), Some(2));
        assert_eq!(stock.take(&uri("https://a.example:8443/"), at), None);
        let late = at + Duration::from_secs(19);
        assert!(stock.take(&uri("https://a.example/"), late).is_some());
        let too_late = at + Duration::from_secs(20);
        assert_eq!(stock.take(&uri("https://a.example/"), too_late), None);
        assert!(stock.opened.is_empty());
    }
}
