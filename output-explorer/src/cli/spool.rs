//! `spool`: requests go to the signer in a folder, and its answers come in one.

use super::file::{read_text, write_line};
use super::handoff::{pages, request_file, write_request};
use super::{Setup, broadcast, say};
use crate::control::{AskError, Asker, HandoffRequest};
use crate::error::Error;
use crate::handoff::record::{Handoff, Step};
use clap::Args;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;
use stegos_common::hash::Hash;
use stegos_common::spool::{self, MAX_FILES, PACE, RESPONSE, STATE, Version, sibling};

/// Broadcast the answers that come into a folder, and say there what becomes of them
#[derive(Args)]
#[command(after_help = "\
The folder is a stick, or a share that the signer's host mounts too. Each NAME.response.json is taken as
`broadcast` takes it, once it does not change any more, and NAME.state.json says what became of it: its
history, renewed at every step, or why it was not taken. What was not taken is tried again when it changes.

With --outbox the request of every open handoff is put there too. Nothing is ever removed. It runs beside
`run`, which submits the transactions, and waits where `run` is not running. The other side of it is
`cold-signer sign --spool DIR`.

Examples:
  output-explorer --network testnet spool /srv/gap --outbox /srv/gap
  output-explorer --network testnet spool /media/stick --once")]
pub(super) struct SpoolArgs {
    /// The folder with the answers
    dir: PathBuf,
    /// Put the requests of open handoffs into this folder
    #[arg(long, value_name = "DIR")]
    outbox: Option<PathBuf>,
    /// Take what is there now, and end
    #[arg(long)]
    once: bool,
}

impl SpoolArgs {
    pub(super) fn run(self, setup: &Setup) -> Result<(), Error> {
        let once = self.once;
        let mut spool =
            Spool { args: self, files: spool::Spool::default(), taken: BTreeMap::new(), failure: None };
        if once {
            let mut asker = setup.asker()?;
            spool.look(&mut asker)?;
            broadcast::tell_if_not_followed(&asker);
            return spool.failure.map_or(Ok(()), Err);
        }
        say(&format!("output-explorer takes the answers that come into {}", spool.args.dir.display()));
        let mut asker = None;
        let mut trouble = None;
        loop {
            match spool.look_again(setup, &mut asker) {
                Ok(()) => trouble = None,
                // The folder may be a stick that is away; and whoever has the ledger may start again.
                Err(error) => {
                    let text = error.to_string();
                    if trouble.as_ref() != Some(&text) {
                        say(&text);
                    }
                    trouble = Some(text);
                }
            }
            sleep(Duration::from_millis(PACE));
        }
    }
}

/// What a file says about an answer.
#[derive(Serialize)]
#[serde(untagged)]
enum StateFile<'a> {
    Taken { handoff: u64, transaction: Hash, state: &'static str, history: &'a [Step] },
    NotTaken { error: String },
}

/// A folder and what was done about its files.
struct Spool {
    args: SpoolArgs,
    files: spool::Spool,
    /// The handoffs of answers that were taken and are not over, and how many states were written.
    taken: BTreeMap<String, (u64, usize)>,
    /// The first answer that was not taken.
    failure: Option<Error>,
}

impl Spool {
    fn look_again(&mut self, setup: &Setup, asker: &mut Option<Asker>) -> Result<(), Error> {
        // Never the ledger itself: that would keep `run` from starting.
        let mut connected = asker.take().map_or_else(|| Asker::connect(&setup.data_dir), Ok)?;
        let done = self.look(&mut connected);
        if !matches!(done, Err(Error::Ask(_))) {
            *asker = Some(connected);
        }
        done
    }

    fn look(&mut self, asker: &mut Asker) -> Result<(), Error> {
        if let Some(outbox) = &self.args.outbox {
            let mut numbers = Vec::new();
            for page in pages(asker, None, true) {
                let open = page?.into_iter().filter(Handoff::is_open).map(|handoff| handoff.number);
                numbers.extend(open);
            }
            for number in numbers {
                if !request_file(outbox, number).exists() {
                    let path = write_request(asker, outbox, number)?;
                    say(&format!("written: {}", path.display()));
                }
            }
        }
        let there = self.answers()?;
        self.taken.retain(|name, _| there.contains_key(name));
        for name in self.files.due(there, self.args.once) {
            self.take(asker, &name)?;
        }
        for (name, (number, written)) in self.taken.clone() {
            let handoff = asker.handoff(HandoffRequest::Show { number })?;
            self.note(&name, &handoff, written)?;
        }
        Ok(())
    }

    /// The answers in the folder.
    fn answers(&self) -> Result<BTreeMap<String, Version>, Error> {
        let dir = &self.args.dir;
        let failed = |source| Error::File { path: dir.clone(), source };
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(dir).map_err(failed)?.take(MAX_FILES) {
            let entry = entry.map_err(failed)?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            // Neither a link nor a pipe: whoever brings the stick does not choose what is read.
            let found = entry.metadata().ok().filter(fs::Metadata::is_file);
            if let Some(found) = found.filter(|_| name.ends_with(RESPONSE)) {
                files.insert(name, Version { length: found.len(), written: found.modified().ok() });
            }
        }
        Ok(files)
    }

    /// Takes an answer.
    fn take(&mut self, asker: &mut Asker, name: &str) -> Result<(), Error> {
        let answer = read_text(&self.args.dir.join(name), broadcast::MAX_ANSWER);
        match answer.and_then(|answer| asker.handoff(HandoffRequest::Broadcast { answer })) {
            Ok(handoff) => self.note(name, &handoff, 0)?,
            Err(error @ (Error::Ask(AskError::Refused(_)) | Error::File { .. } | Error::TooLong { .. })) => {
                say(&format!("{name}: {error}"));
                self.write(name, &StateFile::NotTaken { error: error.to_string() })?;
                self.failure.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
        self.files.done(name);
        Ok(())
    }

    /// Tells how far the transaction of an answer is, where that is news.
    fn note(&mut self, name: &str, handoff: &Handoff, written: usize) -> Result<(), Error> {
        let Some(transaction) = &handoff.transaction else { return Ok(()) };
        let history = &transaction.history;
        if history.len() > written {
            let (state, number) = (transaction.state(), handoff.number);
            say(&format!("{name}: handoff {number}, {state}"));
            let state = state.name();
            self.write(
                name,
                &StateFile::Taken { handoff: number, transaction: transaction.id, state, history },
            )?;
        }
        if transaction.state().is_over() {
            self.taken.remove(name);
        } else {
            self.taken.insert(name.to_owned(), (handoff.number, history.len()));
        }
        Ok(())
    }

    fn write(&self, name: &str, state: &StateFile<'_>) -> Result<(), Error> {
        let path = self.args.dir.join(sibling(name, RESPONSE, STATE).unwrap_or_default());
        let json = serde_json::to_string(state).map_err(std::io::Error::other)?;
        let written = write_line(&path, &json, |file| Ok(file.persist(&path).map(drop)?));
        written.map_err(|source| Error::File { path, source })
    }
}
