//! What a person must see before money moves: the same facts of a request and of what was signed for it.

use super::draft::{Draft, DraftInput};
use super::owners::{self, OwnedInput};
use super::{Refusal, Signer, read};
use serde::Serialize;
use stegos_common::address::Address;
use stegos_common::amount::Amount;
use stegos_common::api::encoding::ScalarJson;
use stegos_common::api::request::CertificateClaim;
use stegos_common::certificate;
use stegos_common::hash::Hash;
use stegos_common::keys::PublicKey;
use stegos_common::output::{Output, PaymentOutput};
use stegos_common::payload::{Payload, PayloadData};
use stegos_common::transaction::{NewOutput, PaymentTransaction, Spendable, TransactionError, check};
use thiserror::Error;

/// The facts of a request or a signed transaction. Amounts are micro-STG in JSON.
#[derive(Debug, Serialize)]
pub struct Review {
    /// What is spent.
    pub inputs: Vec<InputFacts>,
    /// What is made.
    pub outputs: Vec<OutputFacts>,
    /// What the network gets.
    pub fee: Amount,
    /// The sum of the inputs, where all are known.
    pub inputs_total: Option<Amount>,
    /// The sum of the outputs, where all are known.
    pub outputs_total: Option<Amount>,
    /// The part of the outputs that goes to accounts of this store.
    pub change: Amount,
}

/// Whether recipient and amount are hidden on the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Hidden.
    Payment,
    /// Open.
    PublicPayment,
    /// A validator's stake.
    Stake,
}

impl Kind {
    const fn of(output: &Output) -> Self {
        match output {
            Output::Payment(_) => Self::Payment,
            Output::PublicPayment(_) => Self::PublicPayment,
            Output::Stake(_) => Self::Stake,
        }
    }
}

/// An output that is spent.
#[derive(Debug, Serialize)]
pub struct InputFacts {
    /// Its id.
    pub id: Hash,
    /// Its kind, where its blob is known.
    pub kind: Option<Kind>,
    /// Its amount, where somebody here can read it.
    pub amount: Option<Amount>,
    /// The account that owns it.
    pub account: Option<String>,
}

/// An output that is made.
#[derive(Debug, Serialize)]
pub struct OutputFacts {
    /// Its id, once it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Hash>,
    /// Its kind.
    pub kind: Kind,
    /// Who gets it.
    pub recipient: Option<Address>,
    /// How much.
    pub amount: Option<Amount>,
    /// What the recipient is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The account of this store that gets it, if it is change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// How the recipient and the amount are known.
    pub known: Known,
}

/// How the recipient and the amount of an output are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// It is what the request asks for; there is no output yet.
    Requested,
    /// Everybody can read them in the output.
    Public,
    /// A key of this store opened the output.
    Opened,
    /// A certificate opened the output.
    Certificate,
    /// The output is sealed to somebody else; the request says so, and only its recipient can tell.
    Stated,
    /// The output is sealed to somebody else, and nothing here says more.
    Hidden,
}

/// A signed transaction that is not what it should be.
#[derive(Debug, Error)]
pub enum Mismatch {
    /// Without its request, its inputs are unknown.
    #[error("not verified: the inputs are unknown; name the request with --request")]
    NoInputs,
    /// The request beside it cannot be read.
    #[error("the request is not one that is signed: {0}")]
    Request(#[from] Refusal),
    /// It does something else than the request asks for.
    #[error("the transaction is not the one of the request: {0} differ; do not send it")]
    Different(&'static str),
    /// No node would accept it.
    #[error("the transaction does not verify: {0}; do not send it")]
    Invalid(#[from] TransactionError),
}

impl Signer {
    /// The facts of a request, and why it would be refused if it would be.
    ///
    /// # Errors
    /// A [`Refusal`] where the request is not even well formed, so that there are no facts.
    pub fn review_request(&self, json: &str) -> Result<(Review, Option<Refusal>), Refusal> {
        let draft = self.draft(json)?;
        let outputs: Vec<OutputFacts> = draft.outputs.iter().map(|output| self.requested(output)).collect();
        let (inputs, refusal) = match owners::unlock_all(&draft, &self.keystore, &self.rules) {
            Ok(owned) => {
                let spendable: Vec<&Spendable> = owned.iter().map(|input| &input.spendable).collect();
                let fee = self.rules.fee(draft.fee, draft.outputs.len());
                let checked = fee.and_then(|fee| Ok(check(&spendable, &draft.outputs, fee)?));
                (owned_inputs(&draft, &owned), checked.err())
            }
            Err(refusal) => (unowned_inputs(&draft), Some(refusal)),
        };
        Ok((Review::new(inputs, outputs, shown_fee(draft.fee)), refusal))
    }

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
        let requested = |index| draft.as_ref().and_then(|draft| draft.outputs.get(index));
        let outputs = transaction.txouts.iter().enumerate();
        let outputs: Vec<OutputFacts> = outputs
            .map(|(index, output)| {
                self.made(output, certificates, requested(index).map(NewOutput::recipient))
            })
            .collect();
        let mut review = Review::new(unknown_inputs(transaction), outputs, shown_fee(transaction.fee));
        if let Some(draft) = draft {
            review.inputs = match owners::unlock_all(&draft, &self.keystore, &self.rules) {
                Ok(owned) => owned_inputs(&draft, &owned),
                Err(_) => unowned_inputs(&draft),
            };
            mismatch = self.compare(transaction, &draft, &mut review.outputs).err();
            review = Review::new(review.inputs, review.outputs, review.fee);
        }
        (review, mismatch)
    }

    /// Reads a request and checks everything about it that needs no key.
    fn draft(&self, json: &str) -> Result<Draft, Refusal> {
        let request = read(json).map_err(|(_, refusal)| refusal)?;
        Draft::new(&request, self.keystore.network(), &self.rules)
    }

    fn requested(&self, output: &NewOutput) -> OutputFacts {
        let (kind, comment) = match output {
            NewOutput::Public { .. } => (Kind::PublicPayment, None),
            NewOutput::Private { data, .. } => (Kind::Payment, comment(data)),
        };
        let recipient = Address::new(self.keystore.network(), *output.recipient());
        let amount = Some(output.amount());
        let facts = OutputFacts {
            id: None,
            kind,
            recipient: None,
            amount,
            comment,
            account: None,
            known: Known::Requested,
        };
        self.with_recipient(facts, recipient)
    }

    fn with_recipient(&self, mut facts: OutputFacts, recipient: Address) -> OutputFacts {
        facts.account =
            self.keystore.find(&recipient.public_key().encoded()).map(|owner| owner.account.to_string());
        facts.recipient = Some(recipient);
        facts
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
        for (made, requested) in outputs.iter_mut().zip(&draft.outputs) {
            let requested = self.requested(requested);
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
        }
        Ok(transaction.verify(draft.inputs.iter().map(|input| &input.unspent))?)
    }
}

impl Review {
    fn new(inputs: Vec<InputFacts>, outputs: Vec<OutputFacts>, fee: Amount) -> Self {
        let total = |amounts: Option<Vec<Amount>>| amounts.and_then(Amount::checked_sum);
        let change = outputs.iter().filter(|output| output.account.is_some());
        Self {
            inputs_total: total(inputs.iter().map(|input| input.amount).collect()),
            outputs_total: total(outputs.iter().map(|output| output.amount).collect()),
            change: Amount::checked_sum(change.filter_map(|output| output.amount)).unwrap_or(Amount::MAX),
            inputs,
            outputs,
            fee,
        }
    }
}

fn owned_inputs(draft: &Draft, owned: &[OwnedInput]) -> Vec<InputFacts> {
    let pairs = draft.inputs.iter().zip(owned);
    pairs
        .map(|(input, owned)| InputFacts {
            id: input.unspent.id(),
            kind: Some(Kind::of(input.unspent.output())),
            amount: Some(owned.spendable.amount()),
            account: owned.owner.account.as_deref().map(str::to_owned),
        })
        .collect()
}

/// What can be said of inputs whose owners are not all here.
fn unowned_inputs(draft: &Draft) -> Vec<InputFacts> {
    let amount = |output: &Output| match output {
        Output::PublicPayment(output) => Amount::from_micro(output.amount).ok(),
        Output::Payment(_) | Output::Stake(_) => None,
    };
    let facts = |input: &DraftInput| InputFacts {
        id: input.unspent.id(),
        kind: Some(Kind::of(input.unspent.output())),
        amount: amount(input.unspent.output()),
        account: None,
    };
    draft.inputs.iter().map(facts).collect()
}

/// A negative fee is shown as none: what asks for it is refused anyway.
fn shown_fee(micro: i64) -> Amount {
    Amount::from_micro(micro).unwrap_or_default()
}

fn unknown_inputs(transaction: &PaymentTransaction) -> Vec<InputFacts> {
    let facts = |id: &Hash| InputFacts { id: *id, kind: None, amount: None, account: None };
    transaction.txins.iter().map(facts).collect()
}

fn comment(data: &PayloadData) -> Option<String> {
    match data {
        PayloadData::Comment(comment) => Some(comment.as_str().to_owned()),
        PayloadData::ContentHash(_) => None,
    }
}
