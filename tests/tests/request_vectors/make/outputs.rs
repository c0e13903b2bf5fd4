//! What a request makes: recipients and comments.

use super::{Suite, set, unset};
use crate::world::{NETWORK, address, good, good_private, hide, pay, private, public, spend};
use custody_tests::vectors::vectors;
use serde_json::{Value, json};
use stegos_common::address::Network;

pub(crate) fn add(suite: &mut Suite) {
    counts(suite);
    recipients(suite);
    comments(suite);
}

fn counts(suite: &mut Suite) {
    let none = set(good("outputs"), "/txouts", json!([]));
    suite.refused("outputs/none", "Nothing is made.", "no_outputs", &set(none, "/fee", 0));
    let many = vec![pay("bob", 1_000); 101];
    let many = spend(&[&public("outputs", "alice", 202_000)], &many, 101_000);
    suite.refused("outputs/101", "One more than a node takes.", "too_many_outputs", &many).with("says", 101);
}

fn recipients(suite: &mut Suite) {
    let good_one = address("merchant", NETWORK).to_string();
    let mut bad = |name: &str, about: &str, code: &str, recipient: &str| {
        let request = set(good("outputs"), "/txouts/0/recipient", recipient);
        suite
            .refused(&format!("outputs/recipient-{name}"), about, code, &request)
            .with("says", "txouts[0].recipient");
    };
    let code = "bad_recipient";
    bad("empty", "No address.", code, "");
    bad("checksum", "The last letter is another.", code, &other_letter(&good_one));
    bad("two-letters-swapped", "Two letters changed places.", code, &swapped(&good_one));
    bad("mixed-case", "Capitals and small letters.", code, &good_one.replacen("dev1", "DEV1", 1));
    bad("blank", "A blank after an address.", code, &format!("{good_one} "));
    bad("short", "An address that was cut.", code, &good_one[..good_one.len() - 1]);
    bad(
        "hex",
        "A public key in hex.",
        code,
        &hex::encode(address("merchant", NETWORK).public_key().as_bytes()),
    );
    bad(
        "other-coin",
        "An address of Bitcoin, with a good checksum.",
        code,
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
    );
    bad("name", "The name of an account.", code, "bob");
    bad(
        "control-characters",
        "An address that would move the cursor of a terminal.",
        code,
        &format!("{good_one}\u{1b}[2J"),
    );
    for (network, name) in
        [(Network::Mainnet, "mainnet"), (Network::Testnet, "testnet"), (Network::Devnet, "devnet")]
    {
        let about = format!("The right key, but an address of {name}.");
        bad(name, &about, "other_network", &address("merchant", network).to_string());
    }
    // Those of the deployed node's library: their network is the test network.
    let mut recorded = |name: &str, about: &str, case: &str, code: &str| {
        let cases = vectors("keys");
        let found =
            cases["address_parsing"].as_array().unwrap().iter().find(|it| it["case"] == case).unwrap();
        let mut request = good("outputs");
        request["txouts"][1]["recipient"] = json!(address("alice", Network::Testnet));
        request["txouts"][0]["recipient"] = found["address"].clone();
        suite
            .refused(&format!("outputs/recipient-{name}"), about, code, &request)
            .with("network", "testnet")
            .with("says", "txouts[0].recipient");
    };
    recorded("33-bytes", "An address of 33 bytes, with a good checksum.", "33 bytes", code);
    recorded("no-point", "An address of 32 bytes that are no point.", "not a point", code);
    recorded("identity", "The identity key, whose outputs everybody can spend.", "identity point", code);

    let path = "outputs/recipient-in-capitals";
    let request = set(good(path), "/txouts/0/recipient", good_one.to_uppercase());
    suite.signed(path, "Capitals alone are as good as small letters.", &request);
}

fn other_letter(address: &str) -> String {
    let (rest, last) = address.split_at(address.len() - 1);
    format!("{rest}{}", if last == "q" { "p" } else { "q" })
}

fn swapped(address: &str) -> String {
    let (front, back) = address.split_at(20);
    let mut letters: Vec<char> = back.chars().collect();
    let place = letters.windows(2).position(|two| two[0] != two[1]).unwrap();
    letters.swap(place, place + 1);
    format!("{front}{}", letters.into_iter().collect::<String>())
}

fn comments(suite: &mut Suite) {
    let hidden = |comment: Value| set(good_private("outputs"), "/txouts/0/comment", comment);
    suite
        .refused(
            "outputs/comment-missing",
            "A private payment has a comment.",
            "missing_comment",
            &unset(good_private("outputs"), "/txouts/1/comment"),
        )
        .with("says", "txouts[1].comment");
    suite
        .refused(
            "outputs/comment-too-long",
            "883 bytes.",
            "comment_too_long",
            &hidden(json!("x".repeat(883))),
        )
        .with("says", 883);
    suite
        .refused(
            "outputs/comment-too-long-in-bytes",
            "442 letters, but 884 bytes.",
            "comment_too_long",
            &hidden(json!("ж".repeat(442))),
        )
        .with("says", 884);
    suite
        .refused(
            "outputs/comment-ends-with-nul",
            "A NUL at the end does not arrive.",
            "bad_comment",
            &hidden(json!("invoice 12\0")),
        )
        .with("says", "txouts[0].comment");
    suite.refused("outputs/comment-of-nul", "Nothing but NUL.", "bad_comment", &hidden(json!("\0")));
    let public_one = set(good("outputs"), "/txouts/1/comment", "invoice 12");
    suite
        .refused(
            "outputs/comment-in-public",
            "A public payment has no comment.",
            "needless_comment",
            &public_one,
        )
        .with("says", "txouts[1].comment");

    for (name, about, comment) in [
        ("longest", "882 bytes.", "x".repeat(882)),
        ("longest-of-emoji", "220 letters of four bytes, and two: 882 bytes.", "🦀".repeat(220) + "ж"),
        ("empty", "An empty comment is one.", String::new()),
        (
            "of-every-kind",
            "NUL inside, control characters, quotes, and a letter beyond 16 bits.",
            "a\0b\u{1f}\"\\\u{7f}\u{2028}🦀".to_owned(),
        ),
    ] {
        let path = format!("outputs/comment-{name}");
        let input = private(&path, "hot", 2_000_000);
        suite.signed(&path, about, &spend(&[&input], &[hide("merchant", 1_999_000, &comment)], 1000));
    }
}
