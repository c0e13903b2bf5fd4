//! One part of a Uniform Resource: its numbers, which fragments it mixes, and how it is written.

use super::{FrameError, LONGEST_FRAGMENT, LONGEST_FRAME, MOST_CARRIED, MOST_FRAGMENTS};
use minicbor::bytes::{ByteSlice, ByteVec};
use minicbor::encode::Encode;
use ur::bytewords::{self, Style};
use ur::fountain;

const SCHEME: &str = "UR:BYTES/";

/// The numbers before a part's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// The number of the part, from 1.
    pub(super) sequence: u32,
    /// How many fragments the message has.
    pub(super) count: u32,
    /// How many bytes the message has without what fills up its last fragment.
    pub(super) length: u32,
    /// The CRC-32 (ISO-HDLC) of these bytes.
    pub(super) checksum: u32,
}

impl Header {
    /// Which fragments this part is the exclusive or of, by their places from 0.
    pub(super) fn mixes(&self) -> Vec<usize> {
        // The choice is the library's; its type for a part is made in no other way than by reading one.
        minicbor::decode(&self.cbor(&[])).map_or_else(|_| Vec::new(), |part: fountain::Part| part.indexes())
    }

    /// The text of the frame with these numbers and bytes.
    pub(super) fn text(&self, mixed: &[u8]) -> String {
        let words = bytewords::encode(&self.cbor(mixed), Style::Minimal).to_ascii_uppercase();
        format!("{SCHEME}{}-{}/{words}", self.sequence, self.count)
    }

    /// Reads a frame in capitals or small letters. Whatever it says, its numbers are within bounds afterwards.
    pub(super) fn read(text: &str) -> Result<(Self, Vec<u8>), FrameError> {
        let text = text.trim();
        if text.len() > LONGEST_FRAME {
            return Err(FrameError::NotAFrame);
        }
        let text = text.to_ascii_uppercase();
        let (numbers, words) =
            text.strip_prefix(SCHEME).and_then(|text| text.split_once('/')).ok_or(FrameError::NotAFrame)?;
        let cbor = bytewords::decode(&words.to_ascii_lowercase(), Style::Minimal)
            .map_err(|_| FrameError::NotAFrame)?;
        let (sequence, count, length, checksum, mixed): (u32, u32, u32, u32, ByteVec) =
            minicbor::decode(&cbor).map_err(|_| FrameError::NotAFrame)?;
        let header = Self { sequence, count, length, checksum };
        if numbers != format!("{sequence}-{count}") {
            return Err(FrameError::Numbers);
        }
        header.check(mixed.len())?;
        Ok((header, mixed.into()))
    }

    fn check(&self, fragment: usize) -> Result<(), FrameError> {
        let too_long = |_| FrameError::TooLong;
        let count = usize::try_from(self.count).map_err(too_long)?;
        let length = usize::try_from(self.length).map_err(too_long)?;
        if count > MOST_FRAGMENTS || length > MOST_CARRIED {
            return Err(FrameError::TooLong);
        }
        let fits = (1..=LONGEST_FRAGMENT).contains(&fragment) && length.div_ceil(fragment) == count;
        if self.sequence == 0 || count == 0 || !fits {
            return Err(FrameError::Numbers);
        }
        Ok(())
    }

    fn cbor(&self, mixed: &[u8]) -> Vec<u8> {
        let bytes: &ByteSlice = mixed.into();
        cbor(&(self.sequence, self.count, self.length, self.checksum, bytes))
    }
}

/// `bytes` as a CBOR byte string.
pub(super) fn byte_string(bytes: &[u8]) -> Vec<u8> {
    let bytes: &ByteSlice = bytes.into();
    cbor(&bytes)
}

fn cbor(value: &impl Encode<()>) -> Vec<u8> {
    // Numbers and bytes into memory: of this nothing can fail.
    minicbor::to_vec(value).unwrap_or_default()
}

/// Mixes `other` into `bytes`, which is as long.
pub(super) fn xor(bytes: &mut [u8], other: &[u8]) {
    for (byte, other) in bytes.iter_mut().zip(other) {
        *byte ^= other;
    }
}
