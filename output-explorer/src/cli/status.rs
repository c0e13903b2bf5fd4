//! `status`: where ledger and node are. `accept-journal`: what it shows of the signer is as it should be.

use super::show::{self, line};
use super::{Setup, Shown};
use crate::control::{Answer, HandoffAnswer, HandoffRequest, Lag, LinkStatus, Request, StatusAnswer, Via};
use crate::error::Error;
use clap::Args;

/// Show where the ledger is, how far the node is ahead, and what the whole chain adds up to
#[derive(Args)]
pub(super) struct Status {
    #[command(flatten)]
    shown: Shown,
}

impl Status {
    pub(super) fn run(self, setup: &Setup) -> Result<(), Error> {
        let Answer::Status(status) = setup.ask(Request::Status)? else { return Err(Error::OtherAnswer) };
        if self.shown.json {
            return show::json(&status);
        }
        let StatusAnswer { network, epoch, offset, public, private_outputs, stakes, signer_journal, .. } =
            &*status;
        if let Some(alarm) = signer_journal.alarm {
            line(&format!("ALARM        {alarm}; see `accept-journal --help`"))?;
        }
        line(&format!("network      {network}"))?;
        line(&format!("ledger       epoch {epoch}, offset {offset}"))?;
        line(&format!("last block   {}", show::or_dash(status.last_block_hash)))?;
        line(&format!("made         {}", show::or_dash(status.last_block_time)))?;
        line(&format!("final        {}", show::sum(&public.settled)))?;
        line(&format!("prepared     {}", show::sum(&public.prepared)))?;
        line(&format!("private      {private_outputs} outputs"))?;
        line(&format!("stakes       {stakes} outputs"))?;
        if let Some(known) = signer_journal.known {
            line(&format!("signer       {} journal records, head {}", known.count, known.head))?;
        }
        match &status.node {
            None => line("node         not followed: `run` is not running"),
            Some(node) => show_node(node, status.lag),
        }
    }
}

/// End the alarm about the signer's journal
#[derive(Args)]
#[command(after_help = "\
The signer's answers say how many records its journal has. An alarm says that there were more before: the
signer runs on an old copy of its store, or two signers run on copies of it, and it may sign away what it
signed away already. Stop the signer and find out why. Where it was restored on purpose, and the journal
cannot be had back, this takes it as it is, before or after the alarm: compare `cold-signer journal list`
with `transaction list` first.

Example:
  output-explorer --network testnet accept-journal")]
pub(super) struct AcceptJournal {}

impl AcceptJournal {
    pub(super) fn run(self, setup: &Setup) -> Result<(), Error> {
        match setup.asker()?.about_handoffs(HandoffRequest::AcceptJournal)? {
            HandoffAnswer::JournalAccepted => {
                line("taken as it is: the answer to the next handoff tells where it is")
            }
            _ => Err(Error::OtherAnswer),
        }
    }
}

fn show_node(node: &LinkStatus, lag: Option<Lag>) -> Result<(), Error> {
    if let Some(Via { from, connected, change, newest, .. }) = &node.via {
        let state = if *connected { "connected" } else { "NOT CONNECTED" };
        line(&format!("copy of      {from} {state}"))?;
        line(&format!("copied       change {change} of {}", show::or_dash(*newest)))?;
    }
    let state = if node.connected { "connected" } else { "NOT CONNECTED" };
    line(&format!("node         {} {state}", node.address))?;
    if let (Some(epoch), Some(offset)) = (node.epoch, node.offset) {
        let behind = if node.is_synchronized == Some(false) { ", behind the network" } else { "" };
        line(&format!("node is at   epoch {epoch}, offset {offset}{behind}"))?;
    }
    if let Some(Lag { epochs, micro_blocks }) = lag {
        line(&format!("lag          {epochs} epochs, {micro_blocks} micro blocks"))?;
    }
    if let Some(error) = &node.last_error {
        line(&format!("last loss    {error}"))?;
    }
    if let Some(fault) = &node.last_fault {
        line(&format!("node faults  {}, the last: {fault}", node.faults))?;
    }
    Ok(())
}
