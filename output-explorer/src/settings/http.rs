//! `[http]`: who may ask over HTTP, and how.

use clap::Args;
use ipnet::IpNet;
use serde::Deserialize;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use thiserror::Error;

/// Settings of `[http]` that do not go together.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HttpSettingsError {
    /// One half of what TLS needs.
    #[error(
        "TLS needs both: name the certificate and the key (--http-tls-certificate-file, --http-tls-key-file)"
    )]
    HalfOfTls,
    /// Client certificates without TLS.
    #[error(
        "client certificates need TLS: name a certificate and a key, or leave --http-client-ca-file away"
    )]
    ClientsWithoutTls,
    /// Tokens would cross a network for everybody to read.
    #[error(
        "{0} is not on this host alone, and without TLS everybody on the way reads the tokens: name a certificate and \
         a key (--http-tls-certificate-file, --http-tls-key-file), listen on 127.0.0.1, or, where something else \
         encrypts, say --http-allow-tokens-in-clear true"
    )]
    TokensInClear(SocketAddr),
}

/// Who may ask over HTTP, and how.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[command(next_help_heading = "HTTP")]
pub(crate) struct HttpSettings {
    /// Answer HTTP at this address; without it nothing does
    #[arg(long = "http-listen", value_name = "ADDRESS:PORT", env = "OUTPUT_EXPLORER_HTTP_LISTEN")]
    listen: Option<SocketAddr>,
    /// The certificate chain for TLS, as PEM, the server's own first
    #[arg(
        long = "http-tls-certificate-file",
        value_name = "FILE",
        env = "OUTPUT_EXPLORER_HTTP_TLS_CERTIFICATE_FILE"
    )]
    tls_certificate_file: Option<PathBuf>,
    /// Its private key, as PEM, closed to others (0600)
    #[arg(long = "http-tls-key-file", value_name = "FILE", env = "OUTPUT_EXPLORER_HTTP_TLS_KEY_FILE")]
    tls_key_file: Option<PathBuf>,
    /// Whoever connects needs a certificate of one of these authorities (PEM), besides a token
    #[arg(long = "http-client-ca-file", value_name = "FILE", env = "OUTPUT_EXPLORER_HTTP_CLIENT_CA_FILE")]
    client_ca_file: Option<PathBuf>,
    /// Listen beyond this host without TLS, though everybody on the way then reads the tokens and all answers; only where
    /// something else encrypts [default: false]
    #[arg(
        long = "http-allow-tokens-in-clear",
        value_name = "BOOL",
        env = "OUTPUT_EXPLORER_HTTP_ALLOW_TOKENS_IN_CLEAR"
    )]
    allow_tokens_in_clear: Option<bool>,
    /// Answer these networks only, like 10.1.0.0/16 or 10.1.2.3/32, with commas between them [default: everybody]
    #[arg(
        long = "http-allow",
        value_name = "NETWORK",
        value_delimiter = ',',
        env = "OUTPUT_EXPLORER_HTTP_ALLOW"
    )]
    allow: Option<Vec<IpNet>>,
    /// Answer each token so many requests a second [default: 100]
    #[arg(
        long = "http-requests-per-second",
        value_name = "N",
        env = "OUTPUT_EXPLORER_HTTP_REQUESTS_PER_SECOND"
    )]
    requests_per_second: Option<NonZeroU32>,
    /// Answer each address so many requests a second [default: 200]
    #[arg(
        long = "http-requests-per-second-per-address",
        value_name = "N",
        env = "OUTPUT_EXPLORER_HTTP_REQUESTS_PER_SECOND_PER_ADDRESS"
    )]
    requests_per_second_per_address: Option<NonZeroU32>,
    /// Be ready (/readyz) up to so many blocks behind the node [default: 3]
    #[arg(long = "http-ready-blocks", value_name = "N", env = "OUTPUT_EXPLORER_HTTP_READY_BLOCKS")]
    ready_blocks: Option<u32>,
    /// Whose JSON web tokens are taken; in the file only.
    #[arg(skip)]
    jwt: Vec<JwtIssuer>,
}

/// Somebody whose JSON web tokens are taken.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JwtIssuer {
    /// The claim `iss`.
    pub issuer: String,
    /// The claim `aud`: what names this explorer.
    pub audience: String,
    /// How its tokens are signed.
    pub algorithm: JwtAlgorithm,
    /// The public key as PEM (`BEGIN PUBLIC KEY`).
    pub public_key_file: PathBuf,
}

/// How a JSON web token may be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum JwtAlgorithm {
    /// ECDSA on P-256.
    #[serde(rename = "ES256")]
    Es256,
    /// RSA as of PKCS#1 v1.5, with at least 2048 bits.
    #[serde(rename = "RS256")]
    Rs256,
}

/// Who may ask over HTTP, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The files for TLS, if there is to be TLS.
    pub tls: Option<TlsFiles>,
    /// The networks that are answered; all where there is none.
    pub allow: Vec<IpNet>,
    /// Requests of each token per second.
    pub requests_per_second: NonZeroU32,
    /// Requests from each address per second.
    pub requests_per_second_per_address: NonZeroU32,
    /// How many blocks behind the node it still counts as ready.
    pub ready_blocks: u32,
    /// Whose JSON web tokens are taken.
    pub jwt: Vec<JwtIssuer>,
}

/// The files for TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authorities of the clients' certificates, if clients need any.
    pub client_ca: Option<PathBuf>,
}

impl HttpSettings {
    /// These settings, with `file` filling the gaps and the defaults the rest; none without an address to listen at.
    ///
    /// # Errors
    /// [`HttpSettingsError`] where they do not go together.
    pub(crate) fn config(self, file: Self) -> Result<Option<HttpConfig>, HttpSettingsError> {
        let Some(listen) = self.listen.or(file.listen) else { return Ok(None) };
        let client_ca = self.client_ca_file.or(file.client_ca_file);
        let certificate = self.tls_certificate_file.or(file.tls_certificate_file);
        let tls = match (certificate, self.tls_key_file.or(file.tls_key_file)) {
            (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key, client_ca }),
            (None, None) if client_ca.is_some() => return Err(HttpSettingsError::ClientsWithoutTls),
            (None, None) => None,
            _ => return Err(HttpSettingsError::HalfOfTls),
        };
        let in_clear = self.allow_tokens_in_clear.or(file.allow_tokens_in_clear).unwrap_or(false);
        if tls.is_none() && !listen.ip().to_canonical().is_loopback() && !in_clear {
            return Err(HttpSettingsError::TokensInClear(listen));
        }
        let rate = |flag: Option<NonZeroU32>, file, default| flag.or(file).unwrap_or(default);
        Ok(Some(HttpConfig {
            listen,
            tls,
            allow: self.allow.or(file.allow).unwrap_or_default(),
            requests_per_second: rate(self.requests_per_second, file.requests_per_second, PER_TOKEN),
            requests_per_second_per_address: rate(
                self.requests_per_second_per_address,
                file.requests_per_second_per_address,
                PER_ADDRESS,
            ),
            ready_blocks: self.ready_blocks.or(file.ready_blocks).unwrap_or(3),
            jwt: file.jwt,
        }))
    }
}

/// Requests of a token per second, unless something else is said.
const PER_TOKEN: NonZeroU32 = NonZeroU32::new(100).expect("it is above zero");

/// Requests from an address per second, unless something else is said.
const PER_ADDRESS: NonZeroU32 = NonZeroU32::new(200).expect("it is above zero");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use HttpSettingsError::{ClientsWithoutTls, HalfOfTls, TokensInClear};

    fn config(text: &str) -> Result<Option<HttpConfig>, HttpSettingsError> {
        HttpSettings::default().config(toml::from_str(text).unwrap())
    }

    #[test]
    fn the_annotated_example_names_every_key_with_its_default() {
        let text = include_str!("../../output-explorer.toml.example").replace("#:", "");
        let http = toml::from_str::<Settings>(&text).unwrap().http;
        let HttpSettings { listen, tls_certificate_file, tls_key_file, client_ca_file, jwt, .. } = &http;
        assert!(tls_certificate_file.is_some() && tls_key_file.is_some() && client_ca_file.is_some());
        assert_eq!(jwt.len(), 1);
        let HttpSettings { allow_tokens_in_clear, allow, ready_blocks, .. } = &http;
        assert!(*allow_tokens_in_clear == Some(false) && allow.is_some() && ready_blocks.is_some());
        assert!(http.requests_per_second.is_some() && http.requests_per_second_per_address.is_some());
        let only_listening = HttpSettings { listen: *listen, ..HttpSettings::default() };
        let default = only_listening.config(HttpSettings::default()).unwrap().unwrap();
        let config = HttpSettings::default().config(http).unwrap().unwrap();
        assert_eq!(HttpConfig { tls: None, jwt: Vec::new(), ..config }, default);
    }

    #[test]
    fn nothing_listens_unless_it_is_said_where() {
        assert_eq!(config("allow = [\"10.0.0.0/8\"]"), Ok(None));
    }

    #[test]
    fn tokens_cross_a_network_in_clear_only_where_that_is_said() {
        for loopback in ["127.0.0.1:80", "127.1.2.3:80", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
            assert!(config(&format!("listen = {loopback:?}")).is_ok(), "{loopback}");
        }
        for beyond in ["0.0.0.0:80", "[::]:80", "10.0.0.1:80", "[::ffff:10.0.0.1]:80"] {
            let listen = format!("listen = {beyond:?}\n");
            assert_eq!(config(&listen), Err(TokensInClear(beyond.parse().unwrap())));
            assert!(config(&(listen.clone() + "allow_tokens_in_clear = true")).is_ok());
            assert!(config(&(listen + "tls_certificate_file = \"c\"\ntls_key_file = \"k\"")).is_ok());
        }
    }

    #[test]
    fn half_of_tls_is_none() {
        let listen = "listen = \"127.0.0.1:80\"\n".to_owned();
        assert_eq!(config(&(listen.clone() + "tls_certificate_file = \"c\"")), Err(HalfOfTls));
        assert_eq!(config(&(listen.clone() + "tls_key_file = \"k\"")), Err(HalfOfTls));
        assert_eq!(config(&(listen + "client_ca_file = \"ca\"")), Err(ClientsWithoutTls));
    }

    #[test]
    fn what_is_no_rate_no_network_and_no_algorithm_is_refused() {
        let issuer = "[[jwt]]\nissuer = \"i\"\naudience = \"a\"\npublic_key_file = \"k\"\nalgorithm = ";
        for text in ["requests_per_second = 0", "allow = [\"10.0.0.1\"]", &format!("{issuer}\"HS256\"")] {
            assert!(toml::from_str::<HttpSettings>(text).is_err(), "{text}");
        }
        assert!(toml::from_str::<HttpSettings>(&format!("{issuer}\"ES256\"")).is_ok());
    }
}
