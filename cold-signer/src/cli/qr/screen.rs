//! An animated QR code for the camera of the other host: on the terminal, or in pictures.

use super::picture;
use crate::error::Error;
use qrcode::render::unicode::Dense1x2;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::tcgetwinsize;
use std::fs::{DirBuilder, File};
use std::io::{self, BufRead, BufReader, Write};
use std::num::NonZeroU32;
use std::path::Path;
use stegos_common::qr::Frames;

/// How long a frame stands: five in a second. A camera takes thirty, a reader needs one good picture of each.
const PACE: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
/// Black on white, whatever the theme of the terminal makes of its first sixteen colours.
const BLACK_ON_WHITE: &str = "\x1b[38;5;16;48;5;231m";
/// The colours of the terminal again, and nothing more on this line.
const PLAIN: &str = "\x1b[0m\x1b[K";
/// Nothing on the screen, and the first place of it.
const CLEAR: &str = "\x1b[2J\x1b[H";
/// The first place of the screen.
const HOME: &str = "\x1b[H";
/// Nothing more below.
const NOTHING_BELOW: &str = "\x1b[J";
/// How many rounds of frames are written as pictures: whoever reads them may lose a third.
const ROUNDS: u32 = 3;
/// How many frames are written besides. Where a message has few fragments, a few frames may by chance all lack the same one.
const SPARE: u32 = 10;

/// The terminal of the person who signs, which need not be standard input and output.
pub(in crate::cli) struct Terminal(File);

impl Terminal {
    /// Opens it: before the process gives up opening things.
    pub(in crate::cli) fn open() -> Result<Self, Error> {
        File::options().read(true).write(true).open("/dev/tty").map(Self).map_err(Error::NoScreen)
    }

    /// Asks a person, who must type one word.
    pub(in crate::cli) fn is_typed(&mut self, question: &str, word: &str) -> io::Result<bool> {
        write!(self.0, "{question}")?;
        let mut answer = String::new();
        // A terminal gives one line at a time: nothing that is typed later is swallowed.
        BufReader::new(&self.0).read_line(&mut answer)?;
        Ok(answer.trim() == word)
    }

    /// Shows one frame after another until Enter is pressed.
    pub(in crate::cli) fn show(&mut self, frames: &Frames) -> io::Result<()> {
        self.0.write_all(CLEAR.as_bytes())?;
        for sequence in (1..).map_while(NonZeroU32::new) {
            let code = picture::code(&frames.frame(sequence))?.render::<Dense1x2>().build();
            let (drawn, round) = (self.drawn(&code)?, frames.fragments());
            // Over the frame before: nothing flickers.
            let below = format!("Frame {sequence}, {round} in a round. Enter ends it.{PLAIN}");
            self.0.write_all(format!("{HOME}{drawn}{below}{NOTHING_BELOW}").as_bytes())?;
            if self.is_pressed()? {
                break;
            }
        }
        self.0.write_all(format!("{PLAIN}{CLEAR}").as_bytes())
    }

    /// The lines of a code; where they and the one below them find no room, how much they need.
    fn drawn(&self, code: &str) -> io::Result<String> {
        let size = tcgetwinsize(&self.0)?;
        let (columns, lines) = (usize::from(size.ws_col), usize::from(size.ws_row));
        let width = code.lines().next().map_or(0, |line| line.chars().count());
        let height = code.lines().count() + 1;
        if columns < width || lines < height {
            return Ok(format!(
                "The QR code needs a terminal of {width} columns and {height} lines; this one has {columns} and {lines}.{PLAIN}\n\
                 Make it larger, or its letters smaller.{PLAIN}\n"
            ));
        }
        Ok(code.lines().map(|line| format!("{BLACK_ON_WHITE}{line}{PLAIN}\n")).collect())
    }

    /// Waits as long as a frame stands. Answers whether Enter was pressed, or the terminal is gone.
    fn is_pressed(&mut self) -> io::Result<bool> {
        let pressed = poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&PACE))? > 0;
        if pressed {
            BufReader::new(&self.0).read_line(&mut String::new())?;
        }
        Ok(pressed)
    }
}

impl Write for Terminal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Writes the frames as pictures into a new folder.
pub(in crate::cli) fn write(folder: &Path, frames: &Frames) -> io::Result<()> {
    DirBuilder::new().create(folder)?;
    let last = frames.fragments().saturating_mul(ROUNDS).saturating_add(SPARE);
    for sequence in (1..=last).filter_map(NonZeroU32::new) {
        let path = folder.join(format!("frame-{sequence:05}.png"));
        File::create_new(path)?.write_all(&picture::encode(&frames.frame(sequence))?)?;
    }
    Ok(())
}
