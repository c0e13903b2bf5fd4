//! What happened, as it happens.

use super::failure::Failure;
use super::layout::{Page, link};
use super::parts::{badge, count, handoff, money, more, output, state, time, user};
use super::who::Who;
use crate::event::{Event, EventRecord, Filter, Movement};
use crate::http::app::App;
use crate::http::problem::Problem;
use axum::extract::{Query, State as Of};
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::Arc;

/// So many stand on a page,
const ROWS: usize = 50;

/// and so many are looked through for them.
const LOOKED_THROUGH: u64 = 5000;

/// What can be chosen.
const KINDS: [(&str, &str); 8] = [
    ("", "everything"),
    ("deposit.*", "deposits"),
    ("spend.*", "spends"),
    ("handoff.*", "handoffs"),
    ("transaction.*", "transactions"),
    ("user.*", "users"),
    ("node.*,chain.*", "node and chain"),
    ("alarm.*", "alarms"),
];

/// Which events.
#[derive(Deserialize)]
pub(super) struct Part {
    before: Option<u64>,
    #[serde(default)]
    types: String,
}

/// The newest events first.
pub(super) async fn list(
    Of(app): Of<Arc<App>>,
    who: Who,
    Query(Part { before, types }): Query<Part>,
) -> Result<Page, Failure> {
    let names = types.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let filter = Filter::new(names).map_err(Problem::parameter)?;
    let (rows, from, first) = app.blocking(move |app| newest(app, before, &filter)).await?;
    let older = (from > first).then(|| link("/events", &[("before", &from.to_string()), ("types", &types)]));
    let content = html! {
        h1 { "Events" }
        p.tabs { @for (names, name) in KINDS {
            a href=(link("/events", &[("types", names)])) aria-current=[(names == types).then_some("true")] { (name) }
        } }
        @if before.is_none() { p.hint { "The newest come at the top, as they happen." } }
        section data-live=[before.is_none().then_some("events")] {
            @if rows.is_empty() { p.empty { "No such event among the last " (LOOKED_THROUGH) "." } } @else {
                div.scroll tabindex="0" role="region" aria-label="Events" { table {
                    thead { tr { th { "What" } th { "Of" } th.number { "Amount" } th { "More" } th { "When" } th.number { "Id" } } }
                    tbody { @for record in &rows { (row(record)) } }
                } }
            }
        }
        (more(older, "Older events"))
    };
    Ok(Page::new(&who, "/events", "Events", content))
}

/// The newest events that are wanted, where the search ended, and the oldest one that is kept.
fn newest(app: &App, before: Option<u64>, filter: &Filter) -> Result<(Vec<EventRecord>, u64, u64), Problem> {
    let kept = app.ledger.kept_events().map_err(Problem::from)?;
    let end = before.unwrap_or(u64::MAX).min(kept.last.saturating_add(1));
    let lowest = kept.first.max(end.saturating_sub(LOOKED_THROUGH));
    let (mut rows, mut from) = (Vec::new(), end);
    while from > lowest && rows.len() < ROWS {
        let begin = from.saturating_sub(ROWS as u64).max(lowest);
        let number = usize::try_from(from - begin).unwrap_or(ROWS);
        for record in app.ledger.events(begin.saturating_sub(1), number)?.events.into_iter().rev() {
            if rows.len() == ROWS {
                break;
            }
            from = record.id;
            if filter.takes(record.event.kind()) {
                rows.push(record);
            }
        }
    }
    Ok((rows, from, kept.first))
}

fn row(record: &EventRecord) -> Markup {
    let kind = record.event.kind();
    let color = match kind.rsplit_once('.').map(|(_, what)| what) {
        Some("final" | "connected" | "ended") => "good",
        Some("prepared" | "created" | "renewed") => "wait",
        Some("reverted" | "lost" | "raised") => "bad",
        _ => "off",
    };
    let (of, amount, text) = told(&record.event);
    html! { tr {
        td { (badge(color, kind)) }
        td { (of) }
        td.number { (amount) }
        td { (text) }
        td { (time(record.time)) }
        td.number { (record.id) }
    } }
}

/// Of whom or what an event tells, how much, and what else.
fn told(event: &Event) -> (Markup, Markup, Markup) {
    let nothing = || html! {};
    let movement = |it: &Movement| (user(&it.account), money(it.amount), html! { (output(it.output_hash)) });
    match event {
        Event::DepositPrepared(it)
        | Event::DepositFinal(it)
        | Event::DepositReverted(it)
        | Event::SpendPrepared(it)
        | Event::SpendFinal(it)
        | Event::SpendReverted(it) => movement(it),
        Event::HandoffCreated(it)
        | Event::HandoffCancelled(it)
        | Event::HandoffExpired(it)
        | Event::HandoffRenewed(it) => (
            handoff(it.number),
            money(it.amount),
            html! { (it.purpose) ", " (count(it.inputs, "input")) ", fee " (money(it.fee)) },
        ),
        Event::TransactionChanged(it) => (handoff(it.handoff), nothing(), state(&it.state)),
        Event::UserAdded(it) | Event::UserChanged(it) | Event::UserArchived(it) => {
            (user(&it.account), nothing(), nothing())
        }
        Event::NodeConnected { address } => (html! { code { (address) } }, nothing(), nothing()),
        Event::NodeLost { address, reason } => (html! { code { (address) } }, nothing(), html! { (reason) }),
        Event::ChainReverted { epoch, offset, .. } => {
            (html! { "epoch " (epoch) ", block " (offset) }, nothing(), nothing())
        }
        Event::AlarmRaised(it) | Event::AlarmEnded(it) => {
            (handoff(it.handoff), nothing(), html! { (it.to_string()) })
        }
    }
}
