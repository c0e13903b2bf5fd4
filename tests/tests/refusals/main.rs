//! Every reason to refuse a request, over the real socket and from a file: its code, and that its text names
//! the offending value.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod inputs;
mod keys;
mod outputs;
mod shape;
mod world;

use custody_tests::request::signed;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use world::{Row, World, row};

/// Codes that no request can cause: they would be defects of the program.
const DEFECTS: [&str; 2] = ["self_check", "prover"];

/// What a policy refuses: `tests/tests/policy.rs`, and the unit tests of the signer.
const POLICY: [&str; 4] = ["denied", "limited", "overtaken", "pending_approval"];

/// What it takes a failing disk, or a restored store, to cause: see the tests of faults and backups, and the unit tests of
/// the signer.
const FAULTS: [&str; 3] = ["journal_failed", "journal_behind", "approvals_failed"];

/// The longest text of a refusal, in bytes: hostile values do not come back whole.
const LONGEST: usize = 500;

fn rows(world: &World) -> Vec<Row> {
    [shape::rows(world), inputs::rows(world), outputs::rows(world), keys::rows(world)]
        .into_iter()
        .flatten()
        .collect()
}

/// What a signer that denies keys in requests refuses in addition.
fn denied(world: &World) -> Vec<Row> {
    let key = |key: Value| world.with("/secret_key", key);
    let code = "request_key_denied";
    vec![
        row("a key that is denied", key(json!(*world.guest.to_bytes())), code, "request_keys"),
        row("a malformed key that is denied", key(json!("0a")), code, "request_keys"),
    ]
}

/// The answer to a row must be its refusal, with its id, and must not tell the key in it.
fn check(row: &Row, answer: &str, world: &World) {
    let Row { name, code, says, request } = row;
    let parsed: Value = serde_json::from_str(answer).unwrap();
    assert_eq!(parsed["code"], *code, "{name}: {answer:.1000}");
    assert_eq!(parsed["type"], "error", "{name}");
    let error = parsed["error"].as_str().unwrap();
    assert!(error.contains(says.as_str()), "{name}: {says:?} is not in {error:?}");
    assert!(error.len() <= LONGEST, "{name}: {} bytes", error.len());
    // It is shown on terminals, which obey control characters.
    assert!(!error.contains(char::is_control), "{name}: {error:?}");
    if let Ok(request) = serde_json::from_str::<Value>(request) {
        let id = request["id"].as_u64().filter(|id| *id > 0);
        assert_eq!(parsed["id"].as_u64(), id, "{name}");
    }
    let fields = if parsed["id"].is_null() { 3 } else { 4 };
    assert_eq!(parsed.as_object().unwrap().len(), fields, "{name}: {answer}");
    for trace in keys::traces(&world.guest) {
        assert!(!answer.contains(&trace), "{name}: {trace} is in {answer}");
    }
}

/// Puts an id into a request that can be read as JSON and has none, and leaves the rest of its text alone.
fn numbered(row: &mut Row, id: usize) {
    let read: Value = serde_json::from_str(&row.request).unwrap_or_default();
    if read.as_object().is_some_and(|fields| !fields.is_empty() && !fields.contains_key("id")) {
        row.request = row.request.replacen('{', &format!("{{\"id\":{id},"), 1);
    }
}

#[test]
fn every_refusal_has_its_code_over_the_socket() {
    let world = World::new();
    let signer = world.store.serve(&[]);
    let mut session = signer.connect();
    let good = world.fresh();
    signed(&good, &session.request(&good));
    let mut expected = vec!["signed a transaction".to_owned()];
    for (id, mut row) in rows(&world).into_iter().enumerate() {
        numbered(&mut row, id);
        match session.text(&row.request) {
            Some(answer) => {
                // Over a socket such a request is closed on, as a node does.
                assert_ne!(row.code, "bad_id", "{}: {answer}", row.name);
                check(&row, &answer, &world);
                expected.push(format!("refused a request: {}", row.code));
            }
            None => {
                let closed = row.code == "bad_id" || !row.request.starts_with('{');
                assert!(closed, "{}: the connection was closed", row.name);
                session = signer.connect();
            }
        }
    }
    // The connection, and the daemon, are as good as before.
    let good = world.good();
    signed(&good, &session.request(&good));
    expected.extend(["signed a transaction".to_owned(), "cold-signer stopped".to_owned()]);
    let (status, log) = signer.stop();
    assert_eq!(status.code(), Some(0));
    // Nothing but codes: no id, no value, no key.
    let start = log.iter().position(|line| line.contains("listens on")).unwrap();
    assert_eq!(log[start + 1..], expected);
}

#[test]
fn every_refusal_is_the_same_from_a_file() {
    let world = World::new();
    for row in rows(&world) {
        let output = world.store.sign(&row.request, &[]);
        assert_eq!(output.status.code(), Some(3), "{}", row.name);
        check(&row, &String::from_utf8(output.stdout).unwrap(), &world);
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!told.contains(|it: char| it.is_control() && it != '\n'), "{}: {told:?}", row.name);
        assert!(told.contains(&format!("refused ({})", row.code)), "{}: {told}", row.name);
        for trace in keys::traces(&world.guest) {
            assert!(!told.contains(&trace), "{}: {trace} is in {told}", row.name);
        }
    }
    for row in denied(&world) {
        let output = world.store.sign(&row.request, &["--request-keys", "deny"]);
        assert_eq!(output.status.code(), Some(3), "{}", row.name);
        check(&row, &String::from_utf8(output.stdout).unwrap(), &world);
    }
    let good = world.good();
    let output = world.store.sign(&good.to_string(), &[]);
    assert_eq!(output.status.code(), Some(0));
    signed(&good, &serde_json::from_slice(&output.stdout).unwrap());
}

#[test]
fn what_would_be_refused_is_inspected_as_refused() {
    let world = World::new();
    for row in rows(&world) {
        let output = world.store.inspect(&row.request, &[]);
        let told = String::from_utf8(output.stderr).unwrap();
        if output.status.code() == Some(3) {
            assert!(told.contains(&format!("refused ({})", row.code)), "{}: {told}", row.name);
        } else {
            // What is not even an object could also have been a signed transaction.
            let object = serde_json::from_str::<Value>(&row.request).is_ok_and(|it| it.is_object());
            assert_eq!((output.status.code(), object), (Some(1), false), "{}: {told}", row.name);
        }
        let told = told + &String::from_utf8(output.stdout).unwrap();
        assert!(!told.contains(|it: char| it.is_control() && it != '\n'), "{}: {told:?}", row.name);
        for trace in keys::traces(&world.guest) {
            assert!(!told.contains(&trace), "{}: {trace} is in {told}", row.name);
        }
    }
    assert_eq!(world.store.inspect(&world.good().to_string(), &[]).status.code(), Some(0));
}

#[test]
fn a_signer_may_deny_keys_in_requests() {
    let world = World::new();
    let signer = world.store.serve(&["--request-keys", "deny"]);
    let mut session = signer.connect();
    for row in denied(&world) {
        check(&row, &session.text(&row.request).unwrap(), &world);
    }
    let good = world.good();
    signed(&good, &session.request(&good));
}

#[test]
fn the_table_covers_every_code() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cold-signer/src/signer/refusal.rs");
    let source = fs::read_to_string(source).unwrap();
    let declared: BTreeSet<&str> = source
        .lines()
        .filter_map(|line| line.trim().strip_suffix("\",")?.split_once("=> \""))
        .map(|(_, code)| code)
        .collect();
    let world = World::new();
    let mut covered: BTreeSet<&str> =
        rows(&world).into_iter().chain(denied(&world)).map(|row| row.code).collect();
    covered.extend(DEFECTS.iter().chain(&FAULTS).chain(&POLICY));
    assert_eq!(declared, covered);
    assert_eq!(declared.len(), 45);
}
