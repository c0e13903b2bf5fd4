//! The file that holds the API token: its base64 text, readable by the owner only.

use crate::frame::{ApiToken, TokenError};
use rand_core::CryptoRngCore;
use rustix::fs::OFlags;
use rustix::process::geteuid;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;
use thiserror::Error;
use zeroize::Zeroizing;

/// More than a token file ever holds, in bytes.
const MAX_LENGTH: u64 = 256;

/// A token file that cannot be used.
#[derive(Debug, Error)]
pub enum TokenFileError {
    /// The operating system refused.
    #[error("cannot use the API token file {}: {source}; check the path and its rights", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others than the owner have access.
    #[error("the API token file {} has mode {mode:03o}, so others know the token; delete it and start anew",
        .path.display())]
    NotPrivate {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file belongs to somebody else.
    #[error("the API token file {} belongs to user {owner}, who knows the token; choose a file of your own",
        .path.display())]
    ForeignOwner {
        /// The file.
        path: PathBuf,
        /// The user id of its owner.
        owner: u32,
    },
    /// A directory, pipe or device.
    #[error("the API token file {} is no regular file; move it away or choose another", .0.display())]
    NotAFile(PathBuf),
    /// The content is no token.
    #[error("the API token file {} is damaged: {source}; delete it to get a new one", .path.display())]
    Token {
        /// The file.
        path: PathBuf,
        /// What is wrong with its text.
        source: TokenError,
    },
}

/// Reads the token of an existing file.
///
/// # Errors
/// [`TokenFileError`] where the file cannot be read, belongs to another user, is open to others, or holds no
/// token.
pub fn load(path: &Path) -> Result<ApiToken, TokenFileError> {
    let io_error = |source| TokenFileError::Io { path: path.to_owned(), source };
    // Without O_NONBLOCK, opening a pipe would wait for its other end, perhaps for ever.
    let nonblock = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(nonblock).open(path).map_err(io_error)?;
    let found = file.metadata().map_err(io_error)?;
    if !found.is_file() {
        return Err(TokenFileError::NotAFile(path.to_owned()));
    }
    if found.uid() != geteuid().as_raw() {
        return Err(TokenFileError::ForeignOwner { path: path.to_owned(), owner: found.uid() });
    }
    let mode = found.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(TokenFileError::NotPrivate { path: path.to_owned(), mode });
    }
    // One allocation from the start: growing would leave copies behind.
    let mut text = Zeroizing::new(String::with_capacity(512));
    file.take(MAX_LENGTH).read_to_string(&mut text).map_err(io_error)?;
    ApiToken::load(&text).map_err(|source| TokenFileError::Token { path: path.to_owned(), source })
}

/// Reads the token of a file; where there is none, makes one that only its owner may read.
///
/// # Errors
/// [`TokenFileError`], see [`load`]; also where the file cannot be made.
pub fn load_or_create(path: &Path, rng: &mut impl CryptoRngCore) -> Result<ApiToken, TokenFileError> {
    match load(path) {
        Err(TokenFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
        loaded => return loaded,
    }
    let token = ApiToken::random(rng);
    match write_new(path, token.to_base64().as_bytes()) {
        Ok(()) => Ok(token),
        // Another process was faster, and its token is the one; or there is a link to nowhere.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => load(path),
        Err(source) => Err(TokenFileError::Io { path: path.to_owned(), source }),
    }
}

/// Writes a new file for its owner only, complete or not at all, also where the power fails. Neither another
/// process's file nor a symbolic link is ever written to.
fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(parent)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    File::open(parent)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::OsRng;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_file_is_made_once_and_for_the_owner_only() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("api.token");
        let made = load_or_create(&path, &mut OsRng).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_to_string(&path).unwrap(), *made.to_base64());
        let again = load_or_create(&path, &mut OsRng).unwrap();
        assert_eq!(*again.to_base64(), *made.to_base64());
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("api.token");
        load_or_create(&path, &mut OsRng).unwrap();
        for mode in [0o640, 0o604, 0o620, 0o601] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let refused = load_or_create(&path, &mut OsRng).err();
            assert!(matches!(refused, Some(TokenFileError::NotPrivate { mode: said, .. }) if said == mode));
        }
    }

    #[test]
    fn a_damaged_or_missing_file_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("api.token");
        assert!(matches!(load(&path), Err(TokenFileError::Io { .. })));
        load_or_create(&path, &mut OsRng).unwrap();
        for text in ["", "WlpaWlpa", &"A".repeat(100_000)] {
            fs::write(&path, text).unwrap();
            assert!(matches!(load_or_create(&path, &mut OsRng), Err(TokenFileError::Token { .. })));
        }
        fs::write(&path, [0xff; 24]).unwrap();
        assert!(matches!(load(&path), Err(TokenFileError::Io { .. })));
    }

    #[test]
    fn a_file_that_cannot_be_completed_is_not_begun() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("api.token");
        load_or_create(&path, &mut OsRng).unwrap();
        // Not even by a kill: the name appears with the content, and what made it is gone.
        assert!(write_new(&path, b"other").is_err());
        assert!(load(&path).is_ok());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn starts_at_the_same_time_agree_on_one_token() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("api.token");
        let start = || load_or_create(&path, &mut OsRng).map(|token| token.to_base64().to_string()).unwrap();
        let tokens: std::collections::BTreeSet<String> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..16).map(|_| scope.spawn(start)).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        assert_eq!(tokens.len(), 1);
    }

    #[test]
    fn what_is_no_file_is_refused_without_waiting() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("api.token");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        for path in [pipe.as_path(), directory.path()] {
            assert!(
                matches!(load_or_create(path, &mut OsRng), Err(TokenFileError::NotAFile(said)) if said == path)
            );
        }
    }

    #[test]
    fn a_file_of_another_user_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("api.token");
        load_or_create(&path, &mut OsRng).unwrap();
        // Only the superuser may give files away; elsewhere there is nothing to show.
        if std::os::unix::fs::chown(&path, Some(4242), None).is_ok() {
            assert!(matches!(load(&path), Err(TokenFileError::ForeignOwner { owner: 4242, .. })));
        }
    }

    #[test]
    fn a_link_to_a_file_that_does_not_exist_is_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let (link, target) = (directory.path().join("api.token"), directory.path().join("elsewhere"));
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(load_or_create(&link, &mut OsRng).is_err());
        assert!(!target.exists());
    }
}
