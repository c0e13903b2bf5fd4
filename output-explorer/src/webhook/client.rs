//! Sends one request and tells what came of it.

use super::clock::Clock;
use super::record::{Attempt, Outcome};
use super::secret::Secret;
use super::target::{self, Lookup, Resolver};
use crate::access::{TlsError, client_config};
use crate::outgoing::{self, reason};
use crate::settings::WebhookConfig;
use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, USER_AGENT};
use std::time::Duration;
use stegos_common::text::excerpt;
use thiserror::Error;
use tokio::time::{Instant, timeout_at};

/// So much of an answer is read, in bytes.
const MOST_OF_ANSWER: usize = 1024;

/// Why webhooks cannot be sent at all.
#[derive(Debug, Error)]
pub enum ClientError {
    /// Certificates cannot be used.
    #[error("[webhooks] ca_file: {0}")]
    Tls(#[from] TlsError),
    /// The client cannot be set up.
    #[error("webhooks cannot be sent: {0}")]
    Client(#[from] reqwest::Error),
}

/// What is sent.
pub(super) struct Message<'a> {
    pub(super) url: &'a str,
    /// The same for every attempt.
    pub(super) id: &'a str,
    pub(super) event: u64,
    pub(super) body: &'a str,
    pub(super) secrets: &'a [Secret],
}

/// Sends requests.
pub(super) struct Client {
    http: reqwest::Client,
    private: bool,
    limit: Duration,
}

impl Client {
    pub(super) fn new(config: &WebhookConfig) -> Result<Self, ClientError> {
        Self::with_lookup(config, target::by_host)
    }

    fn with_lookup(config: &WebhookConfig, lookup: Lookup) -> Result<Self, ClientError> {
        let private = config.allow_private_targets;
        let http = outgoing::client(client_config(config.ca_file.as_deref(), None)?)
            .dns_resolver(Resolver { lookup, private })
            .build()?;
        Ok(Self { http, private, limit: config.limit })
    }

    /// One attempt.
    pub(super) async fn send(&self, message: Message<'_>, clock: &dyn Clock) -> Attempt {
        let time = clock.now();
        let started = Instant::now();
        let outcome = self.exchange(message, time.unix_nanos() / 1_000_000_000).await;
        let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Attempt { time, milliseconds, outcome }
    }

    async fn exchange(&self, message: Message<'_>, timestamp: u64) -> Outcome {
        // Again, for the configuration may be another one since, and no resolver is asked for a literal address.
        let url = match target::parse(message.url, self.private) {
            Ok(url) => url,
            Err(error) => return Outcome::NotAnswered { reason: error.to_string() },
        };
        let signatures: Vec<_> = message
            .secrets
            .iter()
            .map(|secret| secret.signature(message.id, timestamp, message.body))
            .collect();
        let request = self
            .http
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("output-explorer/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", message.id)
            .header("webhook-event-id", message.event)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signatures.join(" "))
            .body(message.body.to_owned());
        let end = Instant::now() + self.limit;
        match timeout_at(end, request.send()).await {
            Ok(Ok(answer)) => {
                Outcome::Answered { status: answer.status().as_u16(), body: beginning(answer, end).await }
            }
            Ok(Err(error)) => Outcome::NotAnswered { reason: reason(error) },
            Err(_) => Outcome::NotAnswered { reason: format!("no answer within {:?}", self.limit) },
        }
    }
}

/// How the body of an answer begins. The status has decided already: a body that is cut off or does not come changes
/// nothing.
async fn beginning(mut answer: Response, end: Instant) -> String {
    let mut read = Vec::new();
    while read.len() < MOST_OF_ANSWER
        && let Ok(Ok(Some(chunk))) = timeout_at(end, answer.chunk()).await
    {
        read.extend_from_slice(&chunk);
    }
    read.truncate(MOST_OF_ANSWER);
    excerpt(&String::from_utf8_lossy(&read))
}

#[cfg(test)]
mod tests {
    use super::super::clock::SystemClock;
    use super::*;
    use std::net::SocketAddr;
    use tokio::net::TcpListener;

    const CONFIG: WebhookConfig =
        WebhookConfig { allow_private_targets: false, ca_file: None, limit: Duration::from_secs(60) };

    /// A name that is registered while it stands for something else.
    #[tokio::test]
    async fn a_public_name_does_not_lead_into_this_host() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let to_here: Lookup = |_| {
            let found = ["127.0.0.1:0", "[::1]:0", "10.0.0.1:0", "169.254.169.254:0"];
            Box::pin(async move { Ok(found.map(|address| address.parse::<SocketAddr>().unwrap()).to_vec()) })
        };
        let client = Client::with_lookup(&CONFIG, to_here).unwrap();
        let url = format!("https://hooks.example.com:{port}/");
        let message = Message { url: &url, id: "1-1", event: 1, body: "{}", secrets: &[Secret::random()] };
        let attempt = client.send(message, &SystemClock).await;
        let Outcome::NotAnswered { reason } = attempt.outcome else { panic!("it was sent") };
        assert!(reason.contains("hooks.example.com has no address of the public internet"), "{reason}");
        assert!(futures_util::FutureExt::now_or_never(listener.accept()).is_none(), "nobody came");
    }

    #[test]
    fn a_file_that_holds_no_certificates_is_an_error_that_names_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n").unwrap();
        let path = file.path().to_owned();
        let config = WebhookConfig { ca_file: Some(path.clone()), ..CONFIG };
        let error = Client::new(&config).err().unwrap().to_string();
        assert!(error.contains(&path.display().to_string()), "{error}");
    }
}
