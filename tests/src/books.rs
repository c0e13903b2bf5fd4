//! What became of the faucet's money: the final blocks of a node, read with everybody's key. Nothing that the explorer
//! says is in it.

use crate::custody::Custody;
use crate::ledger::Ledger;
use crate::money::key;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use stegos_common::address::Network;
use stegos_common::amount::Amount;
use stegos_common::api::create_raw_transaction::RawTransaction;
use stegos_common::hash::Hash;
use stegos_common::keys::{PublicKey, SecretKey};
use stegos_common::output::Output;
use stegos_common::transaction::PaymentTransaction;

/// Somebody who is not a user of the exchange, and never spends anything.
pub const STRANGER: &str = "a stranger";

/// Whose an output is, and how much it is worth.
type Owned = (String, i64);

/// See the module.
pub struct Books {
    /// Everybody who may own something.
    owners: Vec<(String, SecretKey, PublicKey)>,
    /// What the faucet paid, whether it came into a block or not.
    given: BTreeMap<Hash, i64>,
    /// All that the signer answered.
    ledger: Ledger,
    signed: BTreeMap<Hash, PaymentTransaction>,
    /// What was opened before; `None` is the node's own.
    opened: HashMap<Hash, Option<Owned>>,
}

/// What is final.
pub struct Final {
    /// The unspent outputs of everybody, by their amounts in micro-STG.
    pub outputs: BTreeMap<String, Vec<i64>>,
    /// The signed transactions.
    pub transactions: BTreeSet<Hash>,
}

impl Books {
    /// Of these accounts of the exchange, and a stranger.
    #[must_use]
    pub fn new(accounts: &[&str]) -> Self {
        let owner = |name: &&str| {
            let (secret, public) = key(name);
            ((*name).to_owned(), secret, public)
        };
        let owners = accounts.iter().chain([&STRANGER]).map(owner).collect();
        let (given, signed, opened) = (BTreeMap::new(), BTreeMap::new(), HashMap::new());
        Self { owners, given, ledger: Ledger::default(), signed, opened }
    }

    /// Pays accounts in the next block.
    pub fn deposit(&mut self, custody: &Custody, payments: &[(&str, i64)]) {
        let ids = custody.deposit(payments);
        self.given.extend(ids.into_iter().zip(payments.iter().map(|(_, amount)| *amount)));
    }

    /// Notes what the signer answered.
    pub fn note(&mut self, answer: &str) {
        let answer: Value = serde_json::from_str(answer).unwrap_or_else(|error| panic!("{error}: {answer}"));
        let id = self.ledger.note(&answer);
        let raw: RawTransaction =
            serde_json::from_value(answer).unwrap_or_else(|error| panic!("transaction {id}: {error}"));
        let transaction = PaymentTransaction::from_bytes(&raw.data.0);
        self.signed.insert(id, transaction.unwrap_or_else(|error| panic!("transaction {id}: {error}")));
    }

    /// Holds what the explorer and the signer say against the node's blocks, at the end of an epoch: what everybody has
    /// and what was paid in fees is what the faucet gave, and the journal has all that was signed, no output twice.
    pub fn check(&mut self, custody: &Custody) -> Final {
        let (made, spent) = self.read(custody);
        let mut outputs: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for (id, (owner, amount)) in &made {
            if !spent.contains(id) {
                outputs.entry(owner.clone()).or_default().push(*amount);
            }
        }
        let own = |name: &str| -> i64 { outputs.get(name).into_iter().flatten().sum() };
        for (name, ..) in self.owners.iter().filter(|(name, ..)| name != STRANGER) {
            assert_eq!(custody.balance(name), own(name), "{name}");
        }
        let is_final = |transaction: &&PaymentTransaction| {
            let ids = transaction.txouts.iter().map(Output::id);
            transaction.txins.iter().all(|id| spent.contains(id))
                && ids.into_iter().all(|id| made.contains_key(&id))
        };
        let transactions: Vec<_> = self.signed.values().filter(is_final).collect();
        let fees: i64 = transactions.iter().map(|transaction| transaction.fee).sum();
        let given: i64 =
            self.given.iter().filter(|(id, _)| made.contains_key(id)).map(|(_, amount)| amount).sum();
        let owned: i64 = self.owners.iter().map(|(name, ..)| own(name)).sum();
        assert_eq!(owned + fees, given, "{fees} are fees, and the rest is {outputs:?}");
        self.ledger.check(&custody.store);
        Final { outputs, transactions: transactions.into_iter().map(PaymentTransaction::id).collect() }
    }

    /// All outputs of the owners, and the ids of all that was spent.
    fn read(&mut self, custody: &Custody) -> (BTreeMap<Hash, Owned>, BTreeSet<Hash>) {
        let node = custody.world.server.node();
        assert_eq!(node.chain().offset(), 0, "not everything is final");
        let (mut made, mut spent) = (BTreeMap::new(), BTreeSet::new());
        for block in node.chain().macro_blocks() {
            spent.extend(&block.inputs);
            for output in &block.outputs {
                let open = || {
                    self.owners
                        .iter()
                        .find_map(|owner| open(&output.clone().into_output(Network::Dev).ok()?, owner))
                };
                let owned = self.opened.entry(output.output_hash).or_insert_with(open);
                made.extend(owned.clone().map(|owned| (output.output_hash, owned)));
            }
        }
        (made, spent)
    }
}

/// What an output is worth to an owner, if it is the owner's.
fn open(output: &Output, (name, secret, public): &(String, SecretKey, PublicKey)) -> Option<Owned> {
    let amount = match output {
        Output::PublicPayment(output) => (output.recipient == public.encoded()).then_some(output.amount)?,
        Output::Payment(output) => {
            output.open(secret, public).ok().map(|payload| Amount::micro(payload.amount))?
        }
        Output::Stake(_) => return None,
    };
    Some((name.clone(), amount))
}
