//! Requests of the deployed network, unchanged: what was sent to a real node, and the integration guide's example.
//!
//! Most bring no blobs, since the node had its chain, so that many are wrong in more ways than the one that they were
//! recorded for. The documents do not say which is found first.

use super::Suite;
use crate::check::facts;
use custody_tests::vectors::vectors;
use serde_json::Value;

pub(crate) fn add(suite: &mut Suite) {
    for (file, about, expect) in [
        (
            "create_raw_mixed",
            "A public and a private output are spent at once, with the key in the request.",
            "signed",
        ),
        ("create_raw_private_to_private", "A private payment, with a comment in three scripts.", "signed"),
        ("create_raw_public_to_public", "A public payment.", "signed"),
        ("offline_create_raw_public", "What an offline node signed, on the test network.", "signed"),
        ("create_raw_amount_float", "An amount that is a fraction.", "unparsable_request"),
        ("create_raw_amount_string", "An amount that is a text.", "unparsable_request"),
        ("create_raw_amount_too_big_for_i64", "An amount of 2^63.", "unparsable_request"),
        ("create_raw_missing_fee", "No fee.", "unparsable_request"),
        ("create_raw_unknown_output_type", "A stake is to be made.", "unparsable_request"),
        (
            "create_raw_public_to_public_no_unspent_list",
            "No blob: a node looks on its chain, which a signer does not have.",
            "missing_blob",
        ),
        ("create_raw_private_to_many_chain_lookup", "No blob, and many outputs.", "missing_blob"),
        ("create_raw_unspent_list_superset", "A blob too many. A node takes it.", "extra_blob"),
        ("create_raw_fee_zero", "No fee. A node signs it, and refuses to send it.", "fee_too_low"),
        ("create_raw_unspent_list_bad_hex", "A blob that is no hex.", "bad_blob or missing_blob"),
        ("create_raw_unspent_list_bad_protobuf", "A blob that is no output.", "bad_blob or missing_blob"),
        ("create_raw_unspent_list_not_matching", "The blob of another output.", "extra_blob or missing_blob"),
        (
            "create_raw_duplicate_input",
            "An input twice. A node signs it, and refuses to send it.",
            "duplicate_input or missing_blob",
        ),
        (
            "create_raw_no_inputs",
            "Nothing is spent. A node signs it.",
            "no_inputs or fee_too_low or unbalanced",
        ),
        (
            "create_raw_no_outputs",
            "Nothing is made: all becomes the fee. A node signs it.",
            "no_outputs or fee_too_high",
        ),
        (
            "create_raw_zero_amount_public",
            "A public payment of nothing. A node signs it.",
            "bad_amount or missing_blob",
        ),
        (
            "create_raw_negative_amount_public",
            "A public payment below nothing. A node signs it.",
            "bad_amount or missing_blob",
        ),
        (
            "panic_negative_payment_amount",
            "A private payment below nothing. A node crashes.",
            "bad_amount or missing_blob",
        ),
        ("panic_negative_fee", "A fee below nothing. A node crashes.", "fee_too_low or missing_blob"),
        (
            "panic_comment_too_long",
            "A comment of 883 bytes. A node crashes.",
            "comment_too_long or missing_blob",
        ),
        (
            "panic_recipient_31_bytes",
            "An address of 31 bytes. A node crashes.",
            "bad_recipient or missing_blob",
        ),
        ("create_raw_recipient_garbage", "No address.", "bad_recipient or missing_blob"),
        (
            "create_raw_recipient_other_prefix",
            "An address of the test network.",
            "other_network or missing_blob",
        ),
        (
            "create_raw_payment_without_comment",
            "A private payment without a comment.",
            "missing_comment or missing_blob",
        ),
        (
            "create_raw_secret_key_31_bytes",
            "A key of 31 bytes.",
            "bad_secret_key or missing_blob or fee_too_low",
        ),
        (
            "create_raw_secret_key_33_bytes",
            "A key of 33 bytes.",
            "bad_secret_key or missing_blob or fee_too_low",
        ),
        (
            "create_raw_secret_key_hex_string",
            "A key in hex.",
            "bad_secret_key or missing_blob or fee_too_low",
        ),
        (
            "create_raw_secret_key_not_canonical",
            "A key above the order of the group.",
            "bad_secret_key or missing_blob or fee_too_low",
        ),
        (
            "create_raw_secret_key_value_256",
            "A key with a byte of 256.",
            "bad_secret_key or missing_blob or fee_too_low",
        ),
        ("raw_empty_plaintext", "An empty text.", "closed"),
        ("raw_json_array", "A list.", "closed"),
        ("raw_json_trailing_space", "A blank after an object that is for a node.", "closed"),
        ("raw_malformed_json", "An object without its end.", "closed"),
        (
            "raw_malformed_json_with_brackets",
            "Braces around no JSON. A node closes the connection.",
            "unparsable_request",
        ),
        ("raw_id_negative", "An id below zero, in a request that is for a node.", "closed"),
        ("raw_id_string", "An id that is a text, in a request that is for a node.", "closed"),
        ("raw_type_not_string", "A type that is a number.", "unparsable_request"),
        ("raw_json_empty_object", "An object with nothing in it.", "unparsable_request"),
        ("raw_unknown_type_no_id", "A type that nobody knows.", "unsupported_request"),
    ] {
        let exchange = vectors(&format!("traffic/{file}"));
        let vector =
            suite.add(&format!("recorded/{}", file.replace('_', "-")), about, expect, body(&exchange));
        vector.with("source", format!("traffic/{file}"));
        let more = match file {
            "raw_empty_plaintext" | "raw_json_array" | "raw_malformed_json" => {
                Some(("file", "unparsable_request"))
            }
            "raw_json_trailing_space" => Some(("file", "unsupported_request")),
            "raw_id_negative" | "raw_id_string" => Some(("file", "bad_id or unsupported_request")),
            "offline_create_raw_public" => Some(("network", "testnet")),
            _ => None,
        };
        if let Some((name, value)) = more {
            vector.with(name, value);
        }
        if expect == "signed" {
            vector.headers.extend(facts(&exchange["request"]));
        }
    }
    let guide = "guide/create_raw_transaction";
    suite
        .add(
            "recorded/guide-example",
            "The integration guide's own example: its key does not own its input.",
            "input_not_owned or fee_too_high",
            body(&vectors(guide)),
        )
        .with("source", guide)
        .with("network", "testnet");
}

/// What was sent.
fn body(exchange: &Value) -> String {
    match exchange["sent_plaintext"].as_str() {
        Some(text) => text.to_owned(),
        None => format!("{:#}", exchange["request"]),
    }
}
