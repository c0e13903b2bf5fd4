//! The requests that were recorded with the deployed node, sent unchanged to a signer of the same network.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use custody_tests::request::signed;
use custody_tests::store::Store;
use custody_tests::vectors::{traffic, vectors};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use stegos_common::address::Network;
use stegos_common::api::create_raw_transaction::TYPE;

/// What we answer to every recorded `create_raw_transaction`: `signed` or the code of the refusal.
///
/// A node and a signer differ where the node
/// - finds inputs on its chain, which a signer does not have: `missing_blob`,
/// - checks little before it signs, so that a transaction comes out that no node accepts: `duplicate_input`,
///   `fee_too_low`, `no_inputs`, `bad_amount`,
/// - signs what nobody can have meant: `extra_blob`, and `no_outputs`, where all money becomes the fee,
/// - crashes: the files that begin with `panic_`.
///
/// What it does not understand or refuses, we refuse too, with a reason.
const ANSWERS: [(&str, &str); 43] = [
    ("comment_max_length", "missing_blob"),
    ("create_raw_amount_float", "unparsable_request"),
    ("create_raw_amount_string", "unparsable_request"),
    ("create_raw_amount_too_big_for_i64", "unparsable_request"),
    ("create_raw_duplicate_input", "duplicate_input"),
    ("create_raw_fee_zero", "fee_too_low"),
    ("create_raw_missing_fee", "unparsable_request"),
    ("create_raw_mixed", "signed"),
    ("create_raw_negative_amount_public", "bad_amount"),
    ("create_raw_no_inputs", "no_inputs"),
    ("create_raw_no_outputs", "no_outputs"),
    ("create_raw_payment_without_comment", "missing_comment"),
    ("create_raw_private_to_many_chain_lookup", "missing_blob"),
    ("create_raw_private_to_private", "signed"),
    ("create_raw_public_to_public", "signed"),
    ("create_raw_public_to_public_no_unspent_list", "missing_blob"),
    ("create_raw_recipient_garbage", "bad_recipient"),
    ("create_raw_recipient_other_prefix", "other_network"),
    ("create_raw_secret_key_31_bytes", "bad_secret_key"),
    ("create_raw_secret_key_33_bytes", "bad_secret_key"),
    ("create_raw_secret_key_hex_string", "bad_secret_key"),
    ("create_raw_secret_key_not_canonical", "bad_secret_key"),
    ("create_raw_secret_key_value_256", "bad_secret_key"),
    ("create_raw_secret_key_wrong_for_private_input", "missing_blob"),
    ("create_raw_secret_key_wrong_for_public_input", "missing_blob"),
    ("create_raw_spending_mempool_output", "missing_blob"),
    ("create_raw_spent_input_chain_lookup", "missing_blob"),
    ("create_raw_unbalanced", "missing_blob"),
    ("create_raw_unknown_input", "missing_blob"),
    ("create_raw_unknown_output_type", "unparsable_request"),
    ("create_raw_unspent_list_bad_hex", "bad_blob"),
    ("create_raw_unspent_list_bad_protobuf", "bad_blob"),
    ("create_raw_unspent_list_not_matching", "extra_blob"),
    ("create_raw_unspent_list_superset", "extra_blob"),
    ("create_raw_zero_amount_public", "bad_amount"),
    ("offline_create_raw_documented_example", "input_not_owned"),
    ("offline_create_raw_no_unspent_list", "missing_blob"),
    ("offline_create_raw_private", "fee_too_low"),
    ("offline_create_raw_public", "signed"),
    ("panic_comment_too_long", "comment_too_long"),
    ("panic_negative_fee", "missing_blob"),
    ("panic_negative_payment_amount", "bad_amount"),
    ("panic_recipient_31_bytes", "bad_recipient"),
];

/// What we answer once the blobs that the node had on its chain are given, where that is something else.
const WITH_BLOBS: [(&str, &str); 9] = [
    ("comment_max_length", "signed"),
    ("create_raw_private_to_many_chain_lookup", "signed"),
    ("create_raw_public_to_public_no_unspent_list", "signed"),
    ("create_raw_secret_key_wrong_for_private_input", "input_not_owned"),
    ("create_raw_secret_key_wrong_for_public_input", "input_not_owned"),
    ("create_raw_spent_input_chain_lookup", "signed"),
    ("create_raw_unbalanced", "unbalanced"),
    ("offline_create_raw_no_unspent_list", "fee_too_low"),
    ("panic_negative_fee", "fee_too_low"),
];

fn network(file: &str) -> Network {
    if file.starts_with("offline_") { Network::Testnet } else { Network::Dev }
}

/// `signed` for a transaction that verifies, otherwise the code.
fn verdict(request: &Value, answer: &Value) -> String {
    match answer["code"].as_str() {
        Some(code) => {
            assert_eq!(answer["type"], "error");
            code.to_owned()
        }
        None => {
            signed(request, answer);
            "signed".to_owned()
        }
    }
}

#[test]
fn recorded_requests_are_answered_as_the_table_says() {
    let stores = [Network::Dev, Network::Testnet].map(Store::new);
    let signers = [stores[0].serve(&[]), stores[1].serve(&[])];
    let mut sessions = [signers[0].connect(), signers[1].connect()];
    let mut answered = BTreeSet::new();
    for file in traffic() {
        let recorded = vectors(&format!("traffic/{file}"));
        let request = &recorded["request"];
        if request.is_null() {
            continue;
        }
        let session = &mut sessions[usize::from(network(&file) == Network::Testnet)];
        let answer = session.request(request);
        if request["type"] != TYPE {
            // Everything else is for a node.
            let code = if request["type"].is_string() { "unsupported_request" } else { "unparsable_request" };
            assert_eq!(answer["code"], code, "{file}");
            continue;
        }
        let verdict = verdict(request, &answer);
        assert!(ANSWERS.contains(&(&file, &verdict)), "{file}: {verdict}");
        if verdict == "signed" {
            same_shape(&file, &recorded["response"], &answer);
        }
        answered.insert(file);
    }
    assert_eq!(answered.len(), ANSWERS.len());
}

/// The answer has the same fields and lengths as the node's: only random values differ.
fn same_shape(file: &str, node: &Value, ours: &Value) {
    let mut node = node.as_object().unwrap().clone();
    // It was recorded with an id that is not part of the recorded request.
    node.remove("id");
    let ours = ours.as_object().unwrap();
    assert!(node.keys().eq(ours.keys()), "{file}");
    assert_eq!(node["txouts"].as_array().map(Vec::len), ours["txouts"].as_array().map(Vec::len), "{file}");
    // A random serial number takes up to ten bytes.
    let length = |answer: &Value| answer.as_str().unwrap().len() / 2;
    assert!(length(&node["data"]).abs_diff(length(&ours["data"])) < 20, "{file}");
}

#[test]
fn with_the_blobs_of_the_chain_they_are_answered_for_themselves() {
    // Blobs by id, wherever one was recorded.
    let mut blobs = BTreeMap::new();
    for file in traffic() {
        collect(&vectors(&format!("traffic/{file}")), &mut blobs);
    }
    let stores = [Network::Dev, Network::Testnet].map(Store::new);
    let signers = [stores[0].serve(&[]), stores[1].serve(&[])];
    let lacking: Vec<_> = ANSWERS.iter().filter(|(_, code)| *code == "missing_blob").collect();
    let mut answered = Vec::new();
    for (file, _) in lacking {
        let mut request = vectors(&format!("traffic/{file}"))["request"].clone();
        let ids = request["txins"].as_array().unwrap();
        let found: Option<Vec<&String>> = ids.iter().map(|id| blobs.get(id.as_str()?)).collect();
        let Some(found) = found else { continue };
        request["unspent_list"] = json!(found);
        let signer = &signers[usize::from(network(file) == Network::Testnet)];
        answered.push(((*file).to_owned(), verdict(&request, &signer.request(&request))));
    }
    let expected: Vec<_> = WITH_BLOBS.map(|(file, code)| (file.to_owned(), code.to_owned())).into();
    assert_eq!(answered, expected);
}

fn collect(value: &Value, blobs: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) => fields.values().for_each(|value| collect(value, blobs)),
        Value::Array(list) => list.iter().for_each(|value| collect(value, blobs)),
        Value::String(text) => {
            let output = hex::decode(text)
                .ok()
                .and_then(|bytes| stegos_common::output::Output::from_bytes(&bytes).ok());
            if let Some(output) = output {
                blobs.insert(output.id().to_string(), text.clone());
            }
        }
        _ => {}
    }
}

#[test]
fn the_guides_example_is_told_that_its_key_is_another() {
    let store = Store::new(Network::Testnet);
    let signer = store.serve(&[]);
    let example = vectors("guide/create_raw_transaction");
    let answer = signer.request(&example["request"]);
    assert_eq!(answer["code"], "input_not_owned");
    let error = answer["error"].as_str().unwrap();
    let input = example["request"]["txins"][0].as_str().unwrap();
    assert!(error.contains("key does not own input") && error.contains(input), "{error}");
}
