//! Running programs, which do not outlive the story.

use super::error::Error;
use super::terminal::{quote, show_command, typed};
use rustix::process::{Pid, Signal, kill_process};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use std::{io, thread};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Longer than anything here takes, even on a busy computer.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// A command, and the words by which it would be typed.
pub(super) struct Step {
    command: Command,
    words: Vec<String>,
}

impl Step {
    pub(super) fn new(command: Command, words: &[&str]) -> Self {
        Self { command, words: words.iter().map(|word| (*word).to_owned()).collect() }
    }

    /// Runs it and shows all that it says. Answers its standard output.
    pub(super) async fn show(self) -> Result<String, Error> {
        self.show_only(|_line| true).await
    }

    /// Runs it and shows what it says, of its standard output only the lines that are worth it. Answers all of that.
    pub(super) async fn show_only(mut self, worth: fn(&str) -> bool) -> Result<String, Error> {
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        self.start()?.quote(worth).await
    }

    /// Shows it and starts it.
    pub(super) fn start(mut self) -> Result<Running, Error> {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        show_command(&words)?;
        let name = typed(&words);
        match self.command.stdin(Stdio::null()).spawn() {
            Ok(child) => Ok(Running { child, name }),
            Err(error) => Err(Error::Spawn(name, error)),
        }
    }
}

/// A running program. It is killed when this is dropped.
pub(super) struct Running {
    child: Child,
    name: String,
}

impl Running {
    /// See [`Step::show_only`].
    async fn quote(mut self, worth: fn(&str) -> bool) -> Result<String, Error> {
        let (Some(out), Some(err)) = (self.child.stdout.take(), self.child.stderr.take()) else {
            return Err(Error::Step(self.name.clone()));
        };
        let (mut out, mut err) = (BufReader::new(out).lines(), BufReader::new(err).lines());
        let (mut has_out, mut has_err) = (true, true);
        let (mut said, mut skipped) = (String::new(), false);
        while has_out || has_err {
            tokio::select! {
                line = out.next_line(), if has_out => match line? {
                    Some(line) => {
                        if worth(&line) {
                            quote(&line)?;
                        } else if !skipped {
                            quote("…")?;
                        }
                        skipped = !worth(&line);
                        said.extend([&line, "\n"]);
                    }
                    None => has_out = false,
                },
                line = err.next_line(), if has_err => match line? {
                    Some(line) => quote(&line)?,
                    None => has_err = false,
                },
            }
        }
        self.succeed().await?;
        Ok(said)
    }

    /// Waits until it has ended well.
    async fn succeed(mut self) -> Result<(), Error> {
        let ended = timeout(PATIENCE, self.child.wait()).await;
        let status = ended.map_err(|_| Error::Patience(format!("`{}`", self.name)))??;
        if status.success() { Ok(()) } else { Err(Error::Step(self.name.clone())) }
    }

    /// Waits for its end.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Whether it has ended.
    pub(super) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Asks it to stop, as a service manager would, and waits for it.
    pub(super) async fn stop(self) -> Result<(), Error> {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(pid) = pid.and_then(Pid::from_raw) {
            kill_process(pid, Signal::TERM).map_err(io::Error::from)?;
        }
        self.succeed().await
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Where it has ended already, there is nothing to kill. Otherwise it must be gone before its directory,
        // in which it could still write.
        let _ = self.child.start_kill();
        while let Ok(None) = self.child.try_wait() {
            thread::sleep(Duration::from_millis(1));
        }
    }
}
