//! Pictures with QR codes in them, which anybody may have made, and pictures of QR codes.

use image::codecs::pnm::PnmDecoder;
use image::imageops::{FilterType, resize};
use image::{DynamicImage, GrayImage, ImageDecoder, ImageFormat, ImageReader, ImageResult, Limits, Luma};
use qrcode::{EcLevel, QrCode};
use rqrr::PreparedImage;
use std::io::{self, BufRead, Cursor, Read};

/// The most bytes of a file that are read.
pub(super) const MOST_BYTES: u64 = 32 << 20;
/// The most pixels of a side.
const MOST_SIDE: u32 = 4096;
/// The most memory that a decoder may take, in bytes: four such sides in colour, twice.
const MOST_MEMORY: u64 = 256 << 20;
/// How names of pictures end.
const ENDS: [&str; 6] = [".png", ".jpg", ".jpeg", ".pgm", ".ppm", ".pnm"];
/// The pixels of a module in a picture that is written, and the modules of the margin: the standard asks for four.
const MODULE: u32 = 6;
/// See [`MODULE`].
const MARGIN: u32 = 4;

/// Whether this is the name of a picture.
pub(super) fn is_named(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ENDS.iter().any(|end| name.ends_with(end))
}

/// Reads a PNG, JPEG or PNM file.
fn decode(file: &[u8]) -> ImageResult<GrayImage> {
    let mut reader = ImageReader::new(Cursor::new(file)).with_guessed_format()?;
    reader.limits(limits());
    Ok(reader.decode()?.into_luma8())
}

/// Reads the next PNM picture of a stream, and answers it as a file; `None` at its end.
///
/// # Errors
/// What is wrong with the picture. Where the one after it begins cannot be told.
pub(super) fn next(stream: &mut impl BufRead) -> Result<Option<Vec<u8>>, String> {
    if stream.fill_buf().map_err(|error| error.to_string())?.is_empty() {
        return Ok(None);
    }
    let mut read = || {
        let mut decoder = PnmDecoder::new(stream.by_ref().take(MOST_BYTES))?;
        decoder.set_limits(limits())?;
        DynamicImage::from_decoder(decoder)
    };
    match read().and_then(|picture| file(&picture.into_luma8())) {
        Ok(file) => Ok(Some(file)),
        // Whoever stops a camera does so in the middle of a picture.
        Err(image::ImageError::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MOST_SIDE);
    limits.max_image_height = Some(MOST_SIDE);
    limits.max_alloc = Some(MOST_MEMORY);
    limits
}

/// The texts of all codes in a PNG, JPEG or PNM file; none in what is no picture.
pub(super) fn codes(file: &[u8]) -> Vec<String> {
    decode(file).map_or_else(|_| Vec::new(), |picture| find(&picture))
}

/// A picture as a PNM file.
fn file(picture: &GrayImage) -> ImageResult<Vec<u8>> {
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, ImageFormat::Pnm)?;
    Ok(file.into_inner())
}

/// Looks for codes as the library does it, whose black is darker than what is around. Where there is none, the modules may
/// be small or noisy: then in a larger picture, whose black is darker than the middle, and last in both ways at once.
fn find(picture: &GrayImage) -> Vec<String> {
    let codes = in_black(picture, None);
    let [width, height] = [picture.width(), picture.height()].map(|side| side.saturating_mul(2));
    if !codes.is_empty() || width.max(height) > MOST_SIDE {
        return codes;
    }
    let larger = resize(picture, width, height, FilterType::Triangle);
    let codes = in_black(&larger, middle(&larger));
    if codes.is_empty() { in_black(&larger, None) } else { codes }
}

/// Half-way between the darkest and the brightest pixel.
fn middle(picture: &GrayImage) -> Option<u8> {
    let (darkest, brightest) = (picture.iter().min()?, picture.iter().max()?);
    Some(darkest.midpoint(*brightest))
}

/// The texts of the codes, where black is what is darker than a given brightness, or than its surroundings.
fn in_black(picture: &GrayImage, below: Option<u8>) -> Vec<String> {
    let [width, height] = [picture.width(), picture.height()].map(|side| usize::try_from(side).unwrap_or(0));
    let pixels = picture.as_raw();
    let pixel = |x: usize, y: usize| pixels.get(y * width + x).copied().unwrap_or(0);
    let mut prepared = match below {
        Some(below) => PreparedImage::prepare_from_bitmap(width, height, |x, y| pixel(x, y) < below),
        None => PreparedImage::prepare_from_greyscale(width, height, pixel),
    };
    prepared.detect_grids().into_iter().filter_map(|grid| Some(grid.decode().ok()?.1)).collect()
}

/// The QR code of a frame: error correction level L, as small as it can be.
pub(super) fn code(frame: &str) -> io::Result<QrCode> {
    QrCode::with_error_correction_level(frame, EcLevel::L).map_err(io::Error::other)
}

/// A PNG file of the QR code of a frame.
pub(super) fn encode(frame: &str) -> io::Result<Vec<u8>> {
    let code = code(frame)?;
    let (width, colours) = (code.width(), code.into_colors());
    let side = u32::try_from(width).unwrap_or(0);
    let picture = GrayImage::from_fn((side + 2 * MARGIN) * MODULE, (side + 2 * MARGIN) * MODULE, |x, y| {
        let module =
            |at: u32| usize::try_from((at / MODULE).checked_sub(MARGIN)?).ok().filter(|at| *at < width);
        let colour = module(x).zip(module(y)).and_then(|(x, y)| colours.get(y * width + x));
        Luma([colour.map_or(u8::MAX, |colour| colour.select(0, u8::MAX))])
    });
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, ImageFormat::Png).map_err(io::Error::other)?;
    Ok(file.into_inner())
}
