//! Building and signing a payment transaction (protocol page §7).
//!
//! Keys simply add up: one signature spends the inputs of any number of owners.

use super::{PaymentTransaction, first_duplicate, share};
use crate::amount::Amount;
use crate::group::{Encoded, Scalar};
use crate::hash::Hash;
use crate::keys::{PublicKey, SecretKey};
use crate::output::{OpenError, Output, PaymentOutput, PublicPaymentOutput, Unspent};
use crate::payload::PayloadData;
use crate::range_proof::RangeProofError;
use crate::schnorr::Signature;
use rand_chacha::ChaCha20Rng;
use rand_core::{CryptoRngCore, SeedableRng};
use rayon::prelude::*;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// An input with everything that spending it takes. Wiped on drop; it has no `Debug`.
pub struct Spendable {
    id: Hash,
    amount: Amount,
    gamma: Scalar,
    /// s + gamma·delta, or s alone for a public output.
    key: Scalar,
    /// The public half of `key`, as the output names it.
    recipient: Encoded,
}

/// An output that a key cannot spend.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UnlockError {
    /// A public output of another key.
    #[error("the output belongs to another key")]
    OtherOwner,
    /// A private output that the key does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A public output with an amount that does not exist.
    #[error("the output's amount is {0} micro-STG; only amounts above 0 exist")]
    Amount(i64),
    /// A stake: this product does not spend stakes.
    #[error("the output is a stake, which is not spent by this product")]
    Stake,
}

impl Spendable {
    /// Unlocks an output with the key of its owner; `public` is the public half of `key`.
    ///
    /// # Errors
    /// [`UnlockError`] where the key does not own the output, or nobody can.
    pub fn unlock(
        input: &Unspent,
        key: &SecretKey,
        public: &impl AsRef<Encoded>,
    ) -> Result<Self, UnlockError> {
        let id = input.id();
        match input.output() {
            Output::PublicPayment(output) => {
                if output.recipient != *public.as_ref() {
                    return Err(UnlockError::OtherOwner);
                }
                let amount = Amount::from_micro(output.amount).ok().filter(|amount| !amount.is_zero());
                let amount = amount.ok_or(UnlockError::Amount(output.amount))?;
                Ok(Self { id, amount, gamma: Scalar::ZERO, key: *key.scalar(), recipient: output.recipient })
            }
            Output::Payment(output) => {
                let payload = output.open(key, public)?;
                Ok(Self {
                    id,
                    amount: payload.amount,
                    gamma: payload.gamma,
                    key: *key.scalar() + *Zeroizing::new(payload.cloak()),
                    recipient: output.recipient,
                })
            }
            Output::Stake(_) => Err(UnlockError::Stake),
        }
    }

    /// The input's id.
    #[must_use]
    pub const fn id(&self) -> Hash {
        self.id
    }

    /// The input's amount.
    #[must_use]
    pub const fn amount(&self) -> Amount {
        self.amount
    }
}

impl Drop for Spendable {
    fn drop(&mut self) {
        self.key.zeroize();
        self.gamma.zeroize();
    }
}

impl ZeroizeOnDrop for Spendable {}

/// An output to be made.
#[derive(Clone)]
pub enum NewOutput {
    /// A public payment.
    Public {
        /// Who gets it.
        recipient: PublicKey,
        /// How much; above zero.
        amount: Amount,
    },
    /// A private payment.
    Private {
        /// Who gets it.
        recipient: PublicKey,
        /// How much; may be zero.
        amount: Amount,
        /// What the recipient is told.
        data: PayloadData,
        /// Whether the payment is signed by the spender, so that the rvalue proves it.
        with_certificate: bool,
    },
}

impl NewOutput {
    /// How much it pays.
    #[must_use]
    pub const fn amount(&self) -> Amount {
        match self {
            Self::Public { amount, .. } | Self::Private { amount, .. } => *amount,
        }
    }

    /// Who gets it.
    #[must_use]
    pub const fn recipient(&self) -> &PublicKey {
        match self {
            Self::Public { recipient, .. } | Self::Private { recipient, .. } => recipient,
        }
    }
}

/// A transaction that cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BuildError {
    /// There is nothing to spend.
    #[error("a transaction needs at least one input")]
    NoInputs,
    /// The same output twice.
    #[error("input {0} is spent twice")]
    DuplicateInput(Hash),
    /// The recipient's key is the identity: everybody could spend the output.
    #[error("output {index} pays to the identity key, which everybody can spend")]
    IdentityRecipient {
        /// Position among the outputs, from 0.
        index: usize,
    },
    /// A public output of nothing.
    #[error("output {index} is public and pays nothing; a public amount must be above 0 STG")]
    ZeroAmount {
        /// Position among the outputs, from 0.
        index: usize,
    },
    /// The amounts leave the range of the protocol.
    #[error("the sum of the {0} is above {max}", max = Amount::MAX)]
    Overflow(&'static str),
    /// Inputs are not outputs plus fee.
    #[error("inputs of {inputs} are not outputs of {outputs} and a fee of {fee}, which is {total}")]
    Unbalanced {
        /// The sum of the inputs.
        inputs: Amount,
        /// The sum of the outputs.
        outputs: Amount,
        /// The fee.
        fee: Amount,
        /// Outputs and fee.
        total: Amount,
    },
    /// The prover refused.
    #[error("range proof: {0}")]
    RangeProof(#[from] RangeProofError),
}

/// A signed transaction, and what only its maker knows.
pub struct Built {
    /// The signed transaction.
    pub transaction: PaymentTransaction,
    /// Its id.
    pub id: Hash,
    /// For each output the rvalue that proves the payment, where a certificate was asked for.
    pub rvalues: Vec<Option<Zeroizing<Scalar>>>,
}

/// Builds and signs the transaction that spends `inputs` into `outputs` and pays `fee`.
///
/// `spender` signs the payments that are to be provable; it should own one of the inputs. Range proofs are
/// made in parallel. Blindings and serial numbers come from `rng`.
///
/// # Errors
/// [`BuildError`] for a transaction that would lose, make or give away money.
pub fn build(
    inputs: &[&Spendable],
    outputs: &[NewOutput],
    fee: Amount,
    spender: &SecretKey,
    rng: &mut impl CryptoRngCore,
) -> Result<Built, BuildError> {
    check(inputs, outputs, fee)?;
    let any_private = outputs.iter().any(|output| matches!(output, NewOutput::Private { .. }));
    // Each output gets a generator of its own, so that the result does not depend on the order of threads.
    let seeded: Vec<_> = outputs.iter().map(|output| (output, Zeroizing::new(seed(rng)))).collect();
    let made = seeded
        .into_par_iter()
        .with_min_len(share(outputs.len(), any_private))
        .map(|(output, seed)| make(output, spender, &mut ChaCha20Rng::from_seed(*seed)))
        .collect::<Result<Vec<_>, _>>()?;

    let blinding_in: Zeroizing<Scalar> = Zeroizing::new(inputs.iter().map(|input| input.gamma).sum());
    let blinding_out: Zeroizing<Scalar> = Zeroizing::new(made.iter().map(|made| *made.gamma).sum());
    let mut txouts = Vec::with_capacity(made.len());
    let mut rvalues = Vec::with_capacity(made.len());
    for made in made {
        txouts.push(made.output);
        rvalues.push(made.rvalue);
    }
    let mut transaction = PaymentTransaction {
        txins: inputs.iter().map(|input| input.id).collect(),
        txouts,
        gamma: *blinding_in - *blinding_out,
        fee: fee.micro(),
        signature: Signature::UNSIGNED,
    };
    let id = transaction.id();
    let key = SecretKey::from_scalar(inputs.iter().map(|input| input.key).sum());
    let public = match inputs {
        [input] => input.recipient,
        _ => key.public_key().encoded(),
    };
    transaction.signature = Signature::sign_as(&id, &key, &public);
    Ok(Built { transaction, id, rvalues })
}

/// Checks what [`build`] would refuse, without building.
///
/// # Errors
/// [`BuildError`] as [`build`] does, but for range proofs.
pub fn check(inputs: &[&Spendable], outputs: &[NewOutput], fee: Amount) -> Result<(), BuildError> {
    if inputs.is_empty() {
        return Err(BuildError::NoInputs);
    }
    if let Some(id) = first_duplicate(inputs.iter().map(|input| input.id)) {
        return Err(BuildError::DuplicateInput(id));
    }
    for (index, output) in outputs.iter().enumerate() {
        if output.recipient().is_identity() {
            return Err(BuildError::IdentityRecipient { index });
        }
        if matches!(output, NewOutput::Public { amount, .. } if amount.is_zero()) {
            return Err(BuildError::ZeroAmount { index });
        }
    }
    let inputs = Amount::checked_sum(inputs.iter().map(|input| input.amount));
    let inputs = inputs.ok_or(BuildError::Overflow("inputs"))?;
    let outputs = Amount::checked_sum(outputs.iter().map(NewOutput::amount));
    let outputs = outputs.ok_or(BuildError::Overflow("outputs"))?;
    let total = outputs.checked_add(fee).ok_or(BuildError::Overflow("outputs and the fee"))?;
    if inputs == total { Ok(()) } else { Err(BuildError::Unbalanced { inputs, outputs, fee, total }) }
}

/// An output just made, with its secrets.
struct Made {
    output: Output,
    gamma: Zeroizing<Scalar>,
    rvalue: Option<Zeroizing<Scalar>>,
}

fn seed(rng: &mut impl CryptoRngCore) -> [u8; 32] {
    let mut seed = [0; 32];
    rng.fill_bytes(&mut seed);
    seed
}

fn make(
    output: &NewOutput,
    spender: &SecretKey,
    rng: &mut impl CryptoRngCore,
) -> Result<Made, RangeProofError> {
    Ok(match output {
        NewOutput::Public { recipient, amount } => Made {
            output: Output::PublicPayment(PublicPaymentOutput::new(recipient, *amount, rng)),
            gamma: Zeroizing::new(Scalar::ZERO),
            rvalue: None,
        },
        NewOutput::Private { recipient, amount, data, with_certificate } => {
            let sender = with_certificate.then_some(spender);
            let (output, payload, rvalue) =
                PaymentOutput::new(recipient, *amount, data.clone(), sender, rng)?;
            Made {
                output: Output::Payment(output),
                gamma: Zeroizing::new(payload.gamma),
                rvalue: with_certificate.then_some(rvalue),
            }
        }
    })
}
