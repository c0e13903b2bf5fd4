//! After a disk has failed: what is kept, whatever is left of the files.

use super::{copy, create, example, open, passphrase};
use crate::disk::{Call, Disk, Gate, Log};
use crate::keystore::{Keystore, KeystoreError, Locked, Rebuilt, Sources};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use stegos_common::keys::SecretKey;
use tempfile::TempDir;

fn locked(dir: &Path) -> Locked {
    Locked::new(dir, None, Disk::default()).unwrap()
}

fn rebuild(dir: &Path) -> Rebuilt {
    locked(dir).rebuild(&passphrase("right"), Sources::default()).unwrap()
}

#[test]
fn a_database_that_the_tally_does_not_know_is_read_and_kept() {
    let (_temp, dir) = example();
    let older = fs::read(dir.join("tally")).unwrap();
    assert_eq!(rebuild(&dir).database, "keys.1");
    open(&dir).unwrap().import("precious", SecretKey::from_seed(b"precious")).unwrap();
    fs::create_dir(dir.join("keys.02")).unwrap();
    // The tally goes bad, and an operator puts back an older one.
    fs::write(dir.join("tally"), older).unwrap();
    let rebuilt = rebuild(&dir);
    assert_eq!((rebuilt.database.as_str(), rebuilt.kept), ("keys.2", 4));
    assert!(open(&dir).unwrap().owner("precious").is_some());
    assert!(["keys", "keys.1", "keys.02"].iter().all(|name| dir.join(name).exists()));
    // There is no number left for another.
    fs::create_dir(dir.join("keys.4294967295")).unwrap();
    let refused = locked(&dir).rebuild(&passphrase("right"), Sources::default());
    assert!(matches!(refused, Err(KeystoreError::Database { .. })));
}

/// The database answers an error for ever where it cannot read a page.
#[test]
fn records_behind_a_page_that_cannot_be_read_are_kept() {
    let temp = TempDir::new().unwrap();
    let dir = temp.path().join("store");
    let mut keystore = create(&dir);
    keystore.add_numbered(3000, |_| ()).unwrap();
    keystore.import("precious", SecretKey::from_seed(b"precious")).unwrap();
    drop(keystore);
    // Opened again, the database has a snapshot and looks at a page only when it is asked for.
    drop(open(&dir).unwrap());
    drop(open(&dir).unwrap());
    let good = fs::read(dir.join("keys/db")).unwrap();
    // Where the database keeps which page is its own affair.
    let mut holes = (good.len() / 3..good.len() * 2 / 3).step_by(4096);
    let (_temp, dir) = holes
        .find_map(|hole| {
            let (temp, dir) = copy(&dir);
            let mut bytes = good.clone();
            bytes[hole..hole + 4096].fill(0);
            fs::write(dir.join("keys/db"), bytes).unwrap();
            matches!(open(&dir), Err(KeystoreError::Database { .. })).then_some((temp, dir))
        })
        .expect("some page cannot be read");
    let rebuilt = rebuild(&dir);
    assert!(rebuilt.kept > 2900, "{rebuilt:?}");
    assert!(open(&dir).unwrap().owner("precious").is_some());
}

/// sled destroys what lies behind a damage that it finds.
#[test]
fn a_flipped_bit_costs_no_key_that_it_is_not_in() {
    let temp = TempDir::new().unwrap();
    let dir = temp.path().join("store");
    let names: Vec<String> = (0..20).map(|number| format!("imported {number}")).collect();
    drop(create(&dir));
    for name in &names {
        open(&dir).unwrap().import(name, SecretKey::from_seed(name.as_bytes())).unwrap();
    }
    drop(open(&dir).unwrap());
    let good = fs::read(dir.join("keys/db")).unwrap();
    let used = good.iter().rposition(|byte| *byte != 0).unwrap();
    let mut damaged = 0;
    for at in (0..used).step_by(used / 12) {
        let (_temp, dir) = copy(&dir);
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        fs::write(dir.join("keys/db"), bytes).unwrap();
        // An operator tries what comes to mind first.
        if open(&dir).is_ok() {
            continue;
        }
        locked(&dir).check(&passphrase("right")).unwrap();
        assert!(open(&dir).is_err());
        damaged += 1;
        let master = Some(SecretKey::from_seed(b"master"));
        let sources = Sources { master, ..Sources::default() };
        let rebuilt = locked(&dir).rebuild(&passphrase("right"), sources).unwrap();
        let keystore = open(&dir).unwrap();
        let lost = names.iter().filter(|name| keystore.owner(name).is_none()).count();
        assert!(lost <= 1, "byte {at}: {lost} keys are lost: {rebuilt:?}");
    }
    assert!(damaged > 0);
}

/// What lies in the bytes of a log has no order: an account must not come back into use unasked.
#[test]
fn an_archived_account_is_not_brought_back_by_a_rebuild() {
    let temp = TempDir::new().unwrap();
    let dir = temp.path().join("store");
    let names: Vec<String> = (0..20).map(|number| format!("imported {number}")).collect();
    let mut keystore = create(&dir);
    for name in &names {
        keystore.import(name, SecretKey::from_seed(name.as_bytes())).unwrap();
    }
    for name in &names[..10] {
        keystore.archive(name).unwrap();
    }
    drop(keystore);
    drop(open(&dir).unwrap());
    let mut bytes = fs::read(dir.join("keys/db")).unwrap();
    bytes[700] ^= 1;
    fs::write(dir.join("keys/db"), bytes).unwrap();
    open(&dir).err().expect("the damage is seen");
    let rebuilt = locked(&dir).rebuild(&passphrase("right"), Sources::default()).unwrap();
    let keystore = open(&dir).unwrap();
    let archived = |name: &String| keystore.account(name).is_none_or(|account| account.is_archived());
    assert!(names[..10].iter().all(archived));
    assert!(!names[10..].iter().any(|name| keystore.account(name).is_some() && archived(name)));
    assert!(rebuilt.doubtful >= 9, "{rebuilt:?}");
}

/// A change that was cut off may be seen, but not be on disk, in the original; it is on disk in the copy.
#[test]
fn the_original_is_dropped_before_the_tally_forgets_what_it_may_lack() {
    let (_temp, dir) = example();
    let gate = Arc::new(FailedFlush(AtomicBool::new(false)));
    let mut keystore = Keystore::open(&dir, &passphrase("right"), None, Disk::behind(gate.clone())).unwrap();
    gate.0.store(true, SeqCst);
    keystore.import("new", SecretKey::from_seed(b"new")).unwrap_err();
    drop(keystore);
    let log = Arc::new(Log::default());
    let keystore = Keystore::open(&dir, &passphrase("right"), None, Disk::behind(log.clone())).unwrap();
    assert!(keystore.owner("new").is_some());
    let calls = log.0.lock().unwrap();
    let at = |call, name: &str| calls.iter().position(|made| *made == (call, name.to_owned())).unwrap();
    let flushed = at(Call::Flush, "keys");
    let dropped = at(Call::Rename, "keys.unneeded");
    assert!(flushed < dropped && dropped < at(Call::Rename, "tally"));
}

/// Lets a flush of the database fail once.
struct FailedFlush(AtomicBool);

impl Gate for FailedFlush {
    fn pass(&self, call: Call, _: &Path, run: &mut dyn FnMut() -> io::Result<()>) -> io::Result<()> {
        if call == Call::Flush && self.0.swap(false, SeqCst) { Err(io::Error::other("EIO")) } else { run() }
    }
}

#[test]
fn without_a_tally_everything_is_checked_all_the_same() {
    let (_temp, dir) = example();
    let good = fs::read(dir.join("tally")).unwrap();
    fs::write(dir.join("tally"), b"x").unwrap();
    let report = locked(&dir).check(&passphrase("right")).unwrap();
    assert_eq!((report.accounts, report.faults.len()), (3, 1));
    assert_eq!(report.journal.unwrap().count, 0);
    fs::write(dir.join("tally"), good).unwrap();
    fs::remove_dir_all(dir.join("keys")).unwrap();
    let report = locked(&dir).check(&passphrase("right")).unwrap();
    assert!(report.faults[0].to_string().contains("missing"), "{:?}", report.faults);
    assert!(!dir.join("keys").exists());
}
