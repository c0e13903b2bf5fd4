//! The flows: how each begins, what it does, and what must be true afterwards, wherever it was cut off.

use crate::backups::{
    back_up, catch_up, check_back_up, check_catch_up, check_restore, prepare_backup, prepare_behind, restore,
};
use crate::gates::Unharmed;
use crate::money::{MASTER, input, request};
use cold_signer::disk::Disk;
use cold_signer::journal::Verdict;
use cold_signer::keystore::{Cost, Keystore, KeystoreError, Listed, Locked, Sources};
use cold_signer::passphrase::Passphrase;
use cold_signer::policy::Policy;
use cold_signer::signer::{Rules, Signer};
use serde_json::Value;
use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use stegos_common::address::Network;
use stegos_common::hash::Hash;
use stegos_common::keys::SecretKey;

pub(crate) type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// Tells the user something that must be true from then on.
pub(crate) type Tell<'a> = &'a mut dyn FnMut(String);

/// A policy that allows everything: these flows are about the disk.
pub(crate) fn everything() -> Policy {
    Policy::parse("[[rules]]\nrule = \"policy-any\"\naction = \"allow\"", Network::Dev).unwrap()
}

/// Something that users do.
pub(crate) struct Flow {
    pub(crate) name: &'static str,
    /// Makes the store before it.
    pub(crate) prepare: fn(&Path),
    /// Does it.
    pub(crate) run: fn(&Path, Disk, Tell<'_>) -> Result,
    /// Checks the store after it, knowing what was told; `done` is the last line where it came to its end.
    pub(crate) check: fn(&Path, &[String]),
}

pub(crate) const FLOWS: &[Flow] = &[
    Flow { name: "init", prepare: |_| (), run: init, check: check_init },
    Flow {
        name: "add",
        prepare,
        run: add,
        check: |store, told| check_accounts(store, told, &["bob", "carol"]),
    },
    Flow {
        name: "import",
        prepare,
        run: import,
        check: |store, told| check_accounts(store, told, &["imported"]),
    },
    Flow { name: "rotate", prepare, run: rotate, check: check_rotate },
    Flow { name: "remove", prepare, run: remove, check: check_remove },
    Flow { name: "remove with old keys", prepare: prepare_rotated, run: remove, check: check_remove_rotated },
    Flow { name: "passphrase change", prepare, run: change, check: check_change },
    Flow { name: "sign", prepare, run: sign, check: check_sign },
    Flow { name: "sign after a torn commit", prepare: prepare_torn, run: sign, check: check_sign },
    Flow {
        name: "quarantine",
        prepare: prepare_snapshot,
        run: quarantine,
        check: |store, told| check_accounts(store, told, &[]),
    },
    Flow {
        name: "rebuild",
        prepare,
        run: rebuild,
        check: |store, told| check_accounts(store, told, &["listed"]),
    },
    Flow { name: "back up", prepare: prepare_signed, run: back_up, check: check_back_up },
    Flow { name: "restore", prepare: prepare_backup, run: restore, check: check_restore },
    Flow { name: "catch up", prepare: prepare_behind, run: catch_up, check: check_catch_up },
    Flow {
        name: "rebuild with a new journal",
        prepare: prepare_signed,
        run: rebuild_journal,
        check: check_new_journal,
    },
];

/// A disk that does not fail.
pub(crate) fn disk() -> Disk {
    Disk::behind(Arc::new(Unharmed))
}

pub(crate) fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned().into()).unwrap()
}

fn create(store: &Path, disk: Disk) -> std::result::Result<Keystore, KeystoreError> {
    let master = SecretKey::from_seed(MASTER);
    Keystore::create(store, &passphrase("old"), Network::Dev, master, Cost::TEST, disk)
}

pub(crate) fn open(store: &Path, disk: Disk) -> std::result::Result<Keystore, KeystoreError> {
    Keystore::open(store, &passphrase("old"), Some(Network::Dev), disk)
}

/// A store with two accounts, `kept` with a key of its own.
pub(crate) fn prepare(store: &Path) {
    let mut keystore = create(store, disk()).unwrap();
    keystore.add(&["alice"]).unwrap();
    keystore.import("kept", SecretKey::from_seed(b"kept")).unwrap();
}

/// Both accounts have a second key.
fn prepare_rotated(store: &Path) {
    prepare(store);
    open(store, disk()).unwrap().rotate(&["alice", "kept"]).unwrap();
}

pub(crate) fn prepare_signed(store: &Path) {
    prepare(store);
    let (signer, _) = Signer::open(open(store, disk()).unwrap(), Rules::default(), everything()).unwrap();
    assert!(signer.answer(&request(9, "x")).refusal.is_none());
    signer.close().unwrap();
}

/// A crash tore the commit after the one of request 9.
fn prepare_torn(store: &Path) {
    prepare_signed(store);
    let mut journal = OpenOptions::new().append(true).open(store.join("journal")).unwrap();
    let length: u32 = 400;
    let head = [&[0xf5], &length.to_le_bytes()[..], &(!length).to_le_bytes(), &[7; 100]].concat();
    journal.write_all(&head).unwrap();
}

fn prepare_snapshot(store: &Path) {
    prepare(store);
    fs::write(store.join("keys/snap.00000000000000FF.generating"), [1; 5]).unwrap();
}

fn init(store: &Path, disk: Disk, _: Tell<'_>) -> Result {
    create(store, disk)?;
    Ok(())
}

fn check_init(store: &Path, told: &[String]) {
    // A power loss can leave the directory out altogether.
    let there = open(store, disk());
    if told.last().is_some_and(|told| told == "done") {
        assert!(there.is_ok(), "{:?}", there.err());
    }
    let keystore = match there {
        Ok(keystore) => keystore,
        Err(KeystoreError::Missing(_)) => {
            drop(create(store, disk()).unwrap());
            open(store, disk()).unwrap()
        }
        Err(error) => panic!("{error}"),
    };
    assert_eq!(keystore.master().public_key, SecretKey::from_seed(MASTER).public_key().encoded());
    drop(keystore);
    works(store);
}

fn add(store: &Path, disk: Disk, tell: Tell<'_>) -> Result {
    let mut keystore = open(store, disk)?;
    keystore.add(&["bob", "carol"])?;
    tell("added".to_owned());
    Ok(())
}

fn import(store: &Path, disk: Disk, tell: Tell<'_>) -> Result {
    open(store, disk)?.import("imported", SecretKey::from_seed(b"imported"))?;
    tell("added".to_owned());
    Ok(())
}

/// The accounts that were there are there; new ones all or not at all, and surely if that was told.
fn check_accounts(store: &Path, told: &[String], new: &[&str]) {
    let keystore = open(store, disk()).unwrap();
    let master = SecretKey::from_seed(MASTER);
    let key = |name: &str| match name {
        "kept" | "imported" => SecretKey::from_seed(name.as_bytes()),
        _ => master.account_key(name),
    };
    let found: Vec<String> = keystore.accounts().map(|account| account.name().to_string()).collect();
    let (old, added) = found.split_at(2);
    assert_eq!(old, ["alice", "kept"]);
    assert!(added.is_empty() || added == new, "{added:?}");
    assert!(told.is_empty() || added == new, "{told:?}, but {added:?}");
    for name in &found {
        let owner = keystore.owner(name).unwrap();
        assert_eq!(owner.secret_key().to_bytes(), key(name).to_bytes(), "{name}");
        assert_eq!(owner.public_key, key(name).public_key().encoded(), "{name}");
    }
    drop(keystore);
    works(store);
}

/// Keys and journal can be used, and everything authenticates.
pub(crate) fn works(store: &Path) {
    let mut keystore = open(store, disk()).unwrap();
    keystore.add(&["after all"]).unwrap();
    if keystore.account("alice").is_none() {
        keystore.add(&["alice"]).unwrap();
    }
    let (signer, _) = Signer::open(keystore, Rules::default(), everything()).unwrap();
    let fresh = request(77, "x");
    let answer = signer.answer(&fresh);
    assert!(answer.refusal.is_none(), "{}", answer.text);
    assert_eq!(signer.answer(&fresh).text, answer.text);
    signer.close().unwrap();
    drop(signer);
    let report = Locked::new(store, None, disk()).unwrap().check(&passphrase("old")).unwrap();
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    let unfinished = |name: &str| name.starts_with(".unfinished") || name == "init.unfinished";
    let left = fs::read_dir(store).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(left.filter(|name| unfinished(name)).count(), 0);
}

fn rotate(store: &Path, disk: Disk, tell: Tell<'_>) -> Result {
    open(store, disk)?.rotate(&["alice", "kept"])?;
    tell("rotated".to_owned());
    Ok(())
}

/// Both accounts have a second key or none has, and surely if that was told; the first ones are in use all the same.
fn check_rotate(store: &Path, told: &[String]) {
    let keystore = open(store, disk()).unwrap();
    let found: Vec<(String, u32)> =
        keystore.accounts().map(|account| (account.name().to_string(), account.generation().get())).collect();
    let (old, new) = found.split_at(2);
    let generation = |number| [("alice".to_owned(), number), ("kept".to_owned(), number)];
    assert_eq!(old, generation(1));
    assert!(new.is_empty() || new == generation(2), "{new:?}");
    assert!(told.is_empty() || new == generation(2), "{told:?}, but {new:?}");
    let master = SecretKey::from_seed(MASTER);
    for (name, number) in &found {
        let key = match (&**name, *number) {
            ("kept", 1) => SecretKey::from_seed(b"kept"),
            (name, number) => master.generation_key(name, NonZeroU32::new(number).unwrap()),
        };
        let owner = keystore.find(&key.public_key().encoded()).unwrap();
        assert_eq!((&*owner.account, owner.secret_key().to_bytes()), (&**name, key.to_bytes()));
    }
    drop(keystore);
    works(store);
}

fn remove(store: &Path, disk: Disk, tell: Tell<'_>) -> Result {
    open(store, disk)?.archive("kept")?;
    tell("removed".to_owned());
    Ok(())
}

fn check_remove(store: &Path, told: &[String]) {
    let mut keystore = open(store, disk()).unwrap();
    let kept = keystore.account("kept").unwrap();
    assert!(kept.is_archived() || told.is_empty());
    assert_eq!(keystore.owner_of(kept).secret_key().to_bytes(), SecretKey::from_seed(b"kept").to_bytes());
    if kept.is_archived() {
        keystore.restore("kept").unwrap();
    }
    drop(keystore);
    check_accounts(store, &[], &[]);
}

/// Both keys are archived or none is.
fn check_remove_rotated(store: &Path, told: &[String]) {
    let mut keystore = open(store, disk()).unwrap();
    let kept = keystore.accounts().filter(|account| &**account.name() == "kept");
    let archived: Vec<bool> = kept.map(|account| account.is_archived()).collect();
    assert!(archived == [true; 2] || archived == [false; 2] && told.is_empty(), "{archived:?}");
    if archived[0] {
        keystore.restore("kept").unwrap();
    }
    drop(keystore);
    check_rotate(store, &["rotated".to_owned()]);
}

fn change(store: &Path, disk: Disk, tell: Tell<'_>) -> Result {
    Locked::new(store, None, disk)?.change_passphrase(&passphrase("old"), &passphrase("new"))?;
    tell("changed".to_owned());
    Ok(())
}

/// One of the two opens the store, and never both.
fn check_change(store: &Path, told: &[String]) {
    let opens = |text| Keystore::open(store, &passphrase(text), None, disk()).is_ok();
    let (old, new) = (opens("old"), opens("new"));
    assert!(old != new, "the old one: {old}, the new one: {new}");
    assert!(new || told.is_empty());
    if new {
        let locked = Locked::new(store, None, disk()).unwrap();
        locked.change_passphrase(&passphrase("new"), &passphrase("old")).unwrap();
    }
    check_accounts(store, &[], &[]);
}

/// Two requests, the first of them twice and against another that wants the same output, and one that is refused.
fn sign(store: &Path, disk: Disk, tell: Tell<'_>) -> Result {
    let (signer, _) = Signer::open(open(store, disk)?, Rules::default(), everything())?;
    let mut failed = false;
    for (number, stranger) in [(0, "x"), (0, "x"), (0, "y"), (1, "x"), (2, "x")] {
        let request = request(number, stranger);
        let request = if number == 2 { request.replace("\"fee\":1000", "\"fee\":0") } else { request };
        let answer = signer.answer(&request);
        let text: Value = serde_json::from_str(&answer.text)?;
        match text["data"].as_str() {
            Some(data) => tell(format!("released {number} {stranger} {data}")),
            None => failed |= text["code"] == "journal_failed",
        }
    }
    signer.close()?;
    if failed { Err("not everything was answered".into()) } else { Ok(()) }
}

fn check_sign(store: &Path, told: &[String]) {
    // What was released: at most one transaction for an output.
    let mut released: BTreeMap<Hash, &str> = BTreeMap::new();
    let mut answers: Vec<(String, &str)> = Vec::new();
    for line in told.iter().filter_map(|line| line.strip_prefix("released ")) {
        let [number, stranger, data] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let request = request(number.parse().unwrap(), stranger);
        let earlier = released.insert(input(&request), data);
        assert!(earlier.is_none_or(|earlier| earlier == data), "two transactions for one output");
        answers.push((request, data));
    }
    // It is in the journal, which has at most one transaction for an output, too.
    let mut journalled: BTreeMap<Hash, String> = BTreeMap::new();
    let journal = Locked::new(store, None, disk()).unwrap().read_journal(&passphrase("old")).unwrap();
    let read = journal.read::<cold_signer::journal::JournalError>(|record| {
        if let Verdict::Signed(signed) = &record.entry.verdict {
            for input in &record.entry.inputs {
                assert!(journalled.insert(*input, hex::encode(&signed.transaction)).is_none());
            }
        }
        Ok(())
    });
    read.unwrap();
    for (input, data) in &released {
        assert_eq!(journalled.get(input).map(String::as_str), Some(*data), "released, but not journalled");
    }
    // The same request gets the same bytes; another one for the same output is refused.
    let (signer, _) = Signer::open(open(store, disk()).unwrap(), Rules::default(), everything()).unwrap();
    for (request, data) in answers {
        assert!(signer.answer(&request).text.contains(data));
    }
    let first = signer.answer(&request(0, "x"));
    let second = signer.answer(&request(0, "y"));
    assert!(
        first.refusal.is_none() && second.refusal.is_some_and(|refusal| refusal.code() == "already_signed")
    );
    drop(signer);
    check_accounts(store, &[], &[]);
}

fn quarantine(store: &Path, disk: Disk, _: Tell<'_>) -> Result {
    open(store, disk)?;
    Ok(())
}

fn rebuild(store: &Path, disk: Disk, tell: Tell<'_>) -> Result {
    let master = SecretKey::from_seed(MASTER);
    let public_key = master.account_key("listed").public_key().encoded();
    let accounts =
        vec![Listed { name: "listed".to_owned(), public_key, generation: NonZeroU32::MIN, archived: false }];
    let sources = Sources { master: Some(master), accounts, new_journal: false };
    let rebuilt = Locked::new(store, None, disk)?.rebuild(&passphrase("old"), sources)?;
    assert_eq!((rebuilt.kept, rebuilt.derived), (2, 1));
    tell("rebuilt".to_owned());
    Ok(())
}

fn rebuild_journal(store: &Path, disk: Disk, tell: Tell<'_>) -> Result {
    let sources = Sources { new_journal: true, ..Sources::default() };
    Locked::new(store, None, disk)?.rebuild(&passphrase("old"), sources)?;
    tell("forgotten".to_owned());
    Ok(())
}

/// Until it is said that everything is forgotten, nothing is signed away twice.
fn check_new_journal(store: &Path, told: &[String]) {
    let opened = Signer::open(open(store, disk()).unwrap(), Rules::default(), everything());
    match opened {
        Ok((signer, _)) => {
            let answer = signer.answer(&request(9, "y"));
            match answer.refusal {
                None => {}
                Some(refusal) => assert!(told.is_empty() && refusal.code() == "already_signed", "{refusal}"),
            }
        }
        Err(error) => {
            assert!(told.is_empty(), "{error}");
            rebuild_journal(store, disk(), &mut |_| ()).unwrap();
        }
    }
    check_accounts(store, &[], &[]);
}
