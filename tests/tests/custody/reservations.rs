//! No output is for two at a time.

use custody_tests::custody::{Custody, address};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::Stdio;

const STG: i64 = 1_000_000;

fn stranger() -> String {
    address("a stranger").to_string()
}

/// A treasury with so many outputs of 10 STG.
fn treasury(outputs: usize) -> Custody {
    let custody = Custody::new(4, &[]);
    let explorer = custody.world.follow();
    custody.deposit(&vec![("hot", 10 * STG); outputs]);
    custody.finish_epoch(&explorer);
    explorer.stop();
    custody
}

#[test]
fn two_operators_never_reserve_the_same_output() {
    let custody = treasury(24);
    let explorer = custody.world.follow();
    let (to, out) = (stranger(), custody.world.path(""));
    let args =
        ["handoff", "withdraw", "--treasury", "hot", "--to", &to, "--amount", "7 STG", "--json", "--out"];
    let mut numbers = BTreeSet::new();
    let mut inputs = BTreeSet::new();
    for _ in 0..6 {
        let operators = (0..4).map(|_| {
            let mut command = custody.world.command(&args);
            command.arg(&out).stdout(Stdio::piped()).spawn().unwrap()
        });
        for operator in operators.collect::<Vec<_>>() {
            let made: Value = serde_json::from_slice(&operator.wait_with_output().unwrap().stdout).unwrap();
            let handoff = &made["handoffs"][0];
            numbers.insert(handoff["number"].as_u64().unwrap());
            inputs.insert(handoff["inputs"][0]["id"].to_string());
        }
    }
    assert_eq!((numbers.len(), inputs.len()), (24, 24));
    let output = custody.world.run(&[
        "handoff",
        "withdraw",
        "--treasury",
        "hot",
        "--to",
        &stranger(),
        "--amount",
        "1 STG",
    ]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("240 STG in 24 outputs, reserved"), "{said}");
    explorer.stop();
}

#[test]
fn an_id_is_paid_once() {
    let custody = treasury(3);
    let to = stranger();
    let pay = |amount| ["withdraw", "--to", &to, "--amount", amount, "--id", "w-1"].map(str::to_owned);
    let args = pay("3 STG");
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    assert_eq!(custody.handoff(&args), [1]);
    assert_eq!(custody.handoff(&args), [1]);
    let other = pay("4 STG");
    let other: Vec<&str> = ["handoff"].into_iter().chain(other.iter().map(String::as_str)).collect();
    let output = custody.world.run(&[&other[..], &["--treasury", "hot"]].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(3) && said.contains("in handoff 1 already"), "{said}");
}

#[test]
fn what_is_cancelled_is_free_and_its_answer_is_refused() {
    let custody = treasury(1);
    let to = stranger();
    let args = ["withdraw", "--to", &to, "--amount", "3 STG"];
    assert_eq!(custody.handoff(&args), [1]);
    let response = custody.sign(1);
    custody.world.ok(&["handoff", "cancel", "1"]);
    let output = custody.broadcast(&response, &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(3) && said.contains("cancelled"), "{said}");
    // The signer may have signed it away: only who knows better spends it.
    let output = custody.world.run(&[&["handoff"], &args[..], &["--treasury", "hot"]].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(3) && said.contains("given up by an earlier handoff"), "{said}");
    assert_eq!(custody.handoff(&[&args[..], &["--spend-released", "true"]].concat()), [2]);
    // And indeed it did.
    let request = std::fs::read_to_string(custody.request(2)).unwrap();
    let other = request.replace("3000000", "2999999").replace("6998000", "6998001");
    assert_eq!(custody.store.sign(&other, &[]).status.code(), Some(3));
}

#[test]
fn the_same_id_takes_up_what_expired() {
    let custody = treasury(2);
    let to = stranger();
    let args = ["withdraw", "--to", &to, "--amount", "3 STG", "--id", "w-1", "--expire-seconds", "1"];
    assert_eq!(custody.handoff(&args), [1]);
    let inputs = custody.show(1)["inputs"].clone();
    while custody.show(1)["ended"] != "expired" {}
    let args = ["withdraw", "--to", &to, "--amount", "3 STG", "--id", "w-1"];
    assert_eq!(custody.handoff(&args), [1]);
    let handoff = custody.show(1);
    assert_eq!((&handoff["ended"], &handoff["inputs"]), (&Value::Null, &inputs));
    custody.world.ok(&["handoff", "cancel", "1"]);
    let output = custody.world.run(&[&["handoff"], &args[..], &["--treasury", "hot"]].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(3) && said.contains("which is cancelled"), "{said}");
}

#[test]
fn a_batch_whose_expired_part_cannot_be_taken_up_makes_nothing() {
    let custody = Custody::new(4, &[]);
    let explorer = custody.world.follow();
    custody.deposit(&[("hot", 20 * STG), ("hot", 10 * STG)]);
    custody.finish_epoch(&explorer);
    let to = stranger();
    let pay = ["withdraw", "--to", &to, "--amount", "15 STG"];
    assert_eq!(custody.handoff(&[&pay[..], &["--id", "w-1", "--expire-seconds", "1"]].concat()), [1]);
    while custody.show(1)["ended"] != "expired" {}
    assert_eq!(custody.handoff(&[&pay[..], &["--spend-released", "true"]].concat()), [2]);
    let batch = custody.world.path("batch.jsonl");
    let line = |id: &str, amount: &str| json!({ "id": id, "to": to, "amount": amount }).to_string();
    std::fs::write(&batch, [line("w-1", "15 STG"), line("w-2", "3 STG")].join("\n")).unwrap();
    let args = ["handoff", "withdraw", "--batch", &batch.to_string_lossy(), "--treasury", "hot"];
    let output = custody.world.run(&args);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(3) && said.contains("is reserved for handoff 2"), "{said}");
    assert_eq!(custody.handoffs().len(), 2);
}

#[test]
fn an_answer_after_the_expiry_is_taken_where_its_inputs_are_free() {
    let custody = treasury(1);
    let to = stranger();
    let args = ["withdraw", "--to", &to, "--amount", "3 STG", "--expire-seconds", "1"];
    assert_eq!(custody.handoff(&args), [1]);
    let first = custody.sign(1);
    let is_expired = || custody.world.json(&["handoff", "show", "1"])["ended"] == "expired";
    while !is_expired() {}
    // Another one takes the output; as long as it has it, the first answer has to wait.
    assert_eq!(
        custody.handoff(&["withdraw", "--to", &to, "--amount", "2 STG", "--spend-released", "true"]),
        [2]
    );
    let output = custody.broadcast(&first, &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(3) && said.contains("reserved for handoff 2"), "{said}");
    custody.world.ok(&["handoff", "cancel", "2"]);
    assert!(custody.broadcast(&first, &[]).status.success());
    assert_eq!(custody.show(1)["ended"], Value::Null);
}

#[test]
fn the_same_answer_may_come_from_many_at_once() {
    let custody = treasury(1);
    let explorer = custody.world.follow();
    assert_eq!(custody.handoff(&["withdraw", "--to", &stranger(), "--amount", "3 STG"]), [1]);
    let answer = std::fs::read_to_string(custody.sign(1)).unwrap();
    let request =
        json!({ "type": "handoff", "do": "broadcast", "again": true, "answer": answer }).to_string();
    let mut sessions = [(); 12].map(|()| explorer.connect());
    sessions.iter_mut().for_each(|session| session.send(&request));
    for session in &mut sessions {
        let answer: Value = serde_json::from_str(&session.receive().unwrap()).unwrap();
        assert_eq!(answer["handoff"]["number"], 1, "{answer}");
    }
    custody.wait(1, &["accepted"]);
    explorer.stop();
}
