//! Many withdrawals from a file.

use super::file;
use crate::error::Error;
use crate::handoff::plan::Withdrawal;
use serde::Deserialize;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use stegos_common::address::Address;
use stegos_common::amount::Amount;

/// No batch is longer, in bytes.
const MAX_LENGTH: u64 = 16 << 20;

/// A withdrawal as a person or a program writes it; in a table, everything is text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<A> {
    #[serde(default)]
    id: Option<String>,
    to: Address,
    amount: A,
    #[serde(default)]
    private: Option<bool>,
    #[serde(default)]
    comment: Option<String>,
    #[serde(default)]
    with_certificate: Option<bool>,
}

/// A number of micro-STG, or a text with its unit.
#[derive(Deserialize)]
#[serde(untagged)]
enum Sum {
    Micro(Amount),
    Text(String),
}

impl Sum {
    fn amount(self) -> Result<Amount, String> {
        match self {
            Self::Micro(amount) => Ok(amount),
            Self::Text(text) => Amount::with_unit(&text).map_err(|error| error.to_string()),
        }
    }
}

impl<A> Line<A> {
    fn withdrawal(self, amount: impl FnOnce(A) -> Result<Amount, String>) -> Result<Withdrawal, String> {
        let Self { id, to, private, comment, with_certificate, .. } = self;
        if id.is_none() {
            return Err("it has no id: the same batch again would pay it again".to_owned());
        }
        let (private, with_certificate) = (private.unwrap_or_default(), with_certificate.unwrap_or_default());
        Ok(Withdrawal { id, to, amount: amount(self.amount)?, private, comment, with_certificate })
    }
}

/// Reads a batch; how, its name's end says.
pub(super) fn read(path: &Path) -> Result<Vec<Withdrawal>, Error> {
    let file = BufReader::new(file::open(path, MAX_LENGTH)?);
    let bad = |line: u64, reason: String| Error::Batch { path: path.to_owned(), line, reason };
    match path.extension().and_then(|end| end.to_str()) {
        Some("jsonl") => json_lines(file).map_err(|(line, reason)| bad(line, reason)),
        Some("csv") => table(file).map_err(|(line, reason)| bad(line, reason)),
        _ => Err(bad(1, "what it holds, its name does not say: it must end in .jsonl or .csv".to_owned())),
    }
}

type Bad = (u64, String);

fn json_lines(file: impl BufRead) -> Result<Vec<Withdrawal>, Bad> {
    let mut withdrawals = Vec::new();
    for (line, number) in file.lines().zip(1..) {
        let bad = |reason: String| (number, reason);
        let line = line.map_err(|error| bad(error.to_string()))?;
        if !line.trim().is_empty() {
            let line: Line<Sum> = serde_json::from_str(&line).map_err(|error| bad(error.to_string()))?;
            withdrawals.push(line.withdrawal(Sum::amount).map_err(bad)?);
        }
    }
    Ok(withdrawals)
}

fn table(file: impl Read) -> Result<Vec<Withdrawal>, Bad> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
    let header = reader.headers().map_err(|error| (1, error.to_string()))?.clone();
    let mut withdrawals = Vec::new();
    for row in reader.records() {
        let line = |error: &csv::Error| error.position().map_or(1, csv::Position::line);
        let row = row.map_err(|error| (line(&error), error.to_string()))?;
        let bad = |reason: String| (row.position().map_or(1, csv::Position::line), reason);
        let line: Line<String> = row.deserialize(Some(&header)).map_err(|error| bad(error.to_string()))?;
        withdrawals.push(line.withdrawal(|amount| Sum::Text(amount).amount()).map_err(bad)?);
    }
    Ok(withdrawals)
}

#[cfg(test)]
mod tests {
    use super::*;
    use stegos_common::address::Network;
    use stegos_common::keys::SecretKey;

    fn address() -> String {
        Address::new(Network::Dev, SecretKey::from_seed(b"user").public_key()).to_string()
    }

    #[test]
    fn both_forms_say_the_same() {
        let to = address();
        let json = format!(
            "{{\"id\":\"1\",\"to\":\"{to}\",\"amount\":\"12.5 STG\",\"private\":true,\"comment\":\"a, b\"}}\n\n\
             {{\"id\":\"2\",\"to\":\"{to}\",\"amount\":1000000}}\n"
        );
        let csv = format!(
            "id,to,amount,private,comment,with_certificate\n1,{to},12.5 STG,true,\"a, b\",false\n2,{to}, 1 STG,,,\n"
        );
        let json = json_lines(json.as_bytes()).unwrap();
        assert_eq!(json, table(csv.as_bytes()).unwrap());
        assert_eq!(json.iter().map(|one| one.amount.micro()).collect::<Vec<_>>(), [12_500_000, 1_000_000]);
    }

    #[test]
    fn a_bad_line_is_named() {
        let to = address();
        for (csv, line, part) in [
            (format!("id,to,amount\n1,{to},1 STG\n2,{to},12.5\n"), 3, "has no unit"),
            (format!("id,to,amount\n1,{to},1 STG\n2,nobody,1 STG\n"), 3, "nobody"),
            (format!("id,to,sum\n1,{to},1 STG\n"), 2, "sum"),
            (format!("id,to,amount\n,{to},1 STG\n"), 2, "no id"),
        ] {
            let (number, reason) = table(csv.as_bytes()).unwrap_err();
            assert!(number == line && reason.contains(part), "{number}: {reason}");
        }
        let (number, reason) = json_lines(format!("{{\"to\":\"{to}\"}}").as_bytes()).unwrap_err();
        assert!(number == 1 && reason.contains("amount"), "{reason}");
    }
}
