//! Many clients in the same moment.

use super::{kill, other, owned, private, scenario, spend, stop};
use crate::model::{Answers, Request, Scenario, Spelling, Step, Together};

const A: &str = "public a";
const B: &str = "public b";
const C: &str = "public c";

fn all(requests: Vec<Request>, times: usize) -> Step {
    Step::Together(Together { requests, times, answers: Answers::All("T1".to_owned()) })
}

fn one(requests: Vec<Request>, times: usize) -> Step {
    Step::Together(Together { requests, times, answers: Answers::One("T1".to_owned()) })
}

pub(super) fn at_once() -> Vec<Scenario> {
    let many = || {
        (1000..1008).map(|fee| Request {
            fee,
            pay: vec![super::public("a stranger", 1_000_000 - fee)],
            ..spend(&[A])
        })
    };
    let spelled = [
        Spelling::Plain,
        Spelling::Escaped,
        Spelling::UpperCaseHex,
        Spelling::Hints,
        Spelling::FieldsReversed,
    ];
    let privately =
        |comment| Request { pay: vec![private("a stranger", 999_000, comment)], ..spend(&["private a"]) };
    vec![
        scenario("16 clients send the same", [all(vec![spend(&[A])], 16), spend(&[A]).same("T1")])
            .because("Those who were slower get what the fastest got."),
        scenario(
            "16 clients send the same private payment",
            [all(vec![privately("x")], 16), privately("x").same("T1")],
        ),
        scenario(
            "many clients send the same in other spellings",
            [
                all(spelled.map(|spelled| spend(&[A, B]).spelled(spelled)).into(), 3),
                spend(&[A, B]).same("T1"),
            ],
        ),
        scenario(
            "16 clients send what was signed before",
            [spend(&[A]).signed("T1"), all(vec![spend(&[A])], 16)],
        ),
        scenario("two requests that conflict, 8 clients for each", [one(vec![spend(&[A]), other(&[A])], 8)]),
        scenario("8 requests that conflict", [one(many().collect(), 1)]),
        scenario("two private payments that conflict", [one(vec![privately("x"), privately("y")], 4)]),
        scenario("the same inputs in either order", [one(vec![spend(&[A, B]), spend(&[B, A])], 8)]),
        scenario(
            "three requests, any two of which share an output",
            [one(vec![spend(&[A, B]), spend(&[B, C]), spend(&[C, A])], 5)],
        ),
        scenario(
            "many against what was signed before",
            [
                spend(&[A]).signed("T1"),
                one(vec![other(&[A]), spend(&[A]), spend(&[A, B])], 5),
                spend(&[B]).signed("T2"),
            ],
        ),
        scenario(
            "the same crowd again after a kill",
            [one(many().collect(), 2), kill(), one(many().collect(), 2)],
        ),
        scenario(
            "the same crowd again after a restart",
            [one(vec![spend(&[A]), other(&[A])], 6), stop(), one(vec![other(&[A]), spend(&[A])], 6)],
        ),
        scenario(
            "requests that do not conflict",
            [Step::Together(Together {
                requests: vec![spend(&[A]), spend(&[B]), spend(&[C])],
                times: 5,
                answers: Answers::Each(owned(&["T1", "T2", "T3"])),
            })],
        ),
    ]
}
