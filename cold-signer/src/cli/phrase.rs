//! `phrase show`: the recovery words, for human eyes only.
//!
//! It is the only command that prints a secret. Standard input must be a terminal too, so that no script
//! answers the question.

use super::StoreArgs;
use crate::error::Error;
use clap::Subcommand;
use std::io::{BufRead, IsTerminal, Read, Write, stdin, stdout};
use stegos_common::recovery;

const AFTER_HELP: &str = "\
The 24 words restore the master key and every account derived from it, not imported keys:
  cold-signer init --network testnet --restore-phrase

Example:
  cold-signer phrase show";

/// The recovery words of the master key
#[derive(Subcommand)]
pub(super) enum Phrase {
    /// Show the 24 words on the terminal, after a question; refused into a file or a pipe
    #[command(after_help = AFTER_HELP)]
    Show,
}

impl Phrase {
    pub(super) fn run(self, store: &StoreArgs) -> Result<(), Error> {
        let Self::Show = self;
        if !stdin().is_terminal() || !stdout().is_terminal() {
            return Err(Error::NotATerminal);
        }
        let keystore = store.open()?;
        let mut out = stdout().lock();
        writeln!(out, "Whoever sees the 24 words owns every account derived from the master key.")?;
        write!(out, "Nobody is looking, no camera, no screen sharing? Type `show` to see them: ")?;
        out.flush()?;
        let mut answer = String::new();
        stdin().lock().take(16).read_line(&mut answer)?;
        if answer.trim() != "show" {
            return Err(Error::NotConfirmed);
        }
        let words = recovery::to_phrase(&keystore.master().secret_key());
        for (index, word) in words.split_whitespace().enumerate() {
            let end = if index % 4 == 3 { "\n" } else { "" };
            write!(out, "{:>4}. {word:<10}{end}", index + 1)?;
        }
        writeln!(
            out,
            "Write them on paper in this order, then clear the screen. Imported keys are not covered."
        )?;
        Ok(())
    }
}
