//! `inspect` holds a signed transaction against its request: whoever signed something else is found out.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use custody_tests::money::{self, amount, key, stranger};
use custody_tests::request::{pay, pay_privately, spend};
use custody_tests::store::Store;
use rand_core::OsRng;
use serde_json::Value;
use std::process::Stdio;
use stegos_common::address::{Address, Network};
use stegos_common::keys::PublicKey;
use stegos_common::output::Unspent;
use stegos_common::payload::PayloadData;
use stegos_common::schnorr::Signature;
use stegos_common::transaction::{NewOutput, PaymentTransaction, Spendable, build};

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
    let customer = Address::new(Network::Dev, key("a customer").1);
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

/// Everything in one place that the tests below share: a store, an input of it, and a customer.
struct Case {
    store: Store,
    input: Unspent,
    customer: Address,
}

impl Case {
    fn new() -> Self {
        let store = Store::new(Network::Dev);
        store.add(&["alice"]);
        let input = money::public(store.addresses()["alice"].public_key(), 5_000_000);
        let customer = Address::new(Network::Dev, key("a customer").1);
        Self { store, input, customer }
    }

    /// A private payment with a certificate, and change.
    fn request(&self) -> Value {
        let mut request = spend(
            [&self.input],
            &[
                pay_privately(&self.customer, 1_000_000, "thanks"),
                pay(&self.store.addresses()["alice"], 3_998_000),
            ],
            2000,
        );
        request["txouts"][0]["with_certificate"] = true.into();
        request
    }

    fn answer(&self, request: &Value) -> Value {
        let output = self.store.sign(&request.to_string(), &[]);
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The exit code and everything that `inspect` says of an answer to a request.
    fn inspect(&self, answer: &Value, request: &Value, args: &[&str]) -> (Option<i32>, String) {
        let request = self.store.private_file("the-request.json", &request.to_string());
        let args = [&["--request", request.to_str().unwrap()], args].concat();
        let output = self.store.inspect(&answer.to_string(), &args);
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    }
}

#[test]
fn an_answer_must_be_what_was_asked_for_in_every_part() {
    let case = Case::new();
    let request = case.request();
    let honest = case.answer(&request);
    let (code, said) = case.inspect(&honest, &request, &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("proved by its certificate") && said.contains("thanks"), "{said}");
    assert!(said.contains("change to account \"alice\"") && !said.contains("sealed"), "{said}");

    let altered = |alter: &dyn Fn(&mut Value)| {
        let mut answer = honest.clone();
        alter(&mut answer);
        answer
    };
    let mut other =
        spend([&money::public(case.store.addresses()["alice"].public_key(), 5_000_000)], &[], 2000);
    other["txouts"] = request["txouts"].clone();
    let other = case.answer(&other);
    for (name, answer, code, says) in [
        (
            "no certificate",
            altered(&|answer| drop(answer.as_object_mut().unwrap().remove("certificates"))),
            3,
            "certificate",
        ),
        (
            "a certificate that proves nothing",
            altered(&|answer| answer["certificates"][0]["rvalue"] = "01".repeat(32).into()),
            3,
            "certificate",
        ),
        (
            "a certificate of another output",
            altered(&|answer| answer["certificates"] = other["certificates"].clone()),
            3,
            "certificate",
        ),
        (
            "ids of other outputs",
            altered(&|answer| answer["txouts"] = other["txouts"].clone()),
            3,
            "ids of the outputs differ",
        ),
        ("another type", altered(&|answer| answer["type"] = "error".into()), 1, "neither an answer"),
    ] {
        for args in [&[][..], &["--json"]] {
            let (exit, said) = case.inspect(&answer, &request, args);
            assert_eq!(exit, Some(code), "{name}: {said}");
            assert!(said.contains(says), "{name}: {said}");
        }
    }
}

#[test]
fn what_is_sealed_is_not_called_known() {
    let case = Case::new();
    let mut request = case.request();
    request["txouts"][0]["with_certificate"] = false.into();
    let (code, said) = case.inspect(&case.answer(&request), &request, &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("as the request says") && said.contains("1 output is sealed"), "{said}");
}

/// Inputs of an account that is not in use, or of the key in the request, are not called ours.
#[test]
fn whose_inputs_are_spent_is_said_as_it_is() {
    let case = Case::new();
    let request = case.request();
    let answer = case.answer(&request);
    case.store.ok(&["key", "remove", "alice"]);
    let (code, said) = case.inspect(&answer, &request, &[]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("key does not own input") && !said.contains("Nothing speaks"), "{said}");

    let (guest, public) = key("guest");
    let input = money::public(&public, 5_000_000);
    let mut request = spend([&input], &[pay(&case.customer, 4_999_000)], 1000);
    request["secret_key"] = serde_json::json!(*guest.to_bytes());
    let output = case.store.inspect(&request.to_string(), &[]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success());
    assert!(
        said.contains("spent with the secret_key in the request") && !said.contains("this store"),
        "{said}"
    );
}

/// `inspect … | head` must not turn a refusal into a success.
#[test]
fn an_objection_counts_even_if_nobody_reads() {
    let case = Case::new();
    let mut request = case.request();
    request["fee"] = 1.into();
    let file = case.store.private_file("bad.json", &request.to_string());
    for command in ["inspect", "sign"] {
        let mut command = case.store.command(&[command, file.to_str().unwrap()]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        drop(child.stdout.take());
        assert_eq!(child.wait().unwrap().code(), Some(3));
    }
    let file = case.store.private_file("good.json", &case.request().to_string());
    let mut command = case.store.command(&["sign", file.to_str().unwrap()]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(1), "a signed answer that nobody got is a failure");
}

/// Nothing about a transaction can be believed that does not verify, even where it says what was asked for.
#[test]
fn a_transaction_with_another_signature_is_not_sent() {
    let case = Case::new();
    let request = spend([&case.input], &[pay(&case.customer, 4_999_000)], 1000);
    let mut answer = case.answer(&request);
    let data = answer["data"].as_str().unwrap();
    let mut transaction = PaymentTransaction::from_bytes(&hex::decode(data).unwrap()).unwrap();
    transaction.signature = Signature::UNSIGNED;
    answer["data"] = hex::encode(transaction.to_bytes()).into();
    let (code, said) = case.inspect(&answer, &request, &[]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("Invalid signature"), "{said}");
}
