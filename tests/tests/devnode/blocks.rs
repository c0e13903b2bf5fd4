//! What blocks hold, and that no money comes from nowhere.

use crate::world::{SEED, World, account, address, broadcast, clock, create, genesis_outputs, params};
use custody_tests::devnode::node::Node;
use custody_tests::request::{pay, pay_privately};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use stegos_common::address::Network;
use stegos_common::api::block::{MacroBlock, MicroBlock};
use stegos_common::group::{Point, Scalar};
use stegos_common::output::{Output, Unspent};

fn commitment(output: &Output) -> Point {
    let open = |amount: i64| Point::mul_a(&Scalar::from(u64::try_from(amount).unwrap()));
    match output {
        Output::Payment(output) => output.proof.commitment.decode().unwrap(),
        Output::PublicPayment(output) => open(output.amount),
        Output::Stake(output) => open(output.amount),
    }
}

/// Checks that a macro block's inputs and new money are its outputs.
fn check_balance(block: &MacroBlock, known: &[Unspent]) {
    let outputs: Vec<Unspent> = block
        .outputs
        .iter()
        .map(|output| Unspent::new(output.clone().into_output(Network::Dev).unwrap()))
        .collect();
    let find = |id| known.iter().chain(&outputs).find(|unspent| unspent.id() == id).unwrap();
    let spent: Point = block.inputs.iter().map(|id| commitment(find(*id).output())).sum();
    let made: Point = outputs.iter().map(|unspent| commitment(unspent.output())).sum();
    let reward = Point::mul_a(&Scalar::from(block.block_reward.unsigned_micro()));
    assert!(spent + reward == made + Point::mul_g(&block.gamma.0), "epoch {}", block.epoch);
}

#[test]
fn a_macro_block_is_its_epoch_and_its_own_rewards() {
    // An award in every epoch.
    let world = World::with(params(3, 0));
    let mut session = world.session();
    let alice = account("alice");
    let [public, private] = genesis_outputs(&mut session, "alice");
    let txouts = [pay_privately(&address("bob"), 7, "x"), pay(&address("alice"), 1_999_999_998_000 - 7)];
    let created = session.request(&create(&alice, &[&public, &private], &txouts, 2000));
    assert_eq!(broadcast(&mut session, &created)["status"]["status"], "accepted");
    world.mine(1);
    // The change of the first payment is made and spent in the same epoch.
    let change = json!({ "type": "outputs_list", "utxos": [created["txouts"][1]] });
    let change = session.request(&change)["utxos"][0].as_str().unwrap().to_owned();
    let change = custody_tests::money::from_blob(&change);
    let created =
        session.request(&create(&alice, &[&change], &[pay(&address("bob"), 1_999_999_996_993)], 1000));
    assert_eq!(broadcast(&mut session, &created)["status"]["status"], "accepted");
    world.mine(2);

    let mut transactions = Vec::new();
    for offset in 0..3 {
        let block = session.request(&json!({ "type": "micro_block_info", "epoch": 1, "offset": offset }));
        let block: MicroBlock = serde_json::from_value(block).unwrap();
        assert_eq!(block.verify(Network::Dev), Ok(()));
        transactions.extend(block.transactions);
    }
    let missing = json!({ "type": "micro_block_info", "epoch": 1, "offset": 0 });
    world.mine(1);
    assert_eq!(session.request(&missing)["error"], "Micro block doesn't exists: epoch=1, offset=0");
    let block = session.request(&json!({ "type": "macro_block_info", "epoch": 1 }));
    let block: MacroBlock = serde_json::from_value(block).unwrap();
    assert_eq!(block.verify(Network::Dev), Ok(()));

    let inputs: BTreeSet<_> =
        transactions.iter().flat_map(|transaction| transaction.inputs()).copied().collect();
    assert_eq!(block.inputs, inputs.iter().copied().collect::<Vec<_>>(), "all inputs, sorted");
    assert!(inputs.contains(&change.id()));
    let outputs: BTreeSet<_> = block.outputs.iter().map(|output| output.output_hash).collect();
    assert!(block.outputs.iter().map(|output| output.output_hash).eq(outputs.iter().copied()), "sorted");
    assert!(outputs.contains(&change.id()), "also what was spent again");
    let made = transactions.iter().flat_map(|transaction| transaction.outputs());
    let made: BTreeSet<_> = made.map(|output| output.output_hash).collect();
    let own: Vec<_> = block.outputs.iter().filter(|output| !made.contains(&output.output_hash)).collect();
    let kinds: BTreeSet<String> =
        own.iter().map(|output| json!(output)["type"].as_str().unwrap().to_owned()).collect();
    assert_eq!(own.len(), 2);
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["payment_output", "public_payment_output"]);
    let award = block.epoch_info.awards.payout.as_ref().unwrap();
    assert_eq!(award.recipient.to_string(), address("validator").to_string());
    assert_eq!(block.block_reward.micro(), 4 * 24_000_000 + award.amount.micro());

    let genesis = session.request(&json!({ "type": "macro_block_info", "epoch": 0 }));
    let genesis: MacroBlock = serde_json::from_value(genesis).unwrap();
    check_balance(&genesis, &[]);
    let known =
        genesis.outputs.into_iter().map(|output| Unspent::new(output.into_output(Network::Dev).unwrap()));
    check_balance(&block, &known.collect::<Vec<_>>());
    // What is spent is gone, what is not can be asked for.
    for output in &block.outputs {
        let answer = session.request(&json!({ "type": "outputs_list", "utxos": [output.output_hash] }));
        assert_eq!(answer["type"] == "error", inputs.contains(&output.output_hash));
    }
}

#[test]
fn a_chain_follows_from_its_seed_and_clock() {
    let chain = |seed: &str| {
        let mut params = params(2, 1);
        params.seed = seed.into();
        let mut node = Node::new(params, clock(), None, |_line| {}).unwrap();
        let faucet = json!({ "type": "faucet", "payments": [pay_privately(&address("bob"), 7, "x")] });
        for command in [
            faucet,
            json!({ "type": "mine", "blocks": 8 }),
            json!({ "type": "replace", "keep_transactions": true }),
            json!({ "type": "finish_epoch" }),
        ] {
            node.obey(serde_json::from_value(command).unwrap()).unwrap();
        }
        node.chain().last_block_hash()
    };
    assert_eq!(chain(SEED), chain(SEED));
    assert_ne!(chain(SEED), chain("another"));
}

#[test]
fn payments_of_a_reverted_block_are_mined_again() {
    let world = World::new(5);
    let mut session = world.session();
    let alice = account("alice");
    let [public, _private] = genesis_outputs(&mut session, "alice");
    let request =
        |output: &Unspent, rest: i64| create(&alice, &[output], &[pay(&address("alice"), rest)], 1000);
    let first = session.request(&request(&public, 999_999_999_000));
    broadcast(&mut session, &first);
    world.mine(1);
    let id = json!({ "type": "outputs_list", "utxos": first["txouts"] });
    let made = custody_tests::money::from_blob(session.request(&id)["utxos"][0].as_str().unwrap());
    let second = session.request(&request(&made, 999_999_998_000));
    assert_eq!(broadcast(&mut session, &second)["status"]["status"], "accepted");

    session.request(&json!({ "type": "pop_micro_block" }));
    assert_eq!(session.request(&id)["type"], "error", "the output is gone with its block");
    // The first payment waits again; the second has nothing to spend now.
    world.mine(1);
    assert_eq!(session.request(&id)["type"], "outputs_list");
    let block = session.request(&json!({ "type": "micro_block_info", "epoch": 1, "offset": 0 }));
    assert_eq!(block["transactions_len"], 2);
    assert_eq!(broadcast(&mut session, &second)["status"]["status"], "accepted");

    // Or both are lost.
    world.server.node().revert(1, false).unwrap();
    world.mine(1);
    let block: Value = session.request(&json!({ "type": "micro_block_info", "epoch": 1, "offset": 0 }));
    assert_eq!(block["transactions_len"], 1);
}
