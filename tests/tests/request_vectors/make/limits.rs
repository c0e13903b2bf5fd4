//! Rules of a policy about one request by itself.

use super::policy::{STG, allowed, denied, keyed, paying};
use super::{Suite, set};
use crate::check::spender;
use crate::world::{hide, pay, private, public, spend};
use serde_json::{Value, json};
use stegos_common::output::Unspent;

/// One that spends so many outputs.
fn spending(label: &str, count: i64) -> Value {
    let inputs: Vec<Unspent> =
        (0..count).map(|place| public(&format!("{label} {place}"), "alice", 10_000)).collect();
    spend(&inputs.iter().collect::<Vec<_>>(), &[pay("merchant", count * 10_000 - 1000)], 1000)
}

/// Rules about one number, or one property, of a request: `limits.toml` has them all.
pub(crate) fn add(suite: &mut Suite) {
    let to_merchant = |micro: i64| move |label: &str| paying(label, &[pay("merchant", micro)], 1000);
    for (rule, row) in [
        (
            "policy-fee",
            (
                "limits",
                "fee-more",
                "A micro-STG above 0.005 STG.",
                &(|label: &str| paying(label, &[pay("merchant", STG)], 5001)) as &dyn Fn(&str) -> Value,
            ),
        ),
        (
            "policy-fee-share",
            ("limits", "fee-share-more", "1000 of 9999 micro-STG are above 10 %.", &to_merchant(9999)),
        ),
        (
            "policy-inputs",
            ("limits", "inputs-more", "Eleven outputs are spent, ten may be.", &|label| spending(label, 11)),
        ),
        (
            "policy-recipient-amount",
            (
                "limits",
                "recipient-more",
                "A micro-STG above 5 STG to one recipient.",
                &to_merchant(5 * STG + 1),
            ),
        ),
        (
            "policy-recipient-amount",
            (
                "limits",
                "recipient-more-in-parts",
                "A micro-STG above 5 STG to one recipient, in two outputs.",
                &|label| paying(label, &[pay("merchant", 3 * STG), pay("merchant", 2 * STG + 1)], 2000),
            ),
        ),
        (
            "policy-transaction-amount",
            ("limits", "transaction-more", "A micro-STG above 8 STG to two strangers.", &|label| {
                paying(label, &[pay("merchant", 4 * STG), pay("guest", 4 * STG + 1)], 2000)
            }),
        ),
        (
            "policy-recipient-denied",
            ("limits", "recipient-denied", "Somebody on the list is paid.", &|label| {
                paying(label, &[pay("merchant", STG), pay("former", 1000)], 2000)
            }),
        ),
        (
            "policy-change",
            ("limits", "change-to-another", "Change goes to an account that is not for change.", &|label| {
                paying(label, &[pay("merchant", STG), pay("bob", STG)], 2000)
            }),
        ),
        ("policy-request-key", ("limits", "request-key", "A request brings its key.", &keyed)),
        (
            "policy-unknown-field",
            ("limits", "unknown-field", "A field that nobody knows.", &|label| {
                set(good_for_limits(label), "/colour", "red")
            }),
        ),
        (
            "policy-unknown-field",
            (
                "limits",
                "unknown-field-of-an-output",
                "A field of an output that nobody knows, with a name that is nearly one.",
                &|label| set(good_for_limits(label), "/txouts/0/memo", "invoice 12"),
            ),
        ),
        (
            "policy-certificate",
            (
                "limits",
                "certificate-missing",
                "A stranger is paid in private, and nobody could prove it.",
                &|label| paying(label, &[hide("merchant", STG, "")], 1000),
            ),
        ),
    ] {
        denied(suite, rule, row);
    }
    for (rule, row) in [
        (
            "policy-fee",
            (
                "limits",
                "fee-most",
                "0.005 STG exactly.",
                &(|label: &str| paying(label, &[pay("merchant", STG)], 5000)) as &dyn Fn(&str) -> Value,
            ),
        ),
        ("policy-fee-share", ("limits", "fee-share-most", "10 % exactly.", &to_merchant(10_000))),
        ("policy-inputs", ("limits", "inputs-most", "Ten outputs are spent.", &|label| spending(label, 10))),
        (
            "policy-recipient-amount",
            (
                "limits",
                "recipient-most",
                "5 STG to one recipient, and more than that to the own hot account.",
                &|label| paying(label, &[pay("merchant", 5 * STG), pay("hot", 50 * STG)], 2000),
            ),
        ),
        (
            "policy-transaction-amount",
            ("limits", "transaction-most", "8 STG to two strangers.", &|label| {
                paying(label, &[pay("merchant", 4 * STG), pay("guest", 4 * STG)], 2000)
            }),
        ),
        (
            "policy-change",
            (
                "limits",
                "change-to-hot",
                "Change goes to the account for change; who else is paid is no matter.",
                &|label| paying(label, &[pay("merchant", STG), pay("hot", STG), hide("hot", STG, "")], 3000),
            ),
        ),
        (
            "policy-recipient-denied",
            (
                "limits",
                "recipient-not-denied",
                "Nobody on the list is paid, though an own account is.",
                &|label| paying(label, &[pay("guest", STG), pay("hot", 1)], 2000),
            ),
        ),
        (
            "policy-request-key",
            ("limits", "no-request-key", "An output of another account, without its key.", &|label| {
                spend(&[&private(label, "carol", STG)], &[pay("guest", STG - 1000)], 1000)
            }),
        ),
        (
            "policy-unknown-field",
            (
                "limits",
                "every-documented-field",
                "Nothing but what is documented, and all of it but a key.",
                &|label| {
                    let request = set(set(good_for_limits(label), "/id", 5), "/journal", true);
                    let owner = json!({ request["txins"][0].as_str().unwrap(): "alice" });
                    set(request, "/accounts", owner)
                },
            ),
        ),
    ] {
        allowed(suite, rule, row);
    }
    let path = "policy/certificate";
    let request = paying(path, &[hide("merchant", STG, ""), hide("hot", STG, "")], 2000);
    suite
        .signed(
            path,
            "A stranger is paid in private, provably; the change needs no proof.",
            &set(request, "/txouts/0/with_certificate", true),
        )
        .with("policy", "limits")
        .with("rule", "policy-certificate")
        .headers
        .push(spender("alice"));
}

fn good_for_limits(label: &str) -> Value {
    paying(label, &[pay("merchant", STG), pay("hot", STG)], 2000)
}
