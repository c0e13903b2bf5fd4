//! Who may do what, from where and how often.

use custody_tests::api::Api;
use custody_tests::explorer::World;
use serde_json::{Value, json};

#[test]
fn nobody_is_answered_anything_but_health() {
    let world = World::new(5);
    let (_explorer, base) = world.serve(&[]);
    let nobody = Api::nobody(&base);
    let document: Value = serde_json::from_str(&world.ok(&["openapi"])).unwrap();
    let paths = document["paths"].as_object().unwrap();
    for (path, item) in paths {
        for method in item.as_object().unwrap().keys() {
            let path = path.replace(['{', '}'], "");
            let answer = nobody.ask(&method.to_uppercase(), &path, &[], "");
            if ["/healthz", "/readyz"].contains(&path.as_str()) {
                assert_ne!(answer.status, 401, "{path}");
            } else {
                assert_eq!(answer.problem(401), "no_credentials", "{method} {path}");
            }
        }
    }
    assert_eq!(nobody.get("/no/such/path").problem(401), "no_credentials");
    let wrong = Api::with_token(&base, "oe_0000000000000000_x");
    let answer = wrong.get("/v1/status");
    assert_eq!(answer.problem(401), "credentials_invalid");
    assert!(answer.header("www-authenticate").unwrap().contains("invalid_token"));
}

/// Every operation that is no question is one that an auditor may not do; a new one is refused here until it is.
#[test]
fn an_auditor_changes_nothing_and_a_service_manages_nothing() {
    let world = World::new(5);
    let (_explorer, base) = world.serve(&[]);
    let (auditor, service) = (Api::of(&world, &base, "auditor"), Api::of(&world, &base, "service"));
    let document: Value = serde_json::from_str(&world.ok(&["openapi"])).unwrap();
    let address = world.new_address(3);
    let mut seen = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            if (method == "get" && name != "download_request") || name == "lookup_outputs" {
                continue;
            }
            let body = match name {
                "add_user" => json!({ "account": "x", "address": address }),
                "make_withdrawal" => json!({ "withdrawals": [{ "id": "w", "to": address, "amount": 1 }] }),
                "create_webhook" => json!({ "url": "https://example.org/" }),
                _ => json!({}),
            };
            let path = path
                .replace("{account}", "alice")
                .replace("{number}", "1")
                .replace("{id}", "1")
                .replace("{event}", "1");
            let headers = [("content-type", "application/json"), ("idempotency-key", "k")];
            let answer = auditor.ask(&method.to_uppercase(), &path, &headers, &body.to_string());
            assert_eq!(answer.problem(403), "role_not_allowed", "{name}");
            seen += 1;
        }
    }
    assert!(seen >= 7, "{seen}");
    assert_eq!(service.post("/v1/users/alice/archive", &json!({})).problem(403), "role_not_allowed");
    assert_eq!(service.post("/v1/transactions?again=true", &json!({})).problem(403), "role_not_allowed");
    service.post("/v1/users", &json!({ "account": "x", "address": address })).is(201);
}

#[test]
fn a_token_ends_when_it_is_revoked() {
    let world = World::new(5);
    let (_explorer, base) = world.serve(&[]);
    let api = Api::of(&world, &base, "operator");
    api.get("/v1/status").is(200);
    let id = api.token.as_deref().unwrap().split('_').nth(1).unwrap().to_owned();
    let webhook = json!({ "url": "https://example.org/" });
    assert_eq!(api.post("/v1/webhooks", &webhook).is(201)["endpoint"]["subscriber"], id);
    world.ok(&["token", "revoke", &id]);
    assert_eq!(api.get("/v1/status").problem(401), "credentials_invalid");
    // Nor is its holder told anything any more.
    let webhooks = Api::of(&world, &base, "operator").get("/v1/webhooks").is(200);
    assert_eq!(webhooks[0]["enabled"], false);
}

#[test]
fn addresses_that_are_not_allowed_and_haste_are_refused() {
    let world = World::new(5);
    let (explorer, base) = world.serve(&["--http-allow", "10.0.0.0/8"]);
    assert_eq!(Api::nobody(&base).get("/healthz").problem(403), "address_not_allowed");
    explorer.stop();
    let (_explorer, base) = world.serve(&["--http-requests-per-second", "2"]);
    let api = Api::of(&world, &base, "auditor");
    let refused = (0..1000).map(|_| api.get("/v1/status")).find(|answer| answer.status != 200).unwrap();
    assert_eq!(refused.problem(429), "too_many_requests");
    assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    // Another token has its own.
    Api::of(&world, &base, "auditor").get("/v1/status").is(200);
}

#[test]
fn tokens_do_not_cross_a_network_in_clear_unless_somebody_says_so() {
    let world = World::new(5);
    let refused = world.run(&["run", "--http-listen", "0.0.0.0:0"]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("--http-allow-tokens-in-clear"), "{said}");
    let explorer = world.follow_with(
        world.command(&["run", "--http-listen", "0.0.0.0:0"]).args(["--http-allow-tokens-in-clear", "true"]),
    );
    explorer.stop();
}
