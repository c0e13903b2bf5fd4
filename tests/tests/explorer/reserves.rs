//! What is owed to users, over a real ledger, and each user's check of it.

use custody_tests::explorer::{World, output_explorer};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn create(world: &World, out: &str, more: &[&str]) -> Output {
    let out = world.path(out).to_string_lossy().into_owned();
    world.run(&[&["reserves", "create", "--out", &out], more].concat())
}

/// The file of each account, by the index.
fn proofs(folder: &Path) -> BTreeMap<String, String> {
    let index = fs::read_to_string(folder.join("accounts.jsonl")).unwrap();
    let line = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        (line["account"].as_str().unwrap().to_owned(), line["proof"].as_str().unwrap().to_owned())
    };
    index.lines().map(line).collect()
}

/// What a user types, in the folder with the files, with nothing else around: the exit code and what is said.
fn verify(folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(output_explorer());
    command.args(["reserves", "verify"]).args(args).current_dir(folder).env_clear();
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

/// A ledger after some epochs, in the last of which alice has moved money.
fn world() -> World {
    let world = World::new(4);
    let explorer = world.follow();
    let output = world.pay(5_000_000);
    world.mine(6);
    world.spend(&output, 5_000_000, "alice", "bob");
    world.mine(4);
    explorer.settle();
    explorer.check();
    explorer.stop();
    world
}

/// What the ledger says of each user after an epoch.
fn amounts(world: &World, epoch: &str) -> BTreeMap<String, i64> {
    let users = world.json(&["user", "list", "--archived"]);
    let amount = |user: &Value| {
        let account = user["account"].as_str().unwrap();
        let balance = world.json(&["balance", account, "--at-epoch", epoch]);
        (account.to_owned(), balance["final"]["amount"].as_i64().unwrap())
    };
    users.as_array().unwrap().iter().map(amount).collect()
}

#[test]
fn every_user_finds_the_own_balance_in_the_total() {
    let world = world();
    world.ok(&["user", "remove", "bob"]);
    let mut totals = BTreeSet::new();
    for epoch in ["0", "1"] {
        let amounts = amounts(&world, epoch);
        let out = format!("reserves-{epoch}");
        let output = create(&world, &out, &["--at-epoch", epoch]);
        assert!(output.status.success(), "{output:?}");
        let folder = world.path(&out);
        let root = json(&folder.join("root.json"));
        assert_eq!(root["total"].as_i64(), Some(amounts.values().sum()));
        assert_eq!(root["accounts"].as_u64(), u64::try_from(amounts.len()).ok());
        totals.insert(amounts["alice"]);
        let proofs = proofs(&folder);
        assert!(proofs.keys().eq(amounts.keys()));
        for (account, proof) in &proofs {
            let (code, said) = verify(&folder, &[proof, "--root", "root.json", "--account", account]);
            assert_eq!(code, Some(0), "{said}");
            assert!(said.starts_with(&format!("OK: account \"{account}\" is counted with ")), "{said}");
            assert_eq!(json(&folder.join(proof))["amount"], amounts[account]);
            // A name that says nothing, in a file that nobody else reads.
            assert!(!proof.contains(account.as_str()));
            assert_eq!(fs::metadata(folder.join(proof)).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    }
    assert_eq!(totals.len(), 2, "the epochs differ");
}

#[test]
fn a_user_who_is_deceived_is_told_so() {
    let world = world();
    assert!(create(&world, "old", &["--at-epoch", "0"]).status.success());
    assert!(create(&world, "new", &["--at-epoch", "1"]).status.success());
    assert!(create(&world, "again", &["--at-epoch", "1"]).status.success());
    let folder = world.path("new");
    let proof = &proofs(&folder)["alice"];
    let text = fs::read_to_string(folder.join(proof)).unwrap();
    let amount = json(&folder.join(proof))["amount"].to_string();
    for (name, content) in [
        ("less.json", text.replace(&format!("\"amount\": {amount}"), "\"amount\": 1")),
        ("other.json", text.replace("\"alice\"", "\"carol\"")),
        ("more.json", text.replace("\"version\"", "\"comment\": \"\", \"version\"")),
        ("negative.json", text.replace(&format!("\"amount\": {amount}"), &format!("\"amount\": -{amount}"))),
        ("long.json", text.replace('\n', &"\n".repeat(65_536))),
    ] {
        assert_ne!(content, text, "{name}");
        fs::write(folder.join(name), content).unwrap();
    }
    for (args, reason) in [
        (&[proof.as_str(), "--root", "../old/root.json"][..], "epoch 1 of dev, the root of epoch 0 of dev"),
        (&[proof, "--root", "../again/root.json"], "NOT PROVED: the path leads to another root"),
        (&[proof, "--root", "root.json", "--account", "bob"], "is for account \"alice\", not for \"bob\""),
        (&["less.json", "--root", "root.json"], "NOT PROVED: the path leads to a total of"),
        (&["other.json", "--root", "root.json"], "NOT PROVED: the path leads to another root"),
        (&["more.json", "--root", "root.json"], "unknown field `comment`"),
        (&["negative.json", "--root", "root.json"], "negative amount"),
        (&["long.json", "--root", "root.json"], "long.json is longer than 65536 bytes"),
        (&["root.json", "--root", "root.json"], "root.json: "),
        (&["none.json", "--root", "root.json"], "none.json: No such file"),
    ] {
        let (code, said) = verify(&folder, args);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(reason), "{reason}: {said}");
    }
}

#[test]
fn what_only_the_exchange_knows_is_owed_as_its_books_say() {
    let world = world();
    let books = world.path("books.csv");
    fs::write(&books, "account,amount\nalice,7000000\nzoe,1\nhot,5\n").unwrap();
    let books = books.to_string_lossy();
    let args = ["--at-epoch", "1", "--balances", &books, "--without", "hot"];
    let output = create(&world, "books", &args);
    assert!(output.status.success(), "{output:?}");
    let folder = world.path("books");
    let root = json(&folder.join("root.json"));
    assert_eq!((root["total"].as_i64(), root["accounts"].as_i64()), (Some(7_000_001), Some(2)));
    for (account, proof) in proofs(&folder) {
        let (code, said) = verify(&folder, &[&proof, "--root", "root.json", "--account", &account]);
        assert_eq!(code, Some(0), "{said}");
    }
    fs::write(world.path("books.csv"), "account,amount\nalice,1\nalice,2\n").unwrap();
    let twice = create(&world, "twice", &args);
    let said = String::from_utf8_lossy(&twice.stderr).into_owned();
    assert_eq!(twice.status.code(), Some(1), "{said}");
    assert!(said.contains("line 3: account \"alice\" was there before"), "{said}");
    assert!(!world.path("twice").exists());
}

#[test]
fn a_proof_is_made_while_others_use_the_ledger_of_what_is_final_only() {
    let world = World::new(4);
    let explorer = world.follow();
    world.mine(6);
    explorer.settle();
    let said = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let early = create(&world, "early", &["--at-epoch", "2"]);
    assert_eq!(early.status.code(), Some(3), "{early:?}");
    assert!(said(&early).contains("epoch 2 is not final yet: the last final one is 1"), "{early:?}");
    assert!(!world.path("early").exists());
    let unknown = create(&world, "unknown", &["--at-epoch", "1", "--without", "alice,nobody"]);
    assert!(said(&unknown).contains("no user \"nobody\" to be left out"), "{unknown:?}");
    let all = amounts(&world, "1");
    let output = create(&world, "reserves", &["--at-epoch", "1", "--without", "alice"]);
    assert!(output.status.success(), "{output:?}");
    let total = all.values().sum::<i64>() - all["alice"];
    assert_eq!(json(&world.path("reserves/root.json"))["total"].as_i64(), Some(total));
    assert!(!proofs(&world.path("reserves")).contains_key("alice"));
    // What is there stays as it is.
    let before = fs::read(world.path("reserves/root.json")).unwrap();
    let twice = create(&world, "reserves", &["--at-epoch", "1"]);
    assert_eq!(twice.status.code(), Some(1));
    assert!(said(&twice).contains("File exists"), "{twice:?}");
    assert_eq!(fs::read(world.path("reserves/root.json")).unwrap(), before);
}
