//! Handoffs: the list, and one with its review, its request, its answer and what became of it.

use super::failure::Failure;
use super::layout::{Page, link};
use super::overview::amount;
use super::parts::{count, handoff, money, more, state, status, time};
use super::who::{Form, Nothing, Who};
use crate::access::Right;
use crate::control::{HandoffAnswer, HandoffRequest};
use crate::handoff::record::{Ended, Handoff, Step};
use crate::http::app::{App, other_answer};
use crate::http::problem::Problem;
use crate::ledger::handoffs::Which;
use axum::extract::{Path, Query, State as Of};
use axum::response::Redirect;
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::Arc;

/// So many stand on a page.
const ROWS: usize = 30;

/// Which handoffs.
#[derive(Deserialize)]
pub(super) struct Part {
    before: Option<u64>,
    #[serde(default)]
    which: String,
}

/// The list, and the ways to make one.
pub(super) async fn list(
    Of(app): Of<Arc<App>>,
    who: Who,
    Query(Part { before, which }): Query<Part>,
) -> Result<Page, Failure> {
    let live = which == "live";
    let wanted = if live { Which::Live } else { Which::All };
    let (handoffs, last) = listed(&app, wanted, before).await?;
    let content = html! {
        h1 { "Handoffs" }
        p.hint { "Each is one request to the signer, on its host without a network: to sweep users' outputs into the treasury, or to pay withdrawals." }
        p.tabs {
            a href="/handoffs" aria-current=[(!live).then_some("true")] { "all" }
            a href="/handoffs?which=live" aria-current=[live.then_some("true")] { "under way" }
        }
        section data-live="handoffs" {
            @if handoffs.is_empty() { p.empty { "There is none." } } @else { (table(&handoffs)) }
        }
        (more(last.map(|last| link("/handoffs", &[("before", &last), ("which", &which)])), "Older handoffs"))
        @if who.may(Right::HandOff) { (super::make::forms(&who, app.terms.as_ref())) }
    };
    Ok(Page::new(&who, "/handoffs", "Handoffs", content))
}

/// A page of handoffs, the youngest first, and before which number to go on, if there are more.
pub(super) async fn listed(
    app: &Arc<App>,
    which: Which,
    before: Option<u64>,
) -> Result<(Vec<Handoff>, Option<String>), Failure> {
    let request = HandoffRequest::List { before, which, limit: ROWS + 1 };
    let HandoffAnswer::List { mut handoffs } = app.about_handoffs(request).await? else {
        return Err(other_answer().into());
    };
    let is_more = handoffs.len() > ROWS;
    handoffs.truncate(ROWS);
    let last = handoffs.last().filter(|_| is_more).map(|handoff| handoff.number.to_string());
    Ok((handoffs, last))
}

fn table(handoffs: &[Handoff]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Handoffs" { table {
            thead { tr { th { "Handoff" } th.number { "Amount" } th { "Status" } th { "For" } th.number { "Inputs" } th.number { "Fee" } th { "Made" } } }
            tbody { @for it in handoffs { tr {
                td { (handoff(it.number)) }
                td.number { (money(amount(it))) }
                td { (status(it.status())) }
                td { (it.purpose) }
                td.number { (it.inputs.len()) }
                td.number { (money(it.fee)) }
                td { (time(it.created)) }
            } } }
        } }
    }
}

/// One handoff.
pub(super) async fn one(Of(app): Of<Arc<App>>, who: Who, Path(number): Path<u64>) -> Result<Page, Failure> {
    let it = of(&app, HandoffRequest::Show { number }).await?;
    let content = html! {
        h1 { "Handoff " (number) }
        section data-live="facts" { (facts(&it)) }
        section {
            h2 { "Review" }
            p.hint { "The signer shows the same request in the same words. Compare them before it signs." }
            pre.review tabindex="0" role="region" aria-label="Review" { (it.review().to_string()) }
        }
        section data-live="carry" {
            @if it.is_open() && who.may(Right::HandOff) { (request(number)) }
        }
        section data-live="answer" {
            @if it.transaction.is_none() && it.ended != Some(Ended::Cancelled) && who.may(Right::Submit) { (answer(&who, number)) }
        }
        section data-live="timeline" { h2 { "What happened" } (timeline(&it)) }
        section data-live="cancel" {
            @if it.is_open() && who.may(Right::HandOff) { details {
                summary { "Cancel this handoff…" }
                form method="post" action={ "/handoffs/" (number) "/cancel" } {
                    (who.field())
                    p { "Its inputs are free again, and its transaction is submitted no more. What the signer has signed stays signed." }
                    button.danger { "Cancel handoff " (number) }
                }
            } }
        }
    };
    Ok(Page::new(&who, "/handoffs", &format!("Handoff {number}"), content))
}

async fn of(app: &Arc<App>, request: HandoffRequest) -> Result<Handoff, Failure> {
    match app.about_handoffs(request).await? {
        HandoffAnswer::One { handoff } => Ok(handoff),
        _ => Err(other_answer().into()),
    }
}

fn facts(it: &Handoff) -> Markup {
    html! { dl.facts {
        div { dt { "Status" } dd { (status(it.status())) } }
        div { dt { "For" } dd { (it.purpose) ", " (count(it.inputs.len() as u64, "input")) ", " (count(it.outputs.len() as u64, "output")) } }
        div { dt { "Amount" } dd { (money(amount(it))) " and a fee of " (money(it.fee)) } }
        div { dt { "Made" } dd { (time(it.created)) } }
        @if it.is_open() { div { dt { "Its inputs are reserved until" } dd { (time(it.expires)) } } }
        @if let Some(transaction) = &it.transaction { div { dt { "Transaction" } dd { code.whole { (transaction.id) } } } }
    } }
}

/// The ways across the gap for the request.
fn request(number: u64) -> Markup {
    html! {
        h2 { "1. To the signer" }
        p { a.button href={ "/v1/handoffs/" (number) "/request" } download { "Download the request" }
            span.hint { " and carry it over: " code { "cold-signer sign handoff-" (number) ".request.json --out handoff-" (number) ".response.json" } } }
        details data-frames={ "/handoffs/" (number) "/frames/" } {
            summary { "Or show it to the signer's camera…" }
            p.hint { "Hold the signer's camera against the picture until it has everything: " code { "cold-signer sign --qr -" } }
            div.qr.moving {}
            p data-frame-number="" role="status" {}
        }
    }
}

/// The ways back.
fn answer(who: &Who, number: u64) -> Markup {
    html! {
        h2 { "2. Back from the signer" }
        form.card method="post" action="/transactions" {
            (who.field())
            label for="file" { "The signer's response, a file" }
            input #file type="file" accept=".json,application/json" data-into="response";
            label for="response" { "or its text" }
            textarea #response name="response" rows="4" required spellcheck="false" autocomplete="off" {}
            button { "Submit the transaction" }
            p.hint { "It is held against this handoff, stored, and sent to the node until it is in a block." }
        }
        details data-camera={ "/handoffs/" (number) "/camera" } data-csrf=(who.csrf()) {
            summary { "Or read it from the signer's screen with this camera…" }
            video muted playsinline aria-label="What the camera sees" {}
            p role="status" data-scan="" {}
        }
    }
}

fn timeline(it: &Handoff) -> Markup {
    let steps: &[Step] = it.transaction.as_ref().map_or(&[], |transaction| &transaction.history);
    html! { ol.timeline {
        li { (status("open")) " made, and its inputs reserved " (time(it.created)) }
        @match it.ended {
            Some(Ended::Cancelled) => li { (status("cancelled")) " somebody did not want it any more" },
            Some(Ended::Expired) => li { (status("expired")) " no answer came in time; one may still come" },
            None => {},
        }
        @for step in steps { li { (state(&step.state)) " " (time(step.time)) } }
    } }
}

/// Gives an open handoff up.
pub(super) async fn cancel(
    Of(app): Of<Arc<App>>,
    who: Who,
    Path(number): Path<u64>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Failure> {
    who.require(Right::HandOff)?;
    of(&app, HandoffRequest::Cancel { number }).await?;
    Ok(Redirect::to(&format!("/handoffs/{number}")))
}

/// What the signer answered.
#[derive(Deserialize)]
pub(super) struct Response {
    response: String,
}

/// Takes it.
pub(super) async fn submit(
    Of(app): Of<Arc<App>>,
    who: Who,
    Form(Response { response }): Form<Response>,
) -> Result<Redirect, Failure> {
    let path = accept(&app, &who, response).await?;
    Ok(Redirect::to(&path))
}

/// Takes what the signer answered, and tells the page of its handoff.
pub(super) async fn accept(app: &Arc<App>, who: &Who, answer: String) -> Result<String, Failure> {
    who.require(Right::Submit)?;
    if answer.len() > crate::http::MAX_TRANSACTION {
        return Err(Problem::body("the response is longer than any transaction").into());
    }
    let handoff = of(app, HandoffRequest::Broadcast { answer, again: false }).await?;
    Ok(format!("/handoffs/{}", handoff.number))
}
