//! Whether what the signer answered does exactly what it was asked for.
//!
//! What cannot be seen without keys: whether a private output without a certificate goes to the recipient that was
//! asked for, and with which comment. Its amount is bound by the sum where it is the only one. Change always has one.

use super::record::{Handoff, Output, Private};
use crate::ledger::handoffs::Signed;
use std::collections::HashSet;
use stegos_common::api::create_raw_transaction::RawTransaction;
use stegos_common::api::encoding::ScalarJson;
use stegos_common::certificate;
use stegos_common::hash::Hash;
use stegos_common::output::{Output as Made, Unspent};
use stegos_common::payload::PayloadData;
use stegos_common::transaction::{PaymentTransaction, TransactionError};
use stegos_common::wire::DecodeError;
use thiserror::Error;

/// What is wrong with an answer.
#[derive(Debug, Error)]
pub enum CheckError {
    /// Its data is no transaction.
    #[error("its data is no transaction: {0}")]
    NoTransaction(#[from] DecodeError),
    /// It does something else.
    #[error("the {0} of its transaction are not those of the handoff; do not send it by other means either")]
    Different(&'static str),
    /// It says something else than its transaction.
    #[error("its field {0} does not belong to its transaction")]
    Answer(&'static str),
    /// A payment that should be provable is not.
    #[error("its certificate for output {0} is missing or proves something else")]
    Certificate(Hash),
    /// No node would take it.
    #[error("no node would take its transaction: {0}")]
    Invalid(#[from] TransactionError),
    /// An input's blob is not here.
    #[error(
        "the blob of input {0} is not kept here any more: the block that made it was taken back, and may come again, or it \
         was spent long ago"
    )]
    NoBlob(Hash),
}

/// A transaction that may be sent.
pub struct Checked {
    /// Its id.
    pub id: Hash,
    /// The ids of its outputs.
    pub outputs: Vec<Hash>,
    /// What is stored with it.
    pub signed: Signed,
}

/// Holds an answer against its handoff. `blobs` are those of the inputs.
///
/// # Errors
/// [`CheckError`].
pub fn check(handoff: &Handoff, blobs: &[Vec<u8>], answer: &RawTransaction) -> Result<Checked, CheckError> {
    let transaction = PaymentTransaction::from_bytes(&answer.data.0)?;
    if transaction.to_bytes() != answer.data.0 {
        return Err(CheckError::Answer("data"));
    }
    let asked: Vec<Hash> = handoff.inputs.iter().map(|input| input.id).collect();
    if transaction.txins != asked {
        return Err(CheckError::Different("inputs"));
    }
    if transaction.fee != handoff.fee.micro() {
        return Err(CheckError::Different("fees"));
    }
    let outputs: Vec<Hash> = transaction.txouts.iter().map(Made::id).collect();
    if !answer.txouts.is_empty() && answer.txouts != outputs {
        return Err(CheckError::Answer("txouts"));
    }
    if outputs.len() != handoff.outputs.len() {
        return Err(CheckError::Different("numbers of outputs"));
    }
    let is_private = |id: &Hash| {
        let mut made = outputs.iter().zip(&handoff.outputs);
        made.any(|(made, asked)| made == id && asked.private.is_some())
    };
    let mut proved = HashSet::new();
    if !answer
        .certificates
        .iter()
        .all(|claim| is_private(&claim.output_hash) && proved.insert(claim.output_hash))
    {
        return Err(CheckError::Answer("certificates"));
    }
    let mut own = Vec::new();
    for ((made, id), asked) in transaction.txouts.iter().zip(&outputs).zip(&handoff.outputs) {
        compare(made, *id, asked, answer)?;
        if let (Some(account), Some(_)) = (&asked.account, &asked.private) {
            own.push((account.clone(), *id, asked.amount, made.to_bytes()));
        }
    }
    let inputs: Vec<Unspent> =
        blobs.iter().map(|blob| Unspent::from_bytes(blob)).collect::<Result<_, _>>()?;
    transaction.verify(&inputs)?;
    let signed = Signed { bytes: answer.data.0.clone(), inputs: blobs.to_vec(), own };
    Ok(Checked { id: transaction.id(), outputs, signed })
}

fn compare(made: &Made, id: Hash, asked: &Output, answer: &RawTransaction) -> Result<(), CheckError> {
    match (made, &asked.private) {
        (Made::PublicPayment(public), None) => {
            if public.recipient != asked.recipient.public_key().encoded() {
                return Err(CheckError::Different("recipients"));
            }
            if public.amount != asked.amount.micro() {
                return Err(CheckError::Different("amounts"));
            }
            Ok(())
        }
        (Made::Payment(payment), Some(Private { comment, with_certificate })) => {
            let claim = answer.certificates.iter().find(|claim| claim.output_hash == id);
            let proved = claim.is_some_and(|claim| {
                let ScalarJson(rvalue) = claim.rvalue;
                let recipient = claim.recipient.public_key();
                let amount = certificate::verify(payment, claim.spender.public_key(), recipient, &rvalue);
                let payload = payment.open_with_rvalue(&rvalue, recipient);
                let said = payload.is_ok_and(|payload| match &payload.data {
                    PayloadData::Comment(said) => said.as_str() == comment,
                    PayloadData::ContentHash(_) => false,
                });
                claim.recipient == asked.recipient && amount.ok() == Some(asked.amount) && said
            });
            // Where there is one, it says what was asked for; and there is one where one was asked for.
            if (claim.is_some() || *with_certificate) && !proved {
                return Err(CheckError::Certificate(id));
            }
            Ok(())
        }
        _ => Err(CheckError::Different("kinds of outputs")),
    }
}
