//! The books at the end of an epoch: from where what everybody has came, and where the rest went. What the ledger counts
//! block by block is held against the outputs and against our own transactions. It does no input or output.
//!
//! Sums of amounts are of 128 bits: 2^64 amounts of the largest size fit in.

use super::row::{BalanceRow, Mark};
use crate::handoff::record::Handoff;
use crate::ledger::record::Sum;
use std::collections::HashMap;
use stegos_common::hash::Hash;

/// What a transaction consists of, in micro-STG.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Parts {
    pub(super) inputs: u64,
    pub(super) outputs: u64,
    /// What it spends.
    pub(super) spent: i128,
    /// What others got.
    pub(super) paid: i128,
    /// What users got: change, and what was swept.
    pub(super) kept: i128,
    /// What the network got.
    pub(super) fee: i128,
}

impl Parts {
    pub(super) fn of(handoff: &Handoff) -> Self {
        let sum = |users: bool| -> i128 {
            let outputs = handoff.outputs.iter().filter(|output| output.account.is_some() == users);
            outputs.map(|output| i128::from(output.amount.micro())).sum()
        };
        Self {
            inputs: handoff.inputs.len() as u64,
            outputs: handoff.outputs.len() as u64,
            spent: handoff.inputs.iter().map(|input| i128::from(input.amount.micro())).sum(),
            paid: sum(false),
            kept: sum(true),
            fee: handoff.fee.micro().into(),
        }
    }

    pub(super) const fn plus(self, other: Self) -> Self {
        Self {
            inputs: self.inputs + other.inputs,
            outputs: self.outputs + other.outputs,
            spent: self.spent + other.spent,
            paid: self.paid + other.paid,
            kept: self.kept + other.kept,
            fee: self.fee + other.fee,
        }
    }

    /// What it spends and nobody gets: nothing, in a transaction that a node takes.
    pub(super) const fn difference(self) -> i128 {
        self.spent - self.paid - self.kept - self.fee
    }
}

/// What our transactions did with the outputs of an account, in micro-STG.
#[derive(Debug, Clone, Copy, Default)]
struct Moved {
    public_in: i128,
    public_out: i128,
    private_in: i128,
    private_out: i128,
    /// Private outputs that are left.
    private: i128,
    /// Those that something else spent.
    elsewhere: i128,
}

/// What the ledger has of an account's public outputs, in micro-STG.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Has {
    /// What it counted.
    pub(super) settled: Sum,
    /// What they are all worth that were ever made,
    pub(super) received: i128,
    /// and those that were spent.
    pub(super) spent: i128,
}

/// See the module.
pub(super) struct Books {
    accounts: HashMap<String, Moved>,
    /// Private outputs that our transactions made for accounts of ours, and have not spent.
    own: HashMap<Hash, (String, i128)>,
    parts: Parts,
    total: BalanceRow,
}

impl Books {
    pub(super) fn new(at_epoch: u64) -> Self {
        let total = BalanceRow {
            record: Mark::Total,
            row: 0,
            at_epoch,
            account: None,
            archived: None,
            outputs: 0,
            public_micro_stg: 0,
            private_micro_stg: 0,
            balance_micro_stg: 0,
            deposits_micro_stg: 0,
            moved_in_micro_stg: 0,
            moved_out_micro_stg: 0,
            withdrawals_micro_stg: None,
            fees_micro_stg: None,
            spent_elsewhere_micro_stg: 0,
            difference_micro_stg: 0,
            reconciles: true,
        };
        Self { accounts: HashMap::new(), own: HashMap::new(), parts: Parts::default(), total }
    }

    /// Takes a transaction that is final. They come in the order of their handoffs, so that a private output is made before
    /// it is spent.
    pub(super) fn note(&mut self, handoff: &Handoff) {
        self.parts = self.parts.plus(Parts::of(handoff));
        for input in &handoff.inputs {
            let amount = i128::from(input.amount.micro());
            let moved = self.accounts.entry(input.account.clone()).or_default();
            if input.private {
                moved.private_out += amount;
                self.own.remove(&input.id);
            } else {
                moved.public_out += amount;
            }
        }
        let made = handoff.transaction.as_ref().map(|it| it.outputs.as_slice()).unwrap_or_default();
        for (output, id) in handoff.outputs.iter().zip(made) {
            let Some(account) = &output.account else { continue };
            let amount = i128::from(output.amount.micro());
            let moved = self.accounts.entry(account.clone()).or_default();
            if output.private.is_some() {
                moved.private_in += amount;
                self.own.insert(*id, (account.clone(), amount));
            } else {
                moved.public_in += amount;
            }
        }
    }

    /// The private outputs that must be unspent.
    pub(super) fn private(&self) -> Vec<Hash> {
        self.own.keys().copied().collect()
    }

    /// Takes what the chain says of one of them: whether it is spent; nothing where it was never made.
    pub(super) fn see(&mut self, id: Hash, spent: Option<bool>) {
        let Some((account, amount)) = self.own.remove(&id) else { return };
        let moved = self.accounts.entry(account).or_default();
        match spent {
            Some(true) => moved.elsewhere += amount,
            Some(false) => moved.private += amount,
            None => {}
        }
    }

    /// The row of an account, which is added to the total.
    pub(super) fn account(&mut self, account: &str, archived: bool, has: Has) -> BalanceRow {
        let moved = self.accounts.remove(account).unwrap_or_default();
        let public = i128::from(has.settled.amount.micro());
        let deposits = has.received - moved.public_in;
        let moved_in = moved.public_in + moved.private_in;
        let moved_out = moved.public_out + moved.private_out;
        let balance = public + moved.private;
        let elsewhere = has.spent - moved.public_out + moved.elsewhere;
        let difference = deposits + moved_in - moved_out - balance;
        let total = &mut self.total;
        total.outputs += has.settled.outputs;
        total.public_micro_stg += public;
        total.private_micro_stg += moved.private;
        total.balance_micro_stg += balance;
        total.deposits_micro_stg += deposits;
        total.moved_in_micro_stg += moved_in;
        total.moved_out_micro_stg += moved_out;
        total.spent_elsewhere_micro_stg += elsewhere;
        total.difference_micro_stg += difference;
        BalanceRow {
            record: Mark::Row,
            row: 0,
            at_epoch: self.total.at_epoch,
            account: Some(account.to_owned()),
            archived: Some(archived),
            outputs: has.settled.outputs,
            public_micro_stg: public,
            private_micro_stg: moved.private,
            balance_micro_stg: balance,
            deposits_micro_stg: deposits,
            moved_in_micro_stg: moved_in,
            moved_out_micro_stg: moved_out,
            withdrawals_micro_stg: None,
            fees_micro_stg: None,
            spent_elsewhere_micro_stg: elsewhere,
            difference_micro_stg: difference,
            reconciles: difference == 0 && elsewhere == 0 && deposits >= 0,
        }
    }

    /// The last row: what came from outside, less what went there, is what is there.
    pub(super) fn total(self) -> BalanceRow {
        let Self { total, parts, .. } = self;
        let difference = total.deposits_micro_stg - parts.paid - parts.fee - total.balance_micro_stg;
        BalanceRow {
            withdrawals_micro_stg: Some(parts.paid),
            fees_micro_stg: Some(parts.fee),
            difference_micro_stg: difference,
            reconciles: difference == 0,
            ..total
        }
    }

    /// The last row where only one account is asked for. What was paid and the fees are of all accounts together.
    pub(super) fn total_of_one(self) -> BalanceRow {
        BalanceRow { reconciles: self.total.difference_micro_stg == 0, ..self.total }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handoff::record::{Input, Output, Private, Purpose, Transaction};
    use stegos_common::address::{Address, Network};
    use stegos_common::amount::Amount;
    use stegos_common::api::encoding::Timestamp;
    use stegos_common::keys::SecretKey;

    const CHANGE: Hash = Hash::from_bytes([9; 32]);

    fn micro(amount: i64) -> Amount {
        Amount::from_micro(amount).unwrap()
    }

    /// 100 of alice and 50 of bob, of which 60 are paid, 80 are change, hidden if so said, and 10 are the fee.
    fn withdrawal(hidden: bool) -> Handoff {
        let time = Timestamp::from_unix_nanos(0);
        let input = |account: &str, amount| Input {
            id: Hash::from_bytes([1; 32]),
            amount: micro(amount),
            account: account.to_owned(),
            private: false,
        };
        let public = SecretKey::from_seed(b"somebody").public_key();
        let output = |account: Option<&str>, amount| Output {
            recipient: Address::new(Network::Dev, public),
            amount: micro(amount),
            account: account.map(str::to_owned),
            private: None,
            withdrawal: None,
        };
        let private = hidden.then(|| Private { comment: String::new(), with_certificate: false });
        Handoff {
            number: 1,
            purpose: Purpose::Withdrawal,
            created: time,
            expires: time,
            inputs: vec![input("alice", 100), input("bob", 50)],
            outputs: vec![output(None, 60), Output { private, ..output(Some("alice"), 80) }],
            fee: micro(10),
            journal: None,
            ended: None,
            transaction: Some(Transaction {
                id: CHANGE,
                outputs: vec![Hash::from_bytes([8; 32]), CHANGE],
                certificates: Vec::new(),
                journal: None,
                history: Vec::new(),
            }),
        }
    }

    fn has(received: i128, spent: i128, settled: i64) -> Has {
        Has { settled: Sum { amount: micro(settled), outputs: 1 }, received, spent }
    }

    #[test]
    fn payments_between_users_cancel_out_and_everything_is_accounted_for() {
        for hidden in [false, true] {
            let mut books = Books::new(3);
            books.note(&withdrawal(hidden));
            let change = if hidden { (0, 0) } else { (80, 80) };
            assert_eq!(books.private().len(), usize::from(hidden));
            books.see(CHANGE, Some(false));
            let alice = books.account("alice", false, has(105 + change.0, 100, 5 + change.1));
            assert_eq!(
                (alice.deposits_micro_stg, alice.balance_micro_stg, alice.reconciles),
                (105, 85, true)
            );
            let bob = books.account("bob", false, has(50, 50, 0));
            assert_eq!((bob.balance_micro_stg, bob.reconciles), (0, true));
            let total = books.total();
            assert_eq!(total.deposits_micro_stg, 155);
            assert_eq!((total.withdrawals_micro_stg, total.fees_micro_stg), (Some(60), Some(10)));
            assert_eq!(
                (total.balance_micro_stg, total.difference_micro_stg, total.reconciles),
                (85, 0, true)
            );
        }
    }

    #[test]
    fn whatever_does_not_balance_is_told_with_the_amount() {
        // What is spoilt, what alice has, whether the change is spent; what is told.
        type Case = (&'static str, fn(&mut Handoff), Has, Option<bool>, i128, i128);
        let cases: [Case; 6] = [
            ("the count is too low", |_| {}, has(105, 100, 4), Some(false), 1, 0),
            ("somebody else spent 5", |_| {}, has(105, 105, 0), Some(false), 5, 5),
            ("the hidden change was spent elsewhere", |_| {}, has(105, 100, 5), Some(true), 80, 80),
            ("the hidden change was never made", |_| {}, has(105, 100, 5), None, 80, 0),
            ("more was paid than is known", |it| it.fee = micro(9), has(105, 100, 5), Some(false), 1, 0),
            ("the payment is missing", |it| drop(it.outputs.remove(0)), has(105, 100, 5), None, 60, 0),
        ];
        for (case, spoil, alice, change, difference, elsewhere) in cases {
            let mut books = Books::new(3);
            let mut handoff = withdrawal(true);
            spoil(&mut handoff);
            books.note(&handoff);
            for id in books.private() {
                books.see(id, if id == CHANGE { change } else { Some(false) });
            }
            books.account("alice", false, alice);
            books.account("bob", true, has(50, 50, 0));
            let total = books.total();
            assert_eq!((total.difference_micro_stg, total.reconciles), (difference, false), "{case}");
            assert_eq!(total.spent_elsewhere_micro_stg, elsewhere, "{case}");
        }
    }

    #[test]
    fn a_user_whose_count_is_wrong_is_told_though_another_one_makes_up_for_it() {
        let mut books = Books::new(3);
        assert!(!books.account("alice", false, has(10, 0, 9)).reconciles);
        assert!(!books.account("bob", false, has(10, 0, 11)).reconciles);
        assert_eq!(books.total().difference_micro_stg, 0);
    }

    #[test]
    fn a_transaction_that_does_not_add_up_is_told() {
        assert_eq!(Parts::of(&withdrawal(false)).difference(), 0);
        let handoff = Handoff { fee: micro(7), ..withdrawal(false) };
        assert_eq!(Parts::of(&handoff).difference(), 3);
    }
}
