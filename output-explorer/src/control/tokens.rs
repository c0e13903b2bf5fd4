//! Tokens for HTTP: made, listed and revoked. Their secrets never come here: whoever makes one keeps it, and sends the
//! digest.

use crate::access::Role;
use crate::access::token::{Token, TokenDigest, TokenId};
use crate::clock::now;
use crate::ledger::Ledger;
use crate::ledger::tokens::{TokenError, TokenRecord};
use serde::{Deserialize, Serialize};
use stegos_common::api::encoding::Timestamp;

/// A question about tokens, or a change of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum TokenRequest {
    /// Take a new one.
    Add {
        /// Its id.
        id: TokenId,
        /// The digest of its text.
        digest: TokenDigest,
        /// What it is for.
        name: String,
        /// What it may do.
        role: Role,
        /// When it ends by itself.
        expires: Option<Timestamp>,
    },
    /// All, also those that are over.
    List,
    /// Take one no more.
    Revoke {
        /// Its id.
        id: TokenId,
    },
}

/// Answers with the tokens that were asked about.
///
/// # Errors
/// [`TokenError`].
pub(super) fn answer(ledger: &Ledger, request: TokenRequest) -> Result<Vec<Token>, TokenError> {
    let now = now();
    match request {
        TokenRequest::Add { id, digest, name, role, expires } => {
            let token = Token { id, name, role, created: now, expires, revoked: None };
            let record = TokenRecord { token, digest };
            ledger.add_token(&record)?;
            Ok(vec![record.token])
        }
        TokenRequest::List => Ok(ledger.tokens()?),
        TokenRequest::Revoke { id } => Ok(vec![ledger.revoke_token(id, now)?]),
    }
}
