//! Requests that come through a camera, and answers for one: `sign --qr`.
//!
//! No camera is driven here: another program writes pictures, into a folder or a pipe. They are read before the key
//! store is opened and before the passphrase is asked, so whatever a picture does to its reader, no secret is there yet; and
//! they are looked through in processes of their own, where none ever will be. Only a stream is cut into its pictures here.

pub(super) mod finder;
mod picture;
pub(super) mod screen;

use super::say;
use crate::disk::open_regular;
use crate::error::Error;
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, BufRead, BufReader, Read, stdin};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;
use stegos_common::qr::{FrameError, Gathering, Progress};
use stegos_common::spool::Version;
use zeroize::Zeroizing;

/// What stands for standard input.
const STREAM: &str = "-";
/// How often the folder is looked at.
const PACE: Duration = Duration::from_millis(200);
/// The most pictures of a folder: an hour of thirty a second.
const MOST_PICTURES: usize = 108_000;

/// Reads a text of at most `limit` bytes from the pictures of `source`: a folder, which is watched until the message is
/// complete, or with `once` is read as it is; or `-`, a stream on standard input.
///
/// # Errors
/// [`Error::PicturesEnded`] where frames are lacking; [`Error::Picture`] for what reads no further.
pub(super) fn read(source: &Path, once: bool, limit: usize) -> Result<Zeroizing<String>, Error> {
    let mut camera = Camera::new();
    if source == Path::new(STREAM) {
        camera.read_stream(&mut BufReader::new(stdin().lock()))?;
    } else {
        camera.read_folder(source, once)?;
    }
    camera.text(source, limit)
}

/// What the pictures so far have said.
struct Camera {
    gathering: Gathering,
    bar: ProgressBar,
    /// What was wrong with frames, each said once.
    said: BTreeSet<String>,
}

impl Camera {
    fn new() -> Self {
        let template = "{bar:40} {pos} of {len} frames, {percent} %";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        Self {
            gathering: Gathering::default(),
            bar: ProgressBar::no_length().with_style(style),
            said: BTreeSet::new(),
        }
    }

    fn read_stream(&mut self, stream: &mut impl BufRead) -> Result<(), Error> {
        let source = Path::new(STREAM);
        let failed = |reason| Error::Picture { path: source.to_owned(), reason };
        while let Some(file) = picture::next(stream).map_err(failed)? {
            if self.look(source, &file)? {
                return Ok(());
            }
        }
        self.ended()
    }

    fn read_folder(&mut self, folder: &Path, once: bool) -> Result<(), Error> {
        // A picture that is being written is read again when it has changed.
        let mut read: BTreeMap<String, Version> = BTreeMap::new();
        loop {
            for (name, version) in pictures(folder)? {
                if read.get(&name) == Some(&version) {
                    continue;
                }
                let path = folder.join(&name);
                match read_file(&path) {
                    Ok(file) => {
                        if self.look(&path, &file)? {
                            return Ok(());
                        }
                    }
                    Err(source) => self.say_once(Error::File { path, source }.to_string()),
                }
                read.insert(name, version);
            }
            if once {
                return self.ended();
            }
            sleep(PACE);
        }
    }

    /// Looks through the file of a picture. Answers whether the message is complete.
    fn look(&mut self, path: &Path, file: &[u8]) -> Result<bool, Error> {
        let failed = |error| Error::Picture {
            path: path.to_owned(),
            reason: format!("codes cannot be looked for: {error}"),
        };
        let codes = finder::codes(file).map_err(failed)?;
        if codes.is_none() {
            let path = path.display();
            self.say_once(format!(
                "{path}: this picture is more than can be looked through, and is left out"
            ));
        }
        Ok(self.take(codes.unwrap_or_default()))
    }

    /// Takes the texts of a picture. Answers whether the message is complete.
    fn take(&mut self, codes: Vec<String>) -> bool {
        for code in codes {
            match self.gathering.add(&code) {
                Ok(Progress { gathered, needed }) => {
                    self.bar.set_length(needed.into());
                    self.bar.set_position(gathered.into());
                }
                // Something else that hangs on the wall.
                Err(FrameError::NotAFrame) => {}
                Err(error) => self.say_once(error.to_string()),
            }
        }
        self.gathering.message().is_some()
    }

    fn say_once(&mut self, text: String) {
        if !self.said.contains(&text) {
            self.bar.suspend(|| say(&text));
            self.said.insert(text);
        }
    }

    fn ended(&self) -> Result<(), Error> {
        self.bar.finish_and_clear();
        Err(Error::PicturesEnded(self.gathering.progress()))
    }

    /// The message, which is a text.
    fn text(self, source: &Path, limit: usize) -> Result<Zeroizing<String>, Error> {
        self.bar.finish_and_clear();
        let Some(message) = self.gathering.message() else {
            return Err(Error::PicturesEnded(self.gathering.progress()));
        };
        if message.len() > limit {
            return Err(Error::TooLarge { path: source.to_owned(), limit });
        }
        let failed =
            |_| Error::Picture { path: source.to_owned(), reason: "the message is no text".to_owned() };
        let text = std::str::from_utf8(message).map_err(failed)?;
        say(&format!("The request is complete: {} frames.", self.gathering.progress().needed));
        Ok(Zeroizing::new(text.to_owned()))
    }
}

/// The pictures of a folder, by name.
fn pictures(folder: &Path) -> Result<BTreeMap<String, Version>, Error> {
    let failed = |source| Error::File { path: folder.to_owned(), source };
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let Some(file) = entry.metadata().ok().filter(fs::Metadata::is_file) else { continue };
        if picture::is_named(&name) {
            found.insert(name, Version { length: file.len(), written: file.modified().ok() });
        }
        if found.len() > MOST_PICTURES {
            return Err(Error::TooManyPictures { path: folder.to_owned(), most: MOST_PICTURES });
        }
    }
    Ok(found)
}

/// As much of a file as a picture may have.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_regular(path)?.take(picture::MOST_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}
