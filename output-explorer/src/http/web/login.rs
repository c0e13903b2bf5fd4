//! Logging in with a token, and out.

use super::failure::Failure;
use super::layout::{Page, SECURITY, plain};
use super::session::IDLE;
use super::who::{Form, Nothing, require_same_origin};
use crate::access::AccessError;
use crate::clock::now;
use crate::http::app::App;
use crate::http::problem::Problem;
use crate::log::{Line, tell};
use axum::Form as Unasked;
use axum::extract::rejection::FormRejection;
use axum::extract::{ConnectInfo, Query, State as Of};
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use maud::html;
use serde::Deserialize;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;
use zeroize::Zeroizing;

/// Where to go afterwards.
#[derive(Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
}

/// What is typed in.
#[derive(Deserialize)]
pub(super) struct Typed {
    token: String,
    #[serde(default)]
    next: String,
}

/// The form.
pub(super) async fn form(Query(Next { next }): Query<Next>) -> Page {
    shown(&next, None)
}

fn shown(next: &str, wrong: Option<&str>) -> Page {
    let minutes = IDLE.as_secs() / 60;
    plain(
        "Log in",
        html! {
            h1 { "Stegos custody" }
            p { "The online side: what every user has, and what the signer is asked to sign." }
            @if let Some(wrong) = wrong { p.notice.bad role="alert" { (wrong) } }
            form.card method="post" action="/login" {
                input type="hidden" name="next" value=(next);
                label for="token" { "Token" }
                input #token type="password" name="token" required autocomplete="current-password"
                    autofocus spellcheck="false";
                button { "Log in" }
            }
            p.hint {
                "An operator makes one on the explorer's host: "
                code { "output-explorer token create --role auditor" }
                ". It decides what you may do here. After " (minutes) " minutes without you the session ends."
            }
        },
    )
}

/// Logs in.
pub(super) async fn log_in(
    Of(app): Of<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    typed: Result<Unasked<Typed>, FormRejection>,
) -> Result<Response, Failure> {
    require_same_origin(&headers)?;
    let Unasked(Typed { token, next }) =
        typed.map_err(|error| Problem::new(error.status(), "invalid_body", error.body_text()))?;
    let typed = Zeroizing::new(token);
    let token = Zeroizing::new(typed.trim().to_owned());
    let authorization = Zeroizing::new(format!("Bearer {}", *token));
    let known = app.blocking(move |app| match app.access.caller(Some(&authorization), now()) {
        Ok(caller) => Ok(Some(caller)),
        Err(AccessError::Ledger(error)) => Err(error.into()),
        Err(_) => Ok(None),
    });
    let Some(caller) = known.await? else {
        app.limits.check_failure(peer.ip()).map_err(Problem::too_many)?;
        let wrong = "This token is not valid: it may be mistyped, over, or revoked.";
        return Ok((StatusCode::UNAUTHORIZED, shown(&next, Some(wrong))).into_response());
    };
    // Whoever logs in anew leaves no session behind that nobody can end.
    app.sessions.end(&headers, app.is_encrypted);
    let cookie = app.sessions.begin(&caller.id, &token, app.is_encrypted, Instant::now());
    let line = Line::info(format!("web: {} logged in from {}", caller.id, peer.ip()));
    tell(line.with("caller", caller.id).with("address", peer.ip().to_string()));
    leave(&cookie, own(&next))
}

/// Logs out.
pub(super) async fn log_out(
    Of(app): Of<Arc<App>>,
    headers: HeaderMap,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Failure> {
    leave(&app.sessions.end(&headers, app.is_encrypted), "/login")
}

fn leave(cookie: &str, next: &str) -> Result<Response, Failure> {
    let mut cookie = HeaderValue::from_str(cookie).map_err(Problem::internal)?;
    cookie.set_sensitive(true);
    let next = HeaderValue::from_str(next).map_err(Problem::internal)?;
    Ok((StatusCode::SEE_OTHER, SECURITY, [(SET_COOKIE, cookie), (LOCATION, next)]).into_response())
}

/// A page of ours, or the first one: nobody is sent to another host.
fn own(next: &str) -> &str {
    let is_path = next.starts_with('/') && !next.starts_with("//");
    let is_plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_path && is_plain { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::own;

    #[test]
    fn nobody_is_sent_to_another_host() {
        assert_eq!(own("/users?prefix=a"), "/users?prefix=a");
        for elsewhere in ["", "//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nb", "/\t/x"]
        {
            assert_eq!(own(elsewhere), "/", "{elsewhere:?}");
        }
    }
}
