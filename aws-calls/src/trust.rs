//! Whom TLS trusts.

use crate::ops::ClientError;
use hyper_rustls::ConfigBuilderExt;
use rustls::SupportedCipherSuite;
use rustls::crypto::ring::cipher_suite::{
    TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384,
};
use rustls::crypto::{CryptoProvider, KeyProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::SigningKey;
use rustls::{ClientConfig, RootCertStore};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A bundle of certificates with which no connection could be made.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The file cannot be read, or is not PEM.
    #[error("the certificates in `{path}` cannot be read")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// There is no certificate in it.
    #[error("there is no certificate in `{0}`")]
    Empty(PathBuf),
    /// One of them is not the certificate of an authority.
    #[error("a certificate in `{path}` cannot be used")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: rustls::Error,
    },
}

/// The authorities in a file, and no others.
///
/// Instead of the public ones, not beside them: so do botocore and the AWS CLI. Whoever names a bundle says who may
/// read along.
fn bundle(path: &Path) -> Result<RootCertStore, BundleError> {
    let unreadable = |source| BundleError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
        let certificate = certificate.map_err(unreadable)?;
        roots
            .add(certificate)
            .map_err(|source| BundleError::Unusable {
                path: path.to_owned(),
                source,
            })?;
    }
    if roots.is_empty() {
        return Err(BundleError::Empty(path.to_owned()));
    }
    Ok(roots)
}

/// AES-GCM only: TLS 1.3 obliges every server to speak it, and every processor of Lambda has instructions for it, so
/// ChaCha20 would never be chosen. The lighter suite first; a server with a preference of its own follows that.
const CIPHER_SUITES: [SupportedCipherSuite; 6] = [
    TLS13_AES_128_GCM_SHA256,
    TLS13_AES_256_GCM_SHA384,
    TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
];

/// What the connector is told of TLS: the authorities in the bundle or else the public ones, and ring's cryptography,
/// named and not taken from a process-wide default that some other crate may have set.
pub(crate) fn config(ca_bundle: Option<&Path>) -> Result<ClientConfig, ClientError> {
    let provider = CryptoProvider {
        cipher_suites: CIPHER_SUITES.to_vec(),
        key_provider: &NoKeys,
        ..ring::default_provider()
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()?;
    let builder = match ca_bundle {
        Some(path) => builder.with_root_certificates(bundle(path)?),
        None => builder.with_webpki_roots(),
    };
    Ok(builder.with_no_client_auth())
}

/// Callers of AWS sign requests, not handshakes: there is no client certificate, and so no key to load. Ring's own loader
/// would bring the signing half of its cryptography into every binary.
#[derive(Debug)]
struct NoKeys;

impl KeyProvider for NoKeys {
    fn load_private_key(
        &self,
        _key: PrivateKeyDer<'static>,
    ) -> Result<Arc<dyn SigningKey>, rustls::Error> {
        Err(rustls::Error::General(
            "client certificates are not used".to_owned(),
        ))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    fn check(name: &str, contents: Option<&str>, expect: &str) {
        let directory =
            std::env::temp_dir().join(format!("drift-lab-bundle-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join(name);
        if let Some(contents) = contents {
            std::fs::write(&path, contents).unwrap();
        }
        let error = bundle(&path).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
        assert!(error.contains(name), "{error}");
    }

    #[test]
    fn a_bundle_that_cannot_be_used_is_named() {
        check("absent.pem", None, "cannot be read");
        check("empty.pem", Some(""), "no certificate");
        check(
            "cut-off.pem",
            Some("-----BEGIN CERTIFICATE-----\nMIIB"),
            "cannot be read",
        );
        check(
            "odd.pem",
            Some("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"),
            "cannot be used",
        );
    }
}
