//! Every kind of answer has the fields of the recorded ones, and values that look like theirs.

use crate::certificates::provable;
use crate::world::{World, account, address, broadcast, create, create_with_blobs, genesis_outputs, params};
use custody_tests::request::{pay, pay_privately};
use custody_tests::vectors::{traffic, vectors};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// For each kind of message the paths in it, each with what a value there looks like.
type Shapes = BTreeMap<String, BTreeSet<String>>;

fn add(message: &Value, shapes: &mut Shapes) {
    let mut message = message.clone();
    message.as_object_mut().unwrap().remove("id");
    let kind = match message["type"].as_str() {
        None => "not understood",
        // A block has one form, whether it was asked for or not.
        Some("macro_block_info" | "macro_block_committed") => "macro block",
        Some("micro_block_info" | "micro_block_prepared" | "micro_block_reverted") => "micro block",
        Some(kind) => kind,
    };
    let kind = kind.to_owned();
    message["type"] = json!(kind);
    walk(&message, String::new(), shapes.entry(kind).or_default());
}

fn walk(value: &Value, path: String, shape: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            let kind = fields.get("type").and_then(Value::as_str).unwrap_or_default();
            // An output has one form, wherever it stands.
            let path = if kind.ends_with("_output") { String::new() } else { path };
            for (name, value) in fields {
                let name = if name.starts_with("dev1") { "ADDRESS" } else { name };
                walk(value, format!("{path}{kind}.{name}"), shape);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| walk(value, format!("{path}[]"), shape)),
        Value::String(text) => drop(shape.insert(format!("{path}: {}", look(text, &path)))),
        Value::Number(_) => drop(shape.insert(format!("{path}: number"))),
        Value::Bool(_) => drop(shape.insert(format!("{path}: bool"))),
        Value::Null => drop(shape.insert(format!("{path}: null"))),
    }
}

fn look(text: &str, path: &str) -> String {
    let hex = text.len() > 1 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if path.ends_with(".data") || path.ends_with(".utxos[]") {
        return if hex { "hex of some length".into() } else { text.into() };
    }
    if hex {
        return format!("hex of length {}", text.len());
    }
    if text.starts_with("dev1") {
        return format!("address of length {}", text.len());
    }
    if text.len() == 30 && text.ends_with('Z') {
        return "time".into();
    }
    if path.ends_with(".error") || path.ends_with(".version") {
        return "words".into();
    }
    text.into()
}

/// Everything that the node said in the files.
fn recorded() -> Shapes {
    fn collect(value: &Value, shapes: &mut Shapes) {
        match value {
            Value::Object(fields) => {
                let answer = fields.contains_key("error") && !fields.contains_key("status");
                if answer
                    || fields.get("type").is_some_and(|kind| KINDS.contains(&kind.as_str().unwrap_or("")))
                {
                    return add(value, shapes);
                }
                // Requests of the same type have other fields.
                fields
                    .iter()
                    .filter(|(name, _)| *name != "request")
                    .for_each(|(_, value)| collect(value, shapes));
            }
            Value::Array(list) => list.iter().for_each(|value| collect(value, shapes)),
            _ => {}
        }
    }
    let mut shapes = Shapes::new();
    for file in traffic().iter().filter(|file| !file.starts_with("offline_")) {
        collect(&vectors(&format!("traffic/{file}")), &mut shapes);
    }
    shapes
}

/// Every kind of message that a dev node sends.
const KINDS: [&str; 20] = [
    "broadcast_transaction",
    "certificate_valid",
    "chain_name",
    "create_raw_transaction",
    "election_info",
    "error",
    "escrow_info",
    "macro_block_committed",
    "macro_block_info",
    "micro_block_info",
    "micro_block_popped",
    "micro_block_prepared",
    "micro_block_reverted",
    "outputs_list",
    "status_changed",
    "status_info",
    "subscribed_chain",
    "subscribed_status",
    "validators_info",
    "version_info",
];

/// A short life of a chain in which everything is asked for.
fn ours() -> Shapes {
    let mut shapes = Shapes::new();
    // Enough epochs that an award is won and not won: by the seed, so always the same.
    let world = World::with(params(6, 1));
    let mut session = world.session();
    let mut ask = |request: Value| {
        let answer = session.request(&request);
        add(&answer, &mut shapes);
        answer
    };
    for kind in
        ["chain_name", "version_info", "status_info", "election_info", "escrow_info", "validators_info"]
    {
        ask(json!({ "type": kind }));
    }
    ask(json!({ "type": "no_such_request" }));
    ask(json!({ "type": "outputs_list", "utxos": ["0".repeat(64)] }));
    let mut session = world.session();
    let [public, private] = genesis_outputs(&mut session, "alice");
    let [other, _] = genesis_outputs(&mut session, "bob");
    let alice = account("alice");
    let txouts = [pay_privately(&address("bob"), 5, ""), pay(&address("bob"), 1_999_999_998_000 - 5)];
    let created = session.request(&create_with_blobs(&alice, &[&public, &private], &txouts, 2000));
    add(&created, &mut shapes);
    add(&broadcast(&mut session, &created), &mut shapes);
    let wrong = create(&alice, &[&other], &[pay(&address("bob"), 1)], 1000);
    let wrong = session.request(&wrong);
    add(&broadcast(&mut session, &wrong), &mut shapes);

    let (payment, claim) = provable(&mut session, "carol");
    broadcast(&mut session, &json!({ "data": hex::encode(payment.to_bytes()) }));
    let mut follower = world.session();
    add(&follower.request(&json!({ "type": "subscribe_chain", "epoch": 0, "offset": 0 })), &mut shapes);
    let mut watcher = world.session();
    add(&watcher.request(&json!({ "type": "subscribe_status" })), &mut shapes);
    world.mine(2);
    add(&session.request(&claim), &mut shapes);
    add(&watcher.notification(), &mut shapes);
    for offset in 0..2 {
        add(
            &session.request(&json!({ "type": "micro_block_info", "epoch": 1, "offset": offset })),
            &mut shapes,
        );
    }
    (0..3).for_each(|_| add(&follower.notification(), &mut shapes));
    add(&session.request(&json!({ "type": "pop_micro_block" })), &mut shapes);
    world.mine(6 + 28);
    (0..5).for_each(|_| add(&follower.notification(), &mut shapes));
    let mut late = world.session();
    late.request(&json!({ "type": "subscribe_chain", "epoch": 0, "offset": 0 }));
    world.mine(1);
    for epoch in 0..4 {
        add(&session.request(&json!({ "type": "macro_block_info", "epoch": epoch })), &mut shapes);
        add(&late.notification(), &mut shapes);
    }
    let utxos = json!({ "type": "outputs_list", "utxos": created["txouts"] });
    add(&session.request(&utxos), &mut shapes);
    shapes
}

#[test]
fn every_answer_has_the_shape_of_the_recorded_one() {
    let (recorded, ours) = (recorded(), ours());
    for (kind, recorded) in &recorded {
        let ours = ours.get(kind).unwrap_or_else(|| panic!("{kind} was not asked for"));
        let missing: Vec<_> = recorded.difference(ours).collect();
        let unknown: Vec<_> = ours.difference(recorded).collect();
        assert!(
            missing.is_empty() && unknown.is_empty(),
            "{kind}: missing {missing:#?}, unknown {unknown:#?}"
        );
    }
    let unknown: Vec<_> = ours.keys().filter(|kind| !recorded.contains_key(*kind)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
