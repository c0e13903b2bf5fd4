//! The configuration: one TOML file, every key of which a flag or an environment variable overrides.
//!
//! Each setting is declared once, here, for all three. Secrets are not settings.

mod http;
mod replica;

pub(crate) use http::HttpSettings;
pub use http::{HttpConfig, HttpSettingsError, JwtAlgorithm, JwtIssuer, TlsFiles};
pub(crate) use replica::ReplicaSettings;

use crate::handoff::plan::Terms;
use crate::log::LogFormat;
use clap::Args;
use serde::Deserialize;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};
use stegos_common::address::Network;
use thiserror::Error;

/// Where a node has its API unless something else is said.
const NODE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3145);

/// A configuration file that cannot be used.
#[derive(Debug, Error)]
pub enum SettingsError {
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

/// Everything that the configuration file may say.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) network: Option<Network>,
    pub(crate) keep_spent_blobs: Option<bool>,
    pub(crate) keep_changes: Option<u64>,
    pub(crate) cache_mebibytes: Option<u32>,
    pub(crate) log: Option<LogFormat>,
    pub(crate) node: NodeSettings,
    pub(crate) handoff: HandoffSettings,
    pub(crate) http: HttpSettings,
    pub(crate) events: EventSettings,
    pub(crate) webhooks: WebhookSettings,
    pub(crate) replica: ReplicaSettings,
}

impl Settings {
    /// Reads the configuration file, if there is one.
    pub(crate) fn load(path: Option<&Path>) -> Result<Self, SettingsError> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text = fs::read_to_string(path)
            .map_err(|source| SettingsError::Read { path: path.to_owned(), source })?;
        toml::from_str(&text)
            .map_err(|source| SettingsError::Parse { path: path.to_owned(), source: Box::new(source) })
    }
}

/// The node, and how it is talked to.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct NodeSettings {
    /// The address of the node's websocket API; an IP address, for nothing here resolves names
    /// [default: 127.0.0.1:3145]
    #[arg(long = "node", value_name = "ADDRESS:PORT", env = "OUTPUT_EXPLORER_NODE")]
    address: Option<SocketAddr>,
    /// The file of the node's API token, a copy that is yours and closed to others (0600)
    #[arg(long = "node-token-file", value_name = "FILE", env = "OUTPUT_EXPLORER_NODE_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// Ask the node for its status after so many milliseconds each time, 10 to 3600000 [default: 2000]
    #[arg(long, value_name = "N", env = "OUTPUT_EXPLORER_POLL_MILLISECONDS",
        value_parser = clap::value_parser!(u32).range(10..=3_600_000))]
    poll_milliseconds: Option<u32>,
    /// Give a connection up where an answer takes so many seconds, 1 to 86400 [default: 120]
    #[arg(long, value_name = "N", env = "OUTPUT_EXPLORER_REQUEST_SECONDS",
        value_parser = clap::value_parser!(u32).range(1..=86_400))]
    request_seconds: Option<u32>,
    /// Longest message of the node, in MiB of JSON, 1 to 4096; memory may hold four times as much [default: 512]
    #[arg(long, value_name = "N", env = "OUTPUT_EXPLORER_MAX_MESSAGE_MEBIBYTES",
        value_parser = clap::value_parser!(u32).range(1..=4096))]
    max_message_mebibytes: Option<u32>,
}

/// How handoffs are made.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct HandoffSettings {
    /// The exchange's own account: sweeps go to its first address, withdrawals are paid from it, change comes back
    #[arg(long, value_name = "ACCOUNT", env = "OUTPUT_EXPLORER_TREASURY")]
    treasury: Option<String>,
    /// Whether change is private [default: false]
    #[arg(long, value_name = "BOOL", env = "OUTPUT_EXPLORER_PRIVATE_CHANGE")]
    private_change: Option<bool>,
    /// Whether outputs are spent that are not final yet [default: false]
    #[arg(long, value_name = "BOOL", env = "OUTPUT_EXPLORER_SPEND_PREPARED")]
    spend_prepared: Option<bool>,
    /// Whether outputs are spent that an earlier handoff gave up; the signer refuses those it signed away [default: false]
    #[arg(long, value_name = "BOOL", env = "OUTPUT_EXPLORER_SPEND_RELEASED")]
    spend_released: Option<bool>,
    /// Free the inputs where no signed transaction came back within so many seconds, 1 to 31536000 [default: 86400]
    #[arg(long, value_name = "N", env = "OUTPUT_EXPLORER_EXPIRE_SECONDS",
        value_parser = clap::value_parser!(u32).range(1..=31_536_000))]
    expire_seconds: Option<u32>,
}

/// How long events can be read.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct EventSettings {
    pub(crate) keep: Option<u64>,
}

impl HandoffSettings {
    /// These settings, with `file` filling the gaps and the defaults the rest; none without a treasury.
    pub(crate) fn terms(self, file: Self) -> Option<Terms> {
        Some(Terms {
            treasury: self.treasury.or(file.treasury)?,
            private_change: self.private_change.or(file.private_change).unwrap_or(false),
            spend_prepared: self.spend_prepared.or(file.spend_prepared).unwrap_or(false),
            spend_released: self.spend_released.or(file.spend_released).unwrap_or(false),
            seconds: self.expire_seconds.or(file.expire_seconds).unwrap_or(86_400).max(1).into(),
        })
    }
}

/// How webhooks are sent.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct WebhookSettings {
    /// Whether webhooks may go into private networks and to this host itself, and by plain http: whoever registers one
    /// can then reach what only this host should reach [default: false]
    #[arg(
        long = "webhook-allow-private-targets",
        value_name = "BOOL",
        env = "OUTPUT_EXPLORER_WEBHOOK_ALLOW_PRIVATE_TARGETS"
    )]
    allow_private_targets: Option<bool>,
    /// A file of certificates (PEM) of authorities that receivers of webhooks may have, besides those of this host
    #[arg(long = "webhook-ca-file", value_name = "FILE", env = "OUTPUT_EXPLORER_WEBHOOK_CA_FILE")]
    ca_file: Option<PathBuf>,
}

/// How webhooks are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookConfig {
    /// Whether they may go into private networks.
    pub allow_private_targets: bool,
    /// Certificate authorities besides those of the host.
    pub ca_file: Option<PathBuf>,
    /// How long a receiver has to answer.
    pub limit: Duration,
}

impl WebhookSettings {
    /// These settings, with `file` filling the gaps and the defaults the rest.
    pub(crate) fn config(self, file: Self) -> WebhookConfig {
        let allow_private_targets = self.allow_private_targets.or(file.allow_private_targets);
        WebhookConfig {
            allow_private_targets: allow_private_targets.unwrap_or(false),
            ca_file: self.ca_file.or(file.ca_file),
            limit: Duration::from_secs(10),
        }
    }
}

/// The node, and how it is talked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeConfig {
    /// The address of its API.
    pub address: SocketAddr,
    /// The file of its API token.
    pub token_file: Option<PathBuf>,
    /// How often it is asked for its status.
    pub poll: Duration,
    /// How long an answer may take.
    pub request: Duration,
    /// The longest message, in bytes of JSON.
    pub max_message: usize,
}

impl NodeSettings {
    /// These settings, with `file` filling the gaps and the defaults the rest.
    pub(crate) fn config(self, file: Self) -> NodeConfig {
        let number = |flag: Option<u32>, file: Option<u32>, default: u32| flag.or(file).unwrap_or(default);
        let mebibytes = number(self.max_message_mebibytes, file.max_message_mebibytes, 512);
        NodeConfig {
            address: self.address.or(file.address).unwrap_or(NODE),
            token_file: self.token_file.or(file.token_file),
            // The file may hold what a flag may not: too hasty polls are slowed down, none at all are not a value.
            poll: Duration::from_millis(
                number(self.poll_milliseconds, file.poll_milliseconds, 2000).max(10).into(),
            ),
            request: Duration::from_secs(
                number(self.request_seconds, file.request_seconds, 120).max(1).into(),
            ),
            // On every host with 64 bits, they are equal.
            max_message: usize::try_from(u64::from(mebibytes.clamp(1, 4096)) << 20).unwrap_or(usize::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example says what the defaults are: with everything commented in, nothing changes.
    #[test]
    fn the_annotated_example_names_every_key_with_its_default() {
        let text = include_str!("../output-explorer.toml.example");
        assert!(toml::from_str::<Settings>(text).is_ok(), "as it is delivered");
        let all: Vec<&str> = text.lines().map(|line| line.strip_prefix("#:").unwrap_or(line)).collect();
        let settings: Settings = toml::from_str(&all.join("\n")).unwrap();
        let NodeSettings { address, poll_milliseconds, request_seconds, max_message_mebibytes, .. } =
            &settings.node;
        assert!(address.is_some() && poll_milliseconds.is_some() && request_seconds.is_some());
        assert!(max_message_mebibytes.is_some() && settings.node.token_file.is_some());
        let config = settings.node.config(NodeSettings::default());
        let default = NodeSettings::default().config(NodeSettings::default());
        assert_eq!(NodeConfig { token_file: None, ..config }, default);
        assert!(settings.data_dir.is_some());
        assert_eq!(settings.keep_changes, Some(0));
        assert_eq!(settings.cache_mebibytes, Some(crate::ledger::store::sled::CACHE));
        assert_eq!(settings.log, Some(LogFormat::default()));
        assert_eq!(settings.events.keep, Some(crate::ledger::Settings::KEEP_EVENTS));
        assert_eq!(settings.webhooks.allow_private_targets, Some(false));
        assert!(settings.webhooks.ca_file.is_some());
        let HandoffSettings { treasury, private_change, spend_prepared, spend_released, expire_seconds } =
            settings.handoff;
        assert!(treasury.is_some());
        assert_eq!(spend_released, Some(false));
        assert_eq!(
            (private_change, spend_prepared, expire_seconds),
            (Some(false), Some(false), Some(86_400))
        );
        assert_eq!((settings.network, settings.keep_spent_blobs), (Some(Network::Mainnet), Some(true)));
    }

    #[test]
    fn unknown_keys_are_errors() {
        for text in ["colour = 1", "[node]\ncolour = 1", "[node]\naddress = \"node.example.org:3145\""] {
            assert!(toml::from_str::<Settings>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn flags_win_over_the_file() {
        let flag = NodeSettings { poll_milliseconds: Some(20), ..NodeSettings::default() };
        let file =
            NodeSettings { poll_milliseconds: Some(30), request_seconds: Some(3), ..NodeSettings::default() };
        let config = flag.config(file);
        assert_eq!((config.poll, config.request), (Duration::from_millis(20), Duration::from_secs(3)));
    }
}
