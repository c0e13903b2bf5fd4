//! `restore`: a key store from a backup.

use super::backup::{SourceArgs, describe, facts, failed, require_network};
use super::{StoreArgs, catch_up, say, warn_if_test_only};
use crate::disk::Disk;
use crate::error::Error;
use crate::journal::Position;
use crate::keystore::backup::{Backup, Restored};
use crate::keystore::require_absent;
use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::io::{self, BufRead, Write, stderr, stdout};
use stegos_common::hash::Hash;
use tar::Archive;

/// Make a key store from a backup
#[derive(Args)]
#[command(after_help = "\
The directory must not hold a key store. Everything is written, read again and authenticated, and every key
derived anew, before there is one; where anything is wrong there is none.

A backup has forgotten what was signed after it was made. So it asks how far anybody has seen the journal:
`output-explorer status` shows it in the line `signer`, and so do answers to requests with \"journal\": true.
Where the backup is behind that, or nobody knows, nothing new is signed until `journal catch-up` has given it
what it lacks. The signer whose store it was must never run again.

Examples:
  cold-signer restore signer.backup --identity key.txt
  cold-signer restore signer.backup --journal-count 4711 --journal-head 9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab
  cold-signer restore signer.backup --journal-unknown")]
pub(super) struct Restore {
    #[command(flatten)]
    source: SourceArgs,
    /// How many records of the journal were seen last; otherwise asked
    #[arg(long, value_name = "N", requires = "journal_head")]
    journal_count: Option<u64>,
    /// The head of the journal that was seen with them
    #[arg(long, value_name = "HASH", requires = "journal_count")]
    journal_head: Option<Hash>,
    /// Nobody knows how far the journal was
    #[arg(long, conflicts_with_all = ["journal_count", "journal_head"])]
    journal_unknown: bool,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

impl Restore {
    pub(super) fn run(self, store: &StoreArgs) -> Result<(), Error> {
        let dir = store.data_dir()?;
        // Before anybody is asked for anything.
        require_absent(&dir)?;
        let failed = failed(&self.source.file);
        let mut archive = Archive::new(self.source.open()?);
        let backup = Backup::open(&mut archive).map_err(failed)?;
        let manifest = backup.manifest().clone();
        require_network(&manifest, store.network)?;
        say(&format!("The backup is of {}.", describe(&manifest)));
        let passphrase = store.passphrase()?;
        let seen = self.seen()?;
        let now = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default();
        let restored = backup.restore(&dir, &passphrase, seen, now, Disk::default()).map_err(failed)?;
        let Restored { journal, behind, policy, is_test_only, .. } = restored;
        warn_if_test_only(is_test_only);
        let mut out = stdout().lock();
        if self.json {
            let mut facts = facts(&manifest);
            if let Value::Object(facts) = &mut facts {
                facts.insert("restored".to_owned(), json!(dir));
                facts.insert("journal_now".to_owned(), json!(journal));
                facts.insert("behind".to_owned(), behind.is_some().into());
                facts.insert("policy".to_owned(), json!(policy));
            }
            return Ok(writeln!(out, "{facts:#}")?);
        }
        writeln!(out, "Restored into {}, and proved.", dir.display())?;
        writeln!(out, "The journal has {} records now, head {}.", journal.count, journal.head)?;
        if let Some(behind) = &behind {
            writeln!(out, "{}", catch_up::describe(behind))?;
        }
        if let Some(policy) = policy {
            let policy = policy.display();
            writeln!(
                out,
                "The policy of that time is in {policy}: put it where your configuration names it."
            )?;
        }
        let then = if behind.is_some() { "Once it has caught up: the" } else { "The" };
        let why = "explorer may raise an alarm, because the journal goes another way now";
        writeln!(out, "{then} {why}; `accept-journal` there ends it.")?;
        Ok(())
    }

    /// How far the journal was seen: as options say, or as somebody says who is asked.
    fn seen(&self) -> Result<Option<Position>, Error> {
        if let (Some(count), Some(head)) = (self.journal_count, self.journal_head) {
            return Ok(Some(Position { count, head }));
        }
        if self.journal_unknown {
            return Ok(None);
        }
        let count = ask(
            "How many records has the explorer seen (`output-explorer status`, line signer)? Empty where nobody knows: ",
        )?;
        if count.is_empty() {
            return Ok(None);
        }
        let count = count.parse().map_err(|_| Error::NoPosition("that is no number"))?;
        let head = ask("And which head, 64 hex digits? ")?;
        let head = head.parse().map_err(|_| Error::NoPosition("that is no head"))?;
        Ok(Some(Position { count, head }))
    }
}

/// A line that somebody types.
fn ask(question: &str) -> Result<String, Error> {
    write!(stderr(), "{question}")?;
    let mut answer = String::new();
    if io::stdin().lock().read_line(&mut answer)? == 0 {
        return Err(Error::NoPosition("nobody answers"));
    }
    Ok(answer.trim().to_owned())
}
