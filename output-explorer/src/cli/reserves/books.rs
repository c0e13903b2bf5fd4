//! What the exchange's own books say it owes, from a file.

use crate::cli::file;
use crate::control::UserAmount;
use crate::error::Error;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use stegos_common::account::AccountName;
use stegos_common::amount::Amount;

/// No file is longer, in bytes: enough for ten million users.
const MAX_LENGTH: u64 = 1 << 30;

/// A line of the books.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    account: String,
    amount: Amount,
}

/// What is wrong, and in which line.
type Bad = (u64, String);

/// Reads the books; how, their name's end says.
pub(super) fn read(path: &Path) -> Result<Vec<UserAmount>, Error> {
    let file = BufReader::new(file::open(path, MAX_LENGTH)?);
    let read = match path.extension().and_then(|end| end.to_str()) {
        Some("jsonl") => json_lines(file),
        Some("csv") => table(file),
        _ => Err((1, "what it holds, its name does not say: it must end in .jsonl or .csv".to_owned())),
    };
    read.map_err(|(line, reason)| Error::Books { path: path.to_owned(), line, reason })
}

fn json_lines(file: impl BufRead) -> Result<Vec<UserAmount>, Bad> {
    let mut users = Users::default();
    for (line, number) in file.lines().zip(1..) {
        let line = line.map_err(|error| (number, error.to_string()))?;
        if !line.trim().is_empty() {
            let line = serde_json::from_str(&line).map_err(|error| (number, error.to_string()))?;
            users.add(line).map_err(|reason| (number, reason))?;
        }
    }
    Ok(users.list)
}

fn table(file: impl Read) -> Result<Vec<UserAmount>, Bad> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
    let header = reader.headers().map_err(|error| (1, error.to_string()))?.clone();
    let mut users = Users::default();
    for row in reader.records() {
        let row =
            row.map_err(|error| (error.position().map_or(1, csv::Position::line), error.to_string()))?;
        let number = row.position().map_or(1, csv::Position::line);
        let line = row.deserialize(Some(&header)).map_err(|error| (number, error.to_string()))?;
        users.add(line).map_err(|reason| (number, reason))?;
    }
    Ok(users.list)
}

/// Those that were read.
#[derive(Default)]
struct Users {
    list: Vec<UserAmount>,
    names: BTreeSet<String>,
}

impl Users {
    /// Refuses names that nobody could check, and a user who would have two proofs, each of a part.
    fn add(&mut self, Line { account, amount }: Line) -> Result<(), String> {
        account.parse::<AccountName>().map_err(|error| error.to_string())?;
        if !self.names.insert(account.clone()) {
            return Err(format!("account {account:?} was there before"));
        }
        self.list.push(UserAmount { account, amount });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_say_the_same() {
        let json =
            "{\"account\":\"alice\",\"amount\":12500000}\n\n{\"account\":\"b, \\\"c\\\"\",\"amount\":0}\n";
        let csv = "account,amount\nalice, 12500000\n\"b, \"\"c\"\"\",0\n";
        let json = json_lines(json.as_bytes()).unwrap();
        assert_eq!(json, table(csv.as_bytes()).unwrap());
        let said: Vec<_> = json.iter().map(|user| (user.account.as_str(), user.amount.micro())).collect();
        assert_eq!(said, [("alice", 12_500_000), ("b, \"c\"", 0)]);
    }

    #[test]
    fn a_bad_line_is_named() {
        for (csv, line, part) in [
            ("account,amount\nalice,1\nalice,2\n", 3, "\"alice\" was there before"),
            ("account,amount\nalice,-1\n", 2, "negative"),
            ("account,amount\nalice,1.5\n", 2, "invalid digit"),
            ("account,amount\nalice,9223372036854775808\n", 2, "too large"),
            ("account,amount\n=1,1\n", 2, "account name"),
            ("account,sum\nalice,1\n", 2, "sum"),
            ("account,amount\nalice\n", 2, "fields"),
        ] {
            let (number, reason) = table(csv.as_bytes()).unwrap_err();
            assert!(number == line && reason.contains(part), "{number}: {reason}");
        }
        let (number, reason) = json_lines("{\"account\":\"alice\"}".as_bytes()).unwrap_err();
        assert!(number == 1 && reason.contains("amount"), "{reason}");
    }
}
