//! `pending`, `approve`, `reject`: what the policy asks people about. They need no passphrase and no running signer: they
//! read and write the folder of approvals only.

use super::file::read_text;
use super::{StoreArgs, is_typed, say};
use crate::approval::{Folder, Identity, approved_text, approver_in, line, signer_of};
use crate::disk::Disk;
use crate::error::Error;
use crate::settings::Settings;
use crate::signer::{APPROVALS, Refusal};
use clap::Args;
use jiff::Timestamp;
use serde_json::json;
use std::io::{self, ErrorKind, Write, stdout};
use std::path::PathBuf;
use stegos_common::text::excerpt;

/// No signature is longer, in bytes.
const MAX_SIGNATURE: usize = 16 << 10;

/// The folder in which requests wait.
#[derive(Args)]
struct FolderArgs {
    /// The folder of approvals [default: approvals in the key store's directory]
    #[arg(long, value_name = "DIR", env = "COLD_SIGNER_APPROVALS")]
    approvals: Option<PathBuf>,
}

impl FolderArgs {
    fn folder(&self, store: &StoreArgs, settings: &Settings) -> Result<Folder, Error> {
        let named = settings.rules.approvals(self.approvals.as_ref());
        let path = named.map_or_else(|| store.data_dir().map(|dir| dir.join(APPROVALS)), Ok)?;
        Ok(Folder::new(path, Disk::default()))
    }
}

/// List the requests that wait for approval, or show one
#[derive(Args)]
#[command(after_help = "\
Their texts were written by the signer when the policy asked. An approval or rejection that was handed in
counts once the same request is sent again. Nothing here needs the passphrase, or a signer that runs.

Examples:
  cold-signer pending
  cold-signer pending 7f3a09c2
  cold-signer pending --json --approvals /srv/approvals")]
pub(super) struct Pending {
    /// Show everything about this one
    id: Option<String>,
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    folder: FolderArgs,
}

impl Pending {
    pub(super) fn run(self, store: &StoreArgs, settings: &Settings) -> Result<(), Error> {
        let folder = self.folder.folder(store, settings)?;
        let mut out = stdout().lock();
        if let Some(id) = self.id {
            return Ok(Waits::read(&folder, &id)?.show(&mut out, self.json, true)?);
        }
        let ids = folder.ids().map_err(|source| match source.kind() {
            ErrorKind::NotFound => Error::NoApprovals(folder.path().to_owned()),
            _ => Error::File { path: folder.path().to_owned(), source },
        })?;
        for id in ids {
            match Waits::read(&folder, &id) {
                Ok(waits) => waits.show(&mut out, self.json, false)?,
                // It may have been signed this moment. A bad one is no reason to leave the others.
                Err(error) => say(&error.to_string()),
            }
        }
        Ok(())
    }
}

/// A request that waits, as the folder has it.
struct Waits {
    id: String,
    statement: String,
    handed_in: Vec<String>,
    rejected: Option<String>,
}

impl Waits {
    fn read(folder: &Folder, id: &str) -> Result<Self, Error> {
        let failed = |source: io::Error| match source.kind() {
            ErrorKind::NotFound => Error::NotWaiting { id: excerpt(id), path: folder.path().to_owned() },
            _ => Error::File { path: folder.path().to_owned(), source },
        };
        let statement = folder.statement(id).map_err(failed)?;
        // Whoever may rename files could have put the text about another one there.
        if line(&statement, "id") != Some(id) {
            return Err(Error::OtherStatement(id.to_owned()));
        }
        let (names, _) = folder.approvals(id).map_err(failed)?;
        let handed_in = names.iter().map(|name| excerpt(name)).collect();
        let rejected = folder.rejection(id).map_err(failed)?.map(|(_, reason)| reason);
        Ok(Self { id: id.to_owned(), statement, handed_in, rejected })
    }

    fn value(&self, name: &str) -> &str {
        line(&self.statement, name).unwrap_or_default()
    }

    fn has_expired(&self) -> bool {
        let until: Option<Timestamp> = self.value("expires").parse().ok();
        until.is_none_or(|until| until <= Timestamp::now())
    }

    fn show(&self, out: &mut impl Write, json: bool, whole: bool) -> io::Result<()> {
        let Self { id, statement, handed_in, rejected } = self;
        let value = |name| self.value(name);
        if json {
            let facts = json!({
                "approval": id,
                "request": value("request"),
                "expires": value("expires"),
                "expired": self.has_expired(),
                "leaves": value("leaves"),
                "rule": value("rule"),
                "approvals": value("approvals"),
                "handed_in": handed_in,
                "rejected": rejected,
                "statement": statement,
            });
            return writeln!(out, "{facts}");
        }
        if whole {
            writeln!(out, "{}", statement.trim_end())?;
        } else {
            writeln!(out, "{id}  {}  until {}", value("leaves"), value("expires"))?;
            writeln!(out, "          {}", value("rule"))?;
        }
        for name in handed_in {
            writeln!(out, "          handed in: {name}")?;
        }
        if let Some(reason) = rejected {
            writeln!(out, "          rejected: {reason}")?;
        }
        if self.has_expired() {
            writeln!(out, "          EXPIRED: sent again, it waits anew, under another id")?;
        }
        Ok(())
    }
}

/// Approve a request that waits, as the user of this host that you are, or by an SSH signature
#[derive(Args)]
#[command(after_help = "\
Whoever the policy names by a key signs the statement wherever the key is, and brings the signature back:
  ssh-keygen -Y sign -n cold-signer-approval -f ~/.ssh/id_ed25519 7f3a09c2.pending.txt

Examples:
  cold-signer approve 7f3a09c2
  cold-signer approve 7f3a09c2 --signature 7f3a09c2.pending.txt.sig")]
pub(super) struct Approve {
    /// What `pending` calls it
    id: String,
    /// The SSH signature of the statement
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    folder: FolderArgs,
}

impl Approve {
    pub(super) fn run(self, store: &StoreArgs, settings: &Settings) -> Result<(), Error> {
        let folder = self.folder.folder(store, settings)?;
        let id = &self.id;
        let waits = Waits::read(&folder, id)?;
        if waits.has_expired() {
            return Err(Error::Expired(waits.id));
        }
        let statement = &waits.statement;
        let (identity, text) = match &self.signature {
            Some(path) => {
                let signature = read_text(path, MAX_SIGNATURE)?;
                let identity = signer_of(&signature, statement)
                    .map_err(|reason| Error::Signature { path: path.clone(), reason: reason.to_string() })?;
                (identity, signature.to_string())
            }
            None => {
                let user = rustix::process::geteuid().as_raw();
                (Identity::User(user), approved_text(statement))
            }
        };
        // Whatever is said here, the signer holds it against its policy.
        let name = approver_in(statement, &identity)
            .ok_or_else(|| Error::NoApprover { id: id.clone(), identity: identity.to_string() })?;
        if self.signature.is_none() && !self.yes {
            writeln!(stdout(), "{}", statement.trim_end())?;
            if !is_typed(&format!("Approve it? Type {id:?}: "), id)? {
                return Err(Error::NotApproved);
            }
        }
        told(
            &folder,
            match &self.signature {
                Some(_) => folder.approve_by_signature(id, name, &text),
                None => folder.approve_as_user(id, name, &text),
            },
        )
    }
}

/// Reject a request that waits
#[derive(Args)]
#[command(after_help = "\
A rejection needs no signature: who can write into the folder can reject. It stands until the request would
have expired.

Examples:
  cold-signer reject 7f3a09c2 --reason \"not on the list of payments of today\"")]
pub(super) struct Reject {
    /// What `pending` calls it
    id: String,
    /// Why: it is told to whoever sends the request
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    folder: FolderArgs,
}

impl Reject {
    pub(super) fn run(self, store: &StoreArgs, settings: &Settings) -> Result<(), Error> {
        let folder = self.folder.folder(store, settings)?;
        Waits::read(&folder, &self.id)?;
        told(&folder, folder.reject(&self.id, &self.reason))
    }
}

/// Says what is for this host only: which files that were handed in do not count, or what is wrong with their folder.
pub(super) fn tell_details(refusal: &Refusal) {
    /// Whoever can put files there cannot fill the log.
    const MOST: usize = 10;
    match refusal {
        Refusal::PendingApproval { uncounted, .. } => {
            uncounted.iter().take(MOST).for_each(|what| say(&format!("not counted: {what}")));
        }
        Refusal::ApprovalsFailed(why) => say(&format!("the folder of approvals cannot be used: {why}")),
        _ => {}
    }
}

fn told(folder: &Folder, handed_in: io::Result<PathBuf>) -> Result<(), Error> {
    let path = handed_in.map_err(|source| match source.kind() {
        ErrorKind::AlreadyExists => Error::HandedIn(folder.path().to_owned()),
        _ => Error::File { path: folder.path().to_owned(), source },
    })?;
    writeln!(stdout(), "handed in: {}", path.display())?;
    writeln!(stdout(), "It counts when the same request is sent again.")?;
    Ok(())
}
