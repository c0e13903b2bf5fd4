//! The whole way.

use custody_tests::custody::{Custody, address};
use custody_tests::session::Session;
use serde_json::json;
use stegos_common::socket::Endpoint;

const STG: i64 = 1_000_000;

#[test]
fn deposits_are_swept_and_paid_out_and_nothing_is_lost() {
    let custody = Custody::new(4, &["alice", "bob", "carol"]);
    let explorer = custody.world.follow();
    custody.deposit(&[("alice", 10 * STG), ("bob", 20 * STG), ("carol", 5 * STG), ("carol", 100)]);
    custody.finish_epoch(&explorer);

    let sweep = custody.handoff(&["sweep", "--all"]);
    assert_eq!(sweep, [1]);
    let request = std::fs::read_to_string(custody.request(1)).unwrap();
    assert!(!request.contains("secret_key"), "{request}");
    let inspected = custody.store.ok(&["inspect", &custody.request(1).to_string_lossy()]);
    let shown = custody.world.ok(&["handoff", "show", "1"]);
    // The same words on both sides.
    let facts = |text: &str| {
        text.split("Inputs (").nth(1).unwrap().split("\n\nNothing").next().unwrap().trim().to_owned()
    };
    assert_eq!(facts(&inspected), facts(&shown));
    custody.send(1);
    custody.wait(1, &["accepted"]);
    custody.world.mine(1);
    custody.wait(1, &["prepared"]);
    custody.finish_epoch(&explorer);
    custody.wait(1, &["final"]);
    assert_eq!(custody.balance("hot"), 35 * STG - 1000);
    assert_eq!(custody.balance("carol"), 100, "dust stays");

    // A private payment that can be proved, with private change.
    let stranger = address("a stranger");
    let withdraw = ["withdraw", "--to", &stranger.to_string(), "--amount", "7 STG", "--id", "w-1"];
    let private = ["--private", "--comment", "thanks", "--with-certificate", "--private-change", "true"];
    let withdrawal = custody.handoff(&[&withdraw[..], &private].concat());
    assert_eq!(withdrawal, [2]);
    custody.send(2);
    custody.wait(2, &["accepted"]);
    custody.world.mine(1);
    let handoff = custody.wait(2, &["prepared"]);
    custody.finish_epoch(&explorer);
    custody.wait(2, &["final"]);
    let mut session =
        Session::open(&Endpoint::Tcp(custody.world.server.address()), &custody.world.path("node.token"));
    let mut claim = handoff["transaction"]["certificates"][0].clone();
    claim["type"] = "validate_certificate".into();
    let valid = session.request(&claim);
    assert_eq!((&valid["type"], &valid["amount"]), (&json!("certificate_valid"), &json!(7 * STG)), "{valid}");
    assert_eq!(custody.balance("hot"), 28 * STG - 3000);

    // The private change is spent.
    let withdraw = ["withdraw", "--to", &stranger.to_string(), "--amount", "27 STG", "--id", "w-2"];
    assert_eq!(custody.handoff(&withdraw), [3]);
    custody.send(3);
    custody.wait(3, &["accepted"]);
    custody.world.mine(1);
    custody.wait(3, &["prepared"]);
    custody.finish_epoch(&explorer);
    let handoff = custody.wait(3, &["final"]);
    assert_eq!(handoff["inputs"][0]["private"], true, "{handoff:#}");
    assert_eq!(custody.balance("hot"), STG - 5000);
    let states = handoff["transaction"]["history"].as_array().unwrap().iter();
    let states: Vec<&str> = states.map(|step| step["state"]["name"].as_str().unwrap()).collect();
    assert_eq!(states, ["submitted", "accepted", "prepared", "final"]);
    custody.world.audit();
}

#[test]
fn a_thousand_recipients_are_paid_in_one_trip() {
    let custody = Custody::new(4, &[]);
    let explorer = custody.world.follow();
    custody.deposit(&[("hot", 200 * STG); 12]);
    custody.finish_epoch(&explorer);
    let line = |number: usize| {
        let to = address(&format!("recipient {}", number % 7));
        json!({ "id": format!("w-{number}"), "to": to, "amount": "1.5 STG" }).to_string() + "\n"
    };
    let batch = custody.world.path("batch.jsonl");
    std::fs::write(&batch, (0..1000).map(line).collect::<String>()).unwrap();
    let batch = ["withdraw", "--batch", &batch.to_string_lossy()];
    let handoffs = custody.handoff(&batch);
    assert_eq!(handoffs.len(), 11);
    assert_eq!(custody.handoff(&batch), handoffs, "nothing is paid twice");
    for number in &handoffs {
        custody.send(*number);
    }
    for number in &handoffs {
        custody.wait(*number, &["accepted"]);
    }
    custody.finish_epoch(&explorer);
    for number in &handoffs {
        custody.wait(*number, &["final"]);
    }
    let fees: i64 = 1000 * (1000 + 11);
    assert_eq!(custody.balance("hot"), 12 * 200 * STG - 1500 * STG - fees);
}
