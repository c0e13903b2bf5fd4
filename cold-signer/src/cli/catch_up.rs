//! `journal catch-up`: what a restored signer has forgotten.

use super::{StoreArgs, is_typed, say};
use crate::error::Error;
use crate::journal::{Behind, Position};
use crate::settings::{Settings, Signing};
use crate::signer::{CaughtUp, Signer};
use clap::Args;
use serde_json::json;
use std::fs::File;
use std::io::{self, BufReader, IsTerminal, Write, stdin, stdout};
use std::path::{Path, PathBuf};

/// Give a restored journal the transactions that it lacks, so that signing goes on
#[derive(Args)]
#[command(after_help = "\
A journal that was restored from a backup has forgotten what was signed after that. Until it is told, nothing
new is signed: an output could be signed away twice, and limits would count too little. The explorer writes
what it has (`output-explorer transaction export`); every transaction is held against its request and verified,
and counts towards limits as if it had left now. Add the accounts first that were made after the backup. That
the file has all of them it cannot prove: compare what is shown, and say so.

With --give-up there is no file: signing goes on, and what was signed since the backup stays forgotten. Only
where the explorer's ledger is lost, too, and only on a terminal. Both are records of the journal.

Examples:
  cold-signer journal catch-up signed.jsonl
  cold-signer journal catch-up signed.jsonl --yes --json
  cold-signer journal catch-up --give-up")]
pub(super) struct CatchUp {
    /// The file of the explorer
    #[arg(required_unless_present = "give_up")]
    file: Option<PathBuf>,
    /// Go on without what is lacking; asks whether that is meant
    #[arg(long, conflicts_with = "file")]
    give_up: bool,
    /// Do not ask whether that is all
    #[arg(long, conflicts_with = "give_up")]
    yes: bool,
    /// Print a JSON object
    #[arg(long, conflicts_with = "give_up")]
    json: bool,
}

impl CatchUp {
    pub(super) fn run(self, store: &StoreArgs, settings: &Settings) -> Result<(), Error> {
        // What was signed is not judged again.
        let signing = Signing { policy: None, ..settings.rules.signing(&settings.rules) };
        let signer = store.signer(signing)?;
        match &self.file {
            Some(file) => self.catch_up(&signer, file),
            None => give_up(&signer),
        }
    }

    fn catch_up(&self, signer: &Signer, path: &Path) -> Result<(), Error> {
        let file = File::open(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
        let behind = signer.behind();
        let caught_up = signer.catch_up(BufReader::new(file), |caught_up| {
            tell_contradictions(caught_up);
            match behind {
                Some(behind) if !self.yes => is_all(&behind, caught_up),
                _ => Ok(true),
            }
        });
        let CaughtUp { forgotten, known, contradicting, .. } =
            caught_up.map_err(|source| Error::CatchUp { path: path.to_owned(), source: Box::new(source) })?;
        if self.json {
            let contradicting: Vec<_> = contradicting
                .iter()
                .map(|(transaction, record)| json!({ "transaction": transaction, "record": record }))
                .collect();
            let facts = json!({ "forgotten": forgotten, "known": known, "contradicting": contradicting });
            return Ok(writeln!(stdout(), "{facts:#}")?);
        }
        writeln!(
            stdout(),
            "The journal has caught up: {forgotten} transactions were forgotten, {known} known."
        )?;
        Ok(())
    }
}

/// That the signer signed twice, wherever it did.
fn tell_contradictions(caught_up: &CaughtUp) {
    for (transaction, record) in &caught_up.contradicting {
        say(&format!(
            "WARNING: transaction {transaction} and record {record} of the journal spend the same: the signer signed \
             twice. One of them at most is ever included; `output-explorer transaction show` tells which."
        ));
    }
}

/// Asks whether anything is lacking still: a file cannot prove that it is whole.
fn is_all(behind: &Behind, caught_up: &CaughtUp) -> io::Result<bool> {
    let records = |position: &Option<Position>| {
        position
            .map_or_else(|| "not known".to_owned(), |it| format!("{} records, head {}", it.count, it.head))
    };
    let CaughtUp { forgotten, known, given, .. } = caught_up;
    say(&format!(
        "The backup's journal:        {} records\nSeen at the restore:         {}\nSeen by whoever wrote this:  {}\n\
         Forgotten, recorded now:     {forgotten} transactions\nKnown:                       {known} transactions",
        behind.count,
        records(&behind.seen),
        records(given)
    ));
    is_typed("Is that all that was signed since the backup? Type \"yes\": ", "yes")
}

fn give_up(signer: &Signer) -> Result<(), Error> {
    let Some(behind) = signer.behind() else { return Err(Error::NotBehind) };
    say(&describe(&behind));
    if !stdin().is_terminal() {
        return Err(Error::NotATerminalHere);
    }
    if !is_typed("Sign without knowing what that was? Type \"give up\": ", "give up")? {
        return Err(Error::NotGivenUp);
    }
    signer.give_up().map_err(|source| Error::GiveUp(Box::new(source)))?;
    writeln!(stdout(), "given up: what was signed since the backup stays forgotten")?;
    Ok(())
}

/// What a journal may lack, in a sentence.
pub(super) fn describe(behind: &Behind) -> String {
    let Behind { count, seen } = behind;
    let seen = seen.map_or_else(
        || "how many there were after that is not known".to_owned(),
        |seen| format!("{} had been seen", seen.count),
    );
    format!(
        "The journal may lack what was signed: it was restored with {count} records, and {seen}. Until it is given what \
         it lacks (`journal catch-up`), nothing new is signed."
    )
}
