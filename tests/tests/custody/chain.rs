//! What the chain does to a transaction on its way.

use custody_tests::custody::{Custody, address, status};
use custody_tests::devnode::control::Command as Control;
use custody_tests::devnode::sign::sign;
use custody_tests::explorer::Explorer;
use custody_tests::money::{self, key};
use custody_tests::session::Session;
use serde_json::{Value, json};
use stegos_common::group::Scalar;
use stegos_common::hash::Hash;
use stegos_common::output::Output;
use stegos_common::socket::Endpoint;
use stegos_common::transaction::PaymentTransaction;

const STG: i64 = 1_000_000;

fn withdraw(custody: &Custody, amount: &str) -> u64 {
    let to = address("a stranger").to_string();
    custody.handoff(&["withdraw", "--to", &to, "--amount", amount])[0]
}

/// Follows the node, and has 10 STG in the treasury.
fn funded(custody: &Custody) -> Explorer<'_> {
    let explorer = custody.world.follow();
    custody.deposit(&[("hot", 10 * STG)]);
    custody.finish_epoch(&explorer);
    explorer
}

/// A withdrawal of 4 STG from a treasury of 10, in a micro block.
fn prepared(custody: &Custody, explorer: &Explorer<'_>) -> u64 {
    custody.deposit(&[("hot", 10 * STG)]);
    custody.finish_epoch(explorer);
    let number = withdraw(custody, "4 STG");
    custody.send(number);
    custody.wait(number, &["accepted"]);
    custody.world.mine(1);
    custody.wait(number, &["prepared"]);
    number
}

fn node(custody: &Custody) -> Session {
    Session::open(&Endpoint::Tcp(custody.world.server.address()), &custody.world.path("node.token"))
}

/// Spends the inputs of a handoff otherwise, by a node that has the key.
fn spend_elsewhere(custody: &Custody, number: u64) {
    let request = std::fs::read_to_string(custody.request(number)).unwrap();
    let mut request: Value = serde_json::from_str(&custody_tests::custody::pays_else(
        &request,
        "somebody else",
        custody.show(number)["inputs"][0]["amount"].as_i64().unwrap() - 1000,
        1000,
    ))
    .unwrap();
    request["secret_key"] = json!(*key("hot").0.to_bytes());
    let mut node = node(custody);
    let made = node.request(&request);
    let sent = node.request(&json!({ "type": "broadcast_transaction", "data": made["data"] }));
    assert_eq!(sent["status"]["status"], "accepted", "{sent}");
}

#[test]
fn a_block_that_is_taken_back_is_no_loss() {
    let custody = Custody::new(8, &[]);
    let explorer = custody.world.follow();
    let number = prepared(&custody, &explorer);
    // The node forgets the transaction; it is submitted again.
    custody.world.revert(1);
    custody.wait(number, &["accepted"]);
    custody.world.mine(1);
    custody.wait(number, &["prepared"]);
    custody.finish_epoch(&explorer);
    let handoff = custody.wait(number, &["final"]);
    let states = handoff["transaction"]["history"].as_array().unwrap().iter();
    let states: Vec<&str> = states.map(|step| step["state"]["name"].as_str().unwrap()).collect();
    let way = ["submitted", "accepted", "prepared", "rolled_back", "accepted", "prepared", "final"];
    assert_eq!(states, way);
}

#[test]
fn a_block_that_is_taken_back_may_be_followed_by_a_conflict() {
    let custody = Custody::new(8, &[]);
    let explorer = custody.world.follow();
    let number = prepared(&custody, &explorer);
    explorer.stop();
    custody.world.revert(1);
    spend_elsewhere(&custody, number);
    custody.world.mine(1);
    let explorer = custody.world.follow();
    custody.wait(number, &["conflicted"]);
    custody.finish_epoch(&explorer);
    let handoff = custody.wait(number, &["conflicted"]);
    assert_eq!(
        handoff["inputs"][0]["id"],
        handoff["transaction"]["history"].as_array().unwrap().last().unwrap()["state"]["input"]
    );
    let output =
        custody.world.run(&["broadcast", &custody.response(number).to_string_lossy(), "--wait", "final"]);
    assert_eq!(output.status.code(), Some(7), "{output:?}");
}

#[test]
fn what_another_has_spent_for_good_is_a_conflict_from_the_start() {
    let custody = Custody::new(8, &[]);
    let explorer = funded(&custody);
    let number = withdraw(&custody, "4 STG");
    let response = custody.sign(number);
    spend_elsewhere(&custody, number);
    custody.world.mine(1);
    custody.finish_epoch(&explorer);
    // The node would say that an input is missing, which says nothing.
    let output = custody.broadcast(&response, &["--wait", "final"]);
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    let history = custody.show(number)["transaction"]["history"].clone();
    let states: Vec<&Value> = history.as_array().unwrap().iter().map(|step| &step["state"]["name"]).collect();
    assert_eq!(states, ["submitted", "conflicted"]);
    assert_eq!(custody.balance("hot"), 0);
    custody.world.audit();
}

#[test]
fn a_lost_answer_and_a_killed_explorer_do_no_harm() {
    let custody = Custody::new(8, &[]);
    let explorer = funded(&custody);
    let number = withdraw(&custody, "4 STG");
    let response = custody.sign(number);
    drop(explorer);
    // Stored while nobody can submit it.
    assert!(custody.broadcast(&response, &[]).status.success());
    // Somebody else submitted the same bytes meanwhile, and the answer was lost.
    let answer: Value = serde_json::from_str(&std::fs::read_to_string(&response).unwrap()).unwrap();
    let sent = node(&custody).request(&json!({ "type": "broadcast_transaction", "data": answer["data"] }));
    assert_eq!(sent["status"]["status"], "accepted");
    custody.world.mine(1);
    let explorer = custody.world.follow();
    custody.wait(number, &["prepared"]);
    custody.finish_epoch(&explorer);
    custody.wait(number, &["final"]);
    assert_eq!(custody.balance("hot"), 6 * STG - 2000);
}

#[test]
fn a_node_that_is_behind_is_waited_for() {
    let custody = Custody::new(8, &[]);
    let mut explorer = funded(&custody);
    custody.world.control(Control::SetSynchronized { on: false });
    let number = withdraw(&custody, "4 STG");
    custody.send(number);
    explorer.daemon.wait_for("the node does not take transactions");
    assert_eq!(custody.show(number)["transaction"]["history"].as_array().unwrap().len(), 1);
    custody.world.control(Control::SetSynchronized { on: true });
    custody.wait(number, &["accepted"]);
}

/// Spends an output of the stranger into another one, in the next block.
fn spend_into(custody: &Custody, input: &Hash, output: Output) {
    let input = custody.world.server.node().chain().unspent(input).unwrap().unspent().unwrap();
    let transaction = sign(&key("a stranger").0, &[input], vec![(output, Scalar::ZERO)], 1000).unwrap();
    let data = hex::encode(transaction.to_bytes());
    let sent = node(custody).request(&json!({ "type": "broadcast_transaction", "data": data }));
    assert_eq!(sent["status"]["status"], "accepted", "{sent}");
    custody.world.mine(1);
}

#[test]
fn what_the_node_rejects_is_told_and_has_another_chance() {
    let custody = Custody::new(12, &[]);
    let explorer = custody.world.follow();
    let theirs = custody.deposit(&[("a stranger", 4 * STG + 1000), ("hot", 10 * STG)])[0];
    custody.finish_epoch(&explorer);
    let number = withdraw(&custody, "4 STG");
    let response = custody.sign(number);
    let answer: Value = serde_json::from_str(&std::fs::read_to_string(&response).unwrap()).unwrap();
    let bytes = hex::decode(answer["data"].as_str().unwrap()).unwrap();
    let paid = PaymentTransaction::from_bytes(&bytes).unwrap().txouts[0].clone();

    // The stranger makes an output of the same id first, and a node takes no second one.
    spend_into(&custody, &theirs, paid.clone());
    for _ in 0..2 {
        let output = custody.broadcast(&response, &["--wait", "prepared", "--timeout-seconds", "120"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(7), "{said}");
        assert!(said.contains("rejected: Output hash collision"), "{said}");
        custody.world.mine(1);
        explorer.settle();
        assert_eq!(status(&custody.show(number)), "rejected");
        // What it was to spend is not reserved any more; but the signer has signed it away.
        let to = address("somebody else").to_string();
        let another = ["handoff", "withdraw", "--treasury", "hot", "--to", &to, "--amount", "1 STG"];
        let output = custody.world.run(&another);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(3) && said.contains("given up by an earlier handoff"), "{said}");
    }

    // When that output is spent, the same bytes are taken.
    let rest = money::public(&key("a stranger").1, 4 * STG - 1000).output().clone();
    spend_into(&custody, &paid.id(), rest);
    explorer.settle();
    let gap = custody.world.path("gap");
    std::fs::create_dir(&gap).unwrap();
    std::fs::copy(&response, gap.join("handoff-1.response.json")).unwrap();
    custody.world.ok(&["spool", &gap.to_string_lossy(), "--once"]);
    assert_eq!(status(&custody.show(number)), "rejected", "nobody asked for it");
    assert!(custody.broadcast(&response, &[]).status.success());
    custody.wait(number, &["accepted"]);
    custody.finish_epoch(&explorer);
    custody.wait(number, &["final"]);
    assert_eq!(custody.balance("hot"), 6 * STG - 2000);
    custody.world.audit();
}

#[test]
fn what_is_given_up_is_submitted_no_more_and_still_looked_for() {
    let custody = Custody::new(8, &[]);
    let explorer = funded(&custody);
    custody.world.control(Control::SetSynchronized { on: false });
    let number = withdraw(&custody, "4 STG");
    let response = custody.sign(number);
    assert!(custody.broadcast(&response, &[]).status.success());
    custody.world.ok(&["handoff", "cancel", &number.to_string()]);
    let output = custody.broadcast(&response, &[]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    custody.world.control(Control::SetSynchronized { on: true });
    custody.world.mine(3);
    explorer.settle();
    custody.wait(number, &["cancelled"]);
    // Somebody else has the bytes.
    let answer: Value = serde_json::from_str(&std::fs::read_to_string(&response).unwrap()).unwrap();
    node(&custody).request(&json!({ "type": "broadcast_transaction", "data": answer["data"] }));
    custody.world.mine(1);
    custody.wait(number, &["prepared"]);
    let output = custody.world.run(&["handoff", "cancel", &number.to_string()]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}
