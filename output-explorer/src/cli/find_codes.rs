//! `find-codes`: the process that looks for QR codes in one picture of a camera.

use crate::codes::{self, LONGEST_SIDE};
use crate::error::Error;
use clap::Args;

/// Look for QR codes in a picture on standard input; `run` starts this by itself, one process for each picture
#[derive(Args)]
#[command(name = codes::COMMAND, hide = true)]
pub(super) struct FindCodes {
    /// Points of a row
    #[arg(value_parser = side)]
    width: usize,
    /// Rows
    #[arg(value_parser = side)]
    height: usize,
}

fn side(text: &str) -> Result<usize, String> {
    let side = text.parse().ok().filter(|side| (1..=LONGEST_SIDE).contains(side));
    side.ok_or_else(|| format!("a picture's side has 1 to {LONGEST_SIDE} points"))
}

impl FindCodes {
    pub(super) fn run(self) -> Result<(), Error> {
        codes::answer(self.width, self.height).map_err(Error::Output)
    }
}
