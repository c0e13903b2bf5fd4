//! TLS 1.3 and 1.2, with certificates of the server and, if so configured, of the clients.

use crate::settings::{HttpConfig, TlsFiles};
use rustix::process::geteuid;
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;
use zeroize::Zeroizing;

/// More than a file with a private key ever holds, in bytes.
const MAX_KEY: u64 = 64 << 10;

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
    /// Others can read the key.
    #[error(
        "the TLS key {} has mode {mode:03o} and is of user {owner}, so others know it: have a new key certified, and \
         keep it in a file of your own (chmod 600)", path.display()
    )]
    NotPrivate {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The user id of its owner.
        owner: u32,
    },
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

/// The private key, from a file that nobody else can read.
fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let read = |source| TlsError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(read)?;
    let found = file.metadata().map_err(read)?;
    let (mode, owner) = (found.mode() & 0o777, found.uid());
    // The superuser knows it anyway.
    let is_ours = owner == geteuid().as_raw() || owner == 0;
    if mode & 0o077 != 0 || !is_ours {
        return Err(TlsError::NotPrivate { path: path.to_owned(), mode, owner });
    }
    // One allocation from the start: growing would leave copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(128 << 10));
    file.take(MAX_KEY).read_to_end(&mut text).map_err(read)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|source| not_pem(path, "private key", source))
}

fn not_pem(path: &Path, what: &'static str, source: pem::Error) -> TlsError {
    let path = path.to_owned();
    match source {
        pem::Error::Io(source) => TlsError::Read { path, source },
        source => TlsError::Pem { path, what, source },
    }
}
