//! TLS 1.3 and 1.2, with certificates of the server and, if so configured, of the clients.

use super::private::{PrivateFileError, read_private};
use crate::settings::{HttpConfig, TlsFiles};
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// More than a file with a private key ever holds, in bytes.
const MAX_KEY: usize = 64 << 10;

/// Why there is no TLS as it is configured.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}; check the path and its rights", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file of a key cannot be read, or others can read it.
    #[error(transparent)]
    Key(#[from] PrivateFileError),
    /// A file does not hold what it should.
    #[error("{} holds no {what} as PEM: {source}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// What is wrong.
        source: pem::Error,
    },
    /// Certificate and key cannot be used.
    #[error("the certificate {} with the key {} cannot be used: {source}", certificate.display(), key.display())]
    Unusable {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// A certificate of an authority cannot be used.
    #[error("a certificate in {} cannot be that of an authority: {source}", path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// The authorities cannot be used.
    #[error("the authorities in {} cannot be used: {source}", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// Why.
        source: VerifierBuilderError,
    },
    /// The library offers no version of TLS.
    #[error("no version of TLS can be used: {0}")]
    Versions(rustls::Error),
}

/// What a server with TLS needs; none where the configuration names no certificate. Nothing is set for the whole process.
///
/// # Errors
/// [`TlsError`] where a file cannot be used.
pub fn server_config(config: &HttpConfig) -> Result<Option<ServerConfig>, TlsError> {
    let Some(TlsFiles { certificate, key, client_ca }) = &config.tls else { return Ok(None) };
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Versions)?;
    let builder = match client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let roots = Arc::new(authorities(path)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
            let verifier = verifier.map_err(|source| TlsError::Authorities { path: path.clone(), source })?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut tls =
        builder.with_single_cert(certificates(certificate)?, private_key(key)?).map_err(|source| {
            TlsError::Unusable { certificate: certificate.clone(), key: key.clone(), source }
        })?;
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Some(tls))
}

/// What a client needs: it trusts the authorities of the host and those of a file, and has a certificate of its own, with
/// its key, for a server that asks for one. Without any authority no server is trusted.
///
/// # Errors
/// [`TlsError`] where a file cannot be used.
pub fn client_config(
    ca_file: Option<&Path>,
    identity: Option<(&Path, &Path)>,
) -> Result<ClientConfig, TlsError> {
    let mut roots = ca_file.map_or_else(|| Ok(RootCertStore::empty()), authorities)?;
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Versions)?
        .with_root_certificates(roots);
    let Some((certificate, key)) = identity else { return Ok(builder.with_no_client_auth()) };
    builder.with_client_auth_cert(certificates(certificate)?, private_key(key)?).map_err(|source| {
        TlsError::Unusable { certificate: certificate.to_owned(), key: key.to_owned(), source }
    })
}

fn authorities(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|source| TlsError::Authority { path: path.to_owned(), source })?;
    }
    Ok(roots)
}

/// One or more certificates.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match all {
        Ok(all) if all.is_empty() => Err(pem::Error::NoItemsFound),
        all => all,
    }
    .map_err(|source| not_pem(path, "certificate", source))
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let text = read_private(path, MAX_KEY)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|source| not_pem(path, "private key", source))
}

fn not_pem(path: &Path, what: &'static str, source: pem::Error) -> TlsError {
    let path = path.to_owned();
    match source {
        pem::Error::Io(source) => TlsError::Read { path, source },
        source => TlsError::Pem { path, what, source },
    }
}
