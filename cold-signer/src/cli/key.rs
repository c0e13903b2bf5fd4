//! `key`: the accounts and their keys.
//!
//! Tables are for people; scripts take `--json`, whose fields are those of [`PublicFacts`].

use super::export::Export;
use super::import::Import;
use super::public::{Origin, PublicFacts};
use super::{StoreArgs, say};
use crate::error::Error;
use crate::keystore::{AccountError, Keystore, MASTER, Numbered};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serializer;
use std::io::{self, BufWriter, Write, stdout};

const ADD_HELP: &str = "\
The key of an account is derived from the master key and the account's name, so that the recovery
words and the names restore it. --count adds accounts named user-000001, user-000002 and so on,
leaving out names that exist. Where it is cut off, the same command again adds the rest.

Examples:
  cold-signer key add alice bob
  cold-signer key add --count 1000";

const LIST_HELP: &str = "\
Examples:
  cold-signer key list
  cold-signer key list --archived --json";

const ROTATE_HELP: &str = "\
The account keeps its name and gets another key, its next generation, and with it another address.
The old keys stay in use, so that what still comes to old addresses can be swept. Give the explorer a
new `key export-public`. After `init --restore-phrase`, `key add` and as many rotations give the same
addresses again; later generations of imported accounts are derived, too.

Examples:
  cold-signer key rotate alice bob
  cold-signer account rotate alice --json";

const REMOVE_HELP: &str = "\
The keys stay in the store, but nothing is signed with them and the name stays taken.

Examples:
  cold-signer key remove alice
  cold-signer key restore alice";

/// Accounts and their keys
#[derive(Subcommand)]
pub(super) enum Key {
    Add(Add),
    Import(Import),
    /// List the accounts
    #[command(after_help = LIST_HELP)]
    List {
        /// Also list archived accounts
        #[arg(long)]
        archived: bool,
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Show one account; `master` is the master key
    #[command(after_help = "Example:\n  cold-signer key show alice --json")]
    Show {
        /// The account's name
        account: String,
        /// Print a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Give accounts another key and address each; the old ones stay in use
    #[command(after_help = ROTATE_HELP)]
    Rotate {
        /// The accounts' names: all of them are rotated, or none
        #[arg(value_name = "ACCOUNT", required = true)]
        accounts: Vec<String>,
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    ExportPublic(Export),
    /// Archive an account
    #[command(after_help = REMOVE_HELP)]
    Remove {
        /// The account's name
        account: String,
    },
    /// Bring an archived account back
    #[command(after_help = REMOVE_HELP)]
    Restore {
        /// The account's name
        account: String,
    },
}

/// Add accounts with keys derived from the master key
#[derive(Args)]
#[command(after_help = ADD_HELP)]
pub(super) struct Add {
    /// Names: up to 128 characters of printable ASCII, single blanks between words, no = + - @ in front
    #[arg(value_name = "ACCOUNT", required_unless_present = "count", conflicts_with = "count")]
    accounts: Vec<String>,
    /// Add this many numbered accounts, at most 1000000 at once
    #[arg(long, value_name = "N", value_parser = parse_count)]
    count: Option<usize>,
}

/// A number of accounts that a typing error does not turn into a full disk.
fn parse_count(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| (1..=1_000_000).contains(count));
    count.ok_or_else(|| "use a number from 1 to 1000000".to_owned())
}

impl Key {
    pub(super) fn run(self, store: &StoreArgs) -> Result<(), Error> {
        match self {
            Self::Add(add) => add.run(store),
            Self::Import(import) => import.run(store),
            Self::List { archived, json } => list(&store.open()?, archived, json),
            Self::Show { account, json } => show(&store.open()?, &account, json),
            Self::Rotate { accounts, json } => rotate(&mut store.open()?, &accounts, json),
            Self::ExportPublic(export) => export.run(store),
            Self::Remove { account } => {
                store.open()?.archive(&account)?;
                let text = "nothing is signed with its keys until `cold-signer key restore`";
                Ok(writeln!(stdout(), "Archived {account}: {text}.")?)
            }
            Self::Restore { account } => {
                store.open()?.restore(&account)?;
                Ok(writeln!(stdout(), "Restored {account}.")?)
            }
        }
    }
}

impl Add {
    fn run(self, store: &StoreArgs) -> Result<(), Error> {
        let mut keystore = store.open()?;
        if let Some(count) = self.count {
            return add_numbered(&mut keystore, count);
        }
        let names: Vec<&str> = self.accounts.iter().map(String::as_str).collect();
        let before = keystore.accounts().count();
        keystore.add(&names)?;
        table(|| new_rows(&keystore, before))
    }
}

/// The rows of all records behind the first so many.
fn new_rows(keystore: &Keystore, before: usize) -> impl Iterator<Item = PublicFacts<'_>> {
    keystore.accounts().skip(before).map(|account| PublicFacts::of(keystore, account))
}

/// Rotates accounts and shows their new keys.
fn rotate(keystore: &mut Keystore, names: &[String], json: bool) -> Result<(), Error> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let before = keystore.accounts().count();
    keystore.rotate(&names)?;
    let rows = || new_rows(keystore, before);
    if json { array(rows()) } else { table(rows) }
}

/// Adds numbered accounts, with a progress bar where standard error is a terminal.
fn add_numbered(keystore: &mut Keystore, count: usize) -> Result<(), Error> {
    let template = "{bar:40} {human_pos} of {human_len} accounts, {eta} left";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(count as u64).with_style(style);
    let added = keystore.add_numbered(count, |added| bar.set_position(added as u64));
    bar.finish_and_clear();
    let Numbered { earlier, first, last } = added?;
    if earlier > 0 {
        writeln!(
            stdout(),
            "{earlier} accounts were there already, added by an earlier run that was cut off."
        )?;
    }
    if let (Some(first), Some(last)) = (first, last) {
        writeln!(stdout(), "Added {} accounts, {first} to {last}.", count - earlier)?;
    }
    Ok(())
}

/// Lists the master key and the accounts.
fn list(keystore: &Keystore, archived: bool, json: bool) -> Result<(), Error> {
    let rows = || PublicFacts::all(keystore, archived);
    if json {
        return array(rows());
    }
    table(rows)?;
    if rows().any(|row| row.origin == Origin::Imported) {
        say("Imported keys are not covered by the recovery words: keep a backup of each.");
    }
    Ok(())
}

/// Prints rows as a JSON array.
fn array<'a>(rows: impl Iterator<Item = PublicFacts<'a>>) -> Result<(), Error> {
    let mut out = BufWriter::new(stdout().lock());
    serde_json::Serializer::pretty(&mut out).collect_seq(rows).map_err(io::Error::from)?;
    Ok(writeln!(out).and_then(|()| out.flush())?)
}

/// Shows the newest key of one account, archived or not, or the master key.
fn show(keystore: &Keystore, name: &str, json: bool) -> Result<(), Error> {
    let facts = match keystore.account(name) {
        _ if name == MASTER => PublicFacts::of_master(keystore),
        Some(account) => PublicFacts::of(keystore, account),
        None => return Err(AccountError::unknown(name).into()),
    };
    let mut out = stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, &facts).map_err(io::Error::from)?;
        return Ok(writeln!(out)?);
    }
    writeln!(out, "account     {}", facts.account)?;
    writeln!(out, "network     {}", facts.network)?;
    writeln!(out, "address     {}", facts.address)?;
    writeln!(out, "public key  {}", facts.public_key)?;
    writeln!(out, "generation  {}", facts.generation)?;
    writeln!(out, "origin      {}", facts.origin)?;
    if facts.origin == Origin::Imported {
        writeln!(out, "            not covered by the recovery words: keep a backup of the key")?;
    }
    if facts.archived {
        writeln!(out, "archived    nothing is signed with this key until `cold-signer key restore`")?;
    }
    Ok(())
}

/// Prints rows in columns; `rows` is asked twice, the first time for the widths.
fn table<'a, I: Iterator<Item = PublicFacts<'a>>>(rows: impl Fn() -> I) -> Result<(), Error> {
    let width = rows().map(|row| row.account.chars().count()).max().unwrap_or(0).max("ACCOUNT".len());
    let mut out = BufWriter::new(stdout().lock());
    writeln!(out, "{:<width$}  {:<8}  {:<10}  ADDRESS", "ACCOUNT", "ORIGIN", "GENERATION")?;
    for row in rows() {
        let PublicFacts { account, origin, generation, address, .. } = &row;
        let archived = if row.archived { "  (archived)" } else { "" };
        let old = if row.current { "" } else { "  (old)" };
        writeln!(out, "{account:<width$}  {origin:<8}  {generation:<10}  {address}{archived}{old}")?;
    }
    Ok(out.flush()?)
}
