//! `spool`: requests go to the signer in a folder, and its answers come in one.

use super::file::{read_regular, write_line};
use super::handoff::{pages, request_file, write_request};
use super::{Setup, broadcast, say};
use crate::control::{AskError, Asker, HandoffRequest};
use crate::error::Error;
use crate::handoff::record::{Handoff, Step};
use crate::ledger::handoffs::Which;
use clap::Args;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;
use stegos_common::hash::Hash;
use stegos_common::spool::{self, MAX_FILES, PACE, RESPONSE, STATE, Version, sibling};
use stegos_common::text::excerpt;

/// Broadcast the answers that come into a folder, and say there what becomes of them
#[derive(Args)]
#[command(after_help = "\
The folder is a stick, or a share that the signer's host mounts too; both programs must be able to read each
other's files. Each NAME.response.json is taken as `broadcast` takes it, once it does not change any more, and
NAME.state.json says what became of it: its history, renewed at every step, or why it was not taken. What was
not taken is tried again when it changes. What the node rejected is sent again by `broadcast` only.

With --outbox the request of every open handoff is put there too. Nothing is ever removed; files of handoffs
that are over may be. It runs beside `run`, which submits the transactions, and waits where `run` is not
running. The other side of it is `cold-signer sign --spool DIR`.

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
        let mut spool = Spool {
            args: self,
            files: spool::Spool::default(),
            taken: BTreeMap::new(),
            placed: BTreeSet::new(),
            said: BTreeMap::new(),
            failure: None,
        };
        if spool.args.once {
            let mut asker = setup.asker()?;
            spool.look(&mut asker)?;
            broadcast::tell_if_not_followed(&asker);
            broadcast::tell_alarm(&mut asker)?;
            return spool.failure.map_or(Ok(()), Err);
        }
        say(&format!("output-explorer takes the answers that come into {}", spool.args.dir.display()));
        let mut asker = None;
        loop {
            // The folder may be a stick that is away; and whoever has the ledger may start again.
            match spool.look_again(setup, &mut asker) {
                Ok(()) => drop(spool.said.remove("")),
                Err(error) => spool.fail("", error),
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
    /// The handoffs of answers that were taken, and how many states were written; over ones are left out.
    taken: BTreeMap<String, (u64, usize)>,
    /// The handoffs whose requests were put into the outbox by this process.
    placed: BTreeSet<u64>,
    /// What was said last about a file, or about everything, so that it is said once.
    said: BTreeMap<String, String>,
    /// The first failure.
    failure: Option<Error>,
}

impl Spool {
    fn look_again(&mut self, setup: &Setup, asker: &mut Option<Asker>) -> Result<(), Error> {
        // Never the ledger itself: that would keep `run` from starting.
        let mut connected = asker.take().map_or_else(|| Asker::connect(&setup.data_dir), Ok)?;
        self.look(&mut connected)?;
        *asker = Some(connected);
        Ok(())
    }

    /// One bad file is no reason to leave the others: only what concerns all of them is an error here.
    fn look(&mut self, asker: &mut Asker) -> Result<(), Error> {
        let there = self.answers()?;
        self.taken.retain(|name, _| there.contains_key(name));
        let due = self.files.due(there, self.args.once);
        for name in &due {
            self.take(asker, name)?;
        }
        let mut live = BTreeMap::new();
        for page in pages(asker, Which::Live) {
            live.extend(page?.into_iter().map(|handoff| (handoff.number, handoff)));
        }
        for (name, (number, written)) in self.taken.clone() {
            let handoff = match live.remove(&number) {
                Some(handoff) => handoff,
                None => asker.handoff(HandoffRequest::Show { number })?,
            };
            self.note(&name, &handoff, written);
        }
        if let Some(outbox) = self.args.outbox.clone() {
            for number in live.values().filter(|handoff| handoff.is_open()).map(|handoff| handoff.number) {
                let name = request_file(&outbox, number);
                // Where it is away again, it was another stick.
                if self.placed.contains(&number) && name.exists() {
                    continue;
                }
                match write_request(asker, &outbox, number) {
                    Ok(path) => {
                        say(&format!("written: {}", path.display()));
                        self.placed.insert(number);
                    }
                    Err(error @ (Error::Request { .. } | Error::Ask(AskError::Refused(_)))) => {
                        self.fail(&name.to_string_lossy(), error);
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        if !due.is_empty() && !self.args.once {
            broadcast::tell_alarm(asker)?;
        }
        Ok(())
    }

    /// The answers in the folder.
    fn answers(&self) -> Result<BTreeMap<String, Version>, Error> {
        let dir = &self.args.dir;
        let failed = |source| Error::File { path: dir.clone(), source };
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let found = entry.metadata().ok().filter(|found| name.ends_with(RESPONSE) && found.is_file());
            if let Some(found) = found {
                files.insert(name, Version { length: found.len(), written: found.modified().ok() });
            }
            if files.len() > MAX_FILES {
                return Err(Error::TooManyFiles { path: dir.clone(), most: MAX_FILES });
            }
        }
        Ok(files)
    }

    /// Takes an answer.
    fn take(&mut self, asker: &mut Asker, name: &str) -> Result<(), Error> {
        let answer = match read_regular(&self.args.dir.join(name), broadcast::MAX_ANSWER) {
            Ok(answer) => answer,
            // It may be readable a moment later.
            Err(error @ Error::File { .. }) => {
                self.fail(name, error);
                return Ok(());
            }
            Err(error) => {
                self.not_taken(name, error);
                return Ok(());
            }
        };
        match asker.handoff(HandoffRequest::Broadcast { answer, again: false }) {
            Ok(handoff) => self.note(name, &handoff, 0),
            Err(error @ Error::Ask(AskError::Refused(_))) => self.not_taken(name, error),
            Err(error) => return Err(error),
        }
        self.files.done(name);
        Ok(())
    }

    fn not_taken(&mut self, name: &str, error: Error) {
        self.write(name, &StateFile::NotTaken { error: error.to_string() });
        self.fail(name, error);
        self.files.done(name);
    }

    /// Tells how far the transaction of an answer is, where that is news.
    fn note(&mut self, name: &str, handoff: &Handoff, written: usize) {
        let Some(transaction) = &handoff.transaction else { return };
        let history = &transaction.history;
        if history.len() > written {
            let (state, number) = (transaction.state(), handoff.number);
            say(&format!("{}: handoff {number}, {state}", excerpt(name)));
            let state = state.name();
            self.write(
                name,
                &StateFile::Taken { handoff: number, transaction: transaction.id, state, history },
            );
        }
        if transaction.state().is_over() {
            self.taken.remove(name);
        } else {
            self.taken.insert(name.to_owned(), (handoff.number, history.len()));
        }
    }

    /// Writes what became of an answer beside it. Where that fails, the ledger knows it all the same.
    fn write(&mut self, name: &str, state: &StateFile<'_>) {
        let path = self.args.dir.join(sibling(name, RESPONSE, STATE).unwrap_or_default());
        let json = serde_json::to_string(state).unwrap_or_default();
        if fs::read_to_string(&path).is_ok_and(|there| there.trim_end() == json) {
            return;
        }
        let written = write_line(&path, &json, |file| Ok(file.persist(&path).map(drop)?));
        if let Err(source) = written {
            self.fail(&path.to_string_lossy(), Error::File { path: path.clone(), source });
        }
    }

    /// Says what is wrong with a file, or with everything, once.
    fn fail(&mut self, name: &str, error: Error) {
        let text = error.to_string();
        if self.said.get(name) != Some(&text) {
            let name = if name.is_empty() { String::new() } else { format!("{}: ", excerpt(name)) };
            say(&format!("{name}{text}"));
        }
        self.said.insert(name.to_owned(), text);
        self.failure.get_or_insert(error);
    }
}
