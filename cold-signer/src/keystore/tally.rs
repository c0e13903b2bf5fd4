//! The tally: what there must be in the store, kept outside of what it counts.
//!
//! The database takes a damaged tail of its log for the end of the log, and drops what stood there: the newest
//! accounts. Single records can also be exchanged for older ones of the same place, and the end of a journal can
//! be cut off. None of that shows in what is left, so a small file beside the header says what there must be:
//!
//! | bytes | content |
//! | --- | --- |
//! | 32 | a random secret of this store |
//! | 4 | the generation of the database, which names its directory |
//! | 8 + 32 | number and sum of the account records before the change in hand |
//! | 8 + 32 | the same after it; equal when no change is in hand |
//! | 8 + 32 | a position of the journal that was durable: count of records, head |
//!
//! Numbers are little-endian. The sum is the exclusive or of SHA3-256(secret ‖ authentication tag) over all account
//! records. No sealed record has the tag of another, and without the secret nobody can look for other records of
//! the same sum. The file is sealed with the data key and replaced in one step.
//!
//! A change first announces both sums, then writes the records, then settles on the new sum: wherever it is
//! cut off, the records are those of one of the two sums.

use super::directory::Directory;
use super::error::KeystoreError;
use super::record::FORMAT;
use crate::journal::Position;
use crate::seal::SealingKey;
use rand_core::{OsRng, RngCore};
use std::fs::File;
use std::io::Read;
use stegos_common::hash::{Hash, Hasher};
use zeroize::Zeroizing;

/// The tally's file name in the store's directory.
pub(super) const FILE: &str = "tally";

/// A sealed tally is shorter, in bytes.
const MAX_LENGTH: u64 = 512;

/// A sum over records, empty at first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sum {
    /// How many records it is over.
    pub(super) records: u64,
    digest: [u8; 32],
}

/// The tally of an open store.
#[derive(Clone)]
pub(super) struct Tally {
    secret: Zeroizing<[u8; 32]>,
    /// Which of the databases that were ever made is the one in use, from 0.
    pub(super) generation: u32,
    before: Sum,
    after: Sum,
    /// The journal is at least as long, and had this head then.
    pub(super) anchor: Position,
}

impl Tally {
    /// A tally without accounts, not written yet.
    pub(super) fn new(generation: u32, anchor: Position) -> Self {
        let mut secret = Zeroizing::new([0; 32]);
        OsRng.fill_bytes(secret.as_mut_slice());
        Self { secret, generation, before: Sum::default(), after: Sum::default(), anchor }
    }

    /// Reads the tally.
    ///
    /// # Errors
    /// `TallyDamaged` where it is missing or does not open.
    pub(super) fn read(directory: &Directory, key: &SealingKey) -> Result<Self, KeystoreError> {
        let path = directory.path().join(FILE);
        let mut sealed = Vec::new();
        let read = File::open(&path).and_then(|file| file.take(MAX_LENGTH).read_to_end(&mut sealed));
        let opened = read.ok().and_then(|_| key.open(&sealed, &associated_data()));
        opened.and_then(|bytes| Self::decode(&bytes)).ok_or(KeystoreError::TallyDamaged(path))
    }

    /// The sum of all records.
    ///
    /// # Errors
    /// `ChangeFailed` after a change that was not settled: what is on disk is not known then.
    pub(super) fn sum(&self) -> Result<Sum, KeystoreError> {
        if self.is_settled() { Ok(self.after) } else { Err(KeystoreError::ChangeFailed) }
    }

    /// Whether no change is in hand, or was cut off.
    pub(super) fn is_settled(&self) -> bool {
        self.before == self.after
    }

    /// How many records there must be, at most.
    pub(super) fn expected(&self) -> u64 {
        self.before.records.max(self.after.records)
    }

    /// Whether records of this sum are those that there must be.
    pub(super) fn admits(&self, found: Sum) -> bool {
        found == self.before || found == self.after
    }

    /// The sum with one more record in it.
    pub(super) fn with(&self, sum: Sum, sealed: &[u8]) -> Sum {
        self.toggle(Sum { records: sum.records.saturating_add(1), ..sum }, sealed)
    }

    /// The sum without a record that is in it.
    pub(super) fn without(&self, sum: Sum, sealed: &[u8]) -> Sum {
        self.toggle(Sum { records: sum.records.saturating_sub(1), ..sum }, sealed)
    }

    /// What adding and taking out have in common.
    fn toggle(&self, mut sum: Sum, sealed: &[u8]) -> Sum {
        let mut hasher = Hasher::new();
        hasher.update(self.secret.as_slice());
        hasher.update(sealed.last_chunk::<16>().map_or(sealed, |tag| tag));
        for (byte, hashed) in sum.digest.iter_mut().zip(hasher.finish().as_bytes()) {
            *byte ^= hashed;
        }
        sum
    }

    /// Says durably that the records are about to have the sum `after`.
    ///
    /// # Errors
    /// `ChangeFailed` and `Io`; no record may be written then.
    pub(super) fn announce(
        &mut self,
        directory: &Directory,
        key: &SealingKey,
        after: Sum,
    ) -> Result<(), KeystoreError> {
        self.before = self.sum()?;
        self.after = after;
        self.write(directory, key)
    }

    /// Refuses records of another sum than before or after the change in hand.
    ///
    /// # Errors
    /// `RecordsMissing`.
    pub(super) fn require(&self, directory: &Directory, found: Sum) -> Result<(), KeystoreError> {
        if self.admits(found) {
            return Ok(());
        }
        Err(KeystoreError::RecordsMissing {
            dir: directory.path().to_owned(),
            found: found.records,
            expected: self.expected(),
        })
    }

    /// Says durably that the records have the sum `found`, which ends a change or its interruption.
    ///
    /// # Errors
    /// `RecordsMissing` where it is neither the sum before nor the one after; `Io`.
    pub(super) fn settle(
        &mut self,
        directory: &Directory,
        key: &SealingKey,
        found: Sum,
    ) -> Result<(), KeystoreError> {
        self.require(directory, found)?;
        if self.is_settled() {
            return Ok(());
        }
        self.replace(directory, key, |tally| (tally.before, tally.after) = (found, found))
    }

    /// Says durably that the journal got as far as `position`.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn anchor(
        &mut self,
        directory: &Directory,
        key: &SealingKey,
        position: Position,
    ) -> Result<(), KeystoreError> {
        if self.anchor == position {
            return Ok(());
        }
        self.replace(directory, key, |tally| tally.anchor = position)
    }

    /// Changes the tally on disk, then here.
    fn replace(
        &mut self,
        directory: &Directory,
        key: &SealingKey,
        change: impl FnOnce(&mut Self),
    ) -> Result<(), KeystoreError> {
        let mut changed = self.clone();
        change(&mut changed);
        changed.write(directory, key)?;
        *self = changed;
        Ok(())
    }

    /// The tally of records of this sum, not written yet.
    pub(super) fn settled(self, sum: Sum) -> Self {
        Self { before: sum, after: sum, ..self }
    }

    /// Replaces the file; it is on disk when this answers.
    pub(super) fn write(&self, directory: &Directory, key: &SealingKey) -> Result<(), KeystoreError> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(256));
        bytes.extend_from_slice(self.secret.as_slice());
        bytes.extend_from_slice(&self.generation.to_le_bytes());
        for sum in [self.before, self.after] {
            bytes.extend_from_slice(&sum.records.to_le_bytes());
            bytes.extend_from_slice(&sum.digest);
        }
        bytes.extend_from_slice(&self.anchor.count.to_le_bytes());
        bytes.extend_from_slice(self.anchor.head.as_bytes());
        directory.replace(FILE, &key.seal(&bytes, &associated_data()))
    }

    /// The reverse of what [`Tally::write`] seals.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (secret, bytes) = bytes.split_first_chunk()?;
        let (generation, mut bytes) = bytes.split_first_chunk()?;
        let (before, after, anchor) = (counted(&mut bytes)?, counted(&mut bytes)?, counted(&mut bytes)?);
        let sum = |(records, digest)| Sum { records, digest };
        bytes.is_empty().then(|| Self {
            secret: Zeroizing::new(*secret),
            generation: u32::from_le_bytes(*generation),
            before: sum(before),
            after: sum(after),
            anchor: Position { count: anchor.0, head: Hash::from_bytes(anchor.1) },
        })
    }
}

/// A number and 32 bytes, taken off the front.
fn counted(bytes: &mut &[u8]) -> Option<(u64, [u8; 32])> {
    let (number, rest) = bytes.split_first_chunk()?;
    let (digest, rest) = rest.split_first_chunk()?;
    *bytes = rest;
    Some((u64::from_le_bytes(*number), *digest))
}

/// What the tally is bound to besides the data key: what it is, and the format version.
fn associated_data() -> Vec<u8> {
    [b"cold-signer tally".as_slice(), &FORMAT.to_be_bytes()].concat()
}
