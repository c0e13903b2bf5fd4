//! A key store as its users see it: opened, closed, damaged, attacked.

mod recovery;
mod rotation;

use super::store::open_database;
use super::{
    Account, AccountError, Cost, DATABASE, Keystore, KeystoreError, Locked, MASTER, Numbered, Place, Table,
    header, tally,
};
use crate::disk::{Call, Disk, Gate};
use crate::passphrase::Passphrase;
use std::fs::{self, DirBuilder};
use std::io;
use std::num::NonZeroU32;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use stegos_common::address::Network;
use stegos_common::keys::SecretKey;
use tempfile::TempDir;

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned().into()).unwrap()
}

fn create(dir: &Path) -> Keystore {
    let master = SecretKey::from_seed(b"master");
    Keystore::create(dir, &passphrase("right"), Network::Dev, master, Cost::TEST, Disk::default()).unwrap()
}

fn open(dir: &Path) -> Result<Keystore, KeystoreError> {
    Keystore::open(dir, &passphrase("right"), Some(Network::Dev), Disk::default())
}

fn error(result: Result<Keystore, KeystoreError>) -> KeystoreError {
    result.err().expect("the store opened")
}

/// A store with the accounts alice (derived), bob (imported) and carol (archived).
fn example() -> (TempDir, PathBuf) {
    let temp = TempDir::new().unwrap();
    let dir = temp.path().join("store");
    let mut keystore = create(&dir);
    keystore.add(&["alice"]).unwrap();
    keystore.import("bob", SecretKey::from_seed(b"bob")).unwrap();
    keystore.add(&["carol"]).unwrap();
    keystore.archive("carol").unwrap();
    (temp, dir)
}

#[test]
fn every_owner_is_found_by_key_and_by_name() {
    let (_temp, dir) = example();
    let keystore = open(&dir).unwrap();
    let master = SecretKey::from_seed(b"master");
    let expected = [
        (MASTER, master.clone()),
        ("alice", master.account_key("alice")),
        ("bob", SecretKey::from_seed(b"bob")),
    ];
    for (name, key) in &expected {
        let by_key = keystore.find(&key.public_key().encoded()).unwrap();
        for owner in [by_key, keystore.owner(name).unwrap()] {
            assert_eq!(&*owner.account, *name);
            assert_eq!(owner.public_key, key.public_key().encoded());
            assert_eq!(owner.secret_key().to_bytes(), key.to_bytes());
        }
    }
    let names: Vec<_> = keystore.owners().map(|owner| owner.account.to_string()).collect();
    assert_eq!(names, [MASTER, "alice", "bob"]);
    assert!(keystore.owner("nobody").is_none());
    assert!(keystore.find(&SecretKey::from_seed(b"nobody").public_key().encoded()).is_none());
}

#[test]
fn an_archived_account_owns_nothing_until_it_is_restored() {
    let (_temp, dir) = example();
    let mut keystore = open(&dir).unwrap();
    let carol = SecretKey::from_seed(b"master").account_key("carol").public_key().encoded();
    assert!(keystore.find(&carol).is_none());
    assert!(keystore.owner("carol").is_none());
    assert!(keystore.account("carol").unwrap().is_archived());
    assert!(matches!(keystore.archive("carol"), Err(AccountError::Archived(_))));
    keystore.restore("carol").unwrap();
    assert!(matches!(keystore.restore("carol"), Err(AccountError::Exists(_))));
    assert!(matches!(keystore.restore("nobody"), Err(AccountError::Unknown(_))));
    drop(keystore);
    let keystore = open(&dir).unwrap();
    assert_eq!(&*keystore.find(&carol).unwrap().account, "carol");
}

#[test]
fn names_and_keys_are_taken_once() {
    let (_temp, dir) = example();
    let mut keystore = open(&dir).unwrap();
    assert!(matches!(keystore.add(&["dora", "alice"]), Err(AccountError::Exists(name)) if name == "alice"));
    assert!(matches!(keystore.add(&["dora", "dora"]), Err(AccountError::Exists(name)) if name == "dora"));
    assert!(matches!(keystore.add(&["carol"]), Err(AccountError::Archived(name)) if name == "carol"));
    assert!(keystore.account("dora").is_none(), "all or none");
    let master = SecretKey::from_seed(b"master");
    for (key, owner) in [
        (SecretKey::from_seed(b"bob"), "bob"),
        (master.account_key("alice"), "alice"),
        (master.account_key("carol"), "carol"),
        (master.clone(), MASTER),
    ] {
        let result = keystore.import("dora", key);
        assert!(matches!(result, Err(AccountError::KeyExists(name)) if name == owner), "{owner}");
    }
    // The key that "dora" would derive, imported under another name before.
    keystore.import("erin", master.account_key("dora")).unwrap();
    assert!(matches!(keystore.add(&["dora"]), Err(AccountError::KeyExists(name)) if name == "erin"));
}

#[test]
fn bad_names_are_refused() {
    let temp = TempDir::new().unwrap();
    let mut keystore = create(&temp.path().join("store"));
    let long = "x".repeat(129);
    let unreadable = [
        "",
        " a",
        "a ",
        "a  b",
        "a\nb",
        "a\tb",
        "a\u{0}",
        "\u{7f}",
        "a\u{200b}b",
        "\u{202e}a",
        "a\u{a0}b",
        "a\u{2028}b",
        "\u{430}lice",
        "\u{e9}",
        "e\u{301}",
        "\u{ff41}",
    ];
    let taken = [MASTER, "Master", "MASTER", "=1+1", "+a", "-a", "@a", &long];
    for bad in unreadable.into_iter().chain(taken) {
        assert!(matches!(keystore.add(&[bad]), Err(AccountError::Name { .. })), "{bad:?}");
        let key = SecretKey::from_seed(b"x");
        assert!(matches!(keystore.import(bad, key), Err(AccountError::Name { .. })), "{bad:?}");
    }
    let long = "x".repeat(128);
    keystore.add(&["a b c", "!", "~", "0", "a=b", "a@b.c", "master 2", &long, "Alice", "alice"]).unwrap();
}

#[test]
fn numbered_accounts_leave_out_names_that_exist() {
    let temp = TempDir::new().unwrap();
    let dir = temp.path().join("store");
    let mut keystore = create(&dir);
    keystore.add(&["user-000002"]).unwrap();
    let numbered = |first: &str, last: &str| Numbered {
        earlier: 0,
        first: Some(first.to_owned()),
        last: Some(last.to_owned()),
    };
    let mut told = Vec::new();
    let added = keystore.add_numbered(3, |added| told.push(added)).unwrap();
    assert_eq!(added, numbered("user-000001", "user-000004"));
    assert_eq!(told, [0, 3]);
    drop(keystore);
    let names: Vec<_> = open(&dir).unwrap().accounts().map(|account| account.name().to_string()).collect();
    assert_eq!(names, ["user-000002", "user-000001", "user-000003", "user-000004"]);
}

#[test]
fn an_adding_that_was_cut_off_is_completed_by_the_same_command() {
    /// Fails at the second batch.
    struct SecondFails(AtomicUsize);
    impl Gate for SecondFails {
        fn pass(&self, call: Call, _: &Path, run: &mut dyn FnMut() -> io::Result<()>) -> io::Result<()> {
            let second = call == Call::Insert && self.0.fetch_add(1, SeqCst) == 1;
            if second { Err(io::ErrorKind::StorageFull.into()) } else { run() }
        }
    }
    let temp = TempDir::new().unwrap();
    let dir = temp.path().join("store");
    drop(create(&dir));
    let disk = Disk::behind(Arc::new(SecondFails(AtomicUsize::new(0))));
    let mut keystore = Keystore::open(&dir, &passphrase("right"), None, disk).unwrap();
    assert!(keystore.add_numbered(10_003, |_| ()).is_err());
    drop(keystore);
    let mut keystore = open(&dir).unwrap();
    keystore.add(&["user-010001"]).unwrap();
    let other = keystore.add_numbered(7, |_| ());
    assert!(matches!(other, Err(AccountError::Unfinished { count: 10_003, added: 10_000 })));
    let added = keystore.add_numbered(10_003, |_| ()).unwrap();
    let expected = Numbered {
        earlier: 10_000,
        first: Some("user-010002".to_owned()),
        last: Some("user-010004".to_owned()),
    };
    assert_eq!(added, expected);
    // It is over: the same again adds as many new ones.
    drop(keystore);
    assert_eq!(open(&dir).unwrap().add_numbered(2, |_| ()).unwrap().first.unwrap(), "user-010005");
}

#[test]
fn the_wrong_store_or_passphrase_has_its_own_error() {
    let (temp, dir) = example();
    let wrong = Keystore::open(&dir, &passphrase("wrong"), None, Disk::default());
    assert!(matches!(error(wrong), KeystoreError::WrongPassphrase));
    let wrong = Keystore::open(&dir, &passphrase("right"), Some(Network::Testnet), Disk::default());
    assert!(matches!(error(wrong), KeystoreError::WrongNetwork { actual: Network::Dev, .. }));
    assert!(matches!(error(open(temp.path())), KeystoreError::Missing(_)));
    assert!(matches!(error(open(&dir.join("none"))), KeystoreError::Missing(_)));

    let master = SecretKey::from_seed(b"other");
    let again = Keystore::create(&dir, &passphrase("x"), Network::Dev, master, Cost::TEST, Disk::default());
    assert!(matches!(error(again), KeystoreError::Exists(_)));
    let held = open(&dir).unwrap();
    assert!(matches!(error(open(&dir)), KeystoreError::InUse { .. }));
    drop(held);
    fs::remove_file(dir.join(header::FILE)).unwrap();
    assert!(matches!(error(open(&dir)), KeystoreError::HeaderMissing(_)));
    let master = SecretKey::from_seed(b"other");
    let again = Keystore::create(&dir, &passphrase("x"), Network::Dev, master, Cost::TEST, Disk::default());
    assert!(matches!(error(again), KeystoreError::HeaderMissing(_)));
}

#[test]
fn an_init_that_was_cut_off_is_begun_anew_and_a_lost_header_is_not() {
    let temp = TempDir::new().unwrap();
    let dir = temp.path().join("store");
    drop(create(&dir));
    // The header is written last, and the marker goes after it.
    fs::remove_file(dir.join(header::FILE)).unwrap();
    let again = || {
        let master = SecretKey::from_seed(b"other");
        Keystore::create(&dir, &passphrase("right"), Network::Dev, master, Cost::TEST, Disk::default())
    };
    assert!(matches!(error(again()), KeystoreError::HeaderMissing(_)));
    assert!(dir.join(DATABASE).exists() && dir.join("journal").exists(), "nothing is touched");
    fs::write(dir.join(super::create::MARKER), "").unwrap();
    assert!(matches!(error(open(&dir)), KeystoreError::Missing(_)));
    drop(again().unwrap());
    let other = SecretKey::from_seed(b"other").public_key().encoded();
    assert_eq!(open(&dir).unwrap().master().public_key, other, "the rest is replaced");
    assert!(!dir.join(super::create::MARKER).exists());
    // A marker beside a header: cut off at the very end. From the next opening on it is a store like any other.
    fs::write(dir.join(super::create::MARKER), "").unwrap();
    assert!(matches!(error(again()), KeystoreError::Exists(_)));
    drop(open(&dir).unwrap());
    assert!(!dir.join(super::create::MARKER).exists());
}

#[test]
fn mainnet_refuses_the_test_cost() {
    let temp = TempDir::new().unwrap();
    let dir = temp.path().join("store");
    let master = SecretKey::from_seed(b"master");
    let result =
        Keystore::create(&dir, &passphrase("x"), Network::Mainnet, master, Cost::TEST, Disk::default());
    assert!(matches!(error(result), KeystoreError::TestCostOnMainnet));
    assert!(!dir.exists(), "nothing is left behind");
}

/// Changes the database behind the store's back, then opens the store.
fn open_tampered(tamper: impl FnOnce(&sled::Db)) -> Result<Keystore, KeystoreError> {
    let (_temp, dir) = example();
    // A thread of the database that was closed just now may hold its lock for a moment.
    let mut opened = open_database(&dir.join(DATABASE));
    while matches!(&opened, Err(error) if error.to_string().contains("acquire lock")) {
        opened = open_database(&dir.join(DATABASE));
    }
    let db = opened.unwrap();
    tamper(&db);
    db.flush().unwrap();
    drop(db);
    open(&dir)
}

#[test]
fn a_damaged_record_is_named() {
    let damaged = |result, expected: Place| match error(result) {
        KeystoreError::Damaged(place) => assert_eq!(place, expected),
        other => panic!("{other}"),
    };
    for place in [Place::MASTER, Place::account(0), Place::account(1)] {
        let changed = open_tampered(|db| {
            let mut record = db.get(place.key()).unwrap().unwrap().to_vec();
            record[30] ^= 1;
            db.insert(place.key(), record).unwrap();
        });
        damaged(changed, place);
        let removed = open_tampered(|db| {
            db.remove(place.key()).unwrap();
        });
        damaged(removed, place);
    }
    let swapped = open_tampered(|db| {
        let first = db.get(Place::account(0).key()).unwrap().unwrap();
        let second = db.insert(Place::account(1).key(), first).unwrap().unwrap();
        db.insert(Place::account(0).key(), second).unwrap();
    });
    damaged(swapped, Place::account(0));
    let from_other_store = open_tampered(|db| {
        let (_temp, dir) = example();
        let other = open_database(&dir.join(DATABASE)).unwrap();
        db.insert(Place::account(2).key(), other.get(Place::account(2).key()).unwrap().unwrap()).unwrap();
    });
    damaged(from_other_store, Place::account(2));
}

#[test]
fn every_damaged_byte_of_the_files_is_noticed_or_harmless() {
    // Never opened since: the first opening would write a snapshot, which hides damage of the log.
    let (_temp, dir) = example();
    let mut missing = 0;
    for file in [format!("{DATABASE}/db"), tally::FILE.to_owned()] {
        let good = fs::read(dir.join(&file)).unwrap();
        let used = good.iter().rposition(|byte| *byte != 0).unwrap();
        for position in (0..used).step_by(31) {
            let (_temp, copy) = copy(&dir);
            let mut bad = good.clone();
            bad[position] ^= 0x10;
            fs::write(copy.join(&file), &bad).unwrap();
            match open(&copy) {
                Ok(keystore) => assert_unchanged(&keystore, &format!("byte {position} of {file}")),
                Err(KeystoreError::RecordsMissing { .. }) => missing += 1,
                Err(_) => {}
            }
        }
    }
    assert!(missing > 0, "the database drops the damaged end of its log");
}

/// A copy of a store that nobody has open.
fn copy(dir: &Path) -> (TempDir, PathBuf) {
    fn copy_files(from: &Path, to: &Path) {
        DirBuilder::new().mode(0o700).create(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            let to = to.join(path.file_name().unwrap());
            if path.is_dir() {
                copy_files(&path, &to);
            } else {
                fs::copy(&path, &to).unwrap();
            }
        }
    }
    let temp = TempDir::new().unwrap();
    let to = temp.path().join("copy");
    copy_files(dir, &to);
    (temp, to)
}

/// The accounts are those of [`example`].
fn assert_unchanged(keystore: &Keystore, why: &str) {
    let accounts: Vec<_> = keystore.accounts().map(|a| (a.name().to_string(), a.is_archived())).collect();
    let expected = [("alice", false), ("bob", false), ("carol", true)];
    assert_eq!(accounts, expected.map(|(name, archived)| (name.to_owned(), archived)), "{why}");
}

#[test]
fn lost_and_older_records_are_noticed() {
    let missing = |result| assert!(matches!(error(result), KeystoreError::RecordsMissing { .. }));
    missing(open_tampered(|db| {
        db.remove(Place::account(2).key()).unwrap();
    }));
    // An archived account put back to the record of the time when it was not.
    let (_temp, dir) = example();
    let carol = Place::account(2).key();
    let mut keystore = open(&dir).unwrap();
    let archived = keystore.store.get(&carol).unwrap().unwrap();
    keystore.restore("carol").unwrap();
    keystore.add(&["dora"]).unwrap();
    keystore.store.insert(&[(carol, archived)]).unwrap();
    drop(keystore);
    missing(open(&dir));
    // A database or a tally of another time.
    for older in [DATABASE, tally::FILE] {
        let (_temp, dir) = example();
        let (_temp_before, before) = copy(&dir);
        open(&dir).unwrap().restore("carol").unwrap();
        let (kept, lost) = (dir.join(older), dir.join("lost"));
        fs::rename(&kept, &lost).unwrap();
        fs::rename(before.join(older), &kept).unwrap();
        missing(open(&dir));
    }
    let (_temp, dir) = example();
    fs::remove_file(dir.join(tally::FILE)).unwrap();
    assert!(matches!(error(open(&dir)), KeystoreError::TallyDamaged(_)));
    assert!(!dir.join(tally::FILE).exists(), "it is not made up");
}

#[test]
fn a_change_that_is_cut_off_happened_or_did_not() {
    let (_temp, dir) = example();
    let mut keystore = open(&dir).unwrap();
    let place = Place::account(3);
    let dora = Account {
        name: "dora".into(),
        public_key: keystore.master.account_key("dora").public_key().encoded(),
        generation: NonZeroU32::MIN,
        imported: None,
        archived: false,
    };
    let sealed = keystore.data_key.seal(&dora.encode(), &place.associated_data());
    let tally = keystore.tally.get_mut().unwrap();
    let sum = tally.with(tally.sum().unwrap(), &sealed);
    tally.announce(&keystore.directory, &keystore.data_key, sum).unwrap();
    assert!(matches!(keystore.add(&["erin"]), Err(AccountError::Keystore(KeystoreError::ChangeFailed))));
    let (_temp_before, before) = copy(&dir);
    keystore.store.insert(&[(place.key(), sealed)]).unwrap();
    keystore.store.flush().unwrap();
    drop(keystore);
    assert_unchanged(&open(&before).unwrap(), "cut off before the record");
    assert!(open(&dir).unwrap().account("dora").is_some(), "cut off after the record");
    // The interruption is over: from now on only the state that was found is good.
    for dir in [before, dir] {
        let mut keystore = open(&dir).unwrap();
        keystore.add(&["erin"]).unwrap();
        drop(keystore);
        assert!(open(&dir).unwrap().account("erin").is_some());
    }
}

#[test]
fn the_lock_is_taken_before_the_passphrase_is_needed() {
    let (_temp, dir) = example();
    let locked = Locked::new(&dir, None, Disk::default()).unwrap();
    assert!(matches!(Locked::new(&dir, None, Disk::default()).err(), Some(KeystoreError::InUse { .. })));
    assert!(locked.unlock(&passphrase("right")).is_ok());
}

#[test]
fn messages_say_what_to_do() {
    let place = Place { table: Table::Account, number: 17 };
    let text = KeystoreError::Damaged(place).to_string();
    assert!(text.contains("record 17 of the table of accounts") && text.contains("backup"), "{text}");
}

proptest::proptest! {
    #[test]
    fn hostile_bytes_are_errors(text: String, bytes: Vec<u8>) {
        assert!(header::Header::parse(&text).is_err());
        if let Some(account) = Account::decode(&bytes) {
            assert_eq!(*account.encode(), bytes);
        }
    }
}
