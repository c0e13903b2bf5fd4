//! The rules that a policy can have: one question each, with a stable tag.

use super::Action;
use super::facts::Facts;
use super::hours::Hours;
use super::totals::{Totals, Window};
use std::collections::BTreeSet;
use stegos_common::amount::Amount;
use stegos_common::group::Encoded;

/// A question about a request. Those of the first kind apply where everything is as they say, the others where
/// something is beyond what they say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// Every request.
    Any,
    /// All outputs go to accounts of this store.
    OwnAccounts,
    /// Every output that goes to a stranger goes to one of these.
    RecipientAllowed(BTreeSet<Encoded>),
    /// An output goes to one of these.
    RecipientDenied(BTreeSet<Encoded>),
    /// An output goes to an account of this store that is none of these.
    Change(BTreeSet<String>),
    /// A stranger gets more, over all outputs of the request.
    RecipientAmount(Amount),
    /// All strangers together get more.
    TransactionAmount(Amount),
    /// More leaves in a window, fees included.
    Total(Window, Amount),
    /// The fee is higher.
    Fee(Amount),
    /// The fee is a higher share, in percent, of what the request makes.
    FeeShare(u8),
    /// More outputs are spent.
    Inputs(usize),
    /// A stranger is paid in private.
    Private,
    /// A stranger is paid in private and could not be shown to have been.
    Certificate,
    /// So many seconds have not passed since the last signature.
    Delay(u64),
    /// It is outside of these hours.
    Hours(Hours),
    /// The request brings the key that spends.
    RequestKey,
    /// The request has a field that nobody knows.
    UnknownField,
}

/// What a rule that applies says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applies {
    /// With the value that made it apply.
    pub reason: String,
    /// When it will not apply any more, where time alone changes that.
    pub until: Option<u64>,
}

impl Rule {
    /// Its stable name, as in documents, refusals and the journal.
    #[must_use]
    pub const fn tag(&self) -> &'static str {
        match self {
            Self::Any => "policy-any",
            Self::OwnAccounts => "policy-own-accounts",
            Self::RecipientAllowed(_) => "policy-recipient-allowed",
            Self::RecipientDenied(_) => "policy-recipient-denied",
            Self::Change(_) => "policy-change",
            Self::RecipientAmount(_) => "policy-recipient-amount",
            Self::TransactionAmount(_) => "policy-transaction-amount",
            Self::Total(Window::Hour, _) => "policy-hour-total",
            Self::Total(Window::Day, _) => "policy-day-total",
            Self::Total(Window::Week, _) => "policy-week-total",
            Self::Fee(_) => "policy-fee",
            Self::FeeShare(_) => "policy-fee-share",
            Self::Inputs(_) => "policy-inputs",
            Self::Private => "policy-private",
            Self::Certificate => "policy-certificate",
            Self::Delay(_) => "policy-delay",
            Self::Hours(_) => "policy-hours",
            Self::RequestKey => "policy-request-key",
            Self::UnknownField => "policy-unknown-field",
        }
    }

    /// Whether an action makes sense with it. To ask always does. What is too much is nothing to allow; and to deny what
    /// is on a list of those who may be paid would let everybody else through.
    #[must_use]
    pub const fn takes(&self, action: Action) -> bool {
        match self {
            Self::Any => true,
            Self::OwnAccounts | Self::RecipientAllowed(_) => matches!(action, Action::Allow | Action::Ask),
            _ => matches!(action, Action::Deny | Action::Ask),
        }
    }

    /// Whether and why it applies to a request, after everything in `totals`.
    pub(super) fn applies(&self, facts: &Facts, totals: &Totals) -> Option<Applies> {
        let when = |applies: bool, reason: String| applies.then_some(Applies { reason, until: None });
        match self {
            Self::Any => when(true, "every request".to_owned()),
            Self::OwnAccounts => when(
                facts.to_strangers().next().is_none(),
                "all outputs go to accounts of this store".to_owned(),
            ),
            Self::RecipientAllowed(known) => {
                let all = facts.to_strangers().all(|payment| known.contains(&payment.recipient));
                when(all, "all recipients are on the list".to_owned())
            }
            Self::RecipientDenied(denied) => {
                let found = facts.payments.iter().position(|payment| denied.contains(&payment.recipient));
                found.and_then(|place| when(true, format!("the recipient of txouts[{place}] is on the list")))
            }
            Self::Change(accounts) => {
                let mut own = facts.own_recipients().into_iter();
                let other = own.find(|account| !accounts.contains(*account));
                other.and_then(|account| {
                    when(true, format!("account {account:?} is none of those for change"))
                })
            }
            Self::RecipientAmount(most) => {
                let highest = facts.by_stranger().into_values().max().unwrap_or_default();
                when(highest > *most, format!("a recipient gets {highest}, more than {most}"))
            }
            Self::TransactionAmount(most) => {
                let sum = Amount::checked_sum(facts.to_strangers().map(|payment| payment.amount));
                let sum = sum.unwrap_or(Amount::MAX);
                when(sum > *most, format!("strangers get {sum}, more than {most}"))
            }
            Self::Total(window, most) => total(*window, *most, facts, totals),
            Self::Fee(most) => when(facts.fee > *most, format!("the fee is {}, more than {most}", facts.fee)),
            Self::FeeShare(percent) => {
                let made = Amount::checked_sum(facts.payments.iter().map(|payment| payment.amount));
                let made = i128::from(made.unwrap_or(Amount::MAX).micro());
                let higher = i128::from(facts.fee.micro()) * 100 > made * i128::from(*percent);
                when(higher, format!("the fee is {}, more than {percent} % of the outputs", facts.fee))
            }
            Self::Inputs(most) => {
                when(facts.inputs > *most, format!("{} outputs are spent, more than {most}", facts.inputs))
            }
            Self::Private => {
                let found = facts.payments.iter().position(|it| it.account.is_none() && it.private);
                found.and_then(|place| when(true, format!("txouts[{place}] pays a stranger in private")))
            }
            Self::Certificate => {
                let bare =
                    |it: &super::facts::Payment| it.account.is_none() && it.private && !it.with_certificate;
                let found = facts.payments.iter().position(bare);
                found
                    .and_then(|place| when(true, format!("txouts[{place}] is private without a certificate")))
            }
            Self::Delay(seconds) => {
                let until = totals.last()?.saturating_add(seconds.saturating_mul(1000));
                let reason =
                    format!("the last signature or confirmation was less than {seconds} seconds ago");
                (facts.time < until).then_some(Applies { reason, until: Some(until) })
            }
            Self::Hours(hours) => {
                let until = hours.closed_until(facts.time)?;
                Some(Applies { reason: format!("it is outside of {hours}"), until: Some(until) })
            }
            Self::RequestKey => when(facts.request_key, "the request brings a secret key".to_owned()),
            Self::UnknownField => {
                let field = facts.unknown_field.as_ref()?;
                when(true, format!("the request has an unknown field {field:?}"))
            }
        }
    }
}

fn total(window: Window, most: Amount, facts: &Facts, totals: &Totals) -> Option<Applies> {
    let (outward, before) = (facts.outward(), totals.sum(window, facts.time));
    let sum = before.checked_add(outward).unwrap_or(Amount::MAX);
    (sum > most).then(|| Applies {
        reason: format!(
            "{outward} would leave, with {before} within the last {} {sum}, more than {most}",
            window.name()
        ),
        until: totals.fits_at(window, facts.time, outward, most),
    })
}
