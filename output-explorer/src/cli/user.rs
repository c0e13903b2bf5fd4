//! `user`: whose addresses are whose.

use super::{Setup, Shown, say, show};
use crate::control::{AccountAddress, Answer, Asker, Request};
use crate::error::Error;
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use stegos_common::address::EncodedAddress;

/// So many addresses are imported in one step, all of them or none.
const STEP: usize = 10_000;

/// No line of an import is longer, in bytes.
const MAX_LINE: u64 = 4096;

/// Add, import, list and remove users
#[derive(Subcommand)]
pub(super) enum User {
    Add(Add),
    Import(Import),
    List(List),
    Remove(Remove),
}

impl User {
    pub(super) fn run(self, setup: &Setup) -> Result<(), Error> {
        match self {
            Self::Add(add) => add.run(setup),
            Self::Import(import) => import.run(setup),
            Self::List(list) => list.run(setup),
            Self::Remove(remove) => remove.run(setup),
        }
    }
}

/// Add a user, or addresses to one
#[derive(Args)]
#[command(after_help = "\
Deposits of the past are known at once. A user who was removed is brought back.

Example:
  output-explorer --network dev user add alice dev1wrq6petu6n2kmn25yuv4qpevwmjgsvpk9mz04745rnuntr5mc5hqz8t83p")]
pub(super) struct Add {
    /// The account id: up to 128 characters of printable ASCII
    account: String,
    /// Its addresses; none may belong to another user
    #[arg(required = true, value_name = "ADDRESS")]
    addresses: Vec<EncodedAddress>,
}

impl Add {
    fn run(self, setup: &Setup) -> Result<(), Error> {
        let account = |address| AccountAddress { account: self.account.clone(), address };
        let addresses = self.addresses.into_iter().map(account).collect();
        let answer = setup.ask(Request::AddUsers { addresses })?;
        let Answer::Added { users, addresses } = answer else { return Err(Error::OtherAnswer) };
        show::line(&format!("{users} users and {addresses} addresses added"))
    }
}

/// Add users in bulk
#[derive(Args)]
#[command(after_help = "\
The file is what `cold-signer key export-public` writes: one JSON object per line with at least
account and address. Accounts that are archived there are left out. Lines are taken in steps of 10000;
importing the same file again changes nothing.

Example:
  output-explorer --network testnet user import accounts.jsonl")]
pub(super) struct Import {
    /// The file; `-` is standard input
    file: PathBuf,
}

/// A line of an import. Other fields are ignored.
#[derive(Deserialize)]
struct Line {
    account: String,
    address: EncodedAddress,
    #[serde(default)]
    archived: bool,
}

impl Import {
    fn run(self, setup: &Setup) -> Result<(), Error> {
        let path = &self.file;
        if path.as_os_str() == "-" {
            return import(setup, path, io::stdin().lock(), None);
        }
        let file_error = |source| Error::File { path: path.clone(), source };
        let file = File::open(path).map_err(file_error)?;
        let length = file.metadata().map_err(file_error)?.len();
        import(setup, path, BufReader::new(file), Some(length))
    }
}

/// Imports every line, and shows how far it is.
fn import(setup: &Setup, path: &Path, mut lines: impl BufRead, length: Option<u64>) -> Result<(), Error> {
    let mut asker = setup.asker()?;
    let progress = length.map_or_else(ProgressBar::no_length, ProgressBar::new);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent}% {msg} users, {eta} left") {
        progress.set_style(style);
    }
    let mut total = Total::default();
    let mut step = Vec::new();
    let mut text = String::new();
    for number in 1.. {
        text.clear();
        let line_error = |reason: String| Error::Import { path: path.to_owned(), line: number, reason };
        let read = io::Read::take(&mut lines, MAX_LINE).read_line(&mut text);
        let read = read.map_err(|error| line_error(error.to_string()))?;
        if read == 0 {
            break;
        }
        if !text.trim().is_empty() {
            let line: Line = serde_json::from_str(&text).map_err(|error| line_error(error.to_string()))?;
            line.address.require(setup.ledger.network).map_err(|error| line_error(error.to_string()))?;
            if line.archived {
                total.archived += 1;
            } else {
                step.push(AccountAddress { account: line.account, address: line.address });
            }
        }
        progress.inc(u64::try_from(read).unwrap_or_default());
        if step.len() == STEP {
            total.add(&mut asker, &mut step)?;
            progress.set_message(total.users.to_string());
        }
    }
    total.add(&mut asker, &mut step)?;
    progress.finish_and_clear();
    if total.archived > 0 {
        say(&format!("{} archived accounts were left out", total.archived));
    }
    show::line(&format!("{} users and {} addresses added", total.users, total.addresses))
}

/// What an import did so far.
#[derive(Default)]
struct Total {
    users: usize,
    addresses: usize,
    archived: usize,
}

impl Total {
    fn add(&mut self, asker: &mut Asker, step: &mut Vec<AccountAddress>) -> Result<(), Error> {
        if step.is_empty() {
            return Ok(());
        }
        let answer = asker.ask(Request::AddUsers { addresses: std::mem::take(step) })?;
        let Answer::Added { users, addresses } = answer else { return Err(Error::OtherAnswer) };
        self.users += users;
        self.addresses += addresses;
        Ok(())
    }
}

/// List users in the order of their account ids
#[derive(Args)]
pub(super) struct List {
    /// Also those that were removed
    #[arg(long)]
    archived: bool,
    /// Go on behind this account id
    #[arg(long, value_name = "ACCOUNT")]
    after: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    #[command(flatten)]
    shown: Shown,
}

impl List {
    fn run(self, setup: &Setup) -> Result<(), Error> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let request = Request::Users { after: self.after, archived: self.archived, limit };
        let Answer::Users { users } = setup.ask(request)? else { return Err(Error::OtherAnswer) };
        if self.shown.json {
            return show::json(&users);
        }
        let mut table = show::table(&["account", "addresses", "removed"], &[]);
        for user in &users {
            let addresses: Vec<String> = user.addresses.iter().map(ToString::to_string).collect();
            let removed = if user.archived { "yes" } else { "" };
            table.add_row([user.account.as_str(), &addresses.join(" "), removed]);
        }
        show::print(&table)?;
        match users.last().filter(|_| users.len() == limit) {
            Some(last) => show::line(&format!("next: --after {:?}", last.account)),
            None => Ok(()),
        }
    }
}

/// Remove a user: it is listed with --archived only, and keeps its addresses
#[derive(Args)]
pub(super) struct Remove {
    /// The account id
    account: String,
}

impl Remove {
    fn run(self, setup: &Setup) -> Result<(), Error> {
        setup.ask(Request::RemoveUser { account: self.account.clone() })?;
        show::line(&format!("{} removed", self.account))
    }
}
