//! Running programs, which do not outlive the story.

use super::error::Error;
use super::terminal::{quote, typed};
use rustix::process::{Pid, Signal, kill_process};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use std::{io, thread};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Longer than anything here takes, even on a busy computer.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// A running program. It is killed when this is dropped.
pub(super) struct Running {
    child: Child,
    name: String,
}

impl Running {
    /// Starts a program under the name by which it would be typed.
    pub(super) fn start(command: &mut Command, words: &[&str]) -> Result<Self, Error> {
        let name = typed(words);
        match command.stdin(Stdio::null()).spawn() {
            Ok(child) => Ok(Self { child, name }),
            Err(error) => Err(Error::Spawn(name, error)),
        }
    }

    /// Shows what it says, as it is said, until it ends. Answers its standard output.
    pub(super) async fn quote_all(mut self) -> Result<String, Error> {
        let (Some(out), Some(err)) = (self.child.stdout.take(), self.child.stderr.take()) else {
            return Err(Error::Step(self.name.clone()));
        };
        let (mut out, mut err) = (BufReader::new(out).lines(), BufReader::new(err).lines());
        let (mut has_out, mut has_err) = (true, true);
        let mut said = String::new();
        while has_out || has_err {
            tokio::select! {
                line = out.next_line(), if has_out => match line? {
                    Some(line) => {
                        quote(&line)?;
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
    pub(super) async fn succeed(mut self) -> Result<(), Error> {
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
