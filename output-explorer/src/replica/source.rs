//! The explorer that is copied, as a client asks it.

use super::message::{CHANGES, Changes, MessageError, RECORDS, decode};
use super::{End, ReplicaError};
use crate::access::{PrivateFileError, TlsError, client_config, read_private};
use crate::ledger::changes::{ChangeId, RecordPage};
use crate::outgoing::{self, reason};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Client, StatusCode, Url};
use serde::Deserialize;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;
use stegos_common::address::Network;
use stegos_common::text::excerpt;
use thiserror::Error;
use url::Host;
use zeroize::Zeroizing;

/// So many seconds the other one waits for a change before it says that there is none.
const WAIT: u64 = 5;

/// Longer takes no connection, and no part of an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest answer, in bytes: one change may be a whole epoch.
const MAX_ANSWER: usize = 1 << 30;

/// The longest file of a token, in bytes.
const MAX_TOKEN: usize = 4096;

/// Why another explorer cannot be asked at all.
#[derive(Debug, Error)]
pub enum SourceError {
    /// It is not said which one.
    #[error("which explorer is to be copied? Name it with --from, or in the configuration file")]
    NoUrl,
    /// It is not said by which token.
    #[error(
        "name the file of a token of the role replica with --from-token-file; `token create --role replica` makes one there"
    )]
    NoToken,
    /// That is no address of an explorer.
    #[error("{0:?} is not like https://explorer.example.org:8480: no path, no name, no password")]
    Url(String),
    /// The token would cross a network for everybody to read.
    #[error(
        "{0} is not on this host, and without TLS everybody on the way reads the token and the ledger: say https, or, \
         where something else encrypts, --from-allow-token-in-clear true"
    )]
    InClear(String),
    /// One half of a certificate.
    #[error("a certificate needs its key: name both (--from-certificate-file, --from-key-file)")]
    HalfOfIdentity,
    /// A file for TLS cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The client cannot be set up.
    #[error("no explorer can be asked: {0}")]
    Client(#[from] reqwest::Error),
}

/// The explorer that is copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceConfig {
    /// Its address: scheme, host, port.
    pub url: Option<String>,
    /// The file of the token.
    pub token_file: Option<PathBuf>,
    /// Authorities that its certificate may be of, besides those of the host.
    pub ca_file: Option<PathBuf>,
    /// A certificate of our own, and its key.
    pub identity: (Option<PathBuf>, Option<PathBuf>),
    /// Whether plain HTTP may leave this host.
    pub allow_token_in_clear: bool,
}

/// See the module.
pub(super) struct Source {
    http: Client,
    url: Url,
    text: String,
    token_file: PathBuf,
    network: Network,
}

/// What a problem says.
#[derive(Deserialize)]
struct Problem {
    code: String,
    detail: String,
}

impl Source {
    pub(super) fn new(config: SourceConfig, network: Network) -> Result<Self, SourceError> {
        let SourceConfig { url, token_file, ca_file, identity, allow_token_in_clear } = config;
        let url = parse(&url.ok_or(SourceError::NoUrl)?, allow_token_in_clear)?;
        let token_file = token_file.ok_or(SourceError::NoToken)?;
        let identity = match &identity {
            (Some(certificate), Some(key)) => Some((certificate.as_path(), key.as_path())),
            (None, None) => None,
            _ => return Err(SourceError::HalfOfIdentity),
        };
        let http = outgoing::client(client_config(ca_file.as_deref(), identity)?)
            .connect_timeout(PATIENCE)
            .read_timeout(PATIENCE)
            .build()?;
        let text = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { http, url, text, token_file, network })
    }

    /// Its address.
    pub(super) fn url(&self) -> &str {
        &self.text
    }

    /// The records behind a key, and which change was the newest when the page before was read.
    pub(super) async fn records(&self, after: &[u8], newest: ChangeId) -> Result<RecordPage, End> {
        let after = ("after", hex::encode(after));
        if after.1.is_empty() {
            return self.ask(RECORDS, &[after]).await;
        }
        let ChangeId { number, nonce } = newest;
        self.ask(RECORDS, &[after, ("number", number.to_string()), ("nonce", nonce.to_string())]).await
    }

    /// The changes behind one, as soon as there are some.
    pub(super) async fn changes(&self, after: ChangeId) -> Result<Changes, End> {
        let ChangeId { number, nonce } = after;
        let query = [("after", number), ("nonce", nonce), ("wait", WAIT)];
        self.ask(CHANGES, &query.map(|(name, value)| (name, value.to_string()))).await
    }

    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<T, End> {
        let mut url = self.url.clone();
        url.set_path(path);
        url.query_pairs_mut().extend_pairs(query);
        let (status, answer) = self.fetch(url).await.map_err(End::Lost)?;
        if status != StatusCode::OK {
            return Err(self.refused(status, &answer));
        }
        decode(self.network, &answer).map_err(|reason| match reason {
            MessageError::Malformed => End::Lost(reason.to_string()),
            reason => ReplicaError::Message { url: self.text.clone(), reason }.into(),
        })
    }

    async fn fetch(&self, url: Url) -> Result<(StatusCode, Vec<u8>), String> {
        let token = self.token().map_err(|error| error.to_string())?;
        let mut bearer = HeaderValue::from_maybe_shared(format!("Bearer {}", token.as_str()))
            .map_err(|_| format!("{} holds no token", self.token_file.display()))?;
        bearer.set_sensitive(true);
        let sent = self.http.get(url).header(AUTHORIZATION, bearer).send().await;
        let mut answer = sent.map_err(reason)?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(reason)? {
            if body.len().saturating_add(chunk.len()) > MAX_ANSWER {
                return Err(format!("the answer is longer than {MAX_ANSWER} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok((answer.status(), body))
    }

    /// It is read each time, so that a new one counts at once.
    fn token(&self) -> Result<Zeroizing<String>, PrivateFileError> {
        let bytes = read_private(&self.token_file, MAX_TOKEN)?;
        Ok(Zeroizing::new(String::from_utf8_lossy(&bytes).trim().to_owned()))
    }

    fn refused(&self, status: StatusCode, answer: &[u8]) -> End {
        match serde_json::from_slice(answer) {
            Ok(Problem { code, detail }) if matches!(code.as_str(), "changes_expired" | "other_history") => {
                ReplicaError::Behind { url: self.text.clone(), detail: excerpt(&detail) }.into()
            }
            Ok(Problem { detail, .. }) => End::Lost(format!("it answers {status}: {}", excerpt(&detail))),
            Err(_) => End::Lost(format!("it answers {status}")),
        }
    }
}

/// The address of an explorer.
fn parse(text: &str, in_clear: bool) -> Result<Url, SourceError> {
    // What may be a password is not shown.
    let shown = text.rsplit('@').next().unwrap_or_default();
    let wrong = || SourceError::Url(excerpt(shown));
    let url: Url = text.parse().map_err(|_| wrong())?;
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !is_bare || !url.username().is_empty() || url.password().is_some() {
        return Err(wrong());
    }
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => Ok(url),
        ("http", Some(host)) if in_clear || is_here(&host) => Ok(url),
        ("http", Some(_)) => Err(SourceError::InClear(excerpt(text))),
        _ => Err(wrong()),
    }
}

fn is_here(host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => IpAddr::from(*address).to_canonical().is_loopback(),
        // Whatever it stands for.
        Host::Domain(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_leaves_this_host_encrypted_or_where_somebody_says_so() {
        for text in ["https://explorer.example.org:8480", "http://127.0.0.1:8480", "http://[::1]:8480/"] {
            assert!(parse(text, false).is_ok(), "{text}");
        }
        for text in ["http://explorer.example.org", "http://10.0.0.1:8480", "http://localhost:8480"] {
            assert!(matches!(parse(text, false), Err(SourceError::InClear(_))), "{text}");
            assert!(parse(text, true).is_ok(), "{text}");
        }
        for text in
            ["explorer", "ftp://127.0.0.1", "https://a:b@127.0.0.1", "https://127.0.0.1/v1", "https://x/?y"]
        {
            assert!(matches!(parse(text, true), Err(SourceError::Url(_))), "{text}");
        }
    }
}
