//! Exports, held against what is final on the node's chain, and against what the documentation shows.

use custody_tests::api::Api;
use custody_tests::books::{Books, STRANGER};
use custody_tests::custody::{Custody, address};
use custody_tests::explorer::{Explorer, World};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use stegos_common::hash::Hash;

const STG: i64 = 1_000_000;

const KINDS: [&str; 4] = ["users", "outputs", "balances", "transactions"];

const PAGE: &str = include_str!("../../../docs/exports.md");

/// Makes a block, which is seen, and the epoch in which it becomes final.
fn block(custody: &Custody, explorer: &Explorer<'_>) {
    custody.world.mine(1);
    explorer.settle();
    custody.finish_epoch(explorer);
}

/// Sends a handoff, and makes the epoch in which it becomes final.
fn finish(custody: &Custody, books: &mut Books, explorer: &Explorer<'_>, number: u64) {
    custody.send(number);
    books.note(&fs::read_to_string(custody.response(number)).unwrap());
    custody.wait(number, &["accepted"]);
    block(custody, explorer);
    custody.wait(number, &["final"]);
}

/// The rows of an export, and its total.
fn rows(world: &World, kind: &str) -> (Vec<Value>, Value) {
    let text = world.ok(&["export", kind, "--format", "jsonl"]);
    let mut rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let total = rows.pop().unwrap();
    assert_eq!((&total["record"], &total["row"]), (&json!("total"), &json!(rows.len())), "{kind}");
    (rows, total)
}

fn hash(value: &Value) -> Hash {
    serde_json::from_value(value.clone()).unwrap()
}

fn sum(rows: &[Value], column: &str) -> i64 {
    rows.iter().map(|row| row[column].as_i64().unwrap()).sum()
}

/// The same text with `…` for what is another one on each chain: hashes, addresses and times.
fn blur(text: &str) -> String {
    let is_hash = |cell: &str| cell.len() == 64 && cell.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_time = |cell: &str| cell.ends_with('Z') && cell.contains('T');
    let cells = text.split_inclusive([',', '\n', '"']).map(|cell| {
        let (value, end) = cell.split_at(cell.trim_end_matches([',', '\n', '"']).len());
        let blurred =
            if is_hash(value) || is_time(value) || value.starts_with("dev1") { "…" } else { value };
        format!("{blurred}{end}")
    });
    cells.collect()
}

#[test]
fn exports_reconcile_and_never_change_once_they_are_final() {
    let accounts = ["alice", "bob", "hot"];
    let custody = Custody::new(4, &["alice", "bob"]);
    let world = &custody.world;
    let mut books = Books::new(&accounts);
    let (explorer, base) = world.serve(&[]);
    books.deposit(&custody, &[("alice", 10 * STG), ("bob", 20 * STG), ("hot", 5 * STG)]);
    block(&custody, &explorer);
    let early_epoch = (explorer.settle()["epoch"].as_u64().unwrap() - 1).to_string();
    let export = |kind: &str, format: &str| {
        world.ok(&["export", kind, "--at-epoch", &early_epoch, "--format", format])
    };
    let all = || KINDS.map(|kind| [export(kind, "csv"), export(kind, "jsonl")]);
    let early = all();

    let sweep = custody.handoff(&["sweep", "--all"])[0];
    finish(&custody, &mut books, &explorer, sweep);
    let stranger = address(STRANGER).to_string();
    let batch = world.path("batch.jsonl");
    let line = |id: &str, amount: &str| json!({ "id": id, "to": stranger, "amount": amount }).to_string();
    fs::write(&batch, [line("w-1", "3 STG"), line("=w-2", "1.5 STG")].join("\n")).unwrap();
    let private = ["--private-change", "true"];
    let batch = ["withdraw", "--batch", &batch.to_string_lossy()];
    let hidden = custody.handoff(&[&batch[..], &private].concat())[0];
    finish(&custody, &mut books, &explorer, hidden);
    books.deposit(&custody, &[("bob", 7 * STG)]);
    block(&custody, &explorer);
    // What was hidden is spent, and something of it is hidden again.
    let rest = ["withdraw", "--to", &stranger, "--amount", "25 STG", "--id", "w-3"];
    let rest = custody.handoff(&[&rest[..], &private].concat())[0];
    finish(&custody, &mut books, &explorer, rest);

    // What was paid, by the node's blocks and everybody's keys.
    let truth = books.check(&custody);
    let owned = |name: &str| -> i64 { truth.outputs.get(name).into_iter().flatten().sum() };
    let (balances, total) = rows(world, "balances");
    for row in &balances {
        assert_eq!(row["balance_micro_stg"], owned(row["account"].as_str().unwrap()), "{row}");
        assert_eq!((&row["difference_micro_stg"], &row["reconciles"]), (&json!(0), &json!(true)), "{row}");
    }
    let given = 42 * STG;
    let paid = owned(STRANGER);
    let left: i64 = accounts.iter().map(|name| owned(name)).sum();
    assert_eq!(total["deposits_micro_stg"], given);
    assert_eq!(total["withdrawals_micro_stg"], paid);
    assert_eq!(total["fees_micro_stg"], given - paid - left);
    assert_eq!(total["balance_micro_stg"], left);
    assert_eq!(total["difference_micro_stg"], 0);
    assert_eq!(total["reconciles"], true);
    assert_eq!(sum(&balances, "balance_micro_stg"), left);

    let (transactions, of_all) = rows(world, "transactions");
    let ids: BTreeSet<Hash> = transactions.iter().map(|row| hash(&row["transaction"])).collect();
    assert_eq!(ids, truth.transactions);
    assert_eq!(transactions[1]["withdrawals"], json!(["w-1", "=w-2"]));
    assert_eq!(of_all["paid_micro_stg"], paid);
    assert_eq!(of_all["difference_micro_stg"], 0);

    let (outputs, of_all) = rows(world, "outputs");
    assert_eq!(of_all["unspent_micro_stg"], total["public_micro_stg"]);
    assert_eq!(sum(&outputs, "unspent_micro_stg"), of_all["unspent_micro_stg"].as_i64().unwrap());
    {
        let node = world.server.node();
        let block = |epoch: &Value| node.chain().macro_blocks().find(|block| json!(block.epoch) == *epoch);
        for row in &outputs {
            let made_in = block(&row["created_epoch"]).unwrap();
            assert_eq!(row["created_block"], json!(made_in.block_hash), "{row}");
            assert!(made_in.outputs.iter().any(|output| json!(output.output_hash) == row["output"]), "{row}");
            let spent_in = block(&row["spent_epoch"]);
            assert_eq!(row["state"] == "spent", spent_in.is_some(), "{row}");
            assert!(
                spent_in.is_none_or(|block| block.inputs.iter().any(|id| json!(id) == row["output"])),
                "{row}"
            );
        }
    }

    // What is about one user is what is about it in all; it is told from nobody.
    let api = Api::of(world, &base, "auditor");
    let body = |of: &str, kind: &str| {
        let answer = api.get(&format!("/v1/exports/{kind}?format=jsonl{of}"));
        let lines: Vec<Value> = answer.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (answer, lines)
    };
    let nameless = |mut row: Value| {
        row["row"] = Value::Null;
        row
    };
    for kind in ["users", "outputs", "balances"] {
        let (answer, mut of_hot) = body("&account=hot", kind);
        let end = of_hot.pop().unwrap();
        assert_eq!(end["record"], "total", "{end}");
        let all = body("", kind).1.into_iter().filter(|row| row["account"] == "hot");
        assert_eq!(
            of_hot.clone().into_iter().map(nameless).collect::<Vec<_>>(),
            all.map(nameless).collect::<Vec<_>>()
        );
        assert!(
            answer.header("content-disposition").unwrap().contains(&format!("\"{kind}-hot-")),
            "{answer:?}"
        );
        if kind == "balances" {
            for column in ["balance_micro_stg", "private_micro_stg", "difference_micro_stg", "reconciles"] {
                assert_eq!(end[column], of_hot[0][column], "{column}");
            }
            assert_eq!((&end["withdrawals_micro_stg"], &end["fees_micro_stg"]), (&Value::Null, &Value::Null));
        }
    }
    let numbers = |of: &str| -> Vec<Value> {
        body(of, "transactions").1.iter().filter_map(|row| row.get("handoff").cloned()).collect()
    };
    assert_eq!(numbers("&account=alice"), [json!(sweep), Value::Null], "and the total");
    assert_eq!(numbers("&account=hot"), numbers(""));
    assert_eq!(body("&account=nobody", "outputs").0.problem(404), "user_unknown");
    assert_eq!(world.run(&["export", "outputs", "--account", "nobody"]).status.code(), Some(3));

    // What was final then is what it was, over HTTP too, and without `run`.
    assert_eq!(all(), early);
    for (kind, [csv, jsonl]) in KINDS.into_iter().zip(&early) {
        let path = format!("/v1/exports/{kind}?at_epoch={early_epoch}");
        let answer = api.get(&path);
        assert_eq!((answer.status, &answer.body), (200, csv), "{kind}");
        assert_eq!(answer.header("content-type"), Some("text/csv"));
        let answer = api.get(&format!("{path}&format=jsonl"));
        assert_eq!((answer.status, &answer.body), (200, jsonl), "{kind}");
        assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    }
    // Compressed, too, and to its end, which a client takes for an error where it does not come.
    let zipped = api.ask("GET", "/v1/exports/outputs", &[("accept-encoding", "gzip")], "");
    assert_eq!((zipped.status, zipped.header("content-encoding")), (200, Some("gzip")));
    let file = world.path("users.csv");
    world.ok(&["export", "users", "--out", &file.to_string_lossy()]);
    assert_eq!(fs::read_to_string(&file).unwrap(), early[0][0]);
    assert_eq!(api.get("/v1/exports/users?at_epoch=99").problem(409), "epoch_not_final");
    assert_eq!(api.get("/v1/exports/users?format=xml").problem(400), "invalid_parameter");
    assert_eq!(api.get("/v1/exports/secrets").problem(400), "invalid_parameter");
    assert_eq!(world.run(&["export", "users", "--at-epoch", "99"]).status.code(), Some(3));
    explorer.stop();
    assert_eq!(all(), early);

    let mut missing = Vec::new();
    for kind in KINDS {
        let shown = blur(&world.ok(&["export", kind]));
        let columns = shown.lines().next().unwrap().split(',');
        missing.extend(columns.map(|column| format!("`{column}`")).filter(|column| !PAGE.contains(column)));
        missing.extend((!PAGE.contains(&shown)).then_some(shown));
    }
    assert!(missing.is_empty(), "docs/exports.md does not show:\n{}", missing.join("\n"));
}

#[test]
fn what_somebody_else_spent_does_not_reconcile() {
    let world = World::new(4);
    let explorer = world.follow();
    let output = world.pay(5 * STG);
    world.mine(1);
    world.spend(&output, 5 * STG, "alice", "bob");
    world.mine(5);
    explorer.settle();
    let exported = world.run(&["export", "balances", "--format", "jsonl"]);
    assert_eq!(exported.status.code(), Some(6), "{exported:?}");
    let text = String::from_utf8(exported.stdout).unwrap();
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let row = |account: &str| rows.iter().find(|row| row["account"] == account).unwrap();
    let alice = row("alice");
    for column in ["spent_elsewhere_micro_stg", "difference_micro_stg"] {
        assert_eq!(alice[column], 5 * STG, "{alice}");
    }
    assert_eq!(alice["reconciles"], false, "{alice}");
    assert_eq!(row("bob")["reconciles"], true, "{}", row("bob"));
    // Accounts of the node spend, too, which are users here.
    let total = rows.last().unwrap();
    assert_eq!(total["difference_micro_stg"], total["spent_elsewhere_micro_stg"], "{total}");
    assert_eq!((&total["record"], &total["reconciles"]), (&json!("total"), &json!(false)), "{total}");
}
