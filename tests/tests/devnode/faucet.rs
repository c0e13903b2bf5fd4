//! The faucet pays anybody, publicly and privately, many at once.

use crate::world::{World, account, params};
use custody_tests::devnode::faucet::FaucetError;
use custody_tests::money::{amount, from_blob};
use serde_json::json;
use stegos_common::keys::PublicKey;
use stegos_common::payload::PayloadData;
use stegos_common::transaction::{BuildError, NewOutput, Spendable};

fn public(recipient: PublicKey, micro: i64) -> NewOutput {
    NewOutput::Public { recipient, amount: amount(micro) }
}

#[test]
fn many_are_paid_at_once() {
    let world = World::new(5);
    let alice = account("alice");
    let (key, owner) = (alice.secret_key(), alice.public_key());
    let mut payments: Vec<NewOutput> = (1..=250).map(|micro| public(owner, micro)).collect();
    payments[100] = NewOutput::Private {
        recipient: owner,
        amount: amount(101),
        data: PayloadData::comment("a deposit").unwrap(),
        with_certificate: false,
    };
    let ids = world.server.node().pay(&payments).unwrap();
    world.mine(1);
    let answer = world.session().request(&json!({ "type": "outputs_list", "utxos": ids }));
    let blobs = answer["utxos"].as_array().unwrap();
    let amounts = blobs.iter().map(|blob| {
        Spendable::unlock(&from_blob(blob.as_str().unwrap()), key, &owner).unwrap().amount().micro()
    });
    assert!(amounts.eq(1..=250), "each is the recipient's, in the order asked for");
}

#[test]
fn the_faucet_says_why_it_does_not_pay() {
    let world = World::with(params(5, 3));
    let owner = account("alice").public_key();
    let mut node = world.server.node();
    let too_much = node.pay(&[public(owner, 10_000_000_000_000)]);
    assert_eq!(too_much, Err(FaucetError::TooMuch(amount(10_000_000_002_000))));
    let nothing = node.pay(&[public(owner, 0)]);
    assert_eq!(nothing, Err(FaucetError::Build(BuildError::ZeroAmount { index: 0 })));
    for _ in 0..64 {
        node.pay(&[public(owner, 1)]).unwrap();
    }
    assert_eq!(node.pay(&[public(owner, 1)]), Err(FaucetError::Dry));
    node.mine().unwrap();
    node.pay(&[public(owner, 1)]).unwrap();
}
