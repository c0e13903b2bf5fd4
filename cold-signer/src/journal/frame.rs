//! Frames: what one commit writes, so that a torn write is told from damage.
//!
//! | bytes | content |
//! | --- | --- |
//! | 1 | 0xF5 |
//! | 4 | length of the records, little-endian |
//! | 4 | the same, inverted |
//! | length | records, each its length (4 bytes, little-endian), the head before it (32), the sealed record |
//! | 1 | 0x5F |
//!
//! A disk writes sectors of 512 bytes whole or not at all; a file system shows zeros, or nothing, where they are
//! missing. Sealed records look like random bytes, and the marks at both ends are not zero: no part of a sector that
//! a whole frame fills is all zeros. So the last frame of a file was torn by a crash exactly where the file ends
//! inside of it or such a part of it is all zeros. Anything else that does not open is damage.

use std::io::{self, Read};

/// How a frame begins, and how it ends.
const MARKS: (u8, u8) = (0xf5, 0x5f);

/// The bytes of a frame before the records.
pub(super) const HEAD: usize = 9;

/// The records of a frame are no longer, in bytes.
pub(super) const MAX_RECORDS: usize = 2 << 20;

/// What a disk writes whole or not at all, in bytes.
const SECTOR: usize = 512;

/// A frame with these records.
pub(super) fn encode(records: &[u8]) -> Vec<u8> {
    // Commits are cut at MAX_RECORDS.
    let length = u32::try_from(records.len()).unwrap_or(u32::MAX);
    let mut frame = Vec::with_capacity(records.len() + HEAD + 1);
    frame.push(MARKS.0);
    frame.extend_from_slice(&length.to_le_bytes());
    frame.extend_from_slice(&(!length).to_le_bytes());
    frame.extend_from_slice(records);
    frame.push(MARKS.1);
    frame
}

/// Adds a record to the records of a frame.
pub(super) fn push(records: &mut Vec<u8>, head: &[u8; 32], sealed: &[u8]) {
    let length = u32::try_from(sealed.len()).unwrap_or(u32::MAX);
    records.extend_from_slice(&length.to_le_bytes());
    records.extend_from_slice(head);
    records.extend_from_slice(sealed);
}

/// The first of some records: the head before it and the sealed record, then the rest.
pub(super) fn split(records: &[u8]) -> Option<(&[u8; 32], &[u8], &[u8])> {
    let (length, rest) = records.split_first_chunk()?;
    let (head, rest) = rest.split_first_chunk()?;
    let (sealed, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    Some((head, sealed, rest))
}

/// What stands at a place of the file.
pub(super) enum Found {
    /// A frame that ends where it should; what is in it is not known yet.
    Frame(Frame),
    /// The end of the file.
    End,
    /// What a crash left of the last frame.
    Torn,
    /// Something else.
    Damaged,
}

/// A frame as it was read.
pub(super) struct Frame {
    /// All its bytes.
    bytes: Vec<u8>,
    /// Where it begins in the file.
    pub(super) offset: u64,
    /// Whether nothing follows.
    last: bool,
}

impl Frame {
    /// Its records; nothing where the mark at its end is missing.
    pub(super) fn records(&self) -> Option<&[u8]> {
        let (&mark, bytes) = self.bytes.split_last()?;
        bytes.get(HEAD..).filter(|_| mark == MARKS.1)
    }

    /// All its bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether nothing follows.
    pub(super) const fn is_last(&self) -> bool {
        self.last
    }

    /// How long it is, in bytes.
    pub(super) const fn length(&self) -> usize {
        self.bytes.len()
    }

    /// Where the next one begins.
    pub(super) const fn end(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }

    /// Whether the crash of a machine explains that it does not open.
    pub(super) fn is_torn(&self) -> bool {
        self.last && has_empty_part(&self.bytes, self.offset)
    }
}

/// Reads what stands at `offset` of a file of `size` bytes, where `file` stands too.
///
/// # Errors
/// What the system says.
pub(super) fn read(file: &mut impl Read, offset: u64, size: u64) -> io::Result<Found> {
    let rest = size.saturating_sub(offset);
    if rest == 0 {
        return Ok(Found::End);
    }
    let mut bytes = Vec::new();
    file.by_ref().take(HEAD as u64).read_to_end(&mut bytes)?;
    let Some(length) = records_length(&bytes) else {
        return headless(file, bytes, offset, rest);
    };
    let whole = (HEAD + length + 1) as u64;
    if whole > rest {
        file.take(rest).read_to_end(&mut bytes)?;
        return Ok(if is_followed(&bytes) { Found::Damaged } else { Found::Torn });
    }
    bytes.reserve_exact(length + 1);
    file.by_ref().take(length as u64 + 1).read_to_end(&mut bytes)?;
    Ok(Found::Frame(Frame { last: whole == rest, bytes, offset }))
}

/// The length that the head of a frame gives, if it is one.
fn records_length(head: &[u8]) -> Option<usize> {
    let (&mark, rest) = head.split_first()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (inverted, _) = rest.split_first_chunk()?;
    let (length, inverted) = (u32::from_le_bytes(*length), u32::from_le_bytes(*inverted));
    let length = usize::try_from(length).ok().filter(|_| mark == MARKS.0 && length == !inverted)?;
    (1..=MAX_RECORDS).contains(&length).then_some(length)
}

/// Whether a frame without a head was torn. Where it ends is not known, but it was the last one: no other may follow.
fn headless(file: &mut impl Read, head: Vec<u8>, offset: u64, rest: u64) -> io::Result<Found> {
    if head.len() < HEAD {
        return Ok(Found::Torn);
    }
    if rest > (HEAD + MAX_RECORDS + 1) as u64 {
        return Ok(Found::Damaged);
    }
    let mut bytes = head;
    file.take(rest).read_to_end(&mut bytes)?;
    // The sectors that the head is in.
    let sectors = (offset + HEAD as u64).next_multiple_of(SECTOR as u64) - offset;
    let sectors = usize::try_from(sectors).unwrap_or(usize::MAX).min(bytes.len());
    let torn = has_empty_part(bytes.get(..sectors).unwrap_or_default(), offset);
    Ok(if torn && !is_followed(&bytes) { Found::Torn } else { Found::Damaged })
}

/// Whether another frame begins somewhere in the bytes of one: then it was not the last.
fn is_followed(bytes: &[u8]) -> bool {
    bytes.windows(HEAD).skip(1).any(|window| records_length(window).is_some())
}

/// Whether what bytes at `offset` of a file fill of some sector is all zeros.
fn has_empty_part(bytes: &[u8], offset: u64) -> bool {
    let is_empty = |part: &[u8]| !part.is_empty() && part.iter().all(|byte| *byte == 0);
    let first =
        usize::try_from(SECTOR as u64 - offset % SECTOR as u64).unwrap_or(usize::MAX).min(bytes.len());
    let (first, rest) = bytes.split_at(first);
    is_empty(first) || rest.chunks(SECTOR).any(is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    /// Bytes that a sealed record could consist of.
    fn noise(length: usize) -> Vec<u8> {
        (0..=u8::MAX).cycle().map(|byte| byte | 1).take(length).collect()
    }

    fn found(file: &[u8], offset: u64) -> Found {
        let mut cursor = Cursor::new(file);
        cursor.set_position(offset);
        read(&mut cursor, offset, file.len() as u64).unwrap()
    }

    /// Whether the frame at `offset` is taken for torn, if it does not open.
    fn is_torn(file: &[u8], offset: u64) -> bool {
        match found(file, offset) {
            Found::Frame(frame) => frame.is_torn(),
            Found::Torn => true,
            Found::End | Found::Damaged => false,
        }
    }

    proptest! {
        #[test]
        fn records_come_back(records in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..90), 1..9), before in 0..2000_usize) {
            let mut packed = Vec::new();
            for record in &records {
                push(&mut packed, &[7; 32], record);
            }
            let file = [noise(before), encode(&packed)].concat();
            let Found::Frame(frame) = found(&file, before as u64) else { panic!("no frame") };
            prop_assert_eq!(frame.end(), file.len() as u64);
            let (mut rest, mut read) = (frame.records().unwrap(), Vec::new());
            while !rest.is_empty() {
                let (head, sealed, more) = split(rest).unwrap();
                prop_assert_eq!(head, &[7; 32]);
                read.push(sealed.to_vec());
                rest = more;
            }
            prop_assert_eq!(read, records);
        }

        /// Whatever set of sectors reaches the disk of the last frame.
        #[test]
        fn every_torn_write_is_known(before in 0..1500_usize, length in 1..4000_usize, lost: u64, cut in prop::option::of(0..4000_usize)) {
            let mut file = [noise(before), encode(&noise(length))].concat();
            let mut torn = false;
            if let Some(cut) = cut.filter(|cut| before + cut < file.len()) {
                file.truncate(before + cut);
                torn = cut > 0;
            }
            let end = file.len();
            for sector in before / 512..end.div_ceil(512) {
                let part = (sector * 512).max(before)..((sector + 1) * 512).min(end);
                if lost >> (sector - before / 512) & 1 == 1 && !part.is_empty() {
                    file[part].fill(0);
                    torn = true;
                }
            }
            prop_assert_eq!(is_torn(&file, before as u64), torn);
        }

        /// A flipped bit, however many frames follow or none.
        #[test]
        fn damage_is_not_taken_for_a_torn_write(before in 0..1500_usize, lengths in prop::collection::vec(20..1200_usize, 1..4), bit: usize) {
            let mut file = noise(before);
            lengths.iter().for_each(|length| file.extend(encode(&noise(*length))));
            let bits = (HEAD + lengths[0] + 1) * 8;
            let bit = before * 8 + bit % bits;
            file[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!is_torn(&file, before as u64));
        }

        /// A head that says another length, with frames behind it.
        #[test]
        fn a_wrong_length_before_other_frames_is_damage(before in 0..1500_usize, length in 20..3000_usize, more in 1..MAX_RECORDS - 3000) {
            let mut file = [noise(before), encode(&noise(length)), encode(&noise(700))].concat();
            let wrong = u32::try_from(length + more).unwrap();
            file[before + 1..before + 5].copy_from_slice(&wrong.to_le_bytes());
            file[before + 5..before + 9].copy_from_slice(&(!wrong).to_le_bytes());
            if before + HEAD + length + more < file.len() {
                return Ok(());
            }
            prop_assert!(!is_torn(&file, before as u64));
        }

        /// A sector that a disk lost later, with frames behind it.
        #[test]
        fn a_lost_sector_before_other_frames_is_damage(before in 0..1500_usize, length in 20..3000_usize, sector: usize) {
            let first = encode(&noise(length));
            let end = before + first.len();
            let mut file = [noise(before), first, encode(&noise(700)), encode(&noise(20))].concat();
            let (first, last) = (before / 512, (end - 1) / 512);
            let sector = first + sector % (last - first + 1);
            file[(sector * 512).max(before)..((sector + 1) * 512).min(end)].fill(0);
            prop_assert!(!is_torn(&file, before as u64));
        }

        #[test]
        fn hostile_bytes_do_no_harm(bytes: Vec<u8>) {
            let _ = is_torn(&bytes, 0);
            let _ = split(&bytes);
        }
    }
}
