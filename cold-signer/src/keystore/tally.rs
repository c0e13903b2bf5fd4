//! The tally: which account records there must be, kept outside of the database.
//!
//! The database takes a damaged tail of its log for the end of the log, and drops what stood there: the newest
//! accounts. Single records can also be exchanged for older ones of the same place. Neither shows in the
//! records that are left, so a small file beside the header holds a sum over all of them:
//!
//! | bytes | content |
//! | --- | --- |
//! | 32 | a random secret of this store |
//! | 32 | the sum before the change in hand |
//! | 32 | the sum after it; the same when no change is in hand |
//!
//! The sum is the exclusive or of SHA3-256(secret ‖ authentication tag) over all account records. No sealed
//! record has the tag of another, and without the secret nobody can look for other records of the same sum.
//! The file is sealed with the data key.
//!
//! A change first announces both sums, then writes the records, then settles on the new sum: wherever it is
//! cut off, the records are those of one of the two sums.

use super::directory::Directory;
use super::error::KeystoreError;
use super::record::FORMAT;
use super::seal::SealingKey;
use rand_core::{OsRng, RngCore};
use std::fs::File;
use std::io::Read;
use stegos_common::hash::Hasher;
use zeroize::Zeroizing;

/// The tally's file name in the store's directory.
pub(super) const FILE: &str = "tally";

/// A sealed tally is shorter, in bytes.
const MAX_LENGTH: u64 = 256;

/// A sum over records, empty at first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sum([u8; 32]);

/// The tally of an open store.
pub(super) struct Tally {
    secret: Zeroizing<[u8; 32]>,
    before: Sum,
    after: Sum,
}

impl Tally {
    /// Writes the tally of a store without accounts.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn create(directory: &Directory, key: &SealingKey) -> Result<Self, KeystoreError> {
        let mut secret = Zeroizing::new([0; 32]);
        OsRng.fill_bytes(secret.as_mut_slice());
        let tally = Self { secret, before: Sum::default(), after: Sum::default() };
        tally.write(directory, key)?;
        Ok(tally)
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
        if self.before == self.after { Ok(self.after) } else { Err(KeystoreError::ChangeFailed) }
    }

    /// The sum with this record in it; without it if it was in.
    pub(super) fn toggle(&self, Sum(mut sum): Sum, sealed: &[u8]) -> Sum {
        let mut hasher = Hasher::new();
        hasher.update(self.secret.as_slice());
        hasher.update(sealed.last_chunk::<16>().map_or(sealed, |tag| tag));
        for (byte, hashed) in sum.iter_mut().zip(hasher.finish().as_bytes()) {
            *byte ^= hashed;
        }
        Sum(sum)
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
        if found != self.before && found != self.after {
            return Err(KeystoreError::RecordsMissing(directory.path().to_owned()));
        }
        if self.before == self.after {
            return Ok(());
        }
        let settled = Self { secret: self.secret.clone(), before: found, after: found };
        settled.write(directory, key)?;
        *self = settled;
        Ok(())
    }

    /// Replaces the file; it is on disk when this answers.
    fn write(&self, directory: &Directory, key: &SealingKey) -> Result<(), KeystoreError> {
        let bytes = Zeroizing::new([*self.secret, self.before.0, self.after.0].concat());
        directory.replace(FILE, &key.seal(&bytes, &associated_data()))
    }

    /// The reverse of what [`Tally::write`] seals.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (secret, sums) = bytes.split_first_chunk::<32>()?;
        let (before, after) = sums.split_first_chunk::<32>()?;
        Some(Self {
            secret: Zeroizing::new(*secret),
            before: Sum(*before),
            after: Sum(after.try_into().ok()?),
        })
    }
}

/// What the tally is bound to besides the data key: what it is, and the format version.
fn associated_data() -> Vec<u8> {
    [b"cold-signer tally".as_slice(), &FORMAT.to_be_bytes()].concat()
}
