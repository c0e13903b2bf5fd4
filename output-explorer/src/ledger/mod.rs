//! The ledger: every public output of the chain by id and by recipient, balances, users, and where the chain ends.
//!
//! One change of the chain is one atomic batch, on disk before anybody is told: see [`Ledger::commit`]. Readers see the
//! state between two changes, never half of one.

pub mod changes;
pub mod copy;
mod directory;
mod draft;
mod error;
pub mod events;
mod forms;
pub mod handoffs;
mod movements;
pub mod query;
pub mod record;
mod rest;
mod revision;
pub mod store;
mod table;
#[cfg(test)]
mod tests;
pub mod tokens;
pub mod users;
mod value;
pub mod webhooks;

pub use error::{Fault, LedgerError, UserError};

use crate::clock::now;
use crate::event::Event;
use crate::follower::{Chain, Change};
use crate::metrics::LedgerMetrics;
use changes::Log;
use copy::Progress;
use directory::Directory;
use draft::Draft;
pub(crate) use events::Kept;
use record::{FORMAT, FORMATS, Info, MacroRecord, MicroRecord};
use revision::Revision;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use stegos_common::address::Network;
use stegos_common::api::encoding::Timestamp;
use store::sled::SledStore;
use store::{Batch, Store, StoreError, beginning_with};
use tokio::sync::watch;
use value::{damaged, decode, encode, get};

/// The database's directory in that of the ledger.
const DATABASE: &str = "ledger";

/// The file that counts changes of users and handoffs.
const REVISION: &str = "revision";

/// The ledger of one network.
pub struct Ledger {
    store: Box<dyn Store>,
    network: Network,
    keep_spent_blobs: bool,
    keep_events: u64,
    clock: fn() -> Timestamp,
    /// The number of the newest event, for whoever waits for it.
    newest: watch::Sender<u64>,
    /// The number of the newest change, for replicas.
    newest_change: watch::Sender<u64>,
    /// Whoever changes something has it from the first thing that is read to the last that is written.
    turn: Mutex<()>,
    state: RwLock<State>,
    metrics: LedgerMetrics,
    files: Option<Files>,
}

/// The turn of a change, with readers kept away.
struct Writing<'a> {
    state: RwLockWriteGuard<'a, State>,
    _turn: MutexGuard<'a, ()>,
}

impl Deref for Writing<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl DerefMut for Writing<'_> {
    fn deref_mut(&mut self) -> &mut State {
        &mut self.state
    }
}

/// What is beside the database.
struct Files {
    revision: Revision,
    _directory: Directory,
}

/// What is in memory too.
struct State {
    /// Where the chain ends: the current epoch and the offset of the next micro block.
    epoch: u64,
    offset: u32,
    /// How many changes of users and handoffs there were.
    revision: u64,
    /// Which events there are.
    events: Kept,
    /// Which changes are kept for replicas.
    log: Log,
    /// How far this ledger has got as the copy of another one, where it is one.
    copy: Option<Progress>,
    /// A write failed.
    failed: bool,
}

impl State {
    /// What is stored.
    fn stored(store: &dyn Store) -> Result<Self, LedgerError> {
        let offset = next(store, table::MICRO_BLOCKS)?;
        Ok(Self {
            epoch: next(store, table::MACRO_BLOCKS)?,
            offset: u32::try_from(offset).map_err(|_| damaged(table::MICRO_BLOCKS))?,
            revision: get(store, table::REVISION)?.unwrap_or_default(),
            events: Kept::stored(store)?,
            log: Log::stored(store)?,
            copy: get(store, table::COPY)?,
            failed: false,
        })
    }
}

/// How a ledger is to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The network.
    pub network: Network,
    /// Whether blobs of outputs are kept when their spend is final.
    pub keep_spent_blobs: bool,
    /// How many events are kept.
    pub keep_events: u64,
}

impl Settings {
    /// How many events are kept unless something else is said.
    pub const KEEP_EVENTS: u64 = 1_000_000;
}

impl Ledger {
    /// Opens the ledger in a directory, or begins one, and holds so many MiB of it in memory.
    ///
    /// # Errors
    /// [`LedgerError`] where the directory is in use or cannot be used, or holds the ledger of another network.
    pub fn open(dir: &Path, settings: Settings, cache: u32) -> Result<Self, LedgerError> {
        let directory = Directory::lock(dir)?;
        let store = SledStore::open(&directory.join(DATABASE), cache)?;
        let revision = Revision::new(directory.join(REVISION));
        let mut ledger = Self::new(Box::new(store), settings)?;
        revision.check(ledger.any_state()?.revision)?;
        ledger.files = Some(Files { revision, _directory: directory });
        Ok(ledger)
    }

    /// A ledger in any database.
    ///
    /// # Errors
    /// [`LedgerError`] where the database holds the ledger of another network, or fails.
    pub fn new(store: Box<dyn Store>, settings: Settings) -> Result<Self, LedgerError> {
        let Settings { network, keep_spent_blobs, keep_events } = settings;
        match get::<Info>(store.as_ref(), table::INFO)? {
            Some(Info { format, .. }) if !FORMATS.contains(&format) => {
                return Err(LedgerError::OtherFormat(format));
            }
            Some(Info { network: stored, .. }) if stored != network => {
                return Err(LedgerError::OtherNetwork { stored, wanted: network });
            }
            Some(Info { format: FORMAT, .. }) => {}
            Some(info) => forms::renew(store.as_ref(), info)?,
            None => {
                let mut batch = Batch::default();
                batch.put(table::INFO.to_vec(), encode(&Info { format: FORMAT, network }));
                batch.put(table::LOG.to_vec(), encode(&Log::new()));
                store.write(&batch)?;
            }
        }
        let state = State::stored(store.as_ref())?;
        let newest = watch::Sender::new(state.events.last);
        let newest_change = watch::Sender::new(state.log.newest.number);
        Ok(Self {
            store,
            network,
            keep_spent_blobs,
            keep_events,
            clock: now,
            newest,
            newest_change,
            turn: Mutex::default(),
            state: RwLock::new(state),
            metrics: LedgerMetrics::default(),
            files: None,
        })
    }

    /// The same, with another clock for the times of events.
    #[must_use]
    pub fn with_clock(self, clock: fn() -> Timestamp) -> Self {
        Self { clock, ..self }
    }

    /// The network.
    #[must_use]
    pub const fn network(&self) -> Network {
        self.network
    }

    /// What is counted here.
    pub(crate) const fn metrics(&self) -> &LedgerMetrics {
        &self.metrics
    }

    /// The ids of the blocks that are stored.
    ///
    /// # Errors
    /// [`LedgerError`] where the database fails.
    pub fn chain(&self) -> Result<Chain, LedgerError> {
        let mut chain = Chain::default();
        for pair in self.store.scan(beginning_with(table::MACRO_BLOCKS)) {
            let block: MacroRecord = decode(table::MACRO_BLOCKS, &pair?.1)?;
            chain.macros.push(block.id);
        }
        for pair in self.store.scan(beginning_with(table::MICRO_BLOCKS)) {
            let block: MicroRecord = decode(table::MICRO_BLOCKS, &pair?.1)?;
            chain.micros.push(block.id);
        }
        Ok(chain)
    }

    /// Makes a change. It is on disk when this returns; where it fails, nothing has changed.
    ///
    /// # Errors
    /// [`LedgerError::Fault`] where the block contradicts what is stored. After [`LedgerError::Store`] the ledger is
    /// closed: what is on disk is known when it is opened again.
    pub fn commit(&self, change: &Change) -> Result<(), LedgerError> {
        // Readers are kept away while it is written, not while it is thought out.
        let turn = self.turn();
        let (epoch, offset) = {
            let state = self.read()?;
            (state.epoch, state.offset)
        };
        let mut draft = Draft::new(self.store.as_ref())?;
        let next = match change {
            Change::Connect(block) if (block.epoch, block.offset) == (epoch, offset) => {
                draft.connect(block)?;
                (epoch, offset + 1)
            }
            Change::Disconnect => {
                let last = offset.checked_sub(1).ok_or(Fault::OutOfOrder)?;
                draft.disconnect(epoch, last)?;
                (epoch, last)
            }
            Change::Close(block) if block.epoch == epoch => {
                draft.close(block, offset, self.keep_spent_blobs)?;
                (epoch + 1, 0)
            }
            Change::Connect(_) | Change::Close(_) => return Err(Fault::OutOfOrder.into()),
        };
        let done = draft.done;
        let (batch, events) = draft.finish();
        let mut state = self.write_in(turn)?;
        self.store(&mut state, batch, events)?;
        (state.epoch, state.offset) = next;
        self.metrics.changed(done);
        Ok(())
    }

    /// Writes a batch with the events that tell of it; where that fails, nobody reads any more what may not be on disk.
    fn store(&self, state: &mut State, mut batch: Batch, events: Vec<Event>) -> Result<(), LedgerError> {
        let kinds: Vec<_> = events.iter().map(Event::kind).collect();
        let kept = self.put_events(state, &mut batch, events);
        let log = state.log.add(self.store.as_ref(), &mut batch)?;
        let written = self.metrics.batch(|| self.store.write(&batch));
        state.failed = written.is_err();
        written?;
        self.tell_events(state, kept);
        self.metrics.happened(&kinds);
        if state.log.newest != log.newest {
            state.log = log;
            self.newest_change.send_replace(log.newest.number);
        }
        Ok(())
    }

    /// Writes what no node could give back, and counts that beside the database.
    fn store_own(&self, state: &mut State, mut batch: Batch, events: Vec<Event>) -> Result<(), LedgerError> {
        let revision = state.revision.saturating_add(1);
        batch.put(table::REVISION.to_vec(), encode(&revision));
        self.store(state, batch, events)?;
        state.revision = revision;
        // Only now: a file that is ahead of the database says that something was lost.
        self.files.as_ref().map_or(Ok(()), |files| files.revision.write(revision))
    }

    /// Keeps changes away while something is read. Nobody reads half of a copy.
    fn read(&self) -> Result<RwLockReadGuard<'_, State>, LedgerError> {
        let state = self.any_state()?;
        let is_whole = state.copy.as_ref().is_none_or(Progress::is_whole);
        if is_whole { Ok(state) } else { Err(LedgerError::HalfCopied) }
    }

    /// Keeps readers and other changes away. A copy changes as the other ledger does, and not by itself.
    fn write(&self) -> Result<Writing<'_>, LedgerError> {
        self.write_in(self.turn())
    }

    /// The same for whoever has the turn.
    fn write_in<'a>(&'a self, turn: MutexGuard<'a, ()>) -> Result<Writing<'a>, LedgerError> {
        let writing = self.write_any(turn)?;
        if writing.copy.is_none() { Ok(writing) } else { Err(LedgerError::ReadOnly) }
    }

    /// Keeps other changes away.
    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn any_state(&self) -> Result<RwLockReadGuard<'_, State>, LedgerError> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        if state.failed { Err(StoreError::Closed.into()) } else { Ok(state) }
    }

    fn write_any<'a>(&'a self, turn: MutexGuard<'a, ()>) -> Result<Writing<'a>, LedgerError> {
        let state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.failed { Err(StoreError::Closed.into()) } else { Ok(Writing { state, _turn: turn }) }
    }
}

/// The number behind the last one of a table whose keys are numbers.
fn next(store: &dyn Store, table: &[u8]) -> Result<u64, LedgerError> {
    let last = store.scan(beginning_with(table)).next_back().transpose()?;
    Ok(last.map_or(0, |(key, _)| {
        let digits = key.iter().skip(table.len());
        digits.fold(0, |number: u64, digit| number << 8 | u64::from(*digit)).saturating_add(1)
    }))
}
