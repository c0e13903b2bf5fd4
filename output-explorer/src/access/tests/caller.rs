//! Tokens of the ledger.

use super::config;
use crate::access::token::{Token, TokenText};
use crate::access::{Access, AccessError, Caller, Role};
use crate::ledger::store::memory::MemoryStore;
use crate::ledger::tokens::{TokenError, TokenRecord};
use crate::ledger::{Ledger, Settings};
use rand_core::OsRng;
use std::sync::Arc;
use stegos_common::address::Network;
use stegos_common::api::encoding::Timestamp;

const fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix_nanos(seconds * 1_000_000_000)
}

struct Stage {
    ledger: Arc<Ledger>,
    access: Access,
}

impl Stage {
    fn new() -> Self {
        let settings = Settings { network: Network::Dev, keep_spent_blobs: true, keep_events: 1000 };
        let ledger = Arc::new(Ledger::new(Box::new(MemoryStore::default()), settings).unwrap());
        let access = Access::new(&config(None, Vec::new()), Arc::clone(&ledger)).unwrap();
        Self { ledger, access }
    }

    fn token(&self, role: Role, created: u64, expires: Option<Timestamp>) -> TokenText {
        let text = TokenText::random(&mut OsRng);
        let name = "shop".to_owned();
        let token = Token { id: text.id(), name, role, created: at(created), expires, revoked: None };
        self.ledger.add_token(&TokenRecord { token, digest: text.digest() }).unwrap();
        text
    }

    fn bearer(&self, text: &str, now: u64) -> Result<Caller, AccessError> {
        self.access.caller(Some(&format!("Bearer {text}")), at(now))
    }

    fn is_refused(&self, text: &str, now: u64) -> bool {
        matches!(self.bearer(text, now), Err(AccessError::NotValid))
    }
}

#[test]
fn a_token_says_who_asks() {
    let stage = Stage::new();
    let tokens =
        [Role::Auditor, Role::Service, Role::Operator].map(|role| (role, stage.token(role, 1, None)));
    for (role, text) in &tokens {
        let caller = Caller { id: text.id().to_string(), role: *role };
        assert_eq!(stage.bearer(text.expose(), 2).unwrap(), caller);
        let header = format!("bEARER  {} ", text.expose());
        assert_eq!(stage.access.caller(Some(&header), at(2)).unwrap(), caller);
    }
}

#[test]
fn whoever_says_nothing_learns_how_and_whoever_says_something_wrong_learns_nothing() {
    let stage = Stage::new();
    let nothing = stage.access.caller(None, at(1)).unwrap_err();
    assert_eq!(nothing.challenge(), Some("Bearer realm=\"output-explorer\""));
    let (ended, revoked) =
        (stage.token(Role::Operator, 1, Some(at(2))), stage.token(Role::Operator, 1, None));
    stage.ledger.revoke_token(revoked.id(), at(2)).unwrap();
    let unknown = TokenText::random(&mut OsRng);
    let known = stage.token(Role::Operator, 1, None);
    let wrong_secret = unknown.expose().replace(&unknown.id().to_string(), &known.id().to_string());
    let too_long = format!("{}0", known.expose());
    let texts =
        [ended.expose(), revoked.expose(), unknown.expose(), &wrong_secret, &too_long, "oe_", "", "a.b.c"];
    for text in texts {
        let error = stage.bearer(text, 3).unwrap_err();
        assert_eq!(error.to_string(), "the token is not valid", "{text}");
        assert_eq!(error.challenge(), Some("Bearer realm=\"output-explorer\", error=\"invalid_token\""));
    }
    for header in ["", "Bearer", &format!("Basic {}", known.expose()), known.expose()] {
        assert!(matches!(stage.access.caller(Some(header), at(3)), Err(AccessError::NotValid)), "{header}");
    }
}

#[test]
fn a_token_ends_when_it_should_or_at_once() {
    let stage = Stage::new();
    let text = stage.token(Role::Service, 1, Some(at(10)));
    assert!(stage.bearer(text.expose(), 9).is_ok() && stage.is_refused(text.expose(), 10));
    stage.ledger.revoke_token(text.id(), at(5)).unwrap();
    assert!(stage.is_refused(text.expose(), 6));
}

#[test]
fn revoked_tokens_stay_in_the_list_and_no_secret_is_in_it() {
    let stage = Stage::new();
    let texts = [3, 1, 2].map(|created| stage.token(Role::Auditor, created, None));
    stage.ledger.revoke_token(texts[0].id(), at(7)).unwrap();
    // Once is enough, and later is not when it was.
    let again = stage.ledger.revoke_token(texts[0].id(), at(9)).unwrap();
    assert_eq!(again.revoked, Some(at(7)));
    let tokens = stage.ledger.tokens().unwrap();
    let shown: Vec<_> = tokens.iter().map(|token| (token.id, token.revoked.is_some())).collect();
    assert_eq!(shown, [(texts[1].id(), false), (texts[2].id(), false), (texts[0].id(), true)]);
    let unknown = TokenText::random(&mut OsRng).id();
    assert!(
        matches!(stage.ledger.revoke_token(unknown, at(9)), Err(TokenError::Unknown(id)) if id == unknown)
    );
    for text in &texts {
        let record = stage.ledger.token_record(text.id()).unwrap().unwrap();
        let json = serde_json::to_string(&record).unwrap();
        let (_, secret) = text.expose().rsplit_once('_').unwrap();
        assert!(json.contains(&text.id().to_string()) && !json.contains(secret), "{json}");
        assert!(matches!(stage.ledger.add_token(&record), Err(TokenError::Known(id)) if id == text.id()));
    }
}

#[test]
fn a_name_is_short_and_shown_as_it_is() {
    let stage = Stage::new();
    for (name, is_one) in
        [("", true), ("the shop in Köln", true), ("a\u{1b}[2J", false), (&"a".repeat(129), false)]
    {
        let text = TokenText::random(&mut OsRng);
        let (id, role, created) = (text.id(), Role::Auditor, at(1));
        let token = Token { id, name: name.to_owned(), role, created, expires: None, revoked: None };
        let added = stage.ledger.add_token(&TokenRecord { token, digest: text.digest() });
        assert_eq!(added.is_ok(), is_one, "{name}");
    }
}
