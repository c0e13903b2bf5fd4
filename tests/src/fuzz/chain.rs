//! What the chain consists of: transactions, outputs, addresses.

use super::assert_harmless;
use crate::money::key;
use rand_core::OsRng;
use stegos_common::address::{Address, EncodedAddress, Network};
use stegos_common::api::output::OutputJson;
use stegos_common::api::transaction::TransactionJson;
use stegos_common::output::{MAX_BLOB_LEN, Output, Unspent};
use stegos_common::payload::Payload;
use stegos_common::transaction::{MAX_TRANSACTION_LEN, PaymentTransaction, Spendable};

/// A transaction's protobuf bytes.
pub(super) fn transaction(bytes: &[u8]) {
    let transaction = match PaymentTransaction::from_bytes(bytes) {
        Ok(transaction) => transaction,
        Err(error) => return assert_harmless(&error.to_string()),
    };
    assert!(bytes.len() <= MAX_TRANSACTION_LEN);
    let again = PaymentTransaction::from_bytes(&transaction.to_bytes());
    assert!(again.is_ok_and(|again| again == transaction), "what was written reads otherwise");

    let json = TransactionJson::new(&transaction, Network::Dev);
    let again = serde_json::from_str(&serde_json::to_string(&json).unwrap_or_default());
    let again: TransactionJson = again.unwrap_or_else(|error| panic!("{error}"));
    assert!(
        again.into_payment(Network::Dev).is_ok_and(|again| again == transaction),
        "as JSON it is another"
    );

    // No transaction spends what it makes.
    let inputs: Vec<Unspent> = transaction.txouts.iter().cloned().map(Unspent::new).collect();
    for inputs in [&[], &*inputs] {
        match transaction.verify(inputs) {
            Ok(()) => panic!("it spends nothing, and is valid"),
            Err(error) => assert_harmless(&error.to_string()),
        }
    }
}

/// An output's blob; the bytes are a private output's payload, too, once it is decrypted.
pub(super) fn output(bytes: &[u8]) {
    let (key, public) = key("a recipient");
    if let Ok(payload) = Payload::decode(bytes, &public.encoded()) {
        let again = payload.encode(&public);
        assert!(again.as_slice() == bytes, "a payload is written otherwise than it was read");
    }
    let output = match Output::from_bytes(bytes) {
        Ok(output) => output,
        Err(error) => return assert_harmless(&error.to_string()),
    };
    assert!(bytes.len() <= MAX_BLOB_LEN);
    let again = Output::from_bytes(&output.to_bytes());
    assert!(again.is_ok_and(|again| again == output && again.id() == output.id()), "it reads otherwise");

    let json = OutputJson::new(&output, Network::Dev);
    let again = serde_json::from_str(&serde_json::to_string(&json).unwrap_or_default());
    let again: OutputJson = again.unwrap_or_else(|error| panic!("{error}"));
    assert!(again.into_output(Network::Dev).is_ok_and(|again| again == output), "as JSON it is another");

    let valid = output.validate(&mut OsRng);
    if let Err(error) = &valid {
        assert_harmless(&error.to_string());
    }
    let spendable = Spendable::unlock(&Unspent::new(output.clone()), &key, &public);
    match (&output, spendable) {
        (_, Err(error)) => assert_harmless(&error.to_string()),
        (Output::Stake(_), Ok(_)) => panic!("a stake is spendable"),
        // Of a private one, the proof may be another's.
        (Output::Payment(_), Ok(_)) => {}
        (Output::PublicPayment(_), Ok(_)) => assert!(valid.is_ok(), "it is spendable, but not valid"),
    }
}

/// An address as text.
pub(super) fn address(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match text.parse::<EncodedAddress>() {
        Ok(encoded) => assert!(encoded.to_string().eq_ignore_ascii_case(text), "an address has one spelling"),
        Err(error) => assert_harmless(&error.to_string()),
    }
    let address = match text.parse::<Address>() {
        Ok(address) => address,
        Err(error) => return assert_harmless(&error.to_string()),
    };
    assert_eq!(address.to_string().parse(), Ok(address));
    for network in Network::ALL {
        match Address::parse(text, network) {
            Ok(parsed) => assert!(parsed == address && network == address.network()),
            Err(error) => {
                assert_ne!(network, address.network());
                assert_harmless(&error.to_string());
            }
        }
    }
}
