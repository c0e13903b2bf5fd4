//! What is asked of a journal for every request: was it signed before, and are its inputs free?

use super::commit::Outcome;
use super::{Entry, Position, Record, Verdict};
use crate::approval::{Parked, Waiting};
use crate::policy::Totals;
use std::collections::HashMap;
use stegos_common::hash::Hash;

/// The number of a record, from 0.
pub(crate) type Number = u64;

/// Indexes over all records, built from the file at the start.
#[derive(Default)]
pub(super) struct Index {
    /// Signed records by the digest of their request.
    requests: HashMap<Hash, Number>,
    /// Signed records by what they spend.
    inputs: HashMap<Hash, Number>,
    /// Where signed records are in the file.
    offsets: HashMap<Number, u64>,
    /// How much left in the last days.
    totals: Totals,
    /// What waits for approvals.
    waiting: Waiting,
    /// What it may lack since it was restored.
    behind: Option<Behind>,
}

/// What a journal may lack: it was restored from a backup, and was not given what was signed after that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behind {
    /// How many records the backup had.
    pub count: u64,
    /// The newest position that anybody had seen, where that was known.
    pub seen: Option<Position>,
}

impl Behind {
    /// What both lack.
    fn and(self, other: Self) -> Self {
        let seen = [self.seen, other.seen].into_iter().flatten().max_by_key(|seen| seen.count);
        Self { count: self.count.min(other.count), seen }
    }
}

impl Index {
    /// Knows a record read from the file.
    pub(super) fn add(&mut self, record: &Record) {
        self.note(&record.entry, record.number());
        if record.entry.signed().is_some() {
            self.place(record.number(), record.offset);
        }
    }

    /// Knows a record that is not in the file yet.
    pub(super) fn note(&mut self, entry: &Entry, number: Number) {
        match &entry.verdict {
            // Their time may be that of a clock which the policy does not believe.
            Verdict::Refused { .. }
            | Verdict::Rejected { .. }
            | Verdict::Restored { .. }
            | Verdict::CaughtUp { .. }
            | Verdict::GivenUp => {}
            _ => self.waiting.pass(entry.time),
        }
        match &entry.verdict {
            Verdict::Signed(_) => {
                self.requests.insert(entry.request, number);
                self.inputs.extend(entry.inputs.iter().map(|input| (*input, number)));
                self.totals.add(entry.time, entry.outward());
                self.waiting.end(&entry.request);
            }
            Verdict::Refused { .. } => {}
            Verdict::ClockConfirmed => self.totals.confirm(entry.time),
            Verdict::Parked { id, expires, statement } => {
                let parked = Parked {
                    id: id.clone(),
                    statement: statement.as_str().into(),
                    asked: entry.time,
                    expires: *expires,
                    rule: entry.judged.as_ref().map(|judged| judged.rule.clone()).unwrap_or_default(),
                    outward: entry.outward(),
                    approvals: Vec::new(),
                    rejection: None,
                };
                self.waiting.park(entry.request, parked);
            }
            Verdict::Approved { id, approval, .. } => {
                self.waiting.approve(&entry.request, id, approval.clone());
            }
            Verdict::Rejected { id, rejection } => {
                self.waiting.reject(&entry.request, id, rejection);
            }
            Verdict::Restored { seen, .. } => {
                // Whoever rejected or approved something since then is forgotten: everybody is asked anew.
                self.waiting.clear();
                let lacks = seen.is_none_or(|seen| seen.count > number);
                let behind = lacks.then_some(Behind { count: number, seen: *seen });
                self.behind = match (self.behind, behind) {
                    // What the earlier one lacked is lacking still.
                    (Some(earlier), Some(later)) => Some(earlier.and(later)),
                    (earlier, later) => earlier.or(later),
                };
            }
            Verdict::CaughtUp { .. } | Verdict::GivenUp => self.behind = None,
        }
    }

    /// Why an entry is not to be recorded, if it is not: what was signed is not signed or asked about again.
    pub(super) fn objection(
        &self,
        entry: &Entry,
        permits: impl FnOnce(&Totals, &Waiting) -> bool,
    ) -> Option<Outcome> {
        let (signs, parks) = (entry.signed().is_some(), matches!(entry.verdict, Verdict::Parked { .. }));
        if !signs && !parks {
            return None;
        }
        let repeats = self.request(&entry.request).map(Outcome::Repeats);
        let conflicts = || self.spent(&entry.inputs).map(|(input, number)| Outcome::Conflicts(input, number));
        let before = repeats.or_else(conflicts);
        if before.is_some() {
            return before;
        }
        if signs {
            return (!permits(&self.totals, &self.waiting)).then_some(Outcome::NotPermitted);
        }
        let rule = entry.judged.as_ref().map_or("", |judged| &judged.rule);
        if self.waiting.get(&entry.request, rule, entry.outward(), entry.time).is_some() {
            return Some(Outcome::Waits);
        }
        // Parked again, it would be as if nobody had rejected it.
        if self.waiting.is_rejected(&entry.request, entry.time) {
            return Some(Outcome::Waits);
        }
        // Where another rule asks about it already, it has its place.
        let has_place = self.waiting.about(&entry.request, entry.time).next().is_some();
        self.waiting.room_at(entry.time).filter(|_| !has_place).map(Outcome::Full)
    }

    /// Knows where a signed record is.
    pub(super) fn place(&mut self, number: Number, offset: u64) {
        self.offsets.insert(number, offset);
    }

    /// Where a signed record is, once it is in the file.
    pub(super) fn offset(&self, number: Number) -> Option<u64> {
        self.offsets.get(&number).copied()
    }

    /// How much left in the last days.
    pub(super) const fn totals(&self) -> &Totals {
        &self.totals
    }

    /// What waits for approvals.
    pub(super) const fn waiting(&self) -> &Waiting {
        &self.waiting
    }

    /// What it may lack since it was restored.
    pub(super) const fn behind(&self) -> Option<Behind> {
        self.behind
    }

    /// The ids about which nothing is to be handed in any more, since this was asked last.
    pub(super) fn take_gone(&mut self) -> Vec<String> {
        self.waiting.take_gone()
    }

    /// The record of a request that was signed.
    pub(super) fn request(&self, digest: &Hash) -> Option<Number> {
        self.requests.get(digest).copied()
    }

    /// The first of these inputs that was signed away, and the record.
    pub(super) fn spent(&self, inputs: &[Hash]) -> Option<(Hash, Number)> {
        inputs.iter().find_map(|input| Some((*input, *self.inputs.get(input)?)))
    }
}
