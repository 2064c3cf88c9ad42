//! An authority of this run alone, and a certificate by it for this machine.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use rustls::ServerConfig;
use rustls::crypto::ring::{cipher_suite, default_provider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What the stub shows, and what a function has to trust for it.
#[derive(Debug)]
pub(crate) struct Authority {
    pub(crate) bundle: PathBuf,
    pub(crate) tls: Arc<ServerConfig>,
}

/// Makes both with RSA keys, as AWS's are.
pub(crate) fn make(directory: &Path) -> Result<Authority> {
    let openssl = |arguments: &str| {
        let mut openssl = Command::new("openssl");
        openssl.args(arguments.split(' ')).current_dir(directory);
        let output = match openssl.output() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                bail!("`openssl` is needed: it makes the certificates of this run")
            }
            other => other.context("cannot start `openssl`")?,
        };
        let told = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "`openssl {arguments}`: {told}");
        Ok(())
    };
    let new = "req -newkey rsa:2048 -nodes -sha256";
    openssl(&format!(
        "{new} -x509 -keyout ca.key -out ca.pem -days 2 -subj /CN=drift-lab-bench"
    ))?;
    openssl(&format!(
        "{new} -keyout host.key -out host.csr -subj /CN=localhost"
    ))?;
    let extensions = "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n";
    fs::write(directory.join("host.ext"), extensions)?;
    openssl(
        "x509 -req -in host.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile host.ext -out host.pem",
    )?;
    let certificates = CertificateDer::pem_file_iter(directory.join("host.pem"))?
        .collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(directory.join("host.key"))?;
    Ok(Authority {
        bundle: directory.join("ca.pem"),
        tls: Arc::new(server(certificates, key)?),
    })
}

/// AES-128 whatever the client likes best, so that both sides get the same suite: the one that CloudTrail tells of
/// (`tlsDetails`) in its records of calls to EC2.
fn server(
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig> {
    let mut provider = default_provider();
    provider
        .cipher_suites
        .sort_by_key(|suite| suite.suite() != cipher_suite::TLS13_AES_128_GCM_SHA256.suite());
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates, key)?;
    config.ignore_client_order = true;
    Ok(config)
}
