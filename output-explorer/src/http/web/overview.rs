//! The first page: is all well, how much is there, what is under way.

use super::chart::{Bar, bars};
use super::failure::Failure;
use super::layout::Page;
use super::parts::{badge, count, handoff, money, status, time, user};
use super::tally::{Day, Users};
use super::who::Who;
use crate::access::Right;
use crate::control::{Answer, HandoffAnswer, HandoffRequest, Request, StatusAnswer};
use crate::handoff::record::Handoff;
use crate::http::app::{App, other_answer};
use crate::ledger::handoffs::Which;
use crate::ledger::record::Balance;
use axum::extract::State as Of;
use maud::{Markup, html};
use std::sync::Arc;
use stegos_common::amount::Amount;

/// So many days are drawn.
const DAYS: usize = 30;

/// So many handoffs are listed.
const HANDOFFS: usize = 10;

/// The page.
pub(super) async fn page(Of(app): Of<Arc<App>>, who: Who) -> Result<Page, Failure> {
    let Answer::Status(status) = app.ask(Request::Status).await? else { return Err(other_answer().into()) };
    let live = HandoffRequest::List { before: None, which: Which::Live, limit: HANDOFFS + 1 };
    let HandoffAnswer::List { handoffs } = app.about_handoffs(live).await? else {
        return Err(other_answer().into());
    };
    let treasury = app.terms.as_ref().map(|terms| terms.treasury.clone());
    let treasury = match treasury {
        Some(account) => match app.ask(Request::Balance { account, at_epoch: None }).await {
            Ok(Answer::Balance(balance)) => Some(balance),
            // It is not added yet.
            _ => None,
        },
        None => None,
    };
    let (users, days) = app.blocking(|app| Ok((app.tally.users(app)?, app.tally.days(app, DAYS)?))).await?;
    let not_ready = status.ready(app.ready_blocks).err().map(|why| why.to_string());
    let content = html! {
        h1 { "Overview" }
        p.hint {
            "Deposits reach users' addresses; sweeps gather them in the treasury; withdrawals are paid from it. Each move is a "
            a href="/handoffs" { "handoff" } ": a request that the signer signs, on a host without a network."
        }
        @if let Some(alarm) = &status.signer_journal.alarm {
            p.notice.bad role="alert" { strong { "The signer's journal went back. " } (alarm.to_string()) }
        }
        section data-live="state" {
            (link_to_node(&status, not_ready.as_ref()))
            div.tiles {
                (tile("Users' addresses", users.map(|users| users.balance), users.map(number_of)))
                @if let Some(treasury) = treasury {
                    (tile("Treasury", treasury.balance.plus(treasury.own_private), Some(html! {
                        (user(&treasury.account))
                        @if !treasury.own_private.prepared.amount.is_zero() { ", private outputs of its own included" }
                    })))
                }
            }
        }
        section data-live="handoffs" {
            h2 { "Under way" }
            (under_way(&who, &handoffs))
        }
        section data-live="days" {
            h2 { "Deposits and withdrawals" }
            (per_day(days.0, days.1))
        }
    };
    Ok(Page::new(&who, "/", "Overview", content))
}

fn number_of(users: Users) -> Markup {
    html! { (count(users.number, "user")) ", without the treasury" }
}

/// Where the ledger is, and the node.
fn link_to_node(status: &StatusAnswer, not_ready: Option<&String>) -> Markup {
    html! {
        dl.facts {
            div { dt { "State" } dd {
                @match not_ready {
                    None => { (badge("good", "up to date")) },
                    Some(why) => { (badge("bad", "not up to date")) " " (why) },
                }
            } }
            div { dt { "Last block" } dd {
                "epoch " (status.epoch) @if let Some(last) = status.offset.checked_sub(1) { ", block " (last) }
                @if let Some(at) = status.last_block_time { ", " (time(at)) }
            } }
            div { dt { "Behind the node" } dd {
                @match status.lag {
                    Some(lag) if lag.epochs == 0 => { (lag.micro_blocks) " blocks" },
                    Some(lag) => { (lag.epochs) " epochs" },
                    None => { "not known" },
                }
            } }
            div { dt { "Node" } dd {
                @match &status.node {
                    Some(node) => {
                        code { (node.address) } " "
                        @if node.connected { (badge("good", "connected")) } @else { (badge("bad", "not connected")) }
                        @if let (false, Some(error)) = (node.connected, &node.last_error) { " " (error) }
                    },
                    None => { "none is followed" },
                }
            } }
        }
    }
}

fn tile(name: &str, balance: Option<Balance>, below: Option<Markup>) -> Markup {
    html! {
        div.tile {
            h2 { (name) }
            @match balance {
                Some(balance) => {
                    p.large { (money(balance.settled.amount)) " " (badge("good", "final")) }
                    p { (coming(&balance)) }
                },
                None => { p.large { "…" } p { "being added up" } },
            }
            @if let Some(below) = below { p.hint { (below) } }
        }
    }
}

/// What the last blocks change, while they can still be taken back.
fn coming(balance: &Balance) -> Markup {
    html! {
        @if balance.prepared == balance.settled {
            span.hint { "nothing prepared" }
        } @else {
            (money(balance.prepared.amount)) " with what is " (badge("wait", "prepared"))
        }
    }
}

fn under_way(who: &Who, handoffs: &[Handoff]) -> Markup {
    html! {
        @if handoffs.is_empty() {
            p.empty { "Nothing is under way." @if who.may(Right::HandOff) { " " a href="/handoffs#new" { "Make a handoff" } } }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Under way" { table {
                thead { tr { th { "Handoff" } th.number { "Amount" } th { "Status" } th { "What" } th { "Since" } } }
                tbody { @for it in handoffs.iter().take(HANDOFFS) { tr {
                    td { (handoff(it.number)) }
                    td.number { (money(amount(it))) }
                    td { (status(it.status())) @if it.is_open() { span.hint { " the signer's answer is waited for" } } }
                    td { (it.purpose) ", " (count(it.inputs.len() as u64, "input")) }
                    td { (time(it.created)) }
                } } }
            } }
            @if handoffs.len() > HANDOFFS { p { a.more href="/handoffs?which=live" { "All that are under way" } } }
        }
    }
}

/// What a handoff pays to others, or what it gathers.
pub(super) fn amount(handoff: &Handoff) -> Amount {
    let paid = handoff.paid();
    if !paid.is_zero() {
        return paid;
    }
    Amount::checked_sum(handoff.outputs.iter().map(|output| output.amount)).unwrap_or(Amount::MAX)
}

fn per_day(days: Vec<(String, Day)>, is_all: bool) -> Markup {
    let drawn: Vec<Bar> =
        days.into_iter().map(|(name, day)| Bar { name, values: [day.deposits, day.withdrawals] }).collect();
    html! {
        @if drawn.is_empty() {
            p.empty { "Nothing came or went yet, as far as events are kept." }
        } @else {
            (bars("What became final each day", ["deposits", "withdrawals"], &drawn))
            p.hint { "Days with something in them, in UTC, as far back as events are kept; without the treasury's own change." }
        }
        @if !is_all { p.hint { "Older events are still being read: look again." } }
    }
}
