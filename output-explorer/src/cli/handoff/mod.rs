//! `handoff`: requests to the signer, and what is reserved for them.

mod make;

use super::file::write_line;
use super::show::{self, line};
use super::{Setup, Shown};
use crate::control::{Answer, Asker, HandoffAnswer, HandoffRequest, Request};
use crate::error::Error;
use crate::handoff::record::Handoff;
use crate::ledger::handoffs::Which;
use clap::{Args, Subcommand};
use make::{SweepArgs, WithdrawArgs};
use std::path::{Path, PathBuf};
use std::{fs, io};
use stegos_common::spool::REQUEST;

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

/// A handoff for review, in the words of the signer's `inspect`.
fn show_handoff(handoff: &Handoff) -> Result<(), Error> {
    let Handoff { number, purpose, expires, .. } = handoff;
    let until = if handoff.is_open() { format!(", reserved until {expires}") } else { String::new() };
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
        let which = if self.live { Which::Live } else { Which::All };
        let request = HandoffRequest::List { before: self.before, which, limit };
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
        let file = write_request(&mut setup.asker()?, &self.out, self.number)?;
        line(&format!("written: {}", file.display()))
    }
}

/// Where the request of a handoff is written to.
pub(super) fn request_file(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("handoff-{number}{REQUEST}"))
}

/// Writes the request of an open handoff. A file that is there already must be the same one.
pub(super) fn write_request(asker: &mut Asker, dir: &Path, number: u64) -> Result<PathBuf, Error> {
    let HandoffAnswer::Request { request } = asker.about_handoffs(HandoffRequest::Request { number })? else {
        return Err(Error::OtherAnswer);
    };
    let path = request_file(dir, number);
    let is_there = || fs::read_to_string(&path).is_ok_and(|there| there.trim_end() == request);
    let written = write_line(&path, &request, |file| match file.persist_noclobber(&path) {
        Err(_) if is_there() => Ok(()),
        named => Ok(named.map(drop)?),
    });
    written.map(|()| path.clone()).map_err(|source| Error::Request { path, number, source })
}

/// Handoffs page by page, the youngest first.
pub(super) fn pages(asker: &mut Asker, which: Which) -> impl Iterator<Item = Result<Vec<Handoff>, Error>> {
    const PAGE: usize = 100;
    let (mut before, mut over) = (None, false);
    std::iter::from_fn(move || {
        if over {
            return None;
        }
        let handoffs = match asker.about_handoffs(HandoffRequest::List { before, which, limit: PAGE }) {
            Ok(HandoffAnswer::List { handoffs }) => Ok(handoffs),
            Ok(_) => Err(Error::OtherAnswer),
            Err(error) => Err(error),
        };
        over = !matches!(&handoffs, Ok(handoffs) if handoffs.len() == PAGE);
        before = handoffs.as_ref().ok().and_then(|handoffs| Some(handoffs.last()?.number));
        Some(handoffs)
    })
}

/// Give the inputs of a handoff up, and submit its transaction no more
#[derive(Args)]
#[command(after_help = "\
Only where the signer's answer is not wanted any more: it is refused from then on. A transaction that is in
no block is submitted no more, but whoever has its bytes still can. What the signer has
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
