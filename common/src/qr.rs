//! A message as the frames of an animated QR code: what crosses the air gap through a camera.
//!
//! The frames are Uniform Resources of several parts (Blockchain Commons, BCR-2020-005) of type `bytes`:
//! `UR:BYTES/SEQ-COUNT/…`, in capitals, for which a QR code has its dense alphanumeric mode. The first COUNT frames
//! carry one fragment each, every later one a mixture of some: whoever missed frames waits for none in particular.
//! Nearly any COUNT frames, in whatever order, give the message back.
//!
//! The bytes that are cut into fragments are a CBOR byte string (RFC 8949), as the type asks, of one byte for the
//! version of the format and the message, compressed (DEFLATE, RFC 1951). Most of a request is hex, two letters for each
//! byte: a request with 100 public inputs has 18 kB, and 21 fragments instead of the 68 that it would have as it is.

mod gathering;
mod part;

pub use gathering::{Gathering, Progress};

use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use part::{Header, xor};
use std::num::NonZeroU32;
use thiserror::Error;

/// The longest message in bytes, before it is compressed: what a signer takes as a request if nobody says otherwise.
pub const MOST_BYTES: usize = 1 << 20;
/// The most fragments that a message may have: at five frames a second somebody holds the camera for a quarter of an
/// hour.
pub const MOST_FRAGMENTS: usize = 4096;
/// How many bytes a fragment has if nobody says otherwise. With whatever numbers before it, its frame fits into a QR
/// code of version 13 at error correction level L (619 characters): 69 modules, 77 with the margin, so that it fits a
/// terminal of 80 columns, and a webcam of 640×480 pixels still has five pixels for each module. More bytes make fewer
/// frames, of which a camera reads fewer; a screen has no dirt and no folds, which higher levels are for.
pub const FRAGMENT: usize = 270;
/// The longest fragment in bytes: its frame fits into the largest QR code (version 40, level L, 4296 characters).
const LONGEST_FRAGMENT: usize = 2100;
/// The most characters of a frame: the largest QR code.
const LONGEST_FRAME: usize = 4296;
/// The longest thing that is cut into fragments: a message that could not be compressed, and what is around it.
const MOST_CARRIED: usize = MOST_BYTES + (MOST_BYTES >> 8) + 16;
/// The version of the format.
const VERSION: u8 = 1;
/// How hard the compression tries: messages are short.
const LEVEL: u8 = 9;

/// What is no frame, no frame of this message, or no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Something else, such as the QR code on a poster; or a frame with an error in it.
    #[error("this is no frame of an animated QR code (UR:BYTES/1-9/...)")]
    NotAFrame,
    /// The numbers of the frame contradict each other.
    #[error("the frame's numbers do not fit together: another program made it, and made it wrongly")]
    Numbers,
    /// The message has more bytes or more fragments than are ever needed.
    #[error("the message is too long for QR codes: at most {MOST_BYTES} bytes in {MOST_FRAGMENTS} fragments")]
    TooLong,
    /// A fragment of this many bytes does not fit into a QR code.
    #[error("a fragment has from 1 to {LONGEST_FRAGMENT} bytes, not {0}")]
    Fragment(usize),
    /// A frame of another message than the first one. What has been gathered is kept.
    #[error("this frame belongs to another message than those before it; to read that one, begin anew")]
    OtherMessage,
    /// The frame says something else about the message than others do. What has been gathered is kept.
    #[error("this frame contradicts those before it: one of them is false")]
    Contradiction,
    /// The checksum of the whole is wrong, so some frame was false; nobody can tell which, and all are given up.
    #[error(
        "the frames together are not the message that they promised; all have been forgotten, show them again"
    )]
    Damaged,
    /// A message, but of a format that this program does not know.
    #[error("the message is in a format that this version does not know")]
    Format,
}

/// The frames of one message, any of which can be made at any time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frames {
    /// What is the same in all frames; that of the first.
    header: Header,
    /// The fragments one after another, the last one filled up with zeros.
    fragments: Vec<u8>,
    fragment: usize,
}

impl Frames {
    /// Cuts `message` into fragments of at most `fragment` bytes ([`FRAGMENT`] is a good choice).
    ///
    /// # Errors
    /// [`FrameError::Fragment`], or [`FrameError::TooLong`] where the message has more than [`MOST_BYTES`] or would have
    /// more than [`MOST_FRAGMENTS`] fragments.
    pub fn new(message: &[u8], fragment: usize) -> Result<Self, FrameError> {
        if !(1..=LONGEST_FRAGMENT).contains(&fragment) {
            return Err(FrameError::Fragment(fragment));
        }
        if message.len() > MOST_BYTES {
            return Err(FrameError::TooLong);
        }
        let mut fragments = pack(message);
        // All of one length, and none longer than it must be for their number.
        let length = fragments.len();
        let fragment = length.div_ceil(length.div_ceil(fragment));
        let count = length.div_ceil(fragment);
        if count > MOST_FRAGMENTS {
            return Err(FrameError::TooLong);
        }
        let number = |number: usize| u32::try_from(number).map_err(|_| FrameError::TooLong);
        let checksum = crc32fast::hash(&fragments);
        let header = Header { sequence: 1, count: number(count)?, length: number(length)?, checksum };
        fragments.resize(count * fragment, 0);
        Ok(Self { header, fragments, fragment })
    }

    /// How many fragments the message has: as many frames are needed to read it, and hardly more.
    #[must_use]
    pub fn fragments(&self) -> u32 {
        self.header.count
    }

    /// The text of the frame with this number. Later frames are as good as the first ones: a display goes on counting
    /// rather than begin anew.
    #[must_use]
    pub fn frame(&self, sequence: NonZeroU32) -> String {
        let header = Header { sequence: sequence.get(), ..self.header };
        let mut mixed = vec![0; self.fragment];
        for place in header.mixes() {
            if let Some(fragment) = self.fragments.chunks(self.fragment).nth(place) {
                xor(&mut mixed, fragment);
            }
        }
        header.text(&mixed)
    }
}

/// Version, compression and the head of a byte string around `message`.
fn pack(message: &[u8]) -> Vec<u8> {
    let mut packed = vec![VERSION];
    packed.append(&mut compress_to_vec(message, LEVEL));
    part::byte_string(&packed)
}

/// The way back.
fn unpack(carried: &[u8]) -> Result<Vec<u8>, FrameError> {
    let packed: &minicbor::bytes::ByteSlice = minicbor::decode(carried).map_err(|_| FrameError::Format)?;
    match packed.split_first() {
        Some((&VERSION, compressed)) => {
            decompress_to_vec_with_limit(compressed, MOST_BYTES).map_err(|error| match error.status {
                miniz_oxide::inflate::TINFLStatus::HasMoreOutput => FrameError::TooLong,
                _ => FrameError::Format,
            })
        }
        _ => Err(FrameError::Format),
    }
}
