//! Making a backup of an open store, of which nothing changes meanwhile.

use super::manifest::{Content, Manifest};
use super::members::{Encoded, Measured};
use super::{BackupError, MANIFEST, POLICY, RECORDS, SEAL, last};
use crate::envelope::{Closing, close};
use crate::journal;
use crate::keystore::{Keystore, header};
use jiff::Timestamp;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use tar::{Builder, Header};

impl Keystore {
    /// Writes a backup into a new file, complete or not at all, and notes when that was.
    ///
    /// # Errors
    /// [`BackupError`]; there is no such file then, or its name may not last.
    pub fn back_up_to(
        &self,
        path: &Path,
        closing: &Closing,
        policy: Option<&str>,
        now: Timestamp,
    ) -> Result<Manifest, BackupError> {
        let made = u64::try_from(now.as_millisecond()).unwrap_or_default();
        let mut written = None;
        let disk = self.directory.disk();
        let placed = disk.write_new(path, |file| {
            let backup = close(closing, file, |out| self.back_up(policy, made, out));
            let done = backup.is_ok();
            written = Some(backup);
            if done { Ok(()) } else { Err(ErrorKind::Other.into()) }
        });
        match (placed, written) {
            (_, Some(Err(error))) => Err(error),
            (Err(error), _) if error.kind() == ErrorKind::AlreadyExists => {
                Err(BackupError::FileExists(path.to_owned()))
            }
            (Err(error), _) => Err(error.into()),
            (Ok(()), Some(Ok(manifest))) => {
                last::note(self.dir(), disk, |last| last.made = Some(now))?;
                Ok(manifest)
            }
            (Ok(()), None) => Err(BackupError::Io(ErrorKind::Other.into())),
        }
    }

    /// Writes a backup: the store's header, records and journal, all of which are read and authenticated, and the text
    /// of the policy, where one is in force. `made` is the time, in milliseconds since 1970 UTC.
    ///
    /// # Errors
    /// [`BackupError`]; what was written is no backup then.
    fn back_up(&self, policy: Option<&str>, made: u64, out: &mut dyn Write) -> Result<Manifest, BackupError> {
        let (journal_bytes, position) = self.read_whole_journal()?;
        let path = self.dir().join(journal::FILE);
        let journal = || Ok::<_, BackupError>(File::open(&path)?.take(journal_bytes));
        let header = fs::read(self.dir().join(header::FILE))?;
        let records = || Encoded::new(self.store.scan(b""));
        let accounts = self.accounts.iter().count() as u64;

        let mut manifest = Manifest::new(self.network(), *self.id(), made, accounts, position);
        manifest.add(header::FILE, Measured::of(header.as_slice())?);
        manifest.add(RECORDS, Measured::of(records())?);
        manifest.add(journal::FILE, Measured::of(journal()?)?);
        if let Some(policy) = policy {
            manifest.add(POLICY, Measured::of(policy.as_bytes())?);
        }
        let (text, seal) = manifest.sealed(&self.data_key)?;

        let mut archive = Builder::new(out);
        let mut append = |name: &str, content: &mut dyn Read| {
            let bytes = match manifest.content(name) {
                Some(Content { bytes, .. }) => bytes,
                None if name == SEAL => seal.len() as u64,
                None => text.len() as u64,
            };
            let mut head = Header::new_ustar();
            head.set_size(bytes);
            head.set_mode(0o600);
            head.set_mtime(made / 1000);
            archive.append_data(&mut head, name, content)
        };
        append(MANIFEST, &mut text.as_bytes())?;
        append(SEAL, &mut seal.as_slice())?;
        append(header::FILE, &mut header.as_slice())?;
        append(RECORDS, &mut records())?;
        append(journal::FILE, &mut journal()?)?;
        if let Some(policy) = policy {
            append(POLICY, &mut policy.as_bytes())?;
        }
        archive.finish()?;
        Ok(manifest)
    }
}
