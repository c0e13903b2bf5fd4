//! Transactions of the deployed node, good and bad: the same verdict as the reference, in the same words.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use rand_core::OsRng;
use serde_json::Value;
use stegos_common::keys::SecretKey;
use stegos_common::output::{OpenError, OutputError, Unspent};
use stegos_common::payload::PayloadError;
use stegos_common::schnorr::Signature;
use stegos_common::transaction::{PaymentTransaction, Spendable, TransactionError, UnlockError};
use stegos_common::wire::DecodeError;
use support::{Read, vectors};

fn inputs(vector: &Value) -> Vec<Unspent> {
    vector.list("inputs").iter().map(unspent).collect()
}

fn unspent(blob: &Value) -> Unspent {
    Unspent::from_bytes(&hex::decode(blob.as_str().unwrap()).unwrap()).unwrap()
}

#[test]
fn valid_transactions() {
    let file = vectors("transactions.json");
    let list = file.list("transactions");
    assert_eq!(list.len(), 14);
    let mut accepted = 0;
    for vector in list {
        let name = vector.text("name");
        let bytes = vector.bytes("tx");
        let transaction = PaymentTransaction::from_bytes(&bytes).unwrap();
        assert_eq!(transaction.to_bytes(), bytes, "{name}");
        assert_eq!(transaction.id(), vector.hash("tx_hash"), "{name}");
        let ids: Vec<String> = transaction.txouts.iter().map(|output| output.id().to_string()).collect();
        assert_eq!(
            ids,
            vector.list("txout_hashes").iter().map(|id| id.as_str().unwrap()).collect::<Vec<_>>()
        );
        let verdict = transaction.verify(&inputs(vector));
        if name == "1 public -> 1 stake output, fee 0" {
            // Its balance and signature are right, but nobody here can check the stake's own signature.
            let utxo = transaction.txouts[0].id();
            assert_eq!(verdict, Err(TransactionError::Output(OutputError::Stake { utxo })));
        } else {
            let error = verdict.err().map(|error| error.to_string());
            assert_eq!(error.as_deref(), vector["verdict"]["error"].as_str(), "{name}");
            accepted += usize::from(error.is_none());
        }
    }
    assert_eq!(accepted, 12, "one more pays a public output of nothing");
}

/// Schnorr signatures are deterministic: ours is the recorded one.
#[test]
fn signatures_are_the_recorded_ones() {
    for vector in vectors("transactions.json").list("transactions") {
        let key = vector.secret_key("effective_secret_key_le");
        let signature = Signature::sign(&vector.hash("tx_hash"), &key);
        assert_eq!(signature.u.to_bytes().to_vec(), vector.bytes("sig_u_le"), "{}", vector.text("name"));
        assert_eq!(signature.k.as_bytes().to_vec(), vector.bytes("sig_K"), "{}", vector.text("name"));
    }
}

#[test]
fn invalid_transactions_get_the_verdict_of_the_reference() {
    let file = vectors("invalid_transactions.json");
    let list = file.list("invalid_transactions");
    assert_eq!(list.len(), 30);
    for vector in list {
        let name = vector.text("name");
        let verdict = &vector["verdict"];
        let ours = judge(vector);
        match name {
            // The reference panics.
            "negative public amount (fee_a assertion)" => {
                let utxo = verdict.list("txout_hashes")[0].as_str().unwrap().parse().unwrap();
                assert!(verdict.text("error").starts_with("PANIC"));
                assert!(
                    matches!(&ours, Err(Verdict::Transaction(TransactionError::Commitment { utxo: id, .. })) if *id == utxo)
                );
            }
            // The reference accepts an output that nobody could ever spend.
            "public output whose recipient is not a point (accepted by the reference?)" => {
                assert_eq!(verdict["valid"], true);
                assert!(matches!(
                    &ours,
                    Err(Verdict::Transaction(TransactionError::Output(OutputError::Recipient { .. })))
                ));
            }
            _ => match (&ours, verdict["error"].as_str()) {
                (Ok(()), None) => {}
                (Err(Verdict::Transaction(error)), Some(expected))
                    if verdict.text("stage") != "resolve_inputs" =>
                {
                    assert_eq!(error.to_string(), expected, "{name}");
                }
                (Err(Verdict::Transaction(TransactionError::MissingInput { utxo, .. })), Some(expected)) => {
                    assert!(expected.contains(&utxo.to_string()), "{name}");
                }
                // Other protobuf and hex libraries, other words.
                (Err(Verdict::Decode(_) | Verdict::Hex), Some(_)) => {
                    assert!(matches!(verdict.text("stage"), "tx_decode" | "tx_hex"), "{name}");
                }
                (ours, expected) => panic!("{name}: {ours:?}, the reference says {expected:?}"),
            },
        }
    }
}

#[derive(Debug)]
enum Verdict {
    Hex,
    Decode(#[allow(dead_code)] DecodeError), // shown when a verdict differs
    Transaction(TransactionError),
}

fn judge(vector: &Value) -> Result<(), Verdict> {
    let bytes = hex::decode(vector.text("tx")).map_err(|_| Verdict::Hex)?;
    let transaction = PaymentTransaction::from_bytes(&bytes).map_err(Verdict::Decode)?;
    transaction.verify(&inputs(vector)).map_err(Verdict::Transaction)
}

/// What the running node answered to `create_raw_transaction` and later accepted or refused.
#[test]
fn recorded_transactions_of_the_running_node() {
    let accepted = [
        ("create_raw_public_to_public.json", "broadcast_valid.json"),
        ("create_raw_private_to_private.json", "broadcast_valid_private.json"),
        ("create_raw_mixed.json", "broadcast_valid_mixed.json"),
    ];
    for (created, broadcast) in accepted {
        let created = vectors(&format!("traffic/{created}"));
        let broadcast = vectors(&format!("traffic/{broadcast}"));
        assert_eq!(created["response"]["data"], broadcast["request"]["data"]);
        let transaction = PaymentTransaction::from_bytes(&broadcast["request"].bytes("data")).unwrap();
        assert_eq!(transaction.id(), broadcast["response"].hash("hash"));
        let inputs: Vec<Unspent> = created["request"].list("unspent_list").iter().map(unspent).collect();
        assert_eq!(transaction.verify(&inputs), Ok(()));
    }
}

/// The example of the integration guide: everything but its secret key fits together.
#[test]
fn the_example_of_the_guide() {
    let example = vectors("guide/create_raw_transaction.json");
    let (request, response) = (&example["request"], &example["response"]);
    let input = unspent(&request["unspent_list"][0]);
    assert_eq!(input.id().to_string(), request["txins"][0].as_str().unwrap());
    assert_eq!(input.output().validate(&mut OsRng), Ok(()), "its range proof verifies");

    let transaction = PaymentTransaction::from_bytes(&response.bytes("data")).unwrap();
    assert_eq!(transaction.verify([&input]), Ok(()));
    assert_eq!(transaction.txouts[0].id().to_string(), response["txouts"][0].as_str().unwrap());

    let printed: Vec<u8> = serde_json::from_value(request["secret_key"].clone()).unwrap();
    let key = SecretKey::from_bytes(&printed).unwrap();
    let refused = Spendable::unlock(&input, &key, &key.public_key()).err();
    assert_eq!(refused, Some(UnlockError::Open(OpenError::Payload(PayloadError::OtherRecipient))));
}
