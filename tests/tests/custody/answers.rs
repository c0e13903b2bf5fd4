//! Answers that are not what was asked for are not sent.

use custody_tests::custody::{Custody, address, pays_else};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

const STG: i64 = 1_000_000;

fn withdraw(custody: &Custody) -> u64 {
    let to = address("a stranger").to_string();
    custody.handoff(&["withdraw", "--to", &to, "--amount", "4 STG"])[0]
}

/// How a request is changed before it is signed.
type Change<'a> = &'a dyn Fn(&str) -> String;

/// Another transaction for the same handoff, signed by the real signer.
fn signed_else(custody: &Custody, number: u64, change: impl FnOnce(&str) -> String) -> PathBuf {
    let request = fs::read_to_string(custody.request(number)).unwrap();
    // Another store, for the journal of this one would refuse to sign the same inputs away differently afterwards.
    let output = custody.store.copy().sign(&change(&request), &[]);
    assert!(output.status.success(), "{output:?}");
    let path = custody.world.path("else.json");
    fs::write(&path, output.stdout).unwrap();
    path
}

#[test]
fn what_was_not_asked_for_is_refused() {
    let custody = Custody::new(4, &["alice"]);
    let explorer = custody.world.follow();
    custody.deposit(&[("hot", 10 * STG); 2]);
    custody.finish_epoch(&explorer);
    let number = withdraw(&custody);
    let second = fs::read_to_string(custody.request(withdraw(&custody))).unwrap();
    let whole = 10 * STG;
    let added = |request: &str| {
        let mut request: Value = serde_json::from_str(request).unwrap();
        let mut change = request["txouts"][1].clone();
        request["txouts"][1]["amount"] = (change["amount"].as_i64().unwrap() - STG - 1000).into();
        change["amount"] = STG.into();
        request["txouts"].as_array_mut().unwrap().push(change);
        request["fee"] = 3000.into();
        request.to_string()
    };
    let amount = |request: &str| {
        let mut request: Value = serde_json::from_str(request).unwrap();
        for (place, less) in [(0, 1), (1, -1)] {
            let amount = request["txouts"][place]["amount"].as_i64().unwrap() - less;
            request["txouts"][place]["amount"] = amount.into();
        }
        request.to_string()
    };
    let recipient = |request: &str| {
        let mut request: Value = serde_json::from_str(request).unwrap();
        request["txouts"][0]["recipient"] = address("a thief").to_string().into();
        request.to_string()
    };
    let both = |request: &str| {
        let mut request: Value = serde_json::from_str(request).unwrap();
        let second: Value = serde_json::from_str(&second).unwrap();
        for list in ["txins", "unspent_list"] {
            request[list].as_array_mut().unwrap().push(second[list][0].clone());
        }
        let change = request["txouts"][1]["amount"].as_i64().unwrap() + whole;
        request["txouts"][1]["amount"] = change.into();
        request.to_string()
    };
    let one = |request: &str| pays_else(request, "a thief", whole - 2000, 2000);
    let less_fee = |request: &str| pays_else(request, "a thief", whole - 1000, 1000);
    let changes: [(Change<'_>, &str); 6] = [
        (&both, "inputs"),
        (&recipient, "recipients"),
        (&amount, "amounts"),
        (&added, "fees"),
        (&less_fee, "fees"),
        (&one, "numbers of outputs"),
    ];
    for (change, what) in changes {
        let file = signed_else(&custody, number, change);
        let output = custody.broadcast(&file, &[]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains("not what was asked for") && said.contains(what), "{what}: {said}");
    }
    assert_eq!(custody.show(number)["transaction"], Value::Null);

    // Bytes that were changed after they were signed.
    let response = custody.sign(number);
    let good = fs::read_to_string(&response).unwrap();
    let mut changed: Value = serde_json::from_str(&good).unwrap();
    let data = changed["data"].as_str().unwrap();
    let flipped = if data.ends_with('0') { "1" } else { "0" };
    changed["data"] = format!("{}{flipped}", &data[..data.len() - 1]).into();
    fs::write(custody.world.path("changed.json"), changed.to_string()).unwrap();
    let output = custody.broadcast(&custody.world.path("changed.json"), &[]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");

    // And the right one, twice.
    for _ in 0..2 {
        assert!(custody.broadcast(&response, &[]).status.success());
    }
    custody.wait(number, &["accepted"]);
    custody.world.mine(1);
    custody.wait(number, &["prepared"]);
    custody.finish_epoch(&explorer);
    let output = custody.broadcast(&response, &["--wait", "final"]);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_refusal_of_the_signer_and_other_files_are_told() {
    let custody = Custody::new(4, &[]);
    for (text, part) in [
        ("{\"type\":\"error\",\"error\":\"unbalanced: 1 and 2\",\"id\":1}", "unbalanced: 1 and 2"),
        (
            "{\"type\":\"create_raw_transaction\",\"id\":9,\"txouts\":[],\"data\":\"00\"}",
            "no handoff of this ledger",
        ),
        ("[]", "no answer"),
        ("", "no answer"),
    ] {
        let path = custody.world.path("answer.json");
        fs::write(&path, text).unwrap();
        let output = custody.broadcast(&path, &[]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains(part), "{said}");
    }
}
