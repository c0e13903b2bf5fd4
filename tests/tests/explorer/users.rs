//! Users come from the signer, go, and come back.

use custody_tests::explorer::World;
use custody_tests::money::{key, stranger};
use custody_tests::store::Store;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::process::Output;
use stegos_common::address::{Address, Network};

/// A node, and a ledger without users.
fn world() -> World {
    World::of(Network::Dev, 4)
}

fn address(name: &str) -> String {
    Address::new(Network::Dev, key(name).1).to_string()
}

fn line(account: &str, address: &str) -> String {
    json!({ "account": account, "address": address }).to_string() + "\n"
}

fn write(world: &World, content: &str) -> String {
    let path = world.path("users.jsonl");
    fs::write(&path, content).unwrap();
    path.to_string_lossy().into_owned()
}

fn import(world: &World, content: &str) -> Output {
    world.run(&["user", "import", &write(world, content)])
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The accounts that are listed, with further arguments.
fn accounts(world: &World, args: &[&str]) -> Vec<String> {
    let users = world.json(&[&["user", "list"], args].concat());
    users.as_array().unwrap().iter().map(|user| user["account"].as_str().unwrap().to_owned()).collect()
}

/// What happens while the ledger is open elsewhere happens also when it is not.
fn both_ways(check: impl Fn(&World)) {
    let world = world();
    let explorer = world.follow();
    explorer.settle();
    check(&world);
    drop(explorer);
    check(&self::world());
}

#[test]
fn the_signers_export_is_imported_once() {
    let store = Store::new(Network::Dev);
    store.add(&["alice", "bob"]);
    let export = store.ok(&["key", "export-public"]);
    both_ways(|world| {
        let path = write(world, &export);
        assert_eq!(world.ok(&["user", "import", &path]), "3 users and 3 addresses added\n");
        let users = world.json(&["user", "list"]);
        assert_eq!(users.as_array().unwrap().len(), 3);
        for (user, (account, address)) in users.as_array().unwrap().iter().zip(store.addresses()) {
            assert_eq!((&user["account"], &user["addresses"]), (&json!(account), &json!([address])));
        }
        assert_eq!(world.ok(&["user", "import", &path]), "0 users and 0 addresses added\n");
        assert_eq!(world.json(&["user", "list"]), users);
    });
}

#[test]
fn the_export_of_rotated_keys_says_which_address_is_current() {
    let store = Store::new(Network::Dev);
    store.add(&["alice", "bob"]);
    let first = (store.addresses()["alice"].to_string(), store.ok(&["key", "export-public"]));
    store.ok(&["key", "rotate", "alice"]);
    let second = (store.addresses()["alice"].to_string(), store.ok(&["key", "export-public"]));
    store.ok(&["key", "rotate", "alice"]);
    let third = (store.addresses()["alice"].to_string(), store.ok(&["key", "export-public"]));
    both_ways(|world| {
        let alice = || world.json(&["user", "list"])[0].clone();
        // Somebody was faster than the export.
        world.ok(&["user", "add", "alice", &first.0, &second.0]);
        assert_eq!(alice()["current"], first.0);
        for ((address, export), said, addresses) in [
            (&first, "2 users and 2 addresses added\n", vec![&first.0, &second.0]),
            (&second, "0 users and 0 addresses added\n1 users have", vec![&second.0, &first.0]),
            (&third, "0 users and 1 addresses added\n1 users have", vec![&third.0, &second.0, &first.0]),
            (&third, "0 users and 0 addresses added\n", vec![&third.0, &second.0, &first.0]),
        ] {
            let output = import(world, export);
            let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(stdout.starts_with(said) && (stdout == said || said.ends_with("have")), "{stdout}");
            assert!(output.stderr.is_empty(), "{output:?}");
            assert_eq!((&alice()["current"], &alice()["addresses"]), (&json!(address), &json!(addresses)));
        }
        let listed = world.ok(&["user", "list"]);
        let row = listed.lines().find(|line| line.starts_with("alice")).unwrap();
        let row: Vec<&str> = row.split_whitespace().collect();
        assert_eq!(row, ["alice", &third.0, &second.0, &first.0]);
        assert!(said(&import(world, &first.1)).contains("WARNING: 1 accounts have a later"));
        assert_eq!(alice()["current"], third.0);
        // Whoever is removed comes back with it.
        world.ok(&["user", "remove", "alice"]);
        world.ok(&["user", "add", "alice", &first.0]);
        assert_eq!(alice()["current"], third.0);
    });
}

#[test]
fn accounts_that_are_archived_are_left_out() {
    let world = world();
    let archived = json!({ "account": "bob", "address": address("bob"), "archived": true });
    let output = import(&world, &format!("{}{archived}\n", line("alice", &address("alice"))));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "1 users and 1 addresses added\n");
    assert!(said(&output).contains("1 archived accounts were left out"), "{output:?}");
    assert_eq!(accounts(&world, &["--archived"]), ["alice"]);
    // Nor has it the address.
    world.ok(&["user", "add", "carol", &address("bob")]);
}

#[test]
fn a_bad_line_is_named_and_no_other_is_imported() {
    let world = world();
    let good = line("alice", &address("alice"));
    let testnet = line("bob", &stranger(Network::Testnet).to_string());
    let long = line(&"b".repeat(5000), &address("bob"));
    let misspelt = line("bob", &address("bob").replace("dev1", "dev1q"));
    for (bad, why) in [
        ("bob\n", "expected value"),
        ("{}\n", "missing field `account`"),
        (&misspelt, "dev1q"),
        (&testnet, "testnet"),
        (&long, "longer than 4096 bytes"),
    ] {
        let output = import(&world, &format!("{good}{bad}{good}"));
        assert_eq!(output.status.code(), Some(1), "{bad}");
        let said = said(&output);
        for part in ["users.jsonl, line 2: ", why, "correct it and import again"] {
            assert!(said.contains(part), "{bad} {said}");
        }
        assert_eq!(accounts(&world, &[]), [""; 0], "{bad}");
    }
    assert!(import(&world, &good).status.success());
    assert_eq!(accounts(&world, &[]), ["alice"]);
}

#[test]
fn an_address_has_one_owner() {
    both_ways(|world| {
        let carol = address("carol");
        world.ok(&["user", "add", "alice", &address("alice"), &carol]);
        // Also after the owner was removed.
        for _ in 0..2 {
            let taken = [
                world.run(&["user", "add", "bob", &address("bob"), &carol]),
                import(world, &(line("bob", &address("bob")) + &line("eve", &carol))),
            ];
            for (output, account) in taken.iter().zip(["bob", "eve"]) {
                assert_eq!(output.status.code(), Some(3), "{output:?}");
                for part in [&carol, "belongs to user \"alice\"", &format!("cannot be one of {account:?}")] {
                    assert!(said(output).contains(part), "{output:?}");
                }
            }
            let two = line("bob", &address("bob")) + &line("eve", &address("bob"));
            let output = import(world, &two);
            assert_eq!(output.status.code(), Some(3));
            assert!(said(&output).contains(", lines 1 to 2: address"), "{output:?}");
            assert_eq!(accounts(world, &["--archived"]), ["alice"]);
            world.ok(&["user", "remove", "alice"]);
        }
    });
}

#[test]
fn a_user_that_was_removed_comes_back_as_it_was() {
    both_ways(|world| {
        let add = ["user", "add", "alice", &address("alice")];
        world.ok(&add);
        let before = world.json(&["user", "list"]);
        world.ok(&["user", "remove", "alice"]);
        assert_eq!(accounts(world, &[]), [""; 0]);
        assert_eq!(accounts(world, &["--archived"]), ["alice"]);
        world.ok(&add);
        assert_eq!(world.json(&["user", "list"]), before);
    });
}

#[test]
fn a_list_is_read_page_by_page() {
    let world = world();
    let names = ["a", "b", "c", "d", "e"];
    let lines: Vec<String> = names.iter().map(|name| line(name, &address(name))).collect();
    assert!(import(&world, &lines.concat()).status.success());
    assert_eq!(accounts(&world, &["--limit", "2"]), names[..2]);
    assert_eq!(accounts(&world, &["--limit", "2", "--after", "b"]), names[2..4]);
    assert_eq!(accounts(&world, &["--limit", "2", "--after", "d"]), names[4..]);
}

#[test]
fn a_user_of_today_sees_the_deposits_of_yesterday() {
    let world = world();
    let explorer = world.follow();
    let spent = world.pay(5000);
    world.mine(1);
    world.spend(&spent, 5000, "alice", "bob");
    world.mine(6);
    explorer.settle();
    assert_eq!(world.run(&["balance", "alice"]).status.code(), Some(3), "there is no alice yet");
    world.ok(&["user", "add", "alice", &world.alice().to_string()]);
    assert_eq!(world.balance(), (world.endowment(), world.endowment()));
    let history = world.json(&["history", "alice"]);
    let row = |row: &Value| (row["what"].as_str().unwrap().to_owned(), row["amount"].as_i64().unwrap());
    let rows: Vec<_> = history["rows"].as_array().unwrap().iter().map(row).collect();
    let expected = [("deposit", world.endowment()), ("deposit", 5000), ("spend", 5000)];
    assert_eq!(rows, expected.map(|(what, amount)| (what.to_owned(), amount)));
    // The others come from a pipe.
    world.add_users();
    explorer.check();
    let output = world
        .command(&["user", "import", "-"])
        .stdin(File::open(world.path("accounts.jsonl")).unwrap())
        .output();
    assert_eq!(String::from_utf8_lossy(&output.unwrap().stdout), "0 users and 0 addresses added\n");
}
