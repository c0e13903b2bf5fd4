//! What a person must see before money moves: the same facts of a request and of what was signed for it.

mod signed;

pub use signed::Mismatch;

use super::draft::{Draft, DraftInput};
use super::owners::{self, OwnedInput};
use super::{Refusal, Signer, read};
use serde::Serialize;
use stegos_common::address::Address;
use stegos_common::amount::Amount;
use stegos_common::hash::Hash;
use stegos_common::output::Output;
use stegos_common::payload::PayloadData;
use stegos_common::transaction::{NewOutput, Spendable, check};

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
    /// Whether the inputs are spent with a key that the request brings.
    pub request_key: bool,
    /// The same request, where it was signed before: signing it again answers the same bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_before: Option<SignedBefore>,
}

/// A signing of the past.
#[derive(Debug, Serialize)]
pub struct SignedBefore {
    /// The id of the transaction.
    pub transaction: Hash,
    /// When, RFC 3339 in UTC.
    pub time: String,
    /// The number of the record in the journal, from 0.
    pub record: u64,
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
                let checked = checked.and_then(|()| self.require_free(&draft));
                (owned_inputs(&draft, &owned), checked.err())
            }
            Err(refusal) => (unowned_inputs(&draft), Some(refusal)),
        };
        // What was signed before is answered again, whatever has changed since.
        let signed_before = self.signed_before(&draft)?;
        let refusal = refusal.filter(|_| signed_before.is_none());
        let review = Review::new(inputs, outputs, shown_fee(draft.fee), draft.key.is_some());
        Ok((Review { signed_before, ..review }, refusal))
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
}

impl Review {
    fn new(inputs: Vec<InputFacts>, outputs: Vec<OutputFacts>, fee: Amount, request_key: bool) -> Self {
        let total = |amounts: Option<Vec<Amount>>| amounts.and_then(Amount::checked_sum);
        let change = outputs.iter().filter(|output| output.account.is_some());
        Self {
            inputs_total: total(inputs.iter().map(|input| input.amount).collect()),
            outputs_total: total(outputs.iter().map(|output| output.amount).collect()),
            change: Amount::checked_sum(change.filter_map(|output| output.amount)).unwrap_or(Amount::MAX),
            inputs,
            outputs,
            fee,
            request_key,
            signed_before: None,
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

fn comment(data: &PayloadData) -> Option<String> {
    match data {
        PayloadData::Comment(comment) => Some(comment.as_str().to_owned()),
        PayloadData::ContentHash(_) => None,
    }
}
