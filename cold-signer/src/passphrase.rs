//! How secrets come in: typed on the terminal, from a file descriptor, or from a file that only its owner
//! can read. Never as an argument or an environment variable, which other processes may see.

use rustix::fs::OFlags;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, IsTerminal, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use thiserror::Error;
use zeroize::Zeroizing;

/// No secret is longer, in bytes: passphrases, recovery words, a secret key as JSON.
const MAX_LENGTH: usize = 1024;

/// Why a secret could not be read. It never holds the secret.
#[derive(Debug, Error)]
pub enum SecretError {
    /// Nobody to ask.
    #[error(
        "there is no terminal to ask for the {what} ({source}): give it by file descriptor or by file, see --help"
    )]
    NoTerminal {
        /// What was to be read.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// Typed twice, not the same.
    #[error("the two inputs differ: try again")]
    Mismatch,
    /// A passphrase of no characters.
    #[error("the passphrase is empty: it is all that protects the keys, choose a long one")]
    Empty,
    /// Longer than any secret of ours.
    #[error("the {0} is longer than {MAX_LENGTH} bytes: is it the right file?")]
    TooLong(&'static str),
    /// Not UTF-8.
    #[error("the {0} is not UTF-8 text")]
    NotText(&'static str),
    /// Somebody else may have read or written it.
    #[error("{} must be a regular file that is yours and closed to others: chmod 600 it", .0.display())]
    Exposed(PathBuf),
    /// What is typed there would be shown.
    #[error("file descriptor {0} is a terminal: leave the option out to be asked instead")]
    Terminal(u32),
    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The passphrase of a key store: not empty, wiped on drop.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes a passphrase.
    ///
    /// # Errors
    /// [`SecretError::Empty`].
    pub fn new(text: Zeroizing<String>) -> Result<Self, SecretError> {
        if text.is_empty() { Err(SecretError::Empty) } else { Ok(Self(text)) }
    }

    /// The text, for deriving the key.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

/// Where a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Typed, without being shown.
    Terminal,
    /// Read to the end from an open file descriptor: a file or a pipe.
    Descriptor(u32),
    /// Read from a file that nobody else can read or write.
    File(PathBuf),
}

impl Source {
    /// The source that the options name: at most one of them is given.
    #[must_use]
    pub fn from_options(descriptor: Option<u32>, file: Option<&Path>) -> Self {
        match (descriptor, file) {
            (Some(number), _) => Self::Descriptor(number),
            (None, Some(path)) => Self::File(path.to_owned()),
            (None, None) => Self::Terminal,
        }
    }

    /// Reads an existing secret. One newline at its end is dropped.
    ///
    /// # Errors
    /// [`SecretError`], each reason its own variant.
    pub fn read(&self, what: &'static str) -> Result<Zeroizing<String>, SecretError> {
        match self {
            Self::Terminal => ask(what, &format!("{what}: ")),
            Self::Descriptor(number) => read_descriptor(*number, what),
            Self::File(path) => read_private(path, what),
        }
    }

    /// Reads a secret that is being chosen: on the terminal it is typed twice.
    ///
    /// # Errors
    /// [`SecretError::Mismatch`], otherwise as [`Source::read`].
    pub fn read_new(&self, what: &'static str) -> Result<Zeroizing<String>, SecretError> {
        if *self != Self::Terminal {
            return self.read(what);
        }
        let first = ask(what, &format!("New {what}: "))?;
        confirmed(first, ask(what, &format!("The same {what} again: "))?)
    }
}

/// The first of two inputs, if they are the same.
fn confirmed(first: Zeroizing<String>, second: Zeroizing<String>) -> Result<Zeroizing<String>, SecretError> {
    if *first == *second { Ok(first) } else { Err(SecretError::Mismatch) }
}

/// Asks on the controlling terminal, whatever standard input is, without showing what is typed.
fn ask(what: &'static str, prompt: &str) -> Result<Zeroizing<String>, SecretError> {
    rpassword::prompt_password(prompt)
        .map(Zeroizing::new)
        .map_err(|source| SecretError::NoTerminal { what, source })
}

/// Reads an open file descriptor by its name in `/dev/fd`, which works for files and pipes.
fn read_descriptor(number: u32, what: &'static str) -> Result<Zeroizing<String>, SecretError> {
    let path = PathBuf::from(format!("/dev/fd/{number}"));
    let file = File::open(&path).map_err(|source| SecretError::Io { path: path.clone(), source })?;
    if file.is_terminal() {
        return Err(SecretError::Terminal(number));
    }
    read_text(file, &path, what)
}

/// Reads a secret from a regular file that is ours and that nobody else can read or write.
///
/// # Errors
/// [`SecretError::Exposed`] for any other file, otherwise as [`Source::read`].
fn read_private(path: &Path, what: &'static str) -> Result<Zeroizing<String>, SecretError> {
    let io_error = |source| SecretError::Io { path: path.to_owned(), source };
    // A named pipe would block the opening.
    let nonblock = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(nonblock).open(path).map_err(io_error)?;
    // What was opened is what is checked.
    let metadata = file.metadata().map_err(io_error)?;
    if !metadata.is_file() || !is_for_us_alone(path, &metadata) {
        return Err(SecretError::Exposed(path.to_owned()));
    }
    read_text(file, path, what)
}

/// Whether a file with a secret can be read by nobody else: it is ours and closed to all others, or a credential that
/// systemd put into a folder for this service alone. Those may be root's, with this user in their access list.
pub(crate) fn is_for_us_alone(path: &Path, metadata: &Metadata) -> bool {
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    let is_credential = credentials.is_some() && path.parent() == credentials.as_deref();
    let of_systemd = is_credential && metadata.uid() == 0 && metadata.mode() & 0o027 == 0;
    of_systemd || is_private_to(rustix::process::geteuid().as_raw(), metadata)
}

/// Whether a file or directory belongs to this user and is closed to all others.
pub(crate) fn is_private_to(user: u32, metadata: &Metadata) -> bool {
    metadata.uid() == user && metadata.mode() & 0o077 == 0
}

/// Reads to the end, in a buffer that is wiped.
fn read_text(mut file: File, path: &Path, what: &'static str) -> Result<Zeroizing<String>, SecretError> {
    // Allocated once: a growing buffer would leave copies behind.
    let mut bytes = Zeroizing::new(vec![0; MAX_LENGTH + 1]);
    let mut length = 0;
    while let Some(free @ [_, ..]) = bytes.get_mut(length..) {
        match file.read(free) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => return Err(SecretError::Io { path: path.to_owned(), source }),
        }
    }
    if length > MAX_LENGTH {
        return Err(SecretError::TooLong(what));
    }
    bytes.truncate(length);
    let text = std::str::from_utf8(&bytes).map_err(|_| SecretError::NotText(what))?;
    Ok(Zeroizing::new(text.strip_suffix('\n').unwrap_or(text).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    fn read(content: &[u8], mode: u32) -> Result<Zeroizing<String>, SecretError> {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("secret");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        Source::File(path).read("passphrase")
    }

    #[test]
    fn a_file_gives_its_text_without_one_newline() {
        assert_eq!(*read(b"a b", 0o600).unwrap(), "a b");
        assert_eq!(*read(b"a b\n", 0o400).unwrap(), "a b");
        assert_eq!(*read(b"a b\n\n", 0o600).unwrap(), "a b\n");
        assert_eq!(read(&[b'x'; 1024], 0o600).unwrap().len(), 1024);
        assert!(matches!(read(&[b'x'; 1025], 0o600), Err(SecretError::TooLong(_))));
        assert!(matches!(read(&[0xff], 0o600), Err(SecretError::NotText(_))));
    }

    #[test]
    fn a_file_that_others_could_read_is_refused() {
        for mode in [0o640, 0o604, 0o660, 0o610, 0o602] {
            assert!(matches!(read(b"x", mode), Err(SecretError::Exposed(_))), "{mode:o}");
        }
        let directory = tempfile::tempdir().unwrap();
        let read = |path: &Path| Source::File(path.to_owned()).read("passphrase");
        assert!(matches!(read(directory.path()), Err(SecretError::Exposed(_))));
        assert!(matches!(read(&directory.path().join("none")), Err(SecretError::Io { .. })));
        let pipe = directory.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        assert!(matches!(read(&pipe), Err(SecretError::Exposed(_))));
    }

    #[test]
    fn what_belongs_to_another_user_is_not_private() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let metadata = file.as_file().metadata().unwrap();
        assert!(is_private_to(metadata.uid(), &metadata));
        assert!(!is_private_to(metadata.uid() + 1, &metadata));
        file.as_file().set_permissions(Permissions::from_mode(0o604)).unwrap();
        let metadata = file.as_file().metadata().unwrap();
        assert!(!is_private_to(metadata.uid(), &metadata));
    }

    #[test]
    fn an_empty_or_mistyped_passphrase_is_refused() {
        assert!(matches!(Passphrase::new(String::new().into()), Err(SecretError::Empty)));
        let text = |text: &str| Zeroizing::new(text.to_owned());
        assert!(matches!(confirmed(text("a"), text("b")), Err(SecretError::Mismatch)));
        assert_eq!(*confirmed(text("a"), text("a")).unwrap(), "a");
    }
}
