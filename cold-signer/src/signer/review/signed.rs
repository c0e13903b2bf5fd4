//! A signed transaction, held against the request it was made for.

use super::{
    InputFacts, Kind, Known, OutputFacts, Review, comment, owned_inputs, owners, shown_fee, unowned_inputs,
};
use crate::signer::draft::Draft;
use crate::signer::{Refusal, Signer};
use stegos_common::address::Address;
use stegos_common::amount::Amount;
use stegos_common::api::encoding::ScalarJson;
use stegos_common::api::request::CertificateClaim;
use stegos_common::certificate;
use stegos_common::hash::Hash;
use stegos_common::keys::PublicKey;
use stegos_common::output::{Output, PaymentOutput};
use stegos_common::payload::Payload;
use stegos_common::transaction::{NewOutput, PaymentTransaction, TransactionError};
use thiserror::Error;

/// A signed transaction that is not what it should be.
#[derive(Debug, Error)]
pub enum Mismatch {
    /// Without its request, its inputs are unknown.
    #[error("not verified: the inputs are unknown; name the request with --request")]
    NoInputs,
    /// The request beside it is not one that this signer would sign.
    #[error("the request is not one that is signed here: {0}")]
    Request(#[from] Refusal),
    /// It does something else than the request asks for.
    #[error("the transaction is not the one of the request: {0} differ; do not send it")]
    Different(&'static str),
    /// The answer around it says something else than it does.
    #[error("the answer does not belong to its transaction: {0} differ; do not send it")]
    Answer(&'static str),
    /// A payment that was to be provable is not.
    #[error("the certificate of output {0} is missing or proves nothing; ask for the transaction again")]
    Certificate(Hash),
    /// No node would accept it.
    #[error("the transaction does not verify: {0}; do not send it")]
    Invalid(#[from] TransactionError),
}

impl Signer {
    /// The facts of a signed transaction, and what is wrong with it if anything is.
    ///
    /// With the `request` it was made for, its inputs are known, it is verified, and it is held against what
    /// was asked for. `certificates` open private outputs of others.
    #[must_use]
    pub fn review_transaction(
        &self,
        transaction: &PaymentTransaction,
        certificates: &[CertificateClaim],
        request: Option<&str>,
    ) -> (Review, Option<Mismatch>) {
        let (draft, mut mismatch) = match request.map(|json| self.draft(json)) {
            Some(Ok(draft)) => (Some(draft), None),
            Some(Err(refusal)) => (None, Some(Mismatch::Request(refusal))),
            None => (None, Some(Mismatch::NoInputs)),
        };
        let mut outputs = self.all_made(transaction, certificates, draft.as_ref());
        let mut inputs = unknown_inputs(transaction);
        if let Some(draft) = &draft {
            mismatch = self.compare(transaction, draft, &mut outputs).err();
            inputs = match owners::unlock_all(draft, &self.keystore, &self.rules) {
                Ok(owned) => owned_inputs(draft, &owned),
                Err(refusal) => {
                    mismatch = mismatch.or(Some(Mismatch::Request(refusal)));
                    unowned_inputs(draft)
                }
            };
        }
        let request_key = draft.is_some_and(|draft| draft.key.is_some());
        let review = Review::new(inputs, outputs, shown_fee(transaction.fee), request_key);
        (review, mismatch)
    }

    /// What can be read in all outputs that were made.
    fn all_made(
        &self,
        transaction: &PaymentTransaction,
        certificates: &[CertificateClaim],
        draft: Option<&Draft>,
    ) -> Vec<OutputFacts> {
        let requested = |index| draft.and_then(|draft| draft.outputs.get(index));
        let outputs = transaction.txouts.iter().enumerate();
        outputs
            .map(|(index, output)| {
                self.made(output, certificates, requested(index).map(NewOutput::recipient))
            })
            .collect()
    }

    /// Refuses a transaction that does something else than its request asks for, or does not verify.
    pub(in crate::signer) fn require_as_asked(
        &self,
        transaction: &PaymentTransaction,
        certificates: &[CertificateClaim],
        draft: &Draft,
    ) -> Result<(), Mismatch> {
        self.compare(transaction, draft, &mut self.all_made(transaction, certificates, Some(draft)))
    }

    /// What can be read in an output that was made, for `requested` if the request is known.
    fn made(
        &self,
        output: &Output,
        certificates: &[CertificateClaim],
        requested: Option<&PublicKey>,
    ) -> OutputFacts {
        let id = output.id();
        let network = self.keystore.network();
        let facts = |kind, amount, comment, known| OutputFacts {
            id: Some(id),
            kind,
            recipient: None,
            amount,
            comment,
            account: None,
            with_certificate: false,
            known,
        };
        match output {
            Output::Payment(payment) => match self.opened(payment, id, certificates, requested) {
                Some((recipient, payload, known)) => {
                    let facts = facts(Kind::Payment, Some(payload.amount), comment(&payload.data), known);
                    self.with_recipient(facts, recipient)
                }
                None => facts(Kind::Payment, None, None, Known::Hidden),
            },
            Output::PublicPayment(public) => {
                let amount = Amount::from_micro(public.amount).ok();
                let facts = facts(Kind::PublicPayment, amount, None, Known::Public);
                match PublicKey::from_bytes(public.recipient.as_bytes()) {
                    Ok(recipient) => self.with_recipient(facts, Address::new(network, recipient)),
                    Err(_) => facts,
                }
            }
            Output::Stake(_) => facts(Kind::Stake, None, None, Known::Hidden),
        }
    }

    /// Opens a private output by a certificate that belongs to it, or by a key of the store.
    fn opened(
        &self,
        output: &PaymentOutput,
        id: Hash,
        certificates: &[CertificateClaim],
        requested: Option<&PublicKey>,
    ) -> Option<(Address, Payload, Known)> {
        let claim = certificates.iter().find(|claim| claim.output_hash == id);
        let by_certificate = claim.and_then(|claim| {
            let ScalarJson(rvalue) = claim.rvalue;
            let (spender, recipient) = (claim.spender.public_key(), claim.recipient.public_key());
            certificate::verify(output, spender, recipient, &rvalue).ok()?;
            let payload = output.open_with_rvalue(&rvalue, recipient).ok()?;
            Some((claim.recipient, payload, Known::Certificate))
        });
        by_certificate.or_else(|| {
            // The account it should go to is tried whatever the limit: compare() relies on it.
            let requested = requested.and_then(|recipient| self.keystore.find(&recipient.encoded()));
            let owners = self.keystore.owners().take(self.rules.search_limit);
            requested.into_iter().chain(owners).find_map(|owner| {
                let key = owner.secret_key();
                if !output.may_belong_to(&key, &owner.public_key) {
                    return None;
                }
                let payload = output.open(&key, &owner.public_key).ok()?;
                Some((Address::new(self.keystore.network(), key.public_key()), payload, Known::Opened))
            })
        })
    }

    /// Holds a transaction against its request; completes `outputs` with what only the request says.
    fn compare(
        &self,
        transaction: &PaymentTransaction,
        draft: &Draft,
        outputs: &mut [OutputFacts],
    ) -> Result<(), Mismatch> {
        let ids: Vec<Hash> = draft.inputs.iter().map(|input| input.unspent.id()).collect();
        if transaction.txins != ids {
            return Err(Mismatch::Different("the inputs"));
        }
        if transaction.fee != draft.fee {
            return Err(Mismatch::Different("the fees"));
        }
        if outputs.len() != draft.outputs.len() {
            return Err(Mismatch::Different("the numbers of outputs"));
        }
        for (made, output) in outputs.iter_mut().zip(&draft.outputs) {
            let requested = self.requested(output);
            if made.kind != requested.kind {
                return Err(Mismatch::Different("the kinds of outputs"));
            }
            if made.known == Known::Hidden {
                if requested.account.is_some() {
                    // The key of that account is here, and does not open it.
                    return Err(Mismatch::Different("the recipients"));
                }
                let id = made.id;
                *made = OutputFacts { id, known: Known::Stated, ..requested };
            } else if made.recipient != requested.recipient {
                return Err(Mismatch::Different("the recipients"));
            } else if made.amount != requested.amount {
                return Err(Mismatch::Different("the amounts"));
            } else if made.comment != requested.comment {
                return Err(Mismatch::Different("the comments"));
            }
            let provable = matches!(output, NewOutput::Private { with_certificate: true, .. });
            if let (true, Some(id)) = (provable && made.known != Known::Certificate, made.id) {
                return Err(Mismatch::Certificate(id));
            }
        }
        Ok(transaction.verify(draft.inputs.iter().map(|input| &input.unspent))?)
    }
}

fn unknown_inputs(transaction: &PaymentTransaction) -> Vec<InputFacts> {
    let facts = |id: &Hash| InputFacts { id: *id, kind: None, amount: None, account: None };
    transaction.txins.iter().map(facts).collect()
}
