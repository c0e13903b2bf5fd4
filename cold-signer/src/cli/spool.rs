//! `sign --spool`: requests come in a folder, and their answers go there.

use super::file::read_text;
use super::say;
use crate::disk::Disk;
use crate::error::Error;
use crate::signer::{Refusal, Signer};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;
use stegos_common::spool::{MAX_FILES, PACE, REFUSED, REQUEST, RESPONSE, Spool, Version, sibling};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

/// A folder of requests, and the signer that answers them.
pub(super) struct Folder<'a> {
    path: &'a Path,
    signer: &'a Signer,
    /// The most a request may have, in bytes.
    limit: usize,
    spool: Spool,
    /// What was said last about the folder, so that it is said once.
    trouble: Option<String>,
    /// The first thing that was not signed.
    failure: Option<Error>,
}

impl<'a> Folder<'a> {
    pub(super) fn new(path: &'a Path, signer: &'a Signer, limit: usize) -> Self {
        Self { path, signer, limit, spool: Spool::default(), trouble: None, failure: None }
    }

    /// Answers what is there. What is not signed is an error, once all are answered.
    pub(super) fn once(mut self) -> Result<(), Error> {
        self.look(true)?;
        self.failure.map_or(Ok(()), Err)
    }

    /// Answers what is there and what comes, until SIGINT or SIGTERM.
    pub(super) fn watch(mut self) -> Result<(), Error> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let (mut interrupted, mut terminated) =
                (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
            let mut ticks = interval(Duration::from_millis(PACE));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            say(&format!("cold-signer signs what comes into {}", self.path.display()));
            loop {
                tokio::select! {
                    _ = interrupted.recv() => break,
                    _ = terminated.recv() => break,
                    _ = ticks.tick() => {}
                }
                match self.look(false) {
                    Ok(()) => self.trouble = None,
                    // Without its journal it would refuse everything.
                    Err(error @ Error::Refused(_)) => return Err(error),
                    // The folder may be a stick that is away.
                    Err(error) => {
                        let text = error.to_string();
                        if self.trouble.as_ref() != Some(&text) {
                            say(&text);
                        }
                        self.trouble = Some(text);
                    }
                }
            }
            say("cold-signer stopped");
            Ok(())
        })
    }

    /// Answers the requests that are due.
    fn look(&mut self, at_once: bool) -> Result<(), Error> {
        let requests = self.requests()?;
        for name in self.spool.due(requests, at_once) {
            let request = match read_text(&self.path.join(&name), self.limit) {
                Ok(request) => request,
                Err(error) => {
                    self.fail(&name, error);
                    continue;
                }
            };
            let answer = self.signer.answer(&request);
            let file = |end| self.path.join(sibling(&name, REQUEST, end).unwrap_or_default());
            match answer.refusal {
                None => {
                    // Where that fails it is due again, and gets the same answer.
                    write(&file(RESPONSE), &answer.text)?;
                    remove(&file(REFUSED))?;
                    say(&format!("{name}: signed"));
                }
                Some(refusal @ Refusal::JournalFailed(_)) => return Err(Error::Refused(refusal)),
                Some(refusal) => {
                    let written = write(&file(REFUSED), &answer.text);
                    self.fail(&name, Error::Refused(refusal));
                    written?;
                }
            }
            self.spool.done(&name);
        }
        Ok(())
    }

    /// Tells that a request is not signed. It is not tried again as it is: each refusal is a record of the journal.
    fn fail(&mut self, name: &str, error: Error) {
        say(&format!("{name}: {error}"));
        self.spool.done(name);
        self.failure.get_or_insert(error);
    }

    /// The requests without an answer since they were written.
    fn requests(&self) -> Result<BTreeMap<String, Version>, Error> {
        let failed = |source| Error::File { path: self.path.to_owned(), source };
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(self.path).map_err(failed)?.take(MAX_FILES) {
            let entry = entry.map_err(failed)?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            // Neither a link nor a pipe: whoever brings the stick does not choose what is read.
            if let Some(found) = entry.metadata().ok().filter(fs::Metadata::is_file) {
                files.insert(name, Version { length: found.len(), written: found.modified().ok() });
            }
        }
        let is_answered = |name: &str, version: &Version| {
            let answer = |end| sibling(name, REQUEST, end).and_then(|name| files.get(&name));
            // Where the hosts' clocks differ it is answered once more, by the same.
            [RESPONSE, REFUSED].into_iter().filter_map(answer).any(|answer| answer.written >= version.written)
        };
        let requests = files.iter().filter(|(name, _)| name.ends_with(REQUEST));
        let open = requests.filter(|(name, version)| !is_answered(name, version));
        Ok(open.map(|(name, version)| (name.clone(), *version)).collect())
    }
}

/// The old file or the new one, never half of it: the other side may be reading.
fn write(path: &Path, text: &str) -> Result<(), Error> {
    let written: io::Result<()> = Disk::default().replace(path, |file| writeln!(file, "{text}"));
    written.map_err(|source| Error::File { path: path.to_owned(), source })
}

fn remove(path: &Path) -> Result<(), Error> {
    Disk::default().remove(path).map_err(|source| Error::File { path: path.to_owned(), source })
}
