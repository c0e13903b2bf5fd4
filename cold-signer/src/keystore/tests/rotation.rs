//! An account that gets another key keeps all that it had.

use super::{create, example, open, passphrase};
use crate::disk::{Call, Disk, Log};
use crate::keystore::{AccountError, Keystore, Listed, Locked, Rebuilt, Sources};
use std::fs;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use stegos_common::group::Encoded;
use stegos_common::keys::SecretKey;
use tempfile::TempDir;

fn generation(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

/// The derived key of a generation.
fn derived(name: &str, number: u32) -> SecretKey {
    SecretKey::from_seed(b"master").generation_key(name, generation(number))
}

fn public(key: &SecretKey) -> Encoded {
    key.public_key().encoded()
}

/// The names and generations of all records.
fn records(keystore: &Keystore) -> Vec<(String, u32)> {
    let record = |account: &super::Account| (account.name().to_string(), account.generation().get());
    keystore.accounts().map(record).collect()
}

/// An account as an export lists it.
fn listed(name: &str, number: u32, key: &SecretKey) -> Listed {
    let (name, public_key, generation) = (name.to_owned(), public(key), generation(number));
    Listed { name, public_key, generation, archived: false }
}

fn rebuild(dir: &Path, accounts: Vec<Listed>) -> Rebuilt {
    let master = Some(SecretKey::from_seed(b"master"));
    let sources = Sources { master, accounts, ..Sources::default() };
    Locked::new(dir, None, Disk::default()).unwrap().rebuild(&passphrase("right"), sources).unwrap()
}

#[test]
fn a_rotated_account_is_found_by_every_key_and_answers_with_the_newest() {
    let (_temp, dir) = example();
    let mut keystore = open(&dir).unwrap();
    keystore.rotate(&["alice", "bob"]).unwrap();
    keystore.rotate(&["alice"]).unwrap();
    drop(keystore);
    let keystore = open(&dir).unwrap();
    let alice =
        [derived("alice", 3), derived("alice", 2), SecretKey::from_seed(b"master").account_key("alice")];
    let bob = [derived("bob", 2), SecretKey::from_seed(b"bob")];
    for (name, keys) in [("alice", &alice[..]), ("bob", &bob)] {
        let found: Vec<Encoded> = keystore.generations(name).map(|owner| owner.public_key).collect();
        assert_eq!(found, keys.iter().map(public).collect::<Vec<_>>(), "{name}, the newest first");
        assert_eq!(keystore.owner(name).unwrap().public_key, public(&keys[0]));
        for key in keys {
            let owner = keystore.find(&public(key)).unwrap();
            assert_eq!((&*owner.account, owner.secret_key().to_bytes()), (name, key.to_bytes()));
        }
    }
    let owners: Vec<String> = keystore.owners().map(|owner| owner.account.to_string()).collect();
    assert_eq!(owners, ["master", "alice", "bob", "alice", "bob", "alice"]);
    let imported: Vec<bool> = keystore.accounts().map(super::Account::is_imported).collect();
    assert_eq!(
        imported,
        [false, true, false, false, false, false],
        "later keys of an imported account are derived"
    );
    drop(keystore);
    let locked = Locked::new(&dir, None, Disk::default()).unwrap();
    let report = locked.check(&passphrase("right")).unwrap();
    assert_eq!((report.accounts, report.faults.len()), (6, 0), "{:?}", report.faults);
}

#[test]
fn as_many_rotations_give_the_same_keys_in_a_restored_store() {
    let (_temp, dir) = example();
    let mut keystore = open(&dir).unwrap();
    keystore.rotate(&["alice"]).unwrap();
    keystore.rotate(&["alice"]).unwrap();
    let temp = TempDir::new().unwrap();
    let mut restored = create(&temp.path().join("store"));
    restored.add(&["bob", "alice"]).unwrap();
    (0..2).for_each(|_| restored.rotate(&["alice"]).unwrap());
    let keys =
        |keystore: &Keystore| keystore.generations("alice").map(|owner| owner.public_key).collect::<Vec<_>>();
    assert_eq!((keys(&restored).len(), keys(&restored)), (3, keys(&keystore)));
}

#[test]
fn all_named_accounts_are_rotated_or_none() {
    let (_temp, dir) = example();
    let mut keystore = open(&dir).unwrap();
    keystore.import("erin", derived("alice", 2)).unwrap();
    let before = records(&keystore);
    for names in [["bob", "nobody"], ["bob", "master"]] {
        assert!(matches!(keystore.rotate(&names), Err(AccountError::Unknown(name)) if name == names[1]));
    }
    assert!(
        matches!(keystore.rotate(&["bob", "carol"]), Err(AccountError::Archived(name)) if name == "carol")
    );
    assert!(matches!(keystore.rotate(&["bob", "bob"]), Err(AccountError::Twice(name)) if name == "bob"));
    assert!(
        matches!(keystore.rotate(&["bob", "alice"]), Err(AccountError::KeyExists(name)) if name == "erin")
    );
    assert_eq!(records(&keystore), before);
    // The name stays taken.
    keystore.rotate(&["bob"]).unwrap();
    assert!(matches!(keystore.add(&["bob"]), Err(AccountError::Exists(_))));
    assert!(matches!(keystore.import("bob", SecretKey::from_seed(b"x")), Err(AccountError::Exists(_))));
}

#[test]
fn an_archived_account_is_archived_with_all_its_keys_in_one_step() {
    let (_temp, dir) = example();
    open(&dir).unwrap().rotate(&["bob"]).unwrap();
    let log = Arc::new(Log::default());
    let mut keystore = Keystore::open(&dir, &passphrase("right"), None, Disk::behind(log.clone())).unwrap();
    log.0.lock().unwrap().clear();
    keystore.archive("bob").unwrap();
    let inserts = log.0.lock().unwrap().iter().filter(|(call, _)| *call == Call::Insert).count();
    assert_eq!(inserts, 1);
    drop(keystore);
    let mut keystore = open(&dir).unwrap();
    let keys = [public(&SecretKey::from_seed(b"bob")), public(&derived("bob", 2))];
    assert!(keys.iter().all(|key| keystore.find(key).is_none()) && keystore.owner("bob").is_none());
    assert_eq!(keystore.generations("bob").count(), 0);
    assert!(matches!(keystore.archive("bob"), Err(AccountError::Archived(_))));
    keystore.restore("bob").unwrap();
    assert!(matches!(keystore.restore("bob"), Err(AccountError::Exists(_))));
    drop(keystore);
    let keystore = open(&dir).unwrap();
    assert!(keys.iter().all(|key| keystore.find(key).is_some()));
}

#[test]
fn a_rebuild_keeps_every_generation_and_derives_those_that_are_listed() {
    let (_temp, dir) = example();
    let mut keystore = open(&dir).unwrap();
    keystore.rotate(&["alice", "bob"]).unwrap();
    let before = records(&keystore);
    drop(keystore);
    let rebuilt = rebuild(&dir, Vec::new());
    assert_eq!((rebuilt.kept, rebuilt.derived, rebuilt.missing.len()), (5, 0, 0));
    assert_eq!(records(&open(&dir).unwrap()), before);

    // Everything is lost but the words and an export, in whatever order; a generation with another's key is none.
    for database in ["keys", "keys.1"] {
        fs::remove_dir_all(dir.join(database)).unwrap();
    }
    let imported = SecretKey::from_seed(b"bob");
    let rebuilt = rebuild(
        &dir,
        vec![
            listed("alice", 2, &derived("alice", 2)),
            listed("alice", 1, &derived("alice", 1)),
            listed("bob", 1, &imported),
            listed("bob", 2, &derived("bob", 2)),
            listed("bob", 3, &derived("bob", 4)),
        ],
    );
    assert_eq!((rebuilt.kept, rebuilt.derived), (0, 3));
    assert_eq!(rebuilt.missing, ["bob", "bob"]);
    let mut keystore = open(&dir).unwrap();
    assert_eq!(keystore.owner("alice").unwrap().public_key, public(&derived("alice", 2)));
    assert!(keystore.find(&public(&derived("alice", 1))).is_some());
    // The imported key comes back from its own backup, as the oldest of its account.
    keystore.import("bob", imported.clone()).unwrap();
    assert!(matches!(keystore.import("bob", SecretKey::from_seed(b"x")), Err(AccountError::Exists(_))));
    drop(keystore);
    let mut keystore = open(&dir).unwrap();
    assert_eq!(keystore.owner("bob").unwrap().public_key, public(&derived("bob", 2)));
    assert_eq!(&*keystore.find(&public(&imported)).unwrap().account, "bob");
    keystore.rotate(&["bob"]).unwrap();
    assert_eq!(keystore.owner("bob").unwrap().public_key, public(&derived("bob", 3)));
}

#[test]
fn a_rebuild_archives_an_account_with_all_its_keys() {
    let (_temp, dir) = example();
    // The export is from before carol was archived.
    let rebuilt = rebuild(&dir, vec![listed("carol", 2, &derived("carol", 2))]);
    assert_eq!((rebuilt.kept, rebuilt.derived, rebuilt.doubtful), (3, 1, 1));
    let mut keystore = open(&dir).unwrap();
    assert!(keystore.find(&public(&derived("carol", 2))).is_none());
    keystore.restore("carol").unwrap();
    assert_eq!(keystore.generations("carol").count(), 2);
}
