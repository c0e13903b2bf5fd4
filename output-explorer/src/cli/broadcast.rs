//! `broadcast` and `transaction`: what the signer answered, on its way into a block.

use super::export::Export;
use super::file::read_text;
use super::handoff::show_all;
use super::show::{self, line};
use super::{Setup, Shown, say};
use crate::control::{Answer, Asker, HandoffAnswer, HandoffRequest, Request};
use crate::error::Error;
use crate::handoff::record::{Handoff, State};
use crate::ledger::handoffs::Which;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};
use stegos_common::hash::Hash;

/// No answer of a signer is longer, in bytes.
pub(super) const MAX_ANSWER: u64 = 4 << 20;

/// How often the state is asked for while it is waited for.
const PACE: Duration = Duration::from_millis(200);

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Until {
    /// It is in a block
    Prepared,
    /// It is in a macro block, and cannot be taken back
    Final,
}

/// Take what the signer answered, and send the transaction to the node
#[derive(Args)]
#[command(after_help = "\
The answer must belong to a handoff and do exactly what that asked for. It is stored first; `run` submits
it, again after a restart or where a block was taken back, until it is in a macro block, and always the
same bytes. The same answer again changes nothing and shows how far it is.

Exit code 7 says that the transaction will not be included: it was rejected, or an input was spent by another.

Examples:
  output-explorer --network testnet broadcast handoff-17.response.json --wait final")]
pub(super) struct Broadcast {
    /// The file with the signer's answer
    response: PathBuf,
    /// Wait until it is there; each new state is shown
    #[arg(long, value_enum, value_name = "STATE")]
    wait: Option<Until>,
    /// Wait for so many seconds at most
    #[arg(long, value_name = "N", default_value_t = 86_400, requires = "wait",
        value_parser = clap::value_parser!(u32).range(1..=31_536_000))]
    timeout_seconds: u32,
    #[command(flatten)]
    shown: Shown,
}

impl Broadcast {
    pub(super) fn run(self, setup: &Setup) -> Result<(), Error> {
        let answer = read_text(&self.response, MAX_ANSWER)?;
        let mut asker = setup.asker()?;
        let mut handoff = asker.handoff(HandoffRequest::Broadcast { answer, again: true })?;
        tell_if_not_followed(&asker);
        tell_alarm(&mut asker)?;
        if let Some(until) = self.wait {
            if asker.has_ledger() {
                return Err(Error::NotFollowed(handoff.number));
            }
            handoff = self.wait(&mut asker, handoff, until)?;
        }
        if self.shown.json {
            show::json(&handoff)?;
        } else {
            show_all(&handoff)?;
        }
        require_alive(&handoff)
    }

    fn wait(&self, asker: &mut Asker, mut handoff: Handoff, until: Until) -> Result<Handoff, Error> {
        let deadline = Instant::now() + Duration::from_secs(self.timeout_seconds.into());
        let mut shown = 0;
        loop {
            let Some(transaction) = &handoff.transaction else { return Ok(handoff) };
            for step in transaction.history.iter().skip(shown) {
                say(&format!("{}  {}", step.time, step.state));
            }
            shown = transaction.history.len();
            let state = transaction.state();
            let arrived = match until {
                Until::Prepared => matches!(state, State::Prepared { .. }),
                Until::Final => false,
            };
            if arrived || state.is_over() || state.is_failure() {
                return Ok(handoff);
            }
            if Instant::now() >= deadline {
                return Err(Error::NotYet { number: handoff.number, state: state.to_string() });
            }
            sleep(PACE);
            handoff = asker.handoff(HandoffRequest::Show { number: handoff.number })?;
        }
    }
}

/// What is stored is submitted by `run`.
pub(super) fn tell_if_not_followed(asker: &Asker) {
    if asker.has_ledger() {
        say("stored; `run` is not running, and will submit it when it does");
    }
}

/// Whoever brings answers hears that the signer forgot something.
pub(super) fn tell_alarm(asker: &mut Asker) -> Result<(), Error> {
    let Answer::Status(status) = asker.ask(Request::Status)? else { return Err(Error::OtherAnswer) };
    if let Some(alarm) = status.signer_journal.alarm {
        say(&format!("ALARM: {alarm}; see `accept-journal --help`"));
    }
    Ok(())
}

/// A transaction that will not be included is a failure.
fn require_alive(handoff: &Handoff) -> Result<(), Error> {
    match handoff.transaction.as_ref().map(|transaction| transaction.state()) {
        Some(state) if state.is_failure() => {
            Err(Error::NotIncluded { number: handoff.number, state: state.to_string() })
        }
        _ => Ok(()),
    }
}

/// Look at signed transactions
#[derive(Subcommand)]
pub(super) enum Transaction {
    List(List),
    Show(Show),
    Export(Export),
}

impl Transaction {
    pub(super) fn run(self, setup: &Setup) -> Result<(), Error> {
        match self {
            Self::List(list) => list.run(setup),
            Self::Show(show) => show.run(setup),
            Self::Export(export) => export.run(setup),
        }
    }
}

/// List signed transactions and what became of them, the youngest handoff first
#[derive(Args)]
pub(super) struct List {
    /// Go on before this handoff
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
        let request = HandoffRequest::List { before: self.before, which: Which::Signed, limit };
        let HandoffAnswer::List { handoffs } = setup.asker()?.about_handoffs(request)? else {
            return Err(Error::OtherAnswer);
        };
        if self.shown.json {
            return show::json(&handoffs);
        }
        let mut table = show::table(&["handoff", "transaction", "state"], &[0]);
        for (handoff, transaction) in
            handoffs.iter().filter_map(|handoff| Some((handoff, handoff.transaction.as_ref()?)))
        {
            let (number, id) = (handoff.number.to_string(), transaction.id.to_string());
            table.add_row([number, id, transaction.state().to_string()]);
        }
        show::print(&table)?;
        match handoffs.last().filter(|_| handoffs.len() == limit) {
            Some(last) => line(&format!("next: --before {}", last.number)),
            None => Ok(()),
        }
    }
}

/// Show a signed transaction with all that happened to it
#[derive(Args)]
pub(super) struct Show {
    /// The transaction's id, 64 hex digits
    id: Hash,
    #[command(flatten)]
    shown: Shown,
}

impl Show {
    fn run(self, setup: &Setup) -> Result<(), Error> {
        let handoff = setup.asker()?.handoff(HandoffRequest::Transaction { id: self.id })?;
        if self.shown.json { show::json(&handoff) } else { show_all(&handoff) }
    }
}
