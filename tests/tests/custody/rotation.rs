//! A key that is rotated: what comes to the old address, and to the new one.

use custody_tests::custody::{Custody, address};
use serde_json::{Value, json};
use std::fs;
use std::process::Output;

const STG: i64 = 1_000_000;

/// Sends a handoff, and makes the epoch in which it becomes final.
fn finish(custody: &Custody, explorer: &custody_tests::explorer::Explorer<'_>, number: u64) {
    custody.send(number);
    custody.wait(number, &["accepted"]);
    custody.finish_epoch(explorer);
    custody.wait(number, &["final"]);
}

fn import(custody: &Custody, export: &str) -> Output {
    let path = custody.world.path("accounts.jsonl");
    fs::write(&path, export).unwrap();
    custody.world.run(&["user", "import", &path.to_string_lossy()])
}

/// The addresses of a user, the current one first.
fn addresses(custody: &Custody, account: &str) -> Vec<String> {
    let users = custody.world.json(&["user", "list"]);
    let user = users.as_array().unwrap().iter().find(|user| user["account"] == account).unwrap();
    let addresses: Vec<String> = serde_json::from_value(user["addresses"].clone()).unwrap();
    assert_eq!(user["current"], addresses[0]);
    addresses
}

/// The recipients of a request.
fn recipients(custody: &Custody, number: u64) -> Vec<String> {
    let request: Value = serde_json::from_str(&fs::read_to_string(custody.request(number)).unwrap()).unwrap();
    let outputs = request["txouts"].as_array().unwrap();
    outputs.iter().map(|output| output["recipient"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn money_at_old_and_new_addresses_is_swept_and_paid_out() {
    let custody = Custody::new(4, &["alice"]);
    let explorer = custody.world.follow();
    let [old, old_hot] = ["alice", "hot"].map(address);
    custody.deposit(&[("alice", 10 * STG), ("hot", 5 * STG)]);
    custody.finish_epoch(&explorer);
    // Private change at the treasury's first key.
    let stranger = address("a stranger").to_string();
    let withdraw = |amount: &str| {
        let rest = ["--amount", amount, "--private-change", "true"];
        custody.handoff(&[&["withdraw", "--to", &stranger], &rest[..]].concat())[0]
    };
    finish(&custody, &explorer, withdraw("1 STG"));
    assert_eq!(custody.balance("hot"), 4 * STG - 2000);

    // An export of before keys were rotated moves nothing.
    let before = custody.store.ok(&["key", "export-public"]);
    let form_of_before = before.replace(",\"generation\":1,\"current\":true", "");
    assert!(!form_of_before.contains("current"), "{form_of_before}");
    let output = import(&custody, &form_of_before);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "1 users and 1 addresses added\n");

    custody.store.ok(&["account", "rotate", "alice", "hot"]);
    let after = custody.store.ok(&["key", "export-public"]);
    let output = import(&custody, &after);
    let said = "0 users and 2 addresses added\n2 users have another current address now\n";
    assert_eq!((String::from_utf8_lossy(&output.stdout), &*output.stderr), (said.into(), &b""[..]));
    let [new, new_hot] = ["alice", "hot"].map(|account| custody.store.addresses()[account]);
    assert_eq!(addresses(&custody, "alice"), [new.to_string(), old.to_string()]);
    assert_eq!(addresses(&custody, "hot"), [new_hot.to_string(), old_hot.to_string()]);

    custody.deposit_to(&[(new, 20 * STG), (old, 3 * STG)]);
    custody.finish_epoch(&explorer);
    assert_eq!(custody.balance("alice"), 33 * STG);
    let rows = custody.world.json(&["outputs", "alice"])["rows"].clone();
    assert_eq!(rows.as_array().unwrap().len(), 3, "{rows}");

    // Both sides name the account, whichever address it is.
    let sweep = custody.handoff(&["sweep", "--all"])[0];
    assert_eq!(recipients(&custody, sweep), [new_hot.to_string()]);
    let inspected = custody.store.ok(&["inspect", &custody.request(sweep).to_string_lossy()]);
    assert_eq!(inspected.matches("alice").count(), 3, "{inspected}");
    finish(&custody, &explorer, sweep);
    assert_eq!(custody.balance("alice"), 0);
    let all = 4 * STG - 2000 + 33 * STG - 1000;
    assert_eq!(custody.balance("hot"), all);

    // It takes the private change, of which only the account is known, and what was swept.
    let number = withdraw("36 STG");
    let request: Value = serde_json::from_str(&fs::read_to_string(custody.request(number)).unwrap()).unwrap();
    let hints: Vec<&Value> = request["accounts"].as_object().unwrap().values().collect();
    assert_eq!((hints, request["txins"].as_array().unwrap().len()), (vec![&json!("hot")], 2));
    assert_eq!(recipients(&custody, number), [stranger.clone(), new_hot.to_string()]);
    finish(&custody, &explorer, number);
    assert_eq!(custody.balance("hot"), all - 36 * STG - 2000);

    // Change at the new key is spent like any other.
    let number = withdraw("0.5 STG");
    finish(&custody, &explorer, number);
    assert_eq!(custody.balance("hot"), all - 36 * STG - 2000 - STG / 2 - 2000);

    // Whoever imports an older export again is told, and money goes on to the new addresses.
    let output = import(&custody, &before);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("WARNING: 2 accounts have a later"), "{output:?}");
    assert_eq!(addresses(&custody, "hot")[0], new_hot.to_string());
    explorer.stop();
    custody.world.audit();
}
