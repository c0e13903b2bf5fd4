//! Who looks at a page, and what a form of theirs says.

use super::failure::Failure;
use super::session::{Csrf, Open};
use crate::access::{Caller, Right};
use crate::http::app::{App, require};
use crate::http::problem::Problem;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::{HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use maud::{Markup, html};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use stegos_common::address::Network;

/// Who looks.
pub(super) struct Who {
    pub(super) caller: Caller,
    /// Missing where a program asks with a token: it has no forms to send.
    pub(super) csrf: Option<Csrf>,
    pub(super) network: Network,
    /// Whether this explorer is a replica, which changes nothing.
    pub(super) is_copy: bool,
}

impl Who {
    /// Whether a button is shown. Whatever it does asks again.
    pub(super) fn may(&self, right: Right) -> bool {
        !self.is_copy && self.csrf.is_some() && self.caller.role.may(right)
    }

    /// What every form brings back.
    pub(super) fn csrf(&self) -> &str {
        self.csrf.as_ref().map_or("", Csrf::reveal)
    }

    /// The field of every form that does.
    pub(super) fn field(&self) -> Markup {
        html! { input type="hidden" name="csrf" value=(self.csrf()); }
    }

    /// Refuses what may not be done.
    pub(super) fn require(&self, right: Right) -> Result<(), Failure> {
        Ok(require(&self.caller, right)?)
    }
}

impl FromRequestParts<Arc<App>> for Who {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let caller = parts.extensions.get::<Caller>().cloned();
        let caller = caller.ok_or_else(|| Problem::internal("a page without a caller"))?;
        let csrf = parts.extensions.get::<Open>().map(|open| open.csrf.clone());
        let is_copy = app.ledger.copied().map_err(Problem::from)?.is_some();
        Ok(Self { caller, csrf, network: app.ledger.network(), is_copy })
    }
}

/// What a form says that one of the session's own pages sent.
pub(super) struct Form<T>(pub(super) T);

/// A form that is a button alone.
#[derive(Deserialize)]
pub(super) struct Nothing {}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    csrf: String,
}

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Form<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Failure> {
        require_same_origin(request.headers())?;
        let csrf = request.extensions().get::<Open>().map(|open| open.csrf.clone());
        let bytes = Bytes::from_request(request, app).await;
        let bytes = bytes.map_err(|error| Problem::new(error.status(), "too_long", error.body_text()))?;
        let said: Token = parsed(&bytes)?;
        if !csrf.is_some_and(|csrf| csrf.is(&said.csrf)) {
            return Err(foreign("the form is not one of this session: load the page again").into());
        }
        Ok(Self(parsed(&bytes)?))
    }
}

/// A form's text, taken apart.
fn parsed<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_urlencoded::from_bytes(bytes)
        .map_err(|error| Problem::body(format!("the form cannot be read: {error}")))
}

/// Refuses what a page of another host makes a browser send.
pub(super) fn require_same_origin(headers: &HeaderMap) -> Result<(), Problem> {
    let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    if origin.is_some() && origin == host {
        return Ok(());
    }
    Err(foreign("the form was sent by a page of another host"))
}

fn foreign(detail: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "foreign_form", detail)
}
