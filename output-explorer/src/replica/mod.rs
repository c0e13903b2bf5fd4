//! A replica: a second process that keeps a copy of another explorer's ledger and answers the same questions from it. It
//! changes nothing by itself.
//!
//! What the other one says (`message`, fetched by `source`) goes into the ledger as it is (`crate::ledger::copy`):
//! first its records, then its changes, one after the other as they happen.

pub(crate) mod message;
mod source;

pub use message::MessageError;
pub use source::{SourceConfig, SourceError};

use crate::clock::now;
use crate::control::{LinkStatus, Via};
use crate::ledger::copy::{CopyError, Progress};
use crate::ledger::{Ledger, LedgerError};
use crate::log::{Line, Log};
use crate::pauses::Pauses;
use message::Changes;
use source::Source;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use thiserror::Error;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// The longest pause between two attempts to ask.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// After all that there was, so long nothing is asked.
const GATHER: Duration = Duration::from_millis(50);

/// How often it is said how far the copy is.
const PROGRESS: Duration = Duration::from_secs(10);

/// Why a replica ends.
#[derive(Debug, Error)]
pub enum ReplicaError {
    /// What it has is not what the other explorer had.
    #[error(
        "{url} says: {detail}. This replica cannot go on: move its directory away, or name another --data-dir, and start \
         again: it copies the ledger anew"
    )]
    Behind {
        /// The other explorer.
        url: String,
        /// What it says.
        detail: String,
    },
    /// The other explorer is not one to be copied.
    #[error("{url}: {reason}")]
    Message {
        /// The other explorer.
        url: String,
        /// Why.
        reason: MessageError,
    },
    /// It cannot be asked.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The directory cannot be used.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The ledger fails.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Why an attempt ends.
enum End {
    /// Another one may do better.
    Lost(String),
    /// None would.
    Fatal(ReplicaError),
}

impl<E: Into<ReplicaError>> From<E> for End {
    fn from(error: E) -> Self {
        Self::Fatal(error.into())
    }
}

/// Keeps a copy up to date. What it does is said line by line to `log`.
pub struct Replica {
    ledger: Arc<Ledger>,
    source: Source,
    status: Arc<Mutex<LinkStatus>>,
    log: Log,
    told: Instant,
    records: u64,
    is_lost: bool,
}

impl Replica {
    /// Goes on with the copy in a ledger, or begins one where the ledger is empty.
    ///
    /// # Errors
    /// [`ReplicaError`] where the ledger is no copy and not empty, or a file cannot be used.
    pub fn new(
        ledger: Arc<Ledger>,
        config: SourceConfig,
        status: Arc<Mutex<LinkStatus>>,
        log: Log,
    ) -> Result<Self, ReplicaError> {
        let source = Source::new(config, ledger.network())?;
        let copy = ledger.copied()?.map_or_else(|| ledger.begin_copy(), Ok)?;
        let from = source.url().to_owned();
        let via = Via { from, connected: false, change: copy.change.number, newest: None, heard: None };
        status.lock().unwrap_or_else(PoisonError::into_inner).via = Some(via);
        Ok(Self { ledger, source, status, log, told: Instant::now(), records: 0, is_lost: true })
    }

    /// Follows the other explorer until that is no use any more.
    ///
    /// # Errors
    /// [`ReplicaError`] says why.
    pub async fn run(&mut self) -> Result<(), ReplicaError> {
        let mut pauses = Pauses::up_to(LONGEST_PAUSE);
        loop {
            match self.go_on().await {
                Ok(()) => pauses = Pauses::up_to(LONGEST_PAUSE),
                Err(End::Fatal(error)) => return Err(error),
                Err(End::Lost(reason)) => {
                    let wait = pauses.next();
                    self.lost(&reason, wait);
                    sleep(wait).await;
                }
            }
        }
    }

    /// Takes what is next.
    async fn go_on(&mut self) -> Result<(), End> {
        let before = self.ledger.copied()?.ok_or(CopyError::NotEmpty)?;
        if let Some(key) = &before.key {
            let page = self.source.records(key, before.whole_at).await?;
            self.records = self.records.saturating_add(page.records.len() as u64);
            let now = self.store(|ledger| ledger.copy_records(page)).await?;
            self.copied(&now);
            return Ok(());
        }
        let Changes { node, page } = self.source.changes(before.change).await?;
        let newest = page.newest.number;
        let now = if page.changes.is_empty() {
            before.clone()
        } else {
            self.store(|ledger| ledger.copy_changes(page.changes)).await?
        };
        self.changed(&now, node, newest, before.is_whole());
        if now.change.number == newest {
            // What happens in quick succession is fetched at once.
            sleep(GATHER).await;
        }
        Ok(())
    }

    /// Writes, which may take its time, while others are answered. What does not go on from here was not written; it is
    /// asked for again.
    async fn store(
        &self,
        write: impl FnOnce(&Ledger) -> Result<Progress, CopyError> + Send + 'static,
    ) -> Result<Progress, End> {
        let ledger = Arc::clone(&self.ledger);
        match spawn_blocking(move || write(&ledger)).await {
            Ok(Ok(progress)) => Ok(progress),
            Ok(Err(error @ (CopyError::OutOfOrder(_) | CopyError::NotCopied))) => {
                Err(End::Lost(error.to_string()))
            }
            Ok(Err(error)) => Err(error.into()),
            Err(error) => Err(End::Lost(error.to_string())),
        }
    }

    /// Some records are there.
    fn copied(&mut self, copy: &Progress) {
        if let Some(via) = &mut self.status.lock().unwrap_or_else(PoisonError::into_inner).via {
            (via.connected, via.heard) = (true, Some(now()));
        }
        if copy.is_whole() {
            self.whole(copy);
        } else if copy.key.is_none() {
            self.say(copy, format!("{} records copied; now what happened meanwhile", self.records));
        } else if self.is_time() {
            self.say(copy, format!("{} records copied so far", self.records));
        }
    }

    fn whole(&self, copy: &Progress) {
        self.say(
            copy,
            format!("the copy of {} is whole, at change {}", self.source.url(), copy.change.number),
        );
    }

    fn say(&self, copy: &Progress, text: String) {
        (self.log)(Line::info(text).with("from", self.source.url()).with("change", copy.change.number));
    }

    /// Whether it was long ago that something was said.
    fn is_time(&mut self) -> bool {
        let is_time = self.told.elapsed() >= PROGRESS;
        if is_time {
            self.told = Instant::now();
        }
        is_time
    }

    /// Some changes are made, or there are none.
    fn changed(&mut self, copy: &Progress, node: LinkStatus, newest: u64, was_whole: bool) {
        let number = copy.change.number;
        if copy.is_whole() && !was_whole {
            self.whole(copy);
        }
        let is_lost = std::mem::take(&mut self.is_lost);
        if is_lost {
            let url = self.source.url();
            self.say(copy, format!("connected to {url}: at change {number} of {newest}"));
        } else if number < newest && self.is_time() {
            self.say(copy, format!("at change {number} of {newest}"));
        }
        let url = self.source.url();
        let from = url.to_owned();
        let via = Via { from, connected: true, change: number, newest: Some(newest), heard: Some(now()) };
        *self.status.lock().unwrap_or_else(PoisonError::into_inner) = LinkStatus { via: Some(via), ..node };
    }

    fn lost(&mut self, reason: &str, pause: Duration) {
        self.is_lost = true;
        let url = self.source.url();
        let text = format!("{url}: {reason}. Next attempt in {:.1} s", pause.as_secs_f32());
        (self.log)(Line::warn(text).with("from", url));
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        (status.connected, status.subscribed) = (false, false);
        status.last_error = Some(format!("{url}: {reason}"));
        if let Some(via) = &mut status.via {
            via.connected = false;
        }
    }
}
