//! Webhook endpoints, and what was delivered to them.

use super::failure::Failure;
use super::layout::{Page, link};
use super::parts::{badge, more, time};
use super::who::{Form, Nothing, Who};
use crate::access::Right;
use crate::http::app::App;
use crate::http::webhooks::whose;
use crate::view::webhook::AttemptView;
use crate::webhook::{Delivery, Endpoint, State};
use axum::extract::{Path, Query, State as Of};
use axum::response::Redirect;
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::Arc;

/// So many deliveries stand on a page.
const ROWS: usize = 30;

/// All endpoints.
pub(super) async fn list(Of(app): Of<Arc<App>>, who: Who) -> Result<Page, Failure> {
    let endpoints = if who.is_copy {
        None
    } else {
        let whose = whose(&who.caller);
        Some(app.blocking(move |app| Ok(app.webhooks.endpoints(whose.as_deref())?)).await?)
    };
    let content = html! {
        h1 { "Webhooks" }
        p.hint { "Where events are posted to. Endpoints are made by the programs that want them, over the HTTP API." }
        section data-live="endpoints" {
            @match &endpoints {
                None => p.empty { "This explorer is a replica: ask the one that it copies." },
                Some(endpoints) if endpoints.is_empty() => p.empty { "There is none." },
                Some(endpoints) => (table(endpoints)),
            }
        }
    };
    Ok(Page::new(&who, "/webhooks", "Webhooks", content))
}

fn table(endpoints: &[Endpoint]) -> Markup {
    html! { div.scroll tabindex="0" role="region" aria-label="Endpoints" { table {
        thead { tr { th { "Endpoint" } th { "Address" } th { "Events" } th.number { "On their way" } th { "State" } th { "Of" } } }
        tbody { @for it in endpoints { tr {
            td { a href={ "/webhooks/" (it.id) } { "endpoint " (it.id) } @if !it.description.is_empty() { ", " (it.description) } }
            td { code { (it.url) } }
            td { @if it.events.names().is_empty() { "all" } @else { (it.events.names().join(", ")) } }
            td.number { (it.pending) }
            td { @if it.enabled { (badge("good", "enabled")) } @else { (badge("off", "disabled")) }
                @if !it.missed.is_empty() { " " (badge("bad", "missed events")) } }
            td { code { (it.subscriber) } }
        } } }
    } } }
}

/// Which part of the list.
#[derive(Deserialize)]
pub(super) struct Part {
    before: Option<u64>,
}

/// One endpoint with its deliveries, the youngest first.
pub(super) async fn one(
    Of(app): Of<Arc<App>>,
    who: Who,
    Path(id): Path<u64>,
    Query(Part { before }): Query<Part>,
) -> Result<Page, Failure> {
    let of = whose(&who.caller);
    let (endpoint, mut deliveries) = app
        .blocking(move |app| {
            let endpoint = app.webhooks.endpoint(of.as_deref(), id)?;
            Ok((endpoint, app.webhooks.deliveries(of.as_deref(), id, before, ROWS + 1)?))
        })
        .await?;
    let is_more = deliveries.len() > ROWS;
    deliveries.truncate(ROWS);
    let last = deliveries.last().filter(|_| is_more).map(|delivery| delivery.event.to_string());
    let path = format!("/webhooks/{id}");
    let content = html! {
        h1 { "Endpoint " (id) }
        section data-live="endpoint" { (table(std::slice::from_ref(&endpoint))) }
        section data-live="deliveries" {
            h2 { "Deliveries" }
            @if deliveries.is_empty() { p.empty { "Nothing was delivered yet." } } @else { (log(&who, &deliveries)) }
        }
        (more(last.map(|last| link(&path, &[("before", &last)])), "Older deliveries"))
    };
    Ok(Page::new(&who, "/webhooks", &format!("Endpoint {id}"), content))
}

fn log(who: &Who, deliveries: &[Delivery]) -> Markup {
    html! { div.scroll tabindex="0" role="region" aria-label="Deliveries" { table {
        thead { tr { th.number { "Event" } th { "What" } th { "State" } th { "Last attempt" } th.number { "Attempts" } th { "" } } }
        tbody { @for it in deliveries { tr {
            td.number { (it.event) }
            td { (it.kind) }
            td { @match it.state {
                State::Pending { due } => { (badge("wait", "pending")) " due " (time(due)) },
                State::Delivered => (badge("good", "delivered")),
                State::Failed => (badge("bad", "failed")),
            } }
            td { @if let Some(attempt) = it.attempts.last().cloned().map(AttemptView::from) {
                (time(attempt.time)) ", " (attempt.milliseconds) " ms: "
                @if let Some(status) = attempt.status { (status) } @else { (attempt.error.unwrap_or_default()) }
            } }
            td.number { (it.attempts.len()) }
            td { @if who.may(Right::Webhooks) {
                form method="post" action={ "/webhooks/" (it.endpoint) "/deliveries/" (it.event) } {
                    (who.field())
                    button.quiet { "Deliver again" }
                }
            } }
        } } }
    } } }
}

/// Delivers an event once more.
pub(super) async fn redeliver(
    Of(app): Of<Arc<App>>,
    who: Who,
    Path((id, event)): Path<(u64, u64)>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Failure> {
    who.require(Right::Webhooks)?;
    let of = whose(&who.caller);
    app.blocking(move |app| Ok(app.webhooks.redeliver(of.as_deref(), id, event)?)).await?;
    Ok(Redirect::to(&format!("/webhooks/{id}")))
}
