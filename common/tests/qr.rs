//! Animated QR codes: whatever a camera misses, sees twice or sees of something else, the message arrives, or nothing.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::cast_possible_truncation)]

use minicbor::bytes::ByteSlice;
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use std::num::NonZeroU32;
use stegos_common::qr::{FRAGMENT, FrameError, Frames, Gathering, MOST_BYTES, MOST_FRAGMENTS};
use ur::bytewords::{self, Style};

/// The text of the largest QR code of version 13 at level L.
const VERSION_13: usize = 619;

fn frame(frames: &Frames, sequence: u32) -> String {
    frames.frame(NonZeroU32::new(sequence).unwrap())
}

/// Bytes that nothing compresses.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; length];
    ChaCha8Rng::seed_from_u64(seed).fill_bytes(&mut bytes);
    bytes
}

/// A frame with these numbers and bytes, as another program would write it.
fn written(sequence: u32, count: u32, length: u32, checksum: u32, bytes: &[u8]) -> String {
    let bytes: &ByteSlice = bytes.into();
    let cbor = minicbor::to_vec((sequence, count, length, checksum, bytes)).unwrap();
    format!("ur:bytes/{sequence}-{count}/{}", bytewords::encode(&cbor, Style::Minimal))
}

/// Shows `frames` to a camera that loses 30 % of what it is shown, sees some twice, and out of order. Answers the
/// message and how many different frames were read.
fn carried(frames: &Frames, first: u32, seed: u64) -> (Vec<u8>, u32) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut gathering = Gathering::default();
    let mut read = 0;
    let mut waiting: Vec<(u32, String)> = Vec::new();
    for sequence in first.. {
        if rng.next_u32() % 10 >= 3 {
            waiting.push((sequence, frame(frames, sequence)));
        }
        while waiting.len() > 20 {
            let at = rng.next_u32() as usize % waiting.len();
            let twice = rng.next_u32().is_multiple_of(5);
            let text = if twice { waiting[at].1.clone() } else { waiting.swap_remove(at).1 };
            read += u32::from(!twice);
            if gathering.add(&text).unwrap().is_complete() {
                return (gathering.message().unwrap().to_vec(), read);
            }
        }
    }
    panic!("no message");
}

proptest! {
    #[test]
    fn any_message_arrives(
        message in proptest::collection::vec(any::<u8>(), 0..3000),
        fragment in 1_usize..400,
        first in prop_oneof![Just(1), 1_u32..10_000, Just(u32::MAX - 40_000)],
        seed: u64,
    ) {
        let frames = Frames::new(&message, fragment).unwrap();
        prop_assert_eq!(carried(&frames, first, seed).0, message);
    }

    #[test]
    fn nonsense_changes_nothing(text in "\\PC*", inside in "(ur|UR):(bytes|BYTES)/[0-9]{1,12}-[0-9]{1,12}/[a-z]{0,80}") {
        let mut gathering = Gathering::default();
        gathering.add(&frame(&Frames::new(&noise(1000, 1), 100).unwrap(), 3)).unwrap();
        let before = gathering.clone();
        for text in [text, inside] {
            gathering.add(&text).unwrap_err();
            prop_assert_eq!(&gathering, &before);
        }
    }
}

#[test]
fn hardly_more_frames_are_needed_than_there_are_fragments() {
    for (fragments, seed) in [(10, 1), (100, 2), (500, 3)] {
        let frames = Frames::new(&noise(fragments * FRAGMENT - 100, seed), FRAGMENT).unwrap();
        let fragments = frames.fragments();
        for first in [1, fragments / 2, 10 * fragments] {
            let (_, read) = carried(&frames, first, seed);
            assert!(read <= fragments + fragments / 20 + 10, "{read} frames for {fragments} fragments");
        }
    }
}

#[test]
fn a_frame_fits_its_code_and_is_of_its_characters() {
    let longest = Frames::new(&noise(MOST_BYTES, 1), FRAGMENT).unwrap();
    for sequence in [1, longest.fragments(), 100_000, u32::MAX] {
        let text = frame(&longest, sequence);
        assert!(text.len() <= VERSION_13, "{} characters", text.len());
        assert!(
            text.chars()
                .all(|char| char.is_ascii_uppercase() || char.is_ascii_digit() || "-/:".contains(char))
        );
    }
}

#[test]
fn other_programs_read_the_frames() {
    let message = noise(5000, 1);
    let frames = Frames::new(&message, 300).unwrap();
    let mut other = ur::Decoder::default();
    for sequence in 5.. {
        other.receive(&frame(&frames, sequence)).unwrap();
        if other.complete() {
            break;
        }
    }
    let carried = other.message().unwrap().unwrap();
    let packed: &ByteSlice = minicbor::decode(&carried).unwrap();
    assert_eq!(packed[0], 1);
    assert_eq!(miniz_oxide::inflate::decompress_to_vec(&packed[1..]).unwrap(), message);
    // And write the same ones.
    let mut other = ur::Encoder::bytes(&carried, 300).unwrap();
    for sequence in 1..100 {
        assert_eq!(other.next_part().unwrap().to_ascii_uppercase(), frame(&frames, sequence));
    }
}

#[test]
fn a_frame_of_another_message_is_refused_and_the_gathering_goes_on() {
    let (one, two) = (noise(1000, 1), noise(1000, 2));
    let (frames, other) = (Frames::new(&one, 100).unwrap(), Frames::new(&two, 100).unwrap());
    let mut gathering = Gathering::default();
    for sequence in 1..=frames.fragments() {
        assert_eq!(gathering.message(), None);
        gathering.add(&frame(&frames, sequence)).unwrap();
        assert_eq!(gathering.add(&frame(&other, sequence)), Err(FrameError::OtherMessage));
        assert_eq!(gathering.progress().gathered, sequence);
    }
    assert_eq!(gathering.message(), Some(one.as_slice()));
    assert_eq!(gathering.progress().percent(), 100);
    // What comes later changes nothing any more.
    assert!(gathering.add(&frame(&frames, 1000)).unwrap().is_complete());
    assert_eq!(gathering.add(&frame(&other, 1)), Err(FrameError::OtherMessage));
    assert_eq!(gathering.message(), Some(one.as_slice()));
}

#[test]
fn a_frame_that_lies_is_noticed() {
    let frames = Frames::new(&noise(1000, 1), 100).unwrap();
    let text = frame(&frames, 1).to_ascii_lowercase();
    let cbor = bytewords::decode(text.rsplit_once('/').unwrap().1, Style::Minimal).unwrap();
    let (_, count, length, checksum, _): (u32, u32, u32, u32, &ByteSlice) = minicbor::decode(&cbor).unwrap();
    let bytes = length.div_ceil(count) as usize;
    let lie = |sequence| written(sequence, count, length, checksum, &vec![7; bytes]);
    // After the true one.
    let mut gathering = Gathering::default();
    gathering.add(&text).unwrap();
    let before = gathering.clone();
    assert_eq!(gathering.add(&lie(1)), Err(FrameError::Contradiction));
    assert_eq!(gathering, before);
    // Instead of it: the whole is wrong, and begins anew.
    let mut gathering = Gathering::default();
    gathering.add(&lie(1)).unwrap();
    for sequence in 2..count {
        gathering.add(&frame(&frames, sequence)).unwrap();
    }
    assert_eq!(gathering.add(&frame(&frames, count)), Err(FrameError::Damaged));
    assert_eq!(gathering, Gathering::default());
}

#[test]
fn numbers_out_of_bounds_are_refused_at_once() {
    let refused = |sequence, count, length, bytes: usize| {
        let mut gathering = Gathering::default();
        let error = gathering.add(&written(sequence, count, length, 0, &vec![0; bytes])).unwrap_err();
        assert_eq!(gathering, Gathering::default());
        error
    };
    assert_eq!(refused(1, u32::MAX, u32::MAX, 1), FrameError::TooLong);
    assert_eq!(refused(1, MOST_FRAGMENTS as u32 + 1, MOST_FRAGMENTS as u32 + 1, 1), FrameError::TooLong);
    assert_eq!(refused(1, 1000, 2_000_000, 2000), FrameError::TooLong);
    assert_eq!(refused(0, 2, 20, 10), FrameError::Numbers);
    assert_eq!(refused(1, 0, 0, 10), FrameError::Numbers);
    assert_eq!(refused(1, 3, 20, 10), FrameError::Numbers);
    assert_eq!(refused(1, 2, 20, 0), FrameError::Numbers);
    let mut gathering = Gathering::default();
    let text = written(1, 2, 20, 0, &[0; 10]).replace("/1-2/", "/2-2/");
    assert_eq!(gathering.add(&text), Err(FrameError::Numbers));
    assert_eq!(Frames::new(&[0], 0), Err(FrameError::Fragment(0)));
    assert_eq!(Frames::new(&[0], 3000), Err(FrameError::Fragment(3000)));
    assert_eq!(Frames::new(&noise(MOST_BYTES + 1, 1), FRAGMENT), Err(FrameError::TooLong));
    assert_eq!(Frames::new(&noise(10_000, 1), 1), Err(FrameError::TooLong));
}

#[test]
fn a_small_message_that_would_fill_the_memory_is_refused() {
    let bomb = miniz_oxide::deflate::compress_to_vec(&vec![0; MOST_BYTES + 1], 9);
    let packed = [&[1], bomb.as_slice()].concat();
    let bytes: &ByteSlice = packed.as_slice().into();
    for (carried, error) in [
        (minicbor::to_vec(bytes).unwrap(), FrameError::TooLong),
        (b"no CBOR at all".to_vec(), FrameError::Format),
        (vec![0x41, 2], FrameError::Format),
        (vec![0x40], FrameError::Format),
    ] {
        let mut encoder = ur::Encoder::bytes(&carried, 2000).unwrap();
        let mut gathering = Gathering::default();
        assert_eq!(gathering.add(&encoder.next_part().unwrap()), Err(error));
        assert_eq!(gathering, Gathering::default());
    }
}

/// As many fragments as there may be, and only mixtures of them: what costs most.
#[test]
fn as_many_fragments_as_there_may_be_are_put_together() {
    let message = noise(4000 * 8, 1);
    let frames = Frames::new(&message, 8).unwrap();
    assert!(frames.fragments() > 4000);
    assert_eq!(carried(&frames, 10_000, 1).0, message);
}
