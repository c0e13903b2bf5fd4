//! What the signer is willing to sign. A policy is a list of rules in order; the first that applies decides. It is a
//! pure function of a request's facts and of what left before: no clock, no disk.

mod clock;
mod explain;
mod facts;
mod file;
mod hours;
mod rule;
#[cfg(test)]
mod tests;
mod totals;

pub use clock::Clock;
pub(crate) use explain::EXPLAINED;
pub use facts::{Facts, Payment};
pub(crate) use file::MAX_LENGTH;
pub use file::PolicyError;
pub use hours::{Day, Hours, HoursError};
pub use rule::{Applies, Rule};
pub use totals::{Totals, Window};

use crate::approval::Approvers;
use crate::journal::show_time;
use serde::Deserialize;
use std::fmt;
use stegos_common::amount::Amount;
use stegos_common::hash::Hash;

/// The tag of what is decided where the clock has jumped.
pub const CLOCK: &str = "policy-clock";

/// The tag of what is decided where no rule applies.
pub const DEFAULT: &str = "policy-default";

/// What is done where a rule applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is signed.
    Allow,
    /// It is refused: for ever, or until the rule does not apply any more.
    Deny,
    /// People must approve it.
    Ask,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Ask => "ask",
        })
    }
}

/// Rules in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    rules: Vec<(Rule, Action)>,
    clock: Clock,
    /// Who approves what it asks about.
    approvers: Option<Approvers>,
    /// Whether there is a policy file, and what identifies it.
    digest: Option<Hash>,
}

/// What a policy says about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The rule that decided.
    pub tag: &'static str,
    /// Its place in the file, from 1; without one nothing in it applied.
    pub place: Option<usize>,
    /// What it says, with the value.
    pub reason: String,
    /// What follows.
    pub verdict: Verdict,
}

/// What follows from a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is signed.
    Allowed,
    /// It is never signed.
    Denied,
    /// It is not signed before this time, in milliseconds since 1970 UTC.
    Limited(u64),
    /// It is signed once people have approved it.
    Asked,
}

/// What to do where there is no policy file.
const NO_POLICY: &str = "there is no policy, so only payments between accounts of this store are signed; write a policy \
                         file and name it with --policy (docs/policy.md)";

/// What leaves within a day without a policy file, in micro-STG: fees.
const FEES_WITHOUT_POLICY: i64 = 1_000_000;

impl Default for Policy {
    /// Without a policy file, money stays where it is: only transactions between accounts of the store are signed, and
    /// no more than a thousand fees a day.
    fn default() -> Self {
        let fees = Amount::from_micro(FEES_WITHOUT_POLICY).unwrap_or_default();
        let rules = vec![(Rule::Total(Window::Day, fees), Action::Deny), (Rule::OwnAccounts, Action::Allow)];
        Self { rules, clock: Clock::default(), approvers: None, digest: None }
    }
}

impl Policy {
    /// What identifies the policy file, where there is one.
    #[must_use]
    pub const fn digest(&self) -> Option<Hash> {
        self.digest
    }

    /// How far the clock may jump.
    pub(crate) const fn clock(&self) -> Clock {
        self.clock
    }

    /// Who approves what it asks about.
    pub(crate) const fn approvers(&self) -> Option<&Approvers> {
        self.approvers.as_ref()
    }

    /// The tags of the rules and their actions, in order.
    pub(crate) fn rules(&self) -> impl Iterator<Item = (&'static str, Action)> {
        self.rules.iter().map(|(rule, action)| (rule.tag(), *action))
    }

    /// Judges a request after everything in `totals`. Where only time forbids it, the time is one at which it fits, if
    /// nothing else leaves meanwhile.
    #[must_use]
    pub fn judge(&self, facts: &Facts, totals: &Totals) -> Decision {
        if let Some(last) = totals.last().filter(|last| self.clock.jumped(*last, facts.time)) {
            return Self::clock_jumped(last, facts.time);
        }
        self.judge_rules(facts, totals)
    }

    /// The same, whatever the clock did.
    pub(crate) fn judge_rules(&self, facts: &Facts, totals: &Totals) -> Decision {
        let mut decision = self.judge_at(facts, totals);
        let mut later = facts.clone();
        // A time that is only a little too early does no harm.
        for _ in &self.rules {
            let Verdict::Limited(until) = decision.verdict else { break };
            later.time = until;
            let then = self.judge_at(&later, totals);
            match then.verdict {
                Verdict::Limited(until) if until > later.time => decision.verdict = Verdict::Limited(until),
                // Waiting would be in vain.
                Verdict::Denied => return then,
                _ => break,
            }
        }
        if let (Verdict::Limited(until), Some(last)) = (decision.verdict, totals.last())
            && self.clock.jumped(last, until)
        {
            decision.reason.push_str(", and the clock must be confirmed then");
        }
        decision
    }

    fn judge_at(&self, facts: &Facts, totals: &Totals) -> Decision {
        let applying = self.rules.iter().zip(1..).find_map(|((rule, action), place)| {
            let Applies { mut reason, until } = rule.applies(facts, totals)?;
            if self.digest.is_none() && *action == Action::Deny {
                reason = format!("{reason}; {NO_POLICY}");
            }
            let verdict = match (action, until) {
                (Action::Allow, _) => Verdict::Allowed,
                (Action::Ask, _) => Verdict::Asked,
                (Action::Deny, None) => Verdict::Denied,
                (Action::Deny, Some(until)) => Verdict::Limited(until),
            };
            Some(Decision { tag: rule.tag(), place: self.digest.map(|_| place), reason, verdict })
        });
        applying.unwrap_or_else(|| Decision {
            tag: DEFAULT,
            place: None,
            reason: self.nothing_applies().to_owned(),
            verdict: Verdict::Denied,
        })
    }

    fn clock_jumped(last: u64, now: u64) -> Decision {
        let (last, now) = (show_time(last), show_time(now));
        let reason = format!(
            "the last signature or confirmation was at {last}, and this host's clock says {now}; set the clock, or where it is right, \
             run `cold-signer clock confirm`"
        );
        Decision { tag: CLOCK, place: None, reason, verdict: Verdict::Denied }
    }

    const fn nothing_applies(&self) -> &'static str {
        match self.digest {
            Some(_) => "no rule of the policy allows it",
            None => NO_POLICY,
        }
    }
}
