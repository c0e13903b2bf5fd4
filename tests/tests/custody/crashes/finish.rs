//! After the kills: everything is brought to its end, and must be right.

use super::player::Player;
use custody_tests::books::STRANGER;
use custody_tests::custody::{status, until};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use stegos_common::api::output::OutputJson;
use stegos_common::hash::Hash;

/// Where a handoff is, as the node's chain has it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// An input is in no block.
    Lost,
    /// It can be included.
    Due,
    /// It is.
    Included,
}

fn id(value: &Value) -> Hash {
    serde_json::from_value(value.clone()).unwrap()
}

fn ids<'a>(handoff: &'a Value) -> impl Iterator<Item = Hash> + 'a {
    handoff["inputs"].as_array().unwrap().iter().map(|input| id(&input["id"]))
}

impl Player<'_> {
    /// Signs and sends everything, and makes blocks until it is final. What spends an output that was taken back for
    /// good is cancelled.
    pub(super) fn finish(&mut self) {
        let world = &self.custody.world;
        self.restart();
        for block in 0.. {
            assert!(block < 100, "it never ends: {:#?}", self.live());
            self.run().settle();
            let made = self.made();
            for handoff in self.live() {
                if status(&handoff) == "open" && place(&handoff, &made) == Place::Due {
                    self.sign_and_send(&handoff, false);
                }
            }
            let live = self.wait(&made);
            if live.is_empty() && world.server.node().chain().offset() == 0 {
                return;
            }
            // Whatever waited without being known here is in that block.
            if block > 0 && live.iter().all(|handoff| place(handoff, &made) == Place::Lost) {
                for handoff in live {
                    world.ok(&["handoff", "cancel", &handoff["number"].to_string()]);
                }
            }
            world.mine(1);
        }
    }

    /// The outputs in blocks.
    pub(super) fn made(&self) -> BTreeSet<Hash> {
        let node = self.custody.world.server.node();
        let of = |outputs: &[OutputJson]| outputs.iter().map(|output| output.output_hash).collect::<Vec<_>>();
        let old = node.chain().macro_blocks().flat_map(|block| of(&block.outputs));
        let transactions = node.chain().micro_blocks().flat_map(|block| &block.transactions);
        old.chain(transactions.flat_map(|transaction| of(transaction.outputs()))).collect()
    }

    /// Waits until the explorer knows what is included, and the node has what is not. Answers everything live.
    pub(super) fn wait(&self, made: &BTreeSet<Hash>) -> Vec<Value> {
        until(|| {
            let live = self.live();
            let node = self.custody.world.server.node();
            let is_settled = |handoff: &Value| match place(handoff, made) {
                Place::Lost => true,
                Place::Due if status(handoff) == "open" => true,
                Place::Due => {
                    status(handoff) == "accepted" && node.chain().waits(&id(&handoff["transaction"]["id"]))
                }
                Place::Included => status(handoff) == "prepared",
            };
            if live.iter().all(is_settled) { Ok(live) } else { Err(live.into()) }
        })
    }

    /// Everything is final, and all of it was asked for.
    pub(super) fn check(&mut self) {
        let handoffs = self.custody.handoffs();
        let by_number: BTreeMap<u64, &Value> =
            handoffs.iter().map(|handoff| (handoff["number"].as_u64().unwrap(), handoff)).collect();
        for handoff in &handoffs {
            self.tell(handoff);
        }
        for number in self.told.keys() {
            assert!(by_number.contains_key(number), "handoff {number} is lost");
        }
        for number in &self.sent {
            assert!(by_number[number]["transaction"].is_object(), "handoff {number} was sent");
        }
        // No output was ever for two, for nothing was given up but what the signer may have signed away.
        let mut inputs = BTreeSet::new();
        for input in handoffs.iter().flat_map(ids) {
            assert!(inputs.insert(input), "{input} is for two handoffs");
        }
        let (done, cancelled): (Vec<&Value>, Vec<&Value>) =
            handoffs.iter().partition(|handoff| status(handoff) == "final");
        assert!(cancelled.iter().all(|handoff| status(handoff) == "cancelled"), "{cancelled:#?}");

        let mut end = self.books.check(self.custody);
        let transactions = done.iter().map(|handoff| id(&handoff["transaction"]["id"])).collect();
        assert_eq!(end.transactions, transactions);
        // Each withdrawal is in one handoff, and is paid once if that is final.
        let withdrawals = |handoffs: &[&Value]| -> Vec<(String, i64)> {
            let outputs = handoffs.iter().flat_map(|handoff| handoff["outputs"].as_array().unwrap());
            let pays = |output: &Value| {
                Some((output["withdrawal"].as_str()?.to_owned(), output["amount"].as_i64()?))
            };
            let mut withdrawals: Vec<_> = outputs.filter_map(pays).collect();
            withdrawals.sort_unstable();
            withdrawals
        };
        let mut paid: Vec<i64> = withdrawals(&done).into_iter().map(|(_, amount)| amount).collect();
        let mut got = end.outputs.remove(STRANGER).unwrap_or_default();
        paid.sort_unstable();
        got.sort_unstable();
        assert_eq!(got, paid);
        let all = withdrawals(&handoffs.iter().collect::<Vec<_>>());
        assert_eq!(all, self.asked.clone().into_iter().collect::<Vec<_>>());
        self.custody.world.audit();
    }
}

fn place(handoff: &Value, made: &BTreeSet<Hash>) -> Place {
    let outputs = handoff["transaction"]["outputs"].as_array();
    if outputs.is_some_and(|outputs| outputs.iter().any(|output| made.contains(&id(output)))) {
        Place::Included
    } else if ids(handoff).all(|input| made.contains(&input)) {
        Place::Due
    } else {
        Place::Lost
    }
}
