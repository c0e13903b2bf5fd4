//! Transactions that we build: always valid, always balanced, or refused with a reason.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use stegos_common::amount::Amount;
use stegos_common::certificate;
use stegos_common::keys::{PublicKey, SecretKey};
use stegos_common::output::{Output, PaymentOutput, PublicPaymentOutput, Unspent};
use stegos_common::payload::PayloadData;
use stegos_common::transaction::{
    BuildError, Built, NewOutput, PaymentTransaction, Spendable, TransactionError, UnlockError, build,
};

fn key(seed: u8) -> (SecretKey, PublicKey) {
    let key = SecretKey::from_seed(&[seed]);
    let public = key.public_key();
    (key, public)
}

fn stg(micro: i64) -> Amount {
    Amount::from_micro(micro).unwrap()
}

fn comment(text: &str) -> PayloadData {
    PayloadData::comment(text).unwrap()
}

fn output(owner: u8, micro: i64, private: bool, rng: &mut ChaCha20Rng) -> Unspent {
    let (_, public) = key(owner);
    Unspent::new(if private {
        Output::Payment(PaymentOutput::new(&public, stg(micro), comment("in"), None, rng).unwrap().0)
    } else {
        Output::PublicPayment(PublicPaymentOutput::new(&public, stg(micro), rng))
    })
}

fn unlock(output: &Unspent, owner: u8) -> Result<Spendable, UnlockError> {
    let (secret, public) = key(owner);
    Spendable::unlock(output, &secret, &public)
}

fn public(to: u8, micro: i64) -> NewOutput {
    NewOutput::Public { recipient: key(to).1, amount: stg(micro) }
}

fn private(to: u8, micro: i64, with_certificate: bool) -> NewOutput {
    NewOutput::Private { recipient: key(to).1, amount: stg(micro), data: comment("out"), with_certificate }
}

fn sign(inputs: &[Spendable], outputs: &[NewOutput], fee: i64) -> Result<Built, BuildError> {
    let inputs: Vec<&Spendable> = inputs.iter().collect();
    build(&inputs, outputs, stg(fee), &key(1).0, &mut ChaCha20Rng::from_seed([9; 32]))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Any mixture of kinds and owners is signed, survives the wire and verifies; any other fee does not.
    #[test]
    fn every_balanced_mixture_is_signed_and_verifies(
        inputs in prop::collection::vec((1u8..5, 1_000_000..=1_000_000_000_000i64, any::<bool>()), 1..6),
        kinds in prop::collection::vec((10u8..14, any::<bool>()), 0..4),
        seed: [u8; 32],
    ) {
        let mut rng = ChaCha20Rng::from_seed(seed);
        let made: Vec<Unspent> = inputs.iter().map(|(owner, micro, hidden)| output(*owner, *micro, *hidden, &mut rng)).collect();
        let unlocked: Vec<Spendable> = made.iter().zip(&inputs).map(|(output, input)| unlock(output, input.0).unwrap()).collect();
        let total: i64 = inputs.iter().map(|input| input.1).sum();
        let share = (total - 5000) / i64::try_from(kinds.len().max(1)).unwrap();
        let outputs: Vec<NewOutput> = kinds.iter().map(|(to, hidden)| if *hidden { private(*to, share, true) } else { public(*to, share) }).collect();
        let fee = total - share * i64::try_from(kinds.len()).unwrap();

        let built = sign(&unlocked, &outputs, fee).unwrap();
        let transaction = PaymentTransaction::from_bytes(&built.transaction.to_bytes()).unwrap();
        prop_assert_eq!(transaction.id(), built.id);
        prop_assert_eq!(transaction.verify(&made), Ok(()));
        for ((txout, rvalue), (to, hidden)) in transaction.txouts.iter().zip(&built.rvalues).zip(&kinds) {
            prop_assert_eq!(rvalue.is_some(), *hidden);
            if let (Output::Payment(output), Some(rvalue)) = (txout, rvalue) {
                prop_assert_eq!(certificate::verify(output, &key(1).1, &key(*to).1, rvalue), Ok(stg(share)));
            }
        }
        let mut other_fee = transaction.clone();
        other_fee.fee -= 1;
        let tx = other_fee.id();
        prop_assert_eq!(other_fee.verify(&made), Err(TransactionError::Balance { tx }));
        let unbalanced = matches!(sign(&unlocked, &outputs, fee + 1).err(), Some(BuildError::Unbalanced { .. }));
        prop_assert!(unbalanced);
    }

    /// One flipped bit anywhere in a signed transaction: it no longer reads, verifies, or is the same one.
    #[test]
    fn a_changed_transaction_is_refused(position in any::<prop::sample::Index>(), bit in 0u8..8) {
        let mut rng = ChaCha20Rng::from_seed([3; 32]);
        let made = [output(1, 5_000_000, false, &mut rng), output(2, 1_000_000, true, &mut rng)];
        let unlocked = [unlock(&made[0], 1).unwrap(), unlock(&made[1], 2).unwrap()];
        let built = sign(&unlocked, &[private(10, 4_000_000, false), public(11, 1_998_000)], 2000).unwrap();
        let mut bytes = built.transaction.to_bytes();
        let position = position.index(bytes.len());
        bytes[position] ^= 1 << bit;
        if let Ok(changed) = PaymentTransaction::from_bytes(&bytes) {
            prop_assert!(changed.verify(&made).is_err() || changed == built.transaction, "byte {}", position);
        }
    }

    #[test]
    fn parsing_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let _ = PaymentTransaction::from_bytes(&bytes);
        let _ = Output::from_bytes(&bytes);
    }
}

#[test]
fn the_same_randomness_makes_the_same_transaction() {
    let mut rng = ChaCha20Rng::from_seed([4; 32]);
    let input = output(1, 9_000_000, true, &mut rng);
    let outputs: Vec<NewOutput> = (0..4).map(|to| private(10 + to, 2_000_000, false)).collect();
    let data = || sign(&[unlock(&input, 1).unwrap()], &outputs, 1_000_000).unwrap().transaction.to_bytes();
    assert_eq!(data(), data());
}

#[test]
fn refuses_to_lose_or_give_away_money() {
    let mut rng = ChaCha20Rng::from_seed([5; 32]);
    let input = output(1, 5_000_000, false, &mut rng);
    let inputs = [unlock(&input, 1).unwrap()];
    assert_eq!(sign(&[], &[public(2, 1)], 0).err(), Some(BuildError::NoInputs));
    assert_eq!(sign(&inputs, &[public(2, 0)], 5_000_000).err(), Some(BuildError::ZeroAmount { index: 0 }));
    let identity = PublicKey::from_bytes(&[0; 32]).unwrap();
    let gift = NewOutput::Public { recipient: identity, amount: stg(4_999_000) };
    assert_eq!(sign(&inputs, &[gift], 1000).err(), Some(BuildError::IdentityRecipient { index: 0 }));
    assert_eq!(
        sign(&inputs, &[public(2, 4_000_000)], 999_999).err(),
        Some(BuildError::Unbalanced {
            inputs: stg(5_000_000),
            outputs: stg(4_000_000),
            fee: stg(999_999),
            total: stg(4_999_999)
        })
    );
    let huge = [public(2, i64::MAX), public(2, 1)];
    assert_eq!(sign(&inputs, &huge, 0).err(), Some(BuildError::Overflow("outputs")));
    assert_eq!(sign(&inputs, &huge[..1], 1).err(), Some(BuildError::Overflow("outputs and the fee")));
}

#[test]
fn unlocks_with_the_owners_key_only() {
    let mut rng = ChaCha20Rng::from_seed([6; 32]);
    assert_eq!(unlock(&output(1, 1, false, &mut rng), 2).err(), Some(UnlockError::OtherOwner));
    assert!(matches!(unlock(&output(1, 1, true, &mut rng), 2).err(), Some(UnlockError::Open(_))));
    let Output::PublicPayment(mut worthless) = output(1, 1, false, &mut rng).output().clone() else {
        panic!()
    };
    for amount in [0, -1, i64::MIN] {
        worthless.amount = amount;
        let output = Unspent::new(Output::PublicPayment(worthless.clone()));
        assert_eq!(unlock(&output, 1).err(), Some(UnlockError::Amount(amount)));
    }
}
