//! Requests with something wrong about recipients, comments, amounts and fees.

use crate::world::{NETWORK, Row, World, row};
use custody_tests::money;
use custody_tests::request::{pay, pay_privately, spend};
use custody_tests::vectors::vectors;
use serde_json::{Value, json};
use stegos_common::address::{Address, Network};

pub(crate) fn rows(world: &World) -> Vec<Row> {
    [counts(world), recipients(world), payments(world), amounts(world), fees(world)]
        .into_iter()
        .flatten()
        .collect()
}

fn counts(world: &World) -> Vec<Row> {
    let many = vec![pay(&world.stranger(), 1); 101];
    vec![
        row("no outputs", world.with("/txouts", json!([])), "no_outputs", "txouts"),
        row("101 outputs", world.with("/txouts", many), "too_many_outputs", 101),
    ]
}

fn recipients(world: &World) -> Vec<Row> {
    let good = world.stranger().to_string();
    let mut rows = Vec::new();
    let mut bad = |name: &str, address: &str, says: &str| {
        for index in [0, 1] {
            let request = world.with(&format!("/txouts/{index}/recipient"), address);
            let says = format!("txouts[{index}].recipient: {says}");
            rows.push(row(format!("recipient {index}: {name}"), request, "bad_recipient", says));
        }
    };
    // Every address that the deployed node refuses, and those that it should have refused.
    for case in vectors("keys")["address_parsing"].as_array().unwrap() {
        let (name, address) = (case["case"].as_str().unwrap(), case["address"].as_str().unwrap());
        match name {
            "good" | "uppercase" | "other prefix" => {}
            "identity point" => bad(name, address, "it is the identity key"),
            _ => bad(name, address, &format!("address {address:?}")),
        }
    }
    bad("garbage", "hello", "address \"hello\"");
    bad("control characters", "stt1\u{1b}[2J", "address \"stt1");
    bad("other control characters", "\u{85}1\u{7f}", "address \"");
    bad("of another coin", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "address \"bc1q");
    bad("a public key in hex", &hex::encode(world.stranger().public_key().as_bytes()), "address \"");
    bad("the prefix in capitals", &good.replacen("stt", "STT", 1), "address \"STT1");
    bad("very long", &format!("stt1{}", "q".repeat(100_000)), "address \"stt1qqq");
    for network in Network::ALL.into_iter().filter(|network| *network != NETWORK) {
        let address = Address::new(network, *world.stranger().public_key());
        for index in [0, 1] {
            let request = world.with(&format!("/txouts/{index}/recipient"), address.to_string());
            let says = format!("address {address} is of {network}, expected one of testnet");
            rows.push(row(format!("recipient {index} of {network}"), request, "other_network", says));
        }
    }
    rows
}

fn payments(world: &World) -> Vec<Row> {
    let comment = |text: String| world.with("/txouts/1/comment", text);
    vec![
        row("no comment", world.without("/txouts/1/comment"), "missing_comment", "txouts[1].comment"),
        row(
            "the comment is null",
            world.with("/txouts/1/comment", Value::Null),
            "missing_comment",
            "txouts[1]",
        ),
        row("a comment of 883 bytes", comment("x".repeat(883)), "comment_too_long", "883"),
        row("442 letters of 884 bytes", comment("ж".repeat(442)), "comment_too_long", "884"),
        row("a comment that ends with NUL", comment("x\0".into()), "bad_comment", "txouts[1].comment"),
        row(
            "a comment on what is public",
            world.with("/txouts/0/comment", "hello"),
            "needless_comment",
            "txouts[0].comment",
        ),
        row(
            "a certificate of what is public",
            world.with("/txouts/0/with_certificate", true),
            "needless_certificate",
            "txouts[0]",
        ),
    ]
}

fn amounts(world: &World) -> Vec<Row> {
    let mut rows = vec![row(
        "a public amount of 0",
        world.with("/txouts/0/amount", 0),
        "bad_amount",
        "txouts[0].amount is 0 micro-STG",
    )];
    for index in [0, 1] {
        for amount in [-1, -5, i64::MIN] {
            let request = world.with(&format!("/txouts/{index}/amount"), amount);
            let says = format!("txouts[{index}].amount is {amount} micro-STG");
            rows.push(row(format!("amount {index} is {amount}"), request, "bad_amount", says));
        }
    }

    let stranger = world.stranger();
    let mut most = world.with("/txouts/0/amount", i64::MAX);
    rows.push(row("outputs above the most there can be", &most, "overflow", "sum of the outputs"));
    most["txouts"] = json!([pay(&stranger, i64::MAX)]);
    rows.push(row("outputs and fee above it", most, "overflow", "outputs and the fee"));
    let alice = world.addresses["alice"].public_key();
    for input in [money::public(alice, i64::MAX), money::private(alice, i64::MAX)] {
        let request = world.spend([&world.public, &input]);
        rows.push(row("inputs above it", request, "overflow", "sum of the inputs"));
    }

    // 8 STG come in.
    for (name, amount, says) in [
        (
            "1 micro-STG too much",
            4_000_001,
            "inputs sum to 8 STG, but outputs of 7.998001 STG and the fee of 0.002 STG to 8.000001 STG",
        ),
        (
            "1 micro-STG too little",
            3_999_999,
            "inputs sum to 8 STG, but outputs of 7.997999 STG and the fee of 0.002 STG to 7.999999 STG",
        ),
        ("the whole change forgotten", 1, "inputs sum to 8 STG, but outputs of 3.998001 STG"),
        ("far more than there is", i64::MAX - 10_000_000, "9223372036"),
    ] {
        rows.push(row(
            format!("unbalanced: {name}"),
            world.with("/txouts/0/amount", amount),
            "unbalanced",
            says,
        ));
    }
    let private = spend([&world.private], &[pay_privately(&stranger, 0, "")], 1000);
    rows.push(row(
        "unbalanced: all hidden",
        private,
        "unbalanced",
        "inputs sum to 3 STG, but outputs of 0 STG",
    ));
    rows
}

fn fees(world: &World) -> Vec<Row> {
    let low = |fee: i64| {
        (
            fee,
            "fee_too_low",
            format!("the fee is {fee} micro-STG, a node asks for at least 0.002 STG (2 outputs)"),
        )
    };
    let high = |fee: i64, text: &str| {
        (fee, "fee_too_high", format!("the fee is {text}, this signer pays at most 0.02 STG for 2 outputs"))
    };
    [
        low(1999),
        low(1000),
        low(0),
        low(-1),
        low(i64::MIN),
        high(20_001, "0.020001 STG"),
        high(8_000_000, "8 STG"),
        high(i64::MAX, "9223372036854.775807 STG"),
    ]
    .map(|(fee, code, says)| row(format!("a fee of {fee}"), world.with("/fee", fee), code, says))
    .into()
}
