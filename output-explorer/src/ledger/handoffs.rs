//! Handoffs, and the outputs that are reserved for them: no output is for two at a time.

use super::store::{Batch, beginning_with};
use super::value::{damaged, get};
use super::{Ledger, LedgerError, table};
use crate::event::{Event, HandoffFacts, TransactionChange};
use crate::handoff::journal::{Sign, SignerJournal};
use crate::handoff::plan::LeftOut;
use crate::handoff::record::State::Submitted;
use crate::handoff::record::{Ended, Handoff};
use serde::{Deserialize, Serialize};
use std::ops::Bound;
use stegos_common::amount::Amount;
use stegos_common::api::create_raw_transaction::JournalPosition;
use stegos_common::api::encoding::Timestamp;
use stegos_common::hash::Hash;
use thiserror::Error;

/// A withdrawal by the id that its caller gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithdrawalRecord {
    /// The digest of what was asked for.
    pub body: Hash,
    /// The handoff that pays it.
    pub number: u64,
}

/// A private output that one of our transactions made for an account of ours. No key is needed to know what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnOutput {
    /// How much it is worth.
    pub amount: Amount,
    /// The protobuf bytes.
    pub blob: Vec<u8>,
    /// The handoff that made it.
    pub number: u64,
}

/// Which handoffs are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// All.
    All,
    /// Those to which something may still happen.
    Live,
    /// Those with a signed transaction.
    Signed,
}

/// By which a caller knows that it asked before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdempotencyKey {
    /// The digest of the caller and of the key that it chose.
    pub key: Hash,
    /// The digest of what it asked for.
    pub body: Hash,
}

/// What was answered to a caller's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnsweredRecord {
    /// The digest of what was asked for.
    pub body: Hash,
    /// The handoffs that do it.
    pub numbers: Vec<u64>,
    /// What was left where it is.
    pub left_out: LeftOut,
}

/// A handoff that is to be made; its number is given when it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewHandoff {
    /// Everything but the number.
    pub handoff: Handoff,
    /// The withdrawals in it that have an id, and the digests of what was asked for.
    pub withdrawals: Vec<(String, Hash)>,
}

/// What comes with a signed transaction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signed {
    /// The transaction's bytes.
    pub bytes: Vec<u8>,
    /// The blobs of what it spends, in their order.
    pub inputs: Vec<Vec<u8>>,
    /// The private outputs among its outputs that are ours: account, id, amount and blob.
    pub own: Vec<(String, Hash, Amount, Vec<u8>)>,
}

/// Why handoffs are not stored.
#[derive(Debug, Error)]
pub enum HandoffError {
    /// An output is not free any more.
    #[error("output {output} is reserved for handoff {number}")]
    Reserved {
        /// The output.
        output: Hash,
        /// The other handoff.
        number: u64,
    },
    /// An output is spent, or was taken back.
    #[error("output {0} is not unspent any more")]
    NotUnspent(Hash),
    /// The id of a withdrawal is taken.
    #[error("withdrawal {id:?} is in handoff {number} already")]
    Known {
        /// The id.
        id: String,
        /// The other handoff.
        number: u64,
    },
    /// The caller's key was used before.
    #[error("this idempotency key was used before")]
    KeyUsed,
    /// Somebody else changed it first.
    #[error("handoff {0} was changed at the same time: try again")]
    Changed(u64),
    /// No handoff has such a transaction.
    #[error("no handoff has a transaction {0}; see `transaction list`")]
    UnknownTransaction(Hash),
    /// There is no such handoff.
    #[error("there is no handoff {0}; see `handoff list`")]
    Unknown(u64),
    /// The ledger fails.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Ledger {
    /// Stores handoffs and reserves their inputs: all or none. With a caller's key, what is answered to it from now on is
    /// stored too: `known` handoffs of before, and these.
    ///
    /// # Errors
    /// [`HandoffError`] where an input is not free and unspent, a withdrawal is known, or the key was used.
    pub fn add_handoffs(
        &self,
        new: Vec<NewHandoff>,
        answered: Option<(IdempotencyKey, &[u64], LeftOut)>,
    ) -> Result<Vec<Handoff>, HandoffError> {
        let mut state = self.write()?;
        let mut batch = Batch::default();
        if let Some((IdempotencyKey { key, .. }, ..)) = answered
            && self.json::<AnsweredRecord>(&table::answered(&key))?.is_some()
        {
            return Err(HandoffError::KeyUsed);
        }
        let mut number = self.last_handoff()?;
        let journal = self.signer_journal_inside()?.known;
        let (mut added, mut events) = (Vec::new(), Vec::new());
        for NewHandoff { mut handoff, withdrawals } in new {
            number += 1;
            handoff.number = number;
            handoff.journal = journal;
            self.require_free(&handoff, &batch)?;
            for (id, body) in withdrawals {
                if let Some(known) = self.json::<WithdrawalRecord>(&table::withdrawal(&id))? {
                    return Err(HandoffError::Known { id, number: known.number });
                }
                batch.put(table::withdrawal(&id), to_json(&WithdrawalRecord { body, number }));
            }
            put(&mut batch, &handoff, false);
            events.push(Event::HandoffCreated(HandoffFacts::from(&handoff)));
            added.push(handoff);
        }
        if let Some((IdempotencyKey { key, body }, known, left_out)) = answered {
            let numbers = known.iter().copied().chain(added.iter().map(|handoff| handoff.number)).collect();
            batch.put(table::answered(&key), to_json(&AnsweredRecord { body, numbers, left_out }));
        }
        self.store_own(&mut state, batch, events)?;
        Ok(added)
    }

    /// Replaces a handoff that is still as it was read. What it holds stays reserved or is free again; what comes with a
    /// transaction that it has only now is stored too.
    ///
    /// # Errors
    /// [`HandoffError::Changed`], and [`HandoffError::Reserved`] or [`HandoffError::NotUnspent`] where it takes up
    /// inputs that it had given up.
    pub fn change_handoff(
        &self,
        before: &Handoff,
        after: &Handoff,
        signed: Option<&Signed>,
    ) -> Result<(), HandoffError> {
        let mut state = self.write()?;
        let number = before.number;
        if self.json::<Handoff>(&table::handoff(number))?.as_ref() != Some(before) {
            return Err(HandoffError::Changed(number));
        }
        let mut batch = Batch::default();
        // What a block says is so, whoever has the inputs.
        let is_taken_up = after.transaction.as_ref().is_none_or(|it| *it.state() == Submitted);
        if after.holds_inputs() && !before.holds_inputs() && is_taken_up {
            self.require_free(after, &batch)?;
        }
        put(&mut batch, after, before.holds_inputs());
        let mut events = changes(before, after);
        if let Some(signed) = signed {
            batch.put(table::transaction(number), signed.bytes.clone());
            let inputs: Vec<String> = signed.inputs.iter().map(hex::encode).collect();
            batch.put(table::input_blobs(number), to_json(&inputs));
            if let Some(transaction) = &after.transaction {
                batch.put(table::handoff_of(&transaction.id), to_json(&number));
                let time = transaction.history.last().map_or(before.created, |step| step.time);
                events.extend(self.put_answer(&mut batch, before, transaction.journal, time)?);
            }
            for (account, id, amount, blob) in &signed.own {
                let own = OwnOutput { amount: *amount, blob: blob.clone(), number };
                batch.put(table::own_output(account, id), to_json(&own));
            }
        }
        Ok(self.store_own(&mut state, batch, events)?)
    }

    /// A handoff.
    ///
    /// # Errors
    /// [`HandoffError::Unknown`].
    pub fn handoff(&self, number: u64) -> Result<Handoff, HandoffError> {
        let _state = self.read()?;
        self.json(&table::handoff(number))?.ok_or(HandoffError::Unknown(number))
    }

    /// The handoff of a signed transaction.
    ///
    /// # Errors
    /// [`HandoffError::UnknownTransaction`].
    pub fn handoff_of(&self, transaction: &Hash) -> Result<Handoff, HandoffError> {
        let number = {
            let _state = self.read()?;
            self.json(&table::handoff_of(transaction))?
        };
        self.handoff(number.ok_or(HandoffError::UnknownTransaction(*transaction))?)
    }

    /// Handoffs, the youngest first, at most `limit`, before the number `before`.
    ///
    /// # Errors
    /// [`LedgerError`] where the database fails.
    pub fn handoffs(
        &self,
        which: Which,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Handoff>, LedgerError> {
        let _state = self.read()?;
        let (prefix, key): (_, fn(u64) -> Vec<u8>) = match which {
            Which::All => (table::HANDOFFS, table::handoff),
            Which::Live => (table::LIVE, table::live),
            Which::Signed => (table::TRANSACTIONS, table::transaction),
        };
        let (first, last) = beginning_with(prefix);
        let last = before.map_or(last, |before| Bound::Excluded(key(before)));
        let mut handoffs = Vec::new();
        for pair in self.store.scan((first, last)).rev().take(limit) {
            let number = table::number_of(&pair?.0).ok_or_else(|| damaged(prefix))?;
            handoffs.push(self.json(&table::handoff(number))?.ok_or_else(|| damaged(table::HANDOFFS))?);
        }
        Ok(handoffs)
    }

    /// Handoffs with a signed transaction in the order of their numbers, at most `limit`, behind the number `after`.
    ///
    /// # Errors
    /// [`LedgerError`] where the database fails.
    pub fn signed_handoffs(&self, after: Option<u64>, limit: usize) -> Result<Vec<Handoff>, LedgerError> {
        let _state = self.read()?;
        let (first, last) = beginning_with(table::TRANSACTIONS);
        let first = after.map_or(first, |after| Bound::Excluded(table::transaction(after)));
        let pairs = self.store.scan((first, last)).take(limit);
        pairs
            .map(|pair| {
                let number = table::number_of(&pair?.0).ok_or_else(|| damaged(table::TRANSACTIONS))?;
                self.json(&table::handoff(number))?.ok_or_else(|| damaged(table::HANDOFFS))
            })
            .collect()
    }

    /// All handoffs to which something may still happen, the youngest first. One is read at a time, so that they may be
    /// changed meanwhile.
    pub fn live_handoffs(&self) -> impl Iterator<Item = Result<Handoff, LedgerError>> {
        let mut before = None;
        std::iter::from_fn(move || {
            let next = self.handoffs(Which::Live, before, 1).map(|mut page| page.pop()).transpose()?;
            if let Ok(handoff) = &next {
                before = Some(handoff.number);
            }
            Some(next)
        })
    }

    /// The bytes of a handoff's signed transaction.
    ///
    /// # Errors
    /// [`LedgerError`] where the database fails.
    pub fn transaction_bytes(&self, number: u64) -> Result<Option<Vec<u8>>, LedgerError> {
        let _state = self.read()?;
        Ok(self.store.get(&table::transaction(number))?)
    }

    /// The blobs of a signed handoff's inputs, whatever became of these since; not for one that was signed before they were
    /// kept.
    ///
    /// # Errors
    /// [`LedgerError`] where the database fails.
    pub fn input_blobs(&self, number: u64) -> Result<Option<Vec<Vec<u8>>>, LedgerError> {
        let _state = self.read()?;
        let Some(blobs) = self.json::<Vec<String>>(&table::input_blobs(number))? else { return Ok(None) };
        let decoded: Result<_, _> = blobs.iter().map(hex::decode).collect();
        decoded.map(Some).map_err(|_| damaged(b"Z"))
    }

    /// For which handoff an output is reserved.
    ///
    /// # Errors
    /// [`LedgerError`] where the database fails.
    pub fn reserved_for(&self, output: &Hash) -> Result<Option<u64>, LedgerError> {
        let _state = self.read()?;
        self.json(&table::reservation(output))
    }

    /// The handoff that had an output and gave it up, though the signer may have signed it away.
    ///
    /// # Errors
    /// [`LedgerError`] where the database fails.
    pub fn released_from(&self, output: &Hash) -> Result<Option<u64>, LedgerError> {
        let _state = self.read()?;
        self.json(&table::released(output))
    }

    /// What was answered to a caller's key.
    ///
    /// # Errors
    /// [`LedgerError`] where the database fails.
    pub fn answered(&self, key: &Hash) -> Result<Option<AnsweredRecord>, LedgerError> {
        let _state = self.read()?;
        self.json(&table::answered(key))
    }

    /// A withdrawal by its id.
    ///
    /// # Errors
    /// [`LedgerError`] where the database fails.
    pub fn withdrawal(&self, id: &str) -> Result<Option<WithdrawalRecord>, LedgerError> {
        let _state = self.read()?;
        self.json(&table::withdrawal(id))
    }

    /// The private outputs of an account that are known from our own transactions, until we have spent them for good.
    ///
    /// # Errors
    /// [`LedgerError`] where the database fails.
    pub fn own_outputs(&self, account: &str) -> Result<Vec<(Hash, OwnOutput)>, LedgerError> {
        let _state = self.read()?;
        let pairs = self.store.scan(beginning_with(&table::own_outputs(account)));
        pairs
            .map(|pair| {
                let (key, value) = pair?;
                let id = table::hash_of(&key).ok_or_else(|| damaged(&key))?;
                Ok((id, serde_json::from_slice(&value).map_err(|_| damaged(&key))?))
            })
            .collect()
    }

    /// A private output of ours.
    ///
    /// # Errors
    /// [`LedgerError`] where the database fails.
    pub fn own_output(&self, account: &str, id: &Hash) -> Result<Option<OwnOutput>, LedgerError> {
        let _state = self.read()?;
        self.json(&table::own_output(account, id))
    }

    /// What is known of the signer's journal.
    ///
    /// # Errors
    /// [`LedgerError`] where the database fails.
    pub fn signer_journal(&self) -> Result<SignerJournal, LedgerError> {
        let _state = self.read()?;
        self.signer_journal_inside()
    }

    /// Notes what an answer tells of the signer though its transaction is not sent: where its journal is, or that it
    /// signed another one before.
    ///
    /// # Errors
    /// [`LedgerError`] where the database fails.
    pub fn note_answer(
        &self,
        handoff: &Handoff,
        position: Option<JournalPosition>,
        twice: Option<Sign>,
        time: Timestamp,
    ) -> Result<(), LedgerError> {
        let mut state = self.write()?;
        let mut batch = Batch::default();
        let raised = match twice {
            Some(sign) => {
                let journal = self.signer_journal_inside()?;
                let after = journal.with(handoff, time, sign);
                batch.put(table::SIGNER_JOURNAL.to_vec(), to_json(&after));
                raised(&journal, &after)
            }
            None => self.put_answer(&mut batch, handoff, position, time)?,
        };
        self.store_own(&mut state, batch, raised.into_iter().collect())
    }

    /// Takes the signer's journal as it is, and ends the alarm.
    ///
    /// # Errors
    /// [`LedgerError`] where the database fails.
    pub fn accept_signer_journal(&self) -> Result<(), LedgerError> {
        let mut state = self.write()?;
        let journal = self.signer_journal_inside()?;
        let mut batch = Batch::default();
        batch.put(table::SIGNER_JOURNAL.to_vec(), to_json(&journal.accept(self.last_handoff()?)));
        let ended = journal.alarm.map(Event::AlarmEnded);
        self.store_own(&mut state, batch, ended.into_iter().collect())
    }

    /// Puts what an answer tells of the signer's journal, and answers the alarm that it raises.
    fn put_answer(
        &self,
        batch: &mut Batch,
        handoff: &Handoff,
        position: Option<JournalPosition>,
        time: Timestamp,
    ) -> Result<Option<Event>, LedgerError> {
        let journal = self.signer_journal_inside()?;
        let key = position.map(|position| table::journal_head(journal.accepted, position.count));
        let head: Option<Hash> = key.as_ref().map(|key| self.json(key)).transpose()?.flatten();
        let same_count = position.zip(head).map(|(position, head)| JournalPosition { head, ..position });
        let after = journal.after(handoff, position, same_count, time);
        batch.put(table::SIGNER_JOURNAL.to_vec(), to_json(&after));
        if let (Some(key), Some(position), None) = (key, position, head) {
            batch.put(key, to_json(&position.head));
        }
        Ok(raised(&journal, &after))
    }

    fn signer_journal_inside(&self) -> Result<SignerJournal, LedgerError> {
        Ok(self.json(table::SIGNER_JOURNAL)?.unwrap_or_default())
    }

    fn last_handoff(&self) -> Result<u64, LedgerError> {
        let last = self.store.scan(beginning_with(table::HANDOFFS)).next_back().transpose()?;
        last.map_or(Ok(0), |(key, _)| table::number_of(&key).ok_or_else(|| damaged(table::HANDOFFS)))
    }

    /// Whether every input is unspent and for nobody else, in the batch too.
    fn require_free(&self, handoff: &Handoff, batch: &Batch) -> Result<(), HandoffError> {
        for input in &handoff.inputs {
            let reservation = table::reservation(&input.id);
            let stored: Option<u64> = self.json(&reservation)?;
            let number = if batch.puts(&reservation) { Some(handoff.number) } else { stored };
            if let Some(number) = number {
                return Err(HandoffError::Reserved { output: input.id, number });
            }
            let output: Option<super::record::OutputRecord> =
                get(self.store.as_ref(), &table::output(&input.id))?;
            if output.is_none_or(|output| output.spent.is_some()) {
                return Err(HandoffError::NotUnspent(input.id));
            }
        }
        Ok(())
    }

    pub(super) fn json<T: serde::de::DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, LedgerError> {
        let value = self.store.get(key)?;
        value.map(|value| serde_json::from_slice(&value).map_err(|_| damaged(key))).transpose()
    }
}

/// The alarm that is new.
fn raised(before: &SignerJournal, after: &SignerJournal) -> Option<Event> {
    after.alarm.filter(|_| before.alarm.is_none()).map(Event::AlarmRaised)
}

/// What changed in a handoff: the handoff first, then each new state of its transaction.
fn changes(before: &Handoff, after: &Handoff) -> Vec<Event> {
    let event: Option<fn(HandoffFacts) -> Event> = match (before.ended, after.ended) {
        (before, after) if before == after => None,
        (_, Some(Ended::Cancelled)) => Some(Event::HandoffCancelled),
        (_, Some(Ended::Expired)) => Some(Event::HandoffExpired),
        (_, None) => Some(Event::HandoffRenewed),
    };
    let ended = event.map(|event| event(after.into()));
    let known = before.transaction.as_ref().map_or(0, |transaction| transaction.history.len());
    let steps = after.transaction.iter().flat_map(|transaction| {
        transaction.history.iter().skip(known).map(|step| {
            Event::TransactionChanged(TransactionChange {
                handoff: after.number,
                transaction: transaction.id,
                state: step.state.clone(),
            })
        })
    });
    ended.into_iter().chain(steps).collect()
}

/// Handoffs, tokens and webhooks are stored as JSON: it takes new fields without another form of the ledger.
pub(super) fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("records are plain data")
}

/// Writes a handoff, and what it holds or gives up.
fn put(batch: &mut Batch, handoff: &Handoff, held_before: bool) {
    batch.put(table::handoff(handoff.number), to_json(handoff));
    if handoff.is_live() {
        batch.put(table::live(handoff.number), Vec::new());
    } else {
        batch.delete(table::live(handoff.number));
    }
    for input in &handoff.inputs {
        if handoff.holds_inputs() {
            batch.put(table::reservation(&input.id), to_json(&handoff.number));
            batch.delete(table::released(&input.id));
        } else if held_before {
            // Otherwise they may be another's by now.
            batch.delete(table::reservation(&input.id));
        }
        if handoff.has_released_inputs() {
            batch.put(table::released(&input.id), to_json(&handoff.number));
        }
        // Spent for good: whoever asks what an account has, need not read it for ever.
        if input.private && handoff.is_final() {
            batch.delete(table::own_output(&input.account, &input.id));
        }
    }
}
