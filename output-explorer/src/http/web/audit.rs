//! For auditors: exports, proofs, and what the signer's journal tells.

use super::failure::Failure;
use super::layout::Page;
use super::parts::{badge, handoff, money, time};
use super::who::{Form, Who};
use crate::control::{Answer, Request};
use crate::export::What;
use crate::http::app::{App, other_answer};
use crate::reserves::Proof;
use axum::extract::State as Of;
use clap::ValueEnum;
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::Arc;
use stegos_common::reserves::Root;

/// The page.
pub(super) async fn page(Of(app): Of<Arc<App>>, who: Who) -> Result<Page, Failure> {
    shown(&app, &who, None).await
}

/// A proof and the root that it is to lead to.
#[derive(Deserialize)]
pub(super) struct Claim {
    proof: String,
    root: String,
}

/// The page, with what came of a proof.
pub(super) async fn check(
    Of(app): Of<Arc<App>>,
    who: Who,
    Form(claim): Form<Claim>,
) -> Result<Page, Failure> {
    shown(&app, &who, Some(claim)).await
}

async fn shown(app: &Arc<App>, who: &Who, claim: Option<Claim>) -> Result<Page, Failure> {
    let Answer::Status(status) = app.ask(Request::Status).await? else { return Err(other_answer().into()) };
    let content = html! {
        h1 { "Audit" }
        section {
            h2 { "Exports" }
            @match status.epoch.checked_sub(1) {
                None => p.empty { "No epoch is over yet: nothing is final." },
                Some(epoch) => {
                    p { "Everything that is final, with a total in the last row that says whether it reconciles: deposits, less withdrawals and fees, are what is there." }
                    form.row method="get" action="/v1/exports/outputs" data-export="" {
                        label for="what" { "What" }
                        select #what name="what" { @for what in What::value_variants() { option value=(what.name()) { (what.name()) } } }
                        label for="epoch" { "At the end of epoch" }
                        input #epoch name="at_epoch" type="number" min="0" max=(epoch) value=(epoch) required;
                        label for="format" { "As" }
                        select #format name="format" { option value="csv" { "CSV" } option value="jsonl" { "JSON lines" } }
                        button { "Download" }
                    }
                    noscript { p { "Without scripts: " @for what in What::value_variants() { a href={ "/v1/exports/" (what.name()) "?format=csv" } { (what.name()) } " " } } }
                },
            }
        }
        section {
            h2 { "The signer's journal" }
            dl.facts {
                div { dt { "State" } dd { @match &status.signer_journal.alarm {
                    Some(alarm) => { (badge("bad", "went back")) " " (handoff(alarm.handoff)) ", " (time(alarm.time)) ": " (alarm.to_string()) },
                    None => { (badge("good", "as known")) },
                } } }
                @if let Some(known) = status.signer_journal.latest() {
                    div { dt { "Records known" } dd { (known.count) } }
                    div { dt { "Its head" } dd { code.whole { (known.head.to_string()) } } }
                }
            }
            p.hint { "Each answer of the signer says how long its journal is. One that is shorter than before has forgotten what it signed." }
        }
        section {
            h2 { "Proof of what is owed" }
            p { "Made on the explorer's host, with a file for every user: " code { "output-explorer reserves create --at-epoch N --out DIR" } "." }
            @if let Some(claim) = &claim { (result(claim)) }
            form.card method="post" action="/audit" {
                (who.field())
                label for="proof" { "A user's proof (JSON)" }
                textarea #proof name="proof" rows="4" required spellcheck="false" { @if let Some(claim) = &claim { (claim.proof) } }
                label for="root" { "The published root (JSON)" }
                textarea #root name="root" rows="4" required spellcheck="false" { @if let Some(claim) = &claim { (claim.root) } }
                button { "Check" }
            }
        }
        section {
            h2 { "The whole ledger" }
            p { "Derived anew from the node and compared, output by output, on the explorer's host: " code { "output-explorer audit" } "." }
        }
    };
    Ok(Page::new(who, "/audit", "Audit", content))
}

/// What came of a proof, in words.
fn result(claim: &Claim) -> Markup {
    let read = || -> Result<Proof, String> {
        let proof: Proof =
            serde_json::from_str(&claim.proof).map_err(|error| format!("the proof: {error}"))?;
        let root: Root = serde_json::from_str(&claim.root).map_err(|error| format!("the root: {error}"))?;
        proof.check(&root).map_err(|error| error.to_string())?;
        Ok(proof)
    };
    match read() {
        Ok(proof) => html! {
            p.notice.good role="status" { strong { "Proved. " } (proof.account) " is counted with " (money(proof.amount)) " at the end of epoch " (proof.epoch) "." }
        },
        Err(why) => html! { p.notice.bad role="alert" { strong { "Not proved: " } (why) } },
    }
}
