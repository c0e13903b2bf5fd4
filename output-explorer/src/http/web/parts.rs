//! Small things that many pages show.

use super::layout::user_path;
use crate::control::{Event, Finality};
use crate::handoff::record::State;
use maud::{Markup, html};
use std::fmt::Display;
use stegos_common::api::encoding::Timestamp;

/// An amount with its unit.
pub(super) fn money(amount: impl Display) -> Markup {
    html! { span.money { (amount.to_string()) } }
}

/// A text that is too long for a table: its ends, and the whole of it for whoever points at it or copies it.
pub(super) fn short(text: &str) -> Markup {
    let (begin, end) = (text.get(..10), text.get(text.len().saturating_sub(6)..));
    html! {
        @if let (Some(begin), Some(end), true) = (begin, end, text.len() > 20) {
            code title=(text) { (begin) "…" (end) }
        } @else {
            code { (text) }
        }
    }
}

/// The id of an output, and the way to its page.
pub(super) fn output(id: impl Display) -> Markup {
    let id = id.to_string();
    html! { a href={ "/outputs/" (id) } { (short(&id)) } }
}

/// An account id, and the way to its page.
pub(super) fn user(account: &str) -> Markup {
    html! { a href=(user_path(account)) { (account) } }
}

/// The number of a handoff, and the way to its page.
pub(super) fn handoff(number: u64) -> Markup {
    html! { a href={ "/handoffs/" (number) } { "handoff " (number) } }
}

/// A time in UTC, to the second.
pub(super) fn time(time: Timestamp) -> Markup {
    let text = time.to_string();
    let (day, clock) = (text.get(..10).unwrap_or_default(), text.get(11..19).unwrap_or_default());
    html! { time datetime=(text) { (day) " " (clock) " UTC" } }
}

/// A word that is seen from afar.
pub(super) fn badge(kind: &str, word: impl Display) -> Markup {
    html! { span class={ "badge " (kind) } { (word.to_string()) } }
}

/// Whether something can be taken back.
pub(super) fn finality(finality: Finality) -> Markup {
    let kind = match finality {
        Finality::Prepared => "wait",
        Finality::Final => "good",
    };
    badge(kind, finality)
}

/// So many of something.
pub(super) fn count(number: u64, what: &str) -> Markup {
    html! { (number) " " (what) @if number != 1 { "s" } }
}

/// Where something happened.
pub(super) fn place(event: &Event) -> Markup {
    html! {
        "epoch " (event.epoch)
        @if let Some(offset) = event.offset { ", block " (offset) }
    }
}

/// What a transaction or a handoff is, in one word.
pub(super) fn status(word: &str) -> Markup {
    let kind = match word {
        "final" => "good",
        "open" | "submitted" | "accepted" | "prepared" => "wait",
        "rolled back" | "conflicted" | "rejected" => "bad",
        _ => "off",
    };
    badge(kind, word)
}

/// What a transaction is, in full.
pub(super) fn state(state: &State) -> Markup {
    let text = state.to_string();
    html! { (status(state.name())) (text.strip_prefix(state.name()).unwrap_or(&text)) }
}

/// The way to the next part of a list.
pub(super) fn more(href: Option<String>, words: &str) -> Markup {
    html! { @if let Some(href) = href { p { a.more rel="next" href=(href) { (words) } } } }
}
