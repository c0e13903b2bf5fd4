//! `with_certificate`, by which a request wants to be able to prove a private payment.

use super::{Suite, set};
use crate::check::spender;
use crate::world::{good, hide, pay, private, public, spend};

pub(crate) fn add(suite: &mut Suite) {
    let needless = set(good("certificates"), "/txouts/1/with_certificate", true);
    suite
        .refused(
            "certificates/in-public",
            "A public payment proves itself.",
            "needless_certificate",
            &needless,
        )
        .with("says", "txouts[1].with_certificate");

    let path = "certificates/one";
    let one = spend(
        &[&private(path, "hot", 5_000_000)],
        &[hide("merchant", 4_000_000, "invoice 12"), hide("hot", 998_000, "")],
        2000,
    );
    let one = set(one, "/txouts/0/with_certificate", true);
    suite.signed(path, "One of two private payments.", &one).headers.push(spender("hot"));

    let path = "certificates/two-of-three";
    let inputs = [public(path, "alice", 3_000_000), private(path, "hot", 3_000_000)];
    let outputs = [hide("merchant", 1_000_000, "a"), pay("merchant", 1_000_000), hide("bob", 3_997_000, "b")];
    let two = spend(&[&inputs[0], &inputs[1]], &outputs, 3000);
    let two = set(set(two, "/txouts/0/with_certificate", true), "/txouts/2/with_certificate", true);
    suite
        .signed(
            path,
            "Two certificates beside a public payment; the owner of the first input is their spender.",
            &two,
        )
        .headers
        .push(spender("alice"));

    let path = "certificates/false";
    let none = spend(&[&private(path, "hot", 5_000_000)], &[hide("merchant", 4_999_000, "")], 1000);
    suite.signed(path, "None is asked for.", &set(none, "/txouts/0/with_certificate", false));
}
