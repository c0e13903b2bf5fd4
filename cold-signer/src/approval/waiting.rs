//! What waits, as the journal says.

use super::{MAX_KEPT, MAX_WAITING};
use std::collections::HashMap;
use std::sync::Arc;
use stegos_common::amount::Amount;
use stegos_common::hash::Hash;

/// A request that waits for approvals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// What people call it: eight hex digits by chance.
    pub id: String,
    /// What is approved: the text with all its facts. Empty once it is rejected.
    pub statement: Arc<str>,
    /// When it was parked, in milliseconds since 1970 UTC.
    pub asked: u64,
    /// Until when it waits.
    pub expires: u64,
    /// The rule that asked.
    pub rule: String,
    /// What was to leave the store's accounts.
    pub outward: Amount,
    /// Who has approved it.
    pub approvals: Vec<Approval>,
    /// Who has rejected it.
    pub rejection: Option<Rejection>,
}

/// That somebody has approved a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// What the policy called him.
    pub approver: String,
    /// How he was known, as [`super::Identity`] is shown.
    pub identity: String,
}

/// That somebody has rejected a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl Parked {
    /// Whether it is what this rule asks about. Who approved it for another reason, or when less left, was asked
    /// something else.
    #[must_use]
    pub fn is_about(&self, rule: &str, outward: Amount) -> bool {
        self.rule == rule && self.outward == outward
    }

    /// What was parked later than now, by more than it may wait, was parked by a clock that was wrong.
    const fn waits(&self, time: u64) -> bool {
        let lifetime = self.expires.saturating_sub(self.asked);
        self.asked <= time.saturating_add(lifetime) && time < self.expires
    }
}

/// All requests that wait, by their digests. Each rule asks about a request by itself.
#[derive(Debug, Default)]
pub struct Waiting {
    parked: HashMap<Hash, Vec<Parked>>,
    /// The ids about which nothing is to be handed in any more.
    gone: Vec<String>,
}

impl Waiting {
    /// Knows the time of a record: what has expired by then is forgotten, whatever the clock does afterwards.
    pub(crate) fn pass(&mut self, time: u64) {
        for parked in self.parked.values_mut() {
            self.gone.extend(parked.extract_if(.., |parked| !parked.waits(time)).map(|parked| parked.id));
        }
        self.parked.retain(|_, parked| !parked.is_empty());
    }

    /// Knows a request that was parked; what was said about the same rule and request before is of the past.
    pub(crate) fn park(&mut self, request: Hash, parked: Parked) {
        let others = self.parked.entry(request).or_default();
        let before = others.extract_if(.., |other| other.rule == parked.rule);
        self.gone.extend(before.map(|parked| parked.id));
        others.push(parked);
    }

    /// Knows an approval.
    pub(crate) fn approve(&mut self, request: &Hash, id: &str, approval: Approval) {
        if let Some(parked) = self.named(request, id) {
            parked.approvals.push(approval);
        }
    }

    /// Knows a rejection.
    pub(crate) fn reject(&mut self, request: &Hash, id: &str, rejection: &Rejection) {
        if self.named(request, id).is_none() {
            return;
        }
        // It is of the request: nobody is asked about that any more, by whatever rule.
        for parked in self.parked.get_mut(request).into_iter().flatten() {
            parked.rejection = Some(rejection.clone());
            parked.statement = "".into();
            self.gone.push(parked.id.clone());
        }
    }

    /// What was signed does not wait any more.
    pub(crate) fn end(&mut self, request: &Hash) {
        let ended = self.parked.remove(request).unwrap_or_default();
        self.gone.extend(ended.into_iter().map(|parked| parked.id));
    }

    /// Nothing waits any more, and nothing was approved or rejected.
    pub(crate) fn clear(&mut self) {
        self.gone.extend(self.parked.drain().flat_map(|(_, parked)| parked).map(|parked| parked.id));
    }

    /// The ids about which nothing is to be handed in any more, since this was asked last.
    pub(crate) fn take_gone(&mut self) -> Vec<String> {
        std::mem::take(&mut self.gone)
    }

    /// What is asked about a request at a time, by whatever rule.
    pub fn about(&self, request: &Hash, time: u64) -> impl Iterator<Item = &Parked> {
        self.parked.get(request).into_iter().flatten().filter(move |parked| parked.waits(time))
    }

    /// What a rule asks about a request at a time.
    #[must_use]
    pub fn get(&self, request: &Hash, rule: &str, outward: Amount, time: u64) -> Option<&Parked> {
        self.about(request, time).find(|parked| parked.is_about(rule, outward))
    }

    /// Whether somebody has rejected a request, whatever rule asked about it.
    #[must_use]
    pub fn is_rejected(&self, request: &Hash, time: u64) -> bool {
        self.about(request, time).any(|parked| parked.rejection.is_some())
    }

    /// All that waits at a time, what was rejected included.
    pub fn all(&self, time: u64) -> impl Iterator<Item = (&Hash, &Parked)> {
        let all = self.parked.iter().flat_map(|(request, parked)| parked.iter().map(move |it| (request, it)));
        all.filter(move |(_, parked)| parked.waits(time))
    }

    /// When there is room for one more request; `None` where that is now.
    #[must_use]
    pub fn room_at(&self, time: u64) -> Option<u64> {
        let (mut undecided, mut all) = (Vec::new(), Vec::new());
        for request in self.parked.keys() {
            if let Some(end) = self.about(request, time).map(|parked| parked.expires).max() {
                all.push(end);
                undecided.extend((!self.is_rejected(request, time)).then_some(end));
            }
        }
        [full(undecided, MAX_WAITING), full(all, MAX_KEPT)].into_iter().flatten().max()
    }

    /// The same request under the same id: what is about an earlier one is of the past.
    fn named(&mut self, request: &Hash, id: &str) -> Option<&mut Parked> {
        self.parked.get_mut(request)?.iter_mut().find(|parked| parked.id == id)
    }
}

/// When fewer than so many are left of those that end then; `None` where that is now.
fn full(mut ends: Vec<u64>, most: usize) -> Option<u64> {
    ends.sort_unstable();
    ends.len().checked_sub(most).and_then(|over| ends.get(over)).copied()
}
