//! What every answer has: problems, tags, compression, ids of requests; health; an end in order.

use custody_tests::api::Api;
use custody_tests::explorer::World;
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;

#[test]
fn whatever_is_wrong_is_a_problem_with_a_code() {
    let world = World::new(5);
    let (_explorer, base) = world.serve(&[]);
    let api = Api::of(&world, &base, "operator");
    for (path, status, code) in [
        ("/v1/nothing", 404, "path_unknown"),
        ("/v1/users/nobody", 404, "user_unknown"),
        ("/v1/users?colour=red", 400, "invalid_parameter"),
        ("/v1/users?limit=0", 400, "invalid_parameter"),
        ("/v1/users?limit=1001", 400, "invalid_parameter"),
        ("/v1/users/alice/outputs?after=x", 400, "invalid_parameter"),
        ("/v1/users/alice/outputs?state=lost", 400, "invalid_parameter"),
        ("/v1/outputs/zz", 400, "invalid_parameter"),
        ("/v1/blocks/-1", 400, "invalid_parameter"),
        ("/v1/blocks?before=x", 400, "invalid_parameter"),
        ("/v1/handoffs/1", 404, "handoff_unknown"),
        ("/v1/events?types=deposit.made", 400, "invalid_parameter"),
        ("/v1/events?after=99", 409, "events_ahead"),
        ("/v1/events?wait=61", 400, "invalid_parameter"),
        ("/v1/events/socket", 400, "no_websocket"),
    ] {
        assert_eq!(api.get(path).problem(status), code, "{path}");
    }
    for (body, kind, status, code) in [
        ("{", "application/json", 400, "malformed_json"),
        ("{}", "text/plain", 415, "not_json"),
        ("{}", "application/json", 422, "invalid_body"),
        (r#"{"output_hashes":[],"more":1}"#, "application/json", 422, "invalid_body"),
    ] {
        let answer = api.ask("POST", "/v1/outputs/lookup", &[("content-type", kind)], body);
        assert_eq!(answer.problem(status), code, "{body}");
    }
    let too_many = vec!["00".repeat(32); 1001];
    assert_eq!(
        api.post("/v1/outputs/lookup", &json!({ "output_hashes": too_many })).problem(422),
        "invalid_body"
    );
    let answer = api.ask("DELETE", "/v1/users", &[], "");
    assert_eq!(answer.problem(405), "method_not_allowed");
    assert!(answer.header("allow").is_some_and(|allow| allow.contains("POST")), "{answer:?}");
}

#[test]
fn an_answer_that_is_known_is_not_sent_again() {
    let world = World::new(5);
    let (explorer, base) = world.serve(&[]);
    explorer.settle();
    let api = Api::of(&world, &base, "auditor");
    let first = api.get("/v1/users/alice/outputs?state=all");
    let tag = first.header("etag").unwrap();
    let again = api.ask("GET", "/v1/users/alice/outputs?state=all", &[("if-none-match", tag)], "");
    assert_eq!((again.status, again.body.as_str(), again.header("etag")), (304, "", Some(tag)));
    let other = api.ask("GET", "/v1/users/bob/outputs?state=all", &[("if-none-match", tag)], "");
    assert_eq!(other.status, 200);
    assert_ne!(first.header("x-request-id"), other.header("x-request-id"));
    let zipped = api.ask("GET", "/openapi.json", &[("accept-encoding", "gzip")], "");
    assert_eq!(zipped.header("content-encoding"), Some("gzip"));
}

#[test]
fn health_needs_no_token_and_tells_whether_the_ledger_is_behind() {
    let world = World::new(5);
    let (explorer, base) = world.serve(&[]);
    let nobody = Api::nobody(&base);
    assert_eq!(nobody.get("/healthz").is(200), json!({ "status": "ok" }));
    explorer.settle();
    assert_eq!(nobody.get("/readyz").is(200), json!({ "status": "ok" }));
    explorer.stop();
    let (_explorer, base) = world.serve(&["--node", "127.0.0.1:1"]);
    let nobody = Api::nobody(&base);
    assert_eq!(nobody.get("/readyz").problem(503), "not_ready");
    assert_eq!(nobody.get("/healthz").status, 200);
}

#[test]
fn the_document_and_its_pages_are_inside_the_program() {
    let world = World::new(5);
    let (_explorer, base) = world.serve(&[]);
    let api = Api::of(&world, &base, "auditor");
    let served = api.get("/openapi.json").is(200);
    let printed: serde_json::Value = serde_json::from_str(&world.ok(&["openapi"])).unwrap();
    assert_eq!(served, printed);
    // A browser logs in by the token as a password, for these pages only.
    let token = api.token.clone().unwrap();
    let basic =
        format!("Basic {}", base64::Engine::encode(&base64::prelude::BASE64_STANDARD, format!("me:{token}")));
    let nobody = Api::nobody(&base);
    let refused = nobody.get("/docs/");
    assert_eq!(
        (refused.status, refused.header("www-authenticate")),
        (401, Some("Basic realm=\"output-explorer\""))
    );
    let page = nobody.ask("GET", "/docs/", &[("authorization", &basic)], "");
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.header("content-security-policy").unwrap().contains("default-src 'self'"));
    for part in page.body.split('"').filter(|part| part.ends_with(".js") || part.ends_with(".css")) {
        assert!(!part.contains("://"), "{part}");
        let path = format!("/docs/{}", part.trim_start_matches("./"));
        assert_eq!(nobody.ask("GET", &path, &[("authorization", &basic)], "").status, 200, "{path}");
    }
    assert_eq!(nobody.ask("GET", "/v1/users", &[("authorization", &basic)], "").status, 401);
}

#[test]
fn what_is_asked_while_it_ends_is_answered() {
    let world = World::new(5);
    let (explorer, base) = world.serve(&[]);
    explorer.settle();
    let api = Api::of(&world, &base, "auditor");
    let newest = api.get("/v1/events").is(200)["newest"].clone();
    let connect = || TcpStream::connect(base.trim_start_matches("http://")).unwrap();
    let mut waiting = connect();
    let token = api.token.as_deref().unwrap();
    let poll = format!(
        "GET /v1/events?after={newest}&wait=60 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    waiting.write_all(poll.as_bytes()).unwrap();
    // Whoever came later is answered: the one before has been heard, and waits.
    let mut idle = connect();
    let mut first = [0; 12];
    for _ in 0..20 {
        api.get("/v1/status").is(200);
    }
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    idle.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    explorer.stop();
    let mut answer = String::new();
    waiting.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let body = answer.split("\r\n\r\n").nth(1).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(body).unwrap()["rows"], json!([]));
}
