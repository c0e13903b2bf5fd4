//! A program that runs until it is stopped, and what it says on standard error meanwhile.

use escargot::CargoBuild;
use escargot::error::CargoError;
use escargot::format::Message;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};
use thiserror::Error;

/// Longer than anything here takes even on a busy machine: who waits longer waits for nothing.
const PATIENCE: Duration = Duration::from_secs(120);

/// The build of a program of this workspace, in the profile of whoever asks for it. Cargo chooses the features of all
/// dependencies by what is built together: what is named here besides is what whoever asks was built with, so that
/// nothing is built twice.
pub fn cargo_build(name: &str) -> CargoBuild {
    let workspace = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let build = CargoBuild::new().manifest_path(workspace).bin(name).current_release();
    // What cargo tells this program of its own package: some crates are built anew where it is another (ring).
    let about_us = std::env::vars_os().map(|(name, _)| name).filter(|name| {
        let name = name.to_string_lossy();
        ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|begin| name.starts_with(begin))
    });
    let build = about_us.fold(build, |build, name| build.env_remove(name));
    if cfg!(debug_assertions) {
        build.args(["--workspace", "--test", "documents"])
    } else {
        build.args(["--package", "custody-tests", "--package", "cold-signer", "--package", "output-explorer"])
    }
}

/// Why a program is not there.
#[derive(Debug, Error)]
pub enum BuildError {
    /// It does not compile, or there is no cargo.
    #[error(transparent)]
    Cargo(#[from] CargoError),
    /// Cargo says nothing of it.
    #[error("cargo built no such program")]
    NoProgram,
}

/// Builds a program of this workspace, in the profile of whoever asks for it.
///
/// # Errors
/// [`BuildError`].
pub fn build(name: &str) -> Result<PathBuf, BuildError> {
    let mut path = None;
    for message in cargo_build(name).exec()? {
        if let Message::CompilerArtifact(artifact) = message?.decode()?
            && artifact.target.name == name
            && artifact.target.kind.iter().any(|kind| kind == "bin")
        {
            path = artifact.executable.map(|path| path.to_path_buf());
        }
    }
    path.ok_or(BuildError::NoProgram)
}

/// The same for a test.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    build(name).unwrap_or_else(|error| panic!("building {name}: {error}"))
}

/// A running program. It is killed when this is dropped.
pub struct Daemon {
    child: Child,
    lines: Receiver<String>,
    log: Vec<String>,
}

impl Daemon {
    /// Starts the program and collects its standard error line by line.
    pub fn spawn(command: &mut Command) -> Self {
        Self::spawn_with(command, Stdio::null())
    }

    /// The same with another standard input than none.
    pub fn spawn_with(command: &mut Command, stdin: Stdio) -> Self {
        let spawned = command.stdin(stdin).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.unwrap_or_else(|error| panic!("starting {command:?}: {error}"));
        let (sender, lines) = channel();
        if let Some(stderr) = child.stderr.take() {
            thread::spawn(move || {
                for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                    // Whoever dropped the receiver does not want to know.
                    let _ = sender.send(line);
                }
            });
        }
        Self { child, lines, log: Vec::new() }
    }

    /// The next line with `text` in it; waits for it.
    pub fn wait_for(&mut self, text: &str) -> String {
        let begin = Instant::now();
        loop {
            // It may go on saying other things.
            let Ok(line) = self.lines.recv_timeout(PATIENCE.saturating_sub(begin.elapsed())) else {
                panic!("the program never said {text:?}, only {:#?}", self.log);
            };
            self.log.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Waits until the program has said something with `text` in it so often, counted from its start.
    pub fn wait_for_times(&mut self, text: &str, times: usize) {
        while self.log.iter().filter(|line| line.contains(text)).count() < times {
            self.wait_for(text);
        }
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends SIGTERM and waits for the end. Answers the exit status and every line that was said.
    pub fn stop(self) -> (ExitStatus, Vec<String>) {
        kill_process(Pid::from_child(&self.child), Signal::TERM)
            .unwrap_or_else(|error| panic!("stopping process {}: {error}", self.id()));
        self.join()
    }

    /// Waits for the program to end by itself. Answers the exit status and every line that was said.
    pub fn join(mut self) -> (ExitStatus, Vec<String>) {
        let (mut log, begin) = (std::mem::take(&mut self.log), Instant::now());
        loop {
            match self.lines.recv_timeout(PATIENCE.saturating_sub(begin.elapsed())) {
                Ok(line) => log.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("the program does not end; it said {log:#?}"),
            }
        }
        match self.child.wait() {
            Ok(status) => (status, log),
            Err(error) => panic!("waiting for the program: {error}; it said {log:#?}"),
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already, which is just as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
