//! What stands before every request: from where it comes, how often, who asks; and what every answer gets.

use super::app::App;
use super::health::{ALIVE, READY};
use super::problem::Problem;
use super::{DOCS, OPENAPI, web};
use crate::access::Caller;
use crate::clock::now;
use crate::log::{Line, tell};
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use headers::{HeaderMapExt, IfNoneMatch};
use rand_core::{OsRng, RngCore};
use sha2::{Digest, Sha256};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use stegos_common::text::excerpt;
use tokio::time::timeout;

/// By which a request is found in the log.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// An answer takes no longer, but for imports.
const LONGEST: Duration = Duration::from_secs(90);

/// Nor does an import.
const LONGEST_IMPORT: Duration = Duration::from_secs(3600);

/// Lets a request in, or not.
pub(super) async fn guard(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let begun = app.metrics.http.begin();
    let mut id = [0; 8];
    OsRng.fill_bytes(&mut id);
    let id = hex::encode(id);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    let asked = request.headers().typed_get::<IfNoneMatch>();
    let mut who = None;
    // What a browser sends by itself since it opened the API's pages does not stand in a session's way: it opens nothing
    // else.
    let said = request.headers().get(AUTHORIZATION);
    if said.is_none_or(|said| said.to_str().is_ok_and(is_basic))
        && let Some((open, said)) = web::session(&app, &method, &path, request.headers())
    {
        request.headers_mut().insert(AUTHORIZATION, said);
        request.extensions_mut().insert(open);
    }
    let response = match admit(&app, peer, &method, &path, request.headers()).await {
        Err(problem) => {
            app.metrics.http.refused(problem.code());
            if problem.is_unauthorized() && request.extensions().get::<web::Open>().is_some() {
                // A session of a token that is none any more: it must not count as a wrong token again and again.
                let _gone = app.sessions.end(request.headers(), app.is_encrypted);
            }
            if web::is_page(&path) {
                web::refused(problem, request.uri().path_and_query().map_or("/", PathAndQuery::as_str))
            } else {
                problem.into_response()
            }
        }
        Ok(caller) => {
            if let Some(caller) = caller {
                who = Some(caller.id.clone());
                request.extensions_mut().insert(caller);
            }
            let longest = if path.starts_with("/v1/imports/") { LONGEST_IMPORT } else { LONGEST };
            let slow = "the request took too long";
            timeout(longest, next.run(request)).await.unwrap_or_else(|_| {
                Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", slow).into_response()
            })
        }
    };
    let status = response.status().as_u16();
    let took = app.metrics.http.end(begun, &method, route, status);
    // What changes something, or tries to; whoever has no token is not worth a line.
    if let Some(who) = who.filter(|_| !matches!(method, Method::GET | Method::HEAD) && !web::is_camera(&path))
    {
        let (who, path, address) = (excerpt(&who), excerpt(&path), peer.ip());
        let text = format!("http: {method} {path} by {who} from {address}: {status}, request {id}");
        let line = Line::info(text).with("method", method.as_str()).with("route", route).with("path", path);
        let line = line.with("caller", who).with("address", address.to_string()).with("status", status);
        tell(line.with("request_id", id.as_str()).with("duration_seconds", took.as_secs_f64()));
    }
    let mut response = tagged(&method, asked, response).await;
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

/// Whether a request may come in, and who asks.
async fn admit(
    app: &Arc<App>,
    peer: SocketAddr,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Result<Option<Caller>, Problem> {
    let address = peer.ip();
    if !app.allow.allows(address) {
        let detail = format!("requests from {} are not allowed here", address.to_canonical());
        return Err(Problem::new(StatusCode::FORBIDDEN, "address_not_allowed", detail));
    }
    app.limits.check_address(address).map_err(Problem::too_many)?;
    if matches!(path, ALIVE | READY) || web::is_public(path) {
        return Ok(None);
    }
    let is_page =
        matches!(*method, Method::GET | Method::HEAD) && (path.starts_with(DOCS) || path == OPENAPI);
    let said = headers.get(AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
    let credentials = match said {
        // A browser can send nothing else. What it sends by itself must not change anything.
        Some(said) if is_page && is_basic(said) => password(said),
        said => said.map(str::to_owned),
    };
    let caller = app.blocking(move |app| Ok(app.access.caller(credentials.as_deref(), now())?)).await;
    match caller {
        Ok(caller) => {
            app.limits.check_caller(&caller.id).map_err(Problem::too_many)?;
            Ok(Some(caller))
        }
        Err(problem) if !problem.is_unauthorized() => Err(problem),
        Err(problem) => {
            if said.is_some() {
                app.limits.check_failure(address).map_err(Problem::too_many)?;
            }
            let basic = HeaderValue::from_static("Basic realm=\"output-explorer\"");
            Err(if is_page { problem.with(WWW_AUTHENTICATE, basic) } else { problem })
        }
    }
}

fn is_basic(said: &str) -> bool {
    said.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic "))
}

/// The password of a browser's log-in, as the token that it is.
fn password(said: &str) -> Option<String> {
    let decoded = BASE64_STANDARD.decode(said.get(6..)?.trim()).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (_, token) = text.split_once(':')?;
    Some(format!("Bearer {token}"))
}

/// Whoever has the same answer already is told no more than that.
async fn tagged(method: &Method, asked: Option<IfNoneMatch>, response: Response) -> Response {
    let json = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    if *method != Method::GET || response.status() != StatusCode::OK || !json {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let body = match to_bytes(body, usize::MAX).await {
        Ok(body) => body,
        Err(error) => return Problem::internal(error).into_response(),
    };
    let digest = Sha256::digest(&body);
    let tag = format!("\"{}\"", hex::encode(digest.split_at(16).0));
    let Ok(tag) = tag.parse::<headers::ETag>() else { return Response::from_parts(parts, Body::from(body)) };
    parts.headers.typed_insert(tag.clone());
    if asked.is_some_and(|asked| !asked.precondition_passes(&tag)) {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(CONTENT_TYPE);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(body))
}
