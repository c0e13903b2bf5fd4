//! The folder in which statements lie, and approvals and rejections are handed in. Nothing that counts is believed
//! because it is there: who may write into it can at most reject.
//!
//! | file | what it is |
//! | --- | --- |
//! | `ID.pending.txt` | the statement, written by the signer |
//! | `ID.NAME.approved` | an approval: an SSH signature of the statement |
//! | `NAME/ID.approved` | an approval of the user of this host to whom the folder `NAME` belongs |
//! | `ID.rejected` | a rejection: its reason |
//!
//! Whose a file is proves little where others can put files: they could have given a name to one that its owner made
//! elsewhere. Into a folder that only its owner can write, and that nobody else can move, only he puts something.

use super::statement::MAX_STATEMENT;
use crate::disk::{Disk, open_regular, open_regular_in};
use rustix::fs::{Mode, OFlags, open};
use std::collections::HashSet;
use std::fs::{self, File, Metadata, Permissions};
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

/// So many names in the folder are looked at.
const MAX_ENTRIES: usize = 100_000;

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
    /// Who put it there, where nobody else could have: the number of a user.
    pub by: Option<u32>,
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
        // Users have folders of their own.
        let own = self.names(|name| !name.contains('.')).unwrap_or_default();
        let folders = own
            .iter()
            .take(MAX_HANDED)
            .map(|name| self.path.join(name).symlink_metadata())
            .chain([self.metadata()]);
        folders.filter_map(|found| found.and_then(|found| found.modified()).ok()).max()
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
        let there = path.symlink_metadata().is_ok_and(|there| there.uid() == found.uid());
        if there && self.read(&path).is_ok_and(|text| text == statement) {
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
        let path = self.statement_path(id);
        let text = self.read(&path)?;
        if path.symlink_metadata()?.uid() != self.metadata()?.uid() {
            return Err(io::Error::other(format!("{id}{PENDING} was not written by the signer")));
        }
        Ok(text)
    }

    /// Hands in a signature under a name, or a similar one where that is taken.
    ///
    /// # Errors
    /// What the system says.
    pub fn approve_by_signature(&self, id: &str, name: &str, text: &str) -> io::Result<PathBuf> {
        names(name, |name| self.hand_in(&format!("{id}.{name}{APPROVED}"), text))
    }

    /// Hands in the approval of the user of this process, in a folder of his own, which gets this name or a similar one.
    /// What lies there about requests that do not wait any more is taken away.
    ///
    /// # Errors
    /// What the system says.
    pub fn approve_as_user(&self, id: &str, name: &str, text: &str) -> io::Result<PathBuf> {
        names(name, |name| {
            let own = self.path.join(name);
            own_folder(&own)?;
            self.tidy_own(&own)?;
            let file = format!("{name}/{id}{APPROVED}");
            // Another name would say the same again.
            if self.path.join(&file).exists() { Ok(self.path.join(file)) } else { self.hand_in(&file, text) }
        })
    }

    /// Takes away approvals of requests that do not wait any more.
    fn tidy_own(&self, own: &Path) -> io::Result<()> {
        let waits = self.ids()?;
        for entry in fs::read_dir(own)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let about = name.strip_suffix(APPROVED).and_then(id);
            if about.is_some_and(|about| !waits.iter().any(|id| id == about)) {
                fs::remove_file(own.join(name))?;
            }
        }
        Ok(())
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
        let file = format!("{id}{APPROVED}");
        let mut found = self.names(|name| {
            let signature = name.strip_prefix(id).and_then(|name| name.strip_suffix(APPROVED));
            signature.is_some_and(|name| name.starts_with('.')) || !name.contains('.')
        })?;
        found.retain_mut(|name| {
            let is_folder = !name.contains('.');
            if is_folder {
                *name = format!("{name}/{file}");
            }
            !is_folder || self.path.join(name).symlink_metadata().is_ok()
        });
        let more = found.len() > MAX_HANDED;
        found.truncate(MAX_HANDED);
        Ok((found, more))
    }

    /// An approval that was handed in.
    ///
    /// # Errors
    /// What the system says.
    pub fn approval(&self, name: &str) -> io::Result<Handed> {
        let Some((folder, file)) = name.split_once('/') else {
            return Ok(Handed { by: None, text: self.read(&self.path.join(name))? });
        };
        // Both are looked at as they are opened: names can be given to something else in between.
        let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::DIRECTORY;
        let own = File::from(open(self.path.join(folder), flags, Mode::empty())?);
        let file = open_regular_in(&own, Path::new(file))?;
        let (own, found, shared) = (own.metadata()?, file.metadata()?, self.metadata()?);
        let is_only_his = |it: &Metadata| it.mode() & 0o022 == 0 && it.dev() == shared.dev();
        let by = (own.uid() == found.uid() && is_only_his(&own) && is_only_his(&found)).then_some(own.uid());
        Ok(Handed { by, text: text(file)? })
    }

    /// Who rejects a request, by the number of the user, and why. That it is there is enough: it need not be readable.
    ///
    /// # Errors
    /// What the system says of the folder.
    pub fn rejection(&self, id: &str) -> io::Result<Option<(u32, String)>> {
        let path = self.path.join(format!("{id}{REJECTED}"));
        match path.symlink_metadata() {
            Ok(found) => {
                let handed = self.read(&path).map(|text| excerpt(text.trim()));
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
        let names = self.names(is_about).unwrap_or_default();
        for name in &names {
            let path = self.path.join(name);
            // Never what is in it: that may be deep.
            let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir(&path));
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

    /// The names that are wanted, in order; none where there is no folder. Whoever puts more there than anybody would, puts
    /// what follows out of sight.
    fn names(&self, wanted: impl Fn(&str) -> bool) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut names = Vec::new();
        for entry in entries.take(MAX_ENTRIES) {
            names.extend(entry?.file_name().into_string().ok().filter(|name| wanted(name)));
        }
        names.sort_unstable();
        Ok(names)
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        text(open_regular(path)?)
    }
}

fn text(file: File) -> io::Result<String> {
    let mut text = String::new();
    if file.take(MAX_LENGTH + 1).read_to_string(&mut text)? as u64 > MAX_LENGTH {
        return Err(io::Error::other(format!("it is longer than {MAX_LENGTH} bytes")));
    }
    Ok(text)
}

/// Makes a folder into which only the user of this process can put something, or takes the one that is there.
fn own_folder(path: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o755).create(path) {
        // The mask may have taken away that the signer can read it.
        Ok(()) => fs::set_permissions(path, Permissions::from_mode(0o755)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let found = path.symlink_metadata()?;
            let user = rustix::process::geteuid().as_raw();
            let is_own = found.is_dir() && found.uid() == user && found.mode() & 0o022 == 0;
            if is_own { Ok(()) } else { Err(error) }
        }
        Err(error) => Err(error),
    }
}

/// Tries a name, and similar ones where it is taken.
fn names(name: &str, mut hand_in: impl FnMut(&str) -> io::Result<PathBuf>) -> io::Result<PathBuf> {
    let mut taken = hand_in(name);
    for number in 2..=MAX_NAMES {
        match &taken {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            _ => break,
        }
        taken = hand_in(&format!("{name}-{number}"));
    }
    taken
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
