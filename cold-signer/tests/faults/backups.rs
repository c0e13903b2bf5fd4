//! The flows of backups: what is made of a store, what is made of that, and what a restored journal is given back.
//!
//! Their files lie beside the store.

use crate::flows::{Result, Tell, disk, everything, open, passphrase, prepare, prepare_signed, works};
use crate::money::request;
use cold_signer::disk::Disk;
use cold_signer::envelope::{Closing, Opening, Recipients, open as open_envelope};
use cold_signer::keystore::backup::{Backup, BackupError, Restored};
use cold_signer::keystore::{KeystoreError, Locked};
use cold_signer::signer::{Rules, Signer};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use stegos_common::keys::SecretKey;
use tar::Archive;

/// A pair of age keys for these tests.
const IDENTITY: &str = "AGE-SECRET-KEY-175MNVUM9AWSCM7TNPLNU9L5DTLKZTYNJZN7AQFV7S9M69CHDDH8QQAEYDL";
const RECIPIENT: &str = "age1nsunhfvm6uahga3eq9ds8pmee3yk5e2smnlpess40whtmgfvge4sm3l0ul";

fn beside(store: &Path, name: &str) -> PathBuf {
    store.parent().unwrap().join(name)
}

fn sign(store: &Path, number: u64, stranger: &str) -> Value {
    let (signer, _) = Signer::open(open(store, disk()).unwrap(), Rules::default(), everything()).unwrap();
    let answer = signer.answer(&request(number, stranger));
    signer.close().unwrap();
    serde_json::from_str(&answer.text).unwrap()
}

fn make(store: &Path, file: &Path, disk: Disk) -> Result {
    let recipients = Recipients::read(&[RECIPIENT.to_owned()], &[])?;
    open(store, disk)?.back_up_to(file, &Closing::Recipients(recipients), None, jiff::Timestamp::now())?;
    Ok(())
}

fn decrypted(file: &Path) -> impl Read {
    let opening = Opening::identities(&[(file, IDENTITY.to_owned().into())]).unwrap();
    open_envelope(File::open(file).unwrap(), opening).unwrap()
}

/// Restores; whoever restores has seen the journal as it is in the backup, or knows nothing.
fn restored(
    file: &Path,
    store: &Path,
    knows: bool,
    disk: Disk,
) -> std::result::Result<Restored, BackupError> {
    let mut archive = Archive::new(decrypted(file));
    let backup = Backup::open(&mut archive)?;
    let seen = knows.then(|| backup.manifest().journal());
    backup.restore(store, &passphrase("old"), seen, 7, disk)
}

pub(crate) fn back_up(store: &Path, disk: Disk, tell: Tell<'_>) -> Result {
    make(store, &beside(store, "made.backup"), disk)?;
    tell("backed up".to_owned());
    Ok(())
}

/// There is a whole backup or none, and the store is as it was.
pub(crate) fn check_back_up(store: &Path, told: &[String]) {
    let file = beside(store, "made.backup");
    if file.exists() {
        let scratch = beside(store, "scratch");
        let live = Locked::new(store, None, disk()).unwrap();
        let mut archive = Archive::new(decrypted(&file));
        let backup = Backup::open(&mut archive).unwrap();
        assert!(backup.verify(&scratch, &passphrase("old"), Some(live)).unwrap().is_some());
    } else {
        assert!(told.is_empty());
    }
    assert_eq!(sign(store, 9, "y")["code"], "already_signed");
    works(store);
}

/// A backup of a store that has signed request 9.
pub(crate) fn prepare_backup(store: &Path) {
    let origin = beside(store, "origin");
    prepare_signed(&origin);
    make(&origin, &beside(store, "signer.backup"), disk()).unwrap();
}

pub(crate) fn restore(store: &Path, disk: Disk, tell: Tell<'_>) -> Result {
    let restored = restored(&beside(store, "signer.backup"), store, true, disk)?;
    assert_eq!(restored.behind, None);
    tell("restored".to_owned());
    Ok(())
}

/// There is a whole store or none. Where there is none, it can be restored after all.
pub(crate) fn check_restore(store: &Path, told: &[String]) {
    if let Err(KeystoreError::Missing(_)) = open(store, disk()) {
        assert!(told.is_empty());
        let file = beside(store, "signer.backup");
        restored(&file, store, true, disk()).unwrap();
    }
    assert_eq!(sign(store, 9, "y")["code"], "already_signed");
    let keystore = open(store, disk()).unwrap();
    let kept = keystore.owner("kept").unwrap();
    assert_eq!(kept.secret_key().to_bytes(), SecretKey::from_seed(b"kept").to_bytes());
    drop(keystore);
    works(store);
}

/// A store that was restored from a backup from before request 9 was signed, and the explorer's export.
pub(crate) fn prepare_behind(store: &Path) {
    let origin = beside(store, "origin");
    prepare(&origin);
    let file = beside(store, "signer.backup");
    make(&origin, &file, disk()).unwrap();
    let response = sign(&origin, 9, "x");
    restored(&file, store, false, disk()).unwrap();
    let head = json!({ "network": "dev", "signer_journal": null, "transactions": 1 });
    let request: Value = serde_json::from_str(&request(9, "x")).unwrap();
    let line = json!({ "request": request, "response": response });
    fs::write(beside(store, "signed.jsonl"), format!("{head}\n{line}\n")).unwrap();
}

pub(crate) fn catch_up(store: &Path, disk: Disk, tell: Tell<'_>) -> Result {
    let (signer, _) = Signer::open(open(store, disk)?, Rules::default(), everything())?;
    signer.catch_up(BufReader::new(File::open(beside(store, "signed.jsonl"))?), |_| Ok(true))?;
    tell("caught up".to_owned());
    Ok(())
}

/// Whatever was cut off: request 9 is not signed away differently.
pub(crate) fn check_catch_up(store: &Path, told: &[String]) {
    let file = store.with_file_name("signed.jsonl");
    let code = sign(store, 9, "y")["code"].clone();
    if code == "journal_behind" {
        assert!(told.is_empty());
        let (signer, _) = Signer::open(open(store, disk()).unwrap(), Rules::default(), everything()).unwrap();
        signer.catch_up(BufReader::new(File::open(file).unwrap()), |_| Ok(true)).unwrap();
        drop(signer);
        assert_eq!(sign(store, 9, "y")["code"], "already_signed");
    } else {
        assert_eq!(code, "already_signed");
    }
    works(store);
}
