//! `pending`, `approve`, `reject`: what the policy asks people about. They need no passphrase and no running signer: they
//! read and write the folder of approvals only.

use super::file::read_text;
use super::{StoreArgs, is_typed, say};
use crate::approval::{Folder, Handed, Identity, approve_as_user, approver_in, line, signer_of};
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
What is shown was written by the signer when the policy asked. An approval or rejection that was handed in
counts once the same request is sent again.

Examples:
  cold-signer pending
  cold-signer pending 7f3a09c2
  cold-signer pending --json")]
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
        let ids = match self.id {
            Some(id) => vec![id],
            None => folder.ids().map_err(failed(&folder))?,
        };
        let (mut out, alone) = (stdout().lock(), ids.len() == 1);
        for id in ids {
            let text = statement(&folder, &id)?;
            let value = |name| line(&text, name).unwrap_or_default();
            let handed = folder.approvals(&id).map_err(failed(&folder))?;
            let handed: Vec<String> = handed.into_iter().map(|(name, _)| excerpt(&name)).collect();
            let rejected = folder.rejection(&id).map_err(failed(&folder))?;
            let rejected = rejected.map(|Handed { text, .. }| excerpt(text.trim()));
            let until: Option<Timestamp> = value("expires").parse().ok();
            let expired = until.is_some_and(|until| until <= Timestamp::now());
            if self.json {
                let facts = json!({
                    "approval": id,
                    "request": value("request"),
                    "expires": value("expires"),
                    "expired": expired,
                    "leaves": value("leaves"),
                    "rule": value("rule"),
                    "approvals": value("approvals"),
                    "handed_in": handed,
                    "rejected": rejected,
                    "statement": text,
                });
                writeln!(out, "{facts}")?;
                continue;
            }
            if alone {
                writeln!(out, "{}", text.trim_end())?;
            } else {
                writeln!(out, "{id}  {}  until {}", value("leaves"), value("expires"))?;
                writeln!(out, "          {}", value("rule"))?;
            }
            for name in handed {
                writeln!(out, "          handed in: {name}")?;
            }
            if let Some(reason) = rejected {
                writeln!(out, "          rejected: {reason}")?;
            }
            if expired {
                writeln!(out, "          EXPIRED: sent again, it waits anew, under another id")?;
            }
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
        let statement = statement(&folder, id)?;
        let (identity, text) = match &self.signature {
            Some(path) => {
                let signature = read_text(path, MAX_SIGNATURE)?;
                let identity = signer_of(&signature, &statement)
                    .map_err(|reason| Error::Signature { path: path.clone(), reason: reason.to_string() })?;
                (identity, signature.to_string())
            }
            None => {
                let user = rustix::process::geteuid().as_raw();
                (Identity::User(user), approve_as_user(&statement))
            }
        };
        // Whatever is said here, the signer holds it against its policy.
        let name = approver_in(&statement, &identity)
            .ok_or_else(|| Error::NoApprover { id: id.clone(), identity: identity.to_string() })?;
        if self.signature.is_none() && !self.yes {
            writeln!(stdout(), "{}", statement.trim_end())?;
            if !is_typed(&format!("Approve it? Type {id:?}: "), id)? {
                return Err(Error::NotApproved);
            }
        }
        told(folder.approve(id, name, &text))
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
        statement(&folder, &self.id)?;
        told(folder.reject(&self.id, &self.reason))
    }
}

/// Says which files that were handed in do not count.
pub(super) fn tell_uncounted(refusal: &Refusal) {
    if let Refusal::PendingApproval { uncounted, .. } = refusal {
        uncounted.iter().for_each(|what| say(&format!("not counted: {what}")));
    }
}

fn statement(folder: &Folder, id: &str) -> Result<String, Error> {
    match folder.statement(id) {
        Ok(handed) => Ok(handed.text),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(Error::NotWaiting { id: excerpt(id), path: folder.path().to_owned() })
        }
        Err(source) => Err(Error::File { path: folder.statement_path(id), source }),
    }
}

fn failed(folder: &Folder) -> impl Fn(io::Error) -> Error {
    |source| Error::File { path: folder.path().to_owned(), source }
}

fn told((path, written): (PathBuf, io::Result<()>)) -> Result<(), Error> {
    match written {
        Ok(()) => {
            writeln!(stdout(), "handed in: {}", path.display())?;
            writeln!(stdout(), "It counts when the same request is sent again.")?;
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(Error::FileExists(path)),
        Err(source) => Err(Error::File { path, source }),
    }
}
