//! What a cold signer signs, over its Unix socket: every mixture of outputs, owners and ways to find them.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use custody_tests::money::{self, amount, key, stranger};
use custody_tests::request::{pay, pay_privately, signed, spend};
use custody_tests::store::Store;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use stegos_common::address::{Address, Network};
use stegos_common::api::create_raw_transaction::RawTransaction;
use stegos_common::certificate;
use stegos_common::keys::{PublicKey, SecretKey};
use stegos_common::output::{Output, Unspent};
use stegos_common::payload::PayloadData;

/// A store with one account of each origin; the key of `hot` is known.
fn store() -> (Store, BTreeMap<String, Address>, (SecretKey, PublicKey)) {
    let store = Store::new(Network::Dev);
    store.add(&["alice", "bob"]);
    let hot = key("hot wallet");
    store.import("hot", &hot.0);
    let addresses = store.addresses();
    (store, addresses, hot)
}

/// The secret key as a request carries it.
fn secret(key: &SecretKey) -> Value {
    json!(*key.to_bytes())
}

#[test]
fn every_mixture_of_kinds_is_signed_and_received() {
    let (store, addresses, hot) = store();
    let signer = store.serve(&[]);
    let mut session = signer.connect();
    let customer = key("a customer");
    let to = Address::new(Network::Dev, customer.1);
    let alice = addresses["alice"].public_key();
    let inputs: [&dyn Fn() -> Vec<Unspent>; 3] =
        [&|| vec![money::public(alice, 9_000_000)], &|| vec![money::private(alice, 9_000_000)], &|| {
            vec![money::public(alice, 4_000_000), money::private(&hot.1, 5_000_000)]
        }];
    for inputs in inputs {
        for request in [
            spend(&inputs(), &[pay(&to, 8_999_000)], 1000),
            spend(&inputs(), &[pay_privately(&to, 8_999_000, "withdrawal 17 🦀")], 1000),
            // The change goes back to an account of the store.
            spend(&inputs(), &[pay_privately(&to, 5_000_000, ""), pay(&addresses["alice"], 3_998_000)], 2000),
        ] {
            let transaction = signed(&request, &session.request(&request));
            for (made, asked) in transaction.txouts.iter().zip(request["txouts"].as_array().unwrap()) {
                match made {
                    Output::PublicPayment(made) => {
                        assert_eq!(
                            json!(Address::new(
                                Network::Dev,
                                PublicKey::from_bytes(made.recipient.as_bytes()).unwrap()
                            )),
                            asked["recipient"]
                        );
                        assert_eq!(json!(made.amount), asked["amount"]);
                    }
                    Output::Payment(made) => {
                        let payload = made.open(&customer.0, &customer.1).unwrap();
                        assert_eq!(json!(payload.amount), asked["amount"]);
                        let PayloadData::Comment(comment) = &payload.data else { panic!("no comment") };
                        assert_eq!(json!(comment.as_str()), asked["comment"]);
                    }
                    Output::Stake(_) => panic!("a stake"),
                }
            }
            assert_eq!(transaction.txouts.len(), request["txouts"].as_array().unwrap().len());
        }
    }
    // What was sent privately to an account of the store is spent from there in the next transaction.
    let request = spend(&inputs[0](), &[pay_privately(&addresses["bob"], 8_999_000, "")], 1000);
    let change = Unspent::new(signed(&request, &session.request(&request)).txouts[0].clone());
    let request = spend([&change], &[pay(&to, 8_998_000)], 1000);
    signed(&request, &session.request(&request));
}

#[test]
fn inputs_of_accounts_of_every_origin_are_spent_in_one_transaction() {
    let (store, addresses, hot) = store();
    let signer = store.serve(&[]);
    let mut session = signer.connect();
    let owners = ["alice", "hot", "master"].map(|account| *addresses[account].public_key());
    assert_eq!(owners[1], hot.1);
    let to = stranger(Network::Dev);
    for make in [money::public, money::private] {
        let inputs = owners.map(|owner| make(&owner, 1_000_000));
        let mut request = spend(&inputs, &[pay(&to, 2_999_000)], 1000);
        // By search, with a hint for one of them, and with hints for all of them.
        signed(&request, &session.request(&request));
        request["accounts"] = json!({ inputs[1].id().to_string(): "hot" });
        signed(&request, &session.request(&request));
        for (input, account) in inputs.iter().zip(["alice", "hot", "master"]) {
            request["accounts"][input.id().to_string()] = json!(account);
        }
        // Ids are hex of either case, everywhere.
        request["txins"][0] = json!(request["txins"][0].as_str().unwrap().to_uppercase());
        let answer = session.request(&request);
        request["txins"][0] = json!(inputs[0].id());
        signed(&request, &answer);
    }
}

#[test]
fn what_came_to_an_old_key_of_a_rotated_account_is_spent_from_there() {
    let (store, before, hot) = store();
    store.ok(&["key", "rotate", "alice", "hot"]);
    store.ok(&["key", "rotate", "alice"]);
    let after = store.addresses();
    let owners =
        [*before["alice"].public_key(), *after["alice"].public_key(), hot.1, *after["hot"].public_key()];
    assert!(owners[0] != owners[1] && owners[2] != owners[3]);
    let signer = store.serve(&[]);
    let mut session = signer.connect();
    let to = stranger(Network::Dev);
    for make in [money::public, money::private] {
        let inputs = owners.map(|owner| make(&owner, 1_000_000));
        let request = spend(&inputs, &[pay(&to, 3_999_000)], 1000);
        signed(&request, &session.request(&request));
        let inputs = owners.map(|owner| make(&owner, 1_000_000));
        let mut request = spend(&inputs, &[pay(&to, 3_999_000)], 1000);
        // A hint names the account, whichever of its keys it is.
        for (input, account) in inputs.iter().zip(["alice", "alice", "hot", "hot"]) {
            request["accounts"][input.id().to_string()] = json!(account);
        }
        signed(&request, &session.request(&request));
        let input = make(&owners[0], 1_000_000);
        let mut request = spend([&input], &[pay(&to, 999_000)], 1000);
        request["accounts"] = json!({ input.id().to_string(): "hot" });
        let refused = session.request(&request);
        assert_eq!(refused["code"], "input_not_owned", "{refused}");
    }
    // Both sides call it by its name.
    drop(session);
    signer.stop();
    let request = spend(&[money::public(&owners[0], 1_000_000)], &[pay(&before["alice"], 999_000)], 1000);
    let shown = store.inspect(&request.to_string(), &[]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert_eq!(shown.matches("alice").count(), 2, "{shown}");
}

#[test]
fn a_request_may_bring_the_key_of_its_inputs() {
    let (store, addresses, _) = store();
    let signer = store.serve(&[]);
    let mut session = signer.connect();
    let (guest, owner) = key("an account that is not in the store");
    let inputs = [money::public(&owner, 2_000_000), money::private(&owner, 3_000_000)];
    let mut request = spend(&inputs, &[pay_privately(&addresses["bob"], 4_999_000, "")], 1000);
    assert_eq!(session.request(&request)["code"], "input_not_owned");
    request["secret_key"] = secret(&guest);
    signed(&request, &session.request(&request));
    // It is for that request only.
    request["secret_key"] = Value::Null;
    assert_eq!(session.request(&request)["code"], "input_not_owned");
    // The same as leaving it out.
    let mut request = spend(
        &[money::public(addresses["alice"].public_key(), 5000)],
        &[pay(&stranger(Network::Dev), 4000)],
        1000,
    );
    request["secret_key"] = Value::Null;
    signed(&request, &session.request(&request));
}

#[test]
fn a_payment_with_a_certificate_can_be_proved() {
    let (store, addresses, _) = store();
    let signer = store.serve(&[]);
    let (alice, bob) = (&addresses["alice"], &addresses["bob"]);
    let inputs = [money::public(alice.public_key(), 2_000_000), money::private(bob.public_key(), 3_000_000)];
    let to = stranger(Network::Dev);
    let plain = pay_privately(&to, 1_000_000, "not to be proved");
    let mut proved = pay_privately(&to, 3_996_999, "to be proved");
    proved["with_certificate"] = json!(true);
    let request = spend(&inputs, &[plain, proved, pay(alice, 1)], 3000);
    let answer = signer.request(&request);
    let transaction = signed(&request, &answer);

    let raw: RawTransaction = serde_json::from_value(answer).unwrap();
    let [claim] = raw.certificates.as_slice() else { panic!("{:?}", raw.certificates) };
    assert_eq!(claim.output_hash, raw.txouts[1]);
    // The owner of the first input is the one who paid.
    assert_eq!((claim.spender, claim.recipient), (*alice, to));
    let Output::Payment(output) = &transaction.txouts[1] else { panic!("not private") };
    let paid = certificate::verify(output, alice.public_key(), to.public_key(), &claim.rvalue.0);
    assert_eq!(paid, Ok(amount(3_996_999)));
    let another = certificate::verify(output, bob.public_key(), to.public_key(), &claim.rvalue.0);
    assert!(another.is_err());
}

#[test]
fn limits_are_reached_but_not_passed() {
    let (store, addresses, _) = store();
    let signer = store.serve(&[]);
    let mut session = signer.connect();
    let owners = ["alice", "bob", "hot", "master"].map(|account| *addresses[account].public_key());
    let to = stranger(Network::Dev);

    let inputs: Vec<Unspent> =
        owners.iter().cycle().take(100).map(|owner| money::public(owner, 10)).collect();
    let inputs = [inputs, vec![money::public(&owners[0], 10_000_000)]].concat();
    let hundred = &inputs[1..];
    let one = [pay(&to, 10_000_990 - 1000)];
    let request = spend(hundred, &one, 1000);
    signed(&request, &session.request(&request));
    assert_eq!(session.request(&spend(&inputs, &one, 1010))["code"], "too_many_inputs");

    let rich = || [money::private(&owners[1], 10_000_000)];
    let many = |count: i64, fee: i64| {
        let outputs: Vec<Value> = (0..count).map(|_| pay(&to, 1000)).collect();
        let change = pay(&addresses["bob"], 10_000_000 - fee - 1000 * count);
        spend(&rich(), &[outputs, vec![change]].concat(), fee)
    };
    let request = many(99, 100_000);
    signed(&request, &session.request(&request));
    assert_eq!(session.request(&many(100, 101_000))["code"], "too_many_outputs");

    // The lowest fee and the highest; the longest comment; nothing at all, privately; the most there can be.
    for fee in [2000, 20_000] {
        let request =
            spend(&rich(), &[pay_privately(&to, 0, &"x".repeat(882)), pay(&to, 10_000_000 - fee)], fee);
        signed(&request, &session.request(&request));
    }
    let all = [money::private(&owners[2], i64::MAX)];
    let request = spend(&all, &[pay_privately(&to, i64::MAX - 1000, &"ж".repeat(441))], 1000);
    signed(&request, &session.request(&request));
}

#[test]
fn the_largest_request_gets_the_largest_answer() {
    let (store, addresses, hot) = store();
    let signer = store.serve(&[]);
    let inputs: Vec<Unspent> = (0..100).map(|_| money::private(&hot.1, 1_000_000)).collect();
    // Every byte of the longest comment is escaped.
    let comment = "\u{1}".repeat(882);
    let mut txouts = vec![pay_privately(&addresses["alice"], 999_000, &comment); 100];
    for txout in &mut txouts {
        txout["with_certificate"] = json!(true);
    }
    let mut request = spend(&inputs, &txouts, 100_000);
    let hints: BTreeMap<String, &str> = inputs.iter().map(|input| (input.id().to_string(), "hot")).collect();
    request["accounts"] = json!(hints);
    let answer = signer.request(&request);
    signed(&request, &answer);
    assert_eq!(answer["certificates"].as_array().map(Vec::len), Some(100));
}

#[test]
fn an_id_comes_back_and_equal_payments_are_different_outputs() {
    let (store, addresses, _) = store();
    let signer = store.serve(&[]);
    let mut session = signer.connect();
    let mut outputs = BTreeSet::new();
    for id in [None, Some(0), Some(1), Some(u64::MAX)] {
        let inputs = [money::public(addresses["alice"].public_key(), 5000)];
        let mut request = spend(&inputs, &[pay(&stranger(Network::Dev), 4000)], 1000);
        request["id"] = json!(id);
        if id.is_none() {
            request.as_object_mut().unwrap().remove("id");
        }
        let answer = session.request(&request);
        signed(&request, &answer);
        assert!(outputs.insert(answer["txouts"].to_string()));
    }
}

#[test]
fn recipients_in_upper_case_and_fields_of_other_versions_are_taken() {
    let (store, addresses, _) = store();
    let signer = store.serve(&[]);
    let inputs = [money::public(addresses["alice"].public_key(), 5000)];
    let mut request = spend(&inputs, &[pay(&stranger(Network::Dev), 4000)], 1000);
    let upper = request["txouts"][0]["recipient"].as_str().unwrap().to_uppercase();
    request["txouts"][0]["recipient"] = json!(upper);
    request["unspent_list"][0] = json!(money::blob(&inputs[0]).to_uppercase());
    // A node ignores what it does not know, and so do we.
    request["bogus"] = json!("NESTED");
    let nested = "[".repeat(100_000) + &"]".repeat(100_000);
    let text = request.to_string().replace("\"NESTED\"", &nested);
    let answer = serde_json::from_str(&signer.connect().text(&text).unwrap()).unwrap();
    request["unspent_list"][0] = json!(money::blob(&inputs[0]));
    let transaction = signed(&request, &answer);
    assert_eq!(transaction.txouts[0].recipient(), stranger(Network::Dev).public_key().encoded());
}
