//! What people ask.

use custody_tests::explorer::World;
use serde_json::json;

/// What holds while the ledger is open elsewhere holds also when it is not.
fn both_ways(world: &World, check: impl Fn(&World)) {
    let explorer = world.follow();
    explorer.settle();
    check(world);
    explorer.stop();
    check(world);
}

#[test]
fn questions_have_the_same_answers_with_and_without_the_daemon() {
    let world = World::new(4);
    let deposit = world.pay(5).to_string();
    world.mine(7);
    both_ways(&world, |world| {
        assert_eq!(world.balance(), (world.endowment() + 5, world.endowment() + 5));
        let output = world.json(&["output", &deposit]);
        assert_eq!((&output["account"], &output["amount"]), (&json!("alice"), &json!(5)));
        assert_eq!(output["created"]["finality"], "final");
        let blob = &world.server.node().chain().unspent(&deposit.parse().unwrap()).unwrap().blob.clone();
        let list = world.ok(&["outputs-list", &deposit, &deposit]);
        let list: serde_json::Value = serde_json::from_str(&list).unwrap();
        assert_eq!(list, json!({ "type": "outputs_list", "utxos": [hex::encode(blob), hex::encode(blob)] }));
        assert!(world.ok(&["balance", "alice"]).contains("1000000.000005 STG"));
        assert!(world.ok(&["history", "alice"]).contains("+0.000005 STG"));
        let last = world.json(&["events"])["last"].as_u64().unwrap();
        let finals = world.json(&["events", "--type", "deposit.final"]);
        let finals: Vec<_> = finals["events"].as_array().unwrap().iter().map(|it| &it["data"]).collect();
        assert!(finals.iter().any(|it| it["output_hash"] == deposit && it["amount"]["micro_stg"] == 5));
        let none = world.json(&["events", "--type", "alarm.raised"]);
        assert_eq!((&none["events"], &none["next"]), (&json!([]), &json!(last)), "the others were looked at");
        let page = world.json(&["events", "--after", "1", "--limit", "2"]);
        assert_eq!((&page["events"][0]["id"], &page["next"]), (&json!(2), &json!(3)));
        assert!(world.ok(&["events"]).contains(&format!("alice +0.000005 STG in 1 output {deposit}")));
        let unknown = "00".repeat(32);
        for args in [
            &["output", &unknown][..],
            &["outputs-list", &deposit, &unknown],
            &["balance", "nobody"],
            &["outputs", "nobody"],
            &["events", "--after", "100000"],
            &["user", "remove", "nobody"],
        ] {
            let refused = world.run(args);
            assert_eq!(refused.status.code(), Some(3), "{args:?} {refused:?}");
        }
    });
}

#[test]
fn tokens_are_made_listed_and_revoked_and_shown_once() {
    let world = World::new(4);
    both_ways(&world, |world| {
        let listed = world.json(&["token", "list"]).as_array().unwrap().len();
        let made = world.run(&[
            "token",
            "create",
            "--role",
            "service",
            "--name",
            "shop",
            "--expires",
            "2100-01-31T00:00:00Z",
        ]);
        assert!(made.status.success(), "{made:?}");
        let (token, told) =
            (String::from_utf8(made.stdout).unwrap(), String::from_utf8(made.stderr).unwrap());
        let [prefix, id, secret] = token.trim_end().split('_').collect::<Vec<_>>().try_into().unwrap();
        assert_eq!((prefix, id.len(), secret.len()), ("oe", 16, 64));
        assert!(told.contains(id) && told.contains("2100-01-31") && !told.contains(secret), "{told}");
        let list = world.json(&["token", "list"]);
        let row = &list[listed];
        assert_eq!((&row["id"], &row["role"], &row["name"]), (&json!(id), &json!("service"), &json!("shop")));
        assert!(row["revoked"].is_null() && !list.to_string().contains(secret), "{list}");
        assert!(world.ok(&["token", "list"]).contains("valid"));
        world.ok(&["token", "revoke", id]);
        assert!(world.json(&["token", "list"])[listed]["revoked"].is_string());
        assert_eq!(world.run(&["token", "revoke", "0011223344556677"]).status.code(), Some(3));
        for args in [&["--role", "root"][..], &["--role", "auditor", "--expires", "2020-01-01T00:00:00Z"]] {
            assert_eq!(world.run(&[&["token", "create"], args].concat()).status.code(), Some(2), "{args:?}");
        }
    });
}

#[test]
fn http_that_would_be_open_to_others_is_not_begun() {
    let world = World::new(4);
    let in_clear = world.run(&["run", "--http-listen", "0.0.0.0:0"]);
    let text = String::from_utf8_lossy(&in_clear.stderr);
    assert!(!in_clear.status.success() && text.contains("--http-allow-tokens-in-clear"), "{text}");
    let tls = ["--http-tls-certificate-file", "missing.crt", "--http-tls-key-file", "missing.key"];
    let missing = world.run(&[&["run", "--http-listen", "127.0.0.1:0"][..], &tls].concat());
    assert!(!missing.status.success(), "{missing:?}");
    assert!(String::from_utf8_lossy(&missing.stderr).contains("missing.crt"), "{missing:?}");
}

#[test]
fn pages_are_complete_and_without_repetition() {
    let world = World::new(3);
    let explorer = world.follow();
    // Each block is seen: a macro block alone does not tell the order.
    for amount in 1..8 {
        world.pay(amount);
        world.mine(1);
        explorer.check();
    }
    let (mut amounts, mut after) = (Vec::new(), None::<String>);
    loop {
        let mut args = vec!["outputs", "alice", "--limit", "3"];
        args.extend(after.iter().flat_map(|after| ["--after", after]));
        let page = world.json(&args);
        let rows = page["rows"].as_array().unwrap();
        amounts.extend(rows.iter().map(|row| row["amount"].as_i64().unwrap()));
        let Some(next) = page["next"].as_str() else { break };
        after = Some(next.to_owned());
    }
    assert_eq!(amounts, [world.endowment(), 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn the_audit_finds_what_is_wrong() {
    let world = World::new(4);
    world.pay(5);
    world.mine(6);
    let explorer = world.follow();
    explorer.settle();
    explorer.stop();
    world.audit();
    let missing = world.outputs().into_iter().next().unwrap();
    {
        let database = sled::open(world.path("explorer/ledger")).unwrap();
        let key = [b"O".as_slice(), &hex::decode(&missing).unwrap()].concat();
        assert!(database.remove(key).unwrap().is_some());
    }
    let output = world.run(&["audit"]);
    assert_eq!(output.status.code(), Some(6), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains(&missing), "{output:?}");
}

#[test]
fn the_audit_of_a_ledger_on_another_branch_compares_what_is_final() {
    let world = World::new(4);
    world.pay(5);
    world.mine(6);
    let explorer = world.follow();
    explorer.settle();
    explorer.stop();
    world.audit();
    // The chain is another one from here on: what the ledger has is not what the node says.
    world.revert(1);
    world.pay(9);
    world.mine(1);
    let report = world.json(&["audit"]);
    assert_eq!((&report["prepared"], &report["differences"]), (&json!(false), &json!([])));
}

#[test]
fn blobs_of_spent_outputs_are_kept_as_configured() {
    for keep in ["true", "false"] {
        let world = World::new(4);
        // What the faucet pays with is spent, and that it is will be final.
        let reserve = *world.server.node().chain().reserve().next().unwrap();
        let blob = hex::encode(&world.server.node().chain().unspent(&reserve).unwrap().blob);
        world.pay(5);
        let explorer = world.follow_with(&mut world.command(&["run", "--keep-spent-blobs", keep]));
        world.mine(2);
        explorer.settle();
        let list = ["outputs-list", &reserve.to_string()];
        assert!(world.ok(&list).contains(&blob), "its spend may be taken back");
        world.mine(3);
        explorer.settle();
        if keep == "true" {
            assert!(world.ok(&list).contains(&blob));
        } else {
            let output = world.run(&list);
            assert_eq!(output.status.code(), Some(3));
            assert!(String::from_utf8_lossy(&output.stderr).contains(&reserve.to_string()));
        }
    }
}
