//! `events`.

use super::show;
use super::{Setup, Shown};
use crate::control::{Answer, AskError, EventsAnswer, Request};
use crate::error::Error;
use crate::event::{self, EventRecord, Filter, HandoffFacts, Movement, TYPES, TransactionChange, UserFacts};
use crate::view::event::Event;
use clap::Args;
use clap::builder::PossibleValuesParser;
use serde::Serialize;
use stegos_common::address::{EncodedAddress, Network};
use stegos_common::hash::Hash;

/// List what happened, the oldest first: deposits, spends, handoffs, transactions, users, the node
#[derive(Args)]
#[command(after_help = "\
Events count from 1 without a gap. Where those behind --after are not kept any more, or there is no such
event, the exit code is 3.

Examples:
  output-explorer --network testnet events --after 1200
  output-explorer --network testnet events --type deposit.final,deposit.reverted --json")]
pub(super) struct Events {
    /// Go on behind the event with this id: the `next` of the page before
    #[arg(long, value_name = "ID", default_value_t = 0)]
    after: u64,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// Only events of these types
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',', value_parser = PossibleValuesParser::new(TYPES))]
    types: Vec<String>,
    #[command(flatten)]
    shown: Shown,
}

/// A page as it is printed.
#[derive(Serialize)]
struct Page {
    events: Vec<Event>,
    next: u64,
    first: u64,
    last: u64,
}

impl Events {
    pub(super) fn run(self, setup: &Setup) -> Result<(), Error> {
        let Self { after, limit, types, shown } = self;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let types = Filter::new(types).map_err(|unknown| AskError::Refused(unknown.to_string()))?;
        let request = Request::Events { after, types, limit };
        let Answer::Events(answer) = setup.ask(request)? else { return Err(Error::OtherAnswer) };
        let EventsAnswer { events, next, first, last } = answer;
        let network = setup.ledger.network;
        if shown.json {
            let events = events.into_iter().map(|record| Event::new(record, network)).collect();
            return show::json(&Page { events, next, first, last });
        }
        let mut table = show::table(&["id", "time", "type", "what"], &[0]);
        for EventRecord { id, time, event } in &events {
            table.add_row([id.to_string(), time.to_string(), event.kind().to_owned(), what(event, network)]);
        }
        show::print(&table)?;
        if next < last { show::line(&format!("next: {next}")) } else { Ok(()) }
    }
}

/// An event in one line.
fn what(event: &event::Event, network: Network) -> String {
    use event::Event::*;
    match event {
        DepositPrepared(it) | DepositFinal(it) | DepositReverted(it) => movement(it, '+'),
        SpendPrepared(it) | SpendFinal(it) | SpendReverted(it) => movement(it, '-'),
        HandoffCreated(it) | HandoffCancelled(it) | HandoffExpired(it) | HandoffRenewed(it) => {
            let HandoffFacts { number, purpose, inputs, amount, .. } = it;
            format!("handoff {number}: {purpose} of {amount} in {inputs} inputs")
        }
        TransactionChanged(TransactionChange { handoff, transaction, state }) => {
            format!("handoff {handoff}: transaction {} {state}", Hash::short(transaction))
        }
        UserAdded(user) | UserChanged(user) | UserArchived(user) => {
            let UserFacts { account, keys } = user;
            let current = keys.first().map(|key| EncodedAddress { network, key: *key });
            format!("{account} {}", show::or_dash(current))
        }
        NodeConnected { address } => address.clone(),
        NodeLost { address, reason } => format!("{address}: {reason}"),
        ChainReverted { epoch, offset, block_hash } => format!("block {epoch}/{offset} {block_hash}"),
        AlarmRaised(alarm) | AlarmEnded(alarm) => alarm.to_string(),
    }
}

fn movement(movement: &Movement, sign: char) -> String {
    let Movement { account, amount, output_hash, .. } = movement;
    format!("{account} {sign}{amount} in {} output {output_hash}", movement.position())
}
