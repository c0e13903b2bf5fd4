//! Metrics as Prometheus scrapes them, and the log as a collector reads it.

use super::receiver::Receiver;
use custody_tests::api::Api;
use custody_tests::custody::until;
use custody_tests::devnode::faults::Faults;
use custody_tests::explorer::World;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const PAGE: &str = include_str!("../../../docs/metrics.md");

/// All samples, by name and labels.
fn scrape(api: &Api) -> BTreeMap<String, f64> {
    let answer = api.get("/metrics");
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let samples = answer.body.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let name = name.strip_prefix("output_explorer_").unwrap_or(name);
            (name.to_owned(), value.parse().unwrap())
        })
        .collect()
}

#[test]
fn metrics_need_a_token_and_move_with_what_happens() {
    let mut world = World::on_disk(5);
    let (explorer, base) = world.serve(&["--webhook-allow-private-targets", "true"]);
    assert_eq!(Api::nobody(&base).get("/metrics").problem(401), "no_credentials");
    let api = Api::of(&world, &base, "auditor");
    world.mine(6);
    let status = explorer.settle();
    let ready = || {
        let now = scrape(&api);
        if now["ready"] == 1.0 { Ok(now) } else { Err(json!(now)) }
    };
    let before = until(ready);
    assert_eq!((before["node_connected"], before["ledger_epoch"]), (1.0, status["epoch"].as_f64().unwrap()));
    assert_eq!(before["build_info{version=\"0.1.0\",network=\"dev\"}"], 1.0);

    let receiver = Receiver::start();
    let operator = Api::of(&world, &base, "operator");
    operator.post("/v1/webhooks", &json!({ "url": receiver.url })).is(201);
    let _socket = api.socket("/v1/events/socket");
    world.pay(7);
    world.mine(1);
    explorer.settle();
    world.revert(1);
    world.mine(1);
    explorer.settle();
    api.get("/v1/users/alice").is(200);
    let stranger = Api::with_token(&base, "oe_0000000000000000_x");
    assert_eq!(stranger.get("/v1/status").problem(401), "credentials_invalid");
    let moved = [
        "blocks_total{kind=\"micro\"}",
        "blocks_reverted_total",
        "outputs_created_total",
        "ledger_batch_duration_seconds_count",
        "events_newest_id",
        "events_total{type=\"deposit.prepared\"}",
        "events_total{type=\"deposit.reverted\"}",
        "http_refusals_total{reason=\"credentials_invalid\"}",
        "http_requests_total{method=\"GET\",route=\"/metrics\",status=\"2xx\"}",
        "http_requests_total{method=\"GET\",route=\"/v1/users/{account}\",status=\"2xx\"}",
        "http_requests_total{method=\"GET\",route=\"/v1/status\",status=\"4xx\"}",
        "http_request_duration_seconds_count{method=\"GET\",route=\"/v1/users/{account}\"}",
        "event_streams{kind=\"websocket\"}",
        "webhook_attempts_total{outcome=\"delivered\"}",
        "webhook_attempt_duration_seconds_count",
    ];
    until(|| {
        let now = scrape(&api);
        let at = |name: &str| now.get(name).copied().unwrap_or_default();
        let same = |name: &&str| at(name) <= before.get(*name).copied().unwrap_or_default();
        let still: Vec<&str> = moved.into_iter().filter(same).collect();
        if still.is_empty() { Ok(()) } else { Err(json!(still)) }
    });
    // The scrape itself.
    assert_eq!(scrape(&api)["http_requests_in_flight"], 1.0);

    let daemon = explorer.daemon;
    world = world.restart_node(|_| {
        until(|| {
            let now = scrape(&api);
            let is = (now["node_connected"], now["node_subscribed"], now["ready"]);
            let is_lost = is == (0.0, 0.0, 0.0) && now["node_connections_lost_total"] >= 1.0;
            if is_lost { Ok(()) } else { Err(json!(now)) }
        });
    });
    let explorer = world.attach(daemon);
    explorer.settle();
    until(ready);
    explorer.stop();
}

/// The fields of the page's table of the log.
fn documented() -> BTreeMap<&'static str, Vec<&'static str>> {
    let (_, table) = PAGE.split_once("| field | in | what |\n").unwrap();
    let rows = table.lines().skip(1).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        (cells[2], cells[1].split(", ").collect())
    })
    .fold(BTreeMap::new(), |mut table, (line, fields)| {
        table.entry(line).or_insert_with(Vec::new).extend::<Vec<&str>>(fields);
        table
    })
}

#[test]
fn every_line_of_the_log_as_json_has_the_fields_that_are_documented() {
    let world = World::new(4);
    let mut explorer =
        world.follow_with(&mut world.command(&["run", "--log", "json", "--http-listen", "127.0.0.1:0"]));
    let parse = |line: &str| -> Value {
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
    };
    let base = parse(&explorer.daemon.wait_for("answering at http://"))["url"].as_str().unwrap().to_owned();
    explorer.settle();
    world.pay(7);
    world.mine(6);
    explorer.settle();
    world.revert(1);
    explorer.settle();
    let api = Api::of(&world, &base, "operator");
    let user = json!({ "account": "line\nbreak", "address": world.new_address(1) });
    let refused = api.post("/v1/users", &user);
    let id = refused.header("x-request-id").unwrap();
    world.faults(Faults { refuse_status: true, ..Faults::default() });
    explorer.daemon.wait_for("NODE FAULT");
    let log: Vec<Value> = explorer.stop().iter().map(|line| parse(line)).collect();

    let documented = documented();
    let known: BTreeSet<&str> = documented.values().flatten().copied().collect();
    for line in &log {
        for field in &documented["every line"] {
            assert!(line[field].is_string(), "{line}");
        }
        assert!(line.as_object().unwrap().keys().all(|field| known.contains(field.as_str())), "{line}");
        assert!(line["time"].as_str().unwrap().ends_with('Z'), "{line}");
    }
    let find = |begin: &str| {
        let found = log.iter().find(|line| line["message"].as_str().unwrap().starts_with(begin));
        found.unwrap_or_else(|| panic!("no line {begin:?}: {log:#?}"))
    };
    let block = find("micro block");
    assert!(documented["blocks"].iter().all(|field| !block[field].is_null()), "{block}");
    assert_eq!((&block["level"], &block["block_hash"].as_str().unwrap().len()), (&json!("info"), &64));
    assert!(find("macro block")["offset"].is_null());
    let request = find("http: POST /v1/users");
    assert!(documented["HTTP"].iter().all(|field| !request[field].is_null()), "{request}");
    assert_eq!((&request["request_id"], &request["status"]), (&json!(id), &json!(refused.status)));
    assert_eq!((&request["route"], &request["method"]), (&json!("/v1/users"), &json!("POST")));
    assert_eq!(find("NODE FAULT")["level"], "error");
    assert!(find("output-explorer for dev")["network"] == "dev");
    let said = log.iter().map(Value::to_string).collect::<String>();
    let token = api.token.as_deref().unwrap();
    assert!(!said.contains(token.rsplit('_').next().unwrap()), "a token is in the log");
}
