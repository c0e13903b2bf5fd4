//! The configuration file: every key has a default, which `--quick` takes.

use super::chain::Params;
use super::clock::Clock;
use super::node::Log;
use super::server::Settings;
use serde::Deserialize;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs, io};
use stegos_common::address::Network;
use stegos_common::api::encoding::Timestamp;
use thiserror::Error;

/// Where the API is unless something else is said: the port of the deployed node.
pub const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3145);

/// Where the control port is unless something else is said.
const CONTROL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3146);

/// The token file unless something else is said.
#[must_use]
pub fn token_file() -> PathBuf {
    env::temp_dir().join("stegos-devnode.token")
}

/// A configuration file that cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("cannot read the configuration {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not TOML, or holds a key that does not exist or a value of another type.
    #[error("the configuration {} is wrong: {source}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and what.
        source: Box<toml::de::Error>,
    },
}

/// What the file says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The network.
    pub network: Network,
    seed: String,
    blocks_per_epoch: NonZeroU32,
    award_difficulty: u32,
    block_milliseconds: u64,
    time: Option<Timestamp>,
    data_dir: Option<PathBuf>,
    /// The address of the API.
    pub listen: SocketAddr,
    /// The address of the control port.
    pub control: SocketAddr,
    /// The file of the API token.
    pub token_file: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            network: Network::Dev,
            seed: "stegos-devnode".into(),
            blocks_per_epoch: NonZeroU32::MIN.saturating_add(9),
            award_difficulty: 3,
            block_milliseconds: 2000,
            time: None,
            data_dir: None,
            control: CONTROL,
            listen: LISTEN,
            token_file: token_file(),
        }
    }
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ConfigError`] where it cannot be read or is wrong.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let path = || path.to_owned();
        let text = fs::read_to_string(path()).map_err(|source| ConfigError::Read { path: path(), source })?;
        let parsed = toml::from_str(&text);
        parsed.map_err(|source| ConfigError::Parse { path: path(), source: Box::new(source) })
    }

    /// How a node with this configuration is to run.
    #[must_use]
    pub fn settings(self, log: Log) -> Settings {
        Settings {
            params: Params {
                network: self.network,
                blocks_per_epoch: self.blocks_per_epoch.get(),
                award_difficulty: self.award_difficulty,
                seed: self.seed,
            },
            clock: self.time.map_or(Clock::System, Clock::Manual),
            control: Some(self.control),
            listen: self.listen,
            token_file: self.token_file,
            data_dir: self.data_dir,
            block_interval: Some(Duration::from_millis(self.block_milliseconds))
                .filter(|time| !time.is_zero()),
            log,
        }
    }
}
