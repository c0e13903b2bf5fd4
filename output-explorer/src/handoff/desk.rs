//! What can be done about handoffs: make, look at, cancel, and take back what the signer answered.

use super::check::{CheckError, check};
use super::journal::Sign;
use super::plan::{LeftOut, Plan, PlanError};
use super::record::{Ended, Handoff, State, Step, Transaction};
use super::request::request;
use crate::clock::later;
use crate::ledger::handoffs::{AnsweredRecord, HandoffError, IdempotencyKey};
use crate::ledger::record::Kind;
use crate::ledger::{Ledger, LedgerError};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU64;
use std::time::Duration;
use stegos_common::api::Message;
use stegos_common::api::create_raw_transaction::RawTransaction;
use stegos_common::api::encoding::{HexBytes, Timestamp};
use stegos_common::api::response::Response;
use stegos_common::text::excerpt;
use stegos_common::transaction::PaymentTransaction;
use thiserror::Error;

/// A plan, or a change, that was overtaken is made again so often.
const ATTEMPTS: usize = 10;

/// Why something cannot be done with a handoff.
#[derive(Debug, Error)]
pub enum DeskError {
    /// What the signer answered is no answer.
    #[error("it is no answer to create_raw_transaction: {0}")]
    NoAnswer(serde_json::Error),
    /// The signer refused.
    #[error("the signer did not sign: {0}")]
    NotSigned(String),
    /// No handoff spends what it spends.
    #[error("no handoff of this ledger asked for it")]
    NotAsked,
    /// The handoff was cancelled.
    #[error("handoff {0} was cancelled; its transaction is not sent")]
    Cancelled(u64),
    /// Another transaction is on its way for the same handoff.
    #[error("another transaction was signed for handoff {0} already; this one is not sent")]
    SignedBefore(u64),
    /// An input cannot be shown to the signer, or its answer not be checked without it.
    #[error("handoff {number} has to wait, or to be cancelled: {reason}")]
    NoBlob {
        /// The handoff.
        number: u64,
        /// What is wrong.
        reason: CheckError,
    },
    /// It is not what was asked for.
    #[error("the answer to handoff {number} is not what was asked for: {reason}")]
    Check {
        /// The handoff.
        number: u64,
        /// What is wrong.
        reason: CheckError,
    },
    /// It is too late.
    #[error("it is too late: handoff {number} is {status}")]
    NotOpen {
        /// The handoff.
        number: u64,
        /// What it is.
        status: &'static str,
    },
    /// The caller's key was used for something else.
    #[error("this idempotency key was used for something else: take another key for another request")]
    OtherBody,
    /// It cannot be planned.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The ledger does not do it.
    #[error(transparent)]
    Handoff(#[from] HandoffError),
}

impl From<LedgerError> for DeskError {
    fn from(error: LedgerError) -> Self {
        Self::Handoff(error.into())
    }
}

/// Handoffs that do what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// New ones, and those that did it before.
    pub handoffs: Vec<Handoff>,
    /// What was left where it is.
    pub left_out: LeftOut,
    /// Whether the caller's key was answered before: nothing new was made.
    pub again: bool,
}

/// The desk at one moment.
pub struct Desk<'a> {
    /// The ledger.
    pub ledger: &'a Ledger,
    /// The time.
    pub now: Timestamp,
}

/// What is read of an answer first.
#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    id: u64,
    error: Option<String>,
}

impl Desk<'_> {
    /// Makes what is planned, and answers all handoffs that pay for it; those that have expired get their inputs back for
    /// so many seconds. Where somebody else took an output first, it is planned again.
    ///
    /// # Errors
    /// [`DeskError`]; nothing new is reserved then.
    pub fn hand_off(
        &self,
        seconds: u64,
        key: Option<IdempotencyKey>,
        mut plan: impl FnMut() -> Result<Plan, PlanError>,
    ) -> Result<Made, DeskError> {
        self.expire()?;
        let mut attempts = 0;
        loop {
            if let Some(made) = key.map(|key| self.made_before(key, seconds)).transpose()?.flatten() {
                return Ok(made);
            }
            let Plan { new, known, left_out } = plan()?;
            attempts += 1;
            // What was known comes first: where that fails, nothing new is made.
            let renewed =
                known.iter().map(|number| self.renew(*number, seconds)).collect::<Result<Vec<_>, _>>();
            let answered = key.map(|key| (key, known.as_slice(), left_out));
            match renewed.and_then(|known| Ok([known, self.ledger.add_handoffs(new, answered)?].concat())) {
                Ok(handoffs) => return Ok(Made { handoffs, left_out, again: false }),
                Err(
                    HandoffError::KeyUsed
                    | HandoffError::Reserved { .. }
                    | HandoffError::NotUnspent(_)
                    | HandoffError::Known { .. }
                    | HandoffError::Changed(_),
                ) if attempts < ATTEMPTS => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// What was answered to a caller's key, as it is now; what has expired is renewed: a caller who must take another key
    /// would have it paid twice.
    fn made_before(&self, key: IdempotencyKey, seconds: u64) -> Result<Option<Made>, DeskError> {
        let Some(AnsweredRecord { body, numbers, left_out }) = self.ledger.answered(&key.key)? else {
            return Ok(None);
        };
        if body != key.body {
            return Err(DeskError::OtherBody);
        }
        let handoffs = numbers.iter().map(|number| self.renew(*number, seconds)).collect::<Result<_, _>>()?;
        Ok(Some(Made { handoffs, left_out, again: true }))
    }

    /// A handoff, with its inputs reserved again where it has expired: the same inputs, so that it can never be paid
    /// twice.
    fn renew(&self, number: u64, seconds: u64) -> Result<Handoff, HandoffError> {
        let handoff = self.ledger.handoff(number)?;
        if handoff.transaction.is_some() || handoff.ended != Some(Ended::Expired) {
            return Ok(handoff);
        }
        let renewed = Handoff {
            ended: None,
            expires: later(self.now, Duration::from_secs(seconds)),
            ..handoff.clone()
        };
        self.ledger.change_handoff(&handoff, &renewed, None)?;
        Ok(renewed)
    }

    /// Frees the inputs of handoffs whose time is over. At a replica that comes from the explorer that it copies.
    ///
    /// # Errors
    /// [`LedgerError`] where the database fails.
    pub fn expire(&self) -> Result<(), LedgerError> {
        if self.ledger.copied()?.is_some() {
            return Ok(());
        }
        for handoff in self.ledger.live_handoffs() {
            let handoff = handoff?;
            if handoff.is_open() && handoff.expires <= self.now {
                let expired = Handoff { ended: Some(Ended::Expired), ..handoff.clone() };
                // Whoever changed it first has dealt with it.
                if let Err(HandoffError::Ledger(error)) = self.ledger.change_handoff(&handoff, &expired, None)
                {
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Gives the inputs of a handoff up, and submits its transaction no more.
    ///
    /// # Errors
    /// [`DeskError::NotOpen`] where the transaction is in a block, or it is over.
    pub fn cancel(&self, number: u64) -> Result<Handoff, DeskError> {
        let handoff = self.ledger.handoff(number)?;
        let cancelled = match &handoff.transaction {
            None if handoff.ended != Some(Ended::Cancelled) => {
                Handoff { ended: Some(Ended::Cancelled), ..handoff.clone() }
            }
            Some(transaction)
                if transaction.state().is_waiting()
                    || matches!(transaction.state(), State::Rejected { .. }) =>
            {
                handoff.with_state(State::Cancelled, self.now)
            }
            _ => return Err(DeskError::NotOpen { number, status: handoff.status() }),
        };
        self.ledger.change_handoff(&handoff, &cancelled, None)?;
        Ok(cancelled)
    }

    /// The request of a handoff.
    ///
    /// # Errors
    /// [`DeskError`] where there is none, or a blob is not kept any more.
    pub fn request(&self, number: u64) -> Result<String, DeskError> {
        let handoff = self.ledger.handoff(number)?;
        if !handoff.is_open() {
            return Err(DeskError::NotOpen { number, status: handoff.status() });
        }
        let blobs = self.blobs(&handoff)?;
        Ok(request(&handoff, &blobs))
    }

    /// A request that was signed, and the signer's answer.
    ///
    /// # Errors
    /// [`DeskError`] where there is none, or a blob is not kept any more.
    pub fn signed(&self, number: u64) -> Result<(String, String), DeskError> {
        let handoff = self.ledger.handoff(number)?;
        let not_signed = || DeskError::NotOpen { number, status: handoff.status() };
        let transaction = handoff.transaction.as_ref().ok_or_else(not_signed)?;
        let data = self.ledger.transaction_bytes(number)?.ok_or_else(not_signed)?;
        let body = Response::CreateRawTransaction(RawTransaction {
            txouts: transaction.outputs.clone(),
            data: HexBytes(data),
            certificates: transaction.certificates.clone(),
            journal: transaction.journal,
        });
        let response = Message { body, id: NonZeroU64::new(number) };
        let response = serde_json::to_string(&response).map_err(DeskError::NoAnswer)?;
        let blobs = match self.ledger.input_blobs(number)? {
            Some(blobs) => blobs,
            None => self.blobs(&handoff)?,
        };
        Ok((request(&handoff, &blobs), response))
    }

    /// Takes what the signer answered. The transaction is on disk when this returns, and is submitted from there. One
    /// that was rejected is submitted `again` only where somebody wants that: it may have been paid otherwise.
    ///
    /// # Errors
    /// [`DeskError`] where it is not what an open handoff asked for.
    pub fn accept(&self, json: &str, again: bool) -> Result<Handoff, DeskError> {
        self.expire()?;
        // Whoever hands in the same answer at the same time is told the same.
        for _ in 1..ATTEMPTS {
            match self.accept_once(json, again) {
                Err(DeskError::Handoff(HandoffError::Changed(_))) => {}
                done => return done,
            }
        }
        self.accept_once(json, again)
    }

    fn accept_once(&self, json: &str, again: bool) -> Result<Handoff, DeskError> {
        let reply: Reply = serde_json::from_str(json).map_err(DeskError::NoAnswer)?;
        if let Some(error) = reply.error {
            return Err(DeskError::NotSigned(excerpt(&error)));
        }
        let answer: RawTransaction = serde_json::from_str(json).map_err(DeskError::NoAnswer)?;
        let handoff = self.asked(reply.id, &answer)?;
        let number = handoff.number;
        let failed = |reason| DeskError::Check { number, reason };
        if let Some(transaction) = &handoff.transaction
            && self.ledger.transaction_bytes(number)?.as_ref() == Some(&answer.data.0)
        {
            return match transaction.state() {
                State::Cancelled => Err(DeskError::Cancelled(number)),
                State::Rejected { .. } if again => {
                    let again = handoff.with_state(State::Submitted, self.now);
                    self.ledger.change_handoff(&handoff, &again, None)?;
                    Ok(again)
                }
                _ => Ok(handoff),
            };
        }
        let checked = check(&handoff, &self.blobs(&handoff)?, &answer).map_err(failed)?;
        // What is right but not sent tells of the signer all the same.
        if let Some(transaction) = &handoff.transaction {
            let sign = Sign::SignedTwice { known: transaction.id, other: checked.id };
            self.ledger.note_answer(&handoff, answer.journal, Some(sign), self.now)?;
            return Err(DeskError::SignedBefore(number));
        }
        if handoff.ended == Some(Ended::Cancelled) {
            self.ledger.note_answer(&handoff, answer.journal, None, self.now)?;
            return Err(DeskError::Cancelled(number));
        }
        let transaction = Transaction {
            id: checked.id,
            outputs: checked.outputs,
            certificates: answer.certificates,
            journal: answer.journal,
            history: vec![Step { state: State::Submitted, time: self.now }],
        };
        let signed = Handoff { ended: None, transaction: Some(transaction), ..handoff.clone() };
        self.ledger.change_handoff(&handoff, &signed, Some(&checked.signed))?;
        Ok(signed)
    }

    /// The handoff that an answer belongs to: by its number, or by what it spends.
    fn asked(&self, id: u64, answer: &RawTransaction) -> Result<Handoff, DeskError> {
        let number = if id == 0 {
            let transaction =
                PaymentTransaction::from_bytes(&answer.data.0).map_err(|_| DeskError::NotAsked)?;
            let first = transaction.txins.first().ok_or(DeskError::NotAsked)?;
            self.ledger.reserved_for(first)?.ok_or(DeskError::NotAsked)?
        } else {
            id
        };
        match self.ledger.handoff(number) {
            Err(HandoffError::Unknown(_)) => Err(DeskError::NotAsked),
            handoff => Ok(handoff?),
        }
    }

    /// The blobs of the inputs of a handoff, in their order.
    fn blobs(&self, handoff: &Handoff) -> Result<Vec<Vec<u8>>, DeskError> {
        let number = handoff.number;
        let missing = |id| DeskError::NoBlob { number, reason: CheckError::NoBlob(id) };
        handoff
            .inputs
            .iter()
            .map(|input| {
                if input.private {
                    let own = self.ledger.own_output(&input.account, &input.id)?;
                    return own.map(|own| own.blob).ok_or_else(|| missing(input.id));
                }
                match self.ledger.output(&input.id)?.map(|output| output.kind) {
                    Some(Kind::Public { blob: Some(blob), .. }) => Ok(blob),
                    _ => Err(missing(input.id)),
                }
            })
            .collect()
    }
}
