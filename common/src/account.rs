//! Account names: how an exchange calls a user, on both sides of the gap.

use crate::text::excerpt;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// No account name is longer, in characters.
const MAX_LENGTH: usize = 128;

/// A name that can be read from a screen or paper and typed again, which restores the account's key, and that no
/// spreadsheet takes for a formula: up to 128 characters of printable ASCII, single blanks between words, no `=`, `+`,
/// `-` or `@` in front.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountName(String);

/// A text that is no account name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("account name {name:?}: {reason}")]
pub struct AccountNameError {
    /// The text, shortened.
    pub name: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl AccountName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountName {
    type Err = AccountNameError;

    fn from_str(name: &str) -> Result<Self, AccountNameError> {
        let reason = if name.is_empty() {
            "it is empty"
        } else if name.len() > MAX_LENGTH {
            "it is longer than 128 characters"
        } else if !name.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            "use letters without accents, digits, punctuation and blanks only (printable ASCII)"
        } else if name.starts_with(' ') || name.ends_with(' ') || name.contains("  ") {
            "blanks may stand between two words only, one at a time"
        } else if name.starts_with(['=', '+', '-', '@']) {
            "it starts with one of = + - @, which spreadsheets take for a formula"
        } else {
            return Ok(Self(name.to_owned()));
        };
        Err(AccountNameError { name: excerpt(name), reason })
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
