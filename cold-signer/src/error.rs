//! What a command can fail with, and the exit code that says so.

use crate::cli::QuickstartError;
use crate::journal::JournalError;
use crate::keystore::backup::BackupError;
use crate::keystore::{AccountError, KeystoreError};
use crate::passphrase::SecretError;
use crate::policy::PolicyError;
use crate::server::ServerError;
use crate::settings::SettingsError;
use crate::signer::{CatchUpError, Mismatch, Refusal};
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use stegos_common::address::Network;
use stegos_common::hash::Hash;
use stegos_common::keyfile::KeyFileError;
use stegos_common::qr::{FrameError, Progress};
use stegos_common::recovery::RecoveryError;
use stegos_common::reserves::{AssetsError, AttestationError};
use stegos_common::socket::token_file::TokenFileError;
use thiserror::Error;

/// Why a command failed.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// The key store cannot be created, opened or written.
    #[error(transparent)]
    Keystore(#[from] KeystoreError),
    /// The journal cannot be opened.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Something in the store is not as it should be.
    #[error("{0} faults in the key store, listed above")]
    Faults(usize),
    /// A head that the journal never had.
    #[error("the journal never had the head {0}: it is another journal, or an older copy of it")]
    HeadUnknown(Hash),
    /// Nothing in the journal is about this.
    #[error(
        "no record of the journal is about {0}: name the number of a record, or the id of a transaction or output"
    )]
    NoRecord(String),
    /// An account cannot be added or changed.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// A passphrase or another secret cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A secret file holds something else.
    #[error("{} holds no secret key ({reason}): it must hold 64 hex digits, or 32 numbers in brackets, in the order of the API", path.display())]
    SecretFile {
        /// The file.
        path: PathBuf,
        /// What is wrong, without what it holds.
        reason: String,
    },
    /// The words are no recovery phrase.
    #[error(transparent)]
    Recovery(#[from] RecoveryError),
    /// The key file is damaged, or its password is wrong.
    #[error("{}: {source}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: KeyFileError,
    },
    /// The recovery words are for human eyes only.
    #[error(
        "the recovery words are shown on a terminal only: run `phrase show` there, not into a file or a pipe"
    )]
    NotATerminal,
    /// Asked whether to show the words, the answer was something else.
    #[error("not confirmed: nothing was shown")]
    NotConfirmed,
    /// Neither an option nor the environment says where the store is.
    #[error("neither HOME nor XDG_DATA_HOME is set: name the key store's directory with --data-dir")]
    NoDataDir,
    /// A signed answer that nobody got.
    #[error(
        "the signed answer could not be written ({0}): sign the same request again, it gets the same answer"
    )]
    AnswerLost(io::Error),
    /// The configuration file cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The daemon cannot listen.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The API token's file cannot be used.
    #[error(transparent)]
    Token(#[from] TokenFileError),
    /// Something speaks against this host.
    #[error("{0} findings, listed above: `cold-signer doctor` shows them again")]
    Findings(usize),
    /// The process lacks a protection that was asked for.
    #[error("{0} protections do not hold, see above: mend them, or start without --strict")]
    NotProtected(usize),
    /// The policy file cannot be used.
    #[error("the policy {} is wrong: {source}", path.display())]
    Policy {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Box<PolicyError>,
    },
    /// Asked whether the clock is right, the answer was something else.
    #[error("not confirmed: nothing was changed")]
    ClockNotConfirmed,
    /// A backup is worth nothing, or there is none.
    #[error("{}: {source}", path.display())]
    Backup {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Box<BackupError>,
    },
    /// Nobody said how far the journal was.
    #[error(
        "{0}: say how far the journal was seen, with --journal-count and --journal-head, or --journal-unknown where nobody \
         knows"
    )]
    NoPosition(&'static str),
    /// A journal cannot be given what it lacks.
    #[error("{}: {source}", path.display())]
    CatchUp {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Box<CatchUpError>,
    },
    /// That what is lacking is given up cannot be recorded.
    #[error(transparent)]
    GiveUp(Box<CatchUpError>),
    /// Whoever gives something up does so on a terminal.
    #[error("what is lacking is given up on a terminal only, not by a script")]
    NotATerminalHere,
    /// Nothing is lacking.
    #[error("the journal lacks nothing: there is nothing to give up")]
    NotBehind,
    /// Asked whether to go on without what is lacking, the answer was something else.
    #[error("not confirmed: nothing new is signed until the journal has caught up")]
    NotGivenUp,
    /// No request waits under this id.
    #[error("no request waits as {id:?} in {}; `cold-signer pending` lists those that do", path.display())]
    NotWaiting {
        /// The id.
        id: String,
        /// The folder of approvals.
        path: PathBuf,
    },
    /// The text about another request lies in its place.
    #[error(
        "the text in {0}.pending.txt is about another request: somebody moved it; have the request sent again"
    )]
    OtherStatement(String),
    /// It is too late.
    #[error("{0} has expired: sent again, the request waits anew, under another id")]
    Expired(String),
    /// Nothing was ever asked, or elsewhere.
    #[error(
        "{} is not there: no request ever waited for approval, or the signer has another folder; name it with --approvals", .0.display()
    )]
    NoApprovals(PathBuf),
    /// Somebody else did it already.
    #[error("it was handed in already, see what is in {}", .0.display())]
    HandedIn(PathBuf),
    /// Somebody who may not approve.
    #[error("{identity} is none of those who may approve {id}; `cold-signer pending {id}` shows who may")]
    NoApprover {
        /// What the request is called.
        id: String,
        /// How he is known.
        identity: String,
    },
    /// Asked whether to approve, the answer was something else.
    #[error("not confirmed: nothing was handed in")]
    NotApproved,
    /// A signature that approves nothing.
    #[error("{} does not approve it: {reason}; sign the file NAME.pending.txt as it is", path.display())]
    Signature {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file that is no root and no list of outputs.
    #[error("{}: {source}", path.display())]
    Document {
        /// The file.
        path: PathBuf,
        /// Why it cannot be read.
        source: serde_json::Error,
    },
    /// A document that is longer than any that means something.
    #[error("{} is longer than {limit} bytes", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The most that is read.
        limit: usize,
    },
    /// A list of outputs that shows nothing.
    #[error("{}: {source}", path.display())]
    Assets {
        /// The file.
        path: PathBuf,
        /// Why.
        source: AssetsError,
    },
    /// Debts of another network than the keys'.
    #[error("refused: the root is of {network}, the key store of {store}")]
    OtherNetwork {
        /// The network of the store.
        store: Network,
        /// The network of the root.
        network: Network,
    },
    /// Keys that are not here.
    #[error(
        "refused: the keys of {0} are not held here, or their accounts are archived; leave those outputs out of the list, or \
         sign with the keys that are here with --skip-unowned"
    )]
    NotHeld(String),
    /// A signature that went wrong on this host.
    #[error("a signature came out wrong and was thrown away ({0}): do not trust this host")]
    WrongSignature(AttestationError),
    /// A tag that does not exist.
    #[error("there is no rule {0:?}; `policy explain` lists them")]
    NoRule(String),
    /// The signer refused the request.
    #[error("refused ({code}): {0}", code = .0.code())]
    Refused(Refusal),
    /// The quickstart did not get to its end.
    #[error(transparent)]
    Quickstart(#[from] QuickstartError),
    /// A signed transaction is not what it should be.
    #[error(transparent)]
    Mismatch(Mismatch),
    /// A file holds neither a request nor a signed transaction.
    #[error("{} holds no signed transaction: {reason}", path.display())]
    NotInspectable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A file that is no export of accounts.
    #[error("{} is no export of `cold-signer key export-public`: {reason}", path.display())]
    NotAnExport {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A folder with too much in it.
    #[error("{} has more than {most} requests: take away those that are not wanted any more", path.display())]
    TooManyFiles {
        /// The folder.
        path: PathBuf,
        /// The most that are looked at.
        most: usize,
    },
    /// A folder with too many pictures in it.
    #[error("{} has more than {most} pictures: begin with an empty folder", path.display())]
    TooManyPictures {
        /// The folder.
        path: PathBuf,
        /// The most that are looked at.
        most: usize,
    },
    /// A picture after which no other is read.
    #[error("{}: {reason}", path.display())]
    Picture {
        /// The file, or `-`.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The pictures do not hold enough frames.
    #[error("the request is not complete: {} of {} frames were in the pictures; take more", .0.gathered, .0.needed)]
    PicturesEnded(Progress),
    /// An answer that is too long to be shown.
    #[error(
        "the signed answer cannot be shown ({0}): sign the same request again with --out, it gets the same answer"
    )]
    Frames(FrameError),
    /// Nobody would see the answer.
    #[error("there is no terminal to show the answer on ({0}): name a folder for its pictures with --qr-out")]
    NoScreen(io::Error),
    /// A passphrase that processes would inherit which look through pictures.
    #[error(
        "--passphrase-fd does not go with --qr: the processes that look through pictures would have the passphrase too; \
         give it on the terminal, or with --passphrase-file"
    )]
    DescriptorWithPictures,
    /// Asked whether to sign, what came through a camera or an attestation, the answer was something else.
    #[error("not confirmed: nothing was signed")]
    NotSigned,
    /// A request that is longer than the socket would take.
    #[error("{} is longer than the {limit} bytes that a request may have (max_request_bytes)", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most a request may have.
        limit: usize,
    },
    /// A file that would have to be overwritten.
    #[error("{} exists already and is not overwritten: name another file", .0.display())]
    FileExists(PathBuf),
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The output cannot be written.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
}

impl Error {
    /// The exit code: 3 where the signer refused, 4 where the key store is the trouble, otherwise 1. Code 2 is given by the parser of the
    /// command line.
    #[must_use]
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Backup { source, .. }
                if matches!(**source, BackupError::Keystore(_) | BackupError::Journal(_)) =>
            {
                ExitCode::from(4)
            }
            Self::CatchUp { source, .. } | Self::GiveUp(source)
                if matches!(**source, CatchUpError::Journal(_) | CatchUpError::Keystore(_)) =>
            {
                ExitCode::from(4)
            }
            Self::Keystore(_)
            | Self::Account(AccountError::Keystore(_))
            | Self::Journal(_)
            | Self::Faults(_)
            | Self::HeadUnknown(_) => ExitCode::from(4),
            Self::Refused(_) | Self::Mismatch(_) | Self::OtherNetwork { .. } | Self::NotHeld(_) => {
                ExitCode::from(3)
            }
            _ => ExitCode::FAILURE,
        }
    }
}
