//! What the policy says about a request, now or about one of the past.

use super::draft::Draft;
use super::history::now;
use super::{Refusal, Signer};
use crate::approval::{Parked, Waiting};
use crate::journal::{self, Entry, JournalError, Judged, NewOutputFacts, Record};
use crate::policy::{CLOCK, Decision, Facts, Payment, Policy, Totals, Verdict};
use std::collections::HashSet;
use std::sync::Arc;
use stegos_common::amount::Amount;
use stegos_common::api::create_raw_transaction::OutputType;
use stegos_common::group::Encoded;
use stegos_common::hash::Hash;
use stegos_common::output::Output;
use stegos_common::transaction::{NewOutput, PaymentTransaction};

impl Signer {
    /// The facts that the policy judges at a time.
    pub(super) fn facts(&self, draft: &Draft, time: u64) -> Facts {
        let payment = |output: &NewOutput| {
            let (private, with_certificate) = match output {
                NewOutput::Public { .. } => (false, false),
                NewOutput::Private { with_certificate, .. } => (true, *with_certificate),
            };
            self.payment(output.recipient().encoded(), output.amount(), private, with_certificate)
        };
        Facts {
            inputs: draft.inputs.len(),
            own_inputs: draft
                .key
                .as_ref()
                .is_none_or(|key| self.keystore.find(&key.public_key().encoded()).is_some()),
            payments: draft.outputs.iter().map(payment).collect(),
            fee: Amount::from_micro(draft.fee).unwrap_or(Amount::MAX),
            request_key: draft.key.is_some(),
            unknown_field: draft.unknown_field.clone(),
            time,
        }
    }

    /// What the policy says about a request now.
    pub(super) fn judge(&self, draft: &Draft) -> Judgement {
        let (policy, facts, totals) = (self.policy(), self.facts(draft, now()), self.journal.totals());
        let decision = policy.judge(&facts, &totals);
        Judgement { policy, facts, totals, decision }
    }

    /// The time of this host's clock, in milliseconds since 1970 UTC.
    #[must_use]
    pub fn time(&self) -> u64 {
        now()
    }

    /// The time of the last signature, or of a later confirmation.
    #[must_use]
    pub fn last_time(&self) -> Option<u64> {
        self.journal.totals().last()
    }

    /// Records that a time of this host's clock is right.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn confirm_clock(&self, time: u64) -> Result<(), JournalError> {
        self.journal.commit(&Entry::clock_confirmed(time)).map(drop)
    }

    /// Judges the past by a policy that is not in force: everything that was signed, or refused by a policy, in its
    /// order, as if that policy had been there from the beginning.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn replay(
        &self,
        policy: &Policy,
        mut each: impl FnMut(&Record, &Decision),
    ) -> Result<(), JournalError> {
        let mut totals = Totals::default();
        for record in self.journal.records()? {
            let record = record?;
            let entry = &record.entry;
            if entry.verdict == journal::Verdict::ClockConfirmed {
                totals.confirm(entry.time);
            }
            // What the clock, a race or people decided says nothing about rules.
            let by_a_rule = |judged: &Judged| judged.rule != CLOCK;
            let judged = || entry.judged.as_ref().is_some_and(by_a_rule) && !is_by_others(entry);
            if entry.signed().is_none() && !judged() {
                continue;
            }
            let facts = self.past_facts(entry);
            let decision = policy.judge_rules(&facts, &totals);
            let may_be = matches!(decision.verdict, Verdict::Allowed | Verdict::Asked);
            if entry.signed().is_some() && may_be {
                totals.add(entry.time, facts.outward());
            }
            each(&record, &decision);
        }
        Ok(())
    }

    /// The facts of a record, with the accounts of today. Whether a refused payment was to be provable is not known; it
    /// counts as one that was.
    fn past_facts(&self, entry: &Entry) -> Facts {
        let proved = entry.signed().and_then(|signed| {
            let transaction = PaymentTransaction::from_bytes(&signed.transaction).ok()?;
            let claimed: HashSet<Hash> = signed.certificates.iter().map(|claim| claim.output_hash).collect();
            Some(
                transaction
                    .txouts
                    .iter()
                    .map(|output| claimed.contains(&Output::id(output)))
                    .collect::<Vec<_>>(),
            )
        });
        let is_proved = |place: usize| proved.as_ref().is_none_or(|proved| proved.get(place) == Some(&true));
        let payment = |(place, output): (usize, &NewOutputFacts)| {
            let private = output.kind == OutputType::Payment;
            self.payment(output.recipient, output.amount, private, private && is_proved(place))
        };
        let judged = entry.judged.as_ref();
        Facts {
            inputs: entry.inputs.len(),
            own_inputs: judged.is_none_or(|judged| !judged.outward.is_zero()),
            payments: entry.outputs.iter().enumerate().map(payment).collect(),
            fee: Amount::from_micro(entry.fee).unwrap_or(Amount::MAX),
            request_key: judged.is_some_and(|judged| judged.request_key),
            unknown_field: judged.filter(|judged| judged.unknown_field).map(|_| "…".to_owned()),
            time: entry.time,
        }
    }

    fn payment(&self, recipient: Encoded, amount: Amount, private: bool, with_certificate: bool) -> Payment {
        let account = self.keystore.find(&recipient).map(|owner| owner.account.to_string());
        Payment { recipient, account, amount, private, with_certificate }
    }
}

/// Whether it was refused by others than a rule: because it was overtaken, or by people.
fn is_by_others(entry: &Entry) -> bool {
    let asked = entry.judged.as_ref().is_some_and(|judged| judged.asked);
    matches!(&entry.verdict, journal::Verdict::Refused { code, .. } if asked || code == "overtaken")
}

/// What a policy said about a request.
pub struct Judgement {
    /// The policy.
    pub(super) policy: Arc<Policy>,
    /// What it judged.
    pub facts: Facts,
    /// What left before.
    pub totals: Totals,
    /// What it said.
    pub decision: Decision,
}

impl Judgement {
    /// What is remembered of it.
    pub(super) fn judged(&self) -> Judged {
        Judged {
            policy: self.policy.digest(),
            rule: self.decision.tag.to_owned(),
            outward: self.facts.outward(),
            request_key: self.facts.request_key,
            unknown_field: self.facts.unknown_field.is_some(),
            asked: self.decision.verdict == Verdict::Asked,
        }
    }

    /// Why it is not allowed, if nobody can approve it either.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        Refusal::policy(self.decision.clone(), self.judged())
    }

    /// Whether enough people have approved what is asked about now.
    pub(super) fn is_approved(&self, parked: &Parked) -> bool {
        self.policy.approvers().is_some_and(|approvers| approvers.approve(parked))
    }

    /// What is asked about now, where it waits.
    pub(super) fn parked<'a>(&self, request: &Hash, waiting: &'a Waiting) -> Option<&'a Parked> {
        waiting.get(request, self.decision.tag, self.facts.outward(), self.facts.time)
    }

    /// Whether a request stays allowed after everything in `totals`, while `policy` is in force and `waiting` waits.
    pub(super) fn holds(
        &self,
        request: &Hash,
        policy: &Arc<Policy>,
        totals: &Totals,
        waiting: &Waiting,
    ) -> bool {
        let decision = self.policy.judge(&self.facts, totals);
        let stands = match decision.verdict {
            _ if waiting.is_rejected(request, self.facts.time) => false,
            Verdict::Allowed => true,
            Verdict::Asked => self.parked(request, waiting).is_some_and(|parked| self.is_approved(parked)),
            Verdict::Denied | Verdict::Limited(_) => false,
        };
        Arc::ptr_eq(&self.policy, policy) && decision.tag == self.decision.tag && stands
    }
}
