//! What the service manager that started this process is told: systemd's protocol, a datagram for each piece of news.

use sd_notify::{NotifyState, watchdog_enabled};
use std::env;
use std::fmt::Write;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;
use tokio::time::sleep;

/// A manager that does not listen is not waited for any longer.
const PATIENCE: Duration = Duration::from_secs(1);

/// A connection to the manager. It is made before this process is protected, because none can be made afterwards.
#[derive(Debug, Default)]
pub struct Manager {
    socket: Option<UnixDatagram>,
    /// So often it wants to hear that this process works.
    watchdog: Option<Duration>,
}

impl Manager {
    /// The one that started this process, and asked to be told (`NOTIFY_SOCKET`); without one, nobody is told anything.
    ///
    /// # Errors
    /// What the system says where it cannot be reached.
    pub fn connect() -> io::Result<Self> {
        let Some(name) = env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else {
            return Ok(Self::default());
        };
        let address = match name.as_bytes().strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(name)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&address)?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { socket: Some(socket), watchdog: watchdog_enabled().filter(|time| !time.is_zero()) })
    }

    /// Tells it.
    ///
    /// # Errors
    /// What the system says where it does not take it.
    pub fn tell(&self, news: &[NotifyState<'_>]) -> io::Result<()> {
        let Some(socket) = &self.socket else { return Ok(()) };
        let mut message = String::new();
        for state in news {
            writeln!(message, "{state}").map_err(io::Error::other)?;
        }
        // A datagram is taken whole or not at all.
        socket.send(message.as_bytes()).map(drop)
    }

    /// Tells it, as often as it wants, that this process works, for as long as it does: `check` ends when that is found
    /// out, and is asked again only then. Answers why it works no more, and never where the manager does not ask.
    pub async fn keep_telling<E>(&self, check: impl AsyncFn() -> Result<(), E>) -> E {
        let Some(watchdog) = self.watchdog else { return std::future::pending().await };
        loop {
            // Half of the time is left for the check.
            sleep(watchdog / 2).await;
            if let Err(reason) = check().await {
                return reason;
            }
            // What is lost now is told the next time, or the manager ends this process.
            let _ = self.tell(&[NotifyState::Watchdog]);
        }
    }
}
