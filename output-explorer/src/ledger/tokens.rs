//! Tokens for those who ask over HTTP. No node could give them back.

use super::handoffs::to_json;
use super::store::{Batch, beginning_with};
use super::value::damaged;
use super::{Ledger, LedgerError, table};
use crate::access::token::{Token, TokenDigest, TokenId};
use serde::{Deserialize, Serialize};
use stegos_common::api::encoding::Timestamp;
use thiserror::Error;

/// The longest name of a token, in characters.
const NAME: usize = 128;

/// A token as it is stored, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRecord {
    /// What may be known of it.
    pub token: Token,
    /// What it is compared by.
    pub digest: TokenDigest,
}

/// Why a token is not stored or changed.
#[derive(Debug, Error)]
pub enum TokenError {
    /// The id is taken.
    #[error("there is a token {0} already: make another one")]
    Known(TokenId),
    /// A name that is too long, or would not be shown as it is.
    #[error("the name of a token has up to {NAME} characters, and none that control a terminal")]
    Name,
    /// There is no such token.
    #[error("there is no token {0}; see `token list`")]
    Unknown(TokenId),
    /// The ledger fails.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Ledger {
    /// Stores a new token.
    ///
    /// # Errors
    /// [`TokenError::Known`], [`TokenError::Name`].
    pub fn add_token(&self, record: &TokenRecord) -> Result<(), TokenError> {
        let name = &record.token.name;
        if name.chars().count() > NAME || name.chars().any(char::is_control) {
            return Err(TokenError::Name);
        }
        let mut state = self.write()?;
        let (id, key) = (record.token.id, table::token(record.token.id));
        if self.store.get(&key).map_err(LedgerError::from)?.is_some() {
            return Err(TokenError::Known(id));
        }
        let mut batch = Batch::default();
        batch.put(key, to_json(record));
        Ok(self.store_own(&mut state, batch, Vec::new())?)
    }

    /// Revokes a token, disables its webhooks, and answers what is known of it. One that was revoked before stays so since then.
    ///
    /// # Errors
    /// [`TokenError::Unknown`].
    pub fn revoke_token(&self, id: TokenId, now: Timestamp) -> Result<Token, TokenError> {
        let mut state = self.write()?;
        let key = table::token(id);
        let mut record: TokenRecord = self.json(&key)?.ok_or(TokenError::Unknown(id))?;
        if record.token.revoked.is_none() {
            record.token.revoked = Some(now);
            let mut batch = Batch::default();
            batch.put(key, to_json(&record));
            // Whoever had it is told nothing more.
            self.disable_endpoints(&mut batch, &id.to_string())?;
            self.store_own(&mut state, batch, Vec::new())?;
        }
        Ok(record.token)
    }

    /// All tokens, also those that are over, the oldest first.
    ///
    /// # Errors
    /// [`LedgerError`] where the database fails.
    pub fn tokens(&self) -> Result<Vec<Token>, LedgerError> {
        let _state = self.read()?;
        let mut tokens = Vec::new();
        for pair in self.store.scan(beginning_with(table::TOKENS)) {
            let record: TokenRecord = serde_json::from_slice(&pair?.1).map_err(|_| damaged(table::TOKENS))?;
            tokens.push(record.token);
        }
        tokens.sort_by_key(|token: &Token| (token.created, token.id));
        Ok(tokens)
    }

    /// Whether a subscriber is a token that opens nothing any more. Holders of JSON web tokens are told things for as long
    /// as they have not been taken off: their tokens last minutes.
    ///
    /// # Errors
    /// [`LedgerError`] where the database fails.
    pub(crate) fn is_over(&self, subscriber: &str, now: Timestamp) -> Result<bool, LedgerError> {
        let Ok(id) = subscriber.parse() else { return Ok(false) };
        Ok(self.token_record(id)?.is_some_and(|record| !record.token.is_valid(now)))
    }

    /// A token as it is stored.
    ///
    /// # Errors
    /// [`LedgerError`] where the database fails.
    pub fn token_record(&self, id: TokenId) -> Result<Option<TokenRecord>, LedgerError> {
        let _state = self.read()?;
        self.json(&table::token(id))
    }
}
