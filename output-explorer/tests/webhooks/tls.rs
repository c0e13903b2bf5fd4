//! Receivers behind TLS: of an authority that the configuration names, and of one that nobody knows.

use crate::stage::{SETTINGS, Stage, config, ledger};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use output_explorer::settings::WebhookConfig;
use output_explorer::view::webhook::NewEndpoint;
use output_explorer::webhook::Outcome;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tls").join(name)
}

/// A receiver for `localhost` and `127.0.0.1`; its port.
fn receiver() -> u16 {
    let chain = vec![CertificateDer::from_pem_file(data("server.crt")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(data("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let app = axum::Router::new().route("/", axum::routing::post(|body: String| async { body }));
    let (acceptor, listener) =
        (TlsAcceptor::from(Arc::new(config)), tokio::net::TcpListener::from_std(listener).unwrap());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // Whoever does not like the certificate goes away.
            if let Ok(stream) = acceptor.accept(stream).await {
                let service = TowerToHyperService::new(app.clone());
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            }
        }
    });
    port
}

async fn ping(url: String, ca_file: Option<PathBuf>) -> Outcome {
    let stage = Stage::with(ledger(SETTINGS), &WebhookConfig { ca_file, ..config() });
    let (endpoint, _) = stage.webhooks.create("shop", NewEndpoint { url, ..NewEndpoint::default() }).unwrap();
    stage.webhooks.ping(None, endpoint.id).await.unwrap().outcome
}

#[tokio::test]
async fn only_a_receiver_with_a_certificate_that_is_known_gets_anything() {
    let port = receiver();
    let known = Some(data("authority.crt"));
    for host in ["localhost", "127.0.0.1"] {
        let outcome = ping(format!("https://{host}:{port}/"), known.clone()).await;
        let Outcome::Answered { status: 200, body } = outcome else { panic!("{host}: {outcome}") };
        assert!(body.starts_with(r#"{"id":0,"type":"ping""#), "{body}");
    }
    let outcome = ping(format!("https://localhost:{port}/"), None).await;
    assert!(outcome.to_string().contains("UnknownIssuer"), "{outcome}");
    // A name of this host that is not in the certificate.
    let outcome = ping(format!("https://127.0.0.2:{port}/"), known).await;
    assert!(matches!(outcome, Outcome::NotAnswered { .. }), "{outcome}");
}
