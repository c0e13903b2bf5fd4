//! `[replica]`: which explorer is copied, and how it is asked.

use crate::replica::SourceConfig;
use clap::Args;
use serde::Deserialize;
use std::path::PathBuf;

/// Which explorer is copied, and how it is asked.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[command(next_help_heading = "The explorer that is copied")]
pub(crate) struct ReplicaSettings {
    /// Its address, like https://explorer.example.org:8480
    #[arg(long = "from", value_name = "URL", env = "OUTPUT_EXPLORER_REPLICA_FROM")]
    from: Option<String>,
    /// The file of a token of the role replica, closed to others (0600); `token create` makes one there
    #[arg(long = "from-token-file", value_name = "FILE", env = "OUTPUT_EXPLORER_REPLICA_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// A file of certificates (PEM) of authorities that it may have, besides those of this host
    #[arg(long = "from-ca-file", value_name = "FILE", env = "OUTPUT_EXPLORER_REPLICA_CA_FILE")]
    ca_file: Option<PathBuf>,
    /// The certificate (PEM) of this replica, where it asks for one
    #[arg(
        long = "from-certificate-file",
        value_name = "FILE",
        env = "OUTPUT_EXPLORER_REPLICA_CERTIFICATE_FILE"
    )]
    certificate_file: Option<PathBuf>,
    /// Its private key, as PEM, closed to others (0600)
    #[arg(long = "from-key-file", value_name = "FILE", env = "OUTPUT_EXPLORER_REPLICA_KEY_FILE")]
    key_file: Option<PathBuf>,
    /// Ask it without TLS beyond this host, though everybody on the way then reads the token and the ledger; only where
    /// something else encrypts [default: false]
    #[arg(
        long = "from-allow-token-in-clear",
        value_name = "BOOL",
        env = "OUTPUT_EXPLORER_REPLICA_ALLOW_TOKEN_IN_CLEAR"
    )]
    allow_token_in_clear: Option<bool>,
}

impl ReplicaSettings {
    /// These settings, with `file` filling the gaps and the defaults the rest.
    pub(crate) fn config(self, file: Self) -> SourceConfig {
        let allow = self.allow_token_in_clear.or(file.allow_token_in_clear);
        SourceConfig {
            url: self.from.or(file.from),
            token_file: self.token_file.or(file.token_file),
            ca_file: self.ca_file.or(file.ca_file),
            identity: (self.certificate_file.or(file.certificate_file), self.key_file.or(file.key_file)),
            allow_token_in_clear: allow.unwrap_or(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn the_annotated_example_names_every_key_with_its_default() {
        let text = include_str!("../../output-explorer.toml.example").replace("#:", "");
        let file = toml::from_str::<Settings>(&text).unwrap().replica;
        assert_eq!(file.allow_token_in_clear, Some(false));
        let SourceConfig { url, token_file, ca_file, identity, .. } = ReplicaSettings::default().config(file);
        assert!(url.is_some() && token_file.is_some() && ca_file.is_some());
        assert!(identity.0.is_some() && identity.1.is_some());
    }
}
