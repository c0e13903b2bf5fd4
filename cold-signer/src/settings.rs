//! The configuration: one TOML file, every key of which a flag or an environment variable overrides.
//!
//! Each setting is declared once, here, for all three. Secrets are not settings.

use crate::process::Needs;
use crate::server;
use crate::signer::{RequestKeys, Rules};
use clap::Args;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;
use std::{fs, io};
use stegos_common::address::Network;
use thiserror::Error;

/// A configuration file that cannot be used.
#[derive(Debug, Error)]
pub(crate) enum SettingsError {
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

/// A whole number from `MIN` to `MAX`: flags, environment variables and the configuration file refuse others.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u64")]
struct Within<const MIN: u32, const MAX: u32>(u32);

/// A number that is no [`Within`].
#[derive(Debug, Error)]
#[error("{value} is not a whole number from {min} to {max}")]
struct WithinError {
    value: String,
    min: u32,
    max: u32,
}

impl<const MIN: u32, const MAX: u32> Within<MIN, MAX> {
    fn size(self) -> usize {
        // On every host with 32 bits at least, they are equal.
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl<const MIN: u32, const MAX: u32> TryFrom<u64> for Within<MIN, MAX> {
    type Error = WithinError;

    fn try_from(value: u64) -> Result<Self, WithinError> {
        let within = u32::try_from(value).ok().filter(|value| (MIN..=MAX).contains(value));
        within.map(Self).ok_or_else(|| WithinError { value: value.to_string(), min: MIN, max: MAX })
    }
}

impl<const MIN: u32, const MAX: u32> FromStr for Within<MIN, MAX> {
    type Err = WithinError;

    fn from_str(text: &str) -> Result<Self, WithinError> {
        let number: Result<u64, _> = text.parse();
        number.map_err(|_| WithinError { value: text.to_owned(), min: MIN, max: MAX })?.try_into()
    }
}

/// From a second to a day.
type Seconds = Within<1, 86_400>;

impl Seconds {
    fn duration(self) -> Duration {
        Duration::from_secs(self.0.into())
    }
}

/// Everything that the configuration file may say.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) network: Option<Network>,
    pub(crate) passphrase_file: Option<PathBuf>,
    pub(crate) server: ServerSettings,
    pub(crate) rules: RuleSettings,
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

/// Where the daemon listens and what it tolerates.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ServerSettings {
    /// Path of the Unix socket; its directory must be closed to others (0700) and is made if missing. A socket that
    /// systemd passes takes its place
    /// [default: run/signer.sock in the key store's directory]
    #[arg(long, value_name = "PATH", env = "COLD_SIGNER_SOCKET")]
    socket: Option<PathBuf>,
    /// The users whose processes may use the Unix socket, by number (`id -u NAME`). They must be able to reach it, as with
    /// systemd's cold-signer.socket [default: the user of this process]
    #[arg(long, value_name = "UID,…", env = "COLD_SIGNER_CLIENT_UIDS", value_delimiter = ',')]
    client_uids: Option<Vec<u32>>,
    /// File of the API token, made if missing (0600) [default: api.token in the key store's directory]
    #[arg(long, value_name = "FILE", env = "COLD_SIGNER_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// Listen on this loopback address too, such as 127.0.0.1:3145; any other address is refused. Weaker than the
    /// Unix socket: every user of this host can connect, and only the API token, whose frames are not
    /// authenticated, keeps him out. After 32 frames that do not open, TCP is closed until the next start
    #[arg(long, value_name = "ADDRESS:PORT", env = "COLD_SIGNER_TCP")]
    tcp: Option<SocketAddr>,
    /// Connections at one time over each socket; one more is closed at once; 1 to 1024
    /// [default: 16]
    #[arg(long, value_name = "N", env = "COLD_SIGNER_MAX_CONNECTIONS")]
    max_connections: Option<Within<1, 1024>>,
    /// Close a connection that is silent for so many seconds, 1 to 86400 [default: 60]
    #[arg(long, value_name = "SECONDS", env = "COLD_SIGNER_IDLE_SECONDS")]
    idle_seconds: Option<Seconds>,
    /// Close a connection that takes longer to begin its first request, to send one or to read an answer;
    /// 1 to 86400 [default: 10]
    #[arg(long, value_name = "SECONDS", env = "COLD_SIGNER_SLOW_SECONDS")]
    slow_seconds: Option<Seconds>,
    /// Do not start where `cold-signer doctor` finds something: where the kernel does not protect this process in every
    /// way, or something else speaks against this host
    #[arg(long, value_name = "true|false", env = "COLD_SIGNER_STRICT", num_args = 0..=1, default_missing_value = "true")]
    strict: Option<bool>,
}

impl ServerSettings {
    /// These settings, with `file` filling the gaps.
    pub(crate) fn or(self, file: Self) -> Self {
        Self {
            socket: self.socket.or(file.socket),
            client_uids: self.client_uids.or(file.client_uids),
            token_file: self.token_file.or(file.token_file),
            tcp: self.tcp.or(file.tcp),
            max_connections: self.max_connections.or(file.max_connections),
            idle_seconds: self.idle_seconds.or(file.idle_seconds),
            slow_seconds: self.slow_seconds.or(file.slow_seconds),
            strict: self.strict.or(file.strict),
        }
    }

    /// The path of the Unix socket that is asked for.
    pub(crate) fn socket(&self) -> Option<&Path> {
        self.socket.as_deref()
    }

    /// Whether nothing may be missing of what protects the process.
    pub(crate) fn is_strict(&self) -> bool {
        self.strict.unwrap_or(false)
    }

    /// What the daemon needs beside its store.
    pub(crate) fn needs(&self) -> Needs {
        let folder = |path: &PathBuf| path.parent().map(Path::to_owned);
        let write = [self.socket.as_ref(), self.token_file.as_ref()].into_iter().flatten().filter_map(folder);
        Needs { read: Vec::new(), write: write.collect(), listens: true, tcp: self.tcp.is_some() }
    }

    /// The path of the API token, for a key store in `data_dir`.
    pub(crate) fn token_file(&self, data_dir: &Path) -> PathBuf {
        self.token_file.clone().unwrap_or_else(|| data_dir.join("api.token"))
    }

    /// The server's configuration, for a key store in `data_dir`.
    pub(crate) fn config(&self, data_dir: &Path) -> server::Config {
        let socket = self.socket.clone().unwrap_or_else(|| data_dir.join("run/signer.sock"));
        let mut config = server::Config::new(socket);
        config.tcp = self.tcp;
        config.clients = self.client_uids.clone().unwrap_or(config.clients);
        config.connections = self.max_connections.map_or(config.connections, Within::size);
        config.limits.idle = self.idle_seconds.map_or(config.limits.idle, Seconds::duration);
        config.limits.message = self.slow_seconds.map_or(config.limits.message, Seconds::duration);
        config.limits.write = self.slow_seconds.map_or(config.limits.write, Seconds::duration);
        config
    }
}

/// What the signer is willing to sign.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RuleSettings {
    /// Highest fee, as a multiple of the 0.001 STG per output that a node asks for [default: 10]
    #[arg(long, value_name = "N", env = "COLD_SIGNER_MAX_FEE_FACTOR")]
    max_fee_factor: Option<Within<1, { u32::MAX }>>,
    /// Longest request, in bytes of JSON, 1024 to 16777216 [default: 1048576]
    #[arg(long, value_name = "BYTES", env = "COLD_SIGNER_MAX_REQUEST_BYTES")]
    max_request_bytes: Option<Within<1024, { 16 << 20 }>>,
    /// Whether a request may bring its own secret_key [default: allow]
    #[arg(long, value_name = "allow|deny", env = "COLD_SIGNER_REQUEST_KEYS")]
    request_keys: Option<RequestKeys>,
    /// What is signed: the policy file, which only its owner may be able to change [default: only payments between
    /// accounts of the store are signed]
    #[arg(long, value_name = "FILE", env = "COLD_SIGNER_POLICY")]
    policy: Option<PathBuf>,
    /// The folder in which requests wait for approval, and approvals are handed in [default: approvals in the key store's
    /// directory]
    #[arg(long, value_name = "DIR", env = "COLD_SIGNER_APPROVALS")]
    approvals: Option<PathBuf>,
    /// How many keys are tried to find the owners of one request's private inputs [default: 100000]
    #[arg(long, value_name = "N", env = "COLD_SIGNER_SEARCH_LIMIT")]
    search_limit: Option<usize>,
}

/// What a signer is opened with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signing {
    /// What it refuses by itself.
    pub(crate) rules: Rules,
    /// The policy file.
    pub(crate) policy: Option<PathBuf>,
    /// The folder of approvals, where it is not in the store's directory.
    pub(crate) approvals: Option<PathBuf>,
}

/// A path that is named: an empty one is none.
fn named(flag: Option<&PathBuf>, file: Option<&PathBuf>) -> Option<PathBuf> {
    flag.or(file).filter(|path| !path.as_os_str().is_empty()).cloned()
}

impl RuleSettings {
    /// Whether whoever can change these settings can say what is signed.
    pub(crate) const fn names_a_policy(&self) -> bool {
        self.policy.is_some()
    }

    /// The folder of approvals, if `flag` or these settings name one.
    pub(crate) fn approvals(&self, flag: Option<&PathBuf>) -> Option<PathBuf> {
        named(flag, self.approvals.as_ref())
    }

    /// What a signer is opened with, with `file` filling the gaps.
    pub(crate) fn signing(&self, file: &Self) -> Signing {
        Signing {
            rules: self.rules(file),
            policy: named(self.policy.as_ref(), file.policy.as_ref()),
            approvals: file.approvals(self.approvals.as_ref()),
        }
    }

    /// The rules, with `file` filling the gaps and the defaults the rest.
    fn rules(&self, file: &Self) -> Rules {
        let default = Rules::default();
        Rules {
            max_fee_factor: self
                .max_fee_factor
                .or(file.max_fee_factor)
                .map_or(default.max_fee_factor, |it| it.0),
            max_request_bytes: self
                .max_request_bytes
                .or(file.max_request_bytes)
                .map_or(default.max_request_bytes, Within::size),
            request_keys: self.request_keys.or(file.request_keys).unwrap_or(default.request_keys),
            search_limit: self.search_limit.or(file.search_limit).unwrap_or(default.search_limit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example says what the defaults are: with everything commented in, nothing changes.
    #[test]
    fn the_annotated_example_names_every_key_with_its_default() {
        let text = include_str!("../cold-signer.toml.example");
        assert!(toml::from_str::<Settings>(text).is_ok(), "as it is delivered");
        let all: String = text.lines().map(|line| line.strip_prefix("#:").unwrap_or(line)).fold(
            String::new(),
            |mut all, line| {
                all.push_str(line);
                all.push('\n');
                all
            },
        );
        let settings: Settings = toml::from_str(&all).unwrap();
        let RuleSettings { max_fee_factor, max_request_bytes, request_keys, policy, approvals, search_limit } =
            &settings.rules;
        let written = [
            max_fee_factor.is_some(),
            max_request_bytes.is_some(),
            request_keys.is_some(),
            search_limit.is_some(),
            policy.is_some(),
            approvals.is_some(),
        ];
        assert_eq!(written, [true; 6]);
        assert_eq!(settings.rules.rules(&RuleSettings::default()), Rules::default());
        let config = settings.server.config(Path::new("/var/lib/cold-signer"));
        let default = ServerSettings::default().config(Path::new("/var/lib/cold-signer"));
        assert_eq!(config.limits, default.limits);
        assert_eq!(config.connections, default.connections);
        assert_eq!(config.socket.path(), default.socket.path());
        assert!(config.tcp.is_some() && settings.data_dir.is_some() && settings.passphrase_file.is_some());
        assert_eq!(settings.network, Some(Network::Mainnet));
    }

    #[test]
    fn unknown_keys_are_errors() {
        for text in [
            "colour = 1",
            "[server]\ncolour = 1",
            "[rules]\nmax_fee = 1",
            "[rules]\nrequest_keys = \"maybe\"",
        ] {
            assert!(toml::from_str::<Settings>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_ranges_of_numbers_end_where_they_are_said_to() {
        let reads = |section: &str, key: &str, value: u64| {
            toml::from_str::<Settings>(&format!("[{section}]\n{key} = {value}")).is_ok()
        };
        for (section, key, least, most) in [
            ("server", "max_connections", 1, 1024),
            ("server", "idle_seconds", 1, 86_400),
            ("server", "slow_seconds", 1, 86_400),
            ("rules", "max_request_bytes", 1024, 16_777_216),
            ("rules", "max_fee_factor", 1, u64::from(u32::MAX)),
        ] {
            let read = [least - 1, least, most, most + 1].map(|value| reads(section, key, value));
            assert_eq!(read, [false, true, true, false], "{key}");
        }
    }

    #[test]
    fn flags_win_over_the_file() {
        let flag = ServerSettings { max_connections: Some(Within(1)), ..ServerSettings::default() };
        let file = ServerSettings {
            max_connections: Some(Within(2)),
            idle_seconds: Some(Within(3)),
            ..ServerSettings::default()
        };
        let config = flag.or(file).config(Path::new("/store"));
        assert_eq!((config.connections, config.limits.idle), (1, Duration::from_secs(3)));
        let flag = RuleSettings { max_fee_factor: Some(Within(1)), ..RuleSettings::default() };
        let file = RuleSettings {
            max_fee_factor: Some(Within(2)),
            search_limit: Some(3),
            ..RuleSettings::default()
        };
        let rules = flag.rules(&file);
        assert_eq!((rules.max_fee_factor, rules.search_limit), (1, 3));
    }
}
