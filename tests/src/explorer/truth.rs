//! What a ledger must say: the node's blocks, replayed by the shortest code that does it. Nothing of the explorer is
//! in it.

use crate::devnode::accounts::Account;
use crate::devnode::chain::Chain;
use crate::devnode::node::Node;
use crate::session::Session;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use stegos_common::address::EncodedAddress;
use stegos_common::api::block::MicroBlock;
use stegos_common::api::encoding::Timestamp;
use stegos_common::api::output::{OutputFields, OutputJson};
use stegos_common::hash::Hash;

/// More rows than any test has.
const ALL: u32 = 100_000;

/// The micro blocks of old epochs, which a node forgets, by the id of the macro block that closed their epoch.
#[derive(Default)]
pub(super) struct Past(RefCell<HashMap<Hash, Vec<Arc<MicroBlock>>>>);

impl Past {
    /// Makes a block.
    pub(super) fn mine(&self, node: &mut Node) {
        let before = current(node.chain());
        node.mine().unwrap_or_else(|error| panic!("{error}"));
        if node.chain().offset() == 0 {
            self.0.borrow_mut().insert(node.chain().last_block_hash(), before);
        }
    }
}

/// The micro blocks of the current epoch.
fn current(chain: &Chain) -> Vec<Arc<MicroBlock>> {
    let block = |offset| chain.micro_block(chain.epoch(), offset).ok();
    (0..chain.offset()).filter_map(block).cloned().collect()
}

/// Where something happened.
#[derive(Clone, Copy)]
struct Event {
    epoch: u64,
    offset: Option<u32>,
    transaction: Option<Hash>,
    /// That of the block, or of the macro block of its epoch.
    time: Timestamp,
}

struct Output {
    id: Hash,
    content: Content,
    created: Event,
    spent: Option<Event>,
}

enum Content {
    Public { recipient: EncodedAddress, amount: i64 },
    Private,
    Stake,
}

impl Output {
    /// Whether it was there at the end of an epoch.
    fn is_left_after(&self, epoch: u64) -> bool {
        self.created.epoch <= epoch && self.spent.is_none_or(|spent| spent.epoch > epoch)
    }
}

/// All outputs of a chain in the order in which they were made.
pub(super) struct Truth {
    outputs: Vec<Output>,
    /// The last one of each id.
    last: HashMap<Hash, usize>,
    /// The current epoch: everything before is final.
    epoch: u64,
    /// Where the chain ends.
    end: Value,
}

impl Truth {
    pub(super) fn new(chain: &Chain, past: &Past) -> Self {
        let mut truth =
            Self { outputs: Vec::new(), last: HashMap::new(), epoch: chain.epoch(), end: json!({}) };
        let mut time = chain.last_macro_block().timestamp;
        for block in chain.macro_blocks() {
            let (epoch, time) = (block.epoch, block.timestamp);
            for micro in past.0.borrow().get(&block.block_hash).into_iter().flatten() {
                truth.replay(micro, time);
            }
            // Rewards and awards, which are in no micro block.
            let event = Event { epoch, offset: None, transaction: None, time };
            let known = |id| truth.last.contains_key(id);
            let own: Vec<_> = block.outputs.iter().filter(|output| !known(&output.output_hash)).collect();
            own.into_iter().for_each(|output| truth.make(output, event));
        }
        for micro in current(chain) {
            time = micro.timestamp;
            truth.replay(&micro, time);
        }
        truth.end = json!({
            "epoch": chain.epoch(),
            "offset": chain.offset(),
            "last_block_hash": chain.last_block_hash(),
            "last_macro_block_hash": chain.last_macro_block().block_hash,
            "last_block_time": time,
        });
        truth
    }

    fn replay(&mut self, block: &MicroBlock, time: Timestamp) {
        for transaction in &block.transactions {
            let (epoch, offset) = (block.epoch, Some(block.offset));
            let event = Event { epoch, offset, transaction: Some(transaction.tx_hash), time };
            for input in transaction.inputs() {
                self.outputs[self.last[input]].spent = Some(event);
            }
            transaction.outputs().iter().for_each(|output| self.make(output, event));
        }
    }

    fn make(&mut self, output: &OutputJson, created: Event) {
        let content = match output.fields {
            OutputFields::PublicPaymentOutput { recipient, amount, .. } => {
                Content::Public { recipient, amount }
            }
            OutputFields::PaymentOutput { .. } => Content::Private,
            OutputFields::StakeOutput { .. } => Content::Stake,
        };
        let id = output.output_hash;
        self.last.insert(id, self.outputs.len());
        self.outputs.push(Output { id, content, created, spent: None });
    }

    /// Compares where the ledger ends and what the whole chain adds up to.
    pub(super) fn compare_status(&self, session: &mut Session) {
        let said = session.request(&json!({ "type": "status" }));
        let left = |wanted: fn(&Content) -> bool| {
            self.outputs.iter().filter(|output| output.spent.is_none() && wanted(&output.content)).count()
        };
        let all: Vec<&Output> = self.outputs.iter().collect();
        compare(&said, &self.end, "status");
        compare(&said, &self.balance(&all), "status");
        compare(
            &said["private_outputs"],
            &left(|content| matches!(content, Content::Private)).into(),
            "private",
        );
        compare(&said["stakes"], &left(|content| matches!(content, Content::Stake)).into(), "stakes");
    }

    /// Compares all that is said about the user of an account.
    pub(super) fn compare_user(&self, session: &mut Session, account: &Account) {
        let (account, key) = (account.name, account.public_key().encoded());
        let is_own = |output: &&Output| matches!(&output.content, Content::Public { recipient, .. } if recipient.key == key);
        let own: Vec<&Output> = self.outputs.iter().filter(is_own).collect();

        let said = session.request(&json!({ "type": "balance", "account": account, "at_epoch": null }));
        compare(&said, &self.balance(&own), account);
        compare(&said["addresses"][0], &self.balance(&own), account);
        for epoch in 0..self.epoch {
            let said = session.request(&json!({ "type": "balance", "account": account, "at_epoch": epoch }));
            compare(&said, &json!({ "epoch": epoch, "final": sum_after(epoch, &own) }), account);
        }
        for state in ["unspent", "spent", "all"] {
            let request = json!({ "type": "outputs", "account": account, "state": state, "since": 0, "after": null, "limit": ALL });
            let is_wanted =
                |output: &&&Output| state == "all" || output.spent.is_some() == (state == "spent");
            let expected = own.iter().filter(is_wanted).map(|output| self.row(output)).collect();
            compare_rows(&session.request(&request), expected, |row| &row["created"], account);
        }
        let request = json!({ "type": "history", "account": account, "after": null, "limit": ALL });
        let expected = own.iter().flat_map(|output| self.history(output)).collect();
        compare_rows(&session.request(&request), expected, |row| row, account);
    }

    fn balance(&self, outputs: &[&Output]) -> Value {
        let unspent = outputs.iter().filter(|output| output.spent.is_none());
        json!({ "final": sum_after(self.epoch - 1, outputs), "prepared": sum(unspent) })
    }

    fn event(&self, event: &Event) -> Value {
        let Event { epoch, offset, transaction, .. } = event;
        let finality = if *epoch < self.epoch { "final" } else { "prepared" };
        json!({ "epoch": epoch, "offset": offset, "transaction": transaction, "finality": finality })
    }

    fn row(&self, output: &Output) -> Value {
        let (created, spent) = (self.event(&output.created), output.spent.map(|spent| self.event(&spent)));
        let mut row = facts(output);
        row["kind"] = "public".into();
        (row["created"], row["spent"]) = (created, spent.into());
        row
    }

    fn history(&self, output: &Output) -> Vec<Value> {
        let events = [("deposit", Some(output.created)), ("spend", output.spent)];
        let happened = |(what, event): (&str, Option<Event>)| {
            let event = event?;
            let mut row = self.event(&event);
            (row["what"], row["time"]) = (what.into(), json!(event.time));
            row.as_object_mut()?.extend(facts(output).as_object()?.clone());
            Some(row)
        };
        events.into_iter().filter_map(happened).collect()
    }
}

fn facts(output: &Output) -> Value {
    let Content::Public { recipient, amount } = output.content else { return json!({}) };
    json!({ "output_hash": output.id, "recipient": recipient, "amount": amount })
}

fn sum_after(epoch: u64, outputs: &[&Output]) -> Value {
    sum(outputs.iter().filter(|output| output.is_left_after(epoch)))
}

/// What the public ones add up to.
fn sum<'a>(outputs: impl Iterator<Item = &'a &'a Output>) -> Value {
    let (mut sum, mut count) = (0, 0);
    for output in outputs {
        if let Content::Public { amount, .. } = output.content {
            sum += amount;
            count += 1;
        }
    }
    json!({ "amount": sum, "outputs": count })
}

/// Compares a page of everything. `event` is what its rows are sorted by.
fn compare_rows(said: &Value, mut expected: Vec<Value>, event: fn(&Value) -> &Value, about: &str) {
    let mut rows = said["rows"].as_array().unwrap_or_else(|| panic!("no rows: {said}")).clone();
    let place = |row: &Value| {
        let event = event(row);
        (event["epoch"].as_u64(), event["offset"].as_u64().unwrap_or(u64::MAX), event["index"].as_u64())
    };
    assert!(rows.is_sorted_by(|one, other| place(one) < place(other)), "{about}: not in order: {said:#}");
    // In another order than the truth where an epoch was not seen block by block.
    for rows in [&mut rows, &mut expected] {
        rows.sort_by_key(|row| (row["output_hash"].to_string(), row["what"].to_string()));
    }
    compare(&rows.into(), &expected.into(), about);
}

/// Compares all that is expected; what is said beyond it may be.
fn compare(said: &Value, expected: &Value, about: &str) {
    match (said, expected) {
        (Value::Object(_), Value::Object(fields)) => {
            // Of an epoch that was not seen block by block, the macro block tells nothing else.
            let is_vague = said["finality"] == "final" && said["offset"].is_null();
            for (name, expected) in fields {
                let vague = is_vague && ["offset", "transaction"].contains(&name.as_str());
                compare(
                    &said[name],
                    if vague { &Value::Null } else { expected },
                    &format!("{about}, {name}"),
                );
            }
        }
        (Value::Array(said), Value::Array(expected)) if said.len() == expected.len() => {
            said.iter().zip(expected).for_each(|(said, expected)| compare(said, expected, about));
        }
        _ => assert_eq!(said, expected, "{about}"),
    }
}
