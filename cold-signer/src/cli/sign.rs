//! `sign`: the same as over the socket, from a file.

use super::StoreArgs;
use super::file::{read_text, require_new, write_new};
use crate::error::Error;
use crate::settings::{RuleSettings, Settings};
use clap::Args;
use std::io::{Write, stdout};
use std::path::PathBuf;

const AFTER_HELP: &str = "\
The request is the JSON of create_raw_transaction, as it would be sent over the socket; the answer is
the same too. A refused request is answered on standard output with its code, and exit code 3. The same
request again gets the same answer: what was signed is in the journal before it leaves.

Examples:
  cold-signer inspect request.json
  cold-signer sign request.json --out response.json";

/// Sign a request from a file
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Sign {
    /// The file with the request
    request: PathBuf,
    /// Write the answer to this file, which must not exist yet, instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    rules: RuleSettings,
}

impl Sign {
    pub(super) fn run(self, store: &StoreArgs, settings: Settings) -> Result<(), Error> {
        let rules = self.rules.rules(&settings.rules);
        let request = read_text(&self.request, rules.max_request_bytes)?;
        self.out.as_deref().map_or(Ok(()), require_new)?;
        let signer = store.signer(rules)?;
        let answer = signer.answer(&request);
        // Whatever becomes of this: what was signed is in the journal, and the answer is owed.
        let closed = signer.close();
        match (answer.refusal, &self.out) {
            (Some(refusal), _) => {
                // Refused it is, even if nobody reads the answer.
                let _ = writeln!(stdout(), "{}", answer.text);
                Err(Error::Refused(refusal))
            }
            (None, Some(path)) => write_new(path, |file| writeln!(file, "{}", answer.text)),
            (None, None) => writeln!(stdout(), "{}", answer.text).map_err(Error::AnswerLost),
        }?;
        Ok(closed?)
    }
}
