//! The HTTP client: with TLS only where a URL asks for it.
//!
//! Making TLS ready means reading every root certificate of the system, which takes the better part of a start of an
//! unoptimised `driftlab`, and which an endpoint on this machine never needs.

use std::sync::{Arc, OnceLock};

use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// A client for `http:` and `https:`; clones share their connections.
pub(super) fn client() -> SharedHttpClient {
    SharedHttpClient::new(ByScheme {
        plain: Builder::new().build_http(),
        secure: Arc::default(),
    })
}

#[derive(Debug, Clone)]
struct ByScheme {
    plain: SharedHttpClient,
    /// Made by the first request that needs it.
    secure: Arc<OnceLock<SharedHttpClient>>,
}

impl ByScheme {
    fn of(&self, url: &str) -> &SharedHttpClient {
        if url.starts_with("http:") {
            return &self.plain;
        }
        // The SDK is built without a default client, which would bring a second TLS library; this one is ring's.
        self.secure.get_or_init(|| {
            Builder::new()
                .tls_provider(Provider::Rustls(CryptoMode::Ring))
                .build_https()
        })
    }
}

impl HttpClient for ByScheme {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            clients: self.clone(),
            settings: settings.clone(),
            components: components.clone(),
        })
    }
}

/// What chooses once the request is known. The clients keep their connectors themselves.
#[derive(Debug)]
struct Connector {
    clients: ByScheme,
    settings: HttpConnectorSettings,
    components: RuntimeComponents,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.clients.of(request.uri());
        let connector = client.http_connector(&self.settings, &self.components);
        connector.call(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_makes_tls_ready_for_a_url_that_needs_it_and_once() {
        let clients = ByScheme {
            plain: Builder::new().build_http(),
            secure: Arc::default(),
        };
        clients.of("http://127.0.0.1:4711/");
        assert!(clients.secure.get().is_none(), "nobody has asked for it");
        // A clone is what each request gets.
        clients.clone().of("https://sts.us-east-1.amazonaws.com/");
        assert!(clients.secure.get().is_some());
    }
}
