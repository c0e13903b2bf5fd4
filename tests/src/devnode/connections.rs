//! The open connections, by number.

use std::collections::BTreeMap;
use tokio::sync::oneshot;

/// All open connections to the API.
#[derive(Default)]
pub(super) struct Connections {
    last: u64,
    open: BTreeMap<u64, oneshot::Sender<()>>,
}

impl Connections {
    /// Gives a new connection its number, and what tells it to close.
    pub(super) fn open(&mut self) -> (u64, oneshot::Receiver<()>) {
        self.last += 1;
        let (close, closed) = oneshot::channel();
        self.open.insert(self.last, close);
        (self.last, closed)
    }

    /// Forgets a connection that is closed.
    pub(super) fn forget(&mut self, number: u64) {
        self.open.remove(&number);
    }

    /// Closes a connection, or all.
    pub(super) fn close(&mut self, number: Option<u64>) {
        // Dropping the sender is the signal.
        self.open.retain(|open, _close| number.is_some_and(|number| number != *open));
    }
}
