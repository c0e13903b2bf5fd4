//! One request after the other, to a signer that runs.

use super::{other, private, public, scenario, spend};
use crate::model::{Payment, Request, Scenario, Spelling};

const A: &str = "public a";
const B: &str = "public b";
const C: &str = "public c";

/// A request with every kind of text in it: public and private, comment and certificate.
fn rich() -> Request {
    let proved = Payment { with_certificate: true, ..private("a customer", 500_000, "Rückzahlung \"7\"") };
    Request { pay: vec![proved, public("alice", 1_498_000)], fee: 2000, ..spend(&[A, "private b"]) }
}

pub(super) fn same_request() -> Vec<Scenario> {
    let again = |name, request: &Request| {
        scenario(name, [request.clone().signed("T1"), request.clone().same("T1"), request.clone().same("T1")])
    };
    let one = || spend(&[A]);
    vec![
        again("the same request three times", &one()),
        again("the same request for a private output", &spend(&["private a"])),
        again("the same request with private outputs and a certificate", &rich())
            .because("A private payment has random numbers in it: only what was kept can be the same again."),
        again("the same request with 100 inputs", &spend(&["public 1..100"])),
        scenario("the same request over another connection", [one().signed("T1"), one().same("T1").over(1)]),
        scenario(
            "the same request between other requests",
            [
                one().signed("T1"),
                spend(&[B]).signed("T2"),
                other(&[B]).already_signed("T2", B),
                one().same("T1"),
                spend(&[C]).signed("T3"),
                one().same("T1"),
                spend(&[B]).same("T2"),
            ],
        ),
        scenario(
            "the same request after a conflict",
            [one().signed("T1"), other(&[A]).already_signed("T1", A), one().same("T1")],
        ),
        scenario(
            "a refused request again",
            [
                other(&[A]).signed("T1"),
                one().already_signed("T1", A),
                one().already_signed("T1", A),
                other(&[A]).same("T1"),
            ],
        )
        .because("A refusal is in the journal, too, but it is no answer that binds: the outputs decide."),
    ]
}

pub(super) fn other_spelling() -> Vec<Scenario> {
    let respelled = |name: &str, spelled| {
        let steps = [rich().signed("T1"), rich().spelled(spelled).same("T1"), rich().same("T1")];
        scenario(&format!("the same request {name}"), steps)
    };
    let unreadable = |name: &str, spelled| {
        let steps = [
            rich().spelled(spelled).refused("unparsable_request"),
            rich().signed("T1"),
            rich().spelled(spelled).refused("unparsable_request"),
            rich().same("T1"),
        ];
        scenario(&format!("the same request {name}"), steps)
    };
    vec![
        respelled("with its fields in another order", Spelling::FieldsReversed),
        respelled("over many lines", Spelling::SpreadOut),
        respelled("with hex in upper case", Spelling::UpperCaseHex),
        respelled("with recipients in upper case", Spelling::UpperCaseRecipients),
        respelled("with every letter escaped", Spelling::Escaped),
        respelled("with blobs in another order", Spelling::BlobsReversed),
        respelled("with the owners named", Spelling::Hints),
        respelled("with all that may be left out", Spelling::Defaults),
        respelled("with a field that means nothing", Spelling::UnknownField),
        respelled("with an id", Spelling::Id(7)),
        scenario(
            "the same request with other ids",
            [1, u64::MAX, 2].map(Spelling::Id).into_iter().enumerate().map(|(index, id)| {
                let request = rich().spelled(id);
                if index == 0 { request.signed("T1") } else { request.same("T1") }
            }),
        ),
        scenario(
            "first in a strange spelling, then plainly",
            [
                rich().spelled(Spelling::Escaped).signed("T1"),
                rich().same("T1"),
                rich().spelled(Spelling::FieldsReversed).same("T1"),
            ],
        ),
        unreadable("with a fee that has a fraction", Spelling::FeeWithFraction).because(
            "Amounts are whole numbers. What is not read cannot be taken for another request either.",
        ),
        unreadable("with its fee twice", Spelling::FeeTwice)
            .because("Programs disagree about which of the two counts, so neither does."),
    ]
}

pub(super) fn other_outputs() -> Vec<Scenario> {
    let before = || Request {
        pay: vec![public("a stranger", 300_000), public("alice", 698_000)],
        fee: 2000,
        ..spend(&[A])
    };
    let changed = |name: &str, after: Request| {
        let steps = [
            before().signed("T1"),
            after.clone().already_signed("T1", A),
            after.already_signed("T1", A).over(1),
            before().same("T1"),
        ];
        scenario(&format!("the same inputs, {name}"), steps)
    };
    let pay = |first, second| Request { pay: vec![first, second], ..before() };
    let change = || public("alice", 698_000);
    vec![
        changed("another recipient", pay(public("another stranger", 300_000), change())),
        changed("another amount", pay(public("a stranger", 300_001), public("alice", 697_999))),
        changed("paid privately", pay(private("a stranger", 300_000, ""), change())),
        changed("another fee", Request { fee: 2001, ..pay(public("a stranger", 299_999), change()) }),
        changed("its outputs in another order", pay(change(), public("a stranger", 300_000)))
            .because("The order of outputs is part of the transaction, so it is another one."),
        changed(
            "one more output",
            Request {
                pay: vec![public("a stranger", 300_000), public("alice", 696_999), public("bob", 1)],
                fee: 3000,
                ..before()
            },
        ),
        changed("one output less", spend(&[A])),
        changed("with the key of the inputs", before().spelled(Spelling::WithKey))
            .because("Whose key signs belongs to the meaning of a request, so this is another one."),
        scenario(
            "the same inputs, another comment",
            [
                Request { pay: vec![private("a stranger", 999_000, "invoice 1")], ..spend(&[A]) }
                    .signed("T1"),
                Request { pay: vec![private("a stranger", 999_000, "invoice 2")], ..spend(&[A]) }
                    .already_signed("T1", A),
            ],
        ),
        scenario(
            "the same inputs, now with a certificate",
            [
                Request { pay: vec![private("a stranger", 999_000, "")], ..spend(&[A]) }.signed("T1"),
                Request {
                    pay: vec![Payment { with_certificate: true, ..private("a stranger", 999_000, "") }],
                    ..spend(&[A])
                }
                .already_signed("T1", A),
            ],
        )
        .because("The proof is made while signing; it cannot be had afterwards without another transaction."),
        scenario(
            "a request that is refused spends nothing",
            [
                Request { fee: 1, ..spend(&[A]) }.refused("fee_too_low"),
                Request { fee: 2000, ..spend(&[A]) }.refused("unbalanced"),
                spend(&[A]).signed("T1"),
                Request { fee: 2000, ..spend(&[A]) }.refused("unbalanced"),
            ],
        ),
    ]
}

pub(super) fn overlapping_inputs() -> Vec<Scenario> {
    let all = "public 1..100";
    vec![
        scenario(
            "fewer inputs",
            [
                spend(&[A, B]).signed("T1"),
                spend(&[A]).already_signed("T1", A),
                spend(&[B]).already_signed("T1", B),
            ],
        ),
        scenario(
            "more inputs",
            [
                spend(&[A]).signed("T1"),
                spend(&[A, B]).already_signed("T1", A),
                spend(&[B, A]).already_signed("T1", A),
                spend(&[B]).signed("T2"),
            ],
        )
        .because("A refusal signs nothing away: the other input is free."),
        scenario(
            "one input in common",
            [
                spend(&[A, B]).signed("T1"),
                spend(&[B, C]).already_signed("T1", B),
                spend(&[C, B]).already_signed("T1", B),
                spend(&[C]).signed("T2"),
            ],
        ),
        scenario(
            "inputs of two transactions",
            [
                spend(&[A]).signed("T1"),
                spend(&[B]).signed("T2"),
                spend(&[A, B]).already_signed("T1", A),
                spend(&[C, B, A]).already_signed("T2", B),
            ],
        )
        .because("The first input that was signed away is named."),
        scenario(
            "the same inputs in another order",
            [spend(&[A, B]).signed("T1"), spend(&[B, A]).already_signed("T1", B), spend(&[A, B]).same("T1")],
        )
        .because(
            "The order of inputs is part of the transaction, so it is another one. To refuse it is safe.",
        ),
        scenario(
            "one of 20",
            [spend(&["public 1..20"]).signed("T1"), spend(&["public 10"]).already_signed("T1", "public 10")],
        ),
        scenario(
            "the first and the last of 100",
            [
                spend(&[all]).signed("T1"),
                spend(&["public 1", A]).already_signed("T1", "public 1"),
                spend(&[A, "public 100"]).already_signed("T1", "public 100"),
            ],
        ),
        scenario(
            "100 inputs, one of which is gone",
            [spend(&["public 57"]).signed("T1"), spend(&[all]).already_signed("T1", "public 57")],
        ),
        scenario(
            "private inputs",
            [
                spend(&["private a", "private b"]).signed("T1"),
                spend(&["private b"]).already_signed("T1", "private b"),
                spend(&["private b", "private a"]).already_signed("T1", "private b"),
            ],
        ),
        scenario(
            "a private and a public input",
            [
                spend(&["private a", B]).signed("T1"),
                spend(&[B, C]).already_signed("T1", B),
                spend(&[C, "private a"]).already_signed("T1", "private a"),
            ],
        ),
        scenario(
            "a conflict in another spelling",
            [
                spend(&[A, B]).signed("T1"),
                other(&[A]).spelled(Spelling::UpperCaseHex).already_signed("T1", A),
                other(&[B]).spelled(Spelling::Escaped).already_signed("T1", B),
                other(&[B]).spelled(Spelling::Id(9)).already_signed("T1", B),
            ],
        ),
    ]
}
