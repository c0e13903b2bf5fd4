//! What stands between a screen with an animated QR code and a program that reads pictures: a camera that misses some.
// The sides of pictures are small numbers.
#![allow(clippy::cast_possible_truncation)]

use image::{DynamicImage, GrayImage, ImageFormat, Luma, RgbImage};
use qrcode::{EcLevel, QrCode};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use rqrr::PreparedImage;
use std::fs;
use std::io::Cursor;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use stegos_common::qr::{FRAGMENT, Frames, Gathering};

/// Pixels of a module: what a webcam of 640×480 has.
const MODULE: u32 = 5;
/// Modules around a code.
const MARGIN: u32 = 4;

/// What a camera saw of a screen that showed three rounds of a message and some frames more: 30 % is missing, some is there
/// twice, and all of it out of order. With two rounds one message of ten to twenty fragments in ten is not complete.
#[must_use]
pub fn seen(message: &[u8], seed: u64) -> Vec<GrayImage> {
    let frames = Frames::new(message, FRAGMENT).unwrap_or_else(|error| panic!("{error}"));
    let shown: Vec<u32> = (1..=3 * frames.fragments() + 10).collect();
    let text = |sequence: u32| NonZeroU32::new(sequence).map(|sequence| frames.frame(sequence));
    some(shown, seed).into_iter().filter_map(text).map(|text| draw(&text, seed)).collect()
}

/// 70 % of these, some twice, shuffled.
#[must_use]
pub fn some<T: Clone>(all: Vec<T>, seed: u64) -> Vec<T> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut below = |bound: usize| rng.next_u64() as usize % bound;
    let (count, mut some) = (all.len(), all);
    while some.len() > count * 7 / 10 {
        some.swap_remove(below(some.len()));
    }
    for _ in 0..count / 10 {
        some.push(some[below(some.len())].clone());
    }
    for place in (1..some.len()).rev() {
        some.swap(place, below(place + 1));
    }
    some
}

/// A picture of a QR code as a camera takes it: grey on grey, with noise.
#[must_use]
pub fn draw(text: &str, seed: u64) -> GrayImage {
    let code =
        QrCode::with_error_correction_level(text, EcLevel::L).unwrap_or_else(|error| panic!("{error}"));
    let (width, colours) = (code.width(), code.into_colors());
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let side = (width as u32 + 2 * MARGIN) * MODULE;
    GrayImage::from_fn(side, side, |x, y| {
        let module =
            |at: u32| (at / MODULE).checked_sub(MARGIN).map(|at| at as usize).filter(|at| *at < width);
        let dark =
            module(x).zip(module(y)).is_some_and(|(x, y)| colours[y * width + x] == qrcode::Color::Dark);
        Luma([if dark { 40 } else { 200 } + rng.next_u32() as u8 % 30])
    })
}

/// A picture made to keep a program busy that looks for codes: corners of codes and nothing else.
#[must_use]
pub fn corners(side: u32) -> GrayImage {
    GrayImage::from_fn(side, side, |x, y| {
        let from_middle = (x % 8).abs_diff(3).max((y % 8).abs_diff(3));
        Luma([if matches!(from_middle, 0 | 1 | 3) { 0 } else { 127 }])
    })
}

/// The text of the QR code in a picture.
#[must_use]
pub fn read(picture: &GrayImage) -> Option<String> {
    let (width, height) = picture.dimensions();
    let pixel = |x: usize, y: usize| picture.get_pixel(x as u32, y as u32).0[0];
    let mut prepared = PreparedImage::prepare_from_greyscale(width as usize, height as usize, pixel);
    prepared.detect_grids().into_iter().find_map(|grid| Some(grid.decode().ok()?.1))
}

/// Writes pictures into a new folder, in this order by name, and of all kinds.
pub fn save(pictures: &[GrayImage], folder: &Path) {
    fs::create_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for (place, picture) in pictures.iter().enumerate() {
        let end = ["png", "jpg", "pgm", "ppm"][place % 4];
        let coloured: RgbImage = DynamicImage::from(picture.clone()).into_rgb8();
        let path = folder.join(format!("image-{place:05}.{end}"));
        let saved = if end == "ppm" { coloured.save(&path) } else { picture.save(&path) };
        saved.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

/// Pictures one after another, as a program writes them into a pipe.
#[must_use]
pub fn stream(pictures: &[GrayImage]) -> Vec<u8> {
    let mut stream = Vec::new();
    for picture in pictures {
        let mut one = Cursor::new(Vec::new());
        picture.write_to(&mut one, ImageFormat::Pnm).unwrap_or_else(|error| panic!("{error}"));
        stream.append(&mut one.into_inner());
    }
    stream
}

/// The pictures that were written into a folder, by name.
#[must_use]
pub fn pictures(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut pictures: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    pictures.sort();
    pictures
}

/// The message in the pictures of these files.
///
/// # Panics
/// Where they do not hold all of it.
#[must_use]
pub fn message(pictures: &[PathBuf]) -> Vec<u8> {
    let mut gathering = Gathering::default();
    for path in pictures {
        let picture = image::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let text = read(&picture.into_luma8()).unwrap_or_else(|| panic!("{}: no code", path.display()));
        gathering.add(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    let message = gathering.message().map(<[u8]>::to_vec);
    message.unwrap_or_else(|| panic!("{:?} of {} pictures", gathering.progress(), pictures.len()))
}
