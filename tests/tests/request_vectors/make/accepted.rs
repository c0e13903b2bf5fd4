//! Requests that are signed, each for another reason.

use super::{Suite, edit, set};
use crate::check::facts;
use crate::world::{good, good_private, hide, pay, private, public, spend};
use serde_json::{Value, json};
use stegos_common::output::Unspent;

pub(crate) fn add(suite: &mut Suite) {
    let mut signed = |name: &str, about: &str, request: &dyn Fn(&str) -> Value| {
        let path = format!("accepted/{name}");
        let request = request(&path);
        suite.signed(&path, about, &request);
    };
    signed("public", "A public payment, and its change.", &good);
    signed("private", "A private payment, and its change.", &good_private);
    signed(
        "owners",
        "Outputs of five accounts, public and private, also of the master key and of one derived from it.",
        &|path| {
            let inputs = [
                public(path, "alice", 1_000_000),
                private(path, "hot", 1_000_000),
                public(path, "carol", 1_000_000),
                private(path, "carol", 1_000_000),
                private(path, "master", 1_000_000),
                public(path, "bob", 1_000_000),
            ];
            spend(&inputs.iter().collect::<Vec<_>>(), &[pay("merchant", 5_999_000)], 1000)
        },
    );
    signed("100-inputs", "As many outputs as a node takes are spent.", &|path| {
        let inputs: Vec<Unspent> =
            (0..100).map(|place| public(&format!("{path} {place}"), "alice", 50_000)).collect();
        spend(&inputs.iter().collect::<Vec<_>>(), &[pay("bob", 4_999_000)], 1000)
    });
    signed(
        "same-output-twice",
        "Two outputs of the same amount to the same recipient: their ids differ.",
        &|path| {
            spend(
                &[&public(path, "alice", 5_000_000)],
                &[pay("merchant", 2_499_000), pay("merchant", 2_499_000)],
                2000,
            )
        },
    );
    signed("id-largest", "An id of 2^64 - 1 comes back.", &|path| set(good(path), "/id", u64::MAX));
    signed("id-zero", "An id of 0 does not come back.", &|path| set(good(path), "/id", 0));
    signed("journal", "The answer says how far the journal got.", &|path| {
        set(set(good(path), "/journal", true), "/id", 7)
    });
    signed("unknown-fields", "A node ignores fields that it does not know.", &|path| {
        set(set(good(path), "/colour", "red"), "/txouts/0/colour", json!({ "deep": [1, 2, 3] }))
    });
    signed("ids-in-capitals", "Ids and blobs in capitals.", &|path| {
        let mut request = good(path);
        for value in ["/txins/0", "/unspent_list/0"] {
            request =
                set(request.clone(), value, request.pointer(value).unwrap().as_str().unwrap().to_uppercase());
        }
        request
    });
    signed("blobs-in-another-order", "Blobs are told apart by their ids, not by their order.", &|path| {
        let mut request = spend(
            &[&public(path, "alice", 1_000_000), &public(path, "bob", 2_000_000)],
            &[pay("merchant", 2_999_000)],
            1000,
        );
        request["unspent_list"].as_array_mut().unwrap().reverse();
        request
    });

    let path = "accepted/escapes";
    let request = spend(&[&private(path, "hot", 2_000_000)], &[hide("merchant", 1_999_000, "crab 🦀")], 1000);
    let text = edit(&format!("{request:#}"), "🦀", "\\ud83e\\udd80");
    let text = edit(&edit(&text, "\"fee\"", "\"\\u0066ee\""), "create_raw", "create\\u005fraw");
    suite
        .add(path, "Letters as escapes, also in names, and a pair of them for one letter.", "signed", text)
        .headers
        .extend(facts(&request));
    let path = "accepted/white-space";
    let request = good(path);
    let text = format!("{request:#}").replace('\n', "\r\n\t");
    suite
        .add(path, "Every kind of white space between tokens.", "signed", text)
        .headers
        .extend(facts(&request));
    let path = "accepted/one-line";
    let request = good(path);
    suite.add(path, "No white space at all.", "signed", request.to_string()).headers.extend(facts(&request));
}
