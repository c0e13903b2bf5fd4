//! What was signed is known after the signer stopped, was killed, or crashed with the machine.

use super::{kill as killed, main, other, private, scenario, spend, stop as stopped};
use crate::model::{Answers, End, Payment, Request, Scenario, Spelling, Step, Together};

const A: &str = "public a";
const B: &str = "public b";
const C: &str = "public c";

pub(super) fn restart() -> Vec<Scenario> {
    interrupted("a restart", stopped)
}

pub(super) fn kill() -> Vec<Scenario> {
    interrupted("a kill", killed)
}

fn interrupted(name: &str, interruption: fn() -> Step) -> Vec<Scenario> {
    let proved = || {
        let payment = Payment { with_certificate: true, ..private("a customer", 999_000, "invoice 1") };
        Request { pay: vec![payment], ..spend(&["private a"]) }
    };
    let after = |what: &str, steps: Vec<Step>| scenario(&format!("{what} after {name}"), steps);
    vec![
        after("the same request", vec![spend(&[A]).signed("T1"), interruption(), spend(&[A]).same("T1")]),
        after("the same private payment", vec![proved().signed("T1"), interruption(), proved().same("T1")]),
        after(
            "another spelling",
            vec![
                spend(&[A, B]).signed("T1"),
                interruption(),
                spend(&[A, B]).spelled(Spelling::UpperCaseHex).same("T1"),
                spend(&[A, B]).spelled(Spelling::BlobsReversed).same("T1"),
            ],
        ),
        after(
            "other outputs",
            vec![
                spend(&[A]).signed("T1"),
                interruption(),
                other(&[A]).already_signed("T1", A),
                interruption(),
                spend(&[A]).same("T1"),
            ],
        ),
        after(
            "overlapping inputs",
            vec![
                spend(&[A, B]).signed("T1"),
                interruption(),
                spend(&[B, C]).already_signed("T1", B),
                spend(&[C]).signed("T2"),
                interruption(),
                spend(&[C, A]).already_signed("T2", C),
            ],
        ),
        after(
            "what was refused",
            vec![
                Request { fee: 1, ..spend(&[A]) }.refused("fee_too_low"),
                interruption(),
                spend(&[A]).signed("T1"),
                interruption(),
                other(&[A]).already_signed("T1", A),
            ],
        ),
    ]
}

fn crash_leaves(leaves: End) -> Step {
    Step::Crash { store: main(), leaves }
}

fn crash_adds(bytes: &str) -> Step {
    Step::CrashAdding { store: main(), bytes: bytes.to_owned() }
}

fn killed_on(request: Request) -> Step {
    Step::KillOn { store: main(), request }
}

pub(super) fn crash() -> Vec<Scenario> {
    let synced = "The record was on disk, so the output is signed away, though nobody has the answer yet.";
    let unsynced = "The record was not on disk, so no answer can have left: the output is free.";
    let flip = || Step::Flip { store: main(), from_end: 100 };
    let refuses = || Step::DoesNotStart(main());
    vec![
        scenario(
            "after the sync and before the answer, the same request",
            [spend(&[A]).lost(), killed(), spend(&[A]).same("T1"), other(&[A]).already_signed("T1", A)],
        )
        .because(synced),
        scenario(
            "after the sync and before the answer, other outputs",
            [spend(&[A]).lost(), killed(), other(&[A]).already_signed("T1", A), spend(&[A]).same("T1")],
        )
        .because(synced),
        scenario(
            "after the sync and before the answer, overlapping inputs",
            [
                spend(&[A, B]).lost(),
                killed(),
                spend(&[B, C]).already_signed("T1", B),
                spend(&[A, B]).same("T1"),
            ],
        )
        .because(synced),
        scenario(
            "before the sync, the same request",
            [
                spend(&[A]).lost(),
                crash_leaves(End::Without),
                spend(&[A]).signed("T1"),
                other(&[A]).already_signed("T1", A),
            ],
        )
        .because(unsynced),
        scenario(
            "before the sync, other outputs",
            [
                spend(&[A]).lost(),
                crash_leaves(End::Without),
                other(&[A]).signed("T1"),
                spend(&[A]).already_signed("T1", A),
            ],
        )
        .because(unsynced),
        scenario(
            "half of a commit is left, the same request",
            [
                spend(&[A]).lost(),
                crash_leaves(End::Half),
                spend(&[A]).signed("T1"),
                killed(),
                other(&[A]).already_signed("T1", A),
            ],
        )
        .because(unsynced),
        scenario(
            "a sector of a commit is missing, other outputs",
            [
                spend(&[A]).lost(),
                crash_leaves(End::Zeros),
                other(&[A]).signed("T1"),
                stopped(),
                spend(&[A]).already_signed("T1", A),
            ],
        )
        .because(unsynced),
        scenario(
            "what was released before the torn commit",
            [
                spend(&[A]).signed("T1"),
                spend(&[B]).lost(),
                crash_leaves(End::Half),
                spend(&[A]).same("T1"),
                other(&[A]).already_signed("T1", A),
                other(&[B]).signed("T2"),
            ],
        ),
        scenario(
            "the beginning of another commit is there",
            [
                spend(&[A]).signed("T1"),
                crash_adds("f590010000"),
                spend(&[A]).same("T1"),
                crash_adds("f5900100006ffeffff0102030405"),
                crash_adds("00"),
                other(&[A]).already_signed("T1", A),
            ],
        ),
        scenario(
            "a refusal is lost",
            [
                spend(&[A]).signed("T1"),
                other(&[A]).already_signed("T1", A),
                crash_leaves(End::Without),
                other(&[A]).already_signed("T1", A),
                spend(&[A]).same("T1"),
            ],
        ),
        scenario(
            "killed while it signs, the same request",
            [
                killed_on(spend(&[A])),
                spend(&[A]).signed("T1"),
                killed_on(other(&[A])),
                other(&[A]).already_signed("T1", A),
                spend(&[A]).same("T1"),
            ],
        )
        .because("Whether it was signed before the kill or after, nobody saw another answer."),
        scenario(
            "killed while it signs, then everybody at once",
            [
                killed_on(spend(&[A, B])),
                Step::Together(Together {
                    requests: vec![spend(&[A, B]), spend(&[B, A]), other(&[A])],
                    times: 2,
                    answers: Answers::One("T1".to_owned()),
                }),
            ],
        ),
        scenario(
            "a flipped bit is not taken for a crash",
            [
                spend(&[A]).signed("T1"),
                stopped(),
                flip(),
                refuses(),
                flip(),
                other(&[A]).already_signed("T1", A),
            ],
        )
        .because("A record that was released must not vanish because it does not open."),
        scenario(
            "a flipped bit after a kill is not taken for a crash",
            [spend(&[A]).signed("T1"), killed(), flip(), refuses(), flip(), spend(&[A]).same("T1")],
        ),
    ]
}
