//! The age file around a backup (age-encryption.org/v1): to a passphrase, or to people's keys. Any age program opens it.

use crate::passphrase::Passphrase;
use age::secrecy::SecretString;
use age::{Decryptor, EncryptError, Encryptor, Identity, IdentityFile, Recipient, scrypt, x25519};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use thiserror::Error;
use zeroize::Zeroizing;

/// No file of recipients is longer, in bytes.
const MAX_KEYS: u64 = 64 << 10;

/// What a passphrase costs to try, as a power of two: 2^18 are 256 MiB, as other age programs take.
const WORK: u8 = 18;

/// What is paid at most to open a file that says it costs more: 2^20 are a gigabyte.
const MAX_WORK: u8 = 20;

/// Why an age file cannot be made or opened.
#[derive(Debug, Error)]
pub enum EnvelopeError {
    /// A text that is no recipient.
    #[error("{text:?} is no age recipient ({reason}): it begins with age1, as `age-keygen` shows it")]
    Recipient {
        /// The text.
        text: String,
        /// What is wrong.
        reason: String,
    },
    /// A file that cannot be read, or is something else.
    #[error("{}: {reason}", path.display())]
    Keys {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// It is encrypted to keys.
    #[error("the backup is encrypted to age recipients: name the file of an identity with --identity")]
    NeedsIdentity,
    /// It is encrypted to a passphrase.
    #[error("the backup is encrypted to a passphrase, not to recipients: leave --identity out")]
    NeedsPassphrase,
    /// It does not open.
    #[error("the backup does not open: {0}")]
    Closed(String),
    /// It cannot be encrypted.
    #[error("the backup cannot be encrypted: {0}")]
    Encrypt(String),
}

/// Who can open a new backup.
pub enum Closing {
    /// Whoever knows it.
    Passphrase(Passphrase),
    /// Each of them.
    Recipients(Recipients),
}

/// People's keys, at least one.
pub struct Recipients(Vec<x25519::Recipient>);

impl Recipients {
    /// From texts, and from files with one text per line; lines with `#` are comments.
    ///
    /// # Errors
    /// `Recipient` and `Keys`.
    pub fn read(texts: &[String], files: &[PathBuf]) -> Result<Self, EnvelopeError> {
        let mut recipients = texts.iter().map(|text| recipient(text)).collect::<Result<Vec<_>, _>>()?;
        for path in files {
            let wrong = |reason: String| EnvelopeError::Keys { path: path.clone(), reason };
            let file = File::open(path).map_err(|error| wrong(error.to_string()))?;
            if file.metadata().map_err(|error| wrong(error.to_string()))?.len() > MAX_KEYS {
                return Err(wrong(format!("it is longer than {MAX_KEYS} bytes")));
            }
            for line in BufReader::new(file.take(MAX_KEYS)).lines() {
                let line = line.map_err(|error| wrong(error.to_string()))?;
                let text = line.trim();
                if !text.is_empty() && !text.starts_with('#') {
                    recipients.push(recipient(text)?);
                }
            }
            if recipients.is_empty() {
                return Err(wrong("there is no recipient in it".to_owned()));
            }
        }
        Ok(Self(recipients))
    }
}

fn recipient(text: &str) -> Result<x25519::Recipient, EnvelopeError> {
    let wrong = |reason: &str| EnvelopeError::Recipient {
        text: stegos_common::text::excerpt(text),
        reason: reason.to_owned(),
    };
    text.parse().map_err(wrong)
}

/// What opens a backup.
pub enum Opening {
    /// A passphrase.
    Passphrase(Passphrase),
    /// The secret keys of recipients.
    Identities(Vec<Box<dyn Identity>>),
}

impl Opening {
    /// Secret keys, as `age-keygen` writes them: the texts of files, with the paths they are from.
    ///
    /// # Errors
    /// `Keys`, which shows nothing of what is in them.
    pub fn identities(texts: &[(&Path, Zeroizing<String>)]) -> Result<Self, EnvelopeError> {
        let mut identities = Vec::new();
        for (path, text) in texts {
            let wrong = || EnvelopeError::Keys {
                path: path.to_path_buf(),
                reason: "it must hold secret keys of age, as `age-keygen` writes them".to_owned(),
            };
            let read = IdentityFile::from_buffer(text.as_bytes()).map_err(|_| wrong())?;
            identities.extend(read.into_identities().map_err(|_| wrong())?);
        }
        Ok(Self::Identities(identities))
    }
}

/// Runs `write` on what is encrypted into `out`.
///
/// # Errors
/// Those of `write` and [`EnvelopeError`]; what is in `out` is worth nothing then.
pub fn close<T, E: From<EnvelopeError> + From<io::Error>>(
    closing: &Closing,
    out: &mut dyn Write,
    write: impl FnOnce(&mut dyn Write) -> Result<T, E>,
) -> Result<T, E> {
    let wrong = |error: EncryptError| EnvelopeError::Encrypt(error.to_string());
    let encryptor = match closing {
        Closing::Passphrase(passphrase) => {
            let mut recipient = scrypt::Recipient::new(secret(passphrase));
            recipient.set_work_factor(WORK);
            let recipient: &dyn Recipient = &recipient;
            Encryptor::with_recipients(std::iter::once(recipient)).map_err(wrong)?
        }
        Closing::Recipients(Recipients(recipients)) => {
            let recipients = recipients.iter().map(|recipient| -> &dyn Recipient { recipient });
            Encryptor::with_recipients(recipients).map_err(wrong)?
        }
    };
    let mut encrypted = encryptor.wrap_output(out)?;
    let written = write(&mut encrypted)?;
    encrypted.finish()?;
    Ok(written)
}

/// Whether a file is encrypted to a passphrase. Nothing of it is proved by that.
///
/// # Errors
/// `Closed` where it is no age file.
pub fn needs_passphrase(source: impl Read) -> Result<bool, EnvelopeError> {
    Ok(Decryptor::new(source).map_err(closed)?.is_scrypt())
}

/// What is in an age file. Each part of it is authenticated before it is read.
///
/// # Errors
/// [`EnvelopeError`].
pub fn open<R: Read>(source: R, opening: Opening) -> Result<impl Read + use<R>, EnvelopeError> {
    let decryptor = Decryptor::new(source).map_err(closed)?;
    match opening {
        Opening::Identities(identities) if identities.is_empty() && !decryptor.is_scrypt() => {
            Err(EnvelopeError::NeedsIdentity)
        }
        Opening::Passphrase(_) if !decryptor.is_scrypt() => Err(EnvelopeError::NeedsIdentity),
        Opening::Identities(_) if decryptor.is_scrypt() => Err(EnvelopeError::NeedsPassphrase),
        Opening::Passphrase(passphrase) => {
            let mut identity = scrypt::Identity::new(secret(&passphrase));
            identity.set_max_work_factor(MAX_WORK);
            let identity: &dyn Identity = &identity;
            decryptor.decrypt(std::iter::once(identity)).map_err(closed)
        }
        Opening::Identities(identities) => {
            decryptor.decrypt(identities.iter().map(|identity| &**identity)).map_err(closed)
        }
    }
}

fn closed(error: age::DecryptError) -> EnvelopeError {
    EnvelopeError::Closed(error.to_string())
}

fn secret(passphrase: &Passphrase) -> SecretString {
    SecretString::from(passphrase.expose().to_owned())
}
