//! The explorer's HTTP API as a client sees it.

use crate::explorer::{Explorer, World};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::time::Duration;
use tungstenite::client::IntoClientRequest;
use tungstenite::{Message, WebSocket, client};
use ureq::http::{HeaderMap, Request, Response};
use ureq::{Agent, AsSendBody, Body};

/// Longer than anything here takes even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Somebody who asks.
pub struct Api {
    agent: Agent,
    /// `http://ADDRESS:PORT`.
    pub base: String,
    /// The token that is sent, if one is.
    pub token: Option<String>,
}

/// A websocket of events.
pub struct Socket(WebSocket<TcpStream>);

impl Socket {
    /// The next event.
    #[must_use]
    pub fn next_json(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.0.read().unwrap_or_else(|error| panic!("{error}")) {
                return serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
            }
        }
    }
}

/// What is answered.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
}

impl Answer {
    /// A header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The body of an answer with this status.
    #[allow(clippy::must_use_candidate, reason = "often the status alone matters")]
    pub fn is(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        self.json()
    }

    /// The code of a problem with this status.
    #[must_use]
    pub fn problem(&self, status: u16) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.is(status);
        assert_eq!(problem["status"], status, "{problem}");
        problem["code"].as_str().unwrap_or_else(|| panic!("{problem}")).to_owned()
    }
}

impl World {
    /// Makes a token of a role.
    #[must_use]
    pub fn token(&self, role: &str) -> String {
        self.ok(&["token", "create", "--role", role]).trim().to_owned()
    }

    /// Starts `run`, which answers HTTP, too.
    #[must_use]
    pub fn serve(&self, args: &[&str]) -> (Explorer<'_>, String) {
        let mut explorer =
            self.follow_with(self.command(&["run", "--http-listen", "127.0.0.1:0"]).args(args));
        let line = explorer.daemon.wait_for("answering at http://");
        let base = line.rsplit(' ').next().unwrap_or_default().to_owned();
        (explorer, base)
    }
}

impl Api {
    /// Nobody in particular.
    #[must_use]
    pub fn nobody(base: &str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(PATIENCE));
        Self { agent: config.build().into(), base: base.to_owned(), token: None }
    }

    /// Somebody with a token.
    #[must_use]
    pub fn with_token(base: &str, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..Self::nobody(base) }
    }

    /// Somebody with a token of a role.
    #[must_use]
    pub fn of(world: &World, base: &str, role: &str) -> Self {
        Self::with_token(base, &world.token(role))
    }

    fn send(&self, request: Request<impl AsSendBody>) -> Response<Body> {
        self.agent.run(request).unwrap_or_else(|error| panic!("{error}"))
    }

    fn builder(&self, method: &str, path: &str) -> ureq::http::request::Builder {
        let builder = Request::builder().method(method).uri(format!("{}{path}", self.base));
        match &self.token {
            Some(token) => builder.header("authorization", format!("Bearer {token}")),
            None => builder,
        }
    }

    /// Sends a request with these headers.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let builder =
            headers.iter().fold(self.builder(method, path), |it, (name, value)| it.header(*name, *value));
        let response = if body.is_empty() {
            self.send(builder.body(()).unwrap_or_else(|error| panic!("{error}")))
        } else {
            self.send(builder.body(body).unwrap_or_else(|error| panic!("{error}")))
        };
        let (parts, mut body) = response.into_parts();
        let body = body.with_config().limit(1 << 30).read_to_vec().unwrap_or_else(|error| panic!("{error}"));
        let body = String::from_utf8_lossy(&body).into_owned();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// Reads something.
    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], "")
    }

    /// Sends JSON.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask("POST", path, &[("content-type", "application/json")], &body.to_string())
    }

    /// Asks for handoffs with a key of one's own.
    pub fn hand_off(&self, purpose: &str, key: &str, body: &Value) -> Answer {
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        self.ask("POST", &format!("/v1/handoffs/{purpose}"), &headers, &body.to_string())
    }

    /// Opens a websocket.
    #[must_use]
    pub fn socket(&self, path: &str) -> Socket {
        let host = self.base.trim_start_matches("http://");
        let stream = TcpStream::connect(host).unwrap_or_else(|error| panic!("{error}"));
        let request = format!("ws://{host}{path}").into_client_request();
        let mut request = request.unwrap_or_else(|error| panic!("{error}"));
        let token = self.token.as_ref().and_then(|token| format!("Bearer {token}").parse().ok());
        if let Some(token) = token {
            request.headers_mut().insert("authorization", token);
        }
        match client(request, stream) {
            Ok((socket, _answer)) => Socket(socket),
            Err(error) => panic!("{path}: {error}"),
        }
    }

    /// Follows Server-Sent Events: the data of each, with its id.
    pub fn follow(&self, path: &str, last: Option<u64>) -> impl Iterator<Item = (u64, Value)> + use<> {
        let last = last.map(|last| last.to_string());
        let headers: Vec<_> = last.iter().map(|last| ("last-event-id", last.as_str())).collect();
        self.follow_with(path, &headers)
    }

    /// The same, with these headers.
    pub fn follow_with(
        &self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> impl Iterator<Item = (u64, Value)> + use<> {
        let builder = self.builder("GET", path);
        let builder = headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
        let response = self.send(builder.body(()).unwrap_or_else(|error| panic!("{error}")));
        assert_eq!(response.status().as_u16(), 200, "{path}");
        let mut lines = BufReader::new(response.into_body().into_reader()).lines();
        std::iter::from_fn(move || {
            let (mut id, mut data) = (None, None);
            loop {
                let line = lines.next()?.ok()?;
                if let Some(text) = line.strip_prefix("id: ") {
                    id = text.parse().ok();
                } else if let Some(text) = line.strip_prefix("data: ") {
                    data = serde_json::from_str(text).ok();
                } else if line.is_empty() && data.is_some() {
                    return id.zip(data);
                }
            }
        })
    }
}
