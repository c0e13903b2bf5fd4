//! A key store that is always the same, on a disk that nobody waits for.

use cold_signer::disk::{Call, Disk, Gate};
use cold_signer::keystore::{Cost, Keystore};
use cold_signer::passphrase::Passphrase;
use std::io;
use std::path::Path;
use std::sync::Arc;
use stegos_common::address::Network;
use stegos_common::keys::SecretKey;
use tempfile::TempDir;

/// What survives a power loss does not matter here.
struct NoSync;

impl Gate for NoSync {
    fn pass(&self, call: Call, _: &Path, run: &mut dyn FnMut() -> io::Result<()>) -> io::Result<()> {
        if call == Call::Sync { Ok(()) } else { run() }
    }
}

/// The store, and the directory that ends with it. Its accounts are `alice` and `bob`.
pub(super) fn open() -> (Keystore, TempDir) {
    let directory = tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary directory: {error}"));
    let passphrase = Passphrase::new("fuzz".to_owned().into()).unwrap_or_else(|error| panic!("{error}"));
    let master = SecretKey::from_seed(b"the fuzzer's master key");
    let disk = Disk::behind(Arc::new(NoSync));
    let path = directory.path().join("store");
    let store = Keystore::create(&path, &passphrase, Network::Dev, master, Cost::TEST, disk);
    let mut store = store.unwrap_or_else(|error| panic!("{error}"));
    store.add(&["alice", "bob"]).unwrap_or_else(|error| panic!("{error}"));
    (store, directory)
}
