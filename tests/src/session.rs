//! A client's connection, without the `async`.

use rand_core::OsRng;
use serde_json::Value;
use std::path::Path;
use std::time::Duration;
use stegos_common::socket::{Client, Endpoint, Limits, SocketError, token_file};
use tokio::runtime::{Builder, Runtime};

/// An open connection to a cold signer or anything else that speaks the node's protocol.
pub struct Session {
    runtime: Runtime,
    client: Client,
}

impl Session {
    /// Connects with the API token of a file.
    pub fn open(endpoint: &Endpoint, token: &Path) -> Self {
        let token = token_file::load(token).unwrap_or_else(|error| panic!("{error}"));
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.unwrap_or_else(|error| panic!("starting a runtime: {error}"));
        let patient = Duration::from_secs(600);
        let limits = Limits { idle: patient, message: patient, write: patient, ..Limits::default() };
        let client = runtime.block_on(Client::connect(endpoint, token, limits));
        Self { runtime, client: client.unwrap_or_else(|error| panic!("{error}")) }
    }

    /// Sends a request and waits for the answer.
    pub fn request(&mut self, request: &Value) -> Value {
        let answer = self.text(&request.to_string());
        let answer = answer.unwrap_or_else(|| panic!("the connection was closed on {request}"));
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error} in the answer {answer}"))
    }

    /// The next notification; waits for it.
    pub fn notification(&mut self) -> Value {
        let text = self.receive().unwrap_or_else(|error| panic!("no notification: {error}"));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
    }

    /// The next text, or why there is none; waits for it.
    ///
    /// # Errors
    /// [`SocketError`] as the client says.
    pub fn receive(&mut self) -> Result<String, SocketError> {
        self.runtime.block_on(self.client.receive()).map(|text| text.to_string())
    }

    /// Sends a text and waits for the text that answers it; `None` where the connection is closed instead.
    pub fn text(&mut self, json: &str) -> Option<String> {
        match self.runtime.block_on(self.client.request(json, &mut OsRng)) {
            Ok(answer) => Some(answer.to_string()),
            Err(SocketError::Closed) => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// Sends a request and does not wait for the answer.
    pub fn send(&mut self, json: &str) {
        let sent = self.runtime.block_on(self.client.send(json, &mut OsRng));
        sent.unwrap_or_else(|error| panic!("{error}"));
    }
}
