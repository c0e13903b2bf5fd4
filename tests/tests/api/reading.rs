//! Users, outputs, balances, blocks and addresses.

use custody_tests::api::Api;
use custody_tests::explorer::World;
use serde_json::{Value, json};

fn rows(page: &Value) -> &Vec<Value> {
    page["rows"].as_array().unwrap()
}

/// All rows of a list, page by page.
fn walk(api: &Api, path: &str, limit: usize) -> Vec<Value> {
    let mut all = Vec::new();
    let mut after = String::new();
    loop {
        let page = api.get(&format!("{path}&limit={limit}{after}")).is(200);
        assert!(rows(&page).len() <= limit);
        all.extend(rows(&page).iter().cloned());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return all,
        }
    }
}

#[test]
fn users_are_added_one_by_one_or_by_the_line_and_listed() {
    let world = World::new(5);
    let (_explorer, base) = world.serve(&[]);
    let api = Api::of(&world, &base, "operator");
    let address = |account: &str| world.address(account).to_string();
    let new = json!({ "account": "merchant/7 %", "address": world.new_address(1) });
    let added = api.post("/v1/users", &new);
    assert_eq!(added.is(201)["addresses"], json!([new["address"]]));
    // Whoever follows the location finds it, whatever is in its name.
    let location = added.header("location").unwrap();
    assert_eq!(api.get(location).is(200)["account"], "merchant/7 %");
    api.post("/v1/users", &new).is(200);
    let taken = json!({ "account": "somebody", "address": address("alice") });
    assert_eq!(api.post("/v1/users", &taken).problem(409), "address_taken");
    let other = json!({ "account": "somebody", "address": "str1qqqq" });
    assert_eq!(api.post("/v1/users", &other).problem(422), "invalid_body");

    let line = |number: u8| {
        json!({ "account": format!("u-{number:03}"), "address": world.new_address(number) }).to_string()
    };
    let lines: Vec<String> = (10..40).map(line).collect();
    let ndjson = [("content-type", "application/x-ndjson")];
    let imported = api.ask("POST", "/v1/imports/users", &ndjson, &(lines.join("\n") + "\n\n"));
    assert_eq!(
        imported.is(200),
        json!({ "lines": 31, "users": 30, "addresses": 30, "moved": 0, "outdated": 0 })
    );
    let broken = [&line(50), "{\"account\":1}", &line(51)].join("\n");
    let refused = api.ask("POST", "/v1/imports/users", &ndjson, &broken);
    assert_eq!(refused.problem(422), "invalid_body");
    assert!(refused.json()["detail"].as_str().unwrap().contains("line 2"), "{refused:?}");
    assert_eq!(api.get("/v1/users/u-050").problem(404), "user_unknown");

    let names = |path: &str, limit| -> Vec<String> {
        walk(&api, path, limit).iter().map(|user| user["account"].as_str().unwrap().to_owned()).collect()
    };
    let all: Vec<String> = (10..40).map(|number| format!("u-{number:03}")).collect();
    for limit in [1, 7, 30, 100] {
        assert_eq!(names("/v1/users?prefix=u-", limit), all);
        let reversed: Vec<String> = all.iter().rev().cloned().collect();
        assert_eq!(names("/v1/users?prefix=u-&order=descending", limit), reversed);
    }
    assert_eq!(api.get("/v1/users?prefix=u-&after=a").is(200)["rows"].as_array().unwrap().len(), 30);
    assert_eq!(api.get("/v1/users?prefix=u-&after=v").is(200)["rows"], json!([]));
    api.post("/v1/users/u-010/archive", &json!({})).is(200);
    assert_eq!(names("/v1/users?prefix=u-01", 5).len(), 9);
    assert_eq!(names("/v1/users?prefix=u-01&archived=true", 5).len(), 10);
    let addresses = api.get("/v1/users/u-010/addresses").is(200);
    assert_eq!(addresses["addresses"], json!([{ "address": world.new_address(10), "current": true }]));
}

#[test]
fn a_deposit_is_prepared_and_then_final_in_every_answer() {
    let world = World::new(3);
    let (explorer, base) = world.serve(&[]);
    let api = Api::of(&world, &base, "auditor");
    let first = world.pay(1_500_000);
    world.mine(1);
    explorer.settle();
    let balance = api.get("/v1/users/alice/balance").is(200);
    let more = json!({ "micro_stg": world.endowment() + 1_500_000, "micro_stg_string": "1000001500000", "text": "1000001.5 STG" });
    assert_eq!(balance["prepared"]["amount"], more);
    assert_eq!(balance["final"]["amount"]["micro_stg"], world.endowment());
    let list = |query: &str| api.get(&format!("/v1/users/alice/outputs?{query}")).is(200);
    let prepared = list("finality=prepared");
    assert_eq!((rows(&prepared).len(), &prepared["rows"][0]["output_hash"]), (1, &json!(first)));
    assert_eq!(prepared["rows"][0]["amount"]["text"], "1.5 STG");
    assert!(!rows(&list("finality=final")).iter().any(|row| row["output_hash"] == json!(first)));

    world.mine(3);
    explorer.settle();
    assert_eq!(rows(&list("finality=prepared")).len(), 0);
    assert_eq!(rows(&list("since=0&finality=final")).last().unwrap()["output_hash"], json!(first));
    let status = api.get("/v1/status").is(200);
    let (epoch, before) = (status["epoch"].as_u64().unwrap(), status["epoch"].as_u64().unwrap() - 1);
    assert_eq!(rows(&list(&format!("since={epoch}"))).len(), 0);
    let at = api.get(&format!("/v1/users/alice/balance/{before}")).is(200);
    assert_eq!(at["final"]["amount"]["micro_stg"], world.endowment() + 1_500_000);
    assert_eq!(api.get(&format!("/v1/users/alice/balance/{epoch}")).problem(409), "epoch_not_final");
    let history = walk(&api, "/v1/users/alice/history?", 2);
    let mut newest = walk(&api, "/v1/users/alice/history?order=descending", 1);
    newest.reverse();
    assert_eq!(newest, history, "the other way round it is the same");
    assert_eq!(
        (&history.last().unwrap()["what"], &history.last().unwrap()["finality"]),
        (&json!("deposit"), &json!("final"))
    );

    // The output itself, and many at once.
    let output = api.get(&format!("/v1/outputs/{first}")).is(200);
    assert_eq!((&output["account"], &output["kind"]), (&json!("alice"), &json!("public")));
    let blob = output["blob"].as_str().unwrap();
    assert_eq!(custody_tests::money::from_blob(blob).id(), first);
    let unknown = "00".repeat(32);
    let found = api.post("/v1/outputs/lookup", &json!({ "output_hashes": [unknown, first] })).is(200);
    assert_eq!((&found["outputs"][0], &found["unknown"]), (&output, &json!([unknown])));
    assert_eq!(api.get(&format!("/v1/outputs/{unknown}")).problem(404), "output_unknown");

    // Blocks: those of the epoch that is open, and the macro blocks before.
    let blocks = walk_blocks(&api, 2);
    assert_eq!(blocks[0]["block_hash"], status["last_block_hash"]);
    let macros: Vec<u64> = blocks
        .iter()
        .filter(|block| block["offset"].is_null())
        .map(|block| block["epoch"].as_u64().unwrap())
        .collect();
    assert_eq!(macros, (0..epoch).rev().collect::<Vec<_>>());
    let last = api.get(&format!("/v1/blocks/{before}")).is(200);
    assert_eq!((&last["block_hash"], &last["finality"]), (&status["last_macro_block_hash"], &json!("final")));
    assert_eq!(api.get(&format!("/v1/blocks/{epoch}")).problem(404), "block_unknown");
}

fn walk_blocks(api: &Api, limit: usize) -> Vec<Value> {
    let (mut all, mut before) = (Vec::new(), String::new());
    loop {
        let page = api.get(&format!("/v1/blocks?limit={limit}{before}")).is(200);
        all.extend(rows(&page).iter().cloned());
        match page["next"].as_str() {
            Some(next) => before = format!("&before={next}"),
            None => return all,
        }
    }
}

#[test]
fn pages_of_final_outputs_stay_what_they_are_while_blocks_come_and_go() {
    let world = World::new(4);
    let (explorer, base) = world.serve(&[]);
    let api = Api::of(&world, &base, "auditor");
    for micro in 1..=8 {
        world.pay(micro);
        world.mine(1);
    }
    explorer.settle();
    let path = "/v1/users/alice/outputs?state=all&finality=final&limit=3";
    let first = api.get(path).is(200);
    world.pay(100);
    world.mine(1);
    world.revert(1);
    world.mine(1);
    explorer.settle();
    let whole = rows(&api.get("/v1/users/alice/outputs?state=all&finality=final&limit=1000").is(200)).clone();
    let second = api.get(&format!("{path}&after={}", first["next"].as_str().unwrap())).is(200);
    let paged: Vec<&Value> = rows(&first).iter().chain(rows(&second)).collect();
    assert_eq!(paged, whole.iter().take(paged.len()).collect::<Vec<_>>());
}

#[test]
fn an_address_is_told_apart_before_anybody_pays_to_it() {
    let world = World::new(5);
    let (_explorer, base) = world.serve(&[]);
    let api = Api::of(&world, &base, "auditor");
    let check = |text: &str| api.get(&format!("/v1/addresses/{text}")).is(200);
    let alice = world.alice().to_string();
    let good = check(&alice);
    assert_eq!(
        (&good["valid"], &good["account"], &good["reason"]),
        (&json!(true), &json!("alice"), &Value::Null)
    );
    let stranger = check(&world.new_address(9));
    assert_eq!((&stranger["valid"], &stranger["account"]), (&json!(true), &Value::Null));
    let typo = format!("{}{}", &alice[..alice.len() - 1], if alice.ends_with('q') { 'p' } else { 'q' });
    for (text, network) in
        [(typo.as_str(), Value::Null), ("hello", Value::Null), (&world.other_address(), json!("testnet"))]
    {
        let bad = check(text);
        assert_eq!((&bad["valid"], &bad["network"]), (&json!(false), &network), "{bad}");
        assert!(bad["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{bad}");
    }
}
