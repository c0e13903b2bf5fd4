//! What a policy allows and what it does not, each at its boundary. The policies stand in the folder `policies`.

use super::{Suite, set};
use crate::world::{good, hide, key, pay, private, public, spend};
use serde_json::{Value, json};

pub(super) const STG: i64 = 1_000_000;

/// One vector: its policy, its name, why, and the request for a label.
pub(super) type Row<'a> = (&'a str, &'a str, &'a str, &'a dyn Fn(&str) -> Value);

/// A request that pays this from an output of alice's which is worth as much.
pub(super) fn paying(label: &str, txouts: &[Value], fee: i64) -> Value {
    let sum: i64 = txouts.iter().map(|txout| txout["amount"].as_i64().unwrap()).sum();
    spend(&[&public(label, "alice", sum + fee)], txouts, fee)
}

/// One that brings the key of its input.
pub(super) fn keyed(label: &str) -> Value {
    let input = private(label, "guest", STG);
    let request = spend(&[&input], &[pay("bob", STG - 1000)], 1000);
    set(request, "/secret_key", json!(key("guest").to_bytes().to_vec()))
}

pub(crate) fn add(suite: &mut Suite) {
    recipients(suite);
    windows(suite);
    none(suite);
    time(suite);
    asked(suite);
    rest(suite);
}

pub(super) fn denied(suite: &mut Suite, rule: &str, (policy, name, about, request): Row<'_>) {
    let path = format!("policy/{name}");
    suite.refused(&path, about, "denied", &request(&path)).with("policy", policy).with("rule", rule);
}

pub(super) fn allowed(suite: &mut Suite, rule: &str, (policy, name, about, request): Row<'_>) {
    let path = format!("policy/{name}");
    suite.signed(&path, about, &request(&path)).with("policy", policy).with("rule", rule);
}

/// Policies that allow somebody, and nobody else.
fn recipients(suite: &mut Suite) {
    let stranger = |label: &str| paying(label, &[pay("merchant", STG)], 1000);
    denied(
        suite,
        "policy-default",
        ("own-accounts", "own-accounts-and-a-stranger", "One of two recipients is a stranger.", &|label| {
            paying(label, &[pay("bob", STG), pay("merchant", 1)], 2000)
        }),
    );
    denied(
        suite,
        "policy-default",
        ("own-accounts", "own-accounts-archived", "An archived account is a stranger.", &|label| {
            paying(label, &[pay("former", STG)], 1000)
        }),
    );
    allowed(
        suite,
        "policy-own-accounts",
        (
            "own-accounts",
            "own-accounts",
            "All recipients are accounts of the store, the master and a derived one too.",
            &|label| paying(label, &[pay("bob", STG), hide("master", STG, ""), hide("carol", STG, "")], 3000),
        ),
    );
    denied(
        suite,
        "policy-default",
        ("recipients", "recipient-not-listed", "One of two recipients is on no list.", &|label| {
            paying(label, &[pay("merchant", STG), pay("guest", 1)], 2000)
        }),
    );
    allowed(
        suite,
        "policy-recipient-allowed",
        ("recipients", "recipient-listed", "Who is on the list, and change.", &|label| {
            paying(label, &[pay("merchant", STG), pay("hot", STG)], 2000)
        }),
    );
    denied(
        suite,
        "policy-private",
        (
            "private",
            "private-to-a-stranger",
            "A stranger is paid in private, though it could be proved.",
            &|label| {
                set(paying(label, &[hide("merchant", STG, "")], 1000), "/txouts/0/with_certificate", true)
            },
        ),
    );
    allowed(
        suite,
        "policy-private",
        ("private", "private-change", "A stranger is paid in public; the change is private.", &|label| {
            paying(label, &[pay("merchant", STG), hide("hot", STG, "")], 2000)
        }),
    );
    denied(suite, "policy-any", ("nothing", "nothing", "A policy that denies everything.", &stranger));
    denied(
        suite,
        "policy-change",
        (
            "order",
            "first-rule-decides",
            "The first rule that applies decides: a later one would allow it.",
            &|label| paying(label, &[pay("bob", STG)], 1000),
        ),
    );
    allowed(
        suite,
        "policy-own-accounts",
        (
            "order",
            "first-rule-allows",
            "The first rule that applies decides: a later one would deny it.",
            &|label| paying(label, &[pay("hot", 50 * STG)], 1000),
        ),
    );
}

/// Totals: what fits, fits to the last micro-STG, fees included.
fn windows(suite: &mut Suite) {
    for (window, most) in [("hour", 10), ("day", 20), ("week", 30)] {
        let (policy, rule) = (format!("{window}-total"), format!("policy-{window}-total"));
        let more = format!("A micro-STG above {most} STG, the fee included: that never fits.");
        denied(
            suite,
            &rule,
            (&policy, &format!("{window}-total-never"), &more, &|label| {
                paying(label, &[pay("merchant", most * STG - 999)], 1000)
            }),
        );
        let all = format!("{most} STG exactly, the fee included; what the store pays itself does not count.");
        allowed(
            suite,
            &rule,
            (&policy, &format!("{window}-total-most"), &all, &|label| {
                paying(label, &[pay("merchant", most * STG - 2000), pay("hot", 50 * STG)], 2000)
            }),
        );
        let path = format!("policy/{window}-total-used-up");
        suite
            .refused(
                &path,
                "After that not even a fee fits, until it is out of the window.",
                "limited",
                &paying(&path, &[pay("hot", STG)], 1000),
            )
            .with("policy", &policy)
            .with("after", format!("policy/{window}-total-most"))
            .with("rule", rule);
    }
    // What is not the store's does not leave it.
    let path = "policy/hour-total-of-a-guest";
    suite
        .signed(
            path,
            "What a request's own key spends was never the store's, and does not count.",
            &keyed(path),
        )
        .with("policy", "hour-total")
        .with("after", "policy/hour-total-most");
}

/// No policy file. The documents name no rules that stand for it.
fn none(suite: &mut Suite) {
    let stranger = "policy/none-to-a-stranger";
    let request = paying(stranger, &[pay("merchant", STG)], 1000);
    suite
        .refused(stranger, "Without a policy nothing leaves but fees.", "denied", &request)
        .with("policy", "none");
    let (most, more) = ("policy/none-fees-most", "policy/none-fees-used-up");
    let request = paying(most, &vec![pay("bob", 1000); 100], STG);
    suite
        .signed(most, "Without a policy, 1 STG of fees: ten times the least of 100 outputs.", &request)
        .with("policy", "none");
    let request = paying(more, &[pay("bob", STG)], 1000);
    suite
        .refused(more, "Without a policy, more than 1 STG of fees within a day.", "limited", &request)
        .with("policy", "none")
        .with("after", most);
}

fn time(suite: &mut Suite) {
    allowed(suite, "policy-delay", ("delay", "delay-first", "Nothing was signed before.", &good));
    let path = "policy/delay-too-soon";
    suite
        .refused(path, "A day has not passed since the last signature.", "limited", &good(path))
        .with("policy", "delay")
        .with("after", "policy/delay-first")
        .with("rule", "policy-delay");
    let path = "policy/delay-of-what-was-signed";
    suite
        .signed(
            path,
            "What was signed before is answered again, whatever the policy says now.",
            &good("policy/delay-first"),
        )
        .with("policy", "delay")
        .with("after", "policy/delay-first")
        .with("same-as", "policy/delay-first");
    allowed(suite, "policy-hours", ("always-open", "hours-open", "All hours of all days.", &good));
    let path = "policy/hours-closed";
    suite
        .refused(
            path,
            "Open before noon by one rule and after noon by the other: never.",
            "limited",
            &good(path),
        )
        .with("policy", "never-open")
        .with("rule", "policy-hours");
}

/// What people must approve.
fn asked(suite: &mut Suite) {
    let rule = "policy-transaction-amount";
    let at_most = |label: &str| paying(label, &[pay("merchant", STG)], 1000);
    allowed(suite, rule, ("asks", "asks-at-most", "No more than what is asked about.", &at_most));
    let (path, again) = ("policy/asks-above", "policy/asks-above-again");
    let request = paying(path, &[pay("merchant", STG + 1)], 1000);
    suite
        .refused(path, "A micro-STG more: people must approve it.", "pending_approval", &request)
        .with("policy", "asks")
        .with("rule", rule);
    suite
        .refused(
            again,
            "Sent again under another id it waits still.",
            "pending_approval",
            &set(request, "/id", 5),
        )
        .with("policy", "asks")
        .with("after", path)
        .with("rule", rule);
    denied(
        suite,
        "policy-inputs",
        ("asks", "asks-after-what-is-denied", "What is denied before is not asked about.", &|label| {
            let inputs = ["a", "b"].map(|input| public(&format!("{label} {input}"), "alice", STG));
            spend(&[&inputs[0], &inputs[1]], &[pay("merchant", 2 * STG - 1000)], 1000)
        }),
    );
    let path = "policy/asks-unbalanced";
    suite
        .refused(
            path,
            "A request that is wrong by itself is nothing to ask about.",
            "unbalanced",
            &set(paying(path, &[pay("merchant", 2 * STG)], 1000), "/txouts/0/amount", 3 * STG),
        )
        .with("policy", "asks");
}

/// What no policy decides.
fn rest(suite: &mut Suite) {
    let path = "policy/wrong-by-itself";
    let request = set(good(path), "/txouts/0/amount", 1);
    suite
        .refused(
            path,
            "A request that is wrong by itself is told so, whatever the policy says.",
            "unbalanced",
            &request,
        )
        .with("policy", "nothing");
}
