//! `handoff sweep` and `handoff withdraw`.

use super::{show_handoff, table, write_request};
use crate::cli::batch;
use crate::cli::show::{self, line};
use crate::cli::{Setup, Shown};
use crate::control::{HandoffAnswer, HandoffRequest};
use crate::error::Error;
use crate::handoff::desk::Made;
use crate::handoff::plan::{LeftOut, Sweep, Terms, Withdrawal};
use crate::settings::HandoffSettings;
use clap::Args;
use std::path::PathBuf;
use stegos_common::address::Address;
use stegos_common::amount::Amount;

/// More handoffs than this are shown as a table.
const IN_FULL: usize = 3;

/// Where requests are written to.
#[derive(Args)]
struct Out {
    /// Write each request to handoff-NUMBER.request.json in this directory
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    #[command(flatten)]
    shown: Shown,
}

/// Gather users' outputs in few, of many users in one transaction
#[derive(Args)]
#[command(after_help = "\
The largest come first, 100 in a transaction; each costs a fee of 0.001 STG, which is taken from what is
gathered. Outputs below --min-amount stay where they are, and so do those that are reserved for another
handoff or not final yet: how many is shown. The users' keys add up to one signature, so the signer must
have them all.

Examples:
  output-explorer --network testnet handoff sweep --all --treasury hot
  output-explorer --network testnet handoff sweep --users alice,bob --treasury hot --out /media/stick")]
pub(in crate::cli) struct SweepArgs {
    /// These users' outputs only
    #[arg(long, value_name = "ACCOUNT", value_delimiter = ',', required_unless_present = "all")]
    users: Vec<String>,
    /// All users' outputs, except the treasury's
    #[arg(long, conflicts_with = "users")]
    all: bool,
    /// To this address instead of the treasury's first one
    #[arg(long, value_name = "ADDRESS")]
    to: Option<Address>,
    /// Leave smaller outputs where they are
    #[arg(long, value_name = "AMOUNT", default_value = "0.01 STG", value_parser = Amount::with_unit)]
    min_amount: Amount,
    #[command(flatten)]
    terms: HandoffSettings,
    #[command(flatten)]
    out: Out,
}

impl SweepArgs {
    pub(super) fn run(self, mut setup: Setup) -> Result<(), Error> {
        let terms = setup.terms(self.terms)?;
        let users = Some(self.users).filter(|_| !self.all);
        let sweep = Box::new(Sweep { users, to: self.to, min_amount: self.min_amount });
        made(&setup, HandoffRequest::Sweep { sweep, terms, key: None }, &self.out)
    }
}

/// Pay from the treasury
#[derive(Args)]
#[command(after_help = "\
Outputs are chosen so that no change is needed, where such a choice is found; otherwise the fewest. The
fee is 0.001 STG for each output; without change it may be up to 0.001 STG more. A batch has one payment
a line, 99 fit in a transaction, and all of them are handed off or none:

  payments.jsonl  {\"id\":\"w-1\",\"to\":\"dev1…\",\"amount\":\"12.5 STG\",\"private\":true,\"comment\":\"…\"}
  payments.csv    id,to,amount,private,comment,with_certificate
                  w-1,dev1…,12.5 STG,true,…,false

An amount that is a number is one of micro-STG. The same --id again, with the same payment, answers the
same handoff, and one that has expired gets its inputs back; with another payment it is an error. In a
batch every payment has an id. Without one, the same command again pays again.

Examples:
  output-explorer --network testnet handoff withdraw --to ADDRESS --amount '12.5 STG' --id w-1 --treasury hot
  output-explorer --network testnet handoff withdraw --batch payments.csv --treasury hot")]
pub(in crate::cli) struct WithdrawArgs {
    /// The recipient
    #[arg(long, value_name = "ADDRESS", required_unless_present = "batch", requires = "amount")]
    to: Option<Address>,
    /// How much, for example '12.5 STG'
    #[arg(long, value_name = "AMOUNT", value_parser = Amount::with_unit)]
    amount: Option<Amount>,
    /// Hide recipient and amount on the chain
    #[arg(long)]
    private: bool,
    /// What the recipient of a private payment is told
    #[arg(long, value_name = "TEXT", requires = "private")]
    comment: Option<String>,
    /// Make a private payment provable
    #[arg(long, requires = "private")]
    with_certificate: bool,
    /// By which you know this payment: the same id is never paid twice
    #[arg(long)]
    id: Option<String>,
    /// Many payments, from a file that ends in .jsonl or .csv
    #[arg(long, value_name = "FILE", conflicts_with_all = ["to", "amount", "private", "comment", "with_certificate", "id"])]
    batch: Option<PathBuf>,
    #[command(flatten)]
    terms: HandoffSettings,
    #[command(flatten)]
    out: Out,
}

impl WithdrawArgs {
    pub(super) fn run(self, mut setup: Setup) -> Result<(), Error> {
        let terms = setup.terms(self.terms)?;
        let withdrawals = match (self.batch, self.to, self.amount) {
            (Some(file), ..) => batch::read(&file)?,
            (None, Some(to), Some(amount)) => {
                let Self { id, private, comment, with_certificate, .. } = self;
                vec![Withdrawal { id, to, amount, private, comment, with_certificate }]
            }
            // The parser of the command line asks for them.
            _ => Vec::new(),
        };
        made(&setup, HandoffRequest::Withdraw { withdrawals, terms, key: None }, &self.out)
    }
}

/// Asks for handoffs, writes their requests, and shows both.
fn made(setup: &Setup, request: HandoffRequest, out: &Out) -> Result<(), Error> {
    let mut asker = setup.asker()?;
    let HandoffAnswer::Made(made) = asker.about_handoffs(request)? else {
        return Err(Error::OtherAnswer);
    };
    let mut written = Vec::new();
    let Made { handoffs, left_out, .. } = &made;
    for handoff in handoffs.iter().filter(|handoff| handoff.is_open()) {
        written.push(write_request(&mut asker, &out.out, handoff.number));
    }
    if out.shown.json {
        show::json(&HandoffAnswer::Made(made))?;
        return written.into_iter().try_for_each(|file| file.map(drop));
    }
    if handoffs.len() > IN_FULL {
        table(handoffs)?;
    } else {
        handoffs.iter().try_for_each(show_handoff)?;
    }
    if *left_out != LeftOut::default() {
        line(&format!("left out: {left_out}"))?;
    }
    // All of them are made and shown, whatever file could not be written.
    written.into_iter().try_for_each(|file| line(&format!("written: {}", file?.display())))
}

impl Setup {
    /// How handoffs are made.
    fn terms(&mut self, flags: HandoffSettings) -> Result<Terms, Error> {
        flags.terms(std::mem::take(&mut self.handoff)).ok_or(Error::NoTreasury)
    }
}
