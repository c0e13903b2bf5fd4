//! Users, and one of them.

use super::chart::steps;
use super::failure::Failure;
use super::layout::{Page, link, user_path};
use super::parts::{badge, finality, money, more, output, place, short, time, user};
use super::picture::qr;
use super::who::{Form, Nothing, Who};
use crate::access::Right;
use crate::control::{
    Answer, BalanceAnswer, HistoryRow, KindName, OutputRow, PlaceText, Request, Rows, State, UserRow,
};
use crate::export::What as Exported;
use crate::http::app::{App, other_answer};
use crate::http::problem::Problem;
use crate::ledger::record::{Balance, What};
use axum::extract::{Path, Query, State as Of};
use axum::response::Redirect;
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::Arc;
use stegos_common::address::EncodedAddress;
use stegos_common::amount::Amount;

/// So many users stand on a page.
const USERS: usize = 50;

/// So many outputs of a user do, and so much of what happened.
const ROWS: usize = 25;

/// So many epochs are drawn.
const POINTS: u64 = 60;

/// Which users.
#[derive(Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    archived: bool,
}

/// All users, and a search by the beginning of their ids or by an address.
pub(super) async fn list(
    Of(app): Of<Arc<App>>,
    who: Who,
    Query(search): Query<Search>,
) -> Result<Result<Page, Redirect>, Failure> {
    let Search { prefix, after, archived } = search;
    let prefix = prefix.trim().to_owned();
    if let Answer::Address(address) = app.ask(Request::CheckAddress { address: prefix.clone() }).await?
        && let Some(account) = address.account
    {
        return Ok(Err(Redirect::to(&user_path(&account))));
    }
    let behind = Some(after).filter(|after| !after.is_empty());
    let request = Request::Users {
        after: behind,
        prefix: prefix.clone(),
        archived,
        descending: false,
        limit: USERS + 1,
    };
    let Answer::Users { mut users } = app.ask(request).await? else { return Err(other_answer().into()) };
    let is_more = users.len() > USERS;
    users.truncate(USERS);
    let mut rows = Vec::new();
    for row in &users {
        rows.push((row, balance(&app, &row.account).await?.balance));
    }
    let last = users.last().map(|user| user.account.as_str()).filter(|_| is_more);
    let archived = if archived { "true" } else { "" };
    let next =
        last.map(|last| link("/users", &[("prefix", &prefix), ("after", last), ("archived", archived)]));
    let content = html! {
        h1 { "Users" }
        form.row role="search" method="get" action="/users" {
            label for="prefix" { "Account id (how it begins) or address" }
            input #prefix type="search" name="prefix" value=(prefix) spellcheck="false" autocapitalize="none";
            label.check { input type="checkbox" name="archived" value="true" checked[!archived.is_empty()]; "archived too" }
            button { "Search" }
        }
        section data-live="users" {
            @if rows.is_empty() {
                p.empty {
                    @if prefix.is_empty() {
                        "There is no user yet. The signer's addresses are added on this host: "
                        code { "output-explorer user import addresses.csv" }
                    } @else { "No account id begins with " code { (prefix) } ", and no user has such an address." }
                }
            } @else { (table(&rows)) }
        }
        (more(next, "More users"))
    };
    Ok(Ok(Page::new(&who, "/users", "Users", content)))
}

fn table(rows: &[(&UserRow, Balance)]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Users" { table {
            thead { tr { th { "Account" } th.number { "Final" } th.number { "With prepared" } th.number { "Unspent outputs" } th { "Address" } } }
            tbody { @for (row, balance) in rows { tr {
                td { (user(&row.account)) @if row.archived { " " (badge("off", "archived")) } }
                td.number { (money(balance.settled.amount)) }
                td.number { (money(balance.prepared.amount)) }
                td.number { (balance.prepared.outputs) }
                td { @if let Some(address) = &row.current { (short(&address.to_string())) } }
            } } }
        } }
    }
}

async fn balance(app: &Arc<App>, account: &str) -> Result<BalanceAnswer, Failure> {
    match app.ask(Request::Balance { account: account.to_owned(), at_epoch: None }).await? {
        Answer::Balance(balance) => Ok(balance),
        _ => Err(other_answer().into()),
    }
}

/// Which part of a user's lists.
#[derive(Deserialize)]
pub(super) struct Part {
    state: Option<State>,
    /// Outputs behind this place.
    after: Option<String>,
    /// History before this place.
    until: Option<String>,
}

/// What can be exported of one user, in words that fit one.
const EXPORTS: [(Exported, &str); 4] = [
    (Exported::Users, "addresses"),
    (Exported::Outputs, "outputs"),
    (Exported::Balances, "balance"),
    (Exported::Transactions, "transactions"),
];

/// One user.
pub(super) async fn one(
    Of(app): Of<Arc<App>>,
    who: Who,
    Path(account): Path<String>,
    Query(part): Query<Part>,
) -> Result<Page, Failure> {
    let Answer::User(row) = app.ask(Request::User { account: account.clone() }).await? else {
        return Err(other_answer().into());
    };
    let balance = balance(&app, &account).await?;
    let state = part.state.unwrap_or(State::Unspent);
    let outputs = outputs(&app, &account, state, part.after).await?;
    let history = history(&app, &account, part.until, true, ROWS).await?;
    let points = points(&app, &account).await?;
    let path = user_path(&account);
    let content = html! {
        h1 { (account) @if row.archived { " " (badge("off", "archived")) } }
        section.columns {
            div { (pay_to(&row)) }
            div data-live="balance" { (what_it_has(&balance)) }
        }
        section data-live="history" {
            h2 { "Balance" }
            @if points.is_empty() { p.empty { "Nothing was ever final here." } } @else {
                (steps("Final balance at the end of epochs", &points))
            }
            h2 { "History" }
            (happened(&history))
            @if let Some(next) = &history.next { (more(Some(link(&path, &[("until", &next.0.to_string())])), "What happened before")) }
        }
        section data-live="outputs" {
            h2 #outputs { "Outputs" }
            p.tabs { @for (kind, name) in [(State::Unspent, "unspent"), (State::Spent, "spent"), (State::All, "all")] {
                a href={ (link(&path, &[("state", name)])) "#outputs" } aria-current=[(kind == state).then_some("true")] { (name) }
            } }
            (all(&outputs))
            @if let Some(next) = &outputs.next { (more(Some(link(&path, &[("state", name_of(state)), ("after", &next.0.to_string())]) + "#outputs"), "More outputs")) }
        }
        section { h2 { "Export" } p {
            "Everything of this user that is final, as CSV: "
            @for (what, name) in EXPORTS {
                a href=(link(&format!("/v1/exports/{}", what.name()), &[("account", &account)])) download { (name) } ", "
            }
            "or " a href="/audit" { "of all users" } "."
        } }
        @if who.may(Right::Manage) && !row.archived {
            section { details {
                summary { "Archive this user…" }
                form method="post" action={ (path) "/archive" } {
                    (who.field())
                    p { "It is listed no more, and keeps its addresses: money may come to them for ever." }
                    button.danger { "Archive " (account) }
                }
            } }
        }
    };
    Ok(Page::new(&who, "/users", &account, content))
}

/// Takes a user off the list.
pub(super) async fn archive(
    Of(app): Of<Arc<App>>,
    who: Who,
    Path(account): Path<String>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Failure> {
    who.require(Right::Manage)?;
    app.ask(Request::RemoveUser { account: account.clone() }).await?;
    Ok(Redirect::to(&user_path(&account)))
}

const fn name_of(state: State) -> &'static str {
    match state {
        State::Unspent => "unspent",
        State::Spent => "spent",
        State::All => "all",
    }
}

fn pay_to(row: &UserRow) -> Markup {
    let older: Vec<&EncodedAddress> =
        row.addresses.iter().filter(|address| Some(**address) != row.current).collect();
    html! {
        h2 { "Pay to" }
        @if let Some(address) = row.current {
            @let text = address.to_string();
            div.qr { (qr(&text, "QR code of the address")) }
            p { code.whole #address { (text) } " " button.quiet type="button" data-copy="address" { "Copy" } }
        }
        @if !older.is_empty() { details {
            summary { (older.len()) " older addresses, which stay this user's" }
            ul { @for address in older { li { code.whole { (address.to_string()) } } } }
        } }
    }
}

fn what_it_has(balance: &BalanceAnswer) -> Markup {
    html! {
        h2 { "Has" }
        p.large { (money(balance.balance.settled.amount)) " " (badge("good", "final")) }
        dl.facts {
            div { dt { "With what is prepared" } dd { (money(balance.balance.prepared.amount)) } }
            div { dt { "Unspent public outputs" } dd { (balance.balance.prepared.outputs) } }
            @if balance.own_private.prepared.outputs > 0 {
                div { dt { "Private outputs of our own transactions" } dd { (money(balance.own_private.prepared.amount)) } }
            }
        }
        p.hint { "What is prepared may still be taken back with its block. Credit a deposit when it is final." }
    }
}

async fn outputs(
    app: &Arc<App>,
    account: &str,
    state: State,
    after: Option<String>,
) -> Result<Rows<OutputRow>, Failure> {
    let account = account.to_owned();
    let request =
        Request::Outputs { account, state, finality: None, since: 0, after: place_of(after)?, limit: ROWS };
    match app.ask(request).await? {
        Answer::Outputs(rows) => Ok(rows),
        _ => Err(other_answer().into()),
    }
}

async fn history(
    app: &Arc<App>,
    account: &str,
    after: Option<String>,
    descending: bool,
    limit: usize,
) -> Result<Rows<HistoryRow>, Failure> {
    let (account, after) = (account.to_owned(), place_of(after)?);
    match app.ask(Request::History { account, after, descending, limit }).await? {
        Answer::History(rows) => Ok(rows),
        _ => Err(other_answer().into()),
    }
}

fn place_of(text: Option<String>) -> Result<Option<PlaceText>, Problem> {
    text.map(|text| text.parse().map_err(Problem::parameter)).transpose()
}

/// What a user had at the end of epochs: as many as can be drawn, from the first one in which something happened.
async fn points(app: &Arc<App>, account: &str) -> Result<Vec<(u64, Amount)>, Failure> {
    let first = history(app, account, None, false, 1).await?.rows.first().map(|row| row.event.epoch);
    let end = app.blocking(|app| Ok(app.ledger.end()?.epoch)).await?;
    let (Some(first), Some(last)) = (first, end.checked_sub(1)) else { return Ok(Vec::new()) };
    let step = (last.saturating_sub(first) / POINTS).saturating_add(1);
    let mut points = Vec::new();
    // The last epoch is always one of them.
    let mut epochs: Vec<u64> = (0..=POINTS).filter_map(|number| last.checked_sub(number * step)).collect();
    epochs.retain(|epoch| *epoch >= first);
    for epoch in epochs.into_iter().rev() {
        let request = Request::Balance { account: account.to_owned(), at_epoch: Some(epoch) };
        let Answer::BalanceAt(balance) = app.ask(request).await? else { return Err(other_answer().into()) };
        points.push((epoch, balance.sum.amount));
    }
    Ok(points)
}

fn happened(history: &Rows<HistoryRow>) -> Markup {
    html! {
        @if history.rows.is_empty() { p.empty { "Nothing happened here." } } @else {
            div.scroll tabindex="0" role="region" aria-label="History" { table {
                thead { tr { th { "What" } th.number { "Amount" } th { "State" } th { "When" } th { "Where" } th { "Output" } } }
                tbody { @for row in &history.rows { tr {
                    td { @match row.what { What::Deposit => "deposit", What::Spend => "spent" } }
                    td.number { @if let Some(amount) = row.amount {
                        @match row.what { What::Deposit => { "+" }, What::Spend => { "−" } } (money(amount))
                    } }
                    td { (finality(row.event.finality)) }
                    td { @if let Some(at) = row.time { (time(at)) } }
                    td { (place(&row.event)) }
                    td { (output(row.output_hash)) }
                } } }
            } }
        }
    }
}

fn all(outputs: &Rows<OutputRow>) -> Markup {
    html! {
        @if outputs.rows.is_empty() { p.empty { "There are none." } } @else {
            div.scroll tabindex="0" role="region" aria-label="Outputs" { table {
                thead { tr { th { "Output" } th.number { "Amount" } th { "Made" } th { "Spent" } } }
                tbody { @for row in &outputs.rows { tr {
                    td { (output(row.output_hash)) }
                    td.number { @if let Some(amount) = row.amount { (money(amount)) } @else { (kind(row.kind)) } }
                    td { (place(&row.created)) " " (finality(row.created.finality)) }
                    td { @if let Some(spent) = &row.spent { (place(spent)) " " (finality(spent.finality)) } }
                } } }
            } }
        }
    }
}

/// The kind of an output.
pub(super) const fn kind(kind: KindName) -> &'static str {
    match kind {
        KindName::Public => "public",
        KindName::Private => "private",
        KindName::Stake => "stake",
    }
}
