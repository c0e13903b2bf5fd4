//! `store`: checking a key store, and saving what can be saved.

use super::{StoreArgs, say};
use crate::error::Error;
use crate::keystore::{Listed, Rebuilt, Report, Sources};
use crate::passphrase::Source;
use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::json;
use std::fs::File;
use std::io::{BufReader, Write, stdout};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use stegos_common::group::Encoded;
use stegos_common::recovery;

const CHECK_HELP: &str = "\
Opens every record, derives every key anew, holds all of it against the tally, and reads the whole
journal. Changes no key and no record. Exit code 4 says that something is wrong.

Examples:
  cold-signer store check
  cold-signer store check --json";

const REBUILD_HELP: &str = "\
For a store that does not open any more and has no good backup. Copy the whole directory first.
Whatever opens of the old databases goes into a new one; accounts of an export that are missing are
derived anew from the master key. The old databases stay where they are. Imported keys that cannot be
read come from their own backups, with `key import`.

The journal is not touched, unless --new-journal says so. Then the signer forgets what it signed: an
output may be signed away twice. Make sure first that no signed transaction is still on its way.

Examples:
  cold-signer store rebuild
  cold-signer store rebuild --accounts accounts.jsonl --restore-phrase";

/// Check or rebuild the key store
#[derive(Subcommand)]
pub(super) enum Store {
    /// Read and authenticate everything
    #[command(after_help = CHECK_HELP)]
    Check {
        /// Print a JSON object
        #[arg(long)]
        json: bool,
    },
    Rebuild(Rebuild),
}

/// Make a fresh database from what can be read, and from the master key
#[derive(Args)]
#[command(after_help = REBUILD_HELP)]
pub(super) struct Rebuild {
    /// Take the master key from its 24 recovery words, asked on the terminal
    #[arg(long)]
    restore_phrase: bool,
    /// Read the recovery words from this open file descriptor instead
    #[arg(long, value_name = "N", requires = "restore_phrase")]
    phrase_fd: Option<u32>,
    /// Derive the accounts that are missing from this export (`key export-public`, jsonl)
    #[arg(long, value_name = "FILE")]
    accounts: Option<PathBuf>,
    /// Keep the journal aside and begin a new one: what was signed is FORGOTTEN
    #[arg(long)]
    new_journal: bool,
}

impl Store {
    pub(super) fn run(self, store: &StoreArgs) -> Result<(), Error> {
        match self {
            Self::Check { json } => check(store, json),
            Self::Rebuild(rebuild) => rebuild.run(store),
        }
    }
}

fn check(store: &StoreArgs, json: bool) -> Result<(), Error> {
    let locked = store.lock()?;
    let Report { accounts, journal, torn, faults } = locked.check(&store.passphrase()?)?;
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let mut out = stdout().lock();
    if json {
        let report = json!({ "accounts": accounts, "journal": journal, "torn_bytes": torn, "faults": told });
        writeln!(out, "{report:#}")?;
    } else {
        writeln!(out, "accounts  {accounts} records open")?;
        match journal {
            Some(position) => {
                writeln!(out, "journal   {} records open, head {}", position.count, position.head)?;
            }
            None => writeln!(out, "journal   cannot be read")?,
        }
        if let Some(length) = torn {
            writeln!(
                out,
                "          and {length} bytes of a last commit that a crash tore; nothing was answered from it"
            )?;
        }
        told.iter().try_for_each(|fault| writeln!(out, "FAULT     {fault}"))?;
        if told.is_empty() {
            writeln!(out, "Everything is as it was written, and every key fits its account.")?;
        }
    }
    if told.is_empty() { Ok(()) } else { Err(Error::Faults(told.len())) }
}

impl Rebuild {
    fn run(self, store: &StoreArgs) -> Result<(), Error> {
        let locked = store.lock()?;
        let accounts = self.accounts.as_deref().map_or_else(|| Ok(Vec::new()), read_export)?;
        let passphrase = store.passphrase()?;
        let master = if self.restore_phrase {
            let words = Source::from_options(self.phrase_fd, None).read("24 recovery words")?;
            Some(recovery::from_phrase(&words)?)
        } else {
            None
        };
        let sources = Sources { master, accounts, new_journal: self.new_journal };
        show(&locked.rebuild(&passphrase, sources)?)?;
        if self.new_journal {
            say("WARNING: the signer has forgotten what it signed. The old journal is kept aside.");
        }
        Ok(())
    }
}

fn show(rebuilt: &Rebuilt) -> Result<(), Error> {
    let Rebuilt {
        kept,
        derived,
        complete,
        doubtful,
        expected,
        unreadable,
        missing,
        unopened,
        database,
        journal,
    } = rebuilt;
    let mut out = stdout().lock();
    writeln!(out, "Rebuilt the database in {database}; the old ones stay where they are.")?;
    match expected {
        Some(expected) => writeln!(out, "kept        {kept} of {expected} accounts")?,
        None => writeln!(out, "kept        {kept} accounts; how many there were is not known")?,
    }
    writeln!(out, "derived     {derived} accounts anew")?;
    writeln!(out, "unreadable  {unreadable} records")?;
    unopened.iter().try_for_each(|reason| writeln!(out, "not opened  {reason}"))?;
    for name in missing {
        writeln!(out, "MISSING     {name:?}: import its key again from its backup")?;
    }
    if !complete {
        say(
            "WARNING: the database could not be read as it was left: an account may be in use that was archived last. Compare \
             `cold-signer key list --archived` with your own list.",
        );
    }
    if *doubtful > 0 {
        say(&format!(
            "WARNING: {doubtful} accounts were in use at one time and archived at another, and the order is not known. They \
             are archived now; take those into use that were in use last: `cold-signer key restore`."
        ));
    }
    if let (None, Some(position)) = (expected, journal) {
        say(&format!(
            "WARNING: how far the journal got is not known. It has {} records, head {}: before you sign, compare that \
             with the newest answer that tells the journal's position.",
            position.count, position.head
        ));
    }
    let there = kept.saturating_add(*derived);
    if expected.is_some_and(|expected| there < expected) {
        say("WARNING: accounts are missing. Name them with --accounts, or add them again by their names.");
    }
    Ok(())
}

/// Reads what `key export-public` wrote.
fn read_export(path: &Path) -> Result<Vec<Listed>, Error> {
    #[derive(Deserialize)]
    struct Row {
        account: String,
        #[serde(with = "hex::serde")]
        public_key: [u8; 32],
        archived: bool,
        /// Exports of before keys were rotated have none.
        generation: Option<NonZeroU32>,
    }
    let file = File::open(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    let rows = serde_json::Deserializer::from_reader(BufReader::new(file)).into_iter::<Row>();
    let listed = |row: Row| Listed {
        name: row.account,
        public_key: Encoded::from_bytes(row.public_key),
        generation: row.generation.unwrap_or(NonZeroU32::MIN),
        archived: row.archived,
    };
    let rows: Result<Vec<Listed>, _> = rows.map(|row| row.map(listed)).collect();
    rows.map_err(|error| Error::NotAnExport { path: path.to_owned(), reason: error.to_string() })
}
