//! Making handoffs by hand.

use super::failure::Failure;
use super::who::{Form, Who};
use crate::access::Right;
use crate::control::{HandoffAnswer, HandoffRequest};
use crate::handoff::plan::{Sweep, Terms, Withdrawal};
use crate::http::app::{App, other_answer};
use crate::http::handoffs::{key_of, terms};
use crate::http::micro::Micro;
use crate::http::problem::Problem;
use axum::extract::State as Of;
use axum::response::Redirect;
use maud::{Markup, html};
use rand_core::{OsRng, RngCore};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use stegos_common::address::Address;
use stegos_common::amount::Amount;

/// Both forms.
pub(super) fn forms(who: &Who, terms: Option<&Terms>) -> Markup {
    html! {
        section {
            h2 #new { "Make one" }
            @if let Some(terms) = terms {
                p.hint { "The treasury is " strong { (terms.treasury) } "." }
                div.columns { (withdrawal(who)) (sweep(who)) }
            } @else {
                p.notice { "No treasury is configured: name it with " code { "--treasury" } ", or in the configuration file." }
            }
        }
    }
}

fn withdrawal(who: &Who) -> Markup {
    html! {
        form.card method="post" action="/handoffs/withdrawal" {
            h3 { "Withdrawal" }
            (hidden(who))
            label for="id" { "Your id of this payment: the same is never paid twice" }
            input #id name="id" required maxlength="128" autocomplete="off" spellcheck="false";
            label for="to" { "To (address)" }
            input #to name="to" required autocomplete="off" spellcheck="false" autocapitalize="none";
            label for="amount" { "Amount in STG" }
            input #amount name="amount" required inputmode="decimal" placeholder="12.5" autocomplete="off";
            label.check { input type="checkbox" name="private" value="true"; "private: recipient and amount are hidden on the chain" }
            label for="comment" { "Comment for the recipient of a private payment" }
            input #comment name="comment" autocomplete="off";
            label.check { input type="checkbox" name="with_certificate" value="true"; "provable: with a certificate (private only)" }
            button { "Make the request" }
        }
    }
}

fn sweep(who: &Who) -> Markup {
    html! {
        form.card method="post" action="/handoffs/sweep" {
            h3 { "Sweep" }
            (hidden(who))
            label for="users" { "These users only, one on a line (empty: all)" }
            textarea #users name="users" rows="3" spellcheck="false" {}
            label for="least" { "Leave smaller outputs where they are (STG)" }
            input #least name="least" inputmode="decimal" value=(Micro::dust().0.to_string().trim_end_matches(" STG")) required autocomplete="off";
            button { "Make the request" }
            p.hint { "Gathers users' final outputs, the largest first, 100 in a transaction." }
        }
    }
}

/// The session's token, and a key by which the same form is not taken twice.
fn hidden(who: &Who) -> Markup {
    let mut key = [0; 16];
    OsRng.fill_bytes(&mut key);
    html! {
        (who.field())
        input type="hidden" name="key" value=(hex::encode(key));
    }
}

/// A payment as it is typed in.
#[derive(Deserialize, Serialize)]
pub(super) struct Payment {
    key: String,
    id: String,
    to: String,
    amount: String,
    #[serde(default)]
    private: bool,
    #[serde(default)]
    comment: String,
    #[serde(default)]
    with_certificate: bool,
}

/// Makes a withdrawal.
pub(super) async fn withdraw(
    Of(app): Of<Arc<App>>,
    who: Who,
    Form(it): Form<Payment>,
) -> Result<Redirect, Failure> {
    who.require(Right::HandOff)?;
    let key = Some(key_of(&who.caller, it.key.as_bytes(), "web withdrawal", &it)?);
    let withdrawal = Withdrawal {
        id: Some(it.id.trim().to_owned()),
        to: address(&it.to)?,
        amount: amount(&it.amount)?,
        private: it.private,
        comment: Some(it.comment).filter(|comment| !comment.is_empty()),
        with_certificate: it.with_certificate,
    };
    made(&app, HandoffRequest::Withdraw { withdrawals: vec![withdrawal], terms: terms(&app)?, key }).await
}

/// A sweep as it is typed in.
#[derive(Deserialize, Serialize)]
pub(super) struct Gather {
    key: String,
    #[serde(default)]
    users: String,
    least: String,
}

/// Makes a sweep.
pub(super) async fn gather(
    Of(app): Of<Arc<App>>,
    who: Who,
    Form(it): Form<Gather>,
) -> Result<Redirect, Failure> {
    who.require(Right::HandOff)?;
    let key = Some(key_of(&who.caller, it.key.as_bytes(), "web sweep", &it)?);
    let users: Vec<String> =
        it.users.lines().map(|user| user.trim().to_owned()).filter(|user| !user.is_empty()).collect();
    let users = Some(users).filter(|users| !users.is_empty());
    let sweep = Box::new(Sweep { users, to: None, min_amount: amount(&it.least)? });
    made(&app, HandoffRequest::Sweep { sweep, terms: terms(&app)?, key }).await
}

async fn made(app: &Arc<App>, request: HandoffRequest) -> Result<Redirect, Failure> {
    let HandoffAnswer::Made(made) = app.about_handoffs(request).await? else {
        return Err(other_answer().into());
    };
    Ok(match made.handoffs.as_slice() {
        [one] => Redirect::to(&format!("/handoffs/{}", one.number)),
        _ => Redirect::to("/handoffs?which=live"),
    })
}

fn address(text: &str) -> Result<Address, Problem> {
    text.trim().parse().map_err(|error| Problem::body(format!("the address: {error}")))
}

fn amount(text: &str) -> Result<Amount, Problem> {
    text.parse().map_err(|error| Problem::body(format!("the amount: {error}")))
}
