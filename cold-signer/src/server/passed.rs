//! A socket that systemd opened, and passed to this process when it started it.

use super::listen::ServerError;
use listenfd::ListenFd;
use rustix::net::sockopt::socket_acceptconn;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The number of the first descriptor that is passed.
const FIRST: u32 = 3;

/// A listening Unix socket of somebody else, who keeps its file and says who can reach it.
#[derive(Debug)]
pub struct PassedSocket {
    pub(super) listener: UnixListener,
    pub(super) path: PathBuf,
}

impl PassedSocket {
    /// The socket that was passed to this process (`LISTEN_FDS`), if there is one; where the settings name a path, it
    /// must be that. To be asked first of all: what is passed is known by the number of its descriptor only.
    ///
    /// # Errors
    /// [`ServerError`] where it is more than one, at another path, or no Unix stream socket that listens at a path.
    pub fn take(configured: Option<&Path>) -> Result<Option<Self>, ServerError> {
        // The library also believes those that name nobody, or another first descriptor.
        let is_for_us = env::var("LISTEN_PID").is_ok_and(|pid| pid == std::process::id().to_string());
        if !is_for_us || env::var_os("LISTEN_FDS_FIRST_FD").is_some() {
            return Ok(None);
        }
        let mut passed = ListenFd::from_env();
        match passed.len() {
            0 => return Ok(None),
            1 => {}
            many => return Err(ServerError::PassedMany(many)),
        }
        let Ok(Some(listener)) = passed.take_unix_listener(0) else {
            return Err(ServerError::PassedOther(what_it_is(passed)));
        };
        if !socket_acceptconn(&listener).unwrap_or(false) {
            return Err(ServerError::PassedOther(
                "a Unix socket that does not listen (Accept=yes?)".to_owned(),
            ));
        }
        let address = listener.local_addr().ok();
        let Some(path) = address.as_ref().and_then(|address| address.as_pathname()) else {
            return Err(ServerError::PassedOther("a Unix socket without a path".to_owned()));
        };
        match configured {
            Some(configured) if configured != path => Err(ServerError::PassedElsewhere {
                passed: path.to_owned(),
                configured: configured.to_owned(),
            }),
            _ => Ok(Some(Self { path: path.to_owned(), listener })),
        }
    }

    /// Where clients find it.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// In words, for whoever wrote the socket unit.
fn what_it_is(mut passed: ListenFd) -> String {
    if let Ok(Some(listener)) = passed.take_tcp_listener(0) {
        return listener.local_addr().map_or("a TCP socket".to_owned(), |it| format!("the TCP socket {it}"));
    }
    if matches!(passed.take_unix_datagram(0), Ok(Some(_))) {
        return "a Unix datagram socket".to_owned();
    }
    if matches!(passed.take_udp_socket(0), Ok(Some(_))) {
        return "a UDP socket".to_owned();
    }
    match fs::read_link(format!("/proc/self/fd/{FIRST}")) {
        Ok(other) => other.display().to_string(),
        Err(_) => format!("nothing: descriptor {FIRST} is not open"),
    }
}
