//! What a person must see before money moves: the same facts of a request and of what was signed for it.

mod signed;

pub use signed::Mismatch;

use super::Judgement;
use super::draft::{Draft, DraftInput};
use super::owners::{self, OwnedInput};
use super::{Refusal, Signer, read};
use stegos_common::address::Address;
use stegos_common::amount::Amount;
use stegos_common::output::Output;
use stegos_common::payload::PayloadData;
use stegos_common::review::{InputFacts, Kind, Known, OutputFacts, Review};
use stegos_common::transaction::{NewOutput, Spendable, check};

impl Signer {
    /// The facts of a request, what the policy says, and why it would be refused if it would be.
    ///
    /// # Errors
    /// A [`Refusal`] where the request is not even well formed, so that there are no facts.
    pub fn review_request(
        &self,
        json: &str,
    ) -> Result<(Review, Option<Judgement>, Option<Refusal>), Refusal> {
        let draft = self.draft(json)?;
        let (review, refusal) = self.facts_of(&draft);
        // Whatever else is wrong with it is told first, and is not for a policy to judge.
        let judgement = refusal.is_none().then(|| self.judge(&draft));
        let not_yet = || {
            let judgement = judgement.as_ref()?;
            judgement.refusal().or_else(|| self.would_ask(&draft, judgement))
        };
        let refusal = refusal.or_else(not_yet);
        // What was signed before is answered again, whatever has changed since.
        let signed_before = self.signed_before(&draft)?;
        let refusal = refusal.filter(|_| signed_before.is_none());
        let judgement = judgement.filter(|_| signed_before.is_none());
        Ok((Review { signed_before, ..review }, judgement, refusal))
    }

    /// The facts of a request, and why it is none to be judged, if it is none.
    pub(super) fn facts_of(&self, draft: &Draft) -> (Review, Option<Refusal>) {
        let outputs: Vec<OutputFacts> = draft.outputs.iter().map(|output| self.requested(output)).collect();
        let (inputs, refusal) = match owners::unlock_all(draft, &self.keystore, &self.rules) {
            Ok(owned) => {
                let spendable: Vec<&Spendable> = owned.iter().map(|input| &input.spendable).collect();
                let fee = self.rules.fee(draft.fee, draft.outputs.len());
                let checked = fee.and_then(|fee| Ok(check(&spendable, &draft.outputs, fee)?));
                let checked =
                    checked.and_then(|()| self.require_complete()).and_then(|()| self.require_free(draft));
                (owned_inputs(draft, &owned), checked.err())
            }
            Err(refusal) => (unowned_inputs(draft), Some(refusal)),
        };
        (Review::new(inputs, outputs, shown_fee(draft.fee), draft.key.is_some()), refusal)
    }

    /// Reads a request and checks everything about it that needs no key.
    pub(super) fn draft(&self, json: &str) -> Result<Draft, Refusal> {
        let request = read(json).map_err(|(_, refusal)| refusal)?;
        Draft::new(&request, json, self.keystore.network(), &self.rules)
    }

    fn requested(&self, output: &NewOutput) -> OutputFacts {
        let (kind, comment, with_certificate) = match output {
            NewOutput::Public { .. } => (Kind::PublicPayment, None, false),
            NewOutput::Private { data, with_certificate, .. } => {
                (Kind::Payment, comment(data), *with_certificate)
            }
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
            with_certificate,
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
