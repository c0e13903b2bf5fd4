//! QR codes in pictures that anybody may have made.
//!
//! The search tries all of what look like three corners of a code, so one made of corners has no end and takes all memory. A
//! thread cannot be stopped. So each picture is looked through in a process of its own, which the system ends.

use rqrr::PreparedImage;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs;
use std::io::{self, Read, Write};
use std::process::{Command, Stdio};
use thiserror::Error;

/// The longest side of a picture, in points.
pub(crate) const LONGEST_SIDE: usize = 1280;

/// The command of such a process.
pub(crate) const COMMAND: &str = "find-codes";

/// So many seconds of a processor may one picture take. An honest one takes some hundredths.
const SECONDS: u64 = 3;

/// So many bytes of memory may it take, the program among them.
const MEMORY: u64 = 2 << 30;

/// What Rust's runtime ends a process with that panicked.
const PANICKED: i32 = 101;

/// Why nobody knows what is in a picture.
#[derive(Debug, Error)]
pub(crate) enum CodesError {
    /// It is made to keep whoever looks for codes busy, or to make them stumble.
    #[error("this picture is more than can be looked through: show nothing but the code")]
    Endless,
    /// The process could not be started or heard.
    #[error("codes cannot be looked for: {0}")]
    Process(#[from] io::Error),
}

/// The texts of all codes in a picture: one byte for each point, row by row, 0 for black.
pub(crate) fn find(width: usize, height: usize, picture: &[u8]) -> Result<Vec<String>, CodesError> {
    // What runs, even if the file of that name is of another version by now.
    let mut command = Command::new("/proc/self/exe");
    command.args([COMMAND, &width.to_string(), &height.to_string()]).env_clear();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut process = command.spawn()?;
    // It ends before it has read everything where it cannot be limited, for one. Its status tells.
    let _ = process.stdin.take().map(|mut input| input.write_all(picture));
    let output = process.wait_with_output()?;
    match output.status.code() {
        Some(0) => serde_json::from_slice(&output.stdout).map_err(|error| CodesError::Process(error.into())),
        // Ended by the system, or by the library over a picture that it did not expect.
        None | Some(PANICKED) => Err(CodesError::Endless),
        Some(_) => Err(CodesError::Process(io::Error::other(output.status.to_string()))),
    }
}

/// What that process does: reads the picture, writes the texts as a JSON array.
pub(crate) fn answer(width: usize, height: usize) -> io::Result<()> {
    limit(Resource::Core, 0)?;
    limit(Resource::Cpu, SECONDS)?;
    limit(Resource::As, MEMORY)?;
    // Where memory runs short, this is what goes, and not the explorer. Where that cannot be said, it is as it was.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    let mut picture = vec![u8::MAX; width * height];
    io::stdin().lock().read_exact(&mut picture)?;
    let point = |x: usize, y: usize| picture.get(y * width + x).copied().unwrap_or(u8::MAX);
    let mut prepared = PreparedImage::prepare_from_greyscale(width, height, point);
    let codes = prepared.detect_grids().into_iter().filter_map(|grid| Some(grid.decode().ok()?.1));
    let texts = serde_json::to_vec(&codes.collect::<Vec<String>>())?;
    io::stdout().lock().write_all(&texts)
}

fn limit(resource: Resource, most: u64) -> io::Result<()> {
    // What is less already cannot be raised.
    let most = getrlimit(resource).maximum.map_or(most, |maximum| most.min(maximum));
    Ok(setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?)
}
