//! What is asked for, shown and reached on the way. The whole of it is told by the round trip.

use custody_tests::custody::{Custody, address};
use serde_json::{Value, json};

const STG: i64 = 1_000_000;

#[test]
fn both_sides_show_the_same_and_a_sweep_becomes_final() {
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
        text.split("Inputs (").nth(1).unwrap().split("\n\nPolicy").next().unwrap().trim().to_owned()
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

    let history = custody.show(1)["transaction"]["history"].clone();
    let states: Vec<&Value> = history.as_array().unwrap().iter().map(|step| &step["state"]["name"]).collect();
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
