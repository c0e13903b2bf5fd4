//! What waits, as the journal says.

use super::{MAX_KEPT, MAX_WAITING};
use std::collections::HashMap;
use std::sync::Arc;
use stegos_common::amount::Amount;
use stegos_common::hash::Hash;

/// A clock may go back so far, in milliseconds, before what was parked later than now is forgotten: it was parked by
/// a clock that was wrong, and so is the time at which it expires.
const BACK: u64 = 3_600_000;

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

    const fn waits(&self, time: u64) -> bool {
        self.asked <= time.saturating_add(BACK) && time < self.expires
    }
}

/// All requests that wait, by their digests.
#[derive(Debug, Default)]
pub struct Waiting {
    parked: HashMap<Hash, Parked>,
    /// The ids about which nothing is to be handed in any more.
    gone: Vec<String>,
}

impl Waiting {
    /// Knows the time of a record: what has expired by then is forgotten, whatever the clock does afterwards.
    pub(crate) fn pass(&mut self, time: u64) {
        let gone = self.parked.extract_if(|_, parked| !parked.waits(time));
        self.gone.extend(gone.map(|(_, parked)| parked.id));
    }

    /// Knows a request that was parked; what was said about the same one before is of the past.
    pub(crate) fn park(&mut self, request: Hash, parked: Parked) {
        let before = self.parked.insert(request, parked);
        self.gone.extend(before.map(|parked| parked.id));
    }

    /// Knows an approval.
    pub(crate) fn approve(&mut self, request: &Hash, id: &str, approval: Approval) {
        if let Some(parked) = self.named(request, id) {
            parked.approvals.push(approval);
        }
    }

    /// Knows a rejection.
    pub(crate) fn reject(&mut self, request: &Hash, id: &str, rejection: Rejection) {
        if let Some(parked) = self.named(request, id) {
            parked.rejection = Some(rejection);
            parked.statement = "".into();
            self.gone.push(id.to_owned());
        }
    }

    /// What was signed does not wait any more.
    pub(crate) fn end(&mut self, request: &Hash) {
        self.gone.extend(self.parked.remove(request).map(|parked| parked.id));
    }

    /// The ids about which nothing is to be handed in any more, since this was asked last.
    pub(crate) fn take_gone(&mut self) -> Vec<String> {
        std::mem::take(&mut self.gone)
    }

    /// The request with this digest, where it waits at a time.
    #[must_use]
    pub fn get(&self, request: &Hash, time: u64) -> Option<&Parked> {
        self.parked.get(request).filter(|parked| parked.waits(time))
    }

    /// All that wait at a time, those that were rejected included.
    pub fn all(&self, time: u64) -> impl Iterator<Item = (&Hash, &Parked)> {
        self.parked.iter().filter(move |(_, parked)| parked.waits(time))
    }

    /// When there is room for one more; `None` where that is now.
    #[must_use]
    pub fn room_at(&self, time: u64) -> Option<u64> {
        let undecided = self.all(time).filter(|(_, parked)| parked.rejection.is_none());
        let full = [
            full(undecided.map(|(_, parked)| parked.expires).collect(), MAX_WAITING),
            full(self.all(time).map(|(_, parked)| parked.expires).collect(), MAX_KEPT),
        ];
        full.into_iter().flatten().max()
    }

    /// The same request under the same id: what is about an earlier one is of the past.
    fn named(&mut self, request: &Hash, id: &str) -> Option<&mut Parked> {
        self.parked.get_mut(request).filter(|parked| parked.id == id)
    }
}

/// When fewer than so many are left of those that end then; `None` where that is now.
fn full(mut ends: Vec<u64>, most: usize) -> Option<u64> {
    ends.sort_unstable();
    ends.len().checked_sub(most).and_then(|over| ends.get(over)).copied()
}
