//! What is refused, in the recorded words.

use crate::world::{World, account, address, broadcast, create, genesis_outputs};
use custody_tests::request::{pay, pay_privately};
use custody_tests::session::Session;
use custody_tests::vectors::{traffic, vectors};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// An error text without what depends on the chain: short hashes and numbers.
fn words(text: &str) -> String {
    let depends = |word: &&str| {
        let hash = word.len() == 12 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        hash || word.parse::<i64>().is_ok()
    };
    let words = text.split_inclusive([' ', '=', ',', ':']).map(|word| {
        let bare = word.trim_end_matches([' ', '=', ',', ':']);
        if depends(&bare) { word.replace(bare, "…") } else { word.to_owned() }
    });
    words.collect()
}

/// The error of an answer, wherever it stands.
fn error(answer: &Value) -> Option<&str> {
    answer["error"].as_str().or(answer["status"]["error"].as_str())
}

/// The words of all recorded errors of a connected node.
fn recorded() -> BTreeSet<String> {
    let files =
        traffic().into_iter().filter(|file| !file.starts_with("offline_") && !file.starts_with("panic_"));
    files.filter_map(|file| error(&vectors(&format!("traffic/{file}"))["response"]).map(words)).collect()
}

/// A node with something of everything that can be refused.
struct Errors {
    session: Session,
    heard: BTreeSet<String>,
}

impl Errors {
    /// Sends a request that must fail in these words.
    fn refused(&mut self, request: &Value, expected: &str) {
        let answer = self.session.request(request);
        let error = error(&answer).unwrap_or_else(|| panic!("{request} got {answer}"));
        assert_eq!(error, expected, "{request}");
        self.heard.insert(words(error));
    }

    /// Creates and broadcasts a payment that must be refused; `expected` may say `TX` for its id.
    fn rejected(&mut self, request: &Value, expected: &str) {
        let created = self.session.request(request);
        let answer = broadcast(&mut self.session, &created);
        let id = answer["hash"].as_str().unwrap_or_else(|| panic!("{request} got {created}, {answer}"));
        let utxo = created["txouts"][0].as_str().unwrap_or_default();
        let expected = expected.replace("TX", &id[..12]).replace("OUT", utxo.get(..12).unwrap_or_default());
        let error = error(&answer).unwrap_or_else(|| panic!("{request} got {answer}"));
        assert_eq!(error, expected, "{request}");
        self.heard.insert(words(error));
    }
}

#[test]
fn everything_is_refused_in_the_recorded_words() {
    let world = World::new(5);
    let mut session = world.session();
    let [public, private] = genesis_outputs(&mut session, "alice");
    let [foreign, _] = genesis_outputs(&mut session, "bob");
    let (alice, bob) = (account("alice"), address("bob"));
    let rest = 1_000_000_000_000 - 1000;
    let mut errors = Errors { session, heard: BTreeSet::new() };
    let short = |id: &stegos_common::output::Unspent| id.id().short();

    errors.rejected(
        &create(&alice, &[&foreign], &[pay(&bob, rest)], 1000),
        "Transaction error=Invalid signature: tx=TX",
    );
    errors.rejected(
        &create(&alice, &[&public], &[pay(&bob, 7)], 1000),
        "Transaction error=Invalid monetary balance: tx=TX",
    );
    errors.rejected(
        &create(&alice, &[&public], &[pay(&bob, -5)], 1000),
        "Output error=Invalid amount: utxo=OUT, amount=-5",
    );
    let zero = [pay(&bob, 0), pay(&bob, rest - 1000)];
    errors.rejected(
        &create(&alice, &[&public], &zero, 2000),
        "Output error=Invalid amount: utxo=OUT, amount=0",
    );
    let twice = create(&alice, &[&public, &public], &[pay(&bob, 2 * rest + 1000)], 1000);
    errors.rejected(&twice, &format!("Transaction error=Duplicate input: tx=TX, utxo={}", short(&public)));
    errors.rejected(&create(&alice, &[], &[pay(&bob, 1)], 1000), "Transaction error=No inputs: tx=TX");
    let low = create(&alice, &[&public], &[pay(&bob, rest + 1)], 999);
    errors.rejected(&low, "Transaction fee is too low: tx=TX, min=1000, got=999");
    let low = create(&alice, &[&public], &[pay(&bob, 1), pay(&bob, rest - 1)], 1000);
    errors.rejected(&low, "Transaction fee is too low: tx=TX, min=2000, got=1000");

    // One good payment, sent again while it waits, then in a block.
    let good = errors.session.request(&create(&alice, &[&public], &[pay(&bob, rest)], 1000));
    let other = errors.session.request(&create(&alice, &[&public], &[pay_privately(&bob, rest, "")], 1000));
    for _ in 0..2 {
        assert_eq!(broadcast(&mut errors.session, &good)["status"], json!({ "status": "accepted" }));
    }
    let made = &good["txouts"][0].as_str().unwrap()[..12];
    let list = json!({ "type": "outputs_list", "utxos": good["txouts"] });
    errors.refused(&list, &format!("Output was not found hash={made}"));
    let mut unknown = create(&account("bob"), &[], &[pay(&bob, 1)], 1000);
    unknown["txins"] = good["txouts"].clone();
    errors.refused(&unknown, &format!("Input not found = {made}"));
    for _ in 0..2 {
        let answer = broadcast(&mut errors.session, &other);
        let tx = &answer["hash"].as_str().unwrap()[..12];
        assert_eq!(
            error(&answer).unwrap(),
            format!("Missing transaction input: tx={tx}, utxo={}", short(&public))
        );
        errors.heard.insert(words(error(&answer).unwrap()));
        world.mine(1);
    }
    let again = broadcast(&mut errors.session, &good);
    assert!(error(&again).unwrap().starts_with("Missing transaction input"), "also where it is in already");
    errors.refused(&create(&alice, &[&public], &[], 0), &format!("Input not found = {}", short(&public)));

    let wrong_key = create(&account("bob"), &[&private], &[pay(&bob, 1)], 0);
    errors.refused(&wrong_key, &format!("Output error=Failed to decrypt payload: utxo={}", short(&private)));
    let mut not_canonical = create(&alice, &[&private], &[pay(&bob, 1)], 0);
    not_canonical["secret_key"] = json!(vec![255; 32]);
    errors.refused(&not_canonical, "Field value is too large for requested conversion");
    errors.refused(&json!({ "type": "macro_block_info", "epoch": 9 }), "Macro block doesn't exists: epoch=9");
    errors.refused(
        &json!({ "type": "micro_block_info", "epoch": 1, "offset": 7 }),
        "Micro block doesn't exists: epoch=1, offset=7",
    );
    let claim = |id: &str| {
        json!({
            "type": "validate_certificate", "output_hash": id, "spender": bob, "recipient": bob, "rvalue": "0".repeat(64)
        })
    };
    errors.refused(&claim(&"4".repeat(64)), "Missing UTXO: 444444444444");
    errors.refused(&claim(&foreign.id().to_string()), &format!("Invalid UTXO type: {}", short(&foreign)));
    errors.refused(&claim(&private.id().to_string()), "Invalid payment certificate");
    world.mine(4);
    errors.refused(&json!({ "type": "pop_micro_block" }), "Attempt to revert a macro block: epoch=2");
    errors.refused(
        &json!({ "type": "list_accounts" }),
        "Failed to parse request, no api responsible for this request was found.",
    );

    // All that was recorded, and what the reference's own test of this rule says.
    let mut expected = recorded();
    expected.insert(words("Transaction error=No inputs: tx=123456789abc"));
    assert_eq!(errors.heard, expected);
}

/// Recorded requests that the node does not understand, or crashes on, are not understood here either.
#[test]
fn recorded_requests_that_are_not_understood_are_not_understood_here() {
    let world = World::new(5);
    let mut session = world.session();
    let (mut sent, mut padded) = (0, 0);
    for file in traffic() {
        let recorded = vectors(&format!("traffic/{file}"));
        let (request, response) = (&recorded["request"], &recorded["response"]);
        let crashed = file.starts_with("panic_");
        let not_understood = response["type"].is_null() && response["error"].is_string();
        if request.is_null() || file.starts_with("offline_") {
            continue;
        }
        let answer = session.request(request);
        if file == "outputs_list_short_hash" {
            // The node pads short ids, so that they name another output (protocol page §10).
            assert!(answer["type"].is_null());
            padded += 1;
        } else if not_understood || crashed {
            assert!(answer["type"].is_null() && error(&answer).is_some(), "{file}: {answer}");
            sent += 1;
        }
    }
    assert_eq!((sent, padded), (33, 1));
}
