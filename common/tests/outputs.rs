//! Outputs of the deployed node: read, hashed, opened, proved and written back byte for byte.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use rand_core::OsRng;
use serde_json::Value;
use stegos_common::certificate;
use stegos_common::group::Scalar;
use stegos_common::keys::SecretKey;
use stegos_common::output::{OpenError, Output, OutputError, PaymentOutput};
use stegos_common::payload::{CommentError, Payload, PayloadData, PayloadError};
use stegos_common::schnorr::Signature;
use stegos_common::sealed::Sealed;
use support::{Read, vectors};

fn read(vector: &Value) -> Output {
    let blob = vector.bytes("blob");
    let output = Output::from_bytes(&blob).unwrap();
    assert_eq!(output.to_bytes(), blob, "written back");
    assert_eq!(output.id(), vector.hash("hash"));
    output
}

fn payment(vector: &Value) -> PaymentOutput {
    match read(vector) {
        Output::Payment(output) => output,
        _ => panic!("not a payment"),
    }
}

fn data(vector: &Value) -> PayloadData {
    match vector["comment"].as_str() {
        Some(comment) => PayloadData::comment(comment).unwrap(),
        None => PayloadData::ContentHash(vector.hash("content_hash")),
    }
}

#[test]
fn private_outputs_open_with_their_key_only() {
    let file = vectors("outputs.json");
    let list = file.list("payment_outputs");
    assert_eq!(list.len(), 10);
    for vector in list {
        let name = vector.text("name");
        let output = payment(vector);
        assert!(Output::Payment(output.clone()).validate(&mut OsRng).is_ok(), "{name}");

        let key = vector.secret_key("recipient_secret_key_le");
        let public = key.public_key();
        assert_eq!(public, vector.public_key("recipient_public_key"));
        assert!(output.may_belong_to(&key, &public), "{name}");
        let payload = output.open(&key, &public).unwrap();
        assert_eq!(payload.amount.micro(), vector.number("amount"));
        assert_eq!(payload.gamma.to_bytes().to_vec(), vector.bytes("gamma_le"));
        let opened = &vector["decrypted"];
        assert_eq!(payload.delta.to_bytes().to_vec(), opened.bytes("delta_le"));
        assert_eq!(payload.signature.u.to_bytes().to_vec(), opened.bytes("signature_u_le"));
        assert_eq!(payload.signature.k.as_bytes().to_vec(), opened.bytes("signature_K"));
        assert!(payload.data == data(&opened["data"]), "{name}");
        assert_eq!(output.recipient.as_bytes().to_vec(), vector.bytes("cloaked_recipient"));

        let other = SecretKey::from_seed(b"somebody else");
        assert!(!output.may_belong_to(&other, &other.public_key()));
        let refused = output.open(&other, &other.public_key()).err();
        assert_eq!(refused, Some(OpenError::Payload(PayloadError::OtherRecipient)), "{name}");
    }
}

/// Sealing is deterministic: from the recorded blindings the recorded ciphertext must come out.
#[test]
fn payloads_are_written_and_sealed_as_recorded() {
    for vector in vectors("outputs.json").list("payment_outputs") {
        let opened = &vector["decrypted"];
        let scalar = |key| Scalar::from_bytes(&opened.bytes(key)).unwrap();
        let amount = stegos_common::amount::Amount::from_micro(vector.number("amount")).unwrap();
        let given = &vector["data_given"];
        if given["comment"].as_str().is_some_and(|comment| comment.ends_with('\0')) {
            // The reference writes it, and its readers lose the end of it. We do not write it.
            assert_eq!(PayloadData::comment(given.text("comment")).err(), Some(CommentError::TrailingNul));
            continue;
        }
        let mut payload = Payload::new(scalar("gamma_le"), scalar("delta_le"), amount, data(given));
        if vector["sender_secret_key_le"].is_string() {
            let sender = vector.secret_key("sender_secret_key_le");
            payload = payload.signed_by(&sender);
        }
        let recipient = vector.public_key("recipient_public_key");
        let plain = payload.encode(&recipient);
        assert_eq!(*plain, vector.bytes("payload_plaintext"), "{}", vector.text("name"));
        let (sealed, rvalue) = Sealed::seal(&plain, &recipient);
        assert_eq!(sealed.ciphertext, vector.bytes("payload_ciphertext"));
        assert_eq!(sealed.hint.as_bytes().to_vec(), vector.bytes("ag"));
        assert_eq!(rvalue.to_bytes().to_vec(), vector.bytes("rvalue_le"));
    }
}

#[test]
fn certificates_prove_signed_payments_only() {
    let mut proved = 0;
    for vector in vectors("outputs.json").list("payment_outputs") {
        let output = payment(vector);
        let recipient = vector.public_key("recipient_public_key");
        let rvalue = Scalar::from_bytes(&vector.bytes("rvalue_le")).unwrap();
        assert!(output.open_with_rvalue(&rvalue, &recipient).is_ok());
        assert!(certificate::verify(&output, &recipient, &recipient, &rvalue).is_err(), "wrong spender");
        if let Some(amount) = vector["certificate_amount"].as_i64() {
            let spender = vector.public_key("sender_public_key");
            let verify =
                |rvalue: &Scalar, recipient| certificate::verify(&output, &spender, recipient, rvalue);
            assert_eq!(verify(&rvalue, &recipient).unwrap().micro(), amount);
            assert!(verify(&(rvalue + Scalar::from(1)), &recipient).is_err());
            assert!(verify(&rvalue, &spender).is_err());
            proved += 1;
        }
    }
    assert_eq!(proved, 2);
}

#[test]
fn public_outputs() {
    let file = vectors("outputs.json");
    let list = file.list("public_payment_outputs");
    assert_eq!(list.len(), 8);
    for vector in list {
        let Output::PublicPayment(output) = read(vector) else { panic!("not public") };
        assert_eq!(output.recipient.as_bytes().to_vec(), vector.bytes("recipient"));
        assert_eq!(output.amount.to_string(), vector.text("amount_string"));
        assert_eq!(output.serno.to_string(), vector.text("serno_string"));
        let verdict = Output::PublicPayment(output).validate(&mut OsRng);
        let expected = &vector["validate"];
        assert_eq!(verdict.is_ok(), expected["valid"].as_bool().unwrap());
        if let Err(error) = verdict {
            assert_eq!(format!("Output error={error}"), expected.text("error"));
        }
    }
}

/// The reference checks a stake's BLS signature. We cannot, so that no stake is ever called valid here.
#[test]
fn stakes_are_read_and_never_accepted() {
    let file = vectors("outputs.json");
    let list = file.list("stake_outputs");
    assert_eq!(list.len(), 4);
    for vector in list {
        let output = read(vector);
        let utxo = vector.hash("hash");
        assert_eq!(output.validate(&mut OsRng), Err(OutputError::Stake { utxo }));
    }
}

/// Every changed byte of a valid private output is noticed: it changes the id, and the output no longer opens
/// or no longer validates, or it was no output any more.
#[test]
fn changed_private_outputs_are_noticed() {
    let file = vectors("outputs.json");
    let vector = &file.list("payment_outputs")[1];
    let key = vector.secret_key("recipient_secret_key_le");
    let blob = vector.bytes("blob");
    for position in (0..blob.len()).step_by(7) {
        let mut changed = blob.clone();
        changed[position] ^= 1;
        if let Ok(output) = Output::from_bytes(&changed) {
            if output.to_bytes() != changed {
                continue; // an unknown field, which everybody ignores
            }
            assert_ne!(output.id(), vector.hash("hash"), "byte {position}");
            let Output::Payment(payment) = &output else { continue };
            let opens = payment.open(&key, &key.public_key()).is_ok_and(|payload| {
                payload.amount.micro() == vector.number("amount")
                    && payload.data == data(&vector["data_given"])
                    && payload.signature == Signature::UNSIGNED
            });
            assert!(!opens || output.validate(&mut OsRng).is_err(), "byte {position}");
        }
    }
}
