//! What waits, as the journal says.

use super::MAX_WAITING;
use std::collections::HashMap;
use std::sync::Arc;
use stegos_common::hash::Hash;

/// A request that waits for approvals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// What people call it: eight hex digits by chance.
    pub id: String,
    /// What is approved: the text with all its facts.
    pub statement: Arc<str>,
    /// Until when it waits, in milliseconds since 1970 UTC.
    pub expires: u64,
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

/// All requests that wait, by their digests. Those that have expired are forgotten when another one is parked.
#[derive(Debug, Default)]
pub struct Waiting(HashMap<Hash, Parked>);

impl Waiting {
    /// Knows a request that was parked at a time.
    pub(crate) fn park(&mut self, request: Hash, parked: Parked, time: u64) {
        self.0.retain(|_, parked| time < parked.expires);
        self.0.insert(request, parked);
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
        }
    }

    /// What was signed does not wait any more.
    pub(crate) fn end(&mut self, request: &Hash) {
        self.0.remove(request);
    }

    /// The request with this digest, where it waits at a time.
    #[must_use]
    pub fn get(&self, request: &Hash, time: u64) -> Option<&Parked> {
        self.0.get(request).filter(|parked| time < parked.expires)
    }

    /// All that wait at a time, those that were rejected included.
    pub fn all(&self, time: u64) -> impl Iterator<Item = (&Hash, &Parked)> {
        self.0.iter().filter(move |(_, parked)| time < parked.expires)
    }

    /// When there is room for one more that nobody has decided about; `None` where that is now.
    #[must_use]
    pub fn room_at(&self, time: u64) -> Option<u64> {
        let undecided = self.all(time).filter(|(_, parked)| parked.rejection.is_none());
        let mut ends: Vec<u64> = undecided.map(|(_, parked)| parked.expires).collect();
        ends.sort_unstable();
        ends.len().checked_sub(MAX_WAITING).and_then(|over| ends.get(over)).copied()
    }

    /// The same request under the same id: what is about an earlier one is of the past.
    fn named(&mut self, request: &Hash, id: &str) -> Option<&mut Parked> {
        self.0.get_mut(request).filter(|parked| parked.id == id)
    }
}
