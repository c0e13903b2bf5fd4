//! `balance`: what a user has.

use super::{Setup, Shown, show};
use crate::control::{Answer, Request};
use crate::error::Error;
use crate::ledger::record::Balance as Sums;
use clap::Args;

const AFTER_HELP: &str = "\
final     after the last macro block: cannot be taken back
prepared  after the last micro block: may be

Examples:
  output-explorer --network testnet balance alice
  output-explorer --network testnet balance alice --at-epoch 1200 --json";

/// Show what a user has in public outputs, now or at the end of an epoch
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Balance {
    /// The account id
    account: String,
    /// At the end of this epoch
    #[arg(long, value_name = "EPOCH")]
    at_epoch: Option<u64>,
    #[command(flatten)]
    shown: Shown,
}

impl Balance {
    pub(super) fn run(self, setup: &Setup) -> Result<(), Error> {
        let Self { account, at_epoch, shown } = self;
        match setup.ask(Request::Balance { account, at_epoch })? {
            Answer::Balance(answer) if shown.json => show::json(&answer),
            Answer::BalanceAt(answer) if shown.json => show::json(&answer),
            Answer::Balance(answer) => {
                let mut table =
                    show::table(&["address", "final", "outputs", "prepared", "outputs"], &[1, 2, 3, 4]);
                let rows = answer.addresses.iter().map(|row| (row.address.to_string(), row.balance));
                let own = (answer.own_private != Sums::default())
                    .then(|| ("private, known from own transactions".to_owned(), answer.own_private));
                for (address, balance) in rows.chain([(answer.account.clone(), answer.balance)]).chain(own) {
                    let (settled, prepared) = (balance.settled, balance.prepared);
                    table.add_row([
                        address,
                        settled.amount.to_string(),
                        settled.outputs.to_string(),
                        prepared.amount.to_string(),
                        prepared.outputs.to_string(),
                    ]);
                }
                show::print(&table)
            }
            Answer::BalanceAt(answer) => {
                let title = format!("final after epoch {}", answer.epoch);
                let mut table = show::table(&["address", &title, "outputs"], &[1, 2]);
                let rows = answer.addresses.iter().map(|row| (row.address.to_string(), row.sum));
                for (address, sum) in rows.chain([(answer.account.clone(), answer.sum)]) {
                    table.add_row([address, sum.amount.to_string(), sum.outputs.to_string()]);
                }
                show::print(&table)
            }
            _ => Err(Error::OtherAnswer),
        }
    }
}
