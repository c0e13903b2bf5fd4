//! What is written, before it is sealed: the places of records and the encoding of an account.
//!
//! The key of a record in the database is its place: a table and a number, nothing about its content. The
//! place and the format version are also the associated data under which the record is sealed.

use crate::seal::SealingKey;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use stegos_common::group::Encoded;
use stegos_common::keys::SecretKey;
use zeroize::Zeroizing;

/// The newest format of header and records that this program reads, and the one it writes.
pub(super) const FORMAT: u32 = 1;

/// Flag: the account was removed.
const ARCHIVED: u8 = 1;

/// Flag: a secret key follows the public key.
const IMPORTED: u8 = 2;

/// Flag: the number of a later generation follows the public key. Without it, it is the first.
const ROTATED: u8 = 4;

/// A kind of record. Its byte starts the record's key in the database, which is one tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Table {
    /// One record, number 0: the 32 bytes of the master key.
    Master = b'm',
    /// One record per generation of an account, numbered from 0 without gaps in the order of their creation.
    Account = b'a',
    /// At most one record, number 0: how far the last adding of numbered accounts got.
    Batch = b'b',
}

/// Where a record is: a table and a number. It says nothing about whose record it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The table.
    pub table: Table,
    /// The number within the table.
    pub number: u64,
}

impl Place {
    /// The place of the master key.
    pub(super) const MASTER: Self = Self { table: Table::Master, number: 0 };

    /// The place of the [`Batch`].
    pub(super) const BATCH: Self = Self { table: Table::Batch, number: 0 };

    /// The place of the `index`-th account.
    pub(super) const fn account(index: usize) -> Self {
        Self { table: Table::Account, number: index as u64 }
    }

    /// The key in the database: the table's byte, then the number in big-endian order, so that a scan
    /// answers in the order of the numbers.
    pub(super) fn key(self) -> Vec<u8> {
        [[self.table as u8].as_slice(), &self.number.to_be_bytes()].concat()
    }

    /// The number in the key of a record of `table`.
    pub(super) fn number(table: Table, key: &[u8]) -> Option<u64> {
        let number = key.strip_prefix(&[table as u8])?;
        Some(u64::from_be_bytes(number.try_into().ok()?))
    }

    /// What a record is bound to besides the data key: format version and place.
    pub(super) fn associated_data(self) -> Vec<u8> {
        [b"cold-signer record".as_slice(), &FORMAT.to_be_bytes(), &self.key()].concat()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.table {
            Table::Master => f.write_str("the record of the master key"),
            Table::Account => write!(f, "record {} of the table of accounts", self.number),
            Table::Batch => f.write_str("the record of how far numbered accounts were added"),
        }
    }
}

/// A generation of an account as the store knows it: what it takes to find it, and its key only if that was imported.
/// An account begins with the first; each rotation adds one.
#[derive(Clone)]
pub struct Account {
    /// No other account has it.
    pub(super) name: Arc<str>,
    /// Kept encoded, a sixth of a decoded key's size.
    pub(super) public_key: Encoded,
    /// Counted from 1. No other record of the account has it.
    pub(super) generation: NonZeroU32,
    /// Absent for a key that is derived from the master key, the name and the generation. Only a first one is imported.
    pub(super) imported: Option<Arc<SecretKey>>,
    /// Whether it was removed.
    pub(super) archived: bool,
}

impl Account {
    /// The account's name.
    #[must_use]
    pub const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Which of the account's keys this is, counted from 1.
    #[must_use]
    pub const fn generation(&self) -> NonZeroU32 {
        self.generation
    }

    /// Whether the key was imported: the recovery words do not cover it.
    #[must_use]
    pub const fn is_imported(&self) -> bool {
        self.imported.is_some()
    }

    /// Whether the account was removed: its key is kept but not used.
    #[must_use]
    pub const fn is_archived(&self) -> bool {
        self.archived
    }

    /// Flags (one byte), public key (32), secret key if imported (32), generation if not the first (4, little-endian),
    /// then the name.
    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(65 + self.name.len()));
        let rotated = self.generation > NonZeroU32::MIN;
        let flags = [(self.archived, ARCHIVED), (self.imported.is_some(), IMPORTED), (rotated, ROTATED)];
        bytes.push(flags.iter().filter(|(set, _)| *set).fold(0, |all, (_, flag)| all | flag));
        bytes.extend_from_slice(self.public_key.as_bytes());
        if let Some(key) = &self.imported {
            bytes.extend_from_slice(key.to_bytes().as_slice());
        }
        if rotated {
            bytes.extend_from_slice(&self.generation.get().to_le_bytes());
        }
        bytes.extend_from_slice(self.name.as_bytes());
        bytes
    }

    /// The account of a sealed record; nothing where it does not open at this place.
    pub(super) fn open(key: &SealingKey, place: Place, sealed: &[u8]) -> Option<Self> {
        Self::decode(&key.open(sealed, &place.associated_data())?)
    }

    /// The reverse of [`Account::encode`]; nothing where the bytes are not what that writes.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (&flags, rest) = bytes.split_first()?;
        let (public_key, rest) = rest.split_first_chunk::<32>()?;
        let (imported, generation, name) = match flags & !ARCHIVED {
            0 => (None, NonZeroU32::MIN, rest),
            IMPORTED => {
                let (key, name) = rest.split_first_chunk::<32>()?;
                (Some(Arc::new(SecretKey::from_bytes(key).ok()?)), NonZeroU32::MIN, name)
            }
            ROTATED => {
                let (number, name) = rest.split_first_chunk()?;
                let number = NonZeroU32::new(u32::from_le_bytes(*number))?;
                (None, Some(number).filter(|number| *number > NonZeroU32::MIN)?, name)
            }
            _ => return None,
        };
        Some(Self {
            name: std::str::from_utf8(name).ok()?.into(),
            public_key: Encoded::from_bytes(*public_key),
            generation,
            imported,
            archived: flags & ARCHIVED != 0,
        })
    }
}

/// How far the last adding of numbered accounts got. It is written together with the accounts of each step, so that
/// an adding that was cut off is completed, not begun anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Batch {
    /// How many accounts were asked for.
    pub(super) count: u64,
    /// How many of them were added.
    pub(super) added: u64,
}

impl Batch {
    /// Both numbers, 8 bytes each, little-endian.
    pub(super) fn encode(self) -> Vec<u8> {
        [self.count.to_le_bytes(), self.added.to_le_bytes()].concat()
    }

    /// The reverse of [`Batch::encode`].
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (count, added) = bytes.split_first_chunk()?;
        let added = added.try_into().ok()?;
        Some(Self { count: u64::from_le_bytes(*count), added: u64::from_le_bytes(added) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_survives_encoding() {
        let imported = Some(Arc::new(SecretKey::from_seed(b"x")));
        let last = NonZeroU32::MAX;
        for (imported, generation) in [(None, NonZeroU32::MIN), (imported, NonZeroU32::MIN), (None, last)] {
            for archived in [false, true] {
                let public_key = SecretKey::from_seed(b"x").public_key().encoded();
                let name = Arc::from("alice");
                let account = Account { name, public_key, generation, imported: imported.clone(), archived };
                let read = Account::decode(&account.encode()).unwrap();
                assert_eq!(&*read.name, "alice");
                assert_eq!((read.public_key, read.generation), (public_key, generation));
                assert_eq!(read.is_imported(), imported.is_some());
                assert_eq!(read.archived, archived);
                if let (Some(read), Some(key)) = (read.imported, &imported) {
                    assert_eq!(read.to_bytes(), key.to_bytes());
                }
            }
        }
    }

    /// What stores held before keys were rotated.
    #[test]
    fn a_record_without_a_generation_is_of_the_first() {
        let key = SecretKey::from_seed(b"x");
        let public_key = key.public_key();
        for (flags, secret) in [(0, &[][..]), (ARCHIVED, &[]), (IMPORTED, key.to_bytes().as_slice())] {
            let bytes = [&[flags], public_key.as_bytes().as_slice(), secret, b"alice"].concat();
            let account = Account::decode(&bytes).unwrap();
            assert_eq!((&*account.name, account.generation), ("alice", NonZeroU32::MIN));
            assert_eq!(*account.encode(), bytes, "and is written as before");
        }
    }

    #[test]
    fn other_bytes_are_no_account() {
        assert!(Account::decode(&[]).is_none());
        assert!(Account::decode(&[0; 32]).is_none(), "too short for a public key");
        assert!(Account::decode(&[IMPORTED; 40]).is_none(), "too short for a secret key");
        assert!(Account::decode(&[8; 80]).is_none(), "unknown flag");
        assert!(Account::decode(&[ROTATED; 35]).is_none(), "too short for a generation");
        for generation in [0_u32, 1] {
            let bytes = [&[ROTATED; 33], generation.to_le_bytes().as_slice(), b"alice"].concat();
            assert!(Account::decode(&bytes).is_none(), "generation {generation} has no flag");
        }
        let key = SecretKey::from_seed(b"x").to_bytes();
        let bytes = [&[IMPORTED | ROTATED; 33], key.as_slice(), &[2, 0, 0, 0], b"alice"].concat();
        assert!(Account::decode(&bytes).is_none(), "only a first generation is imported");
        assert!(Account::decode(&[&[0; 33][..], &[0xff]].concat()).is_none(), "not UTF-8");
    }

    #[test]
    fn places_sort_by_number() {
        assert!(Place::account(255).key() < Place::account(256).key());
        assert_eq!(Place::account(1).key(), [b'a', 0, 0, 0, 0, 0, 0, 0, 1]);
    }
}
