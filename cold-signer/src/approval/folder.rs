//! The folder in which statements lie, and approvals and rejections are handed in. Nothing that counts is believed
//! because it is there: who may write into it can at most reject.
//!
//! | file | what it is |
//! | --- | --- |
//! | `ID.pending.txt` | the statement, written by the signer |
//! | `ID.NAME.approved` | an approval: an SSH signature of the statement, or the file of a user of this host |
//! | `ID.rejected` | a rejection: its reason |

use super::statement::MAX_STATEMENT;
use crate::disk::{Disk, open_regular};
use std::collections::HashSet;
use std::fs::{self, Metadata, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use stegos_common::text::excerpt;

/// How the name of a statement ends.
const PENDING: &str = ".pending.txt";

/// How the name of an approval ends.
const APPROVED: &str = ".approved";

/// How the name of a rejection ends.
const REJECTED: &str = ".rejected";

/// No file is longer, in bytes: a statement, and some words.
const MAX_LENGTH: u64 = MAX_STATEMENT as u64 + 1024;

/// So many approvals of one request are read.
pub(crate) const MAX_HANDED: usize = 100;

/// So many names are tried for an approval: somebody else may have taken the first.
const MAX_NAMES: usize = 9;

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
    /// Whose it is: the number of a user.
    pub owner: u32,
    /// Whether nobody else could have written it: no other user may, and it lies on the folder's own file system,
    /// which knows whose it is.
    pub by_owner: bool,
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

    /// When something was put there or taken away last.
    #[must_use]
    pub fn changed(&self) -> Option<SystemTime> {
        self.metadata().and_then(|found| found.modified()).ok()
    }

    /// Puts a statement there, unless it is there. The folder is made if it is missing, for its owner only.
    ///
    /// # Errors
    /// What the system says; where the folder is somebody else's, or everybody may write into it.
    pub fn publish(&self, id: &str, statement: &str) -> io::Result<()> {
        match fs::DirBuilder::new().mode(0o700).create(&self.path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let found = self.metadata()?;
        if found.uid() != rustix::process::geteuid().as_raw() || found.mode() & 0o002 != 0 {
            let text = "it must belong to the signer's user, and not everybody may write into it";
            return Err(io::Error::other(text));
        }
        let path = self.statement_path(id);
        if self.read(&path).is_ok_and(|there| there.text == statement) {
            return Ok(());
        }
        self.disk.replace(&path, |file| write(file, statement))
    }

    /// The statement about a request, if its id is one.
    ///
    /// # Errors
    /// What the system says; where somebody else than the signer wrote it.
    pub fn statement(&self, text: &str) -> io::Result<String> {
        let id = id(text).ok_or(ErrorKind::NotFound)?;
        let handed = self.read(&self.statement_path(id))?;
        if handed.owner != self.metadata()?.uid() {
            return Err(io::Error::other(format!("{id}{PENDING} was not written by the signer")));
        }
        Ok(handed.text)
    }

    /// Hands in an approval under a name, or a similar one where that is taken.
    ///
    /// # Errors
    /// What the system says.
    pub fn approve(&self, id: &str, name: &str, text: &str) -> io::Result<PathBuf> {
        let mut taken = Err(io::Error::from(ErrorKind::AlreadyExists));
        for number in 1..=MAX_NAMES {
            let number = if number == 1 { String::new() } else { format!("-{number}") };
            taken = self.hand_in(&format!("{id}.{name}{number}{APPROVED}"), text);
            match &taken {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                _ => break,
            }
        }
        taken
    }

    /// Hands in a rejection. One that is there already is not replaced.
    ///
    /// # Errors
    /// What the system says.
    pub fn reject(&self, id: &str, reason: &str) -> io::Result<PathBuf> {
        self.hand_in(&format!("{id}{REJECTED}"), reason)
    }

    /// The names of approvals of a request that were handed in, and whether there are more than are read.
    ///
    /// # Errors
    /// What the system says of the folder.
    pub fn approvals(&self, id: &str) -> io::Result<(Vec<String>, bool)> {
        let mut names = self.names(|name| {
            let name = name.strip_prefix(id).and_then(|name| name.strip_suffix(APPROVED));
            name.is_some_and(|name| name.starts_with('.'))
        })?;
        let more = names.len() > MAX_HANDED;
        names.truncate(MAX_HANDED);
        Ok((names, more))
    }

    /// An approval that was handed in.
    ///
    /// # Errors
    /// What the system says.
    pub fn approval(&self, name: &str) -> io::Result<Handed> {
        self.read(&self.path.join(name))
    }

    /// Who rejects a request, by the number of the user, and why. That it is there is enough: it need not be readable.
    ///
    /// # Errors
    /// What the system says of the folder.
    pub fn rejection(&self, id: &str) -> io::Result<Option<(u32, String)>> {
        let path = self.path.join(format!("{id}{REJECTED}"));
        match path.symlink_metadata() {
            Ok(found) => {
                let handed = self.read(&path).map(|handed| excerpt(handed.text.trim()));
                Ok(Some((found.uid(), handed.unwrap_or_else(|error| format!("no reason to read: {error}")))))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The ids of all requests with a statement, in order.
    ///
    /// # Errors
    /// What the system says, also where there is no folder.
    pub fn ids(&self) -> io::Result<Vec<String>> {
        self.metadata()?;
        let names = self.names(|name| name.strip_suffix(PENDING).and_then(id).is_some())?;
        Ok(names.iter().filter_map(|name| name.strip_suffix(PENDING).map(str::to_owned)).collect())
    }

    /// Removes what is about these ids. Nothing counts that is left behind, so what cannot be removed is left.
    pub fn remove(&self, ids: &[String]) {
        let ids: HashSet<&str> = ids.iter().map(String::as_str).collect();
        if ids.is_empty() {
            return;
        }
        let is_about = |name: &str| {
            let ours = [PENDING, APPROVED, REJECTED].iter().any(|end| name.ends_with(end));
            ours && name.split('.').next().is_some_and(|id| ids.contains(id))
        };
        for name in self.names(is_about).unwrap_or_default() {
            let _ = self.disk.remove(&self.path.join(name));
        }
    }

    fn statement_path(&self, id: &str) -> PathBuf {
        self.path.join(format!("{id}{PENDING}"))
    }

    fn metadata(&self) -> io::Result<Metadata> {
        fs::metadata(&self.path)
    }

    fn hand_in(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        self.disk.write_new(&path, |file| write(file, text)).map(|()| path)
    }

    /// The names that are wanted, in order; none where there is no folder.
    fn names(&self, wanted: impl Fn(&str) -> bool) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut names = Vec::new();
        for entry in entries {
            names.extend(entry?.file_name().into_string().ok().filter(|name| wanted(name)));
        }
        names.sort_unstable();
        Ok(names)
    }

    fn read(&self, path: &Path) -> io::Result<Handed> {
        let file = open_regular(path)?;
        let found = file.metadata()?;
        let by_owner = found.mode() & 0o022 == 0 && found.dev() == self.metadata()?.dev();
        let mut text = String::new();
        if file.take(MAX_LENGTH + 1).read_to_string(&mut text)? as u64 > MAX_LENGTH {
            return Err(io::Error::other(format!("it is longer than {MAX_LENGTH} bytes")));
        }
        Ok(Handed { owner: found.uid(), by_owner, text })
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
