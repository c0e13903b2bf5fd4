//! Reading a backup, making a store of it, and proving that it is the one that was backed up.
//!
//! A store is made as `init` makes one: a marker first, the header last. Between them everything is written, read again
//! and authenticated, and every key derived anew; where anything is wrong, there is no store.

use super::manifest::{self, Content, Manifest};
use super::members::{Measured, next_record};
use super::{BackupError, MANIFEST, POLICY, RECORDS, RESTORED_POLICY, SEAL, last};
use crate::disk::Disk;
use crate::journal::{self, Behind, Entry, Journal, JournalError, Outcome, Position, Reader, Verdict};
use crate::keystore::create::{MARKER, mark};
use crate::keystore::directory::Directory;
use crate::keystore::header::{self, Header};
use crate::keystore::record::Table;
use crate::keystore::store::{SledStore, Store};
use crate::keystore::tally::{Sum, Tally};
use crate::keystore::{Account, KeystoreError, Locked, database, require_absent};
use crate::passphrase::Passphrase;
use crate::seal::SealingKey;
use jiff::Timestamp;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tar::{Archive, Entries, Entry as Member};

/// So many records are written in one step.
const STEP: usize = 10_000;

/// A backup that is being read.
pub struct Backup<'a, R: Read> {
    manifest: Manifest,
    manifest_text: String,
    seal: Vec<u8>,
    header: Header,
    header_text: String,
    members: Entries<'a, R>,
}

/// A store that was made of a backup.
#[derive(Debug)]
pub struct Restored {
    /// What was in the backup.
    pub manifest: Manifest,
    /// The position of the journal, of which the last record is about the restoring.
    pub journal: Position,
    /// What the journal may lack.
    pub behind: Option<Behind>,
    /// Where the policy of the backup is.
    pub policy: Option<PathBuf>,
    /// Whether its passphrase protects nothing, since it was made for tests.
    pub is_test_only: bool,
}

/// What a store has that its backup has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compared {
    /// Records of accounts.
    pub accounts: u64,
    /// Records of the journal.
    pub records: u64,
}

/// A store in a directory, without a header yet.
struct Written {
    locked: Locked,
    key: Arc<SealingKey>,
    tally: Tally,
    manifest: Manifest,
    header_text: String,
    policy: Option<PathBuf>,
}

impl<'a, R: Read> Backup<'a, R> {
    /// Reads what stands in front of the records. Nothing is proved by that.
    ///
    /// # Errors
    /// [`BackupError`].
    pub fn open(archive: &'a mut Archive<R>) -> Result<Self, BackupError> {
        let mut members = archive.entries()?.raw(true);
        let manifest_text = text(&mut members, MANIFEST, manifest::MAX_LENGTH)?;
        let manifest = Manifest::parse(&manifest_text)?;
        let seal = small(&mut members, SEAL, manifest::MAX_LENGTH)?;
        let header_text = text(&mut members, header::FILE, header::MAX_LENGTH)?;
        require_content(&manifest, header::FILE, Measured::of(header_text.as_bytes())?)?;
        let header = Header::parse(&header_text)?;
        if (header.store_id, header.network) != (manifest.store_id, manifest.network) {
            return Err(BackupError::Forged);
        }
        Ok(Self { manifest, manifest_text, seal, header, header_text, members })
    }

    /// The list.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Refuses a backup of another store.
    ///
    /// # Errors
    /// [`BackupError::OtherStore`].
    pub fn require_of(&self, store_id: &[u8; 16]) -> Result<(), BackupError> {
        if self.manifest.store_id == *store_id {
            return Ok(());
        }
        let (found, expected) = (hex::encode(self.manifest.store_id), hex::encode(store_id));
        Err(BackupError::OtherStore { found, expected })
    }

    /// Makes a store of it in `dir`, at the time `now`, in milliseconds since 1970 UTC. `seen` is the newest position of
    /// the journal that anybody has seen, where that is known: with it, it shows whether something is lacking.
    ///
    /// # Errors
    /// [`BackupError`]; there is no store then.
    pub fn restore(
        self,
        dir: &Path,
        passphrase: &Passphrase,
        seen: Option<Position>,
        now: u64,
        disk: Disk,
    ) -> Result<Restored, BackupError> {
        require_absent(dir)?;
        let directory = Directory::create(dir, disk)?;
        // Once more: another process may have made a store before we had the lock.
        require_absent(dir)?;
        let mut written = self.write(directory, passphrase)?;
        let behind = written.note_restoring(seen, now)?;
        let journal = written.tally.anchor;
        written.prove(passphrase, journal)?;
        let Written { locked, manifest, header_text, policy, .. } = written;
        // The header comes last: with it the store is complete.
        locked.directory.write_new(header::FILE, header_text.as_bytes())?;
        locked.directory.remove(MARKER)?;
        Ok(Restored { manifest, journal, behind, policy, is_test_only: locked.is_test_only() })
    }

    /// Makes a store of it in a directory that is thrown away, and proves it; compares it with the store itself, where
    /// that is given, and notes there how old the backup is.
    ///
    /// # Errors
    /// [`BackupError`]; `Live` and `NotNoted` where the backup is proved all the same.
    pub fn verify(
        self,
        scratch: &Path,
        passphrase: &Passphrase,
        live: Option<Locked>,
    ) -> Result<Option<Compared>, BackupError> {
        if let Some(live) = &live {
            self.require_of(&live.header.store_id)?;
        }
        let written = self.write(Directory::create(scratch, Disk::default())?, passphrase)?;
        written.prove(passphrase, written.manifest.journal())?;
        live.map(|live| written.compare(live, passphrase)).transpose()
    }

    /// Writes everything but the header.
    fn write(mut self, directory: Directory, passphrase: &Passphrase) -> Result<Written, BackupError> {
        let key = Arc::new(self.header.unlock(passphrase.expose())?);
        if !manifest::is_sealed(&key, &self.manifest_text, &self.seal) {
            return Err(BackupError::Forged);
        }
        mark(&directory)?;
        let tally = Tally::new(0, self.manifest.journal());
        let sum = self.write_records(&directory, &tally)?;
        self.write_file(journal::FILE, &directory, journal::FILE)?;
        let mut policy = None;
        if self.manifest.content(POLICY).is_some() {
            self.write_file(POLICY, &directory, RESTORED_POLICY)?;
            policy = Some(directory.path().join(RESTORED_POLICY));
        }
        let tally = tally.settled(sum);
        tally.write(&directory, &key)?;
        let Self { manifest, header, header_text, .. } = self;
        Ok(Written { locked: Locked { directory, header }, key, tally, manifest, header_text, policy })
    }

    /// Writes the database; answers the sum of the records of accounts.
    fn write_records(&mut self, directory: &Directory, tally: &Tally) -> Result<Sum, BackupError> {
        let store = SledStore::open(&directory.path().join(database(0)), directory.disk().clone())?;
        let member = bounded(&self.manifest, &mut self.members, RECORDS)?;
        let mut records = BufReader::new(Measured::new(member));
        let mut sum = Sum::default();
        let mut step = Vec::with_capacity(STEP);
        loop {
            let record = next_record(&mut records)?;
            let is_last = record.is_none();
            if let Some((key, value)) = record {
                if key.first() == Some(&(Table::Account as u8)) {
                    sum = tally.with(sum, &value);
                }
                step.push((key, value));
            }
            if is_last || step.len() == STEP {
                store.insert(&step)?;
                step.clear();
            }
            if is_last {
                break;
            }
        }
        require_content(&self.manifest, RECORDS, records.into_inner().content())?;
        store.flush()?;
        Ok(sum)
    }

    fn write_file(
        &mut self,
        name: &'static str,
        directory: &Directory,
        as_name: &str,
    ) -> Result<(), BackupError> {
        let path = directory.path().join(as_name);
        let mut content = Measured::new(bounded(&self.manifest, &mut self.members, name)?);
        directory
            .disk()
            .replace(&path, |file| io::copy(&mut content, file).map(drop))
            .map_err(KeystoreError::io(&path))?;
        require_content(&self.manifest, name, content.content())
    }
}

impl Written {
    /// Records in the journal that it was restored, and how far it had been seen.
    fn note_restoring(&mut self, seen: Option<Position>, now: u64) -> Result<Option<Behind>, BackupError> {
        let owner = self.locked.journal_owner(&self.key);
        let known = seen.filter(|seen| seen.count <= self.manifest.journal_count);
        let must_have = known.unwrap_or_else(|| self.manifest.journal());
        let (dir, disk) = (self.locked.directory.path(), self.locked.directory.disk().clone());
        let opened = Journal::open(dir, disk, owner, must_have);
        let (journal, _) = opened.map_err(|error| match error {
            JournalError::Other { .. } => BackupError::NeverSeen(must_have),
            error => error.into(),
        })?;
        let verdict = Verdict::Restored { made: self.manifest.made, seen };
        let Outcome::Recorded(position) = journal.commit(&Entry::about_the_store(now, verdict))? else {
            // Only of what is signed or asked about.
            return Err(BackupError::Journal(JournalError::Failed("nothing was recorded".to_owned())));
        };
        self.tally.anchor(&self.locked.directory, &self.key, position)?;
        Ok(journal.behind())
    }

    /// Reads everything again, authenticates it, and derives every key anew.
    fn prove(&self, passphrase: &Passphrase, journal: Position) -> Result<(), BackupError> {
        let report = self.locked.check(passphrase)?;
        if !report.faults.is_empty() {
            return Err(BackupError::NotProved(report.faults));
        }
        let counts = |what, found, expected| match found == expected {
            true => Ok(()),
            false => Err(BackupError::Counts { what, found, expected }),
        };
        counts("accounts", report.accounts, self.manifest.accounts)?;
        let found = report.journal.unwrap_or(Position { count: 0, head: journal.head });
        counts("records of the journal", found.count, journal.count)?;
        if found.head == journal.head { Ok(()) } else { Err(BackupError::NeverSeen(journal)) }
    }

    /// Compares every account and the journal with those of the store itself, which may have gone on.
    fn compare(self, live: Locked, passphrase: &Passphrase) -> Result<Compared, BackupError> {
        let Self { locked, key, manifest, .. } = self;
        let records = live.records_since(&key, manifest.journal())?;
        // The data key never changes: whatever its passphrase is by now, the one of the backup opens the store.
        let header = Header::parse(&self.header_text)?;
        let live = Locked { header, ..live }.unlock(passphrase).map_err(BackupError::Live)?;
        let backup = locked.unlock(passphrase)?;
        let differs = |account: &&Account| {
            live.accounts.by_key(&account.public_key).is_none_or(|same| same.name != account.name)
        };
        if let Some(account) = backup.accounts().find(differs) {
            return Err(BackupError::OtherKey(account.name.to_string()));
        }
        if live.master_public != backup.master_public {
            return Err(BackupError::OtherKey(live.master_name.to_string()));
        }
        let made = i64::try_from(manifest.made).ok().and_then(|made| Timestamp::from_millisecond(made).ok());
        last::note(live.dir(), live.directory.disk(), |last| last.verified = last.verified.max(made))
            .map_err(BackupError::NotNoted)?;
        let accounts = (live.accounts().count() as u64).saturating_sub(manifest.accounts);
        Ok(Compared { accounts, records })
    }
}

impl Locked {
    /// How many records the journal has behind a position.
    fn records_since(&self, key: &Arc<SealingKey>, position: Position) -> Result<u64, BackupError> {
        let path = self.directory.path().join(journal::FILE);
        let live = |error: JournalError| BackupError::Live(error.into());
        let reader = Reader::open(&path, self.directory.disk().clone(), self.journal_owner(key));
        let mut reader = reader.map_err(live)?;
        let last = reader.read_all(position, |_| Ok(())).map_err(|error| match error {
            JournalError::Other { .. } | JournalError::Short { .. } => BackupError::OtherJournal(position),
            error => live(error),
        })?;
        Ok(last.count.saturating_sub(position.count))
    }
}

/// The next member, which must have this name.
fn member<'a, R: Read>(
    members: &mut Entries<'a, R>,
    name: &'static str,
) -> Result<Member<'a, R>, BackupError> {
    let missing = || BackupError::NotABackup(format!("{name} is not where it must be"));
    let member = members.next().ok_or_else(missing)??;
    if member.path_bytes().as_ref() == name.as_bytes() { Ok(member) } else { Err(missing()) }
}

/// The same, of which no more is read than tells that it is longer than the list says.
fn bounded<'a, R: Read>(
    manifest: &Manifest,
    members: &mut Entries<'a, R>,
    name: &'static str,
) -> Result<impl Read + use<'a, R>, BackupError> {
    let bytes = manifest.content(name).map_or(0, |content| content.bytes);
    Ok(member(members, name)?.take(bytes.saturating_add(1)))
}

fn small<R: Read>(
    members: &mut Entries<'_, R>,
    name: &'static str,
    most: u64,
) -> Result<Vec<u8>, BackupError> {
    let mut bytes = Vec::new();
    let length = member(members, name)?.take(most + 1).read_to_end(&mut bytes)?;
    if length as u64 > most {
        return Err(BackupError::NotABackup(format!("{name} is too long")));
    }
    Ok(bytes)
}

fn text<R: Read>(members: &mut Entries<'_, R>, name: &'static str, most: u64) -> Result<String, BackupError> {
    String::from_utf8(small(members, name, most)?)
        .map_err(|_| BackupError::NotABackup(format!("{name} is no text")))
}

fn require_content(manifest: &Manifest, name: &'static str, found: Content) -> Result<(), BackupError> {
    if manifest.content(name) == Some(found) { Ok(()) } else { Err(BackupError::Differs(name)) }
}
