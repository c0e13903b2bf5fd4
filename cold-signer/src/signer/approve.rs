//! What the policy asks people about: parking a request, counting who approved it.

use super::draft::Draft;
use super::judge::Judgement;
use super::{Refusal, Signer};
use crate::approval::{
    Approval, Approvers, MAX_STATEMENT, MAX_WAITING, Parked, Question, Rejection, identify, statement,
};
use crate::journal::{Entry, Verdict as Recorded, show_time};
use crate::policy::{Decision, Verdict};
use rand_core::{OsRng, RngCore};
use std::collections::HashSet;
use std::io;
use std::path::Path;
use stegos_common::hash::Hash;
use stegos_common::text::excerpt;

impl Signer {
    /// Lets pass what the policy allows, and what it asks about once enough people have approved it.
    pub(super) fn permit(&self, draft: &Draft) -> Result<Judgement, Refusal> {
        let judgement = self.judge(draft);
        if let Some(refusal) = judgement.refusal() {
            return Err(refusal);
        }
        if judgement.decision.verdict == Verdict::Asked {
            self.require_approved(draft, &judgement)?;
        }
        Ok(judgement)
    }

    fn require_approved(&self, draft: &Draft, judgement: &Judgement) -> Result<(), Refusal> {
        // A policy that asks nobody cannot be read.
        let approvers = judgement.policy.approvers().ok_or_else(|| judgement.denied("nobody can approve"))?;
        let time = judgement.facts.time;
        let parked = match self.journal.parked(&draft.digest, time) {
            Some(parked) => parked,
            None => self.park(draft, judgement, approvers)?,
        };
        self.approvals.publish(&parked.id, &parked.statement).map_err(|error| self.failed(&error))?;
        self.note_rejection(&draft.digest, &parked, time)?;
        let uncounted = self.note_approvals(&draft.digest, &parked, approvers, time)?;
        // As the journal has it now.
        let parked = self.journal.parked(&draft.digest, time).unwrap_or(parked);
        if let Some(Rejection { by, reason }) = &parked.rejection {
            return Err(judgement.denied(&format!("request {} was rejected by {by}: {reason}", parked.id)));
        }
        if approvers.approve(&parked) {
            return Ok(());
        }
        let (count, needed) = (approvers.count(&parked.approvals), approvers.needed());
        let until = show_time(parked.expires);
        let state = format!(
            "it waits as {} until {until} with {count} of {needed} approvals; send the same request again then",
            parked.id
        );
        Err(judgement.pending(state, Some(parked.id), uncounted))
    }

    /// Why `inspect` says that a request would not be signed yet, where the policy asks.
    pub(super) fn would_ask(&self, draft: &Draft, judgement: &Judgement) -> Option<Refusal> {
        let approvers =
            judgement.policy.approvers().filter(|_| judgement.decision.verdict == Verdict::Asked)?;
        let state = match self.journal.parked(&draft.digest, judgement.facts.time) {
            None => format!("once it is sent, it waits for {approvers}"),
            Some(parked) if approvers.approve(&parked) => return None,
            Some(parked) => {
                let count = approvers.count(&parked.approvals);
                format!("it waits as {} with {count} of {}", parked.id, approvers)
            }
        };
        Some(judgement.pending(state, None, Vec::new()))
    }

    /// Parks a request, unless somebody else has.
    fn park(&self, draft: &Draft, judgement: &Judgement, approvers: &Approvers) -> Result<Parked, Refusal> {
        let time = judgement.facts.time;
        self.require_room(judgement)?;
        let id = self.new_id(time);
        let expires = time.saturating_add(approvers.lifetime());
        let statement = statement(&Question {
            id: &id,
            network: self.keystore.network(),
            request: draft.digest,
            time,
            expires,
            decision: &judgement.asked(),
            policy: judgement.policy.digest(),
            outward: judgement.facts.outward(),
            approvers,
            review: &self.facts_of(draft).0,
        });
        if statement.len() > MAX_STATEMENT {
            let length = statement.len();
            return Err(judgement.denied(&format!("its facts take {length} bytes, which nobody would read")));
        }
        let entry = draft.entry(time, Recorded::Parked { id, expires, statement }, Some(judgement.judged()));
        self.journal.commit(&entry)?;
        let waits = self.ids(time);
        self.approvals.tidy(|id| waits.contains(id));
        let parked = self.journal.parked(&draft.digest, time);
        parked.ok_or_else(|| judgement.denied("it cannot be parked"))
    }

    /// What people call a request that is parked now: short enough to be typed.
    fn new_id(&self, time: u64) -> String {
        let taken = self.ids(time);
        loop {
            let id = format!("{:08x}", OsRng.next_u32());
            if !taken.contains(&id) {
                return id;
            }
        }
    }

    /// What waits at a time.
    fn ids(&self, time: u64) -> HashSet<String> {
        self.journal.waiting(|waiting| waiting.all(time).map(|(_, parked)| parked.id.clone()).collect())
    }

    /// Refuses to park more than people would look at.
    fn require_room(&self, judgement: &Judgement) -> Result<(), Refusal> {
        let time = judgement.facts.time;
        let room_at = || self.journal.waiting(|waiting| waiting.room_at(time));
        if room_at().is_none() {
            return Ok(());
        }
        let all: Vec<(Hash, Parked)> = self.journal.waiting(|waiting| {
            waiting.all(time).map(|(request, parked)| (*request, parked.clone())).collect()
        });
        for (request, parked) in &all {
            self.note_rejection(request, parked, time)?;
        }
        match room_at() {
            None => Ok(()),
            Some(until) => {
                let reason = format!("{MAX_WAITING} requests wait for approval already");
                Err(judgement.limited(reason, until))
            }
        }
    }

    /// Makes a rejection that was handed in count.
    fn note_rejection(&self, request: &Hash, parked: &Parked, time: u64) -> Result<(), Refusal> {
        let handed = self.approvals.rejection(&parked.id).map_err(|error| self.failed(&error))?;
        let Some(handed) = handed.filter(|_| parked.rejection.is_none()) else { return Ok(()) };
        let rejection =
            Rejection { by: format!("uid {}", handed.owner), reason: excerpt(handed.text.trim()) };
        let verdict = Recorded::Rejected { id: parked.id.clone(), rejection };
        self.journal.commit(&Entry::about(time, *request, verdict))?;
        Ok(())
    }

    /// Makes approvals count that were handed in. Answers what does not count, and why.
    fn note_approvals(
        &self,
        request: &Hash,
        parked: &Parked,
        approvers: &Approvers,
        time: u64,
    ) -> Result<Vec<String>, Refusal> {
        let mut uncounted = Vec::new();
        let mut known: HashSet<String> = parked.approvals.iter().map(|it| it.identity.clone()).collect();
        for (name, handed) in self.approvals.approvals(&parked.id).map_err(|error| self.failed(&error))? {
            let mut not_counted = |why: &str| uncounted.push(format!("{}: {why}", excerpt(&name)));
            let handed = match handed {
                Ok(handed) => handed,
                Err(error) => {
                    not_counted(&error.to_string());
                    continue;
                }
            };
            match identify(&handed, &parked.statement, approvers) {
                Ok(approver) => {
                    let identity = approver.identity.to_string();
                    if known.insert(identity.clone()) {
                        let signature = if approver.is_key() { handed.text } else { String::new() };
                        let approval = Approval { approver: approver.name.clone(), identity };
                        let verdict = Recorded::Approved { id: parked.id.clone(), approval, signature };
                        self.journal.commit(&Entry::about(time, *request, verdict))?;
                    }
                }
                Err(why) => not_counted(&why.to_string()),
            }
        }
        Ok(uncounted)
    }

    fn failed(&self, error: &io::Error) -> Refusal {
        let path: &Path = self.approvals.path();
        Refusal::ApprovalsFailed(format!("{}: {error}", path.display()))
    }
}

impl Judgement {
    /// What is asked, as people and the journal see it: a field that nobody knows may have a secret for its name.
    fn asked(&self) -> Decision {
        let mut decision = self.decision.clone();
        if self.facts.unknown_field.is_some() && decision.tag == "policy-unknown-field" {
            "the request has an unknown field".clone_into(&mut decision.reason);
        }
        decision
    }

    fn denied(&self, reason: &str) -> Refusal {
        let judged = Box::new(self.judged());
        Refusal::Denied { rule: self.decision.tag, reason: reason.to_owned(), judged }
    }

    fn limited(&self, reason: String, until: u64) -> Refusal {
        let judged = Box::new(self.judged());
        Refusal::Limited { rule: self.decision.tag, reason, until: show_time(until), judged }
    }

    fn pending(&self, state: String, id: Option<String>, uncounted: Vec<String>) -> Refusal {
        let Decision { tag: rule, reason, .. } = self.decision.clone();
        Refusal::PendingApproval { rule, reason, state, id, uncounted }
    }
}
