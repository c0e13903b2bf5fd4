//! Amounts, fees and sums.

use super::{Suite, set};
use crate::world::{good, good_private, hide, pay, private, public, spend};
use serde_json::Value;

pub(crate) fn add(suite: &mut Suite) {
    alone(suite);
    sums(suite);
    fees(suite);
}

fn alone(suite: &mut Suite) {
    let code = "bad_amount";
    let zero =
        spend(&[&public("amounts", "alice", 5_000_000)], &[pay("merchant", 4_998_000), pay("bob", 0)], 2000);
    suite
        .refused("amounts/public-zero", "A public payment of nothing.", code, &zero)
        .with("says", "txouts[1].amount");
    // What is paid too much to one is taken from the other: the sums are right.
    let below = spend(
        &[&public("amounts", "alice", 5_000_000)],
        &[pay("merchant", 9_998_000), pay("bob", -5_000_000)],
        2000,
    );
    suite
        .refused(
            "amounts/public-negative",
            "A public payment below nothing pays for the other; the sums are right.",
            code,
            &below,
        )
        .with("says", "-5000000");
    let below = spend(
        &[&private("amounts", "hot", 5_000_000)],
        &[hide("merchant", 5_000_000, ""), hide("bob", -2000, "")],
        2000,
    );
    suite
        .refused(
            "amounts/private-negative",
            "A private payment below nothing pays the fee; the sums are right.",
            code,
            &below,
        )
        .with("says", "-2000");
    suite
        .refused(
            "amounts/least",
            "The least number there is.",
            code,
            &set(good("amounts"), "/txouts/0/amount", i64::MIN),
        )
        .with("says", i64::MIN);
    let path = "amounts/private-zero";
    let nothing = spend(
        &[&private(path, "hot", 5_000_000)],
        &[hide("merchant", 4_998_000, ""), hide("hot", 0, "")],
        2000,
    );
    suite.signed(path, "A private payment of nothing hides how many were paid.", &nothing);
    let path = "amounts/one-micro";
    suite.signed(
        path,
        "A public payment of the least there is.",
        &spend(&[&public(path, "alice", 1001)], &[pay("merchant", 1)], 1000),
    );
}

fn sums(suite: &mut Suite) {
    let code = "unbalanced";
    let at = |amount: i64| set(good("amounts"), "/txouts/0/amount", amount);
    suite
        .refused("amounts/one-too-much", "One micro-STG too much.", code, &at(4_000_001))
        .with("says", "inputs sum to 5 STG")
        .with("says", "5.000001 STG");
    suite
        .refused("amounts/one-too-little", "One micro-STG too little.", code, &at(3_999_999))
        .with("says", "4.999999 STG");
    let forgotten = spend(&[&public("amounts", "alice", 5_000_000)], &[pay("merchant", 1_000_000)], 1000);
    suite
        .refused("amounts/change-forgotten", "The change is not named.", code, &forgotten)
        .with("says", "5 STG");
    let units = spend(&[&public("amounts", "alice", 5_000_000)], &[pay("merchant", 4)], 1000);
    suite.refused("amounts/in-stg", "STG instead of micro-STG.", code, &units);
    suite.refused(
        "amounts/private-too-much",
        "A private payment of more than there is.",
        code,
        &set(good_private("amounts"), "/txouts/0/amount", 4_000_001),
    );
    let fee = set(good("amounts"), "/fee", 3000);
    suite.refused("amounts/fee-not-counted", "A higher fee that is taken from nothing.", code, &fee);
    suite.refused(
        "amounts/far-more-than-there-is",
        "The most there can be, from an input of 5 STG.",
        code,
        &at(i64::MAX - 1_000_000),
    );

    let code = "overflow";
    let outputs = spend(
        &[&public("amounts", "alice", 5_000_000)],
        &[pay("merchant", i64::MAX), pay("bob", i64::MAX)],
        2000,
    );
    suite.refused("amounts/outputs-overflow", "Outputs whose sum is -2 in 64 bits.", code, &outputs);
    let with_fee = spend(&[&public("amounts", "alice", 5_000_000)], &[pay("merchant", i64::MAX)], 1000);
    suite.refused("amounts/fee-overflows", "Outputs whose sum just fits, and a fee.", code, &with_fee);
    for (name, input) in [
        ("public", public("amounts: all", "alice", i64::MAX)),
        ("private", private("amounts: all", "hot", i64::MAX)),
    ] {
        let one = public("amounts: one", "bob", 1_000_000);
        let request: Value = spend(&[&input, &one], &[pay("merchant", 999_000)], 1000);
        suite.refused(
            &format!("amounts/{name}-inputs-overflow"),
            "Inputs whose sum is below zero in 64 bits.",
            code,
            &request,
        );
    }
    let path = "amounts/most";
    let all = spend(
        &[&public(path, "alice", i64::MAX)],
        &[pay("merchant", i64::MAX - 2000), hide("bob", 0, "")],
        2000,
    );
    suite.signed(path, "The most there can be.", &all);
}

/// A request of two outputs whose sums are right, whatever the fee.
fn with_fee(label: &str, fee: i64) -> Value {
    spend(
        &[&public(label, "alice", 5_000_000)],
        &[pay("merchant", 1_000_000), pay("alice", 4_000_000 - fee)],
        fee,
    )
}

fn fees(suite: &mut Suite) {
    for (name, about, fee, code) in [
        ("fee-one-too-low", "One micro-STG less than 0.001 STG an output.", 1999, "fee_too_low"),
        ("fee-of-one-output", "The fee of one output, for two.", 1000, "fee_too_low"),
        ("fee-negative", "A fee below nothing makes money; the sums are right.", -2000, "fee_too_low"),
        ("fee-one-too-high", "One micro-STG more than ten times the least.", 20_001, "fee_too_high"),
        ("fee-of-most", "Nearly everything becomes the fee.", 3_999_999, "fee_too_high"),
    ] {
        suite
            .refused(&format!("amounts/{name}"), about, code, &with_fee("amounts", fee))
            .with("says", "the fee is");
    }
    for (name, about, fee) in
        [("fee-least", "0.001 STG an output.", 2000), ("fee-most", "Ten times the least.", 20_000)]
    {
        let path = format!("amounts/{name}");
        suite.signed(&path, about, &with_fee(&path, fee));
    }
    let request = with_fee("amounts: factor", 2001);
    suite
        .refused(
            "amounts/fee-above-the-configured-most",
            "Where the configuration allows once the least, not a micro-STG more.",
            "fee_too_high",
            &request,
        )
        .with("flags", "--max-fee-factor 1");
}
