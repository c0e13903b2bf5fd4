//! Recorded blocks are what they say they are, and whatever is changed in one is found.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use stegos_common::address::{AddressError, EncodedAddress, Network};
use stegos_common::api::block::{MacroBlock, MicroBlock};
use stegos_common::api::encoding::{HexBytes, Timestamp};
use stegos_common::api::output::{ContentError, OutputFields};
use stegos_common::api::transaction::{TransactionFields, TransactionJson};
use stegos_common::api::verify::{BlockError, Part};
use stegos_common::group::Encoded;
use stegos_common::hash::Hash;
use support::vectors;

/// Every recorded block by its id, with its network.
fn blocks() -> BTreeMap<String, (Network, Value)> {
    fn collect(network: Network, value: &Value, found: &mut BTreeMap<String, (Network, Value)>) {
        match value {
            Value::Object(fields) if fields.contains_key("pkey") => {
                let mut block = value.clone();
                // They are of the message.
                block.as_object_mut().unwrap().retain(|key, _| key != "type" && key != "id");
                found.insert(fields["block_hash"].to_string(), (network, block));
            }
            Value::Object(fields) => fields.values().for_each(|value| collect(network, value, found)),
            Value::Array(list) => list.iter().for_each(|value| collect(network, value, found)),
            _ => {}
        }
    }
    let mut found = BTreeMap::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/traffic");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let network = if name.starts_with("offline_") { Network::Testnet } else { Network::Dev };
        collect(network, &vectors(&format!("traffic/{name}")), &mut found);
    }
    found
}

/// The first recorded block that is as wanted.
fn block(wanted: impl Fn(&Value) -> bool) -> Value {
    blocks().into_values().map(|(_network, block)| block).find(|block| wanted(block)).unwrap()
}

fn micro_block(with: &str) -> MicroBlock {
    let found = block(|block| {
        let mut transactions = block["transactions"].as_array().into_iter().flatten();
        transactions.any(|transaction| transaction["type"] == with)
    });
    serde_json::from_value(found).unwrap()
}

fn macro_block() -> MacroBlock {
    let found = block(|block| {
        let has = |list: &str| block[list].as_array().is_some_and(|list| list.len() > 1);
        has("inputs") && has("outputs")
    });
    serde_json::from_value(found).unwrap()
}

fn verify(block: &Value, network: Network) -> Result<(), BlockError> {
    if block.get("transactions").is_some() {
        MicroBlock::deserialize(block).unwrap().verify(network)
    } else {
        MacroBlock::deserialize(block).unwrap().verify(network)
    }
}

fn sealed(block: &Value) -> Value {
    if block.get("transactions").is_some() {
        json!(MicroBlock::deserialize(block).unwrap().sealed())
    } else {
        json!(MacroBlock::deserialize(block).unwrap().sealed())
    }
}

/// The fields that no digest covers; `*` stands for any place in a list.
const FREE: [&str; 7] = [
    "/sig",
    "/multisig",
    "/multisigmap",
    "/facilitator",
    "/validators/*/account_pkey",
    "/outputs/*/signature",
    "/transactions/*/txouts/*/signature",
];

/// The same, with everything in them.
const FREE_TREES: [&str; 2] = ["/awards/", "/old_epoch_info/"];

/// The places of all values in `value`, as JSON pointers; without the tags, which say what the others
/// mean.
fn places(value: &Value, place: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields.iter().filter(|(key, _)| !["type", "status"].contains(&key.as_str())) {
                places(value, &format!("{place}/{key}"), found);
            }
        }
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(i, value)| places(value, &format!("{place}/{i}"), found));
        }
        _ => {}
    }
    found.push(place.to_owned());
}

fn is_free(place: &str) -> bool {
    let is_place = |step: &str| !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit());
    let steps: Vec<&str> = place.split('/').map(|step| if is_place(step) { "*" } else { step }).collect();
    FREE.contains(&steps.join("/").as_str()) || FREE_TREES.iter().any(|tree| place.starts_with(tree))
}

/// Each way to change a value into another that can be read in its place.
fn changes(place: &str, value: &Value) -> Vec<Value> {
    match value {
        Value::Number(number) => {
            // Small and unsigned where the field is.
            let number = number.as_i64().unwrap();
            vec![json!(if number == 0 { 1 } else { number - 1 })]
        }
        Value::String(text) if place.ends_with("map") => vec![json!(format!("{text}01"))],
        Value::String(text) => vec![json!(another(text))],
        Value::Array(list) => {
            let mut changes = Vec::new();
            if let [first, .., last] = list.as_slice() {
                let mut swapped = list.clone();
                swapped[0] = last.clone();
                *swapped.last_mut().unwrap() = first.clone();
                changes.push(swapped);
            }
            if let [first, rest @ ..] = list.as_slice() {
                changes.push(rest.to_vec());
                let mut longer = list.clone();
                longer.insert(0, first.clone());
                changes.push(longer);
            }
            if let Some(last) = list.last() {
                // Without its count, a root would not show this one.
                let mut longer = list.clone();
                longer.push(last.clone());
                changes.push(longer);
            }
            changes.into_iter().map(Value::Array).collect()
        }
        Value::Null | Value::Object(_) | Value::Bool(_) => Vec::new(),
    }
}

/// The next time, another key of the same network, or hex with another last digit.
fn another(text: &str) -> String {
    if let Ok(time) = text.parse::<Timestamp>() {
        Timestamp::from_unix_nanos(time.unix_nanos() + 1).to_string()
    } else if let Ok(EncodedAddress { network, key }) = text.parse() {
        let mut bytes = *key.as_bytes();
        bytes[31] ^= 1;
        EncodedAddress { network, key: Encoded::from_bytes(bytes) }.to_string()
    } else {
        let (start, last) = text.split_at(text.len() - 1);
        assert!(last.bytes().all(|byte| byte.is_ascii_hexdigit()), "{text}");
        format!("{start}{}", if last == "0" { "1" } else { "0" })
    }
}

#[test]
fn every_recorded_block_is_what_it_says_it_is() {
    let blocks = blocks();
    let micro = blocks.values().filter(|(_, block)| block.get("transactions").is_some()).count();
    assert_eq!((micro, blocks.len() - micro), (56, 8));
    for (network, block) in blocks.values() {
        assert_eq!(verify(block, *network), Ok(()), "{}", block["block_hash"]);
        assert_eq!(sealed(block), *block);
    }
}

#[test]
fn every_change_of_a_recorded_block_is_found() {
    let mut checked = 0;
    for (network, block) in blocks().values() {
        let mut found = Vec::new();
        places(block, "", &mut found);
        for place in found {
            for change in changes(&place, block.pointer(&place).unwrap()) {
                let mut changed = block.clone();
                *changed.pointer_mut(&place).unwrap() = change;
                let verdict = verify(&changed, *network);
                assert_eq!(verdict.is_ok(), is_free(&place), "{}{place}: {verdict:?}", block["block_hash"]);
                checked += 1;
            }
        }
    }
    assert!(checked > 3000, "{checked}");
}

#[test]
fn an_output_of_another_network_is_found() {
    for (network, block) in blocks().values() {
        let other = if *network == Network::Dev { Network::Mainnet } else { Network::Dev };
        let verdict = verify(block, other);
        let Err(BlockError::Output(ContentError::Address(AddressError::OtherNetwork { .. }))) = verdict
        else {
            panic!("{verdict:?}");
        };
    }
    // Ids and roots do not cover the prefix: a single output is found too.
    let mut block = macro_block();
    let last = block.outputs.last_mut().unwrap();
    let (OutputFields::PaymentOutput { recipient, .. }
    | OutputFields::PublicPaymentOutput { recipient, .. }
    | OutputFields::StakeOutput { recipient, .. }) = &mut last.fields;
    recipient.network = Network::Testnet;
    let verdict = block.sealed().verify(Network::Dev).unwrap_err();
    assert!(verdict.to_string().contains("is of testnet, expected one of dev"), "{verdict}");
}

#[test]
fn the_error_names_the_part() {
    let zero = Hash::from_bytes([0; 32]);
    let good = micro_block("payment_transaction");
    let verdict = |change: fn(&mut MicroBlock)| {
        let mut block = good.clone();
        change(&mut block);
        block.verify(Network::Dev).unwrap_err()
    };
    let actual = good.transactions_len;
    assert_eq!(
        verdict(|block| block.transactions_len = 9),
        BlockError::Count { part: Part::Transactions, stated: 9, actual }
    );
    let actual = good.inputs_range_hash;
    assert_eq!(
        verdict(|block| block.inputs_range_hash = Hash::from_bytes([0; 32])),
        BlockError::Root { part: Part::Inputs, stated: zero, actual }
    );
    let actual = good.transactions[1].tx_hash;
    assert_eq!(
        verdict(|block| block.transactions[1].tx_hash = Hash::from_bytes([0; 32])),
        BlockError::Transaction(ContentError::Hash { stated: zero, actual })
    );
    let error = verdict(|block| block.epoch += 1);
    let BlockError::Block(ContentError::Hash { stated, .. }) = error else { panic!("{error}") };
    assert_eq!(stated, good.block_hash);
    assert!(error.to_string().starts_with(&format!("the block: the node calls it {stated}")), "{error}");

    let mut block = macro_block();
    block.validators_range_hash = zero;
    let error = block.verify(Network::Dev).unwrap_err();
    assert!(matches!(error, BlockError::Root { part: Part::Validators, .. }), "{error}");
    assert!(error.to_string().contains("the block's validators"), "{error}");
}

#[test]
fn a_macro_block_is_sorted_but_may_hold_an_id_twice() {
    let good = macro_block();
    let mut block = good.clone();
    block.outputs.swap(0, 1);
    let (before, after) = (block.outputs[0].output_hash, block.outputs[1].output_hash);
    let verdict = block.sealed().verify(Network::Dev);
    assert_eq!(verdict, Err(BlockError::Order { part: Part::Outputs, before, after }));

    let mut block = good.clone();
    block.inputs.reverse();
    let verdict = block.sealed().verify(Network::Dev);
    assert!(matches!(verdict, Err(BlockError::Order { part: Part::Inputs, .. })), "{verdict:?}");

    let mut block = good;
    block.inputs.insert(0, block.inputs[0]);
    block.outputs.insert(0, block.outputs[0].clone());
    assert_eq!(block.sealed().verify(Network::Dev), Ok(()));
}

#[test]
fn of_what_was_never_recorded_the_rest_is_checked() {
    let good = micro_block("restake_transaction");
    let [coinbase, restake] = good.transactions.as_slice() else { panic!("{good:?}") };
    let txouts = restake.outputs().to_vec();
    let unknown = [
        TransactionFields::ServiceAwardTransaction { winner_reward: txouts.clone() },
        TransactionFields::SlashingTransaction { proof: json!({}), txins: restake.inputs().to_vec(), txouts },
    ];
    for fields in unknown {
        let mut block = good.clone();
        let id = Hash::digest("some form");
        block.transactions.push(TransactionJson { tx_hash: id, fields });
        let mut block = block.sealed();
        assert_eq!(block.verify(Network::Dev), Ok(()));
        block.transactions[0].tx_hash = id;
        let verdict = block.verify(Network::Dev);
        assert!(matches!(verdict, Err(BlockError::Transaction(_))), "{verdict:?}");
        block.transactions[0] = coinbase.clone();
        block.transactions_range_hash = id;
        let verdict = block.verify(Network::Dev);
        assert!(matches!(verdict, Err(BlockError::Block(_))), "the id covers the stated root: {verdict:?}");
    }

    let mut block = good.clone();
    block.view_change_proof = Some(json!({}));
    block.block_hash = Hash::digest("some form");
    assert_eq!(block.verify(Network::Dev), Ok(()));
    block.outputs_range_hash = block.inputs_range_hash;
    let verdict = block.verify(Network::Dev);
    assert!(matches!(verdict, Err(BlockError::Root { part: Part::Outputs, .. })), "{verdict:?}");

    let mut block = good;
    block.solution = HexBytes(Vec::new());
    assert!(matches!(block.verify(Network::Dev), Err(BlockError::Block(_))));
}
