//! What is final at the end of an epoch, asked for in pages.

use super::ExportError;
use crate::block::Position;
use crate::control::{
    Answer, AsText, Asker, BlockRow, FinalTransaction, HandoffAnswer, HandoffRequest, OutputRow, Request,
    State, UserRow,
};
use crate::ledger::record::Sum;
use std::collections::HashMap;
use stegos_common::hash::Hash;

/// So many rows are asked for at once,
const ROWS: usize = 1000;

/// and so many transactions: one can be long.
const TRANSACTIONS: usize = 100;

/// See the module.
pub(crate) struct Source<'a> {
    asker: &'a mut Asker,
    epoch: u64,
    stop: &'a dyn Fn() -> bool,
    /// The one user that it is about.
    only: Option<UserRow>,
    /// Macro blocks that were asked for.
    blocks: HashMap<u64, BlockRow>,
}

impl<'a> Source<'a> {
    pub(crate) fn new(asker: &'a mut Asker, epoch: u64, stop: &'a dyn Fn() -> bool) -> Self {
        Self { asker, epoch, stop, only: None, blocks: HashMap::new() }
    }

    fn ask(&mut self, request: Request) -> Result<Answer, ExportError> {
        if (self.stop)() { Err(ExportError::Stopped) } else { Ok(self.asker.ask(request)?) }
    }

    /// From here on it is about one user alone, and about transactions that spend something of it or pay to it.
    ///
    /// # Errors
    /// [`ExportError::Ask`] where there is no such user.
    pub(super) fn narrow(&mut self, account: &str) -> Result<(), ExportError> {
        let Answer::User(user) = self.ask(Request::User { account: account.to_owned() })? else {
            return Err(ExportError::OtherAnswer);
        };
        self.only = Some(user);
        Ok(())
    }

    /// All users in the order of their account ids, those that were removed too; or the one that it is about.
    pub(crate) fn users(
        &mut self,
        mut each: impl FnMut(&mut Self, UserRow) -> Result<(), ExportError>,
    ) -> Result<(), ExportError> {
        if let Some(user) = self.only.clone() {
            return each(self, user);
        }
        let mut after = None;
        loop {
            let (prefix, archived, descending) = (String::new(), true, false);
            let request = Request::Users { after, prefix, archived, descending, limit: ROWS };
            let Answer::Users { users } = self.ask(request)? else { return Err(ExportError::OtherAnswer) };
            let Some(last) = users.last() else { return Ok(()) };
            after = Some(last.account.clone());
            for user in users {
                each(self, user)?;
            }
        }
    }

    /// All public outputs of an account in the order in which they were made.
    pub(crate) fn outputs(
        &mut self,
        account: &str,
        mut each: impl FnMut(&mut Self, OutputRow) -> Result<(), ExportError>,
    ) -> Result<(), ExportError> {
        let mut after = None;
        loop {
            let (account, state, finality) = (account.to_owned(), State::All, None);
            let request = Request::Outputs { account, state, finality, since: 0, after, limit: ROWS };
            let Answer::Outputs(page) = self.ask(request)? else { return Err(ExportError::OtherAnswer) };
            for mut row in page.rows {
                // So are all behind it.
                if row.created.epoch > self.epoch {
                    return Ok(());
                }
                row.spent = row.spent.filter(|spent| spent.epoch <= self.epoch);
                each(self, row)?;
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// All transactions of this explorer in the order of their handoffs, as far as it is about them.
    pub(crate) fn transactions(
        &mut self,
        mut each: impl FnMut(&mut Self, FinalTransaction) -> Result<(), ExportError>,
    ) -> Result<(), ExportError> {
        let mut after = None;
        loop {
            let request = HandoffRequest::Final { epoch: self.epoch, after, limit: TRANSACTIONS };
            let answer = match self.ask(Request::Handoff(Box::new(request)))? {
                Answer::Handoff(answer) => *answer,
                _ => return Err(ExportError::OtherAnswer),
            };
            let HandoffAnswer::Final { transactions, next } = answer else {
                return Err(ExportError::OtherAnswer);
            };
            for transaction in transactions {
                if self.only.as_ref().is_none_or(|user| transaction.handoff.moves(&user.account)) {
                    each(self, transaction)?;
                }
            }
            after = next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// The macro block of an epoch.
    pub(crate) fn block(&mut self, epoch: u64) -> Result<BlockRow, ExportError> {
        if let Some(block) = self.blocks.get(&epoch) {
            return Ok(*block);
        }
        let request = Request::Block { position: AsText(Position::macro_block(epoch)) };
        let Answer::Block(answer) = self.ask(request)? else { return Err(ExportError::OtherAnswer) };
        self.blocks.insert(epoch, answer.block);
        Ok(answer.block)
    }

    /// What an account had in public outputs.
    pub(crate) fn balance(&mut self, account: &str) -> Result<Sum, ExportError> {
        let request = Request::Balance { account: account.to_owned(), at_epoch: Some(self.epoch) };
        match self.ask(request)? {
            Answer::BalanceAt(answer) => Ok(answer.sum),
            _ => Err(ExportError::OtherAnswer),
        }
    }

    /// Whether an output was spent; nothing where no block made it.
    pub(crate) fn is_spent(&mut self, id: Hash) -> Result<Option<bool>, ExportError> {
        let Answer::Lookup { outputs, .. } = self.ask(Request::Lookup { output_hashes: vec![id] })? else {
            return Err(ExportError::OtherAnswer);
        };
        let output = outputs.into_iter().next().map(|answer| answer.output);
        let made = output.filter(|output| output.created.epoch <= self.epoch);
        Ok(made.map(|output| output.spent.is_some_and(|spent| spent.epoch <= self.epoch)))
    }
}
