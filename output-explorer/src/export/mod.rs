//! Exports for auditors and books: all that is final at the end of an epoch, as CSV or as lines of JSON, row by row. The
//! last row is a total, so that a file that broke off is known by its absence; it says whether the books balance.
//!
//! Everything is asked for in pages, like every other question: blocks may arrive meanwhile, for what is final at the end
//! of an epoch stays so.

mod books;
mod row;
mod sheet;
mod source;

use crate::control::{AskError, Asker, Event, OutputRow, UserRow};
use crate::ledger::query::EpochError;
use books::{Books, Has, Parts};
use clap::ValueEnum;
use row::{BalanceRow, Mark, OutputLine, Signed, TransactionRow, UserLine};
use serde::Deserialize;
use sheet::Sheet;
pub(crate) use source::Source;
use std::io::{self, Write};
use stegos_common::amount::Amount;
use thiserror::Error;
use utoipa::ToSchema;

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema, ValueEnum)]
#[schema(as = ExportKind)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// Who has which address; as it is now, for it has no epoch
    Users,
    /// Every public output of every user, where it was made and where it was spent
    Outputs,
    /// What every user has, and from where; the total reconciles
    Balances,
    /// Every transaction that this explorer handed to the signer
    Transactions,
}

impl What {
    /// Its name, as everywhere.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Outputs => "outputs",
            Self::Balances => "balances",
            Self::Transactions => "transactions",
        }
    }
}

/// How it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema, ValueEnum)]
#[schema(as = ExportFormat)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Comma-separated values (RFC 4180), the names of the columns in the first line
    #[default]
    Csv,
    /// A JSON object in each line
    Jsonl,
}

impl Format {
    /// What files of it end with.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }

    /// Its media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::Jsonl => "application/x-ndjson",
        }
    }
}

/// One export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// Of what.
    pub what: What,
    /// Of this user alone; of transactions those that spend something of it, or pay to it.
    pub account: Option<String>,
    /// At the end of this epoch, which is final.
    pub epoch: u64,
    /// How it is written.
    pub format: Format,
}

/// Why an export broke off.
#[derive(Debug, Error)]
pub enum ExportError {
    /// A question has no answer.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The answer is one to another question.
    #[error("a question was answered as another one")]
    OtherAnswer,
    /// Nobody wants it any more.
    #[error("the export was not wanted any more")]
    Stopped,
    /// It cannot be written.
    #[error(transparent)]
    Write(#[from] io::Error),
}

/// The epoch that an export is about, where the current one is `current`: the one that was asked for, or the last one that
/// is final.
///
/// # Errors
/// [`EpochError::NotFinal`] where that one is not over.
pub fn epoch(asked: Option<u64>, current: u64) -> Result<u64, EpochError> {
    let last = current.checked_sub(1);
    match (asked, last) {
        (None, Some(last)) => Ok(last),
        (Some(asked), Some(last)) if asked <= last => Ok(asked),
        _ => Err(EpochError::NotFinal { epoch: asked.unwrap_or(current), last }),
    }
}

impl Export {
    /// Writes it, until `stop` says otherwise. Answers how many rows, the total among them, do not balance.
    ///
    /// # Errors
    /// [`ExportError`]; what was written until then has no total.
    pub fn write(
        &self,
        asker: &mut Asker,
        out: impl Write,
        stop: &dyn Fn() -> bool,
    ) -> Result<u64, ExportError> {
        let source = &mut Source::new(asker, self.epoch, stop);
        let sheet = &mut Sheet::new(self.format, out);
        if let Some(account) = &self.account {
            source.narrow(account)?;
        }
        let unbalanced = match self.what {
            What::Users => self.users(source, sheet)?,
            What::Outputs => self.outputs(source, sheet)?,
            What::Balances => self.balances(source, sheet)?,
            What::Transactions => self.transactions(source, sheet)?,
        };
        sheet.flush()?;
        Ok(unbalanced)
    }

    fn users<W: Write>(&self, source: &mut Source<'_>, sheet: &mut Sheet<W>) -> Result<u64, ExportError> {
        source.users(|_, user| {
            let UserRow { account, current, addresses, archived } = user;
            for address in addresses {
                sheet.write(|row| UserLine {
                    record: Mark::Row,
                    row,
                    account: Some(account.clone()),
                    archived: Some(archived),
                    address: Some(address),
                    current: Some(current == Some(address)),
                })?;
            }
            Ok(())
        })?;
        sheet.total(|row| UserLine {
            record: Mark::Total,
            row,
            account: None,
            archived: None,
            address: None,
            current: None,
        })?;
        Ok(0)
    }

    fn outputs<W: Write>(&self, source: &mut Source<'_>, sheet: &mut Sheet<W>) -> Result<u64, ExportError> {
        let (mut total, mut unspent) = (0, 0);
        source.users(|source, user| {
            source.outputs(&user.account, |source, output| {
                let line = self.output(source, &user.account, &output)?;
                total += line.amount_micro_stg.unwrap_or_default();
                unspent += line.unspent_micro_stg;
                sheet.write(|row| OutputLine { row, ..line })
            })
        })?;
        sheet.total(|row| OutputLine {
            record: Mark::Total,
            row,
            at_epoch: self.epoch,
            amount_micro_stg: Some(total),
            unspent_micro_stg: unspent,
            ..OutputLine::default()
        })?;
        Ok(0)
    }

    fn output(
        &self,
        source: &mut Source<'_>,
        account: &str,
        output: &OutputRow,
    ) -> Result<OutputLine, ExportError> {
        let amount = output.amount.unwrap_or(Amount::ZERO);
        let mut block = |event: &Event| source.block(event.epoch);
        let created = &output.created;
        let made_in = block(created)?;
        let spent = output.spent.as_ref();
        let spent_in = spent.map(block).transpose()?;
        Ok(OutputLine {
            record: Mark::Row,
            row: 0,
            at_epoch: self.epoch,
            account: Some(account.to_owned()),
            output: Some(output.output_hash),
            recipient: output.recipient,
            state: Some(if spent.is_some() { "spent" } else { "unspent" }),
            amount_micro_stg: Some(amount.micro().into()),
            amount_stg: Some(amount.to_string()),
            unspent_micro_stg: if spent.is_some() { 0 } else { amount.micro().into() },
            created_epoch: Some(created.epoch),
            created_offset: created.offset,
            created_index: Some(created.index),
            created_block: Some(made_in.block_hash),
            created_time: Some(made_in.time),
            created_transaction: created.transaction,
            spent_epoch: spent.map(|spent| spent.epoch),
            spent_offset: spent.and_then(|spent| spent.offset),
            spent_index: spent.map(|spent| spent.index),
            spent_block: spent_in.map(|block| block.block_hash),
            spent_time: spent_in.map(|block| block.time),
            spent_transaction: spent.and_then(|spent| spent.transaction),
        })
    }

    fn balances<W: Write>(&self, source: &mut Source<'_>, sheet: &mut Sheet<W>) -> Result<u64, ExportError> {
        let mut books = Books::new(self.epoch);
        source.transactions(|_, transaction| {
            books.note(&transaction.handoff);
            Ok(())
        })?;
        for id in books.private() {
            let spent = source.is_spent(id)?;
            books.see(id, spent);
        }
        let mut unbalanced = 0;
        source.users(|source, user| {
            let mut has = Has { settled: source.balance(&user.account)?, ..Has::default() };
            source.outputs(&user.account, |_, output| {
                let amount = i128::from(output.amount.unwrap_or(Amount::ZERO).micro());
                has.received += amount;
                has.spent += if output.spent.is_some() { amount } else { 0 };
                Ok(())
            })?;
            let line = books.account(&user.account, user.archived, has);
            unbalanced += u64::from(!line.reconciles);
            sheet.write(|row| BalanceRow { row, ..line })
        })?;
        let total = if self.account.is_some() { books.total_of_one() } else { books.total() };
        unbalanced += u64::from(!total.reconciles);
        sheet.total(|row| BalanceRow { row, reconciles: unbalanced == 0, ..total })?;
        Ok(unbalanced)
    }

    fn transactions<W: Write>(
        &self,
        source: &mut Source<'_>,
        sheet: &mut Sheet<W>,
    ) -> Result<u64, ExportError> {
        let (mut total, mut unbalanced) = (Parts::default(), 0);
        source.transactions(|source, transaction| {
            let (epoch, handoff) = (transaction.epoch, &transaction.handoff);
            let parts = Parts::of(handoff);
            total = total.plus(parts);
            unbalanced += u64::from(parts.difference() != 0);
            let block = source.block(epoch)?;
            let signed = Signed {
                handoff: handoff.number,
                purpose: handoff.purpose,
                transaction: handoff.transaction.as_ref().map(|transaction| transaction.id),
                epoch,
                block,
                withdrawals: handoff.outputs.iter().filter_map(|output| output.withdrawal.clone()).collect(),
            };
            let line = TransactionRow::new(self.format, self.epoch, parts, Some(signed));
            sheet.write(|row| TransactionRow { row, ..line })
        })?;
        let line = TransactionRow::new(self.format, self.epoch, total, None);
        unbalanced += u64::from(total.difference() != 0);
        sheet.total(|row| TransactionRow { row, reconciles: unbalanced == 0, ..line })?;
        Ok(unbalanced)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_is_about_the_last_final_epoch_or_an_earlier_one() {
        assert_eq!(epoch(None, 7).unwrap(), 6);
        assert_eq!(epoch(Some(0), 7).unwrap(), 0);
        for (asked, current) in [(Some(7), 7), (None, 0), (Some(u64::MAX), 1)] {
            assert!(matches!(epoch(asked, current), Err(EpochError::NotFinal { .. })), "{asked:?}");
        }
    }
}
