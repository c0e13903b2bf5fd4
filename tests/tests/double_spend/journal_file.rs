//! What crashes and bad disks do to the journal's file.
//!
//! It begins with 21 bytes that say what it is. A commit is a mark, the length of its records (4 bytes,
//! little-endian), the same inverted, the records, and a mark.

use crate::model::End;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

const BEGINNING: usize = 21;
const SECTOR: usize = 512;

fn path(store: &Path) -> PathBuf {
    store.join("journal")
}

/// Where the last commit begins.
fn last_commit(journal: &[u8]) -> usize {
    let (mut last, mut next) = (BEGINNING, BEGINNING);
    while next < journal.len() {
        let length = u32::from_le_bytes(journal[next + 1..next + 5].try_into().unwrap());
        (last, next) = (next, next + 9 + length as usize + 1);
    }
    last
}

/// Lets a crash take the last commit, or a part of it. Answers whether something of it is left.
pub(crate) fn crash(store: &Path, leaves: End) -> bool {
    let mut journal = fs::read(path(store)).unwrap();
    let (start, end) = (last_commit(&journal), journal.len());
    assert!(start < end, "there is no commit");
    match leaves {
        End::Without => journal.truncate(start),
        End::Half => journal.truncate(start + (end - start) / 2),
        End::Zeros => {
            let sector = (end - 1) / SECTOR * SECTOR;
            journal[sector.max(start)..].fill(0);
        }
    }
    fs::write(path(store), journal).unwrap();
    leaves != End::Without
}

/// Adds to its end.
pub(crate) fn append(store: &Path, bytes: &[u8]) {
    OpenOptions::new().append(true).open(path(store)).unwrap().write_all(bytes).unwrap();
}

/// Turns a bit around.
pub(crate) fn flip(store: &Path, from_end: usize) {
    let mut journal = fs::read(path(store)).unwrap();
    let place = journal.len() - from_end;
    journal[place] ^= 1;
    fs::write(path(store), journal).unwrap();
}
