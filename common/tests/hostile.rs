//! Outputs that no honest sender makes, and what must never happen with them.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use rand_chacha::ChaCha20Rng;
use rand_core::{OsRng, SeedableRng};
use stegos_common::amount::Amount;
use stegos_common::certificate;
use stegos_common::group::{Encoded, Point, Scalar};
use stegos_common::keys::{PublicKey, SecretKey};
use stegos_common::output::{OpenError, Output, OutputError, PaymentOutput, PublicPaymentOutput, Unspent};
use stegos_common::payload::{Payload, PayloadData, PayloadError};
use stegos_common::range_proof::RangeProof;
use stegos_common::schnorr::Signature;
use stegos_common::sealed::Sealed;
use stegos_common::transaction::{
    BuildError, NewOutput, PaymentTransaction, Spendable, TransactionError, build,
};

fn owner() -> (SecretKey, PublicKey) {
    let key = SecretKey::from_seed(b"owner");
    let public = key.public_key();
    (key, public)
}

fn stg(micro: i64) -> Amount {
    Amount::from_micro(micro).unwrap()
}

fn scalar(value: u64) -> Scalar {
    Scalar::from(value)
}

fn comment(text: &str) -> PayloadData {
    PayloadData::comment(text).unwrap()
}

/// An output whose parts need not belong together: the payload as bytes, the committed amount, the cloak.
fn forge(payload: &[u8], committed: i64, gamma: Scalar, cloak: Scalar) -> PaymentOutput {
    let (_, public) = owner();
    let cloaked = point(&public).encode_sum(&cloak);
    PaymentOutput {
        recipient: cloaked,
        proof: RangeProof::prove(stg(committed), &gamma, &mut OsRng).unwrap(),
        payload: Sealed::seal(payload, &public).0,
    }
}

/// The point of a public key, to compute with.
struct Sum(Point);

fn point(public: &PublicKey) -> Sum {
    Sum(public.encoded().decode().unwrap())
}

impl Sum {
    fn encode_sum(&self, scalar: &Scalar) -> Encoded {
        (self.0 + Point::mul_g(scalar)).encode()
    }
}

fn open(output: &PaymentOutput) -> Result<i64, OpenError> {
    let (key, public) = owner();
    output.open(&key, &public).map(|payload| payload.amount.micro())
}

/// The payload says one thing, the chain another: the amount of the payload must not be believed.
#[test]
fn a_lying_payload_is_not_believed() {
    let (_, public) = owner();
    let (gamma, delta) = (scalar(3), scalar(5));
    let honest = Payload::new(gamma, delta, stg(7), comment("x")).encode(&public);
    assert_eq!(open(&forge(&honest, 7, gamma, gamma * delta)), Ok(7));
    assert_eq!(open(&forge(&honest, 6, gamma, gamma * delta)), Err(OpenError::Commitment), "amount");
    assert_eq!(open(&forge(&honest, 7, scalar(4), gamma * delta)), Err(OpenError::Commitment), "blinding");
    assert_eq!(open(&forge(&honest, 7, gamma, delta)), Err(OpenError::Cloak), "cloak");
}

/// Gamma zero has a rule of its own: the cloak is delta alone. Such outputs can be spent like any other.
#[test]
fn outputs_with_zero_blindings_are_spent_like_others() {
    let (key, public) = owner();
    for (gamma, delta) in [(0, 5), (3, 0), (0, 0)] {
        let (gamma, delta) = (scalar(gamma), scalar(delta));
        let payload = Payload::new(gamma, delta, stg(5000), comment(""));
        let cloak = if gamma.is_zero() { delta } else { gamma * delta };
        let output = Output::Payment(forge(&payload.encode(&public), 5000, gamma, cloak));
        let input = Unspent::new(output);
        let spendable = Spendable::unlock(&input, &key, &public).unwrap();
        let outputs = [NewOutput::Public { recipient: public, amount: stg(4000) }];
        let built = build(&[&spendable], &outputs, stg(1000), &key, &mut OsRng).unwrap();
        assert_eq!(built.transaction.verify([&input]), Ok(()));
    }
}

#[test]
fn malformed_payloads_are_errors_of_their_own() {
    let (_, public) = owner();
    let honest = Payload::new(
        scalar(3),
        scalar(5),
        stg(7),
        PayloadData::ContentHash("aa".repeat(32).parse().unwrap()),
    )
    .encode(&public);
    let changed = |position: usize, bytes: &[u8]| {
        let mut payload = honest.to_vec();
        payload[position..position + bytes.len()].copy_from_slice(bytes);
        open(&forge(&payload, 7, scalar(3), scalar(15))).unwrap_err()
    };
    let payload = |error: OpenError| match error {
        OpenError::Payload(error) => error,
        other => panic!("{other:?}"),
    };
    assert!(matches!(payload(changed(4, &[0xff; 32])), PayloadError::Scalar { part: "gamma", .. }));
    assert!(matches!(payload(changed(36, &[0xff; 32])), PayloadError::Scalar { part: "delta", .. }));
    assert!(matches!(payload(changed(68, &(-7i64).to_le_bytes())), PayloadError::Amount(_)));
    assert!(matches!(
        payload(changed(76, &[0xff; 32])),
        PayloadError::Scalar { part: "sender signature", .. }
    ));
    assert_eq!(payload(changed(140, &[2])), PayloadError::DataKind(2));
    assert_eq!(payload(changed(140, &[0, 0xff])), PayloadError::Comment);
    assert_eq!(payload(changed(1023, &[1])), PayloadError::TrailingGarbage);
    assert_eq!(
        open(&forge(&honest[..1000], 7, scalar(3), scalar(15))),
        Err(PayloadError::Length(1000).into())
    );
}

#[test]
fn keys_that_are_no_points_are_refused() {
    let (_, public) = owner();
    let no_point = Encoded::from_bytes([0xff; 32]);
    let honest = Payload::new(scalar(3), scalar(5), stg(7), comment("x")).encode(&public);
    let mut output = forge(&honest, 7, scalar(3), scalar(15));
    output.payload.hint = no_point;
    assert!(matches!(open(&output), Err(OpenError::Hint(_))));
    assert!(matches!(Output::Payment(output.clone()).validate(&mut OsRng), Err(OutputError::Hint { .. })));
    output.payload.hint = public.encoded();
    output.recipient = no_point;
    assert!(matches!(Output::Payment(output).validate(&mut OsRng), Err(OutputError::Recipient { .. })));
}

/// Two transactions, or two outputs of one, that share a blinding would tell everybody that they belong together.
#[test]
fn nothing_random_is_used_twice() {
    let (key, public) = owner();
    let input = Unspent::new(Output::PublicPayment(PublicPaymentOutput::new(&public, stg(9000), &mut OsRng)));
    let private = NewOutput::Private {
        recipient: public,
        amount: stg(2000),
        data: comment("same"),
        with_certificate: false,
    };
    let open = NewOutput::Public { recipient: public, amount: stg(2000) };
    let outputs = [private.clone(), private, open.clone(), open];
    let mut seen = Vec::new();
    for seed in [[1; 32], [2; 32]] {
        let spendable = Spendable::unlock(&input, &key, &public).unwrap();
        let rng = &mut ChaCha20Rng::from_seed(seed);
        let built = build(&[&spendable], &outputs, stg(1000), &key, rng).unwrap();
        assert!(built.rvalues.iter().all(Option::is_none), "no certificate was asked for");
        for output in &built.transaction.txouts {
            seen.push(*output.id().as_bytes());
            if let Output::Payment(output) = output {
                let payload = output.open(&key, &public).unwrap();
                assert!(payload.signature == Signature::UNSIGNED);
                seen.extend([payload.gamma.to_bytes(), payload.delta.to_bytes()]);
                seen.extend([*output.recipient.as_bytes(), *output.proof.commitment.as_bytes()]);
                seen.push(*output.payload.hint.as_bytes());
                seen.push(output.proof.proof[..32].try_into().unwrap());
            }
        }
    }
    let count = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!((count, seen.len()), (32, 32));
    assert!(!seen.contains(&scalar(1).to_bytes()), "a blinding of one blinds nothing");
}

#[test]
fn the_same_output_is_not_spent_twice() {
    let (key, public) = owner();
    let input = Unspent::new(Output::PublicPayment(PublicPaymentOutput::new(&public, stg(5000), &mut OsRng)));
    let spendable = [&input, &input].map(|input| Spendable::unlock(input, &key, &public).unwrap());
    let outputs = [NewOutput::Public { recipient: public, amount: stg(9000) }];
    let refused = build(&[&spendable[0], &spendable[1]], &outputs, stg(1000), &key, &mut OsRng).err();
    assert_eq!(refused, Some(BuildError::DuplicateInput(input.id())));
}

/// Money out of nothing: a private output that is more than what was spent, hidden behind a balance whose open
/// part is right, or a gamma that belongs to nothing.
#[test]
fn hidden_amounts_and_gamma_are_part_of_the_balance() {
    let (key, public) = owner();
    let input = Unspent::new(Output::PublicPayment(PublicPaymentOutput::new(&public, stg(5000), &mut OsRng)));
    let sign = |txouts: Vec<Output>, gamma: Scalar| {
        let mut transaction = PaymentTransaction {
            txins: vec![input.id()],
            txouts,
            gamma,
            fee: 1000,
            signature: Signature::UNSIGNED,
        };
        transaction.signature = Signature::sign(&transaction.id(), &key);
        transaction
    };
    let open = Output::PublicPayment(PublicPaymentOutput::new(&public, stg(4000), &mut OsRng));
    let (hidden, payload, _) = PaymentOutput::new(&public, stg(1), comment(""), None, &mut OsRng).unwrap();
    assert_eq!(sign(vec![open.clone()], Scalar::ZERO).verify([&input]), Ok(()));
    for transaction in [
        sign(vec![open.clone()], scalar(1)),
        sign(vec![open.clone(), Output::Payment(hidden.clone())], Scalar::ZERO),
        sign(vec![open, Output::Payment(hidden)], Scalar::ZERO - payload.gamma),
    ] {
        let tx = transaction.id();
        assert_eq!(transaction.verify([&input]), Err(TransactionError::Balance { tx }));
    }
}

#[test]
fn a_certificate_needs_a_real_spender_and_a_recipient_who_can_open() {
    let (key, public) = owner();
    let identity = PublicKey::from_bytes(&[0; 32]).unwrap();
    let (unsigned, _, rvalue) = PaymentOutput::new(&public, stg(7), comment(""), None, &mut OsRng).unwrap();
    assert!(certificate::verify(&unsigned, &identity, &public, &rvalue).is_err());
    let (mut signed, _, rvalue) =
        PaymentOutput::new(&public, stg(7), comment(""), Some(&key), &mut OsRng).unwrap();
    assert_eq!(certificate::verify(&signed, &public, &public, &rvalue), Ok(stg(7)));
    signed.payload.hint = public.encoded();
    assert!(open(&signed).is_err());
    assert!(certificate::verify(&signed, &public, &public, &rvalue).is_err());
}

#[test]
fn a_private_payment_to_the_identity_is_refused() {
    let (key, public) = owner();
    let input = Unspent::new(Output::PublicPayment(PublicPaymentOutput::new(&public, stg(5000), &mut OsRng)));
    let spendable = Spendable::unlock(&input, &key, &public).unwrap();
    let recipient = PublicKey::from_bytes(&[0; 32]).unwrap();
    let gift =
        NewOutput::Private { recipient, amount: stg(4000), data: comment(""), with_certificate: false };
    let refused = build(&[&spendable], &[gift], stg(1000), &key, &mut OsRng).err();
    assert_eq!(refused, Some(BuildError::IdentityRecipient { index: 0 }));
}

#[test]
fn comments_arrive_as_they_were_sent_or_are_refused() {
    assert!(PayloadData::comment(&"x".repeat(882)).is_ok());
    for refused in ["x".repeat(883), "é".repeat(442), "x\0".into(), "\0".into()] {
        assert!(PayloadData::comment(&refused).is_err());
    }
}

/// A message that unfolds to a thousand times its size is not read at all.
#[test]
fn oversized_messages_are_not_read() {
    assert!(PaymentTransaction::from_bytes(&[0x12, 0].repeat(200 * 1024)).is_err());
    assert!(Output::from_bytes(&vec![0; 5000]).is_err());
}

/// A weakness of the network's rule, which we must keep to (docs/protocol.md §11): keys can be cancelled, as
/// nothing proves that anybody holds the key of a single input. This test is to fail when the rule is mended.
#[test]
fn the_rule_of_the_network_lets_keys_be_cancelled() {
    let (_, victim) = owner();
    let thief = SecretKey::from_seed(b"thief");
    let cancelling =
        Point::mul_g(&Scalar::from_bytes(thief.to_bytes().as_slice()).unwrap()) - point(&victim).0;
    let cancelling = PublicKey::from_bytes(cancelling.encode().as_bytes()).unwrap();
    let inputs = [(victim, 500_000_000), (cancelling, 1)].map(|(recipient, amount)| {
        Unspent::new(Output::PublicPayment(PublicPaymentOutput::new(&recipient, stg(amount), &mut OsRng)))
    });
    let loot = PublicPaymentOutput::new(&thief.public_key(), stg(499_999_001), &mut OsRng);
    let mut transaction = PaymentTransaction {
        txins: inputs.iter().map(Unspent::id).collect(),
        txouts: vec![Output::PublicPayment(loot)],
        gamma: Scalar::ZERO,
        fee: 1000,
        signature: Signature::UNSIGNED,
    };
    transaction.signature = Signature::sign(&transaction.id(), &thief);
    assert_eq!(transaction.verify(&inputs), Ok(()));
}
