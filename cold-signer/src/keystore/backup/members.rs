//! Reading and writing the members of the archive.

use super::BackupError;
use super::manifest::Content;
use crate::keystore::KeystoreError;
use crate::keystore::store::Item;
use std::io::{self, Cursor, Read};
use stegos_common::hash::Hasher;

/// How long the key of a record is.
const KEY: usize = 9;

/// No sealed record is longer, in bytes.
const MAX_RECORD: usize = 4096;

/// A reader that knows what passed through it.
pub(super) struct Measured<R> {
    inner: R,
    hasher: Hasher,
    bytes: u64,
}

impl<R: Read> Measured<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, hasher: Hasher::new(), bytes: 0 }
    }

    /// What passed through it.
    pub(super) fn content(self) -> Content {
        Content { bytes: self.bytes, sha3_256: self.hasher.finish() }
    }

    /// What all of a reader has.
    pub(super) fn of(inner: R) -> io::Result<Content> {
        let mut measured = Self::new(inner);
        io::copy(&mut measured, &mut io::sink())?;
        Ok(measured.content())
    }
}

impl<R: Read> Read for Measured<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.hasher.update(buffer.get(..length).unwrap_or_default());
        self.bytes = self.bytes.saturating_add(length as u64);
        Ok(length)
    }
}

/// Records as the bytes of a member.
pub(super) struct Encoded<I> {
    items: I,
    ready: Cursor<Vec<u8>>,
}

impl<I: Iterator<Item = Result<Item, KeystoreError>>> Encoded<I> {
    pub(super) fn new(items: I) -> Self {
        Self { items, ready: Cursor::default() }
    }
}

impl<I: Iterator<Item = Result<Item, KeystoreError>>> Read for Encoded<I> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.ready.read(buffer)?;
        if length > 0 || buffer.is_empty() {
            return Ok(length);
        }
        let Some(item) = self.items.next() else { return Ok(0) };
        let (key, value) = item.map_err(io::Error::other)?;
        let length = u32::try_from(value.len()).map_err(io::Error::other)?;
        if key.len() != KEY || value.len() > MAX_RECORD {
            return Err(io::Error::other("a record is none of this program"));
        }
        self.ready = Cursor::new([key.as_slice(), &length.to_le_bytes(), &value].concat());
        self.ready.read(buffer)
    }
}

/// The next record of a member, if there is one.
pub(super) fn next_record(from: &mut impl Read) -> Result<Option<Item>, BackupError> {
    let wrong = || BackupError::NotABackup("a record of an account is none".to_owned());
    let mut key = Vec::with_capacity(KEY);
    from.by_ref().take(KEY as u64).read_to_end(&mut key)?;
    if key.is_empty() {
        return Ok(None);
    }
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_le_bytes(length)).map_err(|_| wrong())?;
    if key.len() != KEY || length > MAX_RECORD {
        return Err(wrong());
    }
    let mut value = vec![0; length];
    from.read_exact(&mut value)?;
    Ok(Some((key, value)))
}
