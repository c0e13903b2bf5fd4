//! The folder in which statements lie, and approvals and rejections are handed in. Nothing that counts is believed
//! because it is there: who may write into it can at most reject.
//!
//! | file | what it is |
//! | --- | --- |
//! | `ID.pending.txt` | the statement, written by the signer |
//! | `ID.NAME.approved` | an approval: an SSH signature of the statement, or the file of a user of this host |
//! | `ID.rejected` | a rejection: its reason |

use crate::disk::{Disk, open_regular};
use std::fs::{self, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How the name of a statement ends.
const PENDING: &str = ".pending.txt";

/// How the name of an approval ends.
const APPROVED: &str = ".approved";

/// How the name of a rejection ends.
const REJECTED: &str = ".rejected";

/// No file is longer, in bytes: a statement and a word.
const MAX_LENGTH: u64 = 256 << 10;

/// So many files about one request are read.
const MAX_HANDED: usize = 1000;

/// Others read them too: the folder's own mode says who.
const MODE: u32 = 0o644;

/// A folder.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
    disk: Disk,
}

/// A file that was handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handed {
    /// Its name.
    pub name: String,
    /// Whose it is: the number of a user.
    pub owner: u32,
    /// What it says.
    pub text: String,
}

impl Folder {
    /// The folder at a path.
    #[must_use]
    pub const fn new(path: PathBuf, disk: Disk) -> Self {
        Self { path, disk }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the statement about a request is.
    #[must_use]
    pub fn statement_path(&self, id: &str) -> PathBuf {
        self.path.join(format!("{id}{PENDING}"))
    }

    /// When something was put there or taken away last.
    #[must_use]
    pub fn changed(&self) -> Option<SystemTime> {
        fs::metadata(&self.path).and_then(|found| found.modified()).ok()
    }

    /// Puts a statement there, unless it is there. The folder is made if it is missing, for its owner only.
    ///
    /// # Errors
    /// What the system says.
    pub fn publish(&self, id: &str, statement: &str) -> io::Result<()> {
        match fs::DirBuilder::new().mode(0o700).create(&self.path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let path = self.statement_path(id);
        if self.read(&path).is_ok_and(|there| there.text == statement) {
            return Ok(());
        }
        self.disk.replace(&path, |file| write(file, statement))
    }

    /// Hands in an approval under a name. One that is there already is not replaced. Answers where, and what the system
    /// said.
    pub fn approve(&self, id: &str, name: &str, text: &str) -> (PathBuf, io::Result<()>) {
        self.hand_in(format!("{id}.{name}{APPROVED}"), text)
    }

    /// Hands in a rejection. One that is there already is not replaced. Answers where, and what the system said.
    pub fn reject(&self, id: &str, reason: &str) -> (PathBuf, io::Result<()>) {
        self.hand_in(format!("{id}{REJECTED}"), reason)
    }

    fn hand_in(&self, name: String, text: &str) -> (PathBuf, io::Result<()>) {
        let path = self.path.join(name);
        let written = self.disk.write_new(&path, |file| write(file, text));
        (path, written)
    }

    /// The statement about a request.
    ///
    /// # Errors
    /// What the system says.
    pub fn statement(&self, text: &str) -> io::Result<Handed> {
        let id = id(text).ok_or(ErrorKind::NotFound)?;
        self.read(&self.statement_path(id))
    }

    /// The approvals of a request that were handed in, and those that cannot be read.
    ///
    /// # Errors
    /// What the system says of the folder.
    pub fn approvals(&self, id: &str) -> io::Result<Vec<(String, io::Result<Handed>)>> {
        let is_one = |name: &str| {
            let name = name.strip_prefix(id).and_then(|name| name.strip_suffix(APPROVED));
            name.is_some_and(|name| name.starts_with('.'))
        };
        let names = self.names()?.into_iter().filter(|name| is_one(name)).take(MAX_HANDED);
        Ok(names.map(|name| (name.clone(), self.read(&self.path.join(name)))).collect())
    }

    /// The rejection of a request that was handed in.
    ///
    /// # Errors
    /// What the system says.
    pub fn rejection(&self, id: &str) -> io::Result<Option<Handed>> {
        match self.read(&self.path.join(format!("{id}{REJECTED}"))) {
            Ok(handed) => Ok(Some(handed)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The ids of all requests with a statement, in order.
    ///
    /// # Errors
    /// What the system says.
    pub fn ids(&self) -> io::Result<Vec<String>> {
        let names = self.names()?;
        let mut ids: Vec<String> =
            names.iter().filter_map(|name| Some(id(name.strip_suffix(PENDING)?)?.to_owned())).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// Removes what is about requests that do not wait any more. Nothing counts that is left behind, so what cannot be
    /// removed is left.
    pub fn tidy(&self, waits: impl Fn(&str) -> bool) {
        for name in self.names().unwrap_or_default() {
            let ours = [PENDING, APPROVED, REJECTED].iter().any(|end| name.ends_with(end));
            let about = name.split('.').next().and_then(id).filter(|_| ours);
            if about.is_some_and(|about| !waits(about)) {
                let _ = self.disk.remove(&self.path.join(name));
            }
        }
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut names = Vec::new();
        for entry in entries {
            names.extend(entry?.file_name().into_string());
        }
        names.sort_unstable();
        Ok(names)
    }

    fn read(&self, path: &Path) -> io::Result<Handed> {
        let file = open_regular(path)?;
        let owner = file.metadata()?.uid();
        let mut text = String::new();
        if file.take(MAX_LENGTH + 1).read_to_string(&mut text)? as u64 > MAX_LENGTH {
            return Err(io::Error::other(format!("it is longer than {MAX_LENGTH} bytes")));
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Handed { name, owner, text })
    }
}

/// An id, if it is one.
fn id(text: &str) -> Option<&str> {
    let is_digit = |it: char| it.is_ascii_digit() || ('a'..='f').contains(&it);
    (text.len() == 8 && text.chars().all(is_digit)).then_some(text)
}

fn write(file: &mut tempfile::NamedTempFile, text: &str) -> io::Result<()> {
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(Permissions::from_mode(MODE))
}
