//! Handshakes in memory, with real certificates.

use super::config;
use crate::access::{PrivateFileError, TlsError, server_config};
use crate::settings::TlsFiles;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{
    AlertDescription, ClientConfig, ClientConnection, Error, RootCertStore, ServerConfig, ServerConnection,
    SupportedProtocolVersion, version,
};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tls").join(name)
}

/// The server's files; the key is one of its owner's alone, which a repository cannot say.
fn files(dir: &TempDir, client_ca: bool) -> TlsFiles {
    let key = dir.path().join("server.key");
    fs::copy(data("server.key"), &key).unwrap();
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    let client_ca = client_ca.then(|| data("authority.crt"));
    TlsFiles { certificate: data("server.crt"), key, client_ca }
}

fn server(files: TlsFiles) -> Result<ServerConfig, TlsError> {
    server_config(&config(Some(files), Vec::new())).map(Option::unwrap)
}

fn client(certificate: Option<&str>, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(data("authority.crt")).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    let mut client = match certificate {
        None => builder.with_no_client_auth(),
        Some(name) => {
            let chain = vec![CertificateDer::from_pem_file(data(&format!("{name}.crt"))).unwrap()];
            let key = PrivateKeyDer::from_pem_file(data(&format!("{name}.key"))).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    };
    client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    client
}

/// Shakes hands; the error is the server's, or the client's where the server has none.
fn shake(server: ServerConfig, client: ClientConfig) -> Result<ServerConnection, Error> {
    let mut server = ServerConnection::new(Arc::new(server)).unwrap();
    let mut client = ClientConnection::new(Arc::new(client), "localhost".try_into().unwrap()).unwrap();
    while server.wants_write() || client.wants_write() {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        server.read_tls(&mut wire.as_slice()).unwrap();
        server.process_new_packets()?;
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        client.read_tls(&mut wire.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    assert!(!server.is_handshaking() && !client.is_handshaking());
    Ok(server)
}

#[test]
fn without_files_there_is_no_tls() {
    assert!(server_config(&config(None, Vec::new())).unwrap().is_none());
}

#[test]
fn a_server_with_a_certificate_is_trusted_and_speaks_http_1() {
    let dir = tempfile::tempdir().unwrap();
    for version in [&version::TLS12, &version::TLS13] {
        let connection = shake(server(files(&dir, false)).unwrap(), client(None, &[version])).unwrap();
        assert_eq!(connection.protocol_version(), Some(version.version));
        assert_eq!(connection.alpn_protocol(), Some(b"http/1.1".as_slice()));
    }
}

#[test]
fn clients_need_a_certificate_of_the_authority_where_that_is_configured() {
    let dir = tempfile::tempdir().unwrap();
    for version in [&version::TLS12, &version::TLS13] {
        let try_it = |name| shake(server(files(&dir, true)).unwrap(), client(name, &[version]));
        assert!(try_it(Some("client")).unwrap().peer_certificates().is_some());
        assert_eq!(try_it(None).err(), Some(Error::NoCertificatesPresented));
        let stranger = try_it(Some("stranger")).err();
        assert!(matches!(stranger, Some(Error::InvalidCertificate(_))), "{stranger:?}");
        // One for servers is none for clients.
        let server = try_it(Some("server")).err();
        assert!(matches!(server, Some(Error::InvalidCertificate(_))), "{server:?}");
    }
}

#[test]
fn a_client_that_speaks_something_else_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let mut other = client(None, &[&version::TLS13]);
    other.alpn_protocols = vec![b"h2".to_vec()];
    let refused = shake(server(files(&dir, false)).unwrap(), other).err();
    assert!(
        matches!(
            refused,
            Some(
                Error::NoApplicationProtocol | Error::AlertReceived(AlertDescription::NoApplicationProtocol)
            )
        ),
        "{refused:?}"
    );
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for open_to in [0o640, 0o604, 0o620, 0o601] {
        let files = files(&dir, false);
        fs::set_permissions(&files.key, Permissions::from_mode(open_to)).unwrap();
        let refused = server(files).err();
        assert!(
            matches!(refused, Some(TlsError::Key(PrivateFileError::NotPrivate { mode, .. })) if mode == open_to)
        );
    }
}

#[test]
fn each_file_that_cannot_be_used_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing");
    let text = |files: TlsFiles| server(files).err().unwrap().to_string();
    let name = |path: &Path| path.display().to_string();
    let good = || files(&dir, true);
    assert!(text(TlsFiles { certificate: missing.clone(), ..good() }).contains(&name(&missing)));
    assert!(text(TlsFiles { key: missing.clone(), ..good() }).contains(&name(&missing)));
    assert!(text(TlsFiles { client_ca: Some(missing.clone()), ..good() }).contains(&name(&missing)));
    // A key in place of certificates, and the other way round.
    let files = good();
    let key_as_certificate = text(TlsFiles { certificate: files.key.clone(), ..good() });
    assert!(key_as_certificate.contains("holds no certificate"), "{key_as_certificate}");
    fs::copy(data("server.crt"), &files.key).unwrap();
    fs::set_permissions(&files.key, Permissions::from_mode(0o600)).unwrap();
    let certificate_as_key = text(files);
    assert!(certificate_as_key.contains("holds no private key"), "{certificate_as_key}");
    // A key of another certificate.
    let mismatch = text(TlsFiles { certificate: data("client.crt"), ..good() });
    assert!(mismatch.contains("cannot be used"), "{mismatch}");
}
