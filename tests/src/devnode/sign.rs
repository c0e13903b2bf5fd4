//! `create_raw_transaction` as the deployed node does it. It checks almost nothing: sums, fees and public amounts
//! that are wrong are signed all the same, and refused at broadcast. Where the node crashes, this is an error.

use super::chain::Chain;
use rand_core::CryptoRngCore;
use std::collections::HashMap;
use stegos_common::address::{Address, Network};
use stegos_common::amount::Amount;
use stegos_common::api::create_raw_transaction::{CreateRawTransaction, OutputType, RawTransaction, TxOut};
use stegos_common::api::encoding::HexBytes;
use stegos_common::group::{EncodingError, Scalar};
use stegos_common::hash::Hash;
use stegos_common::keys::{PublicKey, SecretKey, SecretKeyError};
use stegos_common::output::{Output, PaymentOutput, PublicPaymentOutput, Unspent};
use stegos_common::payload::PayloadData;
use stegos_common::schnorr::Signature;
use stegos_common::transaction::{NewOutput, PaymentTransaction};
use thiserror::Error;

/// Why nothing is signed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SignError {
    /// A field is missing or has a value that the node does not take, or crashes on.
    #[error("not understood")]
    NotUnderstood,
    /// The secret key is no scalar.
    #[error("Field value is too large for requested conversion")]
    SecretKey,
    /// An input is neither in the request nor unspent on the chain.
    #[error("Input not found = {}", .0.short())]
    InputNotFound(Hash),
    /// A private input of another key.
    #[error("Output error=Failed to decrypt payload: utxo={}", .0.short())]
    OtherOwner(Hash),
}

/// Makes and signs the transaction of a request.
///
/// # Errors
/// [`SignError`] where the deployed node answers an error or crashes.
pub fn create(
    request: &CreateRawTransaction<'_>,
    chain: &Chain,
    rng: &mut impl CryptoRngCore,
) -> Result<RawTransaction, SignError> {
    let fields = Fields::read(request, chain.params().network)?;
    let find = |id: &Hash| {
        let on_chain = || chain.unspent(id).and_then(|entry| entry.unspent().ok());
        fields.blobs.get(id).cloned().or_else(on_chain).ok_or(SignError::InputNotFound(*id))
    };
    let inputs = fields.txins.iter().map(find).collect::<Result<Vec<_>, _>>()?;
    let made = fields.outputs.into_iter().map(|output| output.make(rng)).collect::<Result<_, _>>()?;
    let payment = sign(&fields.key, &inputs, made, request.fee)?;
    Ok(RawTransaction {
        txouts: payment.txouts.iter().map(Output::id).collect(),
        data: HexBytes(payment.to_bytes()),
        certificates: Vec::new(),
        journal: None,
    })
}

/// An output with its blinding, which is zero for a public one.
pub type Made = (Output, Scalar);

/// Signs a transaction that spends `inputs`, all owned by `key`, whether it is valid or not.
///
/// # Errors
/// [`SignError::OtherOwner`] where a private input does not open.
pub fn sign(
    key: &SecretKey,
    inputs: &[Unspent],
    outputs: Vec<Made>,
    fee: i64,
) -> Result<PaymentTransaction, SignError> {
    let own = Scalar::from_bytes(&*key.to_bytes()).map_err(|_| SignError::SecretKey)?;
    let public = key.public_key();
    let (mut sum, mut gamma) = (Scalar::ZERO, Scalar::ZERO);
    for input in inputs {
        sum = sum + own;
        if let Output::Payment(output) = input.output() {
            let payload = output.open(key, &public).map_err(|_| SignError::OtherOwner(input.id()))?;
            sum = sum + payload.cloak();
            gamma = gamma + payload.gamma;
        }
    }
    gamma = outputs.iter().fold(gamma, |gamma, (_output, blinding)| gamma - *blinding);
    let mut payment = PaymentTransaction {
        txins: inputs.iter().map(Unspent::id).collect(),
        txouts: outputs.into_iter().map(|(output, _blinding)| output).collect(),
        gamma,
        fee,
        signature: Signature::UNSIGNED,
    };
    // Without inputs there is no key to sign with, and no verifier gets as far as the signature.
    let signer = SecretKey::from_bytes(&sum.to_bytes()).unwrap_or_else(|_| key.clone());
    payment.signature = Signature::sign(&payment.id(), &signer);
    Ok(payment)
}

/// The fields of a request that reading its JSON leaves as text.
struct Fields {
    txins: Vec<Hash>,
    outputs: Vec<Planned>,
    key: SecretKey,
    blobs: HashMap<Hash, Unspent>,
}

impl Fields {
    fn read(request: &CreateRawTransaction<'_>, network: Network) -> Result<Self, SignError> {
        let not_understood = SignError::NotUnderstood;
        if request.fee < 0 {
            return Err(not_understood);
        }
        let blob = |text: &String| {
            let unspent = Unspent::from_bytes(&hex::decode(text).ok()?).ok()?;
            Some((unspent.id(), unspent))
        };
        let read = || {
            let txins = request.txins.iter().map(|id| id.parse().ok()).collect::<Option<_>>()?;
            let outputs = request.txouts.iter().map(|txout| Planned::read(txout, network));
            let blobs = request.unspent_list.iter().map(blob).collect::<Option<_>>()?;
            Some((txins, outputs.collect::<Option<_>>()?, blobs, request.secret_key?.to_bytes().ok()?))
        };
        let (txins, outputs, blobs, key) = read().ok_or(not_understood.clone())?;
        let key = SecretKey::from_bytes(&*key).map_err(|error| match error {
            SecretKeyError::Encoding(EncodingError::Scalar) => SignError::SecretKey,
            SecretKeyError::Encoding(_) | SecretKeyError::Zero => not_understood,
        })?;
        Ok(Self { txins, outputs, key, blobs })
    }
}

/// An output to be made, as far as its JSON makes sense.
pub(super) enum Planned {
    Public { recipient: PublicKey, amount: i64 },
    Private { recipient: PublicKey, amount: Amount, data: PayloadData },
}

impl Planned {
    /// Reads what can be made; a negative private amount or a long comment cannot.
    pub(super) fn read(txout: &TxOut, network: Network) -> Option<Self> {
        let recipient = *Address::parse(&txout.recipient, network).ok()?.public_key();
        Some(match txout.output_type {
            OutputType::PublicPayment => Self::Public { recipient, amount: txout.amount },
            OutputType::Payment => Self::Private {
                recipient,
                amount: Amount::from_micro(txout.amount).ok()?,
                data: PayloadData::comment(txout.comment.as_deref()?).ok()?,
            },
        })
    }

    /// The same for those who make only what is valid.
    pub(super) fn valid(self) -> Option<NewOutput> {
        Some(match self {
            Self::Public { recipient, amount } => {
                NewOutput::Public { recipient, amount: Amount::from_micro(amount).ok()? }
            }
            Self::Private { recipient, amount, data } => {
                NewOutput::Private { recipient, amount, data, with_certificate: false }
            }
        })
    }

    fn make(self, rng: &mut impl CryptoRngCore) -> Result<Made, SignError> {
        Ok(match self {
            Self::Public { recipient, amount } => {
                let serno = rng.next_u64().cast_signed();
                let output = PublicPaymentOutput { recipient: recipient.encoded(), serno, amount };
                (Output::PublicPayment(output), Scalar::ZERO)
            }
            Self::Private { recipient, amount, data } => {
                let made = PaymentOutput::new(&recipient, amount, data, None, rng);
                let (output, payload, _rvalue) = made.map_err(|_| SignError::NotUnderstood)?;
                (Output::Payment(output), payload.gamma)
            }
        })
    }
}
