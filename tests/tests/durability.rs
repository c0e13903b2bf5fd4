//! Journal and store as an operator looks after them: `journal`, `store`, `passphrase`.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use custody_tests::money::{self, key, stranger};
use custody_tests::request::{pay, spend};
use custody_tests::store::Store;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Output;
use stegos_common::address::Network;

fn store() -> Store {
    let store = Store::new(Network::Dev);
    store.add(&["alice"]);
    store
}

/// A request that spends a new output of `alice`.
fn fresh(store: &Store) -> Value {
    let input = money::public(store.addresses()["alice"].public_key(), 1_000_000);
    let mut request = spend([&input], &[pay(&stranger(Network::Dev), 999_000)], 1000);
    request["journal"] = json!(true);
    request
}

fn signed(store: &Store, request: &Value) -> Value {
    let output = store.sign(&request.to_string(), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8([output.stdout.clone(), output.stderr.clone()].concat()).unwrap()
}

/// A command that failed with a code and a message.
fn failed(output: &Output, code: i32, says: &str) {
    let told = told(output);
    assert_eq!(output.status.code(), Some(code), "{told}");
    assert!(told.contains(says), "{says:?} is not in {told:?}");
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn flip(path: &Path, position: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[position] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn copy(from: &Path, to: &Path) {
    assert!(std::process::Command::new("cp").args(["-a"]).args([from, to]).status().unwrap().success());
}

#[test]
fn the_journal_tells_what_was_signed_and_refused() {
    let store = store();
    let request = fresh(&store);
    let answer = signed(&store, &request);
    let mut cheap = fresh(&store);
    cheap["fee"] = json!(1);
    failed(&store.sign(&cheap.to_string(), &[]), 3, "fee_too_low");
    assert_eq!(signed(&store, &request)["data"], answer["data"]);

    let listed = lines(&store.ok(&["journal", "list", "--json"]));
    assert_eq!(listed.len(), 2, "a repeated answer is no new record");
    assert_eq!(listed[0]["verdict"], "signed");
    assert_eq!(listed[0]["data"], answer["data"]);
    assert_eq!(listed[0]["txouts"], answer["txouts"]);
    assert_eq!(listed[0]["inputs"], request["txins"]);
    assert_eq!(listed[0]["fee"], 1000);
    assert_eq!(listed[0]["outputs"], json!([request["txouts"][0]]));
    assert_eq!(listed[0]["head"], answer["journal"]["head"]);
    assert_eq!((&listed[1]["verdict"], &listed[1]["code"]), (&json!("refused"), &json!("fee_too_low")));
    assert_eq!(listed[1]["inputs"], cheap["txins"]);
    assert_eq!(lines(&store.ok(&["journal", "list", "--json", "--last", "1"])), listed[1..]);
    let table = store.ok(&["journal", "list"]);
    assert_eq!(table.lines().count(), 3, "{table}");
    assert!(table.contains("0.001 STG") && table.contains("refused fee_too_low"), "{table}");

    // By number, and by whatever it is about.
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    for what in [
        "0".to_owned(),
        text(&request["txins"][0]),
        text(&answer["txouts"][0]),
        text(&listed[0]["transaction"]),
        text(&listed[0]["head"]),
    ] {
        assert_eq!(lines(&store.ok(&["journal", "show", &what, "--json"])), listed[..1], "{what}");
    }
    let shown = store.ok(&["journal", "show", "1"]);
    assert!(shown.contains("refused (fee_too_low): the fee is 1 micro-STG"), "{shown}");
    for nothing in ["2", "no such thing", &"ab".repeat(32)] {
        failed(&store.run(&["journal", "show", nothing]), 1, "no record of the journal");
    }
}

#[test]
fn whoever_remembers_the_last_head_notices_an_older_copy() {
    let store = store();
    let old = store.path("old");
    let first = signed(&store, &fresh(&store));
    copy(&store.dir(), &old);
    let second = signed(&store, &fresh(&store));
    assert_eq!((&first["journal"]["count"], &second["journal"]["count"]), (&json!(1), &json!(2)));
    let head = |answer: &Value| answer["journal"]["head"].as_str().unwrap().to_owned();
    let verify = |head: &str| store.run(&["journal", "verify", "--head", head]);
    for answer in [&first, &second] {
        assert_eq!(verify(&head(answer)).status.code(), Some(0));
    }
    let verified: Value = serde_json::from_str(&store.ok(&["journal", "verify", "--json"])).unwrap();
    assert_eq!((&verified["count"], &verified["head"]), (&json!(2), &second["journal"]["head"]));

    fs::rename(store.dir(), store.path("new")).unwrap();
    fs::rename(&old, store.dir()).unwrap();
    assert_eq!(verify(&head(&first)).status.code(), Some(0));
    failed(&verify(&head(&second)), 4, "never had the head");
    // It signs, but what it says of its journal is not what the other side knows.
    let third = signed(&store, &fresh(&store));
    assert_eq!(third["journal"]["count"], json!(2));
    assert_ne!(third["journal"]["head"], second["journal"]["head"]);

    // The journal alone set back does not even sign.
    let journal = |of: &str| store.path(of).join("journal");
    fs::remove_file(store.dir().join("journal")).unwrap();
    failed(&store.sign(&fresh(&store).to_string(), &[]), 4, "is missing");
    fs::copy(journal("new"), store.dir().join("journal")).unwrap();
    failed(&store.sign(&fresh(&store).to_string(), &[]), 4, "it is another journal");
}

#[test]
fn a_damaged_journal_is_named_and_nothing_is_signed_with_it() {
    let store = store();
    let answers = [(); 3].map(|()| signed(&store, &fresh(&store)));
    let journal = store.dir().join("journal");
    let good = fs::read(&journal).unwrap();
    let third = good.len() / 3;
    flip(&journal, third + third / 2);
    for args in [&["journal", "verify"][..], &["journal", "list"], &["serve"], &["store", "check"]] {
        failed(&store.run(args), 4, "record 1 of the journal");
    }
    failed(&store.sign(&fresh(&store).to_string(), &[]), 4, "record 1 of the journal");
    // Keys can be looked after all the same.
    store.ok(&["key", "add", "bob"]);
    fs::write(&journal, &good).unwrap();
    store.ok(&["journal", "verify", "--head", answers[2]["journal"]["head"].as_str().unwrap()]);

    // What a crash tore is told and kept, and the signer goes on.
    let request = fresh(&store);
    fs::write(&journal, [&good[..], &[0xf5, 9, 0]].concat()).unwrap();
    assert!(told(&store.run(&["journal", "verify"])).contains("A crash tore the last commit (3 bytes)"));
    let signer = store.serve_saying("a crash tore the last commit of the journal (3 bytes at byte");
    assert_eq!(signer.request(&request)["journal"]["count"], json!(4));
    assert_eq!(signer.stop().0.code(), Some(0));
    let kept = store.dir().join(format!("journal.torn-{}", good.len()));
    assert_eq!(fs::read(kept).unwrap(), [0xf5, 9, 0]);
}

#[test]
fn the_passphrase_is_changed_and_nothing_else() {
    let store = store();
    let request = fresh(&store);
    let answer = signed(&store, &request);
    let new = store.private_file("new", "another one\n");
    let file = |name: &str| fs::read(store.dir().join(name)).unwrap();
    let (journal, tally) = (file("journal"), file("tally"));
    store.ok(&["passphrase", "change", "--new-passphrase-file", new.to_str().unwrap()]);
    assert_eq!((file("journal"), file("tally")), (journal, tally));
    failed(&store.run(&["key", "list"]), 4, "wrong passphrase");
    fs::rename(&new, store.path("passphrase")).unwrap();
    assert_eq!(signed(&store, &request)["data"], answer["data"]);
    store.ok(&["store", "check"]);
    let empty = store.private_file("empty", "");
    let change = ["passphrase", "change", "--new-passphrase-file", empty.to_str().unwrap()];
    failed(&store.run(&change), 1, "passphrase is empty");
    store.ok(&["key", "list"]);
}

#[test]
fn a_store_is_checked_and_rebuilt_from_what_is_left() {
    let words = stegos_common::recovery::to_phrase(&key("master").0);
    let store = Store::restored(Network::Dev, &words);
    store.add(&["alice", "bob"]);
    store.import("hot", &key("hot wallet").0);
    store.ok(&["key", "remove", "bob"]);
    let request = fresh(&store);
    let answer = signed(&store, &request);
    store.import("lost", &key("lost").0);
    store.add(&["late"]);
    let addresses = store.addresses();
    let export = store.path("accounts.jsonl");
    store.ok(&["key", "export-public", "--out", export.to_str().unwrap()]);
    let checked: Value = serde_json::from_str(&store.ok(&["store", "check", "--json"])).unwrap();
    assert_eq!((&checked["accounts"], &checked["journal"]["count"]), (&json!(5), &json!(1)));
    assert_eq!(checked["faults"], json!([]));

    // The disk loses the tail of the database: the newest accounts.
    let db = store.dir().join("keys/db");
    let used = fs::read(&db).unwrap().iter().rposition(|byte| *byte != 0).unwrap();
    for snapshot in fs::read_dir(store.dir().join("keys")).unwrap().map(|entry| entry.unwrap().path()) {
        if snapshot.to_str().unwrap().contains("snap.") {
            fs::remove_file(snapshot).unwrap();
        }
    }
    flip(&db, used - 200);
    failed(&store.run(&["store", "check"]), 4, "FAULT");
    failed(&store.run(&["key", "list"]), 4, "store rebuild");

    let rebuilt = store.ok(&["store", "rebuild", "--accounts", export.to_str().unwrap()]);
    assert!(rebuilt.contains("of 5 accounts") && rebuilt.contains("keys.1"), "{rebuilt}");
    let restored = store.addresses();
    for (name, address) in &addresses {
        match restored.get(name) {
            Some(restored) => assert_eq!(restored, address, "{name}"),
            None => {
                assert!(rebuilt.contains(&format!("MISSING     {name:?}")), "{name} is not told: {rebuilt}");
                store.import(name, &key(name).0);
            }
        }
    }
    assert_eq!(store.addresses(), addresses, "nothing is lost");
    assert!(store.run(&["key", "list"]).status.success());
    assert!(!store.ok(&["key", "list"]).contains("bob"), "what was removed stays removed");
    assert_eq!(signed(&store, &request)["data"], answer["data"], "what was signed is still known");
    store.ok(&["store", "check"]);
    assert!(db.exists(), "the old database stays");
}

#[test]
fn without_its_master_record_a_store_is_rebuilt_from_the_words() {
    let words = stegos_common::recovery::to_phrase(&key("master").0);
    let store = Store::restored(Network::Dev, &words);
    store.add(&["alice"]);
    let export = store.path("accounts.jsonl");
    store.ok(&["key", "export-public", "--out", export.to_str().unwrap()]);
    let addresses = store.addresses();
    fs::remove_dir_all(store.dir().join("keys")).unwrap();
    fs::remove_file(store.dir().join("tally")).unwrap();
    failed(&store.run(&["key", "list"]), 4, "tally");
    let rebuild = |words: &str| {
        let phrase = store.private_file("words", words);
        let args = [
            "store",
            "rebuild",
            "--restore-phrase",
            "--phrase-fd",
            "0",
            "--accounts",
            export.to_str().unwrap(),
        ];
        store.command(&args).stdin(fs::File::open(phrase).unwrap()).output().unwrap()
    };
    failed(&store.run(&["store", "rebuild"]), 4, "24 recovery words");
    assert!(told(&rebuild(&words)).contains("derived     1 accounts anew"));
    assert_eq!(store.addresses(), addresses);
    store.ok(&["store", "check"]);
    // Words of another store are not taken while there is something to hold them against.
    let other = stegos_common::recovery::to_phrase(&key("another master").0);
    failed(&rebuild(&other), 4, "not those of this store");
    assert_eq!(store.addresses(), addresses);
}

#[test]
fn what_was_signed_is_forgotten_only_if_told_so() {
    let store = store();
    let request = fresh(&store);
    let answer = signed(&store, &request);
    let journal = store.dir().join("journal");
    flip(&journal, 40);
    failed(&store.run(&["serve"]), 4, "nothing is signed with it");
    let rebuilt = store.run(&["store", "rebuild", "--new-journal"]);
    assert_eq!(rebuilt.status.code(), Some(0), "{}", told(&rebuilt));
    assert!(told(&rebuilt).contains("has forgotten what it signed"));
    assert!(store.dir().join("journal.old-1").exists());
    let again = signed(&store, &request);
    assert_ne!(again["data"], answer["data"]);
    assert_eq!(again["journal"]["count"], json!(1));
}

#[test]
fn a_secret_in_the_wrong_place_does_not_get_into_the_journal() {
    let store = store();
    let secret = "ab".repeat(32);
    let misplaced = [
        ("type", json!(secret)),
        ("txins", json!([format!("{secret}00")])),
        ("txins", json!(secret)),
        ("txins", json!([secret])),
        ("txins", json!([secret, secret])),
        ("accounts", json!({ (secret.clone()): "alice", (secret.to_uppercase()): "alice" })),
        ("fee", json!(secret)),
        ("journal", json!(secret)),
        ("unspent_list", json!([format!("{secret}zz")])),
        ("accounts", json!({ (secret.clone()): "alice" })),
        ("accounts", json!(secret)),
        ("secret_key", json!(format!("{secret}00"))),
    ];
    let good = fresh(&store);
    let signer = store.serve(&[]);
    let mut session = signer.connect();
    for (field, value) in &misplaced {
        let mut request = good.clone();
        request[field] = value.clone();
        assert_eq!(session.request(&request)["type"], "error", "{field}");
    }
    let mut request = good.clone();
    request["txouts"][0]["recipient"] = json!(secret);
    assert_eq!(session.request(&request)["code"], "bad_recipient");
    request = good;
    request["accounts"] = json!({ (request["txins"][0].as_str().unwrap()): secret });
    assert_eq!(session.request(&request)["code"], "unknown_account");
    signer.stop();
    let journal = store.ok(&["journal", "list", "--json"]);
    assert_eq!(journal.lines().count(), misplaced.len() + 2);
    assert!(!journal.to_lowercase().contains("abababab"), "{journal}");
}
