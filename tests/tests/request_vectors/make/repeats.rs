//! What was signed before: the same again, and something else with the same outputs.

use super::{Suite, set};
use crate::check::facts;
use crate::world::{good, good_private, pay, private, public, spend};
use serde_json::json;

/// What the others come after.
const FIRST: [&str; 2] = ["repeats/first-public", "repeats/first-private"];

pub(crate) fn add(suite: &mut Suite) {
    let (public_one, private_one) = (good(FIRST[0]), good_private(FIRST[1]));
    suite.signed(FIRST[0], "What is asked for again below.", &public_one);
    suite.signed(FIRST[1], "What is asked for again below, in private.", &private_one);

    let same = "The same means the same bytes";
    suite
        .signed(
            "repeats/same",
            &format!("{same}, although a public output has a random number in it."),
            &public_one,
        )
        .with("after", FIRST[0])
        .with("same-as", FIRST[0]);
    let id = private_one["txins"][0].as_str().unwrap();
    let other = set(set(private_one.clone(), "/id", 9), "/accounts", json!({ id: "hot" }));
    let other = set(other, "/txins/0", id.to_uppercase());
    suite
        .add(
            "repeats/same-in-other-words",
            &format!("{same}: id, spelling, hints and white space do not matter."),
            "signed",
            other.to_string(),
        )
        .with("after", FIRST[1])
        .with("same-as", FIRST[1])
        .headers
        .extend(facts(&private_one));

    let mut spent = |name: &str, about: &str, after: &str, request: &serde_json::Value| {
        let id = request["txins"][0].as_str().unwrap().to_owned();
        suite
            .refused(&format!("repeats/{name}"), about, "already_signed", request)
            .with("after", after)
            .with("says", id);
    };
    let one = public(FIRST[0], "alice", 5_000_000);
    let dearer = set(set(public_one.clone(), "/txouts/1/amount", 997_999), "/fee", 2001);
    spent(
        "higher-fee",
        "The same with a higher fee is another transaction, which could be sent too.",
        FIRST[0],
        &dearer,
    );
    spent(
        "other-recipient",
        "The same output to somebody else.",
        FIRST[0],
        &spend(&[&one], &[pay("bob", 4_999_000)], 1000),
    );
    let mut turned = public_one;
    turned["txouts"].as_array_mut().unwrap().reverse();
    spent("outputs-in-another-order", "The order of outputs is part of a transaction.", FIRST[0], &turned);
    spent(
        "with-another-input",
        "A signed away output beside one that is free.",
        FIRST[0],
        &spend(&[&one, &public("repeats", "bob", 1_000_000)], &[pay("merchant", 5_999_000)], 1000),
    );
    let certified = set(private_one.clone(), "/txouts/0/with_certificate", true);
    spent("with-a-certificate-now", "A payment cannot be made provable later.", FIRST[1], &certified);
    let reworded = set(private_one, "/txouts/0/comment", "invoice 13");
    spent("other-comment", "Another comment is another output.", FIRST[1], &reworded);
    spent(
        "private-for-public",
        "A private output that was signed away is spent in public.",
        FIRST[1],
        &spend(&[&private(FIRST[1], "hot", 5_000_000)], &[pay("merchant", 4_999_000)], 1000),
    );
}
