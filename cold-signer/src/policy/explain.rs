//! What each rule is for, in words: for `policy explain`. docs/policy.md says the same at length.

use super::{CLOCK, DEFAULT};

/// Every tag, and what it says.
pub(crate) const EXPLAINED: [(&str, &str); 21] = [
    ("policy-any", "Applies to every request. Put it last, to allow what no rule before it denied."),
    (
        "policy-own-accounts",
        "Applies where every output goes to an account of this store, and allows. An archived account is a stranger. Fees \
         leave all the same: put totals before it.",
    ),
    (
        "policy-recipient-allowed",
        "Applies where every output that goes to a stranger goes to one of `recipients`, and allows: change can only go to \
         accounts of this store.",
    ),
    ("policy-recipient-denied", "Applies where an output goes to one of `recipients`."),
    (
        "policy-change",
        "Applies where an output goes to an account of this store that is none of `accounts`: change and sweeps go \
         where you say.",
    ),
    (
        "policy-recipient-amount",
        "Applies where a stranger gets more than `most`, over all outputs of the request.",
    ),
    ("policy-transaction-amount", "Applies where all strangers together get more than `most`."),
    (
        "policy-hour-total",
        "Applies where, with this request, more than `most` leaves within 60 minutes: what strangers get, and all fees.",
    ),
    ("policy-day-total", "The same within 24 hours, counted in quarters of an hour."),
    ("policy-week-total", "The same within 7 days, counted in hours."),
    ("policy-fee", "Applies where the fee is more than `most`."),
    ("policy-fee-share", "Applies where the fee is more than `most_percent` percent of all outputs."),
    ("policy-inputs", "Applies where more than `most` outputs are spent."),
    ("policy-private", "Applies where a stranger is paid in private. Private change is no matter."),
    (
        "policy-certificate",
        "Applies where a stranger is paid in private without a certificate: nobody could prove the payment.",
    ),
    ("policy-delay", "Applies while the last signature is less than `seconds` seconds ago."),
    (
        "policy-hours",
        "Applies outside of the hours from `from` to `to` UTC on `days`, overnight where `to` is earlier.",
    ),
    ("policy-request-key", "Applies where the request brings the secret key that spends."),
    (
        "policy-unknown-field",
        "Applies where the request, or an output in it, has a field that is not documented. A node ignores it.",
    ),
    (
        CLOCK,
        "This host's clock is further from the time of the last signature than [clock] allows, an hour back or seven days \
         forward. Nothing is signed until the clock is set right, or confirmed by `cold-signer clock confirm`.",
    ),
    (DEFAULT, "No rule applied. What no rule allows is denied."),
];
