//! One output.

use super::failure::Failure;
use super::layout::Page;
use super::parts::{finality, handoff, money, place, time, user};
use super::users::kind;
use super::who::Who;
use crate::control::{Answer, BlockRow, Event, Request};
use crate::http::app::{App, other_answer};
use crate::http::problem::Problem;
use axum::extract::{Path, State as Of};
use maud::{Markup, html};
use std::sync::Arc;
use stegos_common::hash::Hash;

/// The page.
pub(super) async fn one(Of(app): Of<Arc<App>>, who: Who, Path(id): Path<String>) -> Result<Page, Failure> {
    let id: Hash = id.parse().map_err(Problem::parameter)?;
    let Answer::Output(it) = app.ask(Request::Output { output_hash: id }).await? else {
        return Err(other_answer().into());
    };
    let reserved = app.blocking(move |app| Ok(app.ledger.reserved_for(&id)?)).await?;
    let row = &it.output;
    let content = html! {
        h1 { "Output" }
        p { code.whole { (id) } }
        section data-live="output" { dl.facts {
            div { dt { "Amount" } dd { @match row.amount { Some(amount) => (money(amount)), None => "only its recipient can read it" } } }
            div { dt { "Kind" } dd { (kind(row.kind)) } }
            @if let Some(recipient) = &row.recipient { div { dt { "Recipient" } dd { code.whole { (recipient.to_string()) } } } }
            div { dt { "User" } dd { @match &it.account { Some(account) => (user(account)), None => "none of ours" } } }
            div { dt { "Made" } dd { (cause(&row.created, it.created_block.as_ref())) } }
            div { dt { "Spent" } dd { @match &row.spent { Some(spent) => (cause(spent, it.spent_block.as_ref())), None => "no" } } }
            @if let Some(number) = reserved { div { dt { "Reserved for" } dd { (handoff(number)) } } }
        } }
        @if let Some(blob) = &it.blob {
            section { details { summary { "The output as the network has it (protobuf, in hex)" } pre { (hex::encode(&blob.0)) } } }
        }
    };
    Ok(Page::new(&who, "/users", "Output", content))
}

fn cause(event: &Event, block: Option<&BlockRow>) -> Markup {
    html! {
        (place(event)) " " (finality(event.finality))
        @if let Some(block) = block { ", " (time(block.time)) br; "block " code.whole { (block.block_hash) } }
        @if let Some(transaction) = event.transaction { br; "transaction " code.whole { (transaction) } }
    }
}
