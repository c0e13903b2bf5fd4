//! A withdrawal by HTTP from the request to the final transaction, signed by the real signer.

use custody_tests::api::Api;
use custody_tests::custody::{Custody, TREASURY};
use serde_json::json;
use std::fs;

const STG: i64 = 1_000_000;

#[test]
fn a_withdrawal_goes_its_way_by_http_alone() {
    let custody = Custody::new(5, &["alice", "bob"]);
    let (explorer, base) = custody.world.serve(&["--treasury", TREASURY]);
    let api = Api::of(&custody.world, &base, "service");
    custody.deposit(&[(TREASURY, 10 * STG), ("alice", 2 * STG), ("bob", 3 * STG)]);
    custody.finish_epoch(&explorer);
    let to = custody.world.new_address(7);
    let payment = json!({ "id": "w-1", "to": to, "amount": 4 * STG });
    let body = json!({ "withdrawals": [payment] });
    assert_eq!(api.post("/v1/handoffs/withdrawal", &body).problem(400), "invalid_parameter", "no key");
    let made = api.hand_off("withdrawal", "k-1", &body);
    let number = made.is(201)["handoffs"][0]["number"].as_u64().unwrap();
    assert_eq!(made.header("location"), Some(format!("/v1/handoffs/{number}").as_str()));
    assert_eq!(made.header("idempotent-replayed"), None);

    // The same again, with the amount as text; another body; the same withdrawal with another key.
    let text = json!({ "withdrawals": [{ "id": "w-1", "to": to, "amount": "4000000" }] });
    let again = api.hand_off("withdrawal", "k-1", &text);
    assert_eq!((&again.is(201), again.header("idempotent-replayed")), (&made.json(), Some("true")));
    let other = json!({ "withdrawals": [{ "id": "w-1", "to": to, "amount": STG }] });
    assert_eq!(api.hand_off("withdrawal", "k-1", &other).problem(422), "idempotency_key_reused");
    assert_eq!(api.hand_off("sweep", "k-1", &json!({})).problem(422), "idempotency_key_reused");
    assert_eq!(api.hand_off("withdrawal", "k-2", &other).problem(409), "withdrawal_reused");
    assert_eq!(api.hand_off("withdrawal", "k-3", &body).is(201)["handoffs"][0]["number"], number);
    // Keys are of the caller that chose them.
    let operator = Api::of(&custody.world, &base, "operator");
    let sweep = operator.hand_off("sweep", "k-1", &json!({ "users": ["alice"] })).is(201);
    let much = json!({ "withdrawals": [{ "id": "w-9", "to": to, "amount": 1000 * STG }] });
    assert_eq!(api.hand_off("withdrawal", "k-4", &much).problem(409), "not_enough");
    assert_eq!(api.hand_off("withdrawal", "k-5", &json!({ "withdrawals": [] })).problem(422), "invalid_body");
    let list = api.get("/v1/handoffs?limit=1").is(200);
    assert_eq!(
        (&list["rows"][0], &list["next"]),
        (&sweep["handoffs"][0], &json!(sweep["handoffs"][0]["number"].to_string()))
    );

    // Across the gap and back.
    let request = api.get(&format!("/v1/handoffs/{number}/request"));
    let name = format!("handoff-{number}.request.json");
    assert!(request.header("content-disposition").unwrap().contains(&name));
    fs::write(custody.request(number), &request.body).unwrap();
    let signed = fs::read_to_string(custody.sign(number)).unwrap();
    assert_eq!(
        api.ask("POST", "/v1/transactions", &[], "{\"type\":\"error\",\"error\":\"no\"}").problem(422),
        "not_signed"
    );
    let sent = api.ask("POST", "/v1/transactions", &[], &signed);
    let transaction = sent.is(202);
    let location = sent.header("location").unwrap().to_owned();
    assert_eq!(
        api.ask("POST", "/v1/transactions", &[], &signed).is(202)["transaction_hash"],
        transaction["transaction_hash"]
    );
    custody.wait(number, &["accepted"]);
    custody.world.mine(1);
    custody.wait(number, &["prepared"]);
    assert_eq!(api.get(&location).is(200)["state"]["name"], "prepared");
    custody.finish_epoch(&explorer);
    custody.wait(number, &["final"]);
    let last = api.get(&location).is(200);
    assert_eq!(last["state"]["name"], "final");
    let states: Vec<&str> = last["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["state"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["submitted", "accepted", "prepared", "final"]);
    assert_eq!(api.get("/v1/transactions").is(200)["rows"], json!([last]));
    assert_eq!(api.get(&format!("/v1/handoffs/{number}/request")).problem(409), "handoff_not_open");

    // What is not wanted any more.
    let sweep = sweep["handoffs"][0]["number"].as_u64().unwrap();
    assert_eq!(api.post(&format!("/v1/handoffs/{sweep}/cancel"), &json!({})).is(200)["status"], "cancelled");
    assert_eq!(
        api.post(&format!("/v1/handoffs/{number}/cancel"), &json!({})).problem(409),
        "handoff_not_open"
    );

    // All of it is told, in its order, to whoever asks.
    let types = "handoff.*,transaction.*";
    let events = api.get(&format!("/v1/events?types={types}&limit=1000")).is(200);
    let told: Vec<String> = events["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            let state = event["data"]["state"]["name"].as_str().unwrap_or_default();
            format!("{} {state}", event["type"].as_str().unwrap()).trim().to_owned()
        })
        .collect();
    assert_eq!(
        told,
        [
            "handoff.created",
            "handoff.created",
            "transaction.changed submitted",
            "transaction.changed accepted",
            "transaction.changed prepared",
            "transaction.changed final",
            "handoff.cancelled",
        ]
    );
    let balance = api.get(&format!("/v1/users/{TREASURY}/balance")).is(200);
    assert_eq!(balance["final"]["amount"]["micro_stg"], 6 * STG - 2000);
}

#[test]
fn one_key_at_the_same_time_makes_one_handoff() {
    let custody = Custody::new(5, &[]);
    let (explorer, base) = custody.world.serve(&["--treasury", TREASURY]);
    custody.deposit(&[(TREASURY, STG), (TREASURY, STG), (TREASURY, STG), (TREASURY, STG)]);
    custody.finish_epoch(&explorer);
    let token = custody.world.token("service");
    let body =
        json!({ "withdrawals": [{ "id": "w-1", "to": custody.world.new_address(7), "amount": STG / 2 }] });
    let ask = || {
        let api = Api::with_token(&base, &token);
        api.hand_off("withdrawal", "once", &body).is(201)["handoffs"][0]["number"].as_u64()
    };
    let numbers: Vec<_> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        asking.into_iter().map(|it| it.join().unwrap()).collect()
    });
    assert!(numbers.iter().all(|number| *number == Some(1)), "{numbers:?}");
    // Also after a restart.
    explorer.stop();
    let (_explorer, base) = custody.world.serve(&["--treasury", TREASURY]);
    let api = Api::with_token(&base, &token);
    assert_eq!(api.hand_off("withdrawal", "once", &body).is(201)["handoffs"][0]["number"], 1);
}
