//! `clock`: whether this host's clock is right, which nothing here can know.

use super::{StoreArgs, is_typed, say};
use crate::error::Error;
use crate::journal::show_time;
use crate::settings::Signing;
use clap::{Args, Subcommand};
use std::io::{Write, stdout};

/// The clock of this host
#[derive(Subcommand)]
pub(super) enum Command {
    Confirm(Confirm),
}

impl Command {
    pub(super) fn run(self, store: &StoreArgs) -> Result<(), Error> {
        match self {
            Self::Confirm(confirm) => confirm.run(store),
        }
    }
}

/// Confirm that the clock is right though it jumped, so that signing goes on
#[derive(Args)]
#[command(after_help = "\
Limits of a policy are about hours, days and weeks. Where the clock is further from the last signature than
the policy allows, an hour back or seven days forward by default, nothing is signed: whoever set it forward
would empty those limits. Compare it with a clock that you trust, then confirm. The confirmation is a record
of the journal. What left later than now, by a clock that was wrong, counts as if it had left now.

Examples:
  cold-signer clock confirm
  cold-signer clock confirm --yes")]
pub(super) struct Confirm {
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Confirm {
    fn run(self, store: &StoreArgs) -> Result<(), Error> {
        let signer = store.signer(Signing::default())?;
        let time = signer.time();
        if !self.yes {
            let last = signer.last_time().map_or_else(|| "none".to_owned(), show_time);
            let now = show_time(time);
            say(&format!("The last signature or confirmation: {last}\nThis host's clock: {now}"));
            if !is_typed("Is that clock right? Type \"yes\": ", "yes")? {
                return Err(Error::ClockNotConfirmed);
            }
        }
        signer.confirm_clock(time)?;
        signer.close()?;
        writeln!(stdout(), "confirmed: {}", show_time(time))?;
        Ok(())
    }
}
