//! Who may ask over HTTP, from where, and how often. Nothing here knows HTTP itself: the server asks, for each request,
//! [`AllowList`], [`Limits`], then [`Access::caller`], and before it does something [`Role::may`].

mod allow;
mod jwt;
mod limits;
mod private;
mod role;
#[cfg(test)]
mod tests;
mod tls;
pub mod token;

pub use allow::AllowList;
pub use jwt::KeyError;
pub use limits::Limits;
pub use private::PrivateFileError;
pub(crate) use private::read_private;
pub use role::{Right, Role};
pub use tls::{TlsError, client_config, server_config};

use crate::ledger::{Ledger, LedgerError};
use crate::settings::HttpConfig;
use jwt::Issuer;
use std::sync::Arc;
use stegos_common::api::encoding::Timestamp;
use thiserror::Error;

/// Why access cannot be decided on as the configuration says.
#[derive(Debug, Error)]
pub enum AccessConfigError {
    /// The key of an issuer of JSON web tokens.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Why nobody is known to ask.
#[derive(Debug, Error)]
pub enum AccessError {
    /// The request says nothing of who asks.
    #[error("say who asks: send a token as `Authorization: Bearer …`")]
    NoCredentials,
    /// What it says is not so. Nothing tells whether there was ever such a token, or why it is none now.
    #[error("the token is not valid")]
    NotValid,
    /// The ledger fails.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl AccessError {
    /// The value of `WWW-Authenticate` (RFC 6750) in the answer; none where the fault is ours.
    #[must_use]
    pub const fn challenge(&self) -> Option<&'static str> {
        match self {
            Self::NoCredentials => Some("Bearer realm=\"output-explorer\""),
            Self::NotValid => Some("Bearer realm=\"output-explorer\", error=\"invalid_token\""),
            Self::Ledger(_) => None,
        }
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Caller {
    /// The same for ever: the id of a token of ours, or `issuer|subject` of a JSON web token.
    pub id: String,
    /// What it may do.
    pub role: Role,
}

/// Knows who asks.
pub struct Access {
    ledger: Arc<Ledger>,
    issuers: Vec<Issuer>,
}

impl Access {
    /// With the tokens of a ledger and the issuers of the configuration.
    ///
    /// # Errors
    /// [`AccessConfigError`] where the key of an issuer cannot be used.
    pub fn new(config: &HttpConfig, ledger: Arc<Ledger>) -> Result<Self, AccessConfigError> {
        let issuers = config.jwt.iter().map(Issuer::new).collect::<Result<_, _>>()?;
        Ok(Self { ledger, issuers })
    }

    /// Who asks with this `Authorization`. Tokens are looked up each time, so that one which is revoked is none at once.
    ///
    /// # Errors
    /// [`AccessError`] where nobody is known by it.
    pub fn caller(&self, authorization: Option<&str>, now: Timestamp) -> Result<Caller, AccessError> {
        let (scheme, text) =
            authorization.ok_or(AccessError::NoCredentials)?.split_once(' ').ok_or(AccessError::NotValid)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(AccessError::NotValid);
        }
        let text = text.trim_matches(' ');
        if text.starts_with(token::PREFIX) {
            return self.token(text, now)?.ok_or(AccessError::NotValid);
        }
        self.issuers.iter().find_map(|issuer| issuer.caller(text, now)).ok_or(AccessError::NotValid)
    }

    /// A token that is not there takes the same work as one that is.
    fn token(&self, text: &str, now: Timestamp) -> Result<Option<Caller>, LedgerError> {
        let stored = token::id_of(text).map(|id| self.ledger.token_record(id)).transpose()?.flatten();
        let is_it = token::is_of(text, stored.as_ref().map(|record| &record.digest));
        let found = stored.filter(|record| is_it && record.token.is_valid(now)).map(|record| record.token);
        Ok(found.map(|token| Caller { id: token.id.to_string(), role: token.role }))
    }
}
