//! What left a signer, seen from outside, and what its journal must say about it.

use crate::store::Store;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use stegos_common::hash::Hash;
use stegos_common::transaction::PaymentTransaction;

/// The transactions that were released from one journal. No output is in two of them.
#[derive(Clone, Default)]
pub struct Ledger {
    /// The bytes of each transaction, in hex.
    released: BTreeMap<Hash, String>,
    /// The transaction that spends an output.
    spent: BTreeMap<Hash, Hash>,
}

impl Ledger {
    /// Notes the transaction of an answer, and answers its id.
    pub fn note(&mut self, answer: &Value) -> Hash {
        let data = answer["data"].as_str().unwrap_or_else(|| panic!("nothing was signed: {answer}"));
        let transaction = read(data);
        let id = transaction.id();
        let earlier = self.released.entry(id).or_insert_with(|| data.to_owned());
        assert_eq!(earlier, data, "two spellings of transaction {id}");
        for input in transaction.txins {
            let earlier = *self.spent.entry(input).or_insert(id);
            assert_eq!(earlier, id, "two transactions that spend {input} were released");
        }
        id
    }

    /// The outputs that were signed away, each with the transaction that spends it.
    pub fn spent(&self) -> impl Iterator<Item = (&Hash, &Hash)> {
        self.spent.iter()
    }

    /// Holds the journal of a store whose daemon is stopped against all that was released: it verifies, has all of
    /// it, and has no output in two transactions. Answers all transactions in it and what they spend.
    pub fn check(&self, store: &Store) -> BTreeMap<Hash, BTreeSet<Hash>> {
        store.ok(&["journal", "verify"]);
        let (mut journalled, mut spent) = (BTreeMap::new(), BTreeMap::new());
        for line in store.ok(&["journal", "list", "--json"]).lines() {
            let record: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            let Some(data) = record["data"].as_str() else { continue };
            let transaction = read(data);
            let id = transaction.id();
            for input in &transaction.txins {
                let earlier = spent.insert(*input, id);
                assert_eq!(earlier, None, "the journal has two transactions that spend {input}");
            }
            let released = self.released.get(&id).map_or(data, String::as_str);
            assert_eq!(released, data, "another transaction {id} was released than is in the journal");
            journalled.insert(id, transaction.txins.into_iter().collect());
        }
        for id in self.released.keys() {
            assert!(journalled.contains_key(id), "transaction {id} was released and is not in the journal");
        }
        if let Some((id, data)) = self.released.first_key_value() {
            assert!(store.ok(&["journal", "show", &id.to_string()]).contains(data), "{id} is not shown");
        }
        journalled
    }
}

fn read(data: &str) -> PaymentTransaction {
    let bytes = hex::decode(data).unwrap_or_else(|error| panic!("{error}: {data}"));
    PaymentTransaction::from_bytes(&bytes).unwrap_or_else(|error| panic!("{error}: {data}"))
}
