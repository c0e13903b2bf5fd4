//! Sockets that nobody else can reach: a Unix socket in a private directory, TCP on loopback only.

use super::passed::PassedSocket;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use thiserror::Error;
use tokio::net::{TcpListener, UnixListener, UnixStream};

/// Why the server cannot listen.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The operating system refused the Unix socket or its directory.
    #[error("cannot listen on {}: {source}; check the path and its rights", .path.display())]
    Unix {
        /// The socket or the directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The socket's directory is open to others.
    #[error("the socket's directory {} has mode {mode:03o}; make it private with chmod 700, or choose another",
        .path.display())]
    NotPrivate {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The socket's directory belongs to somebody else.
    #[error("the socket's directory {} belongs to user {owner}; choose a directory of your own", .path.display())]
    ForeignOwner {
        /// The directory.
        path: PathBuf,
        /// The user id of its owner.
        owner: u32,
    },
    /// Only one door is for clients.
    #[error("{0} sockets were passed, but one is used: give the socket unit a single ListenStream=")]
    PassedMany(usize),
    /// What systemd passed is something else.
    #[error(
        "what was passed is {0}, not a Unix stream socket that listens at a path: correct the socket unit \
        (ListenStream=/run/…)"
    )]
    PassedOther(String),
    /// Two places are named.
    #[error("the socket {} was passed, but the settings say {}: leave the path out of the settings, or have the \
        socket unit name the same", passed.display(), configured.display())]
    PassedElsewhere {
        /// The one of systemd.
        passed: PathBuf,
        /// The one of the settings.
        configured: PathBuf,
    },
    /// There is something else in the socket's place.
    #[error("{} exists and is not a socket; move it away or choose another path", .0.display())]
    NotASocket(PathBuf),
    /// Another server answers there.
    #[error("a server is already running on {}; stop it first or choose another path", .0.display())]
    AlreadyRunning(PathBuf),
    /// Not in `127.0.0.0/8` and not `::1`.
    #[error("{0} is not a loopback address; keys are served to this host only, as on 127.0.0.1:0")]
    NotLoopback(SocketAddr),
    /// The operating system refused the TCP address.
    #[error("cannot listen on {0}: {1}; choose another port")]
    Tcp(SocketAddr, io::Error),
}

/// Listens on a loopback address.
///
/// # Errors
/// [`ServerError::NotLoopback`] before anything is bound, [`ServerError::Tcp`] where the port is taken.
pub(super) async fn bind_tcp(address: SocketAddr) -> Result<TcpListener, ServerError> {
    if !address.ip().is_loopback() {
        return Err(ServerError::NotLoopback(address));
    }
    TcpListener::bind(address).await.map_err(|error| ServerError::Tcp(address, error))
}

/// A listening Unix socket: our own, which nobody else can reach, and whose file goes when this is dropped; or one that
/// was passed, whose file is left alone.
pub(super) struct UnixSocket {
    listener: UnixListener,
    /// Our own file, with its device and inode.
    file: Option<(PathBuf, (u64, u64))>,
}

impl UnixSocket {
    /// Listens on `path`, whose directory must belong to `owner` alone; it is made if missing. The file of a
    /// server that is no more is replaced.
    ///
    /// # Errors
    /// Any [`ServerError`] but those of TCP.
    pub(super) async fn bind(path: &Path, owner: u32) -> Result<Self, ServerError> {
        let io_error = |source| ServerError::Unix { path: path.to_owned(), source };
        // The directory keeps others out from the first moment, whatever the umask gives the socket.
        private_directory(path, owner)?;
        remove_stale(path).await?;
        let listener = UnixListener::bind(path).map_err(io_error)?;
        let identity = identity(path).map_err(io_error)?;
        let socket = Self { listener, file: Some((path.to_owned(), identity)) };
        fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(io_error)?;
        Ok(socket)
    }

    /// Listens where somebody else does already.
    ///
    /// # Errors
    /// [`ServerError::Unix`] where the system refuses.
    pub(super) fn passed(socket: PassedSocket) -> Result<Self, ServerError> {
        let PassedSocket { listener, path } = socket;
        let adopted = listener.set_nonblocking(true).and_then(|()| UnixListener::from_std(listener));
        let listener = adopted.map_err(|source| ServerError::Unix { path, source })?;
        Ok(Self { listener, file: None })
    }

    pub(super) const fn listener(&self) -> &UnixListener {
        &self.listener
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        let Some((path, own)) = &self.file else { return };
        // Another server may have taken the path meanwhile: its file stays. While the listener lives, no other
        // file gets the same inode.
        if identity(path).is_ok_and(|found| found == *own) {
            // Where this fails, the next start replaces the file.
            let _ = fs::remove_file(path);
        }
    }
}

/// Device and inode, which tell a file from another that took its path.
fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

/// Makes sure that the directory of `socket` exists and is open to `owner` only.
fn private_directory(socket: &Path, owner: u32) -> Result<(), ServerError> {
    let path = match socket.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let io_error = |source| ServerError::Unix { path: path.to_owned(), source };
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(io_error(error)),
        _ => {}
    }
    // A symbolic link is no directory: what it points to could change.
    let found = fs::symlink_metadata(path).map_err(io_error)?;
    if !found.is_dir() {
        return Err(io_error(io::ErrorKind::NotADirectory.into()));
    }
    if found.uid() != owner {
        return Err(ServerError::ForeignOwner { path: path.to_owned(), owner: found.uid() });
    }
    let mode = found.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(ServerError::NotPrivate { path: path.to_owned(), mode });
    }
    Ok(())
}

/// Removes the socket that a killed server left behind, and nothing else.
async fn remove_stale(path: &Path) -> Result<(), ServerError> {
    let io_error = |source| ServerError::Unix { path: path.to_owned(), source };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io_error(error)),
        Ok(found) if !found.file_type().is_socket() => return Err(ServerError::NotASocket(path.to_owned())),
        Ok(_) => {}
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(io_error)
        }
        // Also where its queue is full: somebody is there.
        _ => Err(ServerError::AlreadyRunning(path.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn me() -> u32 {
        rustix::process::geteuid().as_raw()
    }

    #[tokio::test]
    async fn a_directory_of_another_user_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("private").join("socket");
        drop(UnixSocket::bind(&path, me()).await.unwrap());
        let refused = UnixSocket::bind(&path, me() + 1).await.err();
        assert!(matches!(refused, Some(ServerError::ForeignOwner { owner, .. }) if owner == me()));
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn the_socket_of_a_later_server_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("private").join("socket");
        let earlier = UnixSocket::bind(&path, me()).await.unwrap();
        // As where two start at once, and the second takes the file of the first for a stale one.
        fs::remove_file(&path).unwrap();
        let later = UnixSocket::bind(&path, me()).await.unwrap();
        drop(earlier);
        assert!(UnixStream::connect(&path).await.is_ok());
        drop(later);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_link_to_a_private_directory_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let (link, target) = (directory.path().join("link"), directory.path().join("target"));
        DirBuilder::new().mode(0o700).create(&target).unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let refused = UnixSocket::bind(&link.join("socket"), me()).await.err();
        assert!(matches!(refused, Some(ServerError::Unix { path, .. }) if path == link));
    }
}
