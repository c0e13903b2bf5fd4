//! `sign`: the same as over the socket, from a file, or from a folder of them.

use super::approve::tell_details;
use super::file::{read_text, require_new, write_new};
use super::spool::{Folder, Stop};
use super::{StoreArgs, with_its_place};
use crate::error::Error;
use crate::process::Needs;
use crate::settings::{RuleSettings, Settings, Signing};
use clap::Args;
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};

const AFTER_HELP: &str = "\
The request is the JSON of create_raw_transaction, as it would be sent over the socket; the answer is
the same too. A refused request is answered on standard output with its code, and exit code 3. The same
request again gets the same answer: what was signed is in the journal before it leaves.

A folder is a stick, or a share that both hosts mount. NAME.request.json is answered there by
NAME.response.json, or by NAME.refused.json where it is refused; to have a refused request judged again,
remove that file. NAME.pending.json says that it waits for approval: it is tried again by itself. Only one
process at a time has the store open. At SIGHUP the policy file is read again.

Examples:
  cold-signer inspect request.json
  cold-signer sign request.json --out response.json
  cold-signer sign --spool /media/stick --once
  cold-signer sign --spool /srv/gap";

/// Sign a request from a file, or all that come into a folder
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Sign {
    /// The file with the request
    #[arg(required_unless_present = "spool")]
    request: Option<PathBuf>,
    /// Write the answer to this file, which must not exist yet, instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Sign what comes into this folder, until stopped
    #[arg(long, value_name = "DIR", conflicts_with_all = ["request", "out"])]
    spool: Option<PathBuf>,
    /// Sign what is in the folder now, and end
    #[arg(long, requires = "spool")]
    once: bool,
    #[command(flatten)]
    rules: RuleSettings,
}

impl Sign {
    pub(super) fn run(self, store: &StoreArgs, settings: Settings) -> Result<(), Error> {
        let signing = self.rules.signing(&settings.rules);
        match (&self.request, &self.spool) {
            (Some(request), _) => self.file(request, store, signing),
            (None, Some(folder)) => {
                let (policy, limit) = (signing.policy.clone(), signing.rules.max_request_bytes);
                let ready = store.ready(signing)?;
                ready
                    .protect(Needs { write: with_its_place(folder).collect(), ..Needs::default() }, false)?;
                // Opening a large store takes a while, in which nobody may end it by asking for a new policy.
                let stop = Stop::new()?;
                let signer = ready.open()?;
                let folder = Folder::new(folder, &signer, limit);
                let done =
                    if self.once { folder.once(&stop) } else { folder.watch(&stop, policy.as_deref()) };
                let closed = signer.close();
                done.and(Ok(closed?))
            }
            // The parser of the command line asks for one of them.
            (None, None) => Ok(()),
        }
    }

    fn file(&self, request: &Path, store: &StoreArgs, signing: Signing) -> Result<(), Error> {
        let request = read_text(request, signing.rules.max_request_bytes)?;
        self.out.as_deref().map_or(Ok(()), require_new)?;
        let ready = store.ready(signing)?;
        let out = self.out.as_deref().and_then(Path::parent).map(Path::to_owned);
        ready.protect(Needs { write: out.into_iter().collect(), ..Needs::default() }, false)?;
        let signer = ready.open()?;
        let answer = signer.answer(&request);
        // Whatever becomes of this: what was signed is in the journal, and the answer is owed.
        let closed = signer.close();
        match (answer.refusal, &self.out) {
            (Some(refusal), _) => {
                // Refused it is, even if nobody reads the answer.
                let _ = writeln!(stdout(), "{}", answer.text);
                tell_details(&refusal);
                Err(Error::Refused(refusal))
            }
            (None, Some(path)) => write_new(path, |file| writeln!(file, "{}", answer.text)),
            (None, None) => writeln!(stdout(), "{}", answer.text).map_err(Error::AnswerLost),
        }?;
        Ok(closed?)
    }
}
