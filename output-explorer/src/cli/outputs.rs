//! `outputs`, `history`, `output` and `outputs-list`.

use super::show::{self, line};
use super::{PageArgs, Setup, Shown};
use crate::control::{Answer, BlockRow, Event, Finality, OutputRow, Request, State};
use crate::error::Error;
use crate::ledger::record::What;
use clap::Args;
use stegos_common::hash::Hash;

/// List a user's public outputs in the order in which they were made
#[derive(Args)]
#[command(after_help = "\
Positions are EPOCH/OFFSET of a micro block, or EPOCH where the micro block was not seen.

Examples:
  output-explorer --network testnet outputs alice
  output-explorer --network testnet outputs alice --state all --limit 1000 --json")]
pub(super) struct Outputs {
    /// The account id
    account: String,
    /// Which of them
    #[arg(long, value_enum, default_value_t = State::Unspent)]
    state: State,
    /// Only those of which all that is known is final, or something can still be taken back
    #[arg(long, value_enum)]
    finality: Option<Finality>,
    /// Only those made in this epoch or later
    #[arg(long, value_name = "EPOCH", default_value_t = 0)]
    since: u64,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    shown: Shown,
}

impl Outputs {
    pub(super) fn run(self, setup: &Setup) -> Result<(), Error> {
        let (after, limit) = (self.page.after, self.page.limit());
        let Self { account, state, finality, since, .. } = self;
        let request = Request::Outputs { account, state, finality, since, after, limit };
        let Answer::Outputs(page) = setup.ask(request)? else { return Err(Error::OtherAnswer) };
        if self.shown.json {
            return show::json(&page);
        }
        let mut table = show::table(&["created", "state", "amount", "output", "spent"], &[2]);
        for row in &page.rows {
            table.add_row([
                show::position(&row.created),
                row.created.finality.to_string(),
                show::or_dash(row.amount),
                row.output_hash.to_string(),
                row.spent
                    .as_ref()
                    .map_or("-".to_owned(), |spent| format!("{} {}", show::position(spent), spent.finality)),
            ]);
        }
        show::print(&table)?;
        show::next(page.next)
    }
}

/// List what happened to a user's public outputs, the oldest first
#[derive(Args)]
#[command(after_help = "\
The time is that of the micro block while it is prepared, and then of the macro block.

Example:
  output-explorer --network testnet history alice")]
pub(super) struct History {
    /// The account id
    account: String,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    shown: Shown,
}

impl History {
    pub(super) fn run(self, setup: &Setup) -> Result<(), Error> {
        let (after, limit) = (self.page.after, self.page.limit());
        let request = Request::History { account: self.account, after, descending: false, limit };
        let Answer::History(page) = setup.ask(request)? else { return Err(Error::OtherAnswer) };
        if self.shown.json {
            return show::json(&page);
        }
        let mut table =
            show::table(&["time", "position", "state", "what", "amount", "output", "transaction"], &[4]);
        for row in &page.rows {
            let (what, sign) = match row.what {
                What::Deposit => ("deposit", "+"),
                What::Spend => ("spend", "-"),
            };
            table.add_row([
                show::or_dash(row.time),
                show::position(&row.event),
                row.event.finality.to_string(),
                what.to_owned(),
                row.amount.map_or("-".to_owned(), |amount| format!("{sign}{amount}")),
                row.output_hash.to_string(),
                show::transaction(&row.event),
            ]);
        }
        show::print(&table)?;
        show::next(page.next)
    }
}

/// Show all that is known about one output
#[derive(Args)]
pub(super) struct Output {
    /// The output's id, 64 hex digits
    #[arg(value_name = "HASH")]
    output_hash: Hash,
    #[command(flatten)]
    shown: Shown,
}

impl Output {
    pub(super) fn run(self, setup: &Setup) -> Result<(), Error> {
        let request = Request::Output { output_hash: self.output_hash };
        let Answer::Output(answer) = setup.ask(request)? else { return Err(Error::OtherAnswer) };
        if self.shown.json {
            return show::json(&answer);
        }
        let OutputRow { output_hash, kind, recipient, amount, created, spent } = &answer.output;
        line(&format!("output       {output_hash}"))?;
        line(&format!("kind         {}", format!("{kind:?}").to_lowercase()))?;
        line(&format!("recipient    {}", show::or_dash(*recipient)))?;
        line(&format!("user         {}", show::or_dash(answer.account.as_ref())))?;
        line(&format!("amount       {}", show::or_dash(*amount)))?;
        show_event("created", Some(created), answer.created_block)?;
        show_event("spent", spent.as_ref(), answer.spent_block)
    }
}

fn show_event(name: &str, event: Option<&Event>, block: Option<BlockRow>) -> Result<(), Error> {
    let Some(event) = event else { return line(&format!("{name:<12} no")) };
    line(&format!("{name:<12} {} {}", show::position(event), event.finality))?;
    line(&format!(
        "  in         {}",
        show::or_dash(event.transaction.map(|id| format!("transaction {id}")))
    ))?;
    let block = block.map(|block| format!("block {} of {}", block.block_hash, block.time));
    line(&format!("  in         {}", show::or_dash(block)))
}

/// Print the blobs of public outputs, as a node answers `outputs_list`
#[derive(Args)]
#[command(after_help = "\
All or nothing: one id that is unknown, or whose blob is not kept, is an error.

Example:
  output-explorer --network testnet outputs-list 33a3362aa631a9e6bff4d7c492c97112e0699917f9c3a236711ed3cb3f7281f3")]
pub(super) struct OutputsList {
    /// Ids of outputs, 64 hex digits each
    #[arg(value_name = "HASH", required = true)]
    utxos: Vec<Hash>,
}

impl OutputsList {
    pub(super) fn run(self, setup: &Setup) -> Result<(), Error> {
        let answer = setup.ask(Request::OutputsList { utxos: self.utxos })?;
        // The answer is the documented message itself, its type included.
        show::json(&answer)
    }
}
