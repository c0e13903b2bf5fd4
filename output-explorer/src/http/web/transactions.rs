//! Transactions that the signer signed.

use super::failure::Failure;
use super::handoffs::listed;
use super::layout::{Page, link};
use super::overview::amount;
use super::parts::{handoff, money, more, short, state, time};
use super::who::Who;
use crate::http::app::App;
use crate::ledger::handoffs::Which;
use axum::extract::{Query, State as Of};
use maud::html;
use serde::Deserialize;
use std::sync::Arc;

/// Which part of the list.
#[derive(Deserialize)]
pub(super) struct Part {
    before: Option<u64>,
}

/// The page.
pub(super) async fn list(
    Of(app): Of<Arc<App>>,
    who: Who,
    Query(Part { before }): Query<Part>,
) -> Result<Page, Failure> {
    let (handoffs, last) = listed(&app, Which::Signed, before).await?;
    let content = html! {
        h1 { "Transactions" }
        p.hint { "What the signer signed and was handed in here, the youngest handoff first." }
        section data-live="transactions" {
            @if handoffs.is_empty() { p.empty { "None was signed yet." } } @else {
                div.scroll tabindex="0" role="region" aria-label="Transactions" { table {
                    thead { tr { th { "For" } th.number { "Amount" } th { "State" } th { "Since" } th.number { "Fee" } th { "Transaction" } } }
                    tbody { @for it in &handoffs { @if let Some(transaction) = &it.transaction { tr {
                        td { (it.purpose) ", " (handoff(it.number)) }
                        td.number { (money(amount(it))) }
                        td { (state(transaction.state())) }
                        td { @if let Some(step) = transaction.history.last() { (time(step.time)) } }
                        td.number { (money(it.fee)) }
                        td { (short(&transaction.id.to_string())) }
                    } } } }
                } }
            }
        }
        (more(last.map(|last| link("/transactions", &[("before", &last)])), "Older transactions"))
    };
    Ok(Page::new(&who, "/transactions", "Transactions", content))
}
