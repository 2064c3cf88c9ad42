//! Whom a client believes, against a server with a certificate of an authority that nobody else knows.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use aws_calls::{CallError, Client, Config, ErrorKind};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};
use std::error::Error;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/trust")
        .join(name)
}

/// Answers `DescribeRegions` over TLS, once a connection.
fn server() -> String {
    let chain = CertificateDer::pem_file_iter(file("localhost.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("localhost.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.map(Result::unwrap).collect(), key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind(("localhost", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            // A client that does not believe the certificate hangs up.
            let _ = answer(socket, Arc::clone(&config));
        }
    });
    format!("https://localhost:{port}")
}

fn answer(mut socket: TcpStream, config: Arc<ServerConfig>) -> Result<(), Box<dyn Error>> {
    let mut tls = ServerConnection::new(config)?;
    let mut stream = Stream::new(&mut tls, &mut socket);
    let mut request = String::new();
    // The body is the last thing that comes, and this is the end of it.
    while !request.contains("Version=2016-11-15") {
        let mut part = [0; 4096];
        let read = stream.read(&mut part)?;
        request.push_str(std::str::from_utf8(&part[..read])?);
    }
    let body = "<R><regionInfo><item><regionName>here</regionName></item></regionInfo></R>";
    let head = format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}",
        body.len()
    );
    stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes())?;
    Ok(())
}

async fn ask(ca_bundle: Option<PathBuf>) -> Result<Vec<String>, CallError> {
    let keys = Credentials::new("AKID", "secret", None, None, "test");
    let mut config = Config::new("us-east-1", SharedCredentialsProvider::new(keys));
    config.endpoint_url = Some(server());
    config.ca_bundle = ca_bundle;
    config.retry.max_attempts = 1;
    Client::new(config).unwrap().describe_regions().await
}

#[tokio::test]
async fn an_authority_in_the_bundle_is_believed() {
    let regions = ask(Some(file("authority.pem"))).await.unwrap();
    assert_eq!(regions, ["here"]);
}

#[tokio::test]
async fn any_other_authority_is_not() {
    // The public ones, and one that is in a bundle but did not sign: the server's own certificate.
    for bundle in [None, Some(file("localhost.pem"))] {
        let error = ask(bundle).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connection);
        assert!(error.report().contains("certificate"), "{}", error.report());
    }
}

/// Whoever names a bundle says who may read along, so the public authorities are not believed beside it.
#[tokio::test]
async fn a_bundle_that_cannot_be_read_is_no_reason_to_believe_the_public() {
    let keys = Credentials::new("AKID", "secret", None, None, "test");
    let mut config = Config::new("us-east-1", SharedCredentialsProvider::new(keys));
    config.ca_bundle = Some(file("absent.pem"));
    let error = Client::new(config).unwrap_err();
    let source = error.source().unwrap().to_string();
    assert!(source.contains("absent.pem"), "{source}");
}
