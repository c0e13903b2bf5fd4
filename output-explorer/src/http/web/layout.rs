//! What all pages have in common.

use super::who::Who;
use crate::access::Right;
use crate::event::TYPES;
use crate::http::users::path_of;
use axum::http::HeaderName;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use url::form_urlencoded;

/// Nothing from elsewhere, no script or style but the program's own files, no frame, no form to elsewhere; nothing is
/// kept by the browser, and only pages of this host learn where somebody came from. The camera is for this host's pages.
pub(super) const SECURITY: [(HeaderName, &str); 6] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (CACHE_CONTROL, "no-store"),
    (REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(self), microphone=(), geolocation=()"),
];

/// The pages that everybody finds at the top.
const PAGES: [(&str, &str); 7] = [
    ("/", "Overview"),
    ("/users", "Users"),
    ("/handoffs", "Handoffs"),
    ("/transactions", "Transactions"),
    ("/events", "Events"),
    ("/audit", "Audit"),
    ("/webhooks", "Webhooks"),
];

/// A page.
pub(super) struct Page(Markup);

impl Page {
    /// A page of somebody who is logged in. `at` is where it stands: one of the pages at the top.
    pub(super) fn new(who: &Who, at: &str, title: &str, content: Markup) -> Self {
        Self(frame(
            &format!("{title} · Stegos custody"),
            html! {
                header {
                    a.skip href="#content" { "Skip to the content" }
                    nav aria-label="Pages" {
                        a.brand href="/" { "Stegos custody" span.network { (who.network) } }
                        @for (href, name) in PAGES {
                            a href=(href) aria-current=[(href == at).then_some("page")] { (name) }
                        }
                    }
                    (session(who))
                }
                main #content { (content) }
                (footer(who))
            },
        ))
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        (SECURITY, Html(self.0.into_string())).into_response()
    }
}

/// Who is logged in, and the way out.
fn session(who: &Who) -> Markup {
    html! {
        div.session {
            @if who.csrf.is_some() {
                span title=(who.caller.id) { "Logged in as " strong { (who.caller.role) } }
                form method="post" action="/logout" {
                    (who.field())
                    button.quiet { "Log out" }
                }
            }
        }
    }
}

fn footer(who: &Who) -> Markup {
    html! {
        footer {
            @if who.is_copy {
                span { "A replica: it shows what another explorer knows, and changes nothing. " }
            } @else if !who.may(Right::HandOff) {
                span { "You may read everything here, and change nothing. " }
            }
            span #live role="status" data-types=(TYPES.join(" ")) {}
            " " a href="/docs/" { "HTTP API" }
        }
    }
}

/// A page for whoever is not logged in.
pub(super) fn plain(title: &str, content: Markup) -> Page {
    Page(frame(&format!("{title} · Stegos custody"), html! { main #content.plain { (content) } }))
}

fn frame(title: &str, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/assets/style.css";
                script src="/assets/script.js" defer {}
            }
            body { (body) }
        }
    }
}

/// A link to another part of a list: the same page with other parameters.
pub(super) fn link(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    format!("{path}?{}", query.finish())
}

/// The page of a user: an account id may be any printable text.
pub(super) fn user_path(account: &str) -> String {
    path_of("/users", account)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_accounts_of_any_name() {
        assert_eq!(user_path("a/b ?#%"), "/users/a%2Fb%20%3F%23%25");
        assert_eq!(link("/users", &[("prefix", "a&b"), ("after", "")]), "/users?prefix=a%26b");
    }
}
