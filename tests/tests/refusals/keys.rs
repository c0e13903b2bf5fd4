//! Requests with a secret key that is none, or in a place where none belongs. What is answered to them, and
//! what is logged about them, must not tell the key.

use crate::world::{Row, World, row};
use serde_json::{Value, json};
use stegos_common::keys::SecretKey;

/// The bytes of a good key with others at the end.
fn bytes(key: &SecretKey) -> Vec<Value> {
    key.to_bytes().iter().map(|byte| json!(byte)).collect()
}

/// What would tell the key: in hex from either end, as numbers in a list of any layout.
pub(crate) fn traces(key: &SecretKey) -> Vec<String> {
    let bytes = key.to_bytes();
    let reversed: Vec<u8> = bytes.iter().rev().copied().collect();
    let mut traces = Vec::new();
    for part in [&bytes[..4], &bytes[14..18], &bytes[28..], &reversed[..4], &reversed[28..]] {
        traces.push(hex::encode(part));
        traces.push(hex::encode_upper(part));
        traces.push(part[..3].iter().map(ToString::to_string).collect::<Vec<_>>().join(","));
        traces.push(part[..3].iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
    }
    traces
}

pub(crate) fn rows(world: &World) -> Vec<Row> {
    let good = bytes(&world.guest);
    let text = hex::encode(world.guest.to_bytes());
    let ending = |value: Value| json!([&good[..31], &[value]].concat());
    let numbers = "secret_key must be an array of 32 numbers from 0 to 255";
    let mut rows = Vec::new();
    for (name, key, says) in [
        ("31 numbers", json!(good[..31]), numbers),
        ("33 numbers", json!([&good[..], &[json!(0)]].concat()), numbers),
        ("no numbers", json!([]), numbers),
        ("a number of 256", ending(json!(256)), numbers),
        ("a negative number", ending(json!(-1)), numbers),
        ("a fraction", ending(json!(1.5)), numbers),
        ("a text among the numbers", ending(json!("7")), numbers),
        ("a list among the numbers", ending(json!([7])), numbers),
        ("hex", json!(text), numbers),
        ("hex in a list", json!([text]), numbers),
        ("a list in a list", json!([good]), numbers),
        ("an object", json!({ "bytes": good }), numbers),
        ("hex in an object", json!({ "hex": text }), numbers),
        ("a number", json!(7), numbers),
        ("true", json!(true), numbers),
        ("not canonical", ending(json!(255)), "secret_key: not a secret key: not a canonical scalar"),
        ("all 255", Value::from(vec![255; 32]), "not a canonical scalar"),
        (
            "the group order",
            json!(hex::decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").unwrap()),
            "not a canonical scalar",
        ),
        ("zero", Value::from(vec![0; 32]), "zero"),
    ] {
        rows.push(row(format!("secret_key: {name}"), world.with("/secret_key", key), "bad_secret_key", says));
    }
    let nested = "[".repeat(5000) + &"]".repeat(5000);
    let request = world.with("/secret_key", "NESTED").to_string().replace("\"NESTED\"", &nested);
    rows.push(row("secret_key: deep nesting", request, "bad_secret_key", numbers));
    rows.extend(elsewhere(world, &good, &text));
    rows
}

/// A good key in the request, or near to it, while something else is wrong.
fn elsewhere(world: &World, good: &[Value], text: &str) -> Vec<Row> {
    let keyed = |mut request: Value| {
        request["secret_key"] = json!(good);
        request
    };
    let body = keyed(world.good()).to_string();
    let typo = |from: &str, to: &str| body.replacen(from, to, 1);
    let list = json!(good).to_string();
    let mut no_comment = world.without("/txouts/1/comment");
    no_comment["txouts"][1]["secret_key"] = json!(good);
    let mut not_read = world.without("/fee");
    not_read["secret_key"] = json!(text);
    vec![
        row("a key and no fee", keyed(world.without("/fee")), "unparsable_request", "`fee`"),
        row("hex and no fee", not_read, "unparsable_request", "`fee`"),
        row(
            "a key and owners",
            keyed(world.hint(&world.public.id().to_string(), "alice")),
            "needless_hints",
            "accounts",
        ),
        row("a key and a bad amount", keyed(world.with("/txouts/0/amount", -7)), "bad_amount", -7),
        row("a key in an output", no_comment, "missing_comment", "txouts[1]"),
        row("a key and no type", keyed(world.without("/type")), "unparsable_request", "`type`"),
        row("a key for a type", world.with("/type", json!(good)), "unparsable_request", "`type`"),
        row(
            "a key for a comment",
            world.with("/txouts/1/comment", json!(good)),
            "unparsable_request",
            "sequence",
        ),
        row("a key for a fee", world.with("/fee", json!(good)), "unparsable_request", "sequence"),
        row("a key for an id", world.with("/id", json!(good)), "bad_id", "id"),
        row("hex for an id", world.with("/id", text), "bad_id", "id"),
        row(
            "a key without its bracket",
            typo(&list, &list[..list.len() - 1]),
            "unparsable_request",
            "line 1",
        ),
        row(
            "a key with a word in it",
            typo(&list, &list.replacen(',', " and ", 1)),
            "unparsable_request",
            "line 1",
        ),
        row("a key without quotes", typo(&list, text), "unparsable_request", "line 1"),
        row(
            "a key for another request",
            keyed(json!({ "type": "chain_name" })),
            "unsupported_request",
            "chain_name",
        ),
    ]
}
