//! `find-codes`: QR codes are looked for in a process of its own, one for each picture.
//!
//! Anybody may have made a picture. The search tries all of what look like three corners of a code, so one made of corners has
//! no end and takes all memory, and decoders of pictures are much code. That process opens no file and reaches nothing, and the
//! system ends it; nothing is lost then.

use super::picture;
use crate::error::Error;
use crate::process::{Needs, protect};
use clap::Args;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{self, Read, Write, stdin, stdout};
use std::process::{Command, Stdio};

/// The command of such a process.
const COMMAND: &str = "find-codes";
/// So many seconds of a processor may one picture take. An honest one takes less than one.
const SECONDS: u64 = 5;
/// So many bytes of memory may it take, the program among them.
const MEMORY: u64 = 2 << 30;
/// What Rust's runtime ends a process with that panicked.
const PANICKED: i32 = 101;

/// The texts of all codes in a PNG, JPEG or PNM file; none in what is no picture. `None` where it is more than can be looked
/// through.
///
/// # Errors
/// The process could not be started or heard.
pub(super) fn codes(file: &[u8]) -> io::Result<Option<Vec<String>>> {
    // What runs, even if the file of that name is of another version by now.
    let mut command = Command::new("/proc/self/exe");
    command.arg(COMMAND).env_clear();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut process = command.spawn()?;
    // It ends before it has read everything where it cannot be limited, for one. Its status tells.
    let _ = process.stdin.take().map(|mut input| input.write_all(file));
    let output = process.wait_with_output()?;
    match output.status.code() {
        Some(0) => Ok(Some(serde_json::from_slice(&output.stdout)?)),
        None | Some(PANICKED) => Ok(None),
        Some(_) => Err(io::Error::other(output.status.to_string())),
    }
}

/// Look for QR codes in a picture on standard input; `sign --qr` starts this by itself, one process for each picture
#[derive(Args)]
#[command(name = COMMAND, hide = true)]
pub(in crate::cli) struct FindCodes {}

impl FindCodes {
    pub(in crate::cli) fn run(self) -> Result<(), Error> {
        find().map_err(Error::Output)
    }
}

fn find() -> io::Result<()> {
    for (resource, most) in [(Resource::Cpu, SECONDS), (Resource::As, MEMORY)] {
        // What is less already cannot be raised.
        let most = getrlimit(resource).maximum.map_or(most, |maximum| most.min(maximum));
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    // Whatever of it does not hold here: a picture is looked through all the same, as it would be without.
    let _gaps = protect(&Needs::default());
    let mut file = Vec::new();
    stdin().lock().take(picture::MOST_BYTES).read_to_end(&mut file)?;
    stdout().lock().write_all(&serde_json::to_vec(&picture::codes(&file))?)
}
