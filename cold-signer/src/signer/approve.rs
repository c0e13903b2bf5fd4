//! What the policy asks people about: parking a request, counting who approved it.

use super::draft::Draft;
use super::judge::Judgement;
use super::{Refusal, Signer};
use crate::approval::{
    Approval, Approvers, MAX_HANDED, MAX_STATEMENT, Parked, Question, Rejection, Waiting, identify, line,
    statement,
};
use crate::journal::{Entry, Judged, Outcome, Verdict as Recorded, show_time};
use crate::policy::{Decision, Verdict};
use rand_core::{OsRng, RngCore};
use std::collections::HashSet;
use std::io;
use stegos_common::hash::Hash;
use stegos_common::text::excerpt;

impl Signer {
    /// Lets pass what the policy allows, and what it asks about once enough people have approved it; nothing that
    /// somebody has rejected.
    pub(super) fn permit(&self, draft: &Draft) -> Result<Judgement, Refusal> {
        let judgement = self.judge(draft);
        self.require_not_rejected(draft, &judgement)?;
        if let Some(refusal) = judgement.refusal() {
            return Err(refusal);
        }
        if judgement.decision.verdict == Verdict::Asked {
            self.require_approved(draft, &judgement)?;
        }
        Ok(judgement)
    }

    /// Why `inspect` says that a request would not be signed yet, where it waits or would have to.
    pub(super) fn would_ask(&self, draft: &Draft, judgement: &Judgement) -> Option<Refusal> {
        let rejection = self.journal.waiting(|waiting| {
            let mut about = waiting.about(&draft.digest, judgement.facts.time);
            about.find_map(|parked| parked.rejection.clone())
        });
        if let Some(Rejection { by, reason }) = rejection {
            return Some(judgement.denied(format!("it was rejected by {by}: {reason}")));
        }
        let approvers =
            judgement.policy.approvers().filter(|_| judgement.decision.verdict == Verdict::Asked)?;
        let state = match self.parked(draft, judgement) {
            None => format!("once it is sent, it waits for {approvers}"),
            Some(parked) if judgement.is_approved(&parked) => return None,
            Some(parked) => {
                let count = approvers.count(&parked.approvals);
                format!("it waits as {} with {count} of {approvers}", parked.id)
            }
        };
        Some(judgement.pending(state, None, Vec::new()))
    }

    /// Takes away what an ended process left in the folder of approvals, about requests that this store does not wait for.
    pub(crate) fn sweep_approvals(&self) {
        let store = self.journal.genesis().head.to_string();
        let mut ids = self.approvals.ids().unwrap_or_default();
        let is_ours =
            |id: &String| self.approvals.statement(id).is_ok_and(|it| line(&it, "store") == Some(&store));
        ids.retain(is_ours);
        let waits = self.ids(self.time());
        ids.retain(|id| !waits.contains(id));
        self.approvals.remove(&ids);
        self.tidy();
    }

    fn require_approved(&self, draft: &Draft, judgement: &Judgement) -> Result<(), Refusal> {
        // A policy that asks nobody cannot be read.
        let approvers =
            judgement.policy.approvers().ok_or_else(|| judgement.denied("nobody can approve".to_owned()))?;
        let time = judgement.facts.time;
        let parked = match self.parked(draft, judgement) {
            Some(parked) => parked,
            None => self.park(draft, judgement, approvers)?,
        };
        let uncounted = self.note_approvals(&draft.digest, &parked, approvers, time)?;
        // Again, so that no rejection is overlooked that was there when the approvals were.
        self.require_not_rejected(draft, judgement)?;
        let parked = self.parked(draft, judgement).unwrap_or(parked);
        if judgement.is_approved(&parked) {
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

    /// What is asked about a request now, where it waits.
    fn parked(&self, draft: &Draft, judgement: &Judgement) -> Option<Parked> {
        self.journal.waiting(|waiting| judgement.parked(&draft.digest, waiting).cloned())
    }

    /// Refuses what somebody has rejected; what was handed in counts from now on.
    fn require_not_rejected(&self, draft: &Draft, judgement: &Judgement) -> Result<(), Refusal> {
        let time = judgement.facts.time;
        let about: Vec<Parked> =
            self.journal.waiting(|waiting| waiting.about(&draft.digest, time).cloned().collect());
        for parked in about {
            if let Some(Rejection { by, reason }) = self.note_rejection(&draft.digest, &parked, time)? {
                let reason = format!("request {} was rejected by {by}: {reason}", parked.id);
                return Err(judgement.denied(reason));
            }
        }
        Ok(())
    }

    /// Parks a request, unless somebody else has.
    fn park(&self, draft: &Draft, judgement: &Judgement, approvers: &Approvers) -> Result<Parked, Refusal> {
        let time = judgement.facts.time;
        self.make_room(time)?;
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
            facts: &judgement.facts,
            totals: &judgement.totals,
            store: self.journal.genesis().head,
            approvers,
            review: &self.facts_of(draft).0,
        });
        if statement.len() > MAX_STATEMENT {
            let length = statement.len();
            return Err(judgement.denied(format!("its facts take {length} bytes, which nobody would read")));
        }
        // What waits must be there to be looked at.
        self.publish(&id, &statement)?;
        let verdict = Recorded::Parked { id: id.clone(), expires, statement };
        let outcome = self.commit(&draft.entry(time, verdict, Some(judgement.judged())));
        if !matches!(outcome, Ok(Outcome::Recorded(_))) {
            self.approvals.remove(&[id]);
        }
        self.tidy();
        match outcome? {
            Outcome::Conflicts(input, record) => Err(self.already_signed(input, record)),
            Outcome::Full(until) => {
                Err(judgement.limited("too many requests wait for approval".to_owned(), until))
            }
            // Where it was signed meanwhile, that is found out by whoever called this.
            _ => self
                .parked(draft, judgement)
                .ok_or_else(|| judgement.denied("it does not wait any more".to_owned())),
        }
    }

    /// What people call a request that is parked now: short enough to be typed.
    fn new_id(&self, time: u64) -> String {
        let taken: HashSet<String> =
            self.journal.waiting(|waiting| waiting.all(time).map(|(_, parked)| parked.id.clone()).collect());
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

    /// Where as many wait as may, lets rejections count that were handed in, and puts all there that can be rejected.
    fn make_room(&self, time: u64) -> Result<(), Refusal> {
        if self.journal.waiting(|waiting| waiting.room_at(time)).is_none() {
            return Ok(());
        }
        let undecided: Vec<(Hash, Parked)> = self.journal.waiting(|waiting| {
            let undecided = waiting.all(time).filter(|(_, parked)| parked.rejection.is_none());
            undecided.map(|(request, parked)| (*request, parked.clone())).collect()
        });
        for (request, parked) in &undecided {
            self.note_rejection(request, parked, time)?;
        }
        Ok(())
    }

    /// Makes a rejection count that was handed in. Answers the one that counts. What can be rejected is there to be
    /// looked at.
    fn note_rejection(
        &self,
        request: &Hash,
        parked: &Parked,
        time: u64,
    ) -> Result<Option<Rejection>, Refusal> {
        if parked.rejection.is_some() {
            return Ok(parked.rejection.clone());
        }
        self.publish(&parked.id, &parked.statement)?;
        let is_asked = |waiting: &Waiting| {
            let mut about = waiting.about(request, time);
            about.any(|it| it.id == parked.id) && !waiting.is_rejected(request, time)
        };
        if !self.journal.waiting(is_asked) {
            // It was signed or rejected meanwhile.
            self.approvals.remove(std::slice::from_ref(&parked.id));
        }
        let handed = self.approvals.rejection(&parked.id).map_err(|error| self.failed(&error))?;
        let Some((owner, reason)) = handed else { return Ok(None) };
        let rejection = Rejection { by: format!("uid {owner}"), reason };
        let verdict = Recorded::Rejected { id: parked.id.clone(), rejection: rejection.clone() };
        self.commit(&Entry::about(time, *request, verdict))?;
        self.tidy();
        Ok(Some(rejection))
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
        let (names, more) = self.approvals.approvals(&parked.id).map_err(|error| self.failed(&error))?;
        if more {
            uncounted.push(format!("more than {MAX_HANDED} files are there, the others were not read"));
        }
        for name in names {
            let handed = self.approvals.approval(&name).map_err(|error| error.to_string());
            let found = handed.and_then(|handed| {
                let approver = identify(&handed, &parked.statement, approvers);
                approver.map(|approver| (approver, handed.text)).map_err(|error| error.to_string())
            });
            let (approver, text) = match found {
                Ok(found) => found,
                Err(why) => {
                    uncounted.push(format!("{}: {why}", excerpt(&name)));
                    continue;
                }
            };
            let identity = approver.identity.to_string();
            if known.insert(identity.clone()) {
                let signature = if approver.is_key() { text } else { String::new() };
                let approval = Approval { approver: approver.name.clone(), identity };
                let verdict = Recorded::Approved { id: parked.id.clone(), approval, signature };
                self.commit(&Entry::about(time, *request, verdict))?;
            }
        }
        Ok(uncounted)
    }

    /// Takes away what is about requests that do not wait any more.
    pub(super) fn tidy(&self) {
        self.approvals.remove(&self.journal.take_gone());
    }

    fn publish(&self, id: &str, statement: &str) -> Result<(), Refusal> {
        self.approvals.publish(id, statement).map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &io::Error) -> Refusal {
        Refusal::ApprovalsFailed(format!("{}: {error}", self.approvals.path().display()))
    }
}

impl Judgement {
    /// What is asked, as people and the journal see it: a field that nobody knows may have a secret for its name.
    fn asked(&self) -> Decision {
        let mut decision = self.decision.clone();
        if decision.tag == "policy-unknown-field" {
            "the request has an unknown field".clone_into(&mut decision.reason);
        }
        decision
    }

    /// What people deny, whatever the rule says.
    fn denied(&self, reason: String) -> Refusal {
        let judged = Box::new(Judged { asked: true, ..self.judged() });
        Refusal::Denied { rule: self.decision.tag, reason, judged }
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
