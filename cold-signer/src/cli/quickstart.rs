//! `quickstart`: the main job on real input, in a temporary directory that is removed afterwards.
//!
//! It runs this very program as an operator would: every step is a command that could be typed.

use super::say;
use crate::error::Error;
use clap::Args;
use rand_core::{OsRng, RngCore};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{Write, stdout};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use std::{env, fs, io, thread};
use stegos_common::socket::{Client, Endpoint, Limits, SocketError, token_file};
use tempfile::TempDir;
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use zeroize::Zeroizing;

/// A request as a client of the network's node sent it: outputs of the development chain, and the test key
/// that owns them.
const RECORDED: &str = include_str!("../../data/recorded_request.json");

/// A policy for somebody who wants to see something signed.
const POLICY: &str = "[[rules]]\nrule = \"policy-any\"\naction = \"allow\"\n";

/// Its file.
const POLICY_FILE: &str = "policy.toml";

const AFTER_HELP: &str = "\
Creates a key store, imports the key of a recorded request, reads a policy, starts the daemon, sends the
request over its Unix socket, and shows what was signed. Needs about 256 MiB of memory and a few seconds;
leaves nothing behind.

Example:
  cold-signer quickstart";

/// See the signer sign a real request, without setting anything up
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Quickstart {}

/// A step of the quickstart that failed.
#[derive(Debug, Error)]
pub(crate) enum QuickstartError {
    /// A file or a process cannot be made.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A command that should work does not.
    #[error("`cold-signer {0}` failed, see above")]
    Step(String),
    /// The daemon ended before it listened.
    #[error("the daemon did not start, see above")]
    Daemon,
    /// The daemon does not answer.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The API token cannot be read.
    #[error(transparent)]
    Token(#[from] token_file::TokenFileError),
    /// The recorded request is damaged.
    #[error("the recorded request is damaged: {0}")]
    Recorded(#[from] serde_json::Error),
    /// The operator has seen enough.
    #[error("interrupted")]
    Interrupted,
}

impl Quickstart {
    pub(super) fn run(self) -> Result<(), Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(runtime.block_on(async {
            // Before there is anything that an interruption could leave behind.
            let mut interrupted = signal(SignalKind::interrupt())?;
            let mut terminated = signal(SignalKind::terminate())?;
            let mut hung_up = signal(SignalKind::hangup())?;
            let stage = Stage::new()?;
            // Who ends first drops the play and so its children; only then does the directory go.
            tokio::select! {
                biased;
                _ = interrupted.recv() => Err(QuickstartError::Interrupted),
                _ = terminated.recv() => Err(QuickstartError::Interrupted),
                _ = hung_up.recv() => Err(QuickstartError::Interrupted),
                played = play(&stage) => played,
            }
        })?)
    }
}

async fn play(stage: &Stage) -> Result<(), QuickstartError> {
    let (request, key) = recorded()?;
    let request_file = stage.file("request.json", &request)?;
    let key_file = stage.file("exchange.key", &key)?;

    narrate("A key store for the development chain, sealed with a passphrase (Argon2id, 256 MiB):")?;
    stage.run(["init".as_ref(), "--network".as_ref(), "dev".as_ref()]).await?;
    narrate("The test key that owns the outputs of a request recorded from a client of a real node:")?;
    stage
        .run(
            ["key", "import", "exchange", "--secret-file"]
                .map(OsStr::new)
                .into_iter()
                .chain([key_file.as_ref()]),
        )
        .await?;
    narrate("A policy. This one allows everything; yours says how much may go where (docs/policy.md):")?;
    stage.file(POLICY_FILE, POLICY)?;
    stage.run(["policy".as_ref(), "check".as_ref(), stage.path(POLICY_FILE).as_os_str()]).await?;
    narrate("The daemon. It answers one kind of request, on a Unix socket that only you can open:")?;
    let daemon = stage.serve().await?;
    narrate("The request, without any key, over the socket in the node's websocket protocol:")?;
    let response = stage.send(&request).await?;
    let response_file = stage.file("response.json", &response)?;
    show(format_args!("  sent     {} bytes of create_raw_transaction", request.len()))?;
    show(format_args!("  received {} bytes with the signed transaction", response.len()))?;
    daemon.stop().await?;
    narrate("What was signed, held against what was asked for and verified as a node would:")?;
    stage
        .run(["inspect".as_ref(), response_file.as_os_str(), "--request".as_ref(), request_file.as_os_str()])
        .await?;
    narrate("A node takes the transaction as the `data` of broadcast_transaction. Nothing is left behind.")?;
    show(format_args!("Next: `cold-signer init --help`, and the README's chapter on deployment."))
}

/// The recorded request without its key, and the key.
fn recorded() -> Result<(String, Zeroizing<String>), QuickstartError> {
    #[derive(Deserialize)]
    struct Recording<'a> {
        #[serde(borrow)]
        request: BTreeMap<&'a str, &'a RawValue>,
    }
    let Recording { mut request } = serde_json::from_str(RECORDED)?;
    let key = request.remove("secret_key").map(RawValue::get).unwrap_or_default();
    Ok((serde_json::to_string(&request)?, Zeroizing::new(key.to_owned())))
}

/// The temporary directory with a key store and all that the play needs.
struct Stage {
    directory: TempDir,
}

impl Stage {
    fn new() -> io::Result<Self> {
        let stage = Self { directory: TempDir::with_prefix("cold-signer-quickstart-")? };
        let passphrase = Zeroizing::new(format!("{:016x}{:016x}", OsRng.next_u64(), OsRng.next_u64()));
        stage.file("passphrase", &passphrase)?;
        Ok(stage)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file that only its owner can read.
    fn file(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let path = self.path(name);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(text.as_bytes())?;
        Ok(path)
    }

    /// This program, on the stage's key store, whatever the environment says of another one.
    fn command<'a>(&self, arguments: impl IntoIterator<Item = &'a OsStr>) -> io::Result<Command> {
        let mut command = Command::new(env::current_exe()?);
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("COLD_SIGNER_"))
        {
            command.env_remove(name);
        }
        command.args(arguments).stdin(Stdio::null());
        command.arg("--data-dir").arg(self.path("store"));
        command.arg("--passphrase-file").arg(self.path("passphrase"));
        command.env("COLD_SIGNER_POLICY", self.path(POLICY_FILE));
        Ok(command)
    }

    /// Runs a command to its end and shows it as it would be typed.
    async fn run<'a>(&self, arguments: impl IntoIterator<Item = &'a OsStr>) -> Result<(), QuickstartError> {
        let arguments: Vec<&OsStr> = arguments.into_iter().collect();
        let name = |argument: &&OsStr| {
            Path::new(argument).file_name().unwrap_or(argument).to_string_lossy().into_owned()
        };
        let typed: Vec<String> = arguments.iter().map(name).collect();
        show(format_args!("$ cold-signer {}", typed.join(" ")))?;
        if Running(self.command(arguments)?.spawn()?).0.wait().await?.success() {
            Ok(())
        } else {
            Err(QuickstartError::Step(typed.join(" ")))
        }
    }

    /// Starts the daemon and waits until it listens.
    async fn serve(&self) -> Result<Running, QuickstartError> {
        show(format_args!("$ cold-signer serve"))?;
        let mut daemon = Running(self.command([OsStr::new("serve")])?.stderr(Stdio::piped()).spawn()?);
        if let Some(errors) = daemon.0.stderr.take() {
            let mut lines = BufReader::new(errors).lines();
            while let Some(line) = lines.next_line().await? {
                say(&line);
                if line.contains("listens on") {
                    return Ok(daemon);
                }
            }
        }
        daemon.0.wait().await?;
        Err(QuickstartError::Daemon)
    }

    async fn send(&self, request: &str) -> Result<String, QuickstartError> {
        let token = token_file::load(&self.path("store/api.token"))?;
        let endpoint = Endpoint::Unix(self.path("store/run/signer.sock"));
        let mut client = Client::connect(&endpoint, token, Limits::default()).await?;
        Ok(client.request(request, &mut OsRng).await?.to_string())
    }
}

/// A running step of the play, which does not outlive it.
struct Running(Child);

impl Running {
    /// Asks the daemon to stop, as a service manager would, and waits for it.
    async fn stop(mut self) -> Result<(), QuickstartError> {
        let pid = self.0.id().and_then(|id| i32::try_from(id).ok());
        if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).map_err(io::Error::from)?;
        }
        if self.0.wait().await?.success() { Ok(()) } else { Err(QuickstartError::Step("serve".to_owned())) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Where it has ended already, there is nothing to kill. Otherwise it must be gone before its directory,
        // in which it could still write.
        let _ = self.0.start_kill();
        while let Ok(None) = self.0.try_wait() {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

fn narrate(text: &str) -> Result<(), QuickstartError> {
    show(format_args!("\n{text}"))
}

fn show(line: std::fmt::Arguments<'_>) -> Result<(), QuickstartError> {
    let mut out = stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
