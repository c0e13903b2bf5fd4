//! The node, and what it is asked.

use super::error::Error;
use super::stage::Stage;
use super::terminal::{quote_start, show_command};
use crate::devnode::client::ask;
use crate::devnode::config::Config;
use crate::devnode::server::Server;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use std::{fs, io};
use stegos_common::socket::Endpoint;
use tokio::task::spawn_blocking;

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
    /// Starts it.
    pub(super) async fn start(stage: &Stage) -> Result<Self, Error> {
        stage.file("devnode.toml", CONFIG)?;
        show_command(&["stegos-devnode", "run", "--config", "devnode.toml"])?;
        let settings = Config::load(Path::new("devnode.toml"))?.settings(|_line| {});
        // It waits for its sockets, which only a thread of its own may.
        let server = spawn_blocking(|| Server::start(settings)).await.map_err(io::Error::from)??;
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
    pub(super) async fn control(&self, command: &str) -> Result<Value, Error> {
        let address = self.control.to_string();
        show_command(&["echo", command, "|", "stegos-devnode", "client", "-", "--node", &address])?;
        answer(self.control, command, "done").await
    }

    /// Sends a file to its control port.
    pub(super) async fn control_file(&self, file: &str) -> Result<Value, Error> {
        send(self.control, file, "done").await
    }

    /// Sends a file to its API, where an answer of this type is expected.
    pub(super) async fn api_file(&self, file: &str, wanted: &str) -> Result<Value, Error> {
        send(self.address(), file, wanted).await
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

async fn send(address: SocketAddr, file: &str, wanted: &str) -> Result<Value, Error> {
    show_command(&["stegos-devnode", "client", file, "--node", &address.to_string()])?;
    answer(address, fs::read_to_string(file)?.trim(), wanted).await
}

async fn answer(address: SocketAddr, request: &str, wanted: &str) -> Result<Value, Error> {
    let answer = ask(&Endpoint::Tcp(address), Path::new(TOKEN), request).await;
    let answer = answer.map_err(|error| Error::Ask("the node", error))?;
    quote_start(&answer)?;
    match serde_json::from_str::<Value>(&answer) {
        Ok(value) if value.get("type").and_then(Value::as_str) == Some(wanted) => Ok(value),
        _ => Err(Error::Answer(answer)),
    }
}
