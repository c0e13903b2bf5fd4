//! Recovery phrases: a secret key as 24 English words (protocol page §3).
//!
//! The words are those of BIP-39, but the phrase is not a BIP-39 one: it holds the 32 bytes of the key and
//! one byte that is the xor of them, 33 bytes in all, as 24 indices of 11 bits, the highest bit first.

use crate::keys::{SecretKey, SecretKeyError};
use bip39::Language;
use thiserror::Error;
use zeroize::Zeroizing;

/// The number of words of a phrase.
pub const WORDS: usize = 24;

/// Bits of a word's index in the list of 2048.
const WORD_BITS: usize = 11;

/// Bytes of the key with its checksum.
const BYTES: usize = 33;

/// Letters of the longest word, and a blank.
const LONGEST_WORD: usize = 9;

/// A text that is no recovery phrase. It never repeats a word of the text: even a mistyped phrase is secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RecoveryError {
    /// Too few or too many words.
    #[error("a recovery phrase has {WORDS} words, this one has {0}")]
    WordCount(usize),
    /// The word at this position, counted from 1, is not in the list.
    #[error("word {0} is not in the English BIP-39 list: check its spelling (lower case, not shortened)")]
    UnknownWord(usize),
    /// All words are known, but do not belong together.
    #[error("the checksum of the recovery phrase does not match: check the words and their order")]
    Checksum,
    /// The phrase is well formed, but what it holds is no key.
    #[error("the recovery phrase holds no key: {0}")]
    SecretKey(#[from] SecretKeyError),
}

/// Writes a key as 24 lower-case words with one blank between them.
#[must_use]
pub fn to_phrase(key: &SecretKey) -> Zeroizing<String> {
    let key = key.to_bytes();
    let checksum = checksum(key.as_slice());
    // Large enough from the start: a string that grows leaves copies behind.
    let mut phrase = Zeroizing::new(String::with_capacity(WORDS * LONGEST_WORD));
    let mut bits = Zeroizing::new(0_usize);
    let mut pending = 0;
    for byte in key.iter().chain([&*checksum]) {
        *bits = (*bits << 8) | usize::from(*byte);
        pending += 8;
        if pending >= WORD_BITS {
            pending -= WORD_BITS;
            // 2048 words: the remainder is always an index of the list.
            let index = (*bits >> pending) % Language::English.word_list().len();
            if !phrase.is_empty() {
                phrase.push(' ');
            }
            phrase.extend(Language::English.word_list().get(index).copied());
        }
    }
    phrase
}

/// Reads a phrase of 24 lower-case words.
///
/// Blanks and line breaks may surround the words and may be several between two of them, as in a phrase that
/// was typed from paper. The deployed node wants single blanks; what both accept is the same key.
///
/// # Errors
/// [`RecoveryError`]; among them the key zero (24 times `abandon`), which the deployed node accepts.
pub fn from_phrase(phrase: &str) -> Result<SecretKey, RecoveryError> {
    let count = phrase.split_whitespace().count();
    if count != WORDS {
        return Err(RecoveryError::WordCount(count));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(BYTES));
    let mut bits = Zeroizing::new(0_usize);
    let mut pending = 0;
    for (position, word) in (1..).zip(phrase.split_whitespace()) {
        let index = Language::English.find_word(word).ok_or(RecoveryError::UnknownWord(position))?;
        *bits = (*bits << WORD_BITS) | usize::from(index);
        pending += WORD_BITS;
        while pending >= 8 {
            pending -= 8;
            let [.., byte] = (*bits >> pending).to_be_bytes();
            bytes.push(byte);
        }
    }
    if bytes.pop() != Some(*checksum(&bytes)) {
        return Err(RecoveryError::Checksum);
    }
    Ok(SecretKey::from_bytes(&bytes)?)
}

/// The xor of all bytes.
fn checksum(key: &[u8]) -> Zeroizing<u8> {
    Zeroizing::new(key.iter().fold(0, |sum, byte| sum ^ byte))
}
