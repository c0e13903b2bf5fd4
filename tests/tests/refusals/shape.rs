//! Requests that are not what the documentation describes.

use crate::world::{Row, World, row};
use serde_json::{Value, json};

/// Every request that a node takes and a signer does not.
const NODE_REQUESTS: [&str; 17] = [
    "broadcast_transaction",
    "chain_name",
    "election_info",
    "escrow_info",
    "list_accounts",
    "macro_block_info",
    "micro_block_info",
    "no_such_request",
    "outputs_list",
    "pop_micro_block",
    "status_info",
    "subscribe_chain",
    "subscribe_status",
    "validate_certificate",
    "validators_info",
    "version_info",
    "CREATE_RAW_TRANSACTION",
];

pub(crate) fn rows(world: &World) -> Vec<Row> {
    [types(world), fields(world), json_texts(world), ids(world)].into_iter().flatten().collect()
}

fn types(world: &World) -> Vec<Row> {
    let mut rows = Vec::new();
    for kind in NODE_REQUESTS {
        rows.push(row(format!("only a type: {kind}"), json!({ "type": kind }), "unsupported_request", kind));
        rows.push(row(format!("type {kind}"), world.with("/type", kind), "unsupported_request", kind));
    }
    let long = "x".repeat(100_000);
    rows.push(row("a long type", world.with("/type", long), "unsupported_request", "x".repeat(40)));
    for (name, kind) in [("a number", json!(7)), ("a list", json!(["create_raw_transaction"]))] {
        rows.push(row(
            format!("the type is {name}"),
            world.with("/type", kind),
            "unparsable_request",
            "`type`",
        ));
    }
    rows.push(row("no type", world.without("/type"), "unparsable_request", "`type` is missing"));
    let escape = world.with("/type", "\u{1b}[2Jchain_name");
    rows.push(row("a type for a terminal", escape, "unsupported_request", "chain_name"));
    rows.push(row("nothing at all", "{}", "unparsable_request", "`type` is missing"));
    rows
}

fn fields(world: &World) -> Vec<Row> {
    let code = "unparsable_request";
    let mut rows = Vec::new();
    for field in ["txins", "txouts", "fee"] {
        rows.push(row(
            format!("no {field}"),
            world.without(&format!("/{field}")),
            code,
            format!("`{field}`"),
        ));
        let null = world.with(&format!("/{field}"), Value::Null);
        rows.push(row(format!("{field} is null"), null, code, "null"));
    }
    for field in ["output_type", "recipient", "amount"] {
        let request = world.without(&format!("/txouts/0/{field}"));
        rows.push(row(format!("no {field}"), request, code, format!("`{field}`")));
    }
    for (path, value, says) in [
        ("/txins", json!("0a"), "0a"),
        ("/txins", json!({}), "map"),
        ("/txins/0", json!(17), "17"),
        ("/txouts", json!(17), "17"),
        ("/txouts/0", json!("a payment"), "a payment"),
        ("/txouts/0/output_type", json!("stake"), "stake"),
        ("/txouts/0/output_type", json!("Payment"), "Payment"),
        ("/txouts/0/recipient", json!(17), "17"),
        ("/txouts/0/amount", json!(1.5), "1.5"),
        ("/txouts/0/amount", json!(4_000_000.0), "4000000.0"),
        ("/txouts/0/amount", json!("4000000"), "4000000"),
        ("/txouts/0/amount", json!(9_223_372_036_854_775_808u64), "9223372036854775808"),
        ("/txouts/1/comment", json!(17), "17"),
        ("/txouts/1/with_certificate", json!("yes"), "yes"),
        ("/fee", json!(2000.0), "2000.0"),
        ("/fee", json!("2000"), "2000"),
        ("/fee", json!(9_223_372_036_854_775_808u64), "9223372036854775808"),
        ("/fee", json!("x".repeat(100_000)), "xxx"),
        ("/unspent_list", json!("0a"), "0a"),
        ("/unspent_list/0", json!([0, 10]), "sequence"),
        ("/accounts", json!([["0a", "alice"]]), "sequence"),
        ("/txouts/0/output_type", json!("\u{1b}[2Jstake\u{85}\u{7f}"), "stake"),
        ("/fee", json!("\u{1b}[2J2000"), "2000"),
    ] {
        rows.push(row(format!("{path} is {:.20}", value.to_string()), world.with(path, value), code, says));
    }
    rows
}

fn json_texts(world: &World) -> Vec<Row> {
    let good = world.good().to_string();
    let list: Vec<Value> = ["type", "id", "txins", "txouts", "secret_key", "fee", "unspent_list"]
        .map(|field| world.with("/id", 1)[field].clone())
        .into();
    let body = good.strip_suffix('}').unwrap();
    [
        ("a comma too many", format!("{body},}}"), "trailing comma"),
        ("the fee twice", format!("{body},\"fee\":1}}"), "duplicate field `fee`"),
        (
            "a key twice",
            format!("{body},\"secret_key\":[],\"secret_key\":[]}}"),
            "duplicate field `secret_key`",
        ),
        ("a number of another base", good.replace("\"fee\":2000", "\"fee\":0x7d0"), "line 1"),
        ("a number with an exponent", good.replace("\"fee\":2000", "\"fee\":2e3"), "2000.0"),
        (
            "an output as a list",
            good.replacen("{\"amount\"", "[\"public_payment\"],{\"amount\"", 1),
            "expected an output",
        ),
        ("two objects", format!("{good}{good}"), "trailing characters"),
        ("a list in braces", "{1,2,3}".to_owned(), "line 1"),
        ("deep nesting", format!("{{\"type\":{}{}}}", "[".repeat(5000), "]".repeat(5000)), "recursion limit"),
        ("a list of the right values", json!(list).to_string(), "no JSON object"),
        ("a list", "[1,2,3]".to_owned(), "no JSON object"),
        ("a text", "\"create_raw_transaction\"".to_owned(), "no JSON object"),
        ("an empty text", String::new(), "no JSON object"),
        ("half a request", format!("{}}}", &good[..good.len() / 2]), "line 1"),
    ]
    .map(|(name, text, says)| row(name, text, "unparsable_request", says))
    .into()
}

fn ids(world: &World) -> Vec<Row> {
    let mut ids: Vec<Row> = [json!(-1), json!("7"), json!(1.5), json!([7]), json!(true), Value::Null]
        .into_iter()
        .map(|id| row(format!("the id is {id}"), world.with("/id", id), "bad_id", "id"))
        .collect();
    let above = world.with("/id", 1).to_string().replace("\"id\":1", "\"id\":18446744073709551616");
    ids.push(row("the id is 2^64", above, "bad_id", "id"));
    ids.push(row("another request with such an id", r#"{"type":"chain_name","id":-1}"#, "bad_id", "id"));
    ids
}
