//! `backup`: everything that a store is, in one encrypted file, and whether such a file is worth something.

use super::{StoreArgs, policy, say};
use crate::disk::Disk;
use crate::envelope::{self, Closing, Opening, Recipients};
use crate::error::Error;
use crate::journal::show_time;
use crate::keystore::backup::{Backup, BackupError, Compared, Manifest};
use crate::keystore::{KeystoreError, Locked, id_of};
use crate::passphrase::{Passphrase, Source};
use crate::settings::{RuleSettings, Settings};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufReader, Read, Write, stdout};
use std::path::{Path, PathBuf};
use stegos_common::address::Network;
use tar::Archive;

const CREATE_HELP: &str = "\
The file has the keys, the journal, the header and the policy. It is an age file (any age program opens it:
age -d FILE | tar t) around what is sealed with the store's passphrase all the same: to restore it, both
are needed. Stop the signer first: one process at a time has the store open. A backup is old as soon as
something is signed; see `restore --help` for what that means.

Examples:
  cold-signer backup create signer.backup --recipient age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p
  cold-signer backup create /media/usb/signer.backup";

const VERIFY_HELP: &str = "\
Restores it into a folder that is thrown away, reads and authenticates everything, derives every key anew and
compares its public half, and follows the journal to its head. Where the key store itself is here, and no signer
has it open, every account and the journal are compared with it, too; only that is noted for `doctor`.

Examples:
  cold-signer backup verify signer.backup --identity key.txt
  cold-signer backup verify /media/usb/signer.backup";

/// Backups of the key store
#[derive(Subcommand)]
pub(super) enum Command {
    Create(Create),
    Verify(Verify),
}

impl Command {
    pub(super) fn run(self, store: &StoreArgs, settings: &Settings) -> Result<(), Error> {
        match self {
            Self::Create(create) => create.run(store, settings),
            Self::Verify(verify) => verify.run(store),
        }
    }
}

/// Make a backup
#[derive(Args)]
#[command(after_help = CREATE_HELP)]
pub(super) struct Create {
    /// The new file
    file: PathBuf,
    /// Encrypt it to this age recipient (age1...), once or more; otherwise a passphrase of its own is asked
    #[arg(long, value_name = "RECIPIENT")]
    recipient: Vec<String>,
    /// Encrypt it to the age recipients in this file, one per line
    #[arg(long, value_name = "FILE")]
    recipients_file: Vec<PathBuf>,
    /// Read the passphrase of the backup from this open file descriptor
    #[arg(long, value_name = "N", conflicts_with_all = ["recipient", "recipients_file"])]
    backup_passphrase_fd: Option<u32>,
    /// Read the passphrase of the backup from this file (mode 0600)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["recipient", "recipients_file"])]
    backup_passphrase_file: Option<PathBuf>,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    rules: RuleSettings,
}

impl Create {
    fn run(self, store: &StoreArgs, settings: &Settings) -> Result<(), Error> {
        // Before anybody is asked for anything.
        super::file::require_new(&self.file)?;
        let failed = failed(&self.file);
        let recipients = Recipients::read(&self.recipient, &self.recipients_file);
        let recipients = recipients.map_err(BackupError::from).map_err(failed)?;
        let locked = store.lock()?;
        let policy = match self.rules.signing(&settings.rules).policy {
            None => None,
            Some(path) => {
                let text = policy::text(&path)?;
                // One that cannot be used is no use in a backup.
                policy::parse(&path, &text, locked.network())?;
                Some(text)
            }
        };
        let keystore = locked.unlock(&store.passphrase()?)?;
        let closing = if self.recipient.is_empty() && self.recipients_file.is_empty() {
            let (descriptor, file) = (self.backup_passphrase_fd, self.backup_passphrase_file.as_deref());
            Closing::Passphrase(Passphrase::new(
                Source::from_options(descriptor, file).read_new("passphrase of the backup")?,
            )?)
        } else {
            Closing::Recipients(recipients)
        };
        let made = keystore.back_up_to(&self.file, &closing, policy.as_deref(), Timestamp::now());
        let manifest = made.map_err(failed)?;
        let mut out = stdout().lock();
        if self.json {
            return Ok(writeln!(out, "{:#}", facts(&manifest))?);
        }
        writeln!(out, "Backed up {}.", describe(&manifest))?;
        writeln!(out, "Next: `cold-signer backup verify {}`; then keep it elsewhere.", self.file.display())?;
        Ok(())
    }
}

/// Prove a backup, by restoring it into a folder that is thrown away
#[derive(Args)]
#[command(after_help = VERIFY_HELP)]
pub(super) struct Verify {
    #[command(flatten)]
    source: SourceArgs,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

impl Verify {
    fn run(self, store: &StoreArgs) -> Result<(), Error> {
        let failed = failed(&self.source.file);
        let dir = store.data_dir()?;
        let live = match Locked::new(&dir, store.network, Disk::default()) {
            Ok(live) => Some(live),
            Err(KeystoreError::Missing(_)) => None,
            // In use, or damaged: that is when somebody asks whether the backup is good.
            Err(error) => {
                say(&format!("not compared with the key store itself: {error}"));
                None
            }
        };
        let here = id_of(&dir).ok();
        let mut archive = Archive::new(self.source.open()?);
        let backup = Backup::open(&mut archive).map_err(failed)?;
        let manifest = backup.manifest().clone();
        if let Some(here) = here {
            backup.require_of(&here).map_err(failed)?;
        }
        require_network(&manifest, store.network)?;
        let scratch = tempfile::tempdir()?;
        let compared = backup.verify(&scratch.path().join("store"), &store.passphrase()?, live);
        let compared = compared.map_err(failed)?;
        let mut out = stdout().lock();
        if self.json {
            let mut facts = facts(&manifest);
            let compared = compared.map(|Compared { accounts, records }| {
                json!({ "accounts_since": accounts, "journal_records_since": records })
            });
            if let Value::Object(facts) = &mut facts {
                facts.insert("compared".to_owned(), compared.into());
            }
            return Ok(writeln!(out, "{facts:#}")?);
        }
        writeln!(out, "Restored, and proved: {}.", describe(&manifest))?;
        match compared {
            Some(Compared { accounts, records }) => writeln!(
                out,
                "Everything in it is as in the key store, which has {accounts} account records and {records} records of \
                 the journal more."
            )?,
            None => writeln!(out, "It was not compared with a key store.")?,
        }
        Ok(())
    }
}

/// A backup, and what opens it.
#[derive(Args)]
pub(super) struct SourceArgs {
    /// The backup
    pub(super) file: PathBuf,
    /// The file (mode 0600) with the age identity (secret key) to which the backup is encrypted, once or more
    #[arg(long, value_name = "FILE")]
    identity: Vec<PathBuf>,
    /// Read the passphrase of the backup from this open file descriptor
    #[arg(long, value_name = "N", conflicts_with = "identity")]
    backup_passphrase_fd: Option<u32>,
    /// Read the passphrase of the backup from this file (mode 0600)
    #[arg(long, value_name = "FILE", conflicts_with = "identity")]
    backup_passphrase_file: Option<PathBuf>,
}

impl SourceArgs {
    /// Opens what is encrypted.
    pub(super) fn open(&self) -> Result<impl Read, Error> {
        let failed = failed(&self.file);
        let source = || File::open(&self.file).map(BufReader::new).map_err(BackupError::Io);
        let needs_passphrase = source().and_then(|source| Ok(envelope::needs_passphrase(source)?));
        let opening = if needs_passphrase.map_err(failed)? && self.identity.is_empty() {
            let (descriptor, file) = (self.backup_passphrase_fd, self.backup_passphrase_file.as_deref());
            let text = Source::from_options(descriptor, file).read("passphrase of the backup")?;
            Opening::Passphrase(Passphrase::new(text)?)
        } else {
            let read = |path: &PathBuf| Source::File(path.clone()).read("age identity");
            let texts = self.identity.iter().map(read).collect::<Result<Vec<_>, _>>()?;
            let texts: Vec<_> = self.identity.iter().map(PathBuf::as_path).zip(texts).collect();
            Opening::identities(&texts).map_err(BackupError::from).map_err(failed)?
        };
        source().and_then(|source| Ok(envelope::open(source, opening)?)).map_err(failed)
    }
}

/// Refuses a backup of another network than the one that was named.
pub(super) fn require_network(manifest: &Manifest, network: Option<Network>) -> Result<(), Error> {
    match network {
        Some(expected) if expected != manifest.network => {
            Err(KeystoreError::WrongNetwork { expected, actual: manifest.network }.into())
        }
        _ => Ok(()),
    }
}

/// For `map_err`: an error about a backup.
pub(super) fn failed(path: &Path) -> impl Fn(BackupError) -> Error + Copy {
    |source| Error::Backup { path: path.to_owned(), source: Box::new(source) }
}

/// What is in a backup, as a part of a sentence.
pub(super) fn describe(manifest: &Manifest) -> String {
    format!(
        "the store {} for {} at {}: {} account records, {} records of the journal, head {}",
        hex::encode(manifest.store_id),
        manifest.network,
        show_time(manifest.made),
        manifest.accounts,
        manifest.journal_count,
        manifest.journal_head
    )
}

/// The same as JSON.
pub(super) fn facts(manifest: &Manifest) -> Value {
    json!({
        "store": hex::encode(manifest.store_id),
        "network": manifest.network,
        "made": show_time(manifest.made),
        "account_records": manifest.accounts,
        "journal": manifest.journal(),
    })
}
