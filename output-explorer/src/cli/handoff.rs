//! `handoff`: requests to the signer, and what is reserved for them.

use super::batch;
use super::show::{self, line};
use super::{Setup, Shown};
use crate::control::{Answer, Asker, HandoffAnswer, HandoffRequest, Request};
use crate::error::Error;
use crate::handoff::plan::{LeftOut, Sweep, Terms, Withdrawal};
use crate::handoff::record::Handoff;
use crate::settings::HandoffSettings;
use clap::{Args, Subcommand};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use stegos_common::address::Address;
use stegos_common::amount::Amount;
use tempfile::NamedTempFile;

/// More handoffs than this are shown as a table.
const IN_FULL: usize = 3;

/// Make requests to the signer, look at them, cancel them
#[derive(Subcommand)]
pub(super) enum Command {
    Sweep(Box<SweepArgs>),
    Withdraw(Box<WithdrawArgs>),
    List(List),
    Show(Show),
    Request(RequestArgs),
    Cancel(Cancel),
}

impl Command {
    pub(super) fn run(self, setup: Setup) -> Result<(), Error> {
        match self {
            Self::Sweep(sweep) => sweep.run(setup),
            Self::Withdraw(withdraw) => withdraw.run(setup),
            Self::List(list) => list.run(&setup),
            Self::Show(show) => show.run(&setup),
            Self::Request(request) => request.run(&setup),
            Self::Cancel(cancel) => cancel.run(&setup),
        }
    }
}

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
pub(super) struct SweepArgs {
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
    #[arg(long, value_name = "AMOUNT", default_value = "0.01 STG", value_parser = batch::with_unit)]
    min_amount: Amount,
    #[command(flatten)]
    terms: HandoffSettings,
    #[command(flatten)]
    out: Out,
}

impl SweepArgs {
    fn run(self, mut setup: Setup) -> Result<(), Error> {
        let terms = setup.terms(self.terms)?;
        let users = Some(self.users).filter(|_| !self.all);
        let sweep = Box::new(Sweep { users, to: self.to, min_amount: self.min_amount });
        made(&setup, HandoffRequest::Sweep { sweep, terms }, &self.out)
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
pub(super) struct WithdrawArgs {
    /// The recipient
    #[arg(long, value_name = "ADDRESS", required_unless_present = "batch", requires = "amount")]
    to: Option<Address>,
    /// How much, for example '12.5 STG'
    #[arg(long, value_name = "AMOUNT", value_parser = batch::with_unit)]
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
    fn run(self, mut setup: Setup) -> Result<(), Error> {
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
        made(&setup, HandoffRequest::Withdraw { withdrawals, terms }, &self.out)
    }
}

/// Asks for handoffs, writes their requests, and shows both.
fn made(setup: &Setup, request: HandoffRequest, out: &Out) -> Result<(), Error> {
    let mut asker = setup.asker()?;
    let HandoffAnswer::Made { handoffs, left_out } = asker.about_handoffs(request)? else {
        return Err(Error::OtherAnswer);
    };
    let mut written = Vec::new();
    for handoff in handoffs.iter().filter(|handoff| handoff.transaction.is_none() && handoff.ended.is_none())
    {
        let number = handoff.number;
        written.push(match asker.about_handoffs(HandoffRequest::Request { number })? {
            HandoffAnswer::Request { request } => write_request(&out.out, number, &request),
            _ => Err(Error::OtherAnswer),
        });
    }
    if out.shown.json {
        show::json(&HandoffAnswer::Made { handoffs, left_out })?;
        return written.into_iter().try_for_each(|file| file.map(drop));
    }
    if handoffs.len() > IN_FULL {
        table(&handoffs)?;
    } else {
        handoffs.iter().try_for_each(show_handoff)?;
    }
    if left_out != LeftOut::default() {
        line(&format!("left out: {left_out}"))?;
    }
    // All of them are made and shown, whatever file could not be written.
    written.into_iter().try_for_each(|file| line(&format!("written: {}", file?.display())))
}

/// Writes a request durably and in one step. One that is there already is the same one.
fn write_request(dir: &Path, number: u64, request: &str) -> Result<PathBuf, Error> {
    let path = dir.join(format!("handoff-{number}.request.json"));
    let failed = |source| Error::Request { path: path.clone(), number, source };
    let mut file = NamedTempFile::new_in(dir).map_err(failed)?;
    writeln!(file, "{request}").and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    if let Err(error) = file.persist_noclobber(&path) {
        let is_same = fs::read_to_string(&path).is_ok_and(|there| there.trim_end() == request);
        if !is_same {
            return Err(failed(error.error));
        }
    }
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed)?;
    Ok(path)
}

/// A handoff for review, in the words of the signer's `inspect`.
fn show_handoff(handoff: &Handoff) -> Result<(), Error> {
    let Handoff { number, purpose, expires, .. } = handoff;
    let is_open = handoff.transaction.is_none() && handoff.ended.is_none();
    let until = if is_open { format!(", reserved until {expires}") } else { String::new() };
    line(&format!("Handoff {number}, {purpose}, {}{until}", handoff.status()))?;
    let ids: Vec<&str> = handoff.outputs.iter().filter_map(|output| output.withdrawal.as_deref()).collect();
    if !ids.is_empty() {
        line(&format!("Withdrawals {}", ids.join(", ")))?;
    }
    line(&format!("\n{}\n", handoff.review()))
}

fn table(handoffs: &[Handoff]) -> Result<(), Error> {
    let mut table = show::table(
        &["handoff", "made", "for", "state", "inputs", "outputs", "fee", "transaction"],
        &[0, 4, 5, 6],
    );
    for handoff in handoffs {
        let review = handoff.review();
        table.add_row([
            handoff.number.to_string(),
            handoff.created.to_string(),
            handoff.purpose.to_string(),
            handoff.status().to_owned(),
            show::or_dash(review.inputs_total),
            show::or_dash(review.outputs_total),
            handoff.fee.to_string(),
            show::or_dash(handoff.transaction.as_ref().map(|transaction| transaction.id.short())),
        ]);
    }
    show::print(&table)
}

/// List handoffs, the youngest first
#[derive(Args)]
pub(super) struct List {
    /// Only those to which something may still happen
    #[arg(long)]
    live: bool,
    /// Go on before this number
    #[arg(long, value_name = "NUMBER")]
    before: Option<u64>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
    #[command(flatten)]
    shown: Shown,
}

impl List {
    fn run(self, setup: &Setup) -> Result<(), Error> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let request = HandoffRequest::List { before: self.before, live: self.live, limit };
        let HandoffAnswer::List { handoffs } = setup.asker()?.about_handoffs(request)? else {
            return Err(Error::OtherAnswer);
        };
        if self.shown.json {
            return show::json(&handoffs);
        }
        table(&handoffs)?;
        match handoffs.last().filter(|_| handoffs.len() == limit) {
            Some(last) => line(&format!("next: --before {}", last.number)),
            None => Ok(()),
        }
    }
}

/// Show a handoff, and what became of its transaction
#[derive(Args)]
pub(super) struct Show {
    /// Its number
    number: u64,
    #[command(flatten)]
    shown: Shown,
}

impl Show {
    fn run(self, setup: &Setup) -> Result<(), Error> {
        let handoff = setup.asker()?.handoff(HandoffRequest::Show { number: self.number })?;
        if self.shown.json { show::json(&handoff) } else { show_all(&handoff) }
    }
}

/// A handoff, its transaction and its history.
pub(super) fn show_all(handoff: &Handoff) -> Result<(), Error> {
    show_handoff(handoff)?;
    let Some(transaction) = &handoff.transaction else { return Ok(()) };
    line(&format!("Transaction {}", transaction.id))?;
    for step in &transaction.history {
        line(&format!("  {}  {}", step.time, step.state))?;
    }
    for claim in &transaction.certificates {
        let claim = serde_json::to_string(claim).map_err(io::Error::other)?;
        line(&format!("Certificate {claim}"))?;
    }
    Ok(())
}

/// Write the request of a handoff again
#[derive(Args)]
pub(super) struct RequestArgs {
    /// The handoff's number
    number: u64,
    /// Write it to handoff-NUMBER.request.json in this directory
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

impl RequestArgs {
    fn run(self, setup: &Setup) -> Result<(), Error> {
        let number = self.number;
        let HandoffAnswer::Request { request } =
            setup.asker()?.about_handoffs(HandoffRequest::Request { number })?
        else {
            return Err(Error::OtherAnswer);
        };
        let file = write_request(&self.out, number, &request)?;
        line(&format!("written: {}", file.display()))
    }
}

/// Give the inputs of an open handoff up
#[derive(Args)]
#[command(after_help = "\
Only where the signer's answer is not wanted any more: it is refused from then on. What the signer has
signed stays signed: it will not sign the same outputs away differently, so later handoffs leave them out
unless --spend-released true says that the signer never saw this one.")]
pub(super) struct Cancel {
    /// Its number
    number: u64,
}

impl Cancel {
    fn run(self, setup: &Setup) -> Result<(), Error> {
        setup.asker()?.handoff(HandoffRequest::Cancel { number: self.number })?;
        line(&format!("handoff {} cancelled", self.number))
    }
}

impl Asker {
    /// Asks about handoffs.
    pub(super) fn about_handoffs(&mut self, request: HandoffRequest) -> Result<HandoffAnswer, Error> {
        match self.ask(Request::Handoff(Box::new(request)))? {
            Answer::Handoff(answer) => Ok(*answer),
            _ => Err(Error::OtherAnswer),
        }
    }

    /// Asks for one handoff.
    pub(super) fn handoff(&mut self, request: HandoffRequest) -> Result<Handoff, Error> {
        match self.about_handoffs(request)? {
            HandoffAnswer::One { handoff } => Ok(handoff),
            _ => Err(Error::OtherAnswer),
        }
    }
}

impl Setup {
    /// How handoffs are made.
    fn terms(&mut self, flags: HandoffSettings) -> Result<Terms, Error> {
        flags.terms(std::mem::take(&mut self.handoff)).ok_or(Error::NoTreasury)
    }
}
