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
    assert_eq!(rebuilt.kept + rebuilt.unreadable, 3001);
    assert!(rebuilt.kept > 2900, "{rebuilt:?}");
    assert!(open(&dir).unwrap().owner("precious").is_some());
}

/// Lets the first fsync of the database fail.
struct FailedSync(AtomicBool);

impl Gate for FailedSync {
    fn pass(&self, call: Call, path: &Path, run: &mut dyn FnMut() -> io::Result<()>) -> io::Result<()> {
        if call == Call::Sync && path.ends_with("keys/db") && self.0.swap(false, SeqCst) {
            return Err(io::Error::other("EIO"));
        }
        run()
    }
}

/// After a failed fsync the system shows what is not on disk, and does not know that any more. What is then seen of a
/// change that was cut off is written anew before it counts.
#[test]
fn a_change_whose_fsync_failed_is_written_anew() {
    let (_temp, dir) = example();
    let gate = Arc::new(FailedSync(AtomicBool::new(false)));
    let mut keystore = Keystore::open(&dir, &passphrase("right"), None, Disk::behind(gate.clone())).unwrap();
    gate.0.store(true, SeqCst);
    keystore.import("new", SecretKey::from_seed(b"new")).unwrap_err();
    drop(keystore);
    let calls = || {
        let log = Arc::new(Log::default());
        let keystore = Keystore::open(&dir, &passphrase("right"), None, Disk::behind(log.clone())).unwrap();
        assert!(keystore.owner("new").is_some());
        let calls = log.0.lock().unwrap();
        calls.iter().filter(|(_, name)| name == "db").map(|(call, _)| *call).collect::<Vec<_>>()
    };
    let opening = [Call::Sync, Call::Sync];
    assert_eq!(calls(), [&[Call::Write, Call::Sync, Call::Rename], &opening[..]].concat());
    assert_eq!(calls(), opening, "once");
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
