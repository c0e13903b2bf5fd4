//! A lying node, as its clients hear it: each lie in notifications and answers alike, and the truth afterwards.

use crate::world::{World, address};
use custody_tests::request::pay;
use custody_tests::session::Session;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use stegos_common::address::Network;
use stegos_common::api::block::{MacroBlock, MicroBlock};
use stegos_common::api::output::ContentError;
use stegos_common::hash::Hash;

/// A micro block with payments, one with a restake, and the macro block of both.
struct Blocks {
    payment: MicroBlock,
    restake: MicroBlock,
    epoch: MacroBlock,
}

fn block(message: &Value) -> Value {
    let mut block = message.clone();
    let fields = block.as_object_mut().unwrap();
    fields.remove("type");
    fields.remove("id");
    block
}

/// What a node told while it lied, and the truth.
fn lied(lie: &str) -> (World, Blocks, Blocks) {
    let world = World::new(2);
    let (mut session, mut late, mut asker) = (world.session(), world.session(), world.session());
    session.request(&json!({ "type": "subscribe_chain", "epoch": 1, "offset": 0 }));
    late.request(&json!({ "type": "subscribe_chain", "epoch": 1, "offset": 9 }));
    for amount in [5, 6] {
        world.obey(json!({ "type": "faucet", "payments": [pay(&address("bob"), amount)] }));
    }
    let lies = |on: bool| world.obey(json!({ "type": "faults", "lie": if on { lie } else { "none" } }));
    let mut next = |session: &mut Session, request: Value| {
        lies(true);
        world.mine(1);
        let told = block(&session.notification());
        assert_eq!(block(&asker.request(&request)), told, "{lie}");
        lies(false);
        (block(&asker.request(&request)), told)
    };
    let micro = |offset| json!({ "type": "micro_block_info", "epoch": 1, "offset": offset });
    let payment = next(&mut session, micro(0));
    let restake = next(&mut session, micro(1));
    let epoch = next(&mut late, json!({ "type": "macro_block_info", "epoch": 1 }));

    // The chain is as it was, and whoever listens hears the truth.
    world.mine(1);
    for listener in [&mut session, &mut late] {
        assert_eq!(listener.notification()["previous"], epoch.0["block_hash"], "{lie}");
    }
    assert_eq!(restake.0["previous"], payment.0["block_hash"], "{lie}");
    let blocks = |payment, restake, epoch| Blocks {
        payment: serde_json::from_value(payment).unwrap(),
        restake: serde_json::from_value(restake).unwrap(),
        epoch: serde_json::from_value(epoch).unwrap(),
    };
    let truth = blocks(payment.0, restake.0, epoch.0);
    assert!(truth.consistent() == [true; 3]);
    (world, truth, blocks(payment.1, restake.1, epoch.1))
}

impl Blocks {
    /// Whether each block's ids, counts and roots fit its contents.
    fn consistent(&self) -> [bool; 3] {
        [
            self.payment.clone().sealed() == self.payment,
            self.restake.clone().sealed() == self.restake,
            self.epoch.clone().sealed() == self.epoch,
        ]
    }

    /// The fields of each block that are not as in another one.
    fn differences(&self, other: &Self) -> [BTreeSet<String>; 3] {
        let fields = |blocks: &Self| [json!(blocks.payment), json!(blocks.restake), json!(blocks.epoch)];
        let (ours, theirs) = (fields(self), fields(other));
        [0, 1, 2].map(|index| {
            let fields = ours[index].as_object().unwrap().iter();
            let other = fields.filter(|(name, value)| theirs[index][name.as_str()] != **value);
            other.map(|(name, _value)| name.clone()).collect()
        })
    }
}

fn names(lists: [&str; 3]) -> [BTreeSet<String>; 3] {
    lists.map(|names| names.split_whitespace().map(str::to_owned).collect())
}

#[test]
fn an_output_has_another_amount() {
    let (_world, truth, told) = lied("output_content");
    assert_eq!(truth.differences(&told), names(["transactions", "", "outputs"]));
    let made = told.payment.transactions.iter().flat_map(|transaction| transaction.outputs());
    for outputs in [made.cloned().collect::<Vec<_>>(), told.epoch.outputs] {
        let read = outputs.into_iter().map(|output| output.into_output(Network::Dev));
        let wrong: Vec<_> = read.filter_map(Result::err).collect();
        assert!(matches!(wrong[..], [ContentError::Hash { .. }]), "{wrong:?}");
    }
}

#[test]
fn a_block_has_another_id() {
    let (_world, truth, told) = lied("block_hash");
    assert_eq!(truth.differences(&told), names(["block_hash"; 3]));
}

#[test]
fn an_output_is_missing() {
    let (_world, truth, told) = lied("missing_output");
    assert_eq!(truth.differences(&told), names(["transactions", "transactions", "outputs"]));
    let count = |block: &MicroBlock| {
        block.transactions.iter().map(|transaction| transaction.outputs().len()).collect::<Vec<_>>()
    };
    assert_eq!((count(&truth.payment), count(&told.payment)), (vec![1, 2, 2], vec![1, 2, 1]));
    assert_eq!((count(&truth.restake), count(&told.restake)), (vec![1, 1], vec![1, 0]));
    assert_eq!(told.epoch.outputs, truth.epoch.outputs[1..]);
}

#[test]
fn an_input_never_existed() {
    let (world, truth, told) = lied("unknown_input");
    let roots = "block_hash inputs_len inputs_range_hash";
    let micro = format!("{roots} transactions transactions_range_hash");
    let expected = names([&micro, &micro, &format!("{roots} inputs")]);
    assert_eq!(truth.differences(&told), expected);
    assert_eq!(told.consistent(), [true; 3]);
    let payment = told.payment.transactions[1].clone().into_payment(Network::Dev).unwrap();
    let added = |truth: &[Hash], told: &[Hash]| {
        let added: Vec<Hash> = told.iter().filter(|id| !truth.contains(id)).copied().collect();
        assert_eq!((added.len(), told.len()), (1, truth.len() + 1));
        let request = json!({ "type": "outputs_list", "utxos": added });
        assert_eq!(world.session().request(&request)["type"], "error");
    };
    added(truth.payment.transactions[1].inputs(), &payment.txins);
    added(truth.restake.transactions[1].inputs(), told.restake.transactions[1].inputs());
    added(&truth.epoch.inputs, &told.epoch.inputs);
    assert!(told.epoch.inputs.is_sorted());
    assert!(truth.epoch.inputs.contains(told.epoch.inputs.last().unwrap()), "not sorted by chance");
}

#[test]
fn another_block_is_before() {
    let (_world, truth, told) = lied("previous");
    assert_eq!(truth.differences(&told), names(["block_hash previous"; 3]));
    assert_eq!(told.consistent(), [true; 3]);
}

#[test]
fn a_patched_node_lies_about_what_it_takes_back_as_well() {
    let world = World::new(5);
    let mut session = world.session();
    session.request(&json!({ "type": "subscribe_chain", "epoch": 1, "offset": 0 }));
    world.obey(json!({ "type": "announce", "on": true }));
    world.obey(json!({ "type": "faults", "lie": "block_hash" }));
    world.mine(1);
    let prepared = session.notification();
    world.obey(json!({ "type": "revert", "blocks": 1, "keep_transactions": true }));
    let reverted = session.notification();
    assert_eq!(reverted["type"], "micro_block_reverted");
    assert_eq!(reverted["block_hash"], prepared["block_hash"]);
}
