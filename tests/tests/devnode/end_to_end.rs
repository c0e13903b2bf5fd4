//! A deposit's whole way: faucet, outputs, cold signer, broadcast, final; over real sockets.

use crate::world::{World, broadcast};
use custody_tests::money::{amount, from_blob};
use custody_tests::request::{pay, pay_privately, signed, spend};
use custody_tests::session::Session;
use custody_tests::store::Store;
use serde_json::{Value, json};
use stegos_common::address::{Address, Network};
use stegos_common::hash::Hash;
use stegos_common::output::{Output, Unspent};
use stegos_common::payload::PayloadData;
use stegos_common::transaction::NewOutput;

/// Micro blocks of an epoch.
const EPOCH: usize = 3;

/// What a node gives to the sheet that crosses the gap.
fn outputs(node: &mut Session, ids: &[Hash]) -> Vec<Unspent> {
    let answer = node.request(&json!({ "type": "outputs_list", "utxos": ids }));
    answer["utxos"].as_array().unwrap().iter().map(|blob| from_blob(blob.as_str().unwrap())).collect()
}

/// Has a transaction signed and sent, and waits until its epoch is over. Answers the ids of the outputs it made.
fn settle(world: &World, node: &mut Session, signer: &mut Session, request: &Value) -> Vec<Hash> {
    let answer = signer.request(request);
    let payment = signed(request, &answer);
    let epoch = world.server.node().chain().epoch();
    assert_eq!(broadcast(node, &answer)["status"], json!({ "status": "accepted" }));
    while world.server.node().chain().epoch() == epoch {
        world.mine(1);
    }
    let block = node.request(&json!({ "type": "macro_block_info", "epoch": epoch }));
    let listed = |list: &str, id: &Hash| {
        let list = block[list].as_array().unwrap();
        list.iter().any(|entry| *entry == json!(id) || entry["output_hash"] == json!(id))
    };
    let made: Vec<Hash> = payment.txouts.iter().map(Output::id).collect();
    assert!(payment.txins.iter().all(|id| listed("inputs", id)), "what was spent is finally spent");
    assert!(made.iter().all(|id| listed("outputs", id)), "what was made is final");
    made
}

#[test]
fn deposits_are_spent_by_the_cold_signer_until_they_are_final() {
    let store = Store::new(Network::Dev);
    store.add(&["alice", "bob"]);
    let addresses = store.addresses();
    let (alice, bob) = (addresses["alice"], addresses["bob"]);
    let signer = store.serve(&[]);
    let mut signer = signer.connect();
    let world = World::new(u32::try_from(EPOCH).unwrap());
    let mut node = world.session();

    let public =
        |to: &Address, micro| NewOutput::Public { recipient: *to.public_key(), amount: amount(micro) };
    let private = |to: &Address, micro| NewOutput::Private {
        recipient: *to.public_key(),
        amount: amount(micro),
        data: PayloadData::comment("a deposit").unwrap(),
        with_certificate: false,
    };
    let deposits = [public(&alice, 5_000_000), private(&alice, 3_000_000), public(&bob, 2_000_000)];
    let deposits = world.server.node().pay(&deposits).unwrap();
    world.mine(1);

    // Users' deposits of both kinds, one transaction.
    let deposits = outputs(&mut node, &deposits);
    let request = spend(&deposits, &[pay_privately(&bob, 4_000_000, "x"), pay(&alice, 5_998_000)], 2000);
    let made = settle(&world, &mut node, &mut signer, &request);
    // Their change, in the next epoch, out of a block that is final.
    let change = outputs(&mut node, &made);
    let request = spend(&change, &[pay(&bob, 9_997_000)], 1000);
    let made = settle(&world, &mut node, &mut signer, &request);
    let [last] = outputs(&mut node, &made).try_into().ok().unwrap();
    let Output::PublicPayment(last) = last.output() else { panic!("not public") };
    assert_eq!((last.recipient, last.amount), (bob.public_key().encoded(), 9_997_000));
    // What was spent is gone.
    let gone = node.request(&json!({ "type": "outputs_list", "utxos": [change[0].id()] }));
    assert_eq!(gone["error"], format!("Output was not found hash={}", change[0].id().short()));
}
