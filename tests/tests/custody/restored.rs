//! The drill: the signer's machine is lost, and all there is is a backup from before the last withdrawals.

use age::secrecy::ExposeSecret;
use custody_tests::custody::{Custody, address};
use custody_tests::store::Store;
use serde_json::Value;
use std::fs;
use stegos_common::address::Network;

const STG: i64 = 1_000_000;

fn withdraw(custody: &Custody) -> u64 {
    let to = address("a stranger").to_string();
    custody.handoff(&["withdraw", "--to", &to, "--amount", "4 STG", "--private-change", "true"])[0]
}

/// What the signer says to the request of a handoff.
fn asked(custody: &Custody, number: u64) -> Value {
    answer(custody, &fs::read_to_string(custody.request(number)).unwrap())
}

fn answer(custody: &Custody, request: &str) -> Value {
    let output = custody.store.sign(request, &[]);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

#[test]
fn a_lost_signer_is_restored_from_an_old_backup_and_pays_nothing_twice() {
    let mut custody = Custody::new(4, &["alice"]);
    // Not even where blobs of what was spent are dropped is anything lacking.
    let mut run = custody.world.command(&["run", "--keep-spent-blobs", "false"]);
    let explorer = custody.world.follow_with(&mut run);
    custody.deposit(&[("hot", 10 * STG); 3]);
    custody.finish_epoch(&explorer);
    let finish = |custody: &Custody, number: u64| {
        custody.wait(number, &["accepted"]);
        custody.finish_epoch(&explorer);
        custody.wait(number, &["final"]);
    };
    let first = withdraw(&custody);
    custody.send(first);
    finish(&custody, first);

    let identity = age::x25519::Identity::generate();
    let key = custody.store.private_file("key.txt", identity.to_string().expose_secret());
    let backup = custody.world.path("signer.backup");
    let (key, backup) = (key.to_string_lossy().into_owned(), backup.to_string_lossy().into_owned());
    custody.store.ok(&["backup", "create", &backup, "--recipient", &identity.to_public().to_string()]);
    custody.store.ok(&["backup", "verify", &backup, "--identity", &key]);

    // One that spends a deposit, and one that spends the private change of another; then the machine is gone.
    let second = withdraw(&custody);
    custody.send(second);
    finish(&custody, second);
    let third = withdraw(&custody);
    custody.send(third);
    custody.wait(third, &["accepted"]);
    let sent: Value = serde_json::from_slice(&fs::read(custody.response(third)).unwrap()).unwrap();
    let lost = std::mem::replace(&mut custody.store, Store::none(Network::Dev));

    let known = custody.world.json(&["status"])["signer_journal"]["known"].clone();
    let (count, head) = (known["count"].to_string(), known["head"].as_str().unwrap());
    let told = custody.store.ok(&[
        "restore",
        &backup,
        "--identity",
        &key,
        "--journal-count",
        &count,
        "--journal-head",
        head,
    ]);
    assert!(told.contains("journal catch-up"), "{told}");

    // Nothing is signed: not what it signed before, not otherwise, not what is new.
    let fourth = withdraw(&custody);
    let mut other: Value = serde_json::from_slice(&fs::read(custody.request(third)).unwrap()).unwrap();
    other["txouts"][0]["recipient"] = address("somebody").to_string().into();
    let other = other.to_string();
    for said in [asked(&custody, third), answer(&custody, &other), asked(&custody, fourth)] {
        assert!(said["data"].is_null() && said["code"].is_string(), "{said}");
    }
    assert_eq!(asked(&custody, fourth)["code"], "journal_behind");

    // Somebody is too fast: how far it was is still known.
    custody.world.ok(&["accept-journal"]);
    let export = custody.store.private_file("signed.jsonl", &custody.world.ok(&["transaction", "export"]));
    let told = custody.store.ok(&["journal", "catch-up", &export.to_string_lossy(), "--yes"]);
    assert!(told.contains("2 transactions were forgotten, 1 known"), "{told}");
    let again = asked(&custody, third);
    assert_eq!((&again["data"], &again["certificates"]), (&sent["data"], &sent["certificates"]));
    assert_eq!(answer(&custody, &other)["code"], "already_signed");

    custody.send(fourth);
    finish(&custody, fourth);
    custody.wait(third, &["final"]);
    // Four payments, each with its change, of three deposits.
    assert_eq!(custody.balance("hot"), 30 * STG - 4 * (4 * STG + 2000));
    custody.store.ok(&["journal", "verify"]);
    custody.store.ok(&["store", "check"]);
    drop(lost);
}
