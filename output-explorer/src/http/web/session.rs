//! Who is logged in to the pages. A session stands for the token that was typed in, which is asked anew at every request:
//! once it is revoked or over, so is the session. Sessions are in memory only: a restart ends them all.

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use rand_core::{OsRng, RngCore};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use stegos_common::qr::Gathering;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Whoever does nothing for so long is logged out,
pub(super) const IDLE: Duration = Duration::from_secs(30 * 60);

/// and everybody after so long.
pub(super) const LONGEST: Duration = Duration::from_secs(12 * 3600);

/// So many sessions at a time; with one more, the one that was seen longest ago ends.
const MOST: usize = 1000;

/// So many of one caller: whoever logs in again and again ends the own sessions, not those of others.
const MOST_OF_ONE: usize = 32;

/// The cookie where the connection is encrypted: browsers take it from this host only, for all paths, and over TLS.
const ENCRYPTED: &str = "__Host-session";

/// The cookie on the loopback interface.
const CLEAR: &str = "session";

/// Where sessions are found: the digest of the cookie, so that the time a search takes tells nothing of it.
type Key = [u8; 32];

/// What every form of a session brings back: whoever makes a browser send a form from elsewhere does not know it.
#[derive(Clone)]
pub(super) struct Csrf(Arc<Zeroizing<String>>);

impl Csrf {
    /// For the forms of the session's own pages.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether a form brings it, in a time that does not depend on where they differ.
    pub(super) fn is(&self, said: &str) -> bool {
        self.0.as_bytes().ct_eq(said.as_bytes()).into()
    }
}

/// What was read by camera so far, and for which handoff.
pub(super) type Scan = Arc<Mutex<Option<(u64, Gathering)>>>;

/// A session that is not over.
#[derive(Clone)]
pub(in crate::http) struct Open {
    /// What an API client would send as `Authorization`.
    pub(super) authorization: Arc<Zeroizing<String>>,
    pub(super) csrf: Csrf,
    pub(super) scan: Scan,
}

struct Session {
    open: Open,
    /// The id of the caller.
    of: String,
    begun: Instant,
    seen: Instant,
}

impl Session {
    fn is_over(&self, now: Instant) -> bool {
        now.duration_since(self.begun) > LONGEST || now.duration_since(self.seen) > IDLE
    }
}

/// All sessions.
#[derive(Default)]
pub(in crate::http) struct Sessions(Mutex<HashMap<Key, Session>>);

impl Sessions {
    /// Begins a session of a caller with a token that is valid now. Answers the cookie.
    pub(super) fn begin(
        &self,
        caller: &str,
        token: &str,
        is_encrypted: bool,
        now: Instant,
    ) -> Zeroizing<String> {
        let id = random();
        let open = Open {
            authorization: Arc::new(Zeroizing::new(format!("Bearer {token}"))),
            csrf: Csrf(Arc::new(random())),
            scan: Scan::default(),
        };
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, session| !session.is_over(now));
        make_room(&mut sessions, MOST_OF_ONE, |session| session.of == caller);
        make_room(&mut sessions, MOST, |_| true);
        sessions.insert(key(&id), Session { open, of: caller.to_owned(), begun: now, seen: now });
        cookie(&id, is_encrypted, LONGEST)
    }

    /// The session of a request, if it has one. What a page asks by itself (`by_itself`) does not keep it from ending.
    pub(in crate::http) fn of(
        &self,
        headers: &HeaderMap,
        is_encrypted: bool,
        by_itself: bool,
        now: Instant,
    ) -> Option<Open> {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = keys_of(headers, is_encrypted).find(|key| sessions.contains_key(key))?;
        let session = sessions.get_mut(&key)?;
        if session.is_over(now) {
            sessions.remove(&key);
            return None;
        }
        if !by_itself {
            session.seen = now;
        }
        Some(session.open.clone())
    }

    /// Ends the session of a request. Answers a cookie that takes the old one away.
    pub(in crate::http) fn end(&self, headers: &HeaderMap, is_encrypted: bool) -> Zeroizing<String> {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for key in keys_of(headers, is_encrypted) {
            sessions.remove(&key);
        }
        cookie("", is_encrypted, Duration::ZERO)
    }
}

/// 32 random bytes in hex.
fn random() -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; 32]);
    OsRng.fill_bytes(bytes.as_mut_slice());
    Zeroizing::new(hex::encode(bytes.as_slice()))
}

fn key(id: &str) -> Key {
    Sha256::digest(id.as_bytes()).into()
}

/// Where the sessions of a request would be. Only the cookie that this server gives is one: `session` over TLS may be from
/// a host next to this one, which cannot give `__Host-session`. There may be several of that name, from another port.
fn keys_of(headers: &HeaderMap, is_encrypted: bool) -> impl Iterator<Item = Key> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(move |(name, _)| *name == name_of(is_encrypted)).map(|(_, id)| key(id))
}

const fn name_of(is_encrypted: bool) -> &'static str {
    if is_encrypted { ENCRYPTED } else { CLEAR }
}

/// Ends those that were seen longest ago, until there is room for one more of these.
fn make_room(sessions: &mut HashMap<Key, Session>, most: usize, is_one: impl Fn(&Session) -> bool) {
    while sessions.values().filter(|session| is_one(session)).count() >= most {
        let these = sessions.iter().filter(|(_, session)| is_one(session));
        let oldest = these.min_by_key(|(_, session)| session.seen).map(|(key, _)| *key);
        oldest.and_then(|key| sessions.remove(&key));
    }
}

fn cookie(id: &str, is_encrypted: bool, age: Duration) -> Zeroizing<String> {
    let (name, secure) = (name_of(is_encrypted), if is_encrypted { "; Secure" } else { "" });
    let age = age.as_secs();
    Zeroizing::new(format!("{name}={id}; Path=/; HttpOnly; SameSite=Strict; Max-Age={age}{secure}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn sent(cookie: &str) -> HeaderMap {
        let pair = cookie.split(';').next().unwrap();
        HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(&format!("other=1; {pair}")).unwrap())])
    }

    #[test]
    fn a_session_ends_when_nothing_is_done_and_after_half_a_day_and_when_it_is_said() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let minutes = |number: u64| now + Duration::from_secs(60 * number);
        let headers = sent(&sessions.begin("one", "token", true, now));
        let is_there = |at, by_itself| sessions.of(&headers, true, by_itself, at).is_some();
        assert_eq!(**sessions.of(&headers, true, false, now).unwrap().authorization, "Bearer token");
        assert!(is_there(minutes(29), false) && is_there(minutes(58), true));
        assert!(!is_there(minutes(60), false), "what a page asks by itself is no sign of a person");

        let headers = sent(&sessions.begin("one", "token", true, now));
        let busy = (1..).map(|number| minutes(20 * number)).take_while(|at| *at <= now + LONGEST);
        assert!(busy.into_iter().all(|at| sessions.of(&headers, true, false, at).is_some()));
        assert!(sessions.of(&headers, true, false, now + LONGEST + Duration::from_secs(1)).is_none());

        let headers = sent(&sessions.begin("one", "token", false, now));
        assert!(sessions.of(&headers, false, false, now).is_some());
        assert!(sessions.end(&headers, false).contains("Max-Age=0"));
        assert!(sessions.of(&headers, false, false, now).is_none());
        assert!(sessions.of(&sent("session=0"), false, false, now).is_none());
        assert!(sessions.of(&HeaderMap::new(), false, false, now).is_none());
    }

    #[test]
    fn there_are_never_more_sessions_than_memory_is_for() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let first = sent(&sessions.begin("a", "first", true, now));
        let second = sent(&sessions.begin("b", "second", true, now));
        let later = now + Duration::from_secs(1);
        assert!(sessions.of(&first, true, false, later).is_some());
        for number in 2..=MOST {
            sessions.begin(&number.to_string(), "more", true, later);
        }
        assert!(sessions.of(&second, true, false, later).is_none(), "it was seen longest ago");
        assert!(sessions.of(&first, true, false, later).is_some());
    }

    #[test]
    fn whoever_logs_in_again_and_again_ends_no_session_of_others() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let operator = sent(&sessions.begin("operator", "token", true, now));
        let first = sent(&sessions.begin("auditor", "token", true, now));
        let later = now + Duration::from_secs(1);
        let last =
            (0..2 * MOST).map(|_| sent(&sessions.begin("auditor", "token", true, later))).last().unwrap();
        let is_there = |headers| sessions.of(headers, true, true, later).is_some();
        assert!(is_there(&operator) && is_there(&last) && !is_there(&first));
        assert_eq!(sessions.0.lock().unwrap().len(), 1 + MOST_OF_ONE);
    }

    #[test]
    fn a_cookie_of_another_host_or_port_neither_takes_a_place_nor_ends_a_session() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let own = sessions.begin("operator", "own", true, now);
        let theirs = sessions.begin("thief", "theirs", true, now);
        let id = theirs.split(';').next().unwrap().split_once('=').unwrap().1;
        let both = |more: &str| {
            let pair = own.split(';').next().unwrap();
            HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(&format!("{more}; {pair}")).unwrap())])
        };
        assert!(sessions.of(&sent(&format!("session={id}")), true, true, now).is_none(), "not over TLS");
        for more in [format!("session={id}"), "__Host-session=0".to_owned()] {
            let open = sessions.of(&both(&more), true, true, now).unwrap();
            assert_eq!(**open.authorization, "Bearer own", "{more}");
        }
        assert!(sessions.of(&both("a=b"), false, true, now).is_none());
    }

    #[test]
    fn scripts_and_other_sites_do_not_get_the_cookie() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let (encrypted, clear) = (sessions.begin("a", "t", true, now), sessions.begin("a", "t", false, now));
        assert!(encrypted.starts_with("__Host-session=") && encrypted.ends_with("; Secure"));
        for cookie in [encrypted, clear] {
            assert!(cookie.contains("; Path=/; HttpOnly; SameSite=Strict; "), "{}", *cookie);
        }
    }
}
