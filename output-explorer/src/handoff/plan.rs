//! What a handoff spends and makes: sweeps of users' outputs, and withdrawals from the treasury.
//!
//! Planning only reads. Whether what is planned is still free is decided when it is stored
//! ([`Ledger::add_handoffs`]).

use super::desk::later;
use super::record::{Ended, Handoff, Input, Output, Private, Purpose};
use super::select::{Choice, SelectError, select};
use crate::ledger::handoffs::{HandoffError, NewHandoff, WithdrawalRecord};
use crate::ledger::query::{Cut, Filter};
use crate::ledger::record::{Kind, OutputRecord};
use crate::ledger::{Ledger, LedgerError, UserError};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fmt;
use stegos_common::address::{Address, AddressError};
use stegos_common::amount::Amount;
use stegos_common::api::encoding::Timestamp;
use stegos_common::group::Encoded;
use stegos_common::hash::Hash;
use stegos_common::keys::PublicKey;
use stegos_common::payload::{Comment, CommentError};
use stegos_common::text::excerpt;
use stegos_common::transaction::{MAX_INPUTS, MAX_OUTPUTS, MIN_FEE_PER_OUTPUT};
use thiserror::Error;

/// No sweep makes more requests at once; the next one goes on.
const MAX_REQUESTS: usize = 1000;

/// So many rows are read at a time.
const PAGE: usize = 10_000;

/// What every handoff needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The exchange's own account: what is swept goes there, withdrawals are paid from it, change comes back to it.
    pub treasury: String,
    /// Whether change is private.
    pub private_change: bool,
    /// Whether outputs are spent that may still be taken back.
    pub spend_prepared: bool,
    /// Whether outputs are spent that an earlier handoff gave up. The signer refuses those that it signed away then.
    pub spend_released: bool,
    /// For how many seconds the inputs are reserved.
    pub seconds: u64,
}

/// Whose outputs are swept, and where to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sweep {
    /// These users' only.
    pub users: Option<Vec<String>>,
    /// To this address instead of the treasury's.
    pub to: Option<Address>,
    /// Smaller outputs stay where they are.
    pub min_amount: Amount,
}

/// A payment that somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withdrawal {
    /// By which the caller knows it: the same id is never paid twice.
    #[serde(default)]
    pub id: Option<String>,
    /// The recipient.
    pub to: Address,
    /// How much, in micro-STG.
    pub amount: Amount,
    /// Whether recipient and amount are hidden on the chain.
    #[serde(default)]
    pub private: bool,
    /// What the recipient of a private payment is told.
    #[serde(default)]
    pub comment: Option<String>,
    /// Whether a private payment is to be provable.
    #[serde(default)]
    pub with_certificate: bool,
}

/// Outputs that are left where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LeftOut {
    /// Below the least amount.
    pub dust: Left,
    /// Reserved for another handoff.
    pub reserved: Left,
    /// Not final.
    pub prepared: Left,
    /// Given up by an earlier handoff, for which the signer may have signed them away.
    pub released: Left,
    /// Without their blob in the ledger, or more than one sweep takes.
    pub other: Left,
}

/// How many outputs, and what they are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Left {
    /// The number of outputs.
    pub outputs: u64,
    /// Their amount in micro-STG, or the most that can be counted.
    pub amount: Amount,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.dust, "too small"),
            (self.reserved, "reserved for another handoff"),
            (self.prepared, "not final yet"),
            (self.released, "given up by an earlier handoff"),
            (self.other, "without their blob here, or for the next time"),
        ];
        let mut any = false;
        for (left, why) in parts.into_iter().filter(|(left, _)| left.outputs > 0) {
            write!(f, "{}{} in {} outputs, {why}", if any { "; " } else { "" }, left.amount, left.outputs)?;
            any = true;
        }
        if any { Ok(()) } else { f.write_str("nothing") }
    }
}

impl Left {
    fn add(&mut self, amount: Amount) {
        self.outputs += 1;
        self.amount = self.amount.checked_add(amount).unwrap_or(Amount::MAX);
    }
}

/// Handoffs that can be made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// New ones.
    pub new: Vec<NewHandoff>,
    /// Those that pay withdrawals which were handed off before.
    pub known: Vec<u64>,
    /// What could not be used.
    pub left_out: LeftOut,
}

/// Why nothing is planned.
#[derive(Debug, Error)]
pub enum PlanError {
    /// A user or address is not known here.
    #[error(transparent)]
    User(#[from] UserError),
    /// The treasury is not known here.
    #[error("the treasury {0:?} is no user of this ledger: add it with its address first (`user add`)")]
    NoTreasury(String),
    /// Nothing is there to be swept.
    #[error("there is nothing to sweep: {0}")]
    NothingToSweep(LeftOut),
    /// A payment of nothing.
    #[error("withdrawal {0} is one of nothing: name an amount above 0")]
    NoAmount(String),
    /// An address of another network, or no key.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// A comment, or a certificate, of a public payment.
    #[error("withdrawal {0} is public: only a private one has a comment or a certificate")]
    NotPrivate(String),
    /// A comment that does not fit.
    #[error("withdrawal {0}: {1}")]
    Comment(String, CommentError),
    /// The same id twice.
    #[error("two withdrawals have the id {0:?}")]
    Twice(String),
    /// The id was used, and what it was used for is over.
    #[error(
        "withdrawal {id:?} is in handoff {number}, which is {status}; make sure that it was not paid, then take another id"
    )]
    Over {
        /// The id.
        id: String,
        /// The handoff.
        number: u64,
        /// What it is.
        status: &'static str,
    },
    /// An id that nobody could type again.
    #[error("a withdrawal's id is 1 to 128 characters of printable ASCII, unlike {0:?}")]
    Id(String),
    /// The id was used for something else.
    #[error(
        "withdrawal {id:?} is in handoff {number} already, and is another one: take another id, or ask for the same"
    )]
    OtherBody {
        /// The id.
        id: String,
        /// The handoff.
        number: u64,
    },
    /// There is not enough.
    #[error(
        "transaction {transaction} of {transactions}: {reason}; left out: {left_out}. Change is free again when it is \
         final: for many transactions at once, pay yourself in as many parts first"
    )]
    Select {
        /// Which of the transactions that are needed.
        transaction: usize,
        /// How many are needed.
        transactions: usize,
        /// Why.
        reason: SelectError,
        /// What might have helped.
        left_out: LeftOut,
    },
    /// The ledger fails.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A handoff cannot be read.
    #[error(transparent)]
    Handoff(#[from] HandoffError),
}

/// An output that may be spent.
struct Candidate {
    id: Hash,
    amount: Amount,
    account: String,
    private: bool,
}

/// Plans for one moment.
pub struct Planner<'a> {
    /// What there is.
    pub ledger: &'a Ledger,
    /// How.
    pub terms: &'a Terms,
    /// The time.
    pub now: Timestamp,
}

/// The fee of so many outputs.
fn fee(outputs: usize) -> Result<Amount, SelectError> {
    let one = Amount::from_micro(MIN_FEE_PER_OUTPUT).map_err(|_| SelectError::TooMuch)?;
    one.checked_mul(outputs).ok_or(SelectError::TooMuch)
}

impl Planner<'_> {
    /// Gathers outputs, the largest first, as many as fit in each transaction.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn sweep(&self, sweep: &Sweep) -> Result<Plan, PlanError> {
        let to = match sweep.to {
            Some(to) => to,
            None => self.treasury()?,
        };
        let to = to.require(self.ledger.network())?;
        let account = self.ledger.owner(&to.public_key().encoded())?;
        let mut left_out = LeftOut::default();
        let mut candidates = Vec::new();
        for (user, keys) in self.swept(sweep)? {
            if Some(&user) != account.as_ref() && user != self.terms.treasury {
                self.public(&user, &keys, &mut candidates, &mut left_out)?;
            }
        }
        candidates.retain(|candidate| {
            let enough = candidate.amount >= sweep.min_amount;
            if !enough {
                left_out.dust.add(candidate.amount);
            }
            enough
        });
        candidates.sort_by(|one, other| other.amount.cmp(&one.amount).then(one.id.cmp(&other.id)));
        let too_many = candidates.len().min(MAX_REQUESTS * MAX_INPUTS);
        candidates.drain(too_many..).for_each(|candidate| left_out.other.add(candidate.amount));
        let fee = fee(1).map_err(|reason| self.cannot(reason, left_out))?;
        let mut plan = Plan::default();
        for inputs in candidates.chunks(MAX_INPUTS) {
            let sum = Amount::checked_sum(inputs.iter().map(|input| input.amount));
            let sum = sum.ok_or_else(|| self.cannot(SelectError::TooMuch, left_out))?;
            let Some(amount) = sum.checked_sub(fee).filter(|amount| !amount.is_zero()) else {
                inputs.iter().for_each(|input| left_out.dust.add(input.amount));
                continue;
            };
            let output =
                Output { recipient: to, amount, account: account.clone(), private: None, withdrawal: None };
            let handoff = self.handoff(Purpose::Sweep, inputs.iter(), vec![output], fee);
            plan.new.push(NewHandoff { handoff, withdrawals: Vec::new() });
        }
        if plan.new.is_empty() {
            return Err(PlanError::NothingToSweep(left_out));
        }
        Ok(Plan { left_out, ..plan })
    }

    /// Pays from the treasury, in as many transactions as are needed.
    ///
    /// # Errors
    /// [`PlanError`]; nothing is planned then.
    pub fn withdraw(&self, withdrawals: &[Withdrawal]) -> Result<Plan, PlanError> {
        let change_to = self.treasury()?;
        let mut plan = Plan::default();
        let wanted = self.unknown(withdrawals, &mut plan.known)?;
        if wanted.is_empty() {
            return Ok(plan);
        }
        let mut candidates = Vec::new();
        let keys = self.ledger.user(&self.terms.treasury)?.keys;
        self.public(&self.terms.treasury, &keys, &mut candidates, &mut plan.left_out)?;
        self.private(&mut candidates, &mut plan.left_out)?;
        // One place is kept for change.
        let groups: Vec<&[&Withdrawal]> = wanted.chunks(MAX_OUTPUTS - 1).collect();
        for (group, transaction) in groups.iter().zip(1..) {
            let left_out = plan.left_out;
            let cannot =
                |reason| PlanError::Select { transaction, transactions: groups.len(), reason, left_out };
            let least_fee = fee(group.len()).map_err(cannot)?;
            let paid = Amount::checked_sum(group.iter().map(|withdrawal| withdrawal.amount));
            let needed = paid.and_then(|paid| paid.checked_add(least_fee));
            let needed = needed.ok_or(SelectError::TooMuch).map_err(cannot)?;
            let amounts: Vec<Amount> = candidates.iter().map(|candidate| candidate.amount).collect();
            let change_fee = fee(1).map_err(cannot)?;
            let Choice { inputs, change, excess } = select(&amounts, needed, change_fee).map_err(cannot)?;
            let extra = if change.is_some() { change_fee } else { excess };
            let fee = least_fee.checked_add(extra).ok_or(SelectError::TooMuch).map_err(cannot)?;
            let mut outputs: Vec<Output> =
                group.iter().map(|withdrawal| self.paid(withdrawal)).collect::<Result<_, _>>()?;
            outputs.extend(change.map(|amount| {
                Output {
                    recipient: change_to,
                    amount,
                    account: Some(self.terms.treasury.clone()),
                    private: self
                        .terms
                        .private_change
                        .then(|| Private { comment: String::new(), with_certificate: true }),
                    withdrawal: None,
                }
            }));
            let chosen = inputs.iter().filter_map(|place| candidates.get(*place));
            let handoff = self.handoff(Purpose::Withdrawal, chosen, outputs, fee);
            let ids = group.iter().filter_map(|withdrawal| Some((withdrawal.id.clone()?, body(withdrawal))));
            plan.new.push(NewHandoff { handoff, withdrawals: ids.collect() });
            let taken: HashSet<usize> = inputs.into_iter().collect();
            let mut place = 0..;
            candidates.retain(|_| place.next().is_some_and(|place| !taken.contains(&place)));
        }
        Ok(plan)
    }

    fn handoff<'c>(
        &self,
        purpose: Purpose,
        inputs: impl Iterator<Item = &'c Candidate>,
        outputs: Vec<Output>,
        fee: Amount,
    ) -> Handoff {
        let inputs = inputs.map(|candidate| Input {
            id: candidate.id,
            amount: candidate.amount,
            account: candidate.account.clone(),
            private: candidate.private,
        });
        let expires = later(self.now, self.terms.seconds);
        let (created, inputs) = (self.now, inputs.collect());
        Handoff { number: 0, purpose, created, expires, inputs, outputs, fee, ended: None, transaction: None }
    }

    /// The treasury's first address.
    fn treasury(&self) -> Result<Address, PlanError> {
        let none = || PlanError::NoTreasury(self.terms.treasury.clone());
        let user = match self.ledger.user(&self.terms.treasury) {
            Err(UserError::Unknown(_)) => return Err(none()),
            user => user?,
        };
        let key = user.keys.first().ok_or_else(none)?;
        let key = PublicKey::from_bytes(key.as_bytes()).map_err(|_| none())?;
        Ok(Address::new(self.ledger.network(), key))
    }

    /// The users whose outputs are swept, and their keys.
    fn swept(&self, sweep: &Sweep) -> Result<Vec<(String, Vec<Encoded>)>, PlanError> {
        if let Some(users) = &sweep.users {
            let mut names = HashSet::new();
            let once = users.iter().filter(|user| names.insert(*user));
            return once.map(|user| Ok((user.clone(), self.ledger.user(user)?.keys))).collect();
        }
        // Whoever has nothing is not asked.
        let (mut swept, mut after) = (Vec::new(), None);
        loop {
            let balances = self.ledger.all_balances(after.as_ref(), PAGE)?;
            for (key, balance) in &balances {
                if balance.prepared.outputs > 0
                    && let Some(owner) = self.ledger.owner(key)?
                {
                    swept.push((owner, vec![*key]));
                }
            }
            match balances.last() {
                Some((last, _)) if balances.len() == PAGE => after = Some(*last),
                _ => return Ok(swept),
            }
        }
    }

    /// The public outputs of an account that may be spent.
    fn public(
        &self,
        account: &str,
        keys: &[Encoded],
        candidates: &mut Vec<Candidate>,
        left_out: &mut LeftOut,
    ) -> Result<(), LedgerError> {
        let mut after = None;
        loop {
            let page = self.ledger.outputs(keys, Filter::Unspent, Cut { after, limit: PAGE })?;
            for found in page.rows {
                if let Kind::Public { amount, blob, .. } = &found.output.kind {
                    if blob.is_none() {
                        left_out.other.add(*amount);
                    } else if self.is_free(&found.id, *amount, &found.output, left_out)? {
                        let account = account.to_owned();
                        candidates.push(Candidate { id: found.id, amount: *amount, account, private: false });
                    }
                }
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// The private outputs of the treasury that may be spent.
    fn private(&self, candidates: &mut Vec<Candidate>, left_out: &mut LeftOut) -> Result<(), LedgerError> {
        let account = &self.terms.treasury;
        for (id, own) in self.ledger.own_outputs(account)? {
            let output = self.ledger.output(&id)?.filter(|output| output.spent.is_none());
            if let Some(output) = output
                && self.is_free(&id, own.amount, &output, left_out)?
            {
                candidates.push(Candidate {
                    id,
                    amount: own.amount,
                    account: account.clone(),
                    private: true,
                });
            }
        }
        Ok(())
    }

    fn is_free(
        &self,
        id: &Hash,
        amount: Amount,
        output: &OutputRecord,
        left_out: &mut LeftOut,
    ) -> Result<bool, LedgerError> {
        if self.ledger.reserved_for(id)?.is_some() {
            left_out.reserved.add(amount);
            return Ok(false);
        }
        if !self.terms.spend_released && self.ledger.released_from(id)?.is_some() {
            left_out.released.add(amount);
            return Ok(false);
        }
        let is_final = output.created.place.position.epoch < self.ledger.end()?.epoch;
        if !is_final && !self.terms.spend_prepared {
            left_out.prepared.add(amount);
            return Ok(false);
        }
        Ok(true)
    }

    /// Checks withdrawals, and leaves out those that were handed off before.
    fn unknown<'w>(
        &self,
        all: &'w [Withdrawal],
        known: &mut Vec<u64>,
    ) -> Result<Vec<&'w Withdrawal>, PlanError> {
        let mut ids = HashSet::new();
        let mut wanted = Vec::new();
        for withdrawal in all {
            self.paid(withdrawal)?;
            let Some(id) = &withdrawal.id else {
                wanted.push(withdrawal);
                continue;
            };
            if !ids.insert(id) {
                return Err(PlanError::Twice(id.clone()));
            }
            let Some(WithdrawalRecord { body: before, number }) = self.ledger.withdrawal(id)? else {
                wanted.push(withdrawal);
                continue;
            };
            let id = id.clone();
            if before != body(withdrawal) {
                return Err(PlanError::OtherBody { id, number });
            }
            let handoff = self.ledger.handoff(number)?;
            let is_cancelled = handoff.transaction.is_none() && handoff.ended == Some(Ended::Cancelled);
            if is_cancelled || handoff.transaction.as_ref().is_some_and(|it| it.state().is_failure()) {
                return Err(PlanError::Over { id, number, status: handoff.status() });
            }
            known.push(number);
        }
        known.sort_unstable();
        known.dedup();
        Ok(wanted)
    }

    /// The output of a withdrawal that can be asked for.
    fn paid(&self, withdrawal: &Withdrawal) -> Result<Output, PlanError> {
        let Withdrawal { id, to, amount, private, comment, with_certificate } = withdrawal;
        let is_bad = |id: &&String| {
            id.is_empty() || id.len() > 128 || !id.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        };
        if let Some(id) = id.as_ref().filter(is_bad) {
            return Err(PlanError::Id(excerpt(id)));
        }
        let name = || id.as_ref().map_or_else(|| format!("to {to}"), |id| format!("{id:?}"));
        let to = to.require(self.ledger.network())?;
        if amount.is_zero() {
            return Err(PlanError::NoAmount(name()));
        }
        if !private && (comment.is_some() || *with_certificate) {
            return Err(PlanError::NotPrivate(name()));
        }
        let comment = comment.clone().unwrap_or_default();
        Comment::new(&comment).map_err(|error| PlanError::Comment(name(), error))?;
        let private = private.then_some(Private { comment, with_certificate: *with_certificate });
        let account = self.ledger.owner(&to.public_key().encoded())?;
        Ok(Output { recipient: to, amount: *amount, account, private, withdrawal: id.clone() })
    }

    fn cannot(&self, reason: SelectError, left_out: LeftOut) -> PlanError {
        PlanError::Select { transaction: 1, transactions: 1, reason, left_out }
    }
}

/// The digest of what was asked for: everything but the id.
fn body(withdrawal: &Withdrawal) -> Hash {
    let json = serde_json::to_string(&Withdrawal { id: None, ..withdrawal.clone() });
    Hash::digest(json.expect("withdrawals are plain data").as_str())
}
