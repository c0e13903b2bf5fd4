//! What no signer can know by itself, and what lets the other side notice. See "Not promised" in
//! `docs/durability.md`.

use super::{copy, other, scenario, spend, stop};
use crate::model::Position::{GoesOn, SetBack, Stands};
use crate::model::{Scenario, Step};

const A: &str = "public a";
const B: &str = "public b";

pub(super) fn two_stores() -> Vec<Scenario> {
    let strangers =
        "Each store has a journal of its own, and neither can see the other's. One signs at a time.";
    let spend_a = || spend(&[A]);
    vec![
        scenario(
            "two stores get the same request",
            [spend_a().signed("T1"), spend_a().signed("T2").to("twin")],
        )
        .because(strangers)
        .signs_twice(&[A]),
        scenario(
            "two stores get requests that conflict",
            [spend(&[A, B]).signed("T1"), other(&[B]).signed("T2").to("twin")],
        )
        .because(strangers)
        .signs_twice(&[B]),
        scenario(
            "a store is made anew from the words",
            [spend_a().signed("T1"), stop(), spend_a().signed("T2").to("twin").journal(GoesOn)],
        )
        .because("Words restore keys and no journal: wait until all that was signed is final, then use them.")
        .signs_twice(&[A]),
        scenario(
            "the other side notices that another store answers",
            [
                spend(&[B]).signed("T1").journal(GoesOn),
                spend_a().signed("T2").journal(GoesOn),
                spend_a().signed("T3").to("twin").journal(SetBack),
                Step::VerifyHead { store: "twin".to_owned(), known: false },
            ],
        )
        .because("The journal of the other store is shorter, and never had the head that was kept.")
        .signs_twice(&[A]),
        scenario(
            "two stores that share no output",
            [
                spend_a().signed("T1"),
                spend(&[B]).signed("T2").to("twin"),
                spend_a().same("T1"),
                spend(&[B]).same("T2").to("twin"),
                other(&[A]).already_signed("T1", A),
                other(&[B]).already_signed("T2", B).to("twin"),
            ],
        )
        .because("Each keeps its promise for what it signed itself."),
    ]
}

pub(super) fn copied_store() -> Vec<Scenario> {
    let stale =
        "An older copy is a store like any other: it does not know what was signed after it was made.";
    let spend_a = || spend(&[A]);
    let (backup, restore) = (|| copy("main", "copy"), || copy("copy", "main"));
    vec![
        scenario(
            "an older copy gets the same request",
            [
                spend(&[B]).signed("T1").journal(GoesOn),
                backup(),
                spend_a().signed("T2").journal(GoesOn),
                restore(),
                spend_a().signed("T3").journal(SetBack),
            ],
        )
        .because(&format!(
            "{stale} The head of its journal is another one, though it is as long as the other."
        ))
        .signs_twice(&[A]),
        scenario(
            "an older copy gets another request",
            [backup(), spend(&[A, B]).signed("T1"), restore(), other(&[B]).signed("T2")],
        )
        .because(stale)
        .signs_twice(&[B]),
        scenario(
            "the other side notices an older copy before it signs anything new",
            [
                spend_a().signed("T1").journal(GoesOn),
                backup(),
                spend(&[B]).signed("T2").journal(GoesOn),
                spend_a().same("T1").journal(Stands),
                restore(),
                spend_a().same("T1").journal(SetBack),
                Step::VerifyHead { store: "main".to_owned(), known: false },
            ],
        )
        .because("Who asks first for something that was signed long ago learns how far the journal is."),
        scenario(
            "an older copy that has become longer is still noticed",
            [
                backup(),
                spend_a().signed("T1").journal(GoesOn),
                restore(),
                spend(&[B]).signed("T2"),
                other(&[B]).already_signed("T2", B),
                Step::VerifyHead { store: "main".to_owned(), known: false },
            ],
        )
        .because("A count says nothing then, but the journal never had the head that was kept."),
        scenario(
            "a copy that is up to date",
            [
                spend_a().signed("T1").journal(GoesOn),
                backup(),
                restore(),
                spend_a().same("T1").journal(Stands),
                other(&[A]).already_signed("T1", A),
                Step::VerifyHead { store: "main".to_owned(), known: true },
            ],
        ),
        scenario(
            "a store that moved to another host",
            [
                spend_a().signed("T1"),
                backup(),
                spend_a().same("T1").to("copy"),
                other(&[A]).already_signed("T1", A).to("copy"),
                spend(&[B]).signed("T2").to("copy"),
                other(&[B]).already_signed("T2", B).to("copy"),
            ],
        ),
        scenario(
            "two copies run at the same time",
            [
                spend(&[B]).signed("T1"),
                backup(),
                spend_a().signed("T2"),
                spend_a().signed("T3").to("copy"),
                other(&[B]).already_signed("T1", B).to("copy"),
            ],
        )
        .because(&format!("{stale} What was signed before, both know."))
        .signs_twice(&[A]),
    ]
}
