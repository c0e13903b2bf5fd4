//! `key import`: an account with a key of its own.
//!
//! Such a key is lost with the store, whatever words are written down. The program says so each time.

use super::public::PublicFacts;
use super::{StoreArgs, say};
use crate::error::Error;
use crate::passphrase::Source;
use clap::Args;
use std::fs::File;
use std::io::{Read, Write, stdout};
use std::path::{Path, PathBuf};
use stegos_common::keyfile;
use stegos_common::keys::SecretKey;
use stegos_common::recovery;
use zeroize::Zeroizing;

const AFTER_HELP: &str = "\
The recovery words of the key store do not cover imported keys: keep a backup of each.

Examples:
  cold-signer key import hot-wallet --secret-file secret.hex
  cold-signer key import old-vault --phrase
  cold-signer key import node --keyfile account.skey";

/// Add an account with a key that exists already
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Import {
    /// The account's name, by the rules of `key add`
    account: String,
    #[command(flatten)]
    source: KeySource,
    /// Read the recovery words of --phrase from this open file descriptor
    #[arg(long, value_name = "N", requires = "phrase")]
    phrase_fd: Option<u32>,
    /// Read the password of the key file from this open file descriptor
    #[arg(long, value_name = "N", requires = "keyfile", conflicts_with = "keyfile_password_file")]
    keyfile_password_fd: Option<u32>,
    /// Read the password of the key file from this file (mode 0600)
    #[arg(long, value_name = "FILE", requires = "keyfile")]
    keyfile_password_file: Option<PathBuf>,
}

/// Where the key is. Exactly one is given.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct KeySource {
    /// A file (mode 0600) with 64 hex digits, or 32 numbers in brackets as in the API; little-endian bytes
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// The 24 recovery words of the key, asked on the terminal
    #[arg(long)]
    phrase: bool,
    /// An encrypted key file of a Stegos node; its password is asked on the terminal
    #[arg(long, value_name = "FILE")]
    keyfile: Option<PathBuf>,
}

impl Import {
    pub(super) fn run(self, store: &StoreArgs) -> Result<(), Error> {
        let mut keystore = store.open()?;
        keystore.import(&self.account, self.read_key()?)?;
        if let Some(account) = keystore.accounts().last() {
            let facts = PublicFacts::of(&keystore, account);
            writeln!(stdout(), "Imported {}: {}", facts.account, facts.address)?;
        }
        say("The recovery words do NOT cover this key: keep a backup of it.");
        Ok(())
    }

    /// The key from whichever source was given.
    fn read_key(&self) -> Result<SecretKey, Error> {
        if let Some(path) = &self.source.secret_file {
            let text = Source::File(path.clone()).read("secret key")?;
            return parse_secret(&text, path);
        }
        if let Some(path) = &self.source.keyfile {
            let pem = read_keyfile(path)?;
            let descriptor = self.keyfile_password_fd;
            let source = Source::from_options(descriptor, self.keyfile_password_file.as_deref());
            let password = source.read("password of the key file")?;
            return keyfile::decrypt(&pem, &password)
                .map_err(|source| Error::KeyFile { path: path.clone(), source });
        }
        let words = Source::from_options(self.phrase_fd, None).read("24 recovery words")?;
        Ok(recovery::from_phrase(&words)?)
    }
}

/// Reads 64 hex digits or a JSON array of 32 numbers, the little-endian bytes of the API either way.
///
/// # Errors
/// [`Error::SecretFile`], which never shows what the file holds.
fn parse_secret(text: &str, path: &Path) -> Result<SecretKey, Error> {
    let refused = |reason: String| Error::SecretFile { path: path.to_owned(), reason };
    let text = text.trim();
    let mut bytes = Zeroizing::new([0; 32]);
    if text.starts_with('[') {
        // The parser's own message may show what it read.
        bytes = serde_json::from_str(text)
            .map(Zeroizing::new)
            .map_err(|_| refused("not 32 numbers from 0 to 255 in brackets".to_owned()))?;
    } else {
        hex::decode_to_slice(text, bytes.as_mut_slice())
            .map_err(|_| refused("not 64 hex digits".to_owned()))?;
    }
    SecretKey::from_bytes(bytes.as_slice()).map_err(|error| refused(error.to_string()))
}

/// A key file is encrypted, so that its mode does not matter; it is read only as far as one can be long.
fn read_keyfile(path: &Path) -> Result<String, Error> {
    let mut pem = String::new();
    let limit = keyfile::MAX_LENGTH as u64 + 1;
    File::open(path)
        .and_then(|file| file.take(limit).read_to_string(&mut pem))
        .map_err(|source| Error::File { path: path.to_owned(), source })?;
    Ok(pem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_in_both_notations_and_nothing_else() {
        let parse = |text: &str| parse_secret(text, Path::new("f"));
        let key = SecretKey::from_seed(b"x");
        let bytes = key.to_bytes();
        for good in
            [hex::encode(*bytes), format!("{:?}", *bytes), format!(" {} \n", hex::encode_upper(*bytes))]
        {
            assert!(parse(&good).is_ok_and(|read| read.to_bytes() == bytes), "{good}");
        }
        let secret = "7".repeat(62);
        for bad in
            [String::new(), secret.clone(), "00".repeat(32), "ff".repeat(32), "[1, 2]".into(), "[777]".into()]
        {
            let error = parse(&bad).err().unwrap().to_string();
            assert!(!error.contains("777"), "{error}");
        }
    }
}
