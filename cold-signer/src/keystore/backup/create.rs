//! Making a backup of an open store, of which nothing changes meanwhile.

use super::manifest::Manifest;
use super::members::{Encoded, Measured};
use super::{BackupError, MANIFEST, POLICY, RECORDS, SEAL, last};
use crate::envelope::{Closing, close};
use crate::journal;
use crate::keystore::{Keystore, header};
use jiff::Timestamp;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use tar::{Builder, Header};

/// What goes into a backup.
struct Contents<'a> {
    manifest: Manifest,
    header: Vec<u8>,
    /// How long the good part of the journal is.
    journal: u64,
    policy: Option<&'a str>,
}

impl Keystore {
    /// Writes a backup into a new file, complete or not at all, and notes when that was: the store's header, records and
    /// journal, all of which are read and authenticated, and the text of the policy, where one is in force.
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
        let contents = self.contents(policy, now)?;
        let mut failure = None;
        let disk = self.directory.disk();
        let placed = disk.write_new(path, |file| {
            close(closing, file, |out| self.write_backup(&contents, out)).map_err(|error| {
                failure = Some(error);
                ErrorKind::Other.into()
            })
        });
        match placed {
            Ok(()) => {
                last::note(self.dir(), disk, |last| last.made = Some(now)).map_err(BackupError::NotNoted)?;
                Ok(contents.manifest)
            }
            Err(error) => Err(failure.unwrap_or_else(|| match error.kind() {
                ErrorKind::AlreadyExists => BackupError::FileExists(path.to_owned()),
                _ => error.into(),
            })),
        }
    }

    /// Reads and measures everything; nothing is written meanwhile that is not there already.
    fn contents<'a>(&self, policy: Option<&'a str>, now: Timestamp) -> Result<Contents<'a>, BackupError> {
        let made = u64::try_from(now.as_millisecond()).unwrap_or_default();
        let (journal, position) = self.read_whole_journal()?;
        let header = fs::read(self.dir().join(header::FILE))?;
        let accounts = self.accounts.iter().count() as u64;
        let mut manifest = Manifest::new(self.network(), *self.id(), made, accounts, position);
        manifest.add(header::FILE, Measured::of(header.as_slice())?);
        manifest.add(RECORDS, Measured::of(Encoded::new(self.store.scan(b"")))?);
        manifest.add(journal::FILE, Measured::of(self.journal_bytes(journal)?)?);
        if let Some(policy) = policy {
            manifest.add(POLICY, Measured::of(policy.as_bytes())?);
        }
        Ok(Contents { manifest, header, journal, policy })
    }

    /// So many bytes of the journal.
    fn journal_bytes(&self, length: u64) -> io::Result<impl Read + use<>> {
        Ok(File::open(self.dir().join(journal::FILE))?.take(length))
    }

    fn write_backup(&self, contents: &Contents<'_>, out: &mut dyn Write) -> Result<(), BackupError> {
        let Contents { manifest, header, journal, policy } = contents;
        let (text, seal) = manifest.sealed(&self.data_key)?;
        let mut archive = Builder::new(out);
        let length = |name| manifest.content(name).map_or(0, |content| content.bytes);
        let mut append = |name, bytes, content: &mut dyn Read| {
            let mut head = Header::new_ustar();
            head.set_size(bytes);
            head.set_mode(0o600);
            head.set_mtime(manifest.made / 1000);
            archive.append_data(&mut head, name, content)
        };
        append(MANIFEST, text.len() as u64, &mut text.as_bytes())?;
        append(SEAL, seal.len() as u64, &mut seal.as_slice())?;
        append(header::FILE, length(header::FILE), &mut header.as_slice())?;
        append(RECORDS, length(RECORDS), &mut Encoded::new(self.store.scan(b"")))?;
        append(journal::FILE, *journal, &mut self.journal_bytes(*journal)?)?;
        if let Some(policy) = policy {
            append(POLICY, length(POLICY), &mut policy.as_bytes())?;
        }
        Ok(archive.finish()?)
    }
}
