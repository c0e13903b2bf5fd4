//! What a policy allows and what it does not, each at its boundary. The policies stand in the folder `policies`.

use super::{Suite, set};
use crate::check::spender;
use crate::world::{good, hide, key, pay, private, public, spend};
use serde_json::{Value, json};
use stegos_common::output::Unspent;

const STG: i64 = 1_000_000;

/// One vector: its policy, its name, why, and the request for a label.
type Row<'a> = (&'a str, &'a str, &'a str, &'a dyn Fn(&str) -> Value);

/// A request that pays this from an output of alice's which is worth as much.
fn paying(label: &str, txouts: &[Value], fee: i64) -> Value {
    let sum: i64 = txouts.iter().map(|txout| txout["amount"].as_i64().unwrap()).sum();
    spend(&[&public(label, "alice", sum + fee)], txouts, fee)
}

/// One that spends so many outputs.
fn spending(label: &str, count: i64) -> Value {
    let inputs: Vec<Unspent> = (0..count).map(|place| public(&format!("{label} {place}"), "alice", 10_000)).collect();
    spend(&inputs.iter().collect::<Vec<_>>(), &[pay("merchant", count * 10_000 - 1000)], 1000)
}

/// One that brings the key of its input.
fn keyed(label: &str) -> Value {
    let input = private(label, "guest", STG);
    let request = spend(&[&input], &[pay("bob", STG - 1000)], 1000);
    set(request, "/secret_key", json!(key("guest").to_bytes().to_vec()))
}

fn certified(label: &str, txout: &Value) -> Value {
    paying(label, &[set(json!({ "txout": txout }), "/txout/with_certificate", true)["txout"].clone()], 1000)
}

pub(crate) fn add(suite: &mut Suite) {
    limits(suite);
    recipients(suite);
    windows(suite);
    time(suite);
    rest(suite);
}

fn denied(suite: &mut Suite, rule: &str, (policy, name, about, request): Row<'_>) {
    let path = format!("policy/{name}");
    suite.refused(&path, about, "denied", &request(&path)).with("policy", policy).with("says", rule);
}

fn allowed(suite: &mut Suite, (policy, name, about, request): Row<'_>) {
    let path = format!("policy/{name}");
    suite.signed(&path, about, &request(&path)).with("policy", policy);
}

/// Rules about one number, or one property, of a request: `limits.toml` has them all.
fn limits(suite: &mut Suite) {
    let to_merchant = |micro: i64| move |label: &str| paying(label, &[pay("merchant", micro)], 1000);
    for (rule, row) in [
        ("policy-fee", ("limits", "fee-more", "A micro-STG above 0.005 STG.", &(|label: &str| paying(label, &[pay("merchant", STG)], 5001)) as &dyn Fn(&str) -> Value)),
        ("policy-fee-share", ("limits", "fee-share-more", "1000 of 9999 micro-STG are above 10 %.", &to_merchant(9999))),
        ("policy-inputs", ("limits", "inputs-more", "Eleven outputs are spent, ten may be.", &|label| spending(label, 11))),
        ("policy-recipient-amount", ("limits", "recipient-more", "A micro-STG above 5 STG to one recipient.", &to_merchant(5 * STG + 1))),
        ("policy-recipient-amount", ("limits", "recipient-more-in-parts", "A micro-STG above 5 STG to one recipient, in two outputs.", &|label| {
            paying(label, &[pay("merchant", 3 * STG), pay("merchant", 2 * STG + 1)], 2000)
        })),
        ("policy-transaction-amount", ("limits", "transaction-more", "A micro-STG above 8 STG to two strangers.", &|label| {
            paying(label, &[pay("merchant", 4 * STG), pay("guest", 4 * STG + 1)], 2000)
        })),
        ("policy-recipient-denied", ("limits", "recipient-denied", "Somebody on the list is paid.", &|label| {
            paying(label, &[pay("merchant", STG), pay("former", 1000)], 2000)
        })),
        ("policy-change", ("limits", "change-to-another", "Change goes to an account that is not for change.", &|label| {
            paying(label, &[pay("merchant", STG), pay("bob", STG)], 2000)
        })),
        ("policy-request-key", ("limits", "request-key", "A request brings its key.", &keyed)),
        ("policy-unknown-field", ("limits", "unknown-field", "A field that nobody knows.", &|label| set(good_for_limits(label), "/colour", "red"))),
        ("policy-unknown-field", ("limits", "unknown-field-of-an-output", "A field of an output that nobody knows, with a name that is nearly one.", &|label| {
            set(good_for_limits(label), "/txouts/0/memo", "invoice 12")
        })),
        ("policy-certificate", ("limits", "certificate-missing", "A stranger is paid in private, and nobody could prove it.", &|label| paying(label, &[hide("merchant", STG, "")], 1000))),
    ] {
        denied(suite, rule, row);
    }
    for row in [
        ("limits", "fee-most", "0.005 STG exactly.", &(|label: &str| paying(label, &[pay("merchant", STG)], 5000)) as &dyn Fn(&str) -> Value),
        ("limits", "fee-share-most", "10 % exactly.", &to_merchant(10_000)),
        ("limits", "inputs-most", "Ten outputs are spent.", &|label| spending(label, 10)),
        ("limits", "recipient-most", "5 STG to one recipient, and more than that to the own hot account.", &|label| {
            paying(label, &[pay("merchant", 5 * STG), pay("hot", 50 * STG)], 2000)
        }),
        ("limits", "transaction-most", "8 STG to two strangers.", &|label| paying(label, &[pay("merchant", 4 * STG), pay("guest", 4 * STG)], 2000)),
        ("limits", "every-documented-field", "Nothing but what is documented, and all of it but a key.", &|label| {
            let request = set(set(good_for_limits(label), "/id", 5), "/journal", true);
            let owner = json!({ request["txins"][0].as_str().unwrap(): "alice" });
            set(request, "/accounts", owner)
        }),
    ] {
        allowed(suite, row);
    }
    let path = "policy/certificate";
    let request = paying(path, &[hide("merchant", STG, ""), hide("hot", STG, "")], 2000);
    suite
        .signed(path, "A stranger is paid in private, provably; the change needs no proof.", &set(request, "/txouts/0/with_certificate", true))
        .with("policy", "limits")
        .headers
        .push(spender("alice"));
}

fn good_for_limits(label: &str) -> Value {
    paying(label, &[pay("merchant", STG), pay("hot", STG)], 2000)
}

/// Policies that allow somebody, and nobody else.
fn recipients(suite: &mut Suite) {
    let stranger = |label: &str| paying(label, &[pay("merchant", STG)], 1000);
    denied(suite, "policy-default", ("own-accounts", "own-accounts-and-a-stranger", "One of two recipients is a stranger.", &|label| paying(label, &[pay("bob", STG), pay("merchant", 1)], 2000)));
    denied(suite, "policy-default", ("own-accounts", "own-accounts-archived", "An archived account is a stranger.", &|label| paying(label, &[pay("former", STG)], 1000)));
    allowed(suite, ("own-accounts", "own-accounts", "All recipients are accounts of the store, the master and a derived one too.", &|label| {
        paying(label, &[pay("bob", STG), hide("master", STG, ""), hide("carol", STG, "")], 3000)
    }));
    denied(suite, "policy-default", ("recipients", "recipient-not-listed", "One of two recipients is on no list.", &|label| paying(label, &[pay("merchant", STG), pay("guest", 1)], 2000)));
    allowed(suite, ("recipients", "recipient-listed", "Who is on the list, and change.", &|label| paying(label, &[pay("merchant", STG), pay("hot", STG)], 2000)));
    denied(suite, "policy-private", ("private", "private-to-a-stranger", "A stranger is paid in private, though it could be proved.", &|label| certified(label, &hide("merchant", STG, ""))));
    allowed(suite, ("private", "private-change", "A stranger is paid in public; the change is private.", &|label| paying(label, &[pay("merchant", STG), hide("hot", STG, "")], 2000)));
    denied(suite, "policy-any", ("nothing", "nothing", "A policy that denies everything.", &stranger));
    denied(suite, "policy-change", ("order", "first-rule-decides", "The first rule that applies decides: a later one would allow it.", &|label| paying(label, &[pay("bob", STG)], 1000)));
    allowed(suite, ("order", "first-rule-allows", "The first rule that applies decides: a later one would deny it.", &|label| paying(label, &[pay("hot", 50 * STG)], 1000)));
    denied(suite, "policy-", ("none", "none-to-a-stranger", "Without a policy nothing leaves but fees.", &stranger));
}

/// Totals: what fits, fits to the last micro-STG, fees included.
fn windows(suite: &mut Suite) {
    for (window, most) in [("hour", 10), ("day", 20), ("week", 30)] {
        let (policy, rule) = (format!("{window}-total"), format!("policy-{window}-total"));
        let more = format!("A micro-STG above {most} STG, the fee included: that never fits.");
        denied(suite, &rule, (&policy, &format!("{window}-total-never"), &more, &|label| paying(label, &[pay("merchant", most * STG - 999)], 1000)));
        let all = format!("{most} STG exactly, the fee included; what the store pays itself does not count.");
        allowed(suite, (&policy, &format!("{window}-total-most"), &all, &|label| {
            paying(label, &[pay("merchant", most * STG - 2000), pay("hot", 50 * STG)], 2000)
        }));
        let path = format!("policy/{window}-total-used-up");
        suite
            .refused(&path, "After that not even a fee fits, until it is out of the window.", "limited", &paying(&path, &[pay("hot", STG)], 1000))
            .with("policy", &policy)
            .with("after", format!("policy/{window}-total-most"))
            .with("says", rule);
    }
    // What is not the store's does not leave it.
    let path = "policy/hour-total-of-a-guest";
    suite
        .signed(path, "What a request's own key spends was never the store's, and does not count.", &keyed(path))
        .with("policy", "hour-total")
        .with("after", "policy/hour-total-most");
    let many = |label: &str, fee: i64| paying(label, &vec![pay("bob", 1000); 100], fee);
    allowed(suite, ("none", "none-fees-most", "Without a policy, 1 STG of fees: ten times the least of 100 outputs.", &|label| many(label, STG)));
    let path = "policy/none-fees-used-up";
    suite
        .refused(path, "Without a policy, more than 1 STG of fees within a day.", "limited", &paying(path, &[pay("bob", STG)], 1000))
        .with("policy", "none")
        .with("after", "policy/none-fees-most")
        .with("says", "policy-day-total");
}

fn time(suite: &mut Suite) {
    allowed(suite, ("delay", "delay-first", "Nothing was signed before.", &good));
    let path = "policy/delay-too-soon";
    suite
        .refused(path, "A day has not passed since the last signature.", "limited", &good(path))
        .with("policy", "delay")
        .with("after", "policy/delay-first")
        .with("says", "policy-delay");
    let path = "policy/delay-of-what-was-signed";
    suite
        .signed(path, "What was signed before is answered again, whatever the policy says now.", &good("policy/delay-first"))
        .with("policy", "delay")
        .with("after", "policy/delay-first")
        .with("same-as", "policy/delay-first");
    allowed(suite, ("always-open", "hours-open", "All hours of all days.", &good));
    let path = "policy/hours-closed";
    suite
        .refused(path, "Open before noon by one rule and after noon by the other: never.", "limited", &good(path))
        .with("policy", "never-open")
        .with("says", "policy-hours");
}

/// What no policy decides.
fn rest(suite: &mut Suite) {
    let path = "policy/wrong-by-itself";
    let request = set(good(path), "/txouts/0/amount", 1);
    suite.refused(path, "A request that is wrong by itself is told so, whatever the policy says.", "unbalanced", &request).with("policy", "nothing");
}
