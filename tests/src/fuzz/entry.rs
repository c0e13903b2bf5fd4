//! The signer's journal: the file, and what stands behind the seal of a record.

use super::{assert_harmless, store};
use cold_signer::journal::{Entry, Journal, Outcome, Record};
use cold_signer::keystore::Keystore;
use std::fs;
use std::path::PathBuf;
use std::slice;
use tempfile::TempDir;

/// A journal's file. The bytes are tried as the whole file, as an entry behind the seal, and as a change to a journal
/// of three commits: two bytes say where, two how many bytes are taken out, and the rest is put in.
pub(super) fn journal(bytes: &[u8]) {
    thread_local! {
        static DESK: Desk = Desk::new();
    }
    DESK.with(|desk| {
        assert!(desk.read(bytes).is_empty(), "a record that nobody wrote");
        if let Some(entry) = Entry::decode(bytes) {
            assert_eq!(desk.commit(slice::from_ref(&entry)), [entry]);
        }
        if let Some(changed) = desk.changed(bytes) {
            let read = desk.read(&changed);
            assert!(desk.records.starts_with(&read), "a change is taken for what was written");
        }
    });
}

/// A store with a journal of some commits.
struct Desk {
    keystore: Keystore,
    path: PathBuf,
    /// The journal's file as it was written.
    file: Vec<u8>,
    records: Vec<Record>,
    /// The beginning of every journal.
    empty: Vec<u8>,
    _directory: TempDir,
}

impl Desk {
    fn new() -> Self {
        let (keystore, directory) = store::open();
        let path = keystore.dir().join("journal");
        let empty = fs::read(&path).unwrap_or_else(|error| panic!("{error}"));
        let mut desk =
            Self { keystore, path, file: Vec::new(), records: Vec::new(), empty, _directory: directory };
        desk.commit(&[1, 2, 3].map(Entry::clock_confirmed));
        desk.file = fs::read(&desk.path).unwrap_or_else(|error| panic!("{error}"));
        desk.records = desk.read(&desk.file);
        assert_eq!(desk.records.len(), 3);
        desk
    }

    /// Puts a file in the journal's place.
    fn put(&self, file: &[u8]) {
        fs::write(&self.path, file).unwrap_or_else(|error| panic!("{error}"));
    }

    /// A journal without a record.
    fn empty(&self) -> Journal {
        self.put(&self.empty);
        let (journal, torn) = self.keystore.open_journal().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(torn, None);
        journal
    }

    /// Writes entries into a new journal, and answers what it says then.
    fn commit(&self, entries: &[Entry]) -> Vec<Entry> {
        let journal = self.empty();
        for entry in entries {
            let outcome = journal.commit(entry);
            assert!(matches!(outcome, Ok(Outcome::Recorded(_))), "{outcome:?}");
        }
        let records = journal.records().unwrap_or_else(|error| panic!("{error}"));
        records.map(|record| record.unwrap_or_else(|error| panic!("{error}")).entry).collect()
    }

    /// The records of a file, as far as it can be read.
    fn read(&self, file: &[u8]) -> Vec<Record> {
        let journal = self.empty();
        self.put(file);
        let mut records = Vec::new();
        let mut reader = match journal.records() {
            Ok(reader) => reader,
            Err(error) => {
                assert_harmless(&error.to_string());
                return records;
            }
        };
        for record in reader.by_ref() {
            match record {
                Ok(record) => records.push(record),
                Err(error) => {
                    assert_harmless(&error.to_string());
                    break;
                }
            }
        }
        assert!(reader.next().is_none(), "it goes on after its end");
        records
    }

    /// The journal with the change that the bytes describe, if it changes anything.
    fn changed(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let (place, rest) = bytes.split_first_chunk()?;
        let (length, put) = rest.split_first_chunk()?;
        let from = usize::from(u16::from_le_bytes(*place)) % (self.file.len() + 1);
        let to = from.saturating_add(u16::from_le_bytes(*length).into()).min(self.file.len());
        let changed = [&self.file[..from], put, &self.file[to..]].concat();
        (changed != self.file).then_some(changed)
    }
}
