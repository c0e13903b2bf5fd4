//! The chain on disk: its blocks and nothing else, from which everything else follows. The mempool is not kept.
//!
//! A block is one atomic batch. The newest may be lost where the computer crashes, as if they had never been made.

use super::chain::{Chain, Params};
use serde::de::DeserializeOwned;
use sled::{Batch, Db};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;
use stegos_common::api::block::{MacroBlock, MicroBlock};
use thiserror::Error;

/// The key under which the chain's name is kept; it sorts after all blocks.
const NAME: [u8; 13] = [0xff; 13];
/// Where the offset stands in a macro block's key: it sorts after the micro blocks of its epoch.
const MACRO: u32 = u32::MAX;
/// Memory for the database, in bytes; the library would take a gigabyte.
const CACHE: u64 = 64 << 20;

/// How often a locked database is tried again.
const ATTEMPTS: usize = 100;

/// Why the chain cannot be kept on disk.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The database does not open, read or write.
    #[error("cannot use the chain in {}: {source}; delete the directory to begin anew", path.display())]
    Database {
        /// The directory.
        path: PathBuf,
        /// What the database says.
        source: sled::Error,
    },
    /// A block cannot be read.
    #[error("a block in {} is damaged: {source}; delete the directory to begin anew", path.display())]
    Block {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The directory holds a chain with another network, seed or length of epochs.
    #[error("{} holds another chain, {found}; choose another directory, or configure that chain", path.display())]
    OtherChain {
        /// The directory.
        path: PathBuf,
        /// What distinguishes the chain in it.
        found: String,
    },
}

/// A directory with a chain.
pub(super) struct Store {
    path: PathBuf,
    db: Db,
}

/// All blocks of a chain: macro blocks by epoch, and the micro blocks of the current epoch.
pub(super) type Blocks = (Vec<MacroBlock>, Vec<MicroBlock>);

impl Store {
    /// Opens a directory, which is made where there is none.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let open = || sled::Config::new().path(path).cache_capacity(CACHE).open();
        let mut opened = open();
        // A database of this process that was closed just now may have a thread left that holds the lock.
        for _ in 0..ATTEMPTS {
            if !matches!(&opened, Err(sled::Error::Io(error)) if error.to_string().contains("acquire lock")) {
                break;
            }
            sleep(Duration::from_millis(10));
            opened = open();
        }
        let db = opened.map_err(|source| StoreError::Database { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), db })
    }

    /// The blocks of the chain in the directory; none where there is no chain yet.
    pub(super) fn load(&self, params: &Params) -> Result<Option<Blocks>, StoreError> {
        let Some(name) = self.call(self.db.get(NAME))? else { return Ok(None) };
        if name != name_of(params).as_bytes() {
            let found = String::from_utf8_lossy(&name).into_owned();
            return Err(StoreError::OtherChain { path: self.path.clone(), found });
        }
        let (mut macro_blocks, mut micro_blocks) = Blocks::default();
        for entry in self.db.range(..NAME) {
            let (key, block) = self.call(entry)?;
            if key.ends_with(&MACRO.to_be_bytes()) {
                macro_blocks.push(self.read(&block)?);
            } else {
                micro_blocks.push(self.read(&block)?);
            }
        }
        Ok(Some((macro_blocks, micro_blocks)))
    }

    /// Keeps this chain and no other.
    pub(super) fn replace(&self, chain: &Chain) -> Result<(), StoreError> {
        self.call(self.db.clear())?;
        chain.macro_blocks().try_for_each(|block| self.add_macro(block))?;
        chain.micro_blocks().try_for_each(|block| self.add_micro(block))?;
        // Last: without a name there is no chain.
        self.call(self.db.insert(NAME, name_of(chain.params()).as_bytes())).map(drop)
    }

    /// Adds a micro block.
    pub(super) fn add_micro(&self, block: &MicroBlock) -> Result<(), StoreError> {
        self.call(self.db.insert(key(block.epoch, block.offset), self.write(block)?)).map(drop)
    }

    /// Removes a micro block.
    pub(super) fn remove_micro(&self, block: &MicroBlock) -> Result<(), StoreError> {
        self.call(self.db.remove(key(block.epoch, block.offset))).map(drop)
    }

    /// Adds a macro block, in the place of its micro blocks.
    pub(super) fn add_macro(&self, block: &MacroBlock) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        for entry in self.db.range(key(block.epoch, 0)..key(block.epoch, MACRO)) {
            batch.remove(self.call(entry)?.0);
        }
        batch.insert(key(block.epoch, MACRO).as_slice(), self.write(block)?);
        self.call(self.db.apply_batch(batch))
    }

    fn call<T>(&self, result: sled::Result<T>) -> Result<T, StoreError> {
        result.map_err(|source| StoreError::Database { path: self.path.clone(), source })
    }

    fn read<T: DeserializeOwned>(&self, block: &[u8]) -> Result<T, StoreError> {
        serde_json::from_slice(block).map_err(|source| StoreError::Block { path: self.path.clone(), source })
    }

    fn write(&self, block: &impl serde::Serialize) -> Result<Vec<u8>, StoreError> {
        serde_json::to_vec(block).map_err(|source| StoreError::Block { path: self.path.clone(), source })
    }
}

/// Where a block stands.
fn key(epoch: u64, offset: u32) -> [u8; 12] {
    let mut key = [0; 12];
    let bytes = epoch.to_be_bytes().into_iter().chain(offset.to_be_bytes());
    key.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
    key
}

/// What distinguishes a chain from others.
fn name_of(params: &Params) -> String {
    format!(
        "{} of seed {:?}, {} micro blocks in an epoch",
        params.network, params.seed, params.blocks_per_epoch
    )
}
