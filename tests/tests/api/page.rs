//! The web page as a browser sends requests to it, a hostile page of another host among them. What people see is walked
//! through by tests/page/walk.py.

use custody_tests::api::{Answer, Api};
use custody_tests::camera::{corners, draw};
use custody_tests::custody::{Custody, TREASURY};
use image::GrayImage;
use std::num::NonZeroU32;
use stegos_common::qr::{FRAGMENT, Frames};

const STG: i64 = 1_000_000;

/// A browser that keeps its cookie.
struct Browser {
    api: Api,
    cookie: String,
}

impl Browser {
    fn log_in(base: &str, token: &str) -> Self {
        let api = Api::nobody(base);
        let answer = api.ask("POST", "/login", &[FORM], &format!("token={token}&next=%2Fusers"));
        assert_eq!((answer.status, answer.header("location")), (303, Some("/users")), "{answer:?}");
        let cookie = answer.header("set-cookie").unwrap();
        assert!(cookie.contains("; Path=/; HttpOnly; SameSite=Strict; Max-Age="), "{cookie}");
        let cookie = cookie.split(';').next().unwrap().to_owned();
        Self { api, cookie }
    }

    fn get(&self, path: &str) -> Answer {
        self.api.ask("GET", path, &[("cookie", &self.cookie)], "")
    }

    /// The secret of the session, as every form of a page has it.
    fn csrf(&self) -> String {
        let page = self.get("/").body;
        page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    }

    fn post(&self, path: &str, more: &[(&str, &str)], form: &str) -> Answer {
        let headers = [&[FORM, ("cookie", self.cookie.as_str())], more].concat();
        self.api.ask("POST", path, &headers, form)
    }
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

#[test]
fn a_session_is_as_good_as_its_token_and_no_longer() {
    let custody = Custody::new(5, &["alice"]);
    let (_explorer, base) = custody.world.serve(&["--treasury", TREASURY]);
    let nobody = Api::nobody(&base);
    for path in ["/", "/users/alice", "/handoffs/1", "/audit"] {
        let answer = nobody.get(path);
        assert_eq!(answer.status, 303, "{path}");
        assert!(answer.header("location").unwrap().starts_with("/login?next=%2F"), "{path}");
    }
    for (path, kind) in [("/assets/style.css", "text/css"), ("/assets/script.js", "text/javascript")] {
        assert_eq!(nobody.get(path).header("content-type"), Some(kind));
    }
    let wrong = nobody.ask("POST", "/login", &[FORM], "token=oe_0000000000000000_00");
    assert_eq!((wrong.status, wrong.header("set-cookie")), (401, None));
    // Nobody is sent to another host after it.
    let token = custody.world.token("auditor");
    let lured = nobody.ask("POST", "/login", &[FORM], &format!("token={token}&next=%2F%2Fevil.example"));
    assert_eq!(lured.header("location"), Some("/"));

    let browser = Browser::log_in(&base, &token);
    let page = browser.get("/users");
    assert_eq!(page.status, 200);
    assert!(page.body.contains("alice") && !page.body.contains(&token));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
    assert!(!page.body.contains(" style=") && !page.body.contains("<script>"), "{}", page.body);
    assert_eq!(page.header("cache-control"), Some("no-store"));
    // Its length tells whoever listens nothing about the secret in it.
    let headers = [("cookie", browser.cookie.as_str()), ("accept-encoding", "gzip")];
    assert_eq!(browser.api.ask("GET", "/users", &headers, "").header("content-encoding"), None);
    // Once it has opened /docs with a password, a browser sends that everywhere.
    let headers = [("cookie", browser.cookie.as_str()), ("authorization", "Basic dTpw")];
    assert_eq!(browser.api.ask("GET", "/users", &headers, "").status, 200);
    assert_eq!(browser.api.ask("GET", "/v1/users", &headers, "").status, 401);
    let secret = browser.csrf();
    let mut told = browser.api.follow_with("/v1/events/stream?after=0", &[("cookie", &browser.cookie)]);
    assert!(told.next().is_some());
    assert_eq!(browser.post("/logout", &[], &format!("csrf={secret}")).status, 303);
    custody.deposit(&[("alice", STG)]);
    // What was on its way comes, and then the end.
    assert!(told.count() < 100);
    assert_eq!(browser.get("/users").status, 303, "it is over");

    let browser = Browser::log_in(&base, &token);
    let id = token.split('_').nth(1).unwrap();
    custody.world.ok(&["token", "revoke", id]);
    assert_eq!(browser.get("/users").status, 303, "its token is revoked");
}

#[test]
fn only_its_own_forms_change_anything() {
    let custody = Custody::new(5, &["alice"]);
    let (explorer, base) = custody.world.serve(&["--treasury", TREASURY]);
    custody.deposit(&[(TREASURY, 10 * STG), ("alice", 2 * STG)]);
    custody.finish_epoch(&explorer);
    let operator = Browser::log_in(&base, &custody.world.token("operator"));
    let secret = operator.csrf();
    let handoffs = || explorer_list(&custody);
    let sweep = "key=k-1&users=alice&least=0.01";
    let own = format!("csrf={secret}&{sweep}");
    let auditor = Browser::log_in(&base, &custody.world.token("auditor"));
    let host = base.trim_start_matches("http://");
    let evil = format!("http://evil.example/{host}");
    for (why, answer) in [
        ("no secret", operator.post("/handoffs/sweep", &[], sweep)),
        (
            "another session's",
            operator.post("/handoffs/sweep", &[], &format!("csrf={}&{sweep}", auditor.csrf())),
        ),
        ("from elsewhere", operator.post("/handoffs/sweep", &[("origin", "http://evil.example")], &own)),
        ("nearly from here", operator.post("/handoffs/sweep", &[("origin", &evil)], &own)),
        ("from a file", operator.post("/handoffs/sweep", &[("origin", "null")], &own)),
        ("an auditor's", auditor.post("/handoffs/sweep", &[], &format!("csrf={}&{sweep}", auditor.csrf()))),
        ("an auditor's view", auditor.get("/handoffs/1/frames/1")),
    ] {
        assert_eq!(answer.status, 403, "{why}: {}", answer.body);
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{why}");
    }
    // To the API a cookie is nothing: neither to change something nor for a websocket.
    let json = [
        ("cookie", operator.cookie.as_str()),
        ("content-type", "application/json"),
        ("idempotency-key", "k"),
    ];
    assert_eq!(operator.api.ask("POST", "/v1/handoffs/sweep", &json, "{}").problem(401), "no_credentials");
    for path in ["/v1/users", "/v1/events/socket", "/v1/handoffs/1"] {
        assert_eq!(operator.get(path).problem(401), "no_credentials", "{path}");
    }
    assert_eq!(handoffs(), 0);

    let made = operator.post("/handoffs/sweep", &[("origin", &base)], &own);
    assert_eq!((made.status, made.header("location")), (303, Some("/handoffs/1")), "{}", made.body);
    let again = operator.post("/handoffs/sweep", &[], &own);
    assert_eq!((again.header("location"), handoffs()), (Some("/handoffs/1"), 1), "a form that is sent twice");
    assert!(operator.get("/v1/handoffs/1/request").body.contains("create_raw_transaction"));
    assert_eq!(operator.get("/handoffs/1/frames/1").header("content-type"), Some("image/svg+xml"));
    // What a camera sees needs the secret too, and is a picture of the size that is said.
    let camera = |secret: &str, query: &str| {
        let headers = [("cookie", operator.cookie.as_str()), ("x-csrf", secret)];
        operator.api.ask("POST", &format!("/handoffs/1/camera?{query}"), &headers, "four").status
    };
    assert_eq!(camera("no", "width=2&height=2"), 403);
    assert_eq!(camera(&secret, "width=2&height=2"), 200);
    for query in
        ["width=2&height=3", "width=4294967296&height=4294967296", "width=1281&height=1", "width=0&height=9"]
    {
        assert_eq!(camera(&secret, query), 422, "{query}");
    }
}

/// What a picture means is asked of the program itself, which the system ends once it takes too long.
#[test]
fn a_picture_that_is_made_to_take_for_ever_takes_seconds() {
    let custody = Custody::new(5, &["alice"]);
    let (_explorer, base) = custody.world.serve(&["--treasury", TREASURY]);
    let operator = Browser::log_in(&base, &custody.world.token("operator"));
    let secret = operator.csrf();
    let look = |picture: &GrayImage| {
        // Bytes below 128, so that it is text, too.
        let bytes = picture.iter().map(|brightness| brightness / 2).collect();
        let headers = [("cookie", operator.cookie.as_str()), ("x-csrf", secret.as_str())];
        let path = format!("/handoffs/1/camera?width={}&height={}", picture.width(), picture.height());
        let answer = operator.api.ask("POST", &path, &headers, &String::from_utf8(bytes).unwrap());
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["text"].as_str().unwrap().to_owned()
    };
    let frames =
        Frames::new(&(0..=u16::MAX).flat_map(u16::to_be_bytes).collect::<Vec<u8>>(), FRAGMENT).unwrap();
    let honest = draw(&frames.frame(NonZeroU32::MIN), 1);
    assert_eq!(look(&honest), format!("1 of {} parts.", frames.fragments()));
    for side in [640, 1280] {
        assert!(look(&corners(side)).contains("more than can be looked through"));
    }
    assert_eq!(look(&honest), format!("1 of {} parts.", frames.fragments()), "what was there is not lost");
}

fn explorer_list(custody: &Custody) -> usize {
    let list = custody.world.ok(&["handoff", "list", "--json"]);
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    list.as_array().map_or_else(|| list["handoffs"].as_array().unwrap().len(), Vec::len)
}
