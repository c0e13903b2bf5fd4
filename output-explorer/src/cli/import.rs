//! `user import`: many users from a file.

use super::{Setup, say, show};
use crate::control::{AccountAddress, Answer, AskError, Asker, Request};
use crate::error::Error;
use crate::ledger::users::Added;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use stegos_common::address::{EncodedAddress, Network};

/// So many addresses are imported in one step, all of them or none.
const STEP: usize = 10_000;

/// No line of an import is longer, in bytes.
const MAX_LINE: u64 = 4096;

/// Add users in bulk
#[derive(Args)]
#[command(after_help = "\
The file is what `cold-signer key export-public` writes: one JSON object per line with at least
account and address. Accounts that are archived there are left out. Lines are taken in steps of 10000;
importing the same file again changes nothing. Of an account whose key was rotated, all addresses are
the user's; import again after a rotation, and the new one is current.

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
    /// Exports of before keys were rotated have neither of these.
    generation: Option<NonZeroU32>,
    #[serde(default)]
    current: bool,
}

/// Lines that were read together.
#[derive(Default)]
struct Step {
    addresses: Vec<AccountAddress>,
    /// Accounts that are left out.
    archived: usize,
    /// The first line and the last one.
    lines: (usize, usize),
    /// Their length.
    bytes: u64,
}

impl Import {
    pub(super) fn run(self, setup: &Setup) -> Result<(), Error> {
        let path = &self.file;
        if path.as_os_str() == "-" {
            return import(setup, path, BufReader::new(io::stdin()), None);
        }
        let file_error = |source| Error::File { path: path.clone(), source };
        let file = File::open(path).map_err(file_error)?;
        let length = file.metadata().map_err(file_error)?.len();
        import(setup, path, BufReader::new(file), Some(length))
    }
}

/// Imports every line, and shows how far it is. The next step is read while one is written.
fn import(setup: &Setup, path: &Path, lines: impl BufRead + Send, length: Option<u64>) -> Result<(), Error> {
    let mut asker = setup.asker()?;
    let mut steps = Steps { path, network: setup.ledger.network, lines, number: 0 };
    let progress = length.map_or_else(ProgressBar::no_length, ProgressBar::new);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent}% {msg} users, {eta} left") {
        progress.set_style(style);
    }
    let (mut all, mut archived) = (Added::default(), 0);
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::sync_channel(1);
        scope.spawn(move || {
            while let Some(step) = steps.next().transpose() {
                let failed = step.is_err();
                // Nobody listens any more where a step before failed.
                if sender.send(step).is_err() || failed {
                    break;
                }
            }
        });
        for step in receiver {
            let step = step?;
            archived += step.archived;
            let added = add(&mut asker, step.addresses).map_err(|error| match error {
                Error::Ask(AskError::Refused(reason)) => {
                    let (first, last) = step.lines;
                    Error::ImportRefused { path: path.to_owned(), first, last, reason }
                }
                error => error,
            })?;
            all.users += added.users;
            all.addresses += added.addresses;
            all.moved += added.moved;
            all.outdated += added.outdated;
            progress.inc(step.bytes);
            progress.set_message(all.users.to_string());
        }
        Ok::<_, Error>(())
    })?;
    progress.finish_and_clear();
    if archived > 0 {
        say(&format!("{archived} archived accounts were left out"));
    }
    let Added { users, addresses, moved, outdated } = all;
    if outdated > 0 {
        say(&format!(
            "WARNING: {outdated} accounts have a later current address than this file says, and keep it: import the \
             signer's newest export"
        ));
    }
    show::line(&format!("{users} users and {addresses} addresses added"))?;
    if moved > 0 {
        show::line(&format!("{moved} users have another current address now"))?;
    }
    Ok(())
}

/// Adds what there is to add, and counts what was new or changed.
fn add(asker: &mut Asker, addresses: Vec<AccountAddress>) -> Result<Added, Error> {
    if addresses.is_empty() {
        return Ok(Added::default());
    }
    match asker.ask(Request::AddUsers { addresses })? {
        Answer::Added { users, addresses, moved, outdated } => {
            Ok(Added { users, addresses, moved, outdated })
        }
        _ => Err(Error::OtherAnswer),
    }
}

/// The steps of a file.
struct Steps<'a, R> {
    path: &'a Path,
    network: Network,
    lines: R,
    /// Of the last line that was read, from 1.
    number: usize,
}

impl<R: BufRead> Steps<'_, R> {
    /// The next step, if there is one. With a bad line none of its step is taken.
    fn next(&mut self) -> Result<Option<Step>, Error> {
        let mut step = Step { lines: (self.number + 1, self.number), ..Step::default() };
        let mut text = String::new();
        while step.addresses.len() < STEP {
            self.number += 1;
            text.clear();
            let read = self.read(&mut text)?;
            if read == 0 {
                break;
            }
            step.bytes += read;
            step.lines.1 = self.number;
            if let Some(line) = self.parse(&text)? {
                if line.archived {
                    step.archived += 1;
                } else {
                    let Line { account, address, generation, .. } = line;
                    let current = line.current.then(|| generation.unwrap_or(NonZeroU32::MIN));
                    step.addresses.push(AccountAddress { account, address, current });
                }
            }
        }
        Ok(Some(step).filter(|step| step.bytes > 0))
    }

    fn read(&mut self, text: &mut String) -> Result<u64, Error> {
        let read = self.lines.by_ref().take(MAX_LINE + 1).read_line(text);
        let read = u64::try_from(read.map_err(|error| self.error(&error))?).unwrap_or(u64::MAX);
        if read > MAX_LINE {
            return Err(self.error(&format!("it is longer than {MAX_LINE} bytes")));
        }
        Ok(read)
    }

    /// The account of a line, unless it is blank.
    fn parse(&self, text: &str) -> Result<Option<Line>, Error> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        let line: Line = serde_json::from_str(text).map_err(|error| self.error(&error))?;
        line.address.require(self.network).map_err(|error| self.error(&error))?;
        Ok(Some(line))
    }

    fn error(&self, reason: &impl ToString) -> Error {
        Error::Import { path: self.path.to_owned(), line: self.number, reason: reason.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;
    use stegos_common::address::Address;
    use stegos_common::keys::SecretKey;

    fn address(network: Network) -> Address {
        Address::new(network, SecretKey::from_seed(b"user").public_key())
    }

    fn line(account: &str, more: &str) -> String {
        format!("{{\"account\":\"{account}\",\"address\":\"{}\"{more}}}\n", address(Network::Dev))
    }

    fn steps(text: &str) -> Result<Vec<Step>, String> {
        let lines = text.as_bytes();
        let mut steps = Steps { path: Path::new("f"), network: Network::Dev, lines, number: 0 };
        let mut all = Vec::new();
        while let Some(step) = steps.next().map_err(|error| error.to_string())? {
            all.push(step);
        }
        Ok(all)
    }

    #[test]
    fn other_fields_blank_lines_and_a_missing_last_newline_do_no_harm() {
        let text =
            line("a", ",\"generation\":1") + "\n  \r\n" + &line("b", ",\"archived\":true") + &line("c", "");
        let steps = steps(text.trim_end()).unwrap();
        let [step] = steps.as_slice() else { panic!("{} steps", steps.len()) };
        let accounts: Vec<&str> = step.addresses.iter().map(|new| new.account.as_str()).collect();
        assert_eq!((accounts.as_slice(), step.archived), (["a", "c"].as_slice(), 1));
    }

    #[test]
    fn no_line_is_lost_between_two_steps() {
        let mut text = String::new();
        for number in 0..=2 * STEP {
            write!(text, "{}", line(&number.to_string(), "")).unwrap();
        }
        let steps = steps(&text).unwrap();
        let sizes: Vec<usize> = steps.iter().map(|step| step.addresses.len()).collect();
        assert_eq!(sizes, [STEP, STEP, 1]);
        let lines: Vec<(usize, usize)> = steps.iter().map(|step| step.lines).collect();
        assert_eq!(lines, [(1, STEP), (STEP + 1, 2 * STEP), (2 * STEP + 1, 2 * STEP + 1)]);
        let bytes: u64 = steps.iter().map(|step| step.bytes).sum();
        assert_eq!(bytes, u64::try_from(text.len()).unwrap());
    }

    #[test]
    fn an_error_names_the_line() {
        let other =
            line("b", "").replace(&address(Network::Dev).to_string(), &address(Network::Testnet).to_string());
        let long = line("b", &format!(",\"note\":\"{}\"", "x".repeat(4096)));
        for (bad, reason) in [
            ("{\"account\":\"b\"}", "missing field `address`"),
            ("account,address", "expected value"),
            (other.as_str(), "testnet"),
            (long.as_str(), "longer than 4096 bytes"),
        ] {
            let error = steps(&(line("a", "") + bad)).err().unwrap();
            assert!(error.starts_with("f, line 2: ") && error.contains(reason), "{error}");
        }
    }
}
