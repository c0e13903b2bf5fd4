//! `inspect` holds a signed transaction against its request: whoever signed something else is found out.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use custody_tests::money::{self, amount, key, stranger};
use custody_tests::request::{pay, pay_privately, spend};
use custody_tests::store::Store;
use rand_core::OsRng;
use serde_json::Value;
use stegos_common::address::Network;
use stegos_common::keys::PublicKey;
use stegos_common::output::Unspent;
use stegos_common::payload::PayloadData;
use stegos_common::transaction::{NewOutput, Spendable, build};

/// A valid transaction that whoever has the key of `hot` could have signed, in hex.
fn forged(input: &Unspent, outputs: &[NewOutput], fee: i64) -> String {
    let (secret, public) = key("hot wallet");
    let spendable = Spendable::unlock(input, &secret, &public).unwrap();
    let built = build(&[&spendable], outputs, amount(fee), &secret, &mut OsRng).unwrap();
    hex::encode(built.transaction.to_bytes())
}

fn private(recipient: &PublicKey, micro: i64, comment: &str) -> NewOutput {
    let data = PayloadData::comment(comment).unwrap();
    NewOutput::Private { recipient: *recipient, amount: amount(micro), data, with_certificate: false }
}

#[test]
fn a_transaction_that_is_not_the_requested_one_is_found_out() {
    let store = Store::new(Network::Dev);
    store.add(&["bob"]);
    let (secret, hot) = key("hot wallet");
    store.import("hot", &secret);
    let bob = store.addresses()["bob"];
    let thief = stranger(Network::Dev);
    let customer = stegos_common::address::Address::new(Network::Dev, key("a customer").1);
    let input = money::public(&hot, 5_000_000);
    let inspect = |request: &Value, transaction: &str| {
        let request = store.private_file("the-request.json", &request.to_string());
        // Without any search: the accounts that the request pays to are known.
        let args = ["--request", request.to_str().unwrap(), "--search-limit", "0"];
        let output = store.inspect(transaction, &args);
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.code(), said)
    };
    let request =
        spend([&input], &[pay(&customer, 1_000_000), pay_privately(&bob, 3_998_000, "change")], 2000);
    let honest = [
        NewOutput::Public { recipient: *customer.public_key(), amount: amount(1_000_000) },
        private(bob.public_key(), 3_998_000, "change"),
    ];
    let (code, said) = inspect(&request, &forged(&input, &honest, 2000));
    assert_eq!(code, Some(0), "{said}");

    let paid =
        |recipient: &PublicKey, micro| NewOutput::Public { recipient: *recipient, amount: amount(micro) };
    let [payment, change] = &honest;
    for (name, outputs, fee) in [
        ("the payment goes to a thief", vec![paid(thief.public_key(), 1_000_000), change.clone()], 2000),
        (
            "the change goes to a thief",
            vec![payment.clone(), private(thief.public_key(), 3_998_000, "change")],
            2000,
        ),
        (
            "more is paid",
            vec![paid(customer.public_key(), 1_000_001), private(bob.public_key(), 3_997_999, "change")],
            2000,
        ),
        (
            "the change says something else",
            vec![payment.clone(), private(bob.public_key(), 3_998_000, "")],
            2000,
        ),
        ("the change is public", vec![payment.clone(), paid(bob.public_key(), 3_998_000)], 2000),
        ("an output is missing", vec![payment.clone()], 4_000_000),
        (
            "an output is added",
            vec![
                payment.clone(),
                private(bob.public_key(), 3_997_999, "change"),
                private(thief.public_key(), 1, ""),
            ],
            2000,
        ),
        ("the outputs are in another order", vec![change.clone(), payment.clone()], 2000),
        ("a higher fee", vec![payment.clone(), private(bob.public_key(), 3_997_000, "change")], 3000),
    ] {
        let (code, said) = inspect(&request, &forged(&input, &outputs, fee));
        assert_eq!(code, Some(3), "{name}: {said}");
        assert!(said.contains("do not send it"), "{name}: {said}");
    }
    let another = money::public(&hot, 5_000_000);
    let (code, said) = inspect(&request, &forged(&another, &honest, 2000));
    assert_eq!(code, Some(3), "{said}");
}
