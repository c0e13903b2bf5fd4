//! The policy file: TOML, strict, read once.

use super::hours::{Day, Hours, HoursError};
use super::rule::Rule;
use super::totals::Window;
use super::{Action, Clock, Policy};
use crate::approval::{Approver, Approvers, ApproversError};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::num::{NonZeroU8, NonZeroU32};
use stegos_common::address::{Address, AddressError, Network};
use stegos_common::amount::{Amount, AmountError};
use stegos_common::hash::Hash;
use stegos_common::text::excerpt;
use thiserror::Error;

/// No policy file is longer, in bytes.
pub(crate) const MAX_LENGTH: u64 = 16 << 20;

/// No policy has more rules.
const MAX_RULES: usize = 200;

/// What is wrong with a policy file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// It is no TOML, or has a rule, key or value that does not exist.
    #[error("{}", .0.to_string().lines().map(excerpt).collect::<Vec<_>>().join("\n"))]
    Parse(Box<toml::de::Error>),
    /// A rule about a recipient that is none.
    #[error("rule {place}, {tag}: recipient {recipient:?}: {reason}")]
    Recipient {
        /// Its place, from 1.
        place: usize,
        /// Its tag.
        tag: &'static str,
        /// What was written.
        recipient: String,
        /// Why that is no recipient.
        reason: AddressError,
    },
    /// Hours that never are.
    #[error("rule {place}, policy-hours: {reason}")]
    Hours {
        /// Its place, from 1.
        place: usize,
        /// What is wrong.
        reason: HoursError,
    },
    /// A rule that says what is too much is to allow it, or one that says what is fine is to deny it.
    #[error("rule {place}, {tag}: its action cannot be \"{action}\"; see `policy explain {tag}`")]
    Action {
        /// Its place, from 1.
        place: usize,
        /// Its tag.
        tag: &'static str,
        /// The action.
        action: Action,
    },
    /// Approvers that cannot be.
    #[error("[approvals]: {0}")]
    Approvers(#[from] ApproversError),
    /// A rule that asks nobody.
    #[error("rule {place}, {tag}: it asks, but [approvals] does not say whom")]
    NobodyToAsk {
        /// Its place, from 1.
        place: usize,
        /// Its tag.
        tag: &'static str,
    },
    /// More rules than anybody reads, and judges in no time.
    #[error("there are {0} rules in it, at most {MAX_RULES} are read")]
    TooManyRules(usize),
    /// No rule.
    #[error("there is no rule in it, so nothing would ever be signed")]
    Empty,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    rules: Vec<Written>,
    #[serde(default)]
    clock: WrittenClock,
    approvals: Option<WrittenApprovals>,
}

/// Who may approve, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenApprovals {
    needed: usize,
    expire_hours: Option<NonZeroU8>,
    approvers: Vec<WrittenApprover>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenApprover {
    name: String,
    key: Option<String>,
    uid: Option<u32>,
}

/// How long a request waits for approvals, in hours, where the file does not say.
const EXPIRE_HOURS: u8 = 24;

impl WrittenApprovals {
    fn approvers(self) -> Result<Approvers, ApproversError> {
        const HOUR: u64 = 3_600_000;
        let hours = self.expire_hours.map_or(EXPIRE_HOURS, NonZeroU8::get);
        let approver = |it: WrittenApprover| Approver::new(it.name, it.key.as_deref(), it.uid);
        let people = self.approvers.into_iter().map(approver).collect::<Result<_, _>>()?;
        Approvers::new(self.needed, u64::from(hours) * HOUR, people)
    }
}

/// How far the clock may jump, as it is written.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenClock {
    back_seconds: Option<u32>,
    forward_seconds: Option<NonZeroU32>,
}

impl WrittenClock {
    fn clock(&self) -> Clock {
        let milliseconds = |seconds: u32| u64::from(seconds) * 1000;
        let default = Clock::default();
        Clock {
            back: self.back_seconds.map_or(default.back, milliseconds),
            forward: self.forward_seconds.map_or(default.forward, |it| milliseconds(it.get())),
        }
    }
}

/// A rule as it is written.
#[derive(Deserialize)]
#[serde(tag = "rule", deny_unknown_fields)]
enum Written {
    #[serde(rename = "policy-any")]
    Any { action: Action },
    #[serde(rename = "policy-own-accounts")]
    OwnAccounts { action: Action },
    #[serde(rename = "policy-recipient-allowed")]
    RecipientAllowed { action: Action, recipients: Vec<String> },
    #[serde(rename = "policy-recipient-denied")]
    RecipientDenied { action: Action, recipients: Vec<String> },
    #[serde(rename = "policy-change")]
    Change { action: Action, accounts: BTreeSet<String> },
    #[serde(rename = "policy-recipient-amount")]
    RecipientAmount { action: Action, most: Stg },
    #[serde(rename = "policy-transaction-amount")]
    TransactionAmount { action: Action, most: Stg },
    #[serde(rename = "policy-hour-total")]
    HourTotal { action: Action, most: Stg },
    #[serde(rename = "policy-day-total")]
    DayTotal { action: Action, most: Stg },
    #[serde(rename = "policy-week-total")]
    WeekTotal { action: Action, most: Stg },
    #[serde(rename = "policy-fee")]
    Fee { action: Action, most: Stg },
    #[serde(rename = "policy-fee-share")]
    FeeShare { action: Action, most_percent: u8 },
    #[serde(rename = "policy-inputs")]
    Inputs { action: Action, most: usize },
    #[serde(rename = "policy-private")]
    Private { action: Action },
    #[serde(rename = "policy-certificate")]
    Certificate { action: Action },
    #[serde(rename = "policy-delay")]
    Delay { action: Action, seconds: u64 },
    #[serde(rename = "policy-hours")]
    Hours { action: Action, from: String, to: String, days: BTreeSet<Day> },
    #[serde(rename = "policy-request-key")]
    RequestKey { action: Action },
    #[serde(rename = "policy-unknown-field")]
    UnknownField { action: Action },
}

/// An amount with its unit.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct Stg(Amount);

impl TryFrom<String> for Stg {
    type Error = AmountError;

    fn try_from(text: String) -> Result<Self, AmountError> {
        Amount::with_unit(&text).map(Self)
    }
}

impl Policy {
    /// Reads a policy file for a network.
    ///
    /// # Errors
    /// [`PolicyError`] names the rule by its place.
    pub fn parse(text: &str, network: Network) -> Result<Self, PolicyError> {
        let File { rules, clock, approvals } =
            toml::from_str(text).map_err(|error| PolicyError::Parse(Box::new(error)))?;
        if rules.is_empty() {
            return Err(PolicyError::Empty);
        }
        if rules.len() > MAX_RULES {
            return Err(PolicyError::TooManyRules(rules.len()));
        }
        let approvers = approvals.map(WrittenApprovals::approvers).transpose()?;
        let read = |(written, place): (Written, usize)| {
            let (rule, action) = written.rule(place, network)?;
            if !rule.takes(action) {
                return Err(PolicyError::Action { place, tag: rule.tag(), action });
            }
            if action == Action::Ask && approvers.is_none() {
                return Err(PolicyError::NobodyToAsk { place, tag: rule.tag() });
            }
            Ok((rule, action))
        };
        let rules = rules.into_iter().zip(1..).map(read).collect::<Result<_, _>>()?;
        Ok(Self { rules, clock: clock.clock(), approvers, digest: Some(Hash::digest(text)) })
    }
}

impl Written {
    fn rule(self, place: usize, network: Network) -> Result<(Rule, Action), PolicyError> {
        let keys = |tag: &'static str, recipients: Vec<String>| {
            let key = |recipient: String| match Address::parse(&recipient, network) {
                Ok(address) => Ok(address.public_key().encoded()),
                Err(reason) => Err(PolicyError::Recipient { place, tag, recipient, reason }),
            };
            recipients.into_iter().map(key).collect::<Result<BTreeSet<_>, _>>()
        };
        Ok(match self {
            Self::Any { action } => (Rule::Any, action),
            Self::OwnAccounts { action } => (Rule::OwnAccounts, action),
            Self::RecipientAllowed { action, recipients } => {
                (Rule::RecipientAllowed(keys("policy-recipient-allowed", recipients)?), action)
            }
            Self::RecipientDenied { action, recipients } => {
                (Rule::RecipientDenied(keys("policy-recipient-denied", recipients)?), action)
            }
            Self::Change { action, accounts } => (Rule::Change(accounts), action),
            Self::RecipientAmount { action, most } => (Rule::RecipientAmount(most.0), action),
            Self::TransactionAmount { action, most } => (Rule::TransactionAmount(most.0), action),
            Self::HourTotal { action, most } => (Rule::Total(Window::Hour, most.0), action),
            Self::DayTotal { action, most } => (Rule::Total(Window::Day, most.0), action),
            Self::WeekTotal { action, most } => (Rule::Total(Window::Week, most.0), action),
            Self::Fee { action, most } => (Rule::Fee(most.0), action),
            Self::FeeShare { action, most_percent } => (Rule::FeeShare(most_percent), action),
            Self::Inputs { action, most } => (Rule::Inputs(most), action),
            Self::Private { action } => (Rule::Private, action),
            Self::Certificate { action } => (Rule::Certificate, action),
            Self::Delay { action, seconds } => (Rule::Delay(seconds), action),
            Self::Hours { action, from, to, days } => {
                let hours = Hours::new(&from, &to, days);
                (Rule::Hours(hours.map_err(|reason| PolicyError::Hours { place, reason })?), action)
            }
            Self::RequestKey { action } => (Rule::RequestKey, action),
            Self::UnknownField { action } => (Rule::UnknownField, action),
        })
    }
}
