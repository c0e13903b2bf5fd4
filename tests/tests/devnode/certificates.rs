//! Payment certificates, as they were recorded: before the block, in a micro block, in a macro block, and wrong.

use crate::world::{World, account, address, broadcast, genesis_outputs};
use custody_tests::money::amount;
use custody_tests::session::Session;
use rand_core::OsRng;
use serde_json::{Value, json};
use stegos_common::api::encoding::ScalarJson;
use stegos_common::payload::PayloadData;
use stegos_common::transaction::{NewOutput, PaymentTransaction, Spendable, build};

/// A private payment to bob that can be proved, and the request that proves it.
pub(crate) fn provable(session: &mut Session, payer: &'static str) -> (PaymentTransaction, Value) {
    let [public, _private] = genesis_outputs(session, payer);
    let key = account(payer);
    let input = Spendable::unlock(&public, key.secret_key(), &key.public_key()).unwrap();
    let fee = amount(1000);
    let payment = NewOutput::Private {
        recipient: account("bob").public_key(),
        amount: input.amount().checked_sub(fee).unwrap(),
        data: PayloadData::comment("rent").unwrap(),
        with_certificate: true,
    };
    let built = build(&[&input], &[payment], fee, key.secret_key(), &mut OsRng).unwrap();
    let claim = json!({
        "type": "validate_certificate", "output_hash": built.transaction.txouts[0].id(),
        "spender": address(payer), "recipient": address("bob"),
        "rvalue": ScalarJson(**built.rvalues[0].as_ref().unwrap()),
    });
    (built.transaction, claim)
}

#[test]
fn a_payment_is_proved_once_it_is_in_a_block() {
    let world = World::new(2);
    let mut session = world.session();
    let (payment, claim) = provable(&mut session, "alice");
    let short = payment.txouts[0].id().short();
    let error = |text: String| json!({ "type": "error", "error": text });

    let data = json!({ "data": hex::encode(payment.to_bytes()) });
    assert_eq!(broadcast(&mut session, &data)["status"]["status"], "accepted");
    assert_eq!(session.request(&claim), error(format!("Missing UTXO: {short}")));
    world.mine(1);
    let valid = session.request(&claim);
    let block = session.request(&json!({ "type": "micro_block_info", "epoch": 1, "offset": 0 }));
    assert_eq!(valid["type"], "certificate_valid");
    assert_eq!(valid["amount"], 999_999_999_000_i64);
    assert_eq!((&valid["epoch"], &valid["is_final"]), (&json!(1), &json!(false)));
    assert_eq!(valid["block_hash"], block["block_hash"]);
    world.mine(2);
    let valid = session.request(&claim);
    let block = session.request(&json!({ "type": "macro_block_info", "epoch": 1 }));
    assert_eq!((&valid["epoch"], &valid["is_final"]), (&json!(1), &json!(true)));
    assert_eq!(valid["block_hash"], block["block_hash"]);

    let with = |field: &str, value: Value| {
        let mut claim = claim.clone();
        claim[field] = value;
        claim
    };
    let invalid = error("Invalid payment certificate".into());
    assert_eq!(session.request(&with("spender", json!(address("bob")))), invalid);
    assert_eq!(session.request(&with("recipient", json!(address("alice")))), invalid);
    assert_eq!(session.request(&with("rvalue", json!(format!("{:064}", 1)))), invalid);
    let [open, _private] = genesis_outputs(&mut session, "bob");
    let answer = session.request(&with("output_hash", json!(open.id())));
    assert_eq!(answer, error(format!("Invalid UTXO type: {}", open.id().short())));
}
