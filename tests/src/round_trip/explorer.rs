//! The explorer that follows the node.

use super::error::Error;
use super::node::Node;
use super::process::{PATIENCE, Running, Step};
use super::stage::Stage;
use super::story::TREASURY;
use super::terminal::quote;
use crate::devnode::client::ask;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant};
use stegos_common::amount::Amount;
use stegos_common::socket::Endpoint;
use tokio::time::sleep;

/// Where it says what it does.
const LOG: &str = "explorer.log";

/// How often it is asked how far it is.
const PACE: Duration = Duration::from_millis(20);

/// A running `output-explorer run`.
pub(super) struct Explorer {
    running: Running,
}

impl Explorer {
    /// Starts it and waits until it has read the chain.
    pub(super) async fn start(stage: &Stage, node: &Node) -> Result<Self, Error> {
        // The story would be as true with the default pace, and slower.
        let args =
            ["run", "--poll-milliseconds", "100", "--http-listen", "127.0.0.1:0", "--treasury", TREASURY];
        let words = [&["output-explorer"], &args[..], &["2>", LOG, "&"]].concat();
        let mut command = stage.explorer_command(node.address(), &args);
        command.stderr(File::create_new(LOG)?);
        let running = Step::new(command, &words).start()?;
        let mut explorer = Self { running };
        explorer.reach(node).await?;
        fs::read_to_string(LOG)?.lines().take(1).try_for_each(quote)?;
        Ok(explorer)
    }

    /// Where its web page is.
    pub(super) fn page(&self) -> Result<String, Error> {
        let log = fs::read_to_string(LOG)?;
        let url = log.lines().find_map(|line| Some(line.split_once("answering at ")?.1.to_owned()));
        url.ok_or(Error::Answer(log))
    }

    /// Waits until its last block is the node's.
    pub(super) async fn reach(&mut self, node: &Node) -> Result<(), Error> {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if self.running.ended()?.is_some() {
                return Err(ended());
            }
            // It does not listen from its first moment on.
            if let Ok(status) = request(&json!({ "type": "status" })).await
                && status.get("last_block_hash").and_then(Value::as_str) == Some(&node.last_block())
            {
                return Ok(());
            }
            sleep(PACE).await;
        }
        Err(Error::Patience("following the node".to_owned()))
    }

    /// What an account has after the last macro block: public outputs, and private ones of our own transactions.
    pub(super) async fn balance(&self, account: &str) -> Result<Amount, Error> {
        let answer = request(&json!({ "type": "balance", "account": account })).await?;
        let amount = |path| answer.pointer(path).and_then(Value::as_i64);
        let amounts = amount("/final/amount").zip(amount("/own_private/final/amount"));
        let sum = amounts.and_then(|(public, private)| public.checked_add(private));
        Ok(Amount::from_micro(sum.ok_or_else(|| Error::Answer(answer.to_string()))?)?)
    }

    /// Waits for its end, which is an error.
    pub(super) async fn fail(&mut self) -> Result<(), Error> {
        self.running.wait().await?;
        Err(ended())
    }

    /// Stops it.
    pub(super) async fn stop(self) -> Result<(), Error> {
        self.running.stop().await
    }
}

/// It ended by itself; its last words say why.
fn ended() -> Error {
    let log = fs::read_to_string(LOG).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    Error::Explorer(lines.rchunks(10).next().unwrap_or_default().join("\n"))
}

/// Asks it over the socket that its own commands use.
async fn request(request: &Value) -> Result<Value, Error> {
    let socket = Endpoint::Unix("explorer/run/explorer.sock".into());
    let answer = ask(&socket, Path::new("explorer/api.token"), &request.to_string()).await;
    let answer = answer.map_err(|error| Error::Ask("the explorer", error))?;
    serde_json::from_str(&answer).map_err(|_| Error::Answer(answer))
}
