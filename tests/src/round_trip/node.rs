//! The node, and what it is asked.

use super::error::Error;
use super::stage::Stage;
use super::terminal::{narrate, quote, quote_json, show_command};
use crate::devnode::client::ask;
use crate::devnode::config::Config;
use crate::devnode::server::Server;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use std::{fs, io};
use stegos_common::amount::Amount;
use stegos_common::socket::Endpoint;

/// The file of its API token.
pub(super) const TOKEN: &str = "node.token";

/// Its configuration. Any port will do.
const CONFIG: &str = "\
# Blocks are made on demand, four to an epoch.
block_milliseconds = 0
blocks_per_epoch = 4
data_dir = \"chain\"
token_file = \"node.token\"
listen = \"127.0.0.1:0\"
control = \"127.0.0.1:0\"
";

/// A running node.
pub(super) struct Node {
    server: Server,
    control: SocketAddr,
}

impl Node {
    /// Starts it. No asynchronous task may: it waits for its sockets.
    pub(super) fn start(stage: &Stage) -> Result<Self, Error> {
        narrate(
            "1. A node: a Stegos chain of its own, as strict as the real one. Its epochs are four blocks long.",
        )?;
        stage.file("devnode.toml", CONFIG)?;
        show_command(&["stegos-devnode", "run", "--config", "devnode.toml"])?;
        let server = Server::start(Config::load(Path::new("devnode.toml"))?.settings(|_line| {}))?;
        quote(&format!("stegos-devnode for dev listens on {}", server.address()))?;
        let no_control = || Error::Io(io::Error::other("the node has no control port"));
        Ok(Self { control: server.control().ok_or_else(no_control)?, server })
    }

    /// The address of its API.
    pub(super) const fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The address of its control port.
    pub(super) const fn control_address(&self) -> SocketAddr {
        self.control
    }

    /// Gives it a command that is typed.
    pub(super) async fn control(&self, command: &str) -> Result<(), Error> {
        let address = self.control.to_string();
        show_command(&["echo", command, "|", "stegos-devnode", "client", "-", "--node", &address])?;
        answer(self.control, command, "done", quote).await.map(drop)
    }

    /// Gives it the command of a file.
    pub(super) async fn control_file(&self, file: &str) -> Result<(), Error> {
        show_client(file, self.control)?;
        answer(self.control, fs::read_to_string(file)?.trim(), "done", quote).await.map(drop)
    }

    /// Asks whether the certificate of a file is valid. Answers what was paid.
    pub(super) async fn validate(&self, file: &str) -> Result<Amount, Error> {
        show_client(file, self.address())?;
        let request = fs::read_to_string(file)?;
        let valid = answer(self.address(), &request, "certificate_valid", quote_json).await?;
        let amount = valid.get("amount").and_then(Value::as_i64);
        Ok(Amount::from_micro(amount.ok_or_else(|| Error::Answer(valid.to_string()))?)?)
    }

    /// Makes a block.
    pub(super) fn mine(&self) -> Result<(), Error> {
        Ok(self.server.node().mine()?)
    }

    /// The id of its last block.
    pub(super) fn last_block(&self) -> String {
        self.server.node().status().last_block_hash.to_string()
    }
}

fn show_client(file: &str, address: SocketAddr) -> Result<(), Error> {
    show_command(&["stegos-devnode", "client", file, "--node", &address.to_string()])
}

/// Asks, shows the answer, and requires it to be of a type.
async fn answer(
    address: SocketAddr,
    request: &str,
    wanted: &str,
    quote: fn(&str) -> Result<(), Error>,
) -> Result<Value, Error> {
    let answer = ask(&Endpoint::Tcp(address), Path::new(TOKEN), request).await;
    let answer = answer.map_err(|error| Error::Ask("the node", error))?;
    quote(&answer)?;
    match serde_json::from_str::<Value>(&answer) {
        Ok(value) if value.get("type").and_then(Value::as_str) == Some(wanted) => Ok(value),
        _ => Err(Error::Answer(answer)),
    }
}
